"""Calling a function as if our own frame were not there.

Some compiled functions look at the Python frame that called them: duckdb finds data frames among its variables, and a
warning that is raised "at the caller" names its file and line. A stand-in written in Python would be that frame. The
call is therefore made from a piece of code that carries the file, the line and the variables of the user's frame.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, Final

_CALL: Final[CodeType] = compile("__headwater_call__(*__headwater_args__, **__headwater_kwargs__)", "<call>", "eval")


def call_as(
    frame: FrameType,
    original: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    with_locals: bool = False,
) -> Any:
    """Call ``original`` so that it sees ``frame`` as its caller; with its local variables only where they are asked
    for, since making them a dictionary costs."""
    scope = {
        **(frame.f_locals if with_locals else {}),
        "__headwater_call__": original,
        "__headwater_args__": args,
        "__headwater_kwargs__": kwargs,
    }
    code = _CALL.replace(co_filename=frame.f_code.co_filename, co_firstlineno=frame.f_lineno or 1)
    return eval(code, frame.f_globals, scope)  # noqa: S307 - our own constant expression
