"""What names refer to in the running code of the user, by its frames on the stack."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType, FrameType
from typing import Final, NamedTuple

from headwater.capture.caller_frame import variables
from headwater.capture.notebook_cells import place_of, whole
from headwater.capture.source_analysis.bindings import step_at, steps_of
from headwater.capture.user_code import is_users, user_frame

Lookup = Callable[[str], object]
"""Returns the object of a name; None if it is unknown."""
ABSENT: Final = object()
"""Stands for the object of a name that refers to none."""
_MOST_FRAMES: Final = 300
"""How many frames are searched for the one with an expression; reading a nested one adds ten per level."""


class Position(NamedTuple):
    """A line of a function or module, and what its names refer to there."""

    code: CodeType
    line: int
    lookup: Lookup


def position_of(code: CodeType, line: int) -> Position:
    """A position in the running code."""
    frame: FrameType | None = sys._getframe(1)
    for _ in range(_MOST_FRAMES):
        if frame is None or whole(frame.f_code, 0)[0] is code:
            break
        frame = frame.f_back
    return Position(code, line, _nothing if frame is None else partial(_in_frame, frame))


def _in_frame(frame: FrameType, name: str) -> object:
    found = variables(frame, (name,))
    return found[name] if name in found else frame.f_globals.get(name)


def _nothing(_name: str) -> object:
    return None


def running() -> Iterator[Position]:
    """The running functions and modules of the user, at the lines that they have come to."""
    frame: FrameType | None = sys._getframe(1)
    for _ in range(_MOST_FRAMES):
        if frame is None:
            return
        if is_users(frame.f_code):
            code, line = place_of(frame)
            yield Position(code, line, partial(_in_frame, frame))
        frame = frame.f_back


def held(name: str, code: CodeType) -> object:
    """The object that a name refers to now in a running function or module of the user, or in its globals."""
    frame: FrameType | None = sys._getframe(2)
    near: FrameType | None = None
    for _ in range(_MOST_FRAMES):
        if frame is None:
            break
        if whole(frame.f_code, 0)[0] is code:
            found = variables(frame, (name,)).get(name, ABSENT)
            return frame.f_globals.get(name, ABSENT) if found is ABSENT else found
        if near is None and frame.f_code.co_filename == code.co_filename:
            near = frame
        frame = frame.f_back
    return ABSENT if near is None or name in code.co_varnames else near.f_globals.get(name, ABSENT)


def names_of(item: object, code: CodeType | None, line: int) -> tuple[str, ...]:
    """The names of an object in the running code at a line; empty if it is the result of an expression there."""
    at = step_at(steps_of(code), line) if code is not None and item is not None else None
    names = dict.fromkeys((*at.passed, *at.used)) if at is not None else {}
    if code is None or not names:
        return ()
    frame = user_frame(sys._getframe(2))
    if frame.f_code.co_name != code.co_name:
        return ()
    held = variables(frame, names)
    return tuple(name for name in names if held.get(name, frame.f_globals.get(name)) is item)
