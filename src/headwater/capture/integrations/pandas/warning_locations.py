"""Keeps pandas' warnings attributed to the user's line, and chained-assignment warnings accurate.

A wrapper between the user's code and pandas disturbs two checks: pandas counts the frames in its own folder to find the
user's line, and counts references to find out whether an object is used elsewhere.
"""

from __future__ import annotations

import functools
import sys
from types import FunctionType
from typing import Any, Final

from headwater.capture.hooks import Hooks, observe
from headwater.capture.wrapper_frames import FILENAME, unseen

COUNTING: Final = {
    "pandas.core.generic": ("REF_COUNT_METHOD", True),
    "pandas.core.frame": ("REF_COUNT_METHOD", False),
    "pandas.core.series": ("REF_COUNT_METHOD", False),
}
"""For each module, its limit of references, and whether its methods take ``inplace`` by keyword."""
COUNTING_2: Final = {"pandas.core.generic": ("REF_COUNT", True)}
"""The same for pandas 2, where ``update`` shares its limit with ``__setitem__`` and so has no wrapper."""


def shares_limits() -> bool:
    """Whether this is pandas 2, where a method's limit is also that of ``__setitem__``."""
    frame = sys.modules.get("pandas.core.frame")
    return hasattr(frame, "REF_COUNT") and not hasattr(frame, "REF_COUNT_METHOD")


def install(hooks: Hooks) -> None:
    """Adjust both counts."""
    _count_frames_without_ours(hooks)
    _count_references_without_ours(hooks)


def _count_frames_without_ours(hooks: Hooks) -> None:
    """Replace the code of ``find_stack_level``, and not the function, which pandas imports by name everywhere."""
    from pandas.util import _exceptions  # type: ignore[attr-defined]

    function: FunctionType = _exceptions.find_stack_level
    before = function.__code__
    function.__code__ = _stack_level.__code__.replace(
        co_consts=tuple(FILENAME if item == "FILENAME" else item for item in _stack_level.__code__.co_consts)
    )

    def restore() -> None:
        function.__code__ = before

    hooks.on_remove(restore)


def _stack_level() -> int:
    """Runs in place of pandas' function, with its globals. ``"FILENAME"`` is replaced by that of our wrappers."""
    import os
    import sys

    import pandas

    own = os.path.dirname(pandas.__file__) + os.sep  # noqa: PTH120 - the fast one: this may run often
    tests = os.path.join(own, "tests") + os.sep  # noqa: PTH118 - likewise
    frame = sys._getframe(0).f_back
    count = 1
    while frame is not None:
        name = frame.f_code.co_filename
        if name == "FILENAME":
            pass
        elif name.startswith(own) and not name.startswith(tests):
            count += 1
        else:
            break
        frame = frame.f_back
    return count


class _Probe:
    def held(self, inplace: bool = False) -> int:
        """References to an object that only this call knows."""
        return sys.getrefcount(self)


def _count_references_without_ours(hooks: Hooks) -> None:
    """In-place methods consider an object with few references part of a chain. A wrapper holds one more reference, and
    Python another if there are keywords: the number is measured, and the limit raised by it. All methods that use the
    limit have a wrapper."""

    def nothing(*args: Any) -> None:
        return None

    stood_in: Any = unseen(observe(_Probe.held, nothing, "probe"))
    probe = type("Probe", (), {"held": stood_in})
    plain = _Probe().held()
    for name, (limit, with_keywords) in (COUNTING_2 if shares_limits() else COUNTING).items():
        module = sys.modules.get(name)
        before = getattr(module, limit, None)
        if module is None or not isinstance(before, int):
            continue
        held = probe().held(inplace=True) if with_keywords else probe().held()
        setattr(module, limit, before + held - plain)
        hooks.on_remove(functools.partial(setattr, module, limit, before))
