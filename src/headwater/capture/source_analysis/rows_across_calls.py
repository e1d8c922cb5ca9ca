"""Follows rows of plain Python across calls of the user's functions: what a caller passed, what a function returned.

``load(transform(extract(path)))`` hands rows from function to function. The running function's caller is on the stack;
a function that has returned made its result by the expressions of its ``return`` or ``yield``, in which a parameter
stands for the argument of the call.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, Final, NamedTuple

from headwater.capture.notebook_cells import whole
from headwater.capture.source_analysis.bindings import step_at, steps_of
from headwater.capture.source_analysis.call_origins import call_of, caller_of, given_for
from headwater.capture.source_analysis.names_above import Known, Passes
from headwater.capture.source_analysis.row_list_syntax import texts_in
from headwater.capture.user_code import is_users
from headwater.capture.values import Value

_MOST_CROSSED: Final = 200
_MOST_FRAMES: Final = 200


class Records:
    """What was recorded while the program ran, as the analysis asks for it, and how many calls may be crossed yet."""

    def __init__(
        self,
        passes: Callable[[CodeType], Passes],
        known: Callable[[CodeType], Known],
        rounds: Callable[[Value], Iterable[Value]],
        loaded: Callable[[ast.Call, CodeType], Iterable[Value]],
    ) -> None:
        self.passes = passes
        """The frames and columns that a function iterated over, by line."""
        self.known = known
        """For a function or module: the value of an object that has a name there now."""
        self.rounds = rounds
        """The values that the instruction behind a value made in all iterations of a loop."""
        self.loaded = loaded
        """The files that the user's function in a call iterated over."""
        self.entered: set[tuple[object, str]] = set()
        """Lists and rows that were examined, with what reads them: each is examined once, even if made from itself."""
        self._left = _MOST_CROSSED

    def cross(self) -> bool:
        """Count a call that is crossed; False if there were too many."""
        self._left -= 1
        return self._left >= 0


class Position(NamedTuple):
    """A line of a function or module, with its global names."""

    code: CodeType
    line: int
    names: dict[str, Any]


class Passed(NamedTuple):
    """An argument, and where it stands."""

    node: ast.expr
    at: Position


class Result(NamedTuple):
    """An expression that a function returned, or an item that it yielded."""

    node: ast.expr
    at: Position
    call: ast.Call
    is_item: bool

    def argument(self, name: str) -> ast.expr | None:
        """What the call passes for a parameter of the function."""
        return _argument(self.call, self.at.code, name)


def position_of(code: CodeType, line: int) -> Position:
    """A position in the running code."""
    frame: FrameType | None = sys._getframe(1)
    for _ in range(_MOST_FRAMES):
        if frame is None or whole(frame.f_code, 0)[0] is code:
            break
        frame = frame.f_back
    return Position(code, line, frame.f_globals if frame is not None else {})


def passed_for(at: Position, name: str) -> Passed | None:
    """What the caller passed for a parameter of a running function; None if it is none or cannot be told."""
    caller = caller_of(at.code) if name in _parameters(at.code) else None
    step = step_at(steps_of(caller.code), caller.line) if caller is not None else None
    call = call_of(step, at.code) if step is not None else None
    if caller is None or call is None or caller.is_through_library:
        return None
    given = _argument(call, at.code, name)
    return Passed(given, position_of(caller.code, caller.line)) if given is not None else None


def results_of(call: ast.expr | None, at: Position, place: int | None = None) -> Iterator[Result]:
    """The results of a function of the user's that is called at a position; with ``place``, of the tuples that it
    returns the item there. None if it is not the user's."""
    function = _function(call, at) if isinstance(call, ast.Call) else None
    if function is None or not isinstance(call, ast.Call):
        return
    code = function.__code__
    for step in steps_of(code):
        node = step.node
        inner = Position(code, step.first, function.__globals__)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield) and node.value.value and place is None:
            yield Result(node.value.value, inner, call, is_item=True)
        if not isinstance(node, ast.Return) or node.value is None:
            continue
        if place is None:
            yield Result(node.value, inner, call, is_item=False)
        elif isinstance(node.value, ast.Tuple) and place < len(node.value.elts):
            yield Result(node.value.elts[place], inner, call, is_item=False)


def passes_of(passes: Passes, call: ast.Call | None) -> Passes:
    """What a function iterated over in a call of it: of files at one line, those that the call spells out, if it
    does."""
    texts = texts_in(call) if call is not None else set()
    return {line: tuple(spelled_out(values, texts)) for line, values in passes.items()} if texts else passes


def spelled_out(values: Sequence[Value], texts: Iterable[str]) -> Sequence[Value]:
    """Those of the values that are files whose names end in one of the texts; all of them if there is none."""
    ends = tuple(text for text in texts if text)
    named = [value for value in values if value.dataset is not None and value.dataset.name.endswith(ends)]
    return named or values


def _function(call: ast.Call, at: Position) -> FunctionType | None:
    """The user's function that a call refers to, by a global name or as an attribute of a module."""
    target = call.func
    found: object = None
    if isinstance(target, ast.Name):
        found = at.names.get(target.id)
    elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        owner = at.names.get(target.value.id)
        found = vars(owner).get(target.attr) if isinstance(owner, ModuleType) else None
    return found if isinstance(found, FunctionType) and is_users(found.__code__) else None


def _parameters(code: CodeType) -> tuple[str, ...]:
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _argument(call: ast.Call, code: CodeType, name: str) -> ast.expr | None:
    names = _parameters(code)
    if name not in names or any(isinstance(item, ast.Starred) for item in call.args):
        return None
    place = names.index(name)
    return given_for(call, code, name, place if place < code.co_argcount else len(call.args))


def part_of(obj: object, name: str) -> object:
    """An instance attribute of an object, or a field of a named tuple; no property is evaluated."""
    fields = getattr(type(obj), "_fields", ())
    if isinstance(obj, tuple) and name in fields:
        return obj[fields.index(name)]
    held: object = getattr(obj, "__dict__", {}).get(name)
    return held
