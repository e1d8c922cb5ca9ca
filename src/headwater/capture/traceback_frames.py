"""Leaves our frames out of the tracebacks that the program formats itself.

``traceback.print_exc()``, ``logger.exception(...)`` and libraries that quote an error in a warning show every frame
that the exception went through, wrappers of ours included. Only what walks a traceback to format it is changed; the
traceback itself is left as it is. An error that ends a thread is printed without that module before Python 3.13: our
frames are taken out of its traceback first, as of that which ends the program.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import CodeType, ModuleType, TracebackType
from typing import Any, Final

from headwater.capture.caller_frame import is_call
from headwater.capture.guard import GUARD
from headwater.capture.imports import FRAMES, when_imported

_OWN_FOLDERS: Final = (os.path.dirname(__file__) + os.sep, "<observed by ")  # noqa: PTH120 - a string compare a frame
_WALKERS: Final = ("walk_tb", "_walk_tb_with_full_positions")
"""The generators that the module ``traceback`` walks a traceback with: of pairs of a frame and its place."""


def is_ours(code: CodeType) -> bool:
    """Whether a frame with this code is one of ours."""
    return code.co_filename.startswith(_OWN_FOLDERS) or code in FRAMES or is_call(code)


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
    leave_threads = _hide_in_threads()

    def undo() -> None:
        forget()
        leave_threads()
        for name, original in before.items():
            if getattr(getattr(sys.modules["traceback"], name, None), "__wrapped__", None) is original:
                setattr(sys.modules["traceback"], name, original)
        before.clear()

    return undo


def _hide_in_threads() -> Callable[[], None]:
    """Take our frames out of the errors that end the threads begun from now on. Returns a function that undoes it."""
    module: Any = threading
    original = getattr(module, "_make_invoke_excepthook", None)
    if original is None:
        return lambda: None

    @functools.wraps(original)
    def make() -> Callable[[threading.Thread], None]:
        invoke: Callable[[threading.Thread], None] = original()

        def invoke_cleaned(thread: threading.Thread) -> None:
            error = sys.exc_info()[1]
            if error is not None:
                with GUARD.at("traceback"):
                    without_our_frames(error)
            invoke(thread)

        return invoke_cleaned

    module._make_invoke_excepthook = make

    def undo() -> None:
        if module._make_invoke_excepthook is make:
            module._make_invoke_excepthook = original

    return undo


def _without_ours(original: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    @functools.wraps(original)
    def walk(*args: Any, **kwargs: Any) -> Iterator[Any]:
        for item in original(*args, **kwargs):
            if not is_ours(item[0].f_code):
                yield item

    return walk


def without_our_frames(error: BaseException) -> None:
    """Remove our own frames from the tracebacks of an exception and of those that led to it."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        item = waiting.pop()
        if item is None or id(item) in seen:
            continue
        seen.add(id(item))
        item.__traceback__ = cleaned(item.__traceback__)
        waiting += [item.__cause__, item.__context__]
        if isinstance(item, BaseExceptionGroup):
            waiting += item.exceptions


def cleaned(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without our frames."""
    kept = []
    while trace is not None:
        if not is_ours(trace.tb_frame.f_code):
            kept.append(trace)
        trace = trace.tb_next
    made: TracebackType | None = None
    for item in reversed(kept):
        made = TracebackType(made, item.tb_frame, item.tb_lasti, item.tb_lineno)
    return made
