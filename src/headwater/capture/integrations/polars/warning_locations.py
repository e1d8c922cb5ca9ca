"""Keeps polars' warnings attributed to the user's line.

polars counts the frames in its own folder to find that line, and a wrapper between two of them would end the count.
"""

from __future__ import annotations

import sys
from types import FunctionType
from typing import Final

from headwater.capture.hooks import Hooks
from headwater.capture.wrapper_frames import FILENAME

_PLACES: Final = ("polars._warnings", "polars._utils.various", "polars.utils.various")
"""The modules in which versions of polars define the function."""


def install(hooks: Hooks) -> None:
    """Replace the code of ``find_stacklevel``, and not the function, which polars imports by name everywhere."""
    for place in _PLACES:
        function = getattr(sys.modules.get(place), "find_stacklevel", None)
        if isinstance(function, FunctionType) and function.__module__ == place:
            _replace(hooks, function)


def _replace(hooks: Hooks, function: FunctionType) -> None:
    before = function.__code__
    constants = tuple(FILENAME if item == "FILENAME" else item for item in _stack_level.__code__.co_consts)
    function.__code__ = _stack_level.__code__.replace(co_consts=constants)

    def restore() -> None:
        function.__code__ = before

    hooks.on_remove(restore)


def _stack_level() -> int:
    """Runs in place of polars' function, with its globals. ``"FILENAME"`` is replaced by that of our wrappers."""
    import os
    import sys

    import polars

    own = os.path.dirname(polars.__file__)  # noqa: PTH120 - the fast one: this may run often
    frame = sys._getframe(0).f_back
    count = 1
    while frame is not None:
        code = frame.f_code
        if code.co_filename == "FILENAME":
            pass
        elif code.co_filename.startswith(own) or getattr(code, "co_qualname", "").startswith("singledispatch."):
            count += 1
        else:
            break
        frame = frame.f_back
    return count
