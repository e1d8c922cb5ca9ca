"""Tells the user's own code from that of installed libraries and the standard library."""

from __future__ import annotations

import os
from sys import _getframe
from types import CodeType, FrameType
from typing import Final

_LIBRARY: Final = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120 - a string to compare with
"""The folder of the standard library."""

_LAMBDA: Final = "<lambda>"
COMPREHENSIONS: Final = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
"""Names of code objects of comprehensions, which before Python 3.12 all have one of their own."""

_MOST_FRAMES: Final = 40
"""Frames between the user's code and ours: SQLAlchemy's session has eleven, an SQL magic of notebooks about thirty, and
some are our own."""

IS_USERS: Final[dict[str, bool]] = {}
"""Whether the code of a file is the user's own, by file name. Cleared when it has grown large."""


def _is_users(name: str) -> bool:
    if len(IS_USERS) > 50_000:
        IS_USERS.clear()
    is_ours = "/headwater/capture/" in name
    is_installed = "site-packages" in name or "dist-packages" in name or name.startswith((_LIBRARY, "<frozen"))
    found = IS_USERS[name] = not is_ours and not is_installed
    return found


def is_users(code: CodeType | None) -> bool:
    """Whether code is the user's own."""
    return code is not None and is_users_file(code.co_filename)


def is_users_file(name: str) -> bool:
    """Whether code of that file is the user's own."""
    known = IS_USERS.get(name)
    return _is_users(name) if known is None else known


def user_frame(frame: FrameType) -> FrameType:
    """The nearest frame of the user's code, from ``frame`` outwards; the last one examined if there is none."""
    for _ in range(_MOST_FRAMES):
        name = frame.f_code.co_filename
        is_users = IS_USERS.get(name)
        if is_users is None:
            is_users = _is_users(name)
        caller = None if is_users else frame.f_back
        if caller is None:
            break
        frame = caller
    return frame


def user_site(depth: int) -> tuple[CodeType | None, int]:
    """The code object and line of the nearest caller in the user's code, starting ``depth`` frames up."""
    try:
        frame = user_frame(_getframe(depth))
    except ValueError:
        return None, 0
    return frame.f_code, frame.f_lineno or 0


def around(code: CodeType) -> CodeType:
    """The running function or module that a ``lambda`` is written in; the code itself if it is none, or that has
    ended."""
    if code.co_name != _LAMBDA:
        return code
    frame: FrameType | None = _getframe(1)
    while frame is not None:
        if code in frame.f_code.co_consts:
            return around(frame.f_code)
        frame = frame.f_back
    return code
