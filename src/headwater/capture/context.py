"""The current run: which recorder gets what the running code does.

It is a context variable, so that threads, tasks and generators have runs of their own. Code that started without a
context of ours belongs to the run of the whole process.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from headwater.capture.recorder import Recorder

CURRENT: ContextVar[Recorder | None] = ContextVar("headwater_recorder", default=None)


class _Process:
    """The recorder of the whole process, for threads that started without a context of ours."""

    __slots__ = ("root",)
    root: Recorder | None


PROCESS = _Process()
PROCESS.root = None


def current() -> Recorder | None:
    """The recorder of the run that this code belongs to; None if nothing is being recorded."""
    return CURRENT.get() or PROCESS.root


class Entry(NamedTuple):
    """What ``enter`` did, for ``leave`` to undo."""

    recorder: Recorder | None
    token: Token[Recorder | None]


def enter(recorder: Recorder | None) -> Entry:
    """Make ``recorder`` current in this context. Pass the result to ``leave``."""
    return Entry(recorder, CURRENT.set(recorder))


def leave(entry: Entry) -> None:
    """Undo ``enter``, if need be in another context: web frameworks and test runners begin and end a generator in two
    copies of their own, of which the second may have inherited the recorder or not."""
    try:
        CURRENT.reset(entry.token)
    except ValueError:  # the token of another context
        if CURRENT.get() is entry.recorder:
            previous = entry.token.old_value
            CURRENT.set(None if previous is Token.MISSING else previous)
