"""Leaves our frames out of the tracebacks that the program formats itself.

``traceback.print_exc()``, ``logger.exception(...)`` and libraries that quote an error in a warning show every frame
that the exception went through, wrappers of ours included. Only what walks a traceback to format it is changed; the
traceback itself is left as it is.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from types import CodeType, ModuleType
from typing import Any, Final

from headwater.capture.imports import FRAMES, when_imported

_OWN_FOLDERS: Final = (os.path.dirname(__file__) + os.sep, "<observed by ")  # noqa: PTH120 - a string compare a frame
_WALKERS: Final = ("walk_tb", "_walk_tb_with_full_positions")
"""The generators that the module ``traceback`` walks a traceback with: of pairs of a frame and its place."""


def is_ours(code: CodeType) -> bool:
    """Whether a frame with this code is one of ours."""
    return code.co_filename.startswith(_OWN_FOLDERS) or code in FRAMES


def hide_ours() -> Callable[[], None]:
    """Leave our frames out of what ``traceback`` formats, once it has been imported. Returns a function that undoes
    it."""
    before: dict[str, Any] = {}

    def changed(module: ModuleType) -> None:
        for name in _WALKERS:
            original = getattr(module, name, None)
            if original is not None and name not in before:
                before[name] = original
                setattr(module, name, _without_ours(original))

    forget = when_imported("traceback", changed)

    def undo() -> None:
        forget()
        for name, original in before.items():
            if getattr(getattr(sys.modules["traceback"], name, None), "__wrapped__", None) is original:
                setattr(sys.modules["traceback"], name, original)
        before.clear()

    return undo


def _without_ours(original: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    @functools.wraps(original)
    def walk(*args: Any, **kwargs: Any) -> Iterator[Any]:
        for item in original(*args, **kwargs):
            if not is_ours(item[0].f_code):
                yield item

    return walk
