"""Calls a function as if no frame of ours stood between it and the user's code.

Some compiled functions inspect the Python frame that called them: duckdb looks for data frames among its variables, and
a warning raised "at the caller" names its file and line. If a Python wrapper made the call, that frame would be ours.
The call is therefore made from a code object that carries the file, line and variables of the user's frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from sys import getrefcount
from types import CodeType, FrameType
from typing import Any, Final

_CALLED: Final = "__headwater_call__"
_CALL: Final[CodeType] = compile(f"{_CALLED}(*__headwater_args__, **__headwater_kwargs__)", "<call>", "eval")


_OURS: Final = 3
"""How often that dictionary is referred to: by the frame, by our variable, and as an argument."""
_IS_FUNCTION: Final = 1  # inspect.CO_OPTIMIZED: local variables live in the frame, not in a dictionary


def variables(frame: FrameType, words: Iterable[str]) -> dict[str, Any]:
    """The local variables of a function's frame that ``words`` names; none for a module, whose variables are globals;
    all for the body of a class.

    Before Python 3.13 a function's frame keeps the dictionary in which it gives its variables, and so what they hold,
    until the function ends: a file that the user lets go of would stay open. So it is not asked unless ``words`` names
    one of them, and the dictionary is emptied again, unless the user's code has it, too (``locals()``).
    """
    code = frame.f_code
    if not code.co_flags & _IS_FUNCTION:
        return {} if frame.f_locals is frame.f_globals else dict(frame.f_locals)
    names = {*code.co_varnames, *code.co_cellvars, *code.co_freevars}.intersection(words)
    if not names:
        return {}
    found = frame.f_locals
    named = {name: found[name] for name in names if name in found}
    if type(found) is dict and getrefcount(found) == _OURS:
        found.clear()
    return named


def is_call(code: CodeType) -> bool:
    """Whether this is the code with which ``call_as`` calls, whatever file it says it is of."""
    return _CALLED in code.co_names


def call_as(
    frame: FrameType,
    original: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    local: dict[str, Any] | None = None,
) -> Any:
    """Call ``original`` so that it sees ``frame`` as its caller, with its globals and the variables ``local``."""
    scope = {
        **(local or {}),
        _CALLED: original,
        "__headwater_args__": args,
        "__headwater_kwargs__": kwargs,
    }
    code = _CALL.replace(co_filename=frame.f_code.co_filename, co_firstlineno=frame.f_lineno or 1)
    return eval(code, frame.f_globals, scope)  # noqa: S307 - our own constant expression
