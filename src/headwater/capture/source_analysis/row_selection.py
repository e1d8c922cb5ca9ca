"""Infers which array a selection of rows was taken from: ``model.fit(X[train], y[train])`` inside a loop over folds.

Selection by position or mask runs in compiled code, and its result passes no hook. But the statement that uses it names
the array it was taken from, which the running code still holds. If exactly one array that the statement indexes has the
same type and row shape, the selection has the columns of that one.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Sequence
from types import CodeType, FrameType
from typing import Any, Final

from headwater.capture.caller_frame import variables
from headwater.capture.source_analysis.bindings import last_binding, names_in, step_at, steps_of
from headwater.capture.source_analysis.budget import BUDGET
from headwater.capture.source_analysis.running_call import expression_given
from headwater.capture.source_analysis.supposed_values import GUESSED
from headwater.capture.user_code import user_frame
from headwater.capture.value_table import Values
from headwater.capture.values import INFERRED, Columns, Dep, Rule, Value, make_value

_MOST_BESIDE: Final = 8
"""How often a line is asked for what it computes with beside chosen rows, which takes a search for each name."""
Read = Callable[[str, int, Any], Value | None]
"""Returns what the code shows about the origin of an array, from its name, a line, and the array."""


def selected_rows(
    values: Values, op: str, item: Any, code: CodeType | None, line: int, known_as: Sequence[str], read: Read
) -> Value | None:
    """A value, with the operation ``op``, for an array used at ``line`` of ``code``, with or without a name there. None
    unless exactly one known array could be the one that its rows were selected from; ``read`` finds the origin of one
    that no hook has seen being made."""
    steps = steps_of(code) if code is not None else ()
    at = step_at(steps, line)
    if code is None or at is None or item is None:
        return None
    bound = [last_binding(steps, name, at.first) for name in known_as]
    cuts = [step for step in bound or [at] if step is not None]
    chosen = [(name, key, step.first) for step in cuts for name, key in _chosen_from(step.node)]
    frame = user_frame(sys._getframe(2))
    if not chosen or frame.f_code.co_name != code.co_name:
        return None
    mentioned = {name for _, key, _ in chosen for name in names_in(key)} | {name for name, _, _ in chosen}
    own = variables(frame, mentioned)
    objects = {name: own.get(name, frame.f_globals.get(name)) for name in mentioned}
    names = {name: first for name, key, first in chosen if not isinstance(objects.get(_name_of(key)), int)}
    held = {name: objects[name] for name in names}
    wholes = {id(o): (name, o) for name, o in held.items() if type(o) is type(item) and _has_rows_of(o, item)}
    if len(wholes) != 1:
        return None
    name, whole = wholes.popitem()[1]
    value = values.seen(whole) or read(name, names[name], whole)
    if value is None:
        return None
    keys = [(key, first) for one, key, first in chosen if one == name]
    if len(keys) > 1:  # several choices from one array in a statement: that in the running call is meant
        given = expression_given(code)
        there = {_place(node) for node in ast.walk(given)} if given is not None else set()
        keys = [(key, first) for key, first in keys if _place(key) in there]
    deciding = [source for key, first in keys for source in _deciding(values, key, first, objects, read)]
    is_read = not known_as and BUDGET.times_read(code, line) <= _MOST_BESIDE
    beside = _beside(values, expression_given(code) if is_read else None, name, at.first, frame, read)
    rule = _chosen_by([column for _, column in deciding], len(beside)) if deciding or beside else _same
    inputs = (value, *beside, *(source for source, _ in deciding))
    return make_value(op, inputs, rule, columns=value.columns, rows=len(item), code=code, line=line)


def _beside(
    values: Values, given: ast.expr | None, whole: str, first: int, frame: FrameType, read: Read
) -> list[Value]:
    """What an expression computes with beside the rows of an array: ``scale`` in ``X[kept] * scale``."""
    parts = list(ast.walk(given)) if given is not None else []
    cuts = [node for node in parts if isinstance(node, ast.Subscript)]
    called = [node.func for node in parts if isinstance(node, ast.Call)]
    apart = {id(part) for node in (*cuts, *called) for part in ast.walk(node)}
    names = [node.id for node in parts if isinstance(node, ast.Name) and id(node) not in apart and node.id != whole]
    own = variables(frame, names)
    objects = [(name, own.get(name, frame.f_globals.get(name))) for name in dict.fromkeys(names)]
    found = [values.seen(obj) or read(name, first, obj) for name, obj in objects]
    return [value for value in found if value is not None and value.op != GUESSED]


def _deciding(
    values: Values, key: ast.expr, first: int, objects: dict[str, Any], read: Read
) -> list[tuple[Value, str | None]]:
    """What an index was computed from that says which rows are chosen, each with its column: ``y`` in ``X[y == 1]``,
    the second column in ``X[X[:, 1] > 0]``. Of places that have a name only what is known of them, as a splitter may
    have drawn them; a mask is looked for."""
    found: list[tuple[Value, str | None]] = []
    for name in dict.fromkeys(names_in(key)):
        obj = objects.get(name)
        value = values.seen(obj)
        if value is None and isinstance(key, ast.Name) and getattr(getattr(obj, "dtype", None), "kind", "") == "b":
            value = read(name, first, obj)
        if value is None or value.op == GUESSED:
            continue
        columns = value.column_names()
        places = [place for place in _places_of(name, key) if -len(columns) <= place < len(columns)]
        found += [(value, columns[place]) for place in places] or [(value, None)]
    return found


def _places_of(name: str, key: ast.expr) -> list[int]:
    """The columns of an array that an index reads by their places; none if it may read others."""
    uses = [inner for inner in ast.walk(key) if isinstance(inner, ast.Name) and inner.id == name]
    slices = [inner.slice for inner in ast.walk(key) if isinstance(inner, ast.Subscript) and inner.value in uses]
    ends = [index.elts[1] for index in slices if isinstance(index, ast.Tuple) and len(index.elts) == 2]
    places = [end.value for end in ends if isinstance(end, ast.Constant) and isinstance(end.value, int)]
    return places if len(places) == len(uses) else []


def _chosen_by(columns: Sequence[str | None], beside: int) -> Rule:
    """The rule of rows that were chosen by these columns, and computed with ``beside`` others."""

    def rule(value: Value) -> Columns:
        first = 1 + beside
        told = [Dep(first + i, column, "INDIRECT", "FILTER", description=INFERRED) for i, column in enumerate(columns)]
        more = [Dep(place, None, description=INFERRED) for place in range(1, first)]
        return Columns({name: [*deps, *more] for name, deps in _same(value).fields.items()}, told)

    return rule


def _place(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", -1)


def _name_of(key: ast.expr) -> str:
    return key.id if isinstance(key, ast.Name) else ""


def _chosen_from(node: ast.stmt) -> list[tuple[str, ast.expr]]:
    """The names in a statement that it indexes, each with the index; for a loop, those in its
    iterable only. Not those that only say which rows: ``indices`` in ``X[indices[:340]]``. Nor those of which a number
    takes a single row, which has a dimension less: ``bounds`` in ``(X - bounds[0]) / bounds[1]``."""
    head: ast.AST = node.iter if isinstance(node, ast.For | ast.AsyncFor) else node
    if isinstance(node, ast.With | ast.AsyncWith | ast.While | ast.If | ast.Try):
        return []
    chosen = [subscript for subscript in ast.walk(head) if isinstance(subscript, ast.Subscript)]
    places = {id(inner) for subscript in chosen for inner in ast.walk(subscript.slice)}
    return [
        (subscript.value.id, subscript.slice)
        for subscript in chosen
        if isinstance(subscript.value, ast.Name) and id(subscript) not in places and _may_choose_rows(subscript.slice)
    ]


def _may_choose_rows(index: ast.expr) -> bool:
    """Whether an index can choose several rows with all their columns: not ``[3]``, and not ``[:, :2]``."""
    if isinstance(index, ast.Tuple):
        return all(isinstance(item, ast.Slice) and not (item.lower or item.upper) for item in index.elts[1:])
    return not _is_number(index)


def _is_number(index: ast.expr) -> bool:
    """Whether an index is spelled out as a number: ``3``, ``-1``."""
    inner = index.operand if isinstance(index, ast.UnaryOp) else index
    return isinstance(inner, ast.Constant) and isinstance(inner.value, int)


def _has_rows_of(whole: Any, item: Any) -> bool:
    """Whether rows of one array have the shape and type of those of another."""
    return whole is not item and whole.shape[1:] == item.shape[1:] and whole.dtype == item.dtype


def _same(value: Value) -> Columns:
    names = value.column_names() or ("*",)
    return Columns({n: [Dep(0, None if n == "*" else n, subtype="IDENTITY", description=INFERRED)] for n in names})
