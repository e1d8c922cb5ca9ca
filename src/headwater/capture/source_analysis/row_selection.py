"""Infers which array a selection of rows was taken from: ``model.fit(X[train], y[train])`` inside a loop over folds.

Selection by position or mask runs in compiled code, and its result passes no hook. But the statement that uses it names
the array it was taken from, which the running code still holds. If exactly one array that the statement indexes has the
same type and row shape, the selection has the columns of that one.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any

from headwater.capture.caller_frame import variables
from headwater.capture.source_analysis.bindings import last_binding, step_at, steps_of
from headwater.capture.user_code import user_frame
from headwater.capture.value_table import Values
from headwater.capture.values import INFERRED, Columns, Dep, Value, make_value

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
    own = variables(frame, [name for pair in chosen for name in pair[:2]])
    names = {n: first for n, key, first in chosen if not isinstance(own.get(key, frame.f_globals.get(key)), int)}
    held = {name: own.get(name, frame.f_globals.get(name)) for name in names}
    wholes = {id(o): (name, o) for name, o in held.items() if type(o) is type(item) and _has_rows_of(o, item)}
    if len(wholes) != 1:
        return None
    name, whole = wholes.popitem()[1]
    value = values.seen(whole) or read(name, names[name], whole)
    if value is None:
        return None
    return make_value(op, (value,), _same, columns=value.columns, rows=len(item), code=code, line=line)


def _chosen_from(node: ast.stmt) -> list[tuple[str, str]]:
    """The names in a statement that it indexes, each with the name of the index if it has one; for a loop, those in its
    iterable only. Not those that only say which rows: ``indices`` in ``X[indices[:340]]``. Nor those of which a number
    takes a single row, which has a dimension less: ``bounds`` in ``(X - bounds[0]) / bounds[1]``."""
    head: ast.AST = node.iter if isinstance(node, ast.For | ast.AsyncFor) else node
    if isinstance(node, ast.With | ast.AsyncWith | ast.While | ast.If | ast.Try):
        return []
    chosen = [one for one in ast.walk(head) if isinstance(one, ast.Subscript)]
    places = {id(inner) for one in chosen for inner in ast.walk(one.slice)}
    return [
        (one.value.id, getattr(one.slice, "id", ""))
        for one in chosen
        if isinstance(one.value, ast.Name) and id(one) not in places and _may_choose_rows(one.slice)
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
