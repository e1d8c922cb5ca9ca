"""Wrappers through which duckdb still sees the variables of the user's frame."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any, Final

from headwater.capture import context
from headwater.capture.caller_frame import call_as, variables
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY, Hooks
from headwater.capture.recorder import Recorder
from headwater.capture.wrapper_frames import USERS_CODE, unseen
from headwater.model.patterns import lazy_pattern

WORD: Final = lazy_pattern(r"[^\W\d]\w*")
"""Matches possible names of variables."""


class Call:
    """One call by the user. ``owner`` is the connection or relation, or the module for one of its functions; ``args``
    do not include it. ``local`` has those variables of the calling function that a string among the arguments
    names."""

    __slots__ = ("args", "frame", "kwargs", "local", "name", "owner")

    def __init__(
        self,
        name: str,
        owner: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        frame: FrameType,
        local: dict[str, Any],
    ) -> None:
        self.name = name
        self.owner = owner
        self.args = args
        self.kwargs = kwargs
        self.frame = frame
        self.local = local

    def argument(self, position: int, *names: str) -> Any:
        """An argument by position or by one of its names; None if it was not given."""
        if len(self.args) > position:
            return self.args[position]
        return next((self.kwargs[name] for name in names if name in self.kwargs), None)


Handler = Callable[[Recorder, Any, Call], None]
"""``handler(recorder, result, call)``."""


def hook(hooks: Hooks, owner: Any, names: Iterable[str], handler: Handler, *, module: Any = None) -> None:
    """Call ``handler`` after each outermost call of those of ``names`` that this version has."""
    for name in names:
        if hasattr(owner, name):
            hooks.replace(owner, name, functools.partial(_stand_in, name=name, handler=handler, module=module))


def _words(arguments: tuple[Any, ...]) -> set[str]:
    """The words in the strings among the arguments."""
    return {word for item in arguments if isinstance(item, str) for word in WORD.findall(item)}


def _stand_in(original: Callable[..., Any], *, name: str, handler: Handler, module: Any) -> Callable[..., Any]:
    site = f"duckdb.{name}"

    @functools.wraps(original)
    def called(*args: Any, **kwargs: Any) -> Any:
        depth = BUSY.depth
        recorder = None if depth else context.current()
        frame = sys._getframe(1)
        try:
            local = variables(frame, _words((*args, *kwargs.values())))
            BUSY.depth = depth or USERS_CODE  # functions called from SQL are the user's code
            result = call_as(frame, original, args, kwargs, local=local)
            if recorder is not None:
                BUSY.depth = 1
                with GUARD.at(site):
                    owner, rest = (module, args) if module is not None else (args[0], args[1:])
                    handler(recorder, result, Call(name, owner, rest, kwargs, frame, local))
        finally:
            BUSY.depth = depth
            del frame
        return result

    return unseen(called)
