"""Infers from the source which column is at which place of rows that are plain tuples or lists.

``df.values.tolist()``, ``df[["a", "b"]].itertuples(index=False)`` and ``[tuple(row) for row in df.to_numpy()]`` have
the columns of ``df`` in their order; ``cursor.fetchall()`` those of its statement. Of anything else the places are
unknown.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final

from headwater.capture.source_analysis.names_above import NamesAbove
from headwater.capture.source_analysis.row_columns import Found, by_place, labels_of
from headwater.capture.source_analysis.row_list_syntax import FETCHES, Scope, called_name, given_to, owner_of, target_of
from headwater.capture.values import FETCHED, Value

Places = list[Found]
"""The columns at each place of a row."""

_KEEPS_COLUMNS: Final = frozenset((
    *("head", "tail", "dropna", "sample", "sort_values", "sort_index", "drop_duplicates", "fillna", "astype", "copy"),
    *("query", "nlargest", "nsmallest", "replace", "round", "limit", "sort", "unique", "drop_nulls", "infer_objects"),
))  # fmt: skip
"""Methods of a frame that return one with the same columns in the same order."""
_SAME_ROWS: Final = frozenset(("list", "tuple", "iter", "reversed", "sorted", "deque", "set"))
"""Calls that hand on the rows of their argument, or the items of a row."""
_OF_FRAME: Final = frozenset(("to_numpy", "rows", "iter_rows"))
_MAX_DEPTH: Final = 12


def places_of(node: ast.expr, scope: Scope, names: NamesAbove, depth: int = 0) -> Places | None:
    """The columns at each place of rows, or of one row; None if the code does not show them."""
    if depth > _MAX_DEPTH:
        return None
    if isinstance(node, ast.Name):
        return _of_name(node, scope, names, depth)
    if isinstance(node, ast.Attribute):
        return _of_columns(node.value, names, depth) if node.attr == "values" else None
    if isinstance(node, ast.ListComp | ast.GeneratorExp):
        return _of_comprehension(node, names, depth)
    return _of_call(node, scope, names, depth) if isinstance(node, ast.Call) else None


def _of_call(node: ast.Call, scope: Scope, names: NamesAbove, depth: int) -> Places | None:
    name = called_name(node)
    if name in FETCHES:
        return _of_statement(names.fetched(node))
    if isinstance(node.func, ast.Name):
        if name == "map" and len(node.args) == 2 and getattr(node.args[0], "id", "") in ("tuple", "list"):
            return places_of(node.args[1], scope, names, depth + 1)
        is_plain = name in _SAME_ROWS and len(node.args) == 1 and (name != "sorted" or not depth)
        return places_of(node.args[0], scope, names, depth + 1) if is_plain else None
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    if owner is None:
        return None
    if name == "tolist":
        columns = _of_columns(owner, names, depth) or ()
        return places_of(owner, scope, names, depth + 1) or (list(columns) if len(columns) > 1 else None)
    if name in _OF_FRAME:
        return _of_columns(owner, names, depth) if not node.args else None
    if name in ("itertuples", "to_records"):
        return _of_index_and_columns(node, owner, names, depth)
    return None


def _of_index_and_columns(node: ast.Call, owner: ast.expr, names: NamesAbove, depth: int) -> Places | None:
    given = [*node.args[:1], *(item.value for item in node.keywords if item.arg == "index")]
    if any(not isinstance(item, ast.Constant) for item in given):
        return None
    columns = _of_columns(owner, names, depth)
    if columns is None or (given and not getattr(given[0], "value", True)):
        return columns
    labels = labels_of(list(dict.fromkeys(value for found in columns for value, _ in found)))
    return [labels, *columns] if len(labels) < 2 else None  # of an index with levels, records have a field for each


def _of_columns(node: ast.expr, names: NamesAbove, depth: int) -> Places | None:
    """The columns of a frame, or of an array with columns, in their order."""
    if depth > _MAX_DEPTH:
        return None
    if isinstance(node, ast.Name):
        value = names.live(node.id, node.lineno)
        columns = value.column_names() if value is not None and value.op != FETCHED else ()
        return [{(value, name): None} for name in columns] if value is not None and columns else None
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.List):
        return _chosen(node.slice.elts, _of_columns(node.value, names, depth + 1))
    if isinstance(node, ast.Call) and called_name(node) in _KEEPS_COLUMNS and isinstance(node.func, ast.Attribute):
        return _of_columns(node.func.value, names, depth + 1)
    if isinstance(node, ast.Call) and called_name(node) == "to_numpy" and isinstance(node.func, ast.Attribute):
        return _of_columns(node.func.value, names, depth + 1)
    return None


def _chosen(wanted: Sequence[ast.expr], columns: Places | None) -> Places | None:
    by_name = {name: found for found in columns or () for _, name in found}
    keys = [item.value if isinstance(item, ast.Constant) else None for item in wanted]
    return [by_name[str(key)] for key in keys] if all(key in by_name for key in keys) else None


def _of_comprehension(node: ast.ListComp | ast.GeneratorExp, names: NamesAbove, depth: int) -> Places | None:
    """``[tuple(row) for row in rows]``."""
    if len(node.generators) != 1:
        return None
    item, made = node.generators[0], node.elt
    if isinstance(made, ast.Call) and called_name(made) in ("tuple", "list") and len(made.args) == 1:
        made = made.args[0]
    is_same = isinstance(made, ast.Name) and isinstance(item.target, ast.Name) and made.id == item.target.id
    return _of_iterated(item.iter, names, depth) if is_same else None


def _of_iterated(node: ast.expr, names: NamesAbove, depth: int) -> Places | None:
    """The columns of the rows that a loop goes through; of a loop over a cursor, those of its statement."""
    if isinstance(node, ast.Name) and (found := names.executed(node.id, node.lineno)):
        return _of_statement(found)
    if isinstance(node, ast.Call) and called_name(node) == "execute" and owner_of(node):
        return _of_statement(names.fetched(node))
    return places_of(node, {}, names, depth + 1)


def _of_name(node: ast.Name, scope: Scope, names: NamesAbove, depth: int) -> Places | None:
    if node.id in scope:
        target = scope[node.id]
        return _of_iterated(target.iterated, names, depth) if target.place is None else None
    line = getattr(node, "lineno", 0)
    found: list[Places | None] = []
    for step in names.latest(node.id, line):
        if isinstance(step.node, ast.For | ast.AsyncFor):
            bound = target_of(step.node.target, step.node.iter, node.id)
            is_row = bound is not None and bound.place is None
            found.append(_of_iterated(step.node.iter, names, depth) if is_row else None)
        else:
            value = given_to(step, node.id) if isinstance(step.node, ast.Assign) else None
            found.append(places_of(value, {}, names, depth + 1) if value is not None else None)
    return found[0] if len(found) == 1 else None


def _of_statement(found: list[Value]) -> Places | None:
    """The columns of the rows of a statement; None of several that do not have them in common."""
    rows = [value for value in found if value.op == FETCHED and value.column_names()]
    if len(rows) != 1 or len(found) != 1:
        return None
    return [{(rows[0], name): None} for name in rows[0].column_names()]


def fetched_in(node: ast.expr, names: NamesAbove) -> Found:
    """The columns of rows of a database that an expression fetches: ``cursor.fetchone()[0]``."""
    found: Found = {}
    places = {
        id(item.value): item.slice.value
        for item in ast.walk(node)
        if isinstance(item, ast.Subscript) and isinstance(item.slice, ast.Constant)
    }
    for item in ast.walk(node):
        if isinstance(item, ast.Call) and called_name(item) in FETCHES:
            rows: Found = {(value, None): None for value in names.fetched(item)}
            place = places.get(id(item)) if called_name(item) == "fetchone" else None
            found.update((by_place(rows, place) if isinstance(place, int) else {}) or rows)
    return found
