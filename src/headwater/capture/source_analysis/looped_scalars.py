"""Finds what a number or text comes from that a loop over data bound a name to.

``for city, part in sales.groupby("city"): part["city"] = city`` puts the key of a group into a column. Keys are often
objects that Python shares, which cannot be recognised by identity; but the code says what the loop goes through.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

from headwater.capture.notebook_cells import user_place
from headwater.capture.source_analysis.bindings import last_binding, step_at, steps_of
from headwater.capture.source_analysis.call_origins import call_of, caller_of, given_for
from headwater.capture.source_analysis.literals import Place
from headwater.capture.source_analysis.row_list_syntax import GROUPS, called_name
from headwater.capture.source_analysis.running_call import given_as
from headwater.capture.source_analysis.running_names import held
from headwater.capture.trace import columns_made
from headwater.capture.user_code import COMPREHENSIONS, around, is_users, user_frame
from headwater.capture.values import Value

Taken = Callable[[CodeType, int, Callable[[], Any]], Value | None]
"""Returns a value for the expressions, each with its place, that its last argument gives for a line."""
_MOST_CALLS: Final = 10
"""How many calls of the user's functions are followed from a parameter to what was passed for it."""


class _Looped(NamedTuple):
    """What a loop goes through, and the place of a name in its target: ``(0,)`` for ``key`` in ``key, group``."""

    iterated: ast.expr
    place: tuple[int, ...]
    at: Place


def looped_value(taken: Taken, item: object, key: str) -> Value | None:
    """A value for a number or text that the user's line puts into a table under a name, from the columns that a loop
    bound that name from; ``key`` is the column that it becomes. None if the code does not show a column."""
    frame = user_frame(sys._getframe(2))
    code, line = user_place(2)
    node = given_as(item, frame.f_code, key) if code is not None and is_users(code) else None
    if code is None or not isinstance(node, ast.Name):
        return None
    looped = _loop_of(node.id, _home(code), line)
    meant = _meant(looped) if looped is not None else None
    if looped is None or meant is None:
        return None
    value = taken(_home(code), line, lambda: [(meant, looped.at)])
    deps = columns_made(value).fields.get("*", []) if value is not None else []
    return value if deps and all(dep.column is not None for dep in deps) else None


def _loop_of(name: str, code: CodeType, line: int) -> _Looped | None:
    """The loop or comprehension that bound a name at a line, also if the name was passed on to the running function."""
    for _ in range(_MOST_CALLS):
        at = step_at(steps_of(code), line)
        if at is None:
            return None
        for node in ast.walk(at.node) if not isinstance(at.node, ast.For | ast.AsyncFor) else ():
            place = _place_in(node.target, name) if isinstance(node, ast.comprehension) else None
            if isinstance(node, ast.comprehension) and place is not None:
                return _Looped(node.iter, place, Place(code, line))
        step = last_binding(steps_of(code), name, line)
        if step is not None:
            is_loop = isinstance(step.node, ast.For | ast.AsyncFor)
            place = _place_in(step.node.target, name) if is_loop else None  # type: ignore[attr-defined]
            return _Looped(step.node.iter, place, Place(code, step.first)) if place is not None else None  # type: ignore[attr-defined]
        parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        caller = caller_of(code) if name in parameters else None
        above = step_at(steps_of(_home(caller.code)), caller.line) if caller is not None else None
        call = call_of(above, code) if above is not None else None
        given = given_for(call, code, name, parameters.index(name)) if call is not None else None
        if caller is None or not isinstance(given, ast.Name):
            return None
        name, code, line = given.id, _home(caller.code), caller.line
    return None


def _home(code: CodeType) -> CodeType:
    """The running function or module that a comprehension or ``lambda`` is written in; any other code as it is."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and code.co_name in COMPREHENSIONS:
        code = frame.f_code if code in frame.f_code.co_consts else code
        frame = frame.f_back
    return around(code)


def _place_in(target: ast.expr, name: str) -> tuple[int, ...] | None:
    """The place of a name in the target of a loop; None if it is not there."""
    if isinstance(target, ast.Name):
        return () if target.id == name else None
    for number, item in enumerate(target.elts if isinstance(target, ast.Tuple | ast.List) else ()):
        inner = _place_in(item, name)
        if inner is not None:
            return (number, *inner)
    return None


def _meant(looped: _Looped) -> ast.expr | None:
    """The expression whose items a loop binds a name to; None if they are groups of rows, say."""
    iterated, place, at = looped
    name = called_name(iterated)
    if isinstance(iterated, ast.Call) and name in GROUPS and isinstance(iterated.func, ast.Attribute):
        return _keys(iterated, iterated.func.value, place, at)
    if isinstance(iterated, ast.Call) and name == "enumerate" and iterated.args:
        inner = _Looped(iterated.args[0], place[1:], at)
        return _meant(inner) if place[:1] == (1,) else None
    if isinstance(iterated, ast.Call) and name == "zip" and place and place[0] < len(iterated.args):
        return _meant(_Looped(iterated.args[place[0]], place[1:], at))
    return None if place else iterated


def _keys(call: ast.Call, frame: ast.expr, place: tuple[int, ...], at: Place) -> ast.expr | None:
    """The columns that the key of a group comes from, or the one at a place among several."""
    named = [item.value for item in call.keywords if item.arg == "by"]
    given = next(iter((*call.args, *named)), None)
    known = held(given.id, at.code) if isinstance(given, ast.Name) else None
    if isinstance(known, str):
        given = ast.Constant(known)
    elif isinstance(known, list | tuple) and all(isinstance(item, str) for item in known):
        given = ast.List([ast.Constant(item) for item in known], ast.Load())
    if place[:1] != (0,) or given is None:
        return None
    if len(place) > 1:
        items = given.elts if isinstance(given, ast.List | ast.Tuple) else []
        given = items[place[1]] if place[1] < len(items) else None
    if not isinstance(given, ast.Constant | ast.List):
        return None
    return ast.copy_location(ast.Subscript(frame, given, ast.Load()), call)
