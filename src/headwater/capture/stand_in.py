"""Stand-ins that do not show: what a library sees of the frame that capture puts between it and the user's code.

A library that warns counts frames to find the line to blame: a fixed number of them (``stacklevel=2``), or as many as
lie in its own folder. A stand-in adds one. Python's own machinery has a rule for such frames, made for its import
system: a frame whose file name contains ``importlib`` and ``_bootstrap`` is not counted. ``unseen`` gives a stand-in
such a name, so that warnings keep their line.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any, Final, TypeVar, cast

FILENAME: Final = "<observed by /headwater/capture/, uncounted as importlib._bootstrap is>"
"""File name of the code of a stand-in."""

_renamed: dict[CodeType, CodeType] = {}

Function = TypeVar("Function", bound=Callable[..., Any])


def unseen(stand_in: Function) -> Function:
    """Make warnings pass over the frame of ``stand_in``; returns it, changed."""
    function = cast(FunctionType, stand_in)
    code = function.__code__
    renamed = _renamed.get(code)
    if renamed is None:
        renamed = _renamed[code] = code.replace(co_filename=FILENAME)
    function.__code__ = renamed
    return stand_in
