"""Determines which part of a statement's values is meant: by position among several, or by mentioned columns."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final

from headwater.capture.notebook_cells import whole
from headwater.capture.source_analysis.bindings import Step, mentions_in
from headwater.capture.source_analysis.call_origins import parts_of, place_of
from headwater.capture.source_analysis.code_lines import span_of
from headwater.capture.source_analysis.made_values import line_in
from headwater.capture.values import INFERRED, Columns, Dep, Rule, Value

_MOST: Final = 200
"""How many values behind some others are looked at."""


def at_place(step: Step, name: str, direct: list[Value]) -> list[Value]:
    """Those of the values made by a statement that it bound to the name, as in ``a, b = x.values, y.values``."""
    node = step.node
    if not isinstance(node, ast.Assign) or len(step.binds) == 1:
        return direct if _is_inner(node, direct[-1]) else [v for v in direct if v.offset == direct[-1].offset]
    target = node.targets[0]
    place = place_of(node, name)
    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Call):  # X, y = load(): in the order of the names
        return direct[place : place + 1] if place is not None and len(direct) == len(target.elts) else direct[-1:]
    if not isinstance(target, ast.Tuple) or not isinstance(node.value, ast.Tuple):
        return direct[-1:]
    if place is None or place >= len(node.value.elts):
        return direct
    mentioned = mentions_in(node.value.elts[place])
    return [value for value in direct if mentioned.intersection(value.column_names())] or direct


def made_within(values: list[Value], node: ast.expr) -> list[Value]:
    """Those of the values that an expression made, as far as the instructions that made them tell."""
    return [value for value in values if (span := _span(value)) is not None and _holds(_extent(node), span)]


def without_those_beside(values: list[Value], nodes: Sequence[ast.expr]) -> list[Value]:
    """The values without those that the statement made outside some expressions, as far as their places are known."""
    extents = [_extent(node) for node in nodes]
    spans = [(value, _span(value)) for value in values]
    return [value for value, span in spans if span is None or any(_holds(extent, span) for extent in extents)]


def made_for(values: list[Value], node: ast.expr, first: int, last: int) -> list[Value]:
    """The values without those that the lines from ``first`` to ``last`` made beside an expression there."""
    kept = without_those_beside(values, [node])
    return [value for value in values if value in kept or not first <= line_in(value) <= last]


def names_beside(values: list[Value], node: ast.AST) -> set[str]:
    """The names that a statement or expression computes with outside the parts that made some values: ``X`` in
    ``X - X[:, :1]``. Not those that only choose rows or columns; empty if the places of the values are not known."""
    spans = [_span(value) for value in values]
    if not spans or None in spans:
        return set()
    found: set[str] = set()
    waiting: list[ast.AST] = [node]
    while waiting:
        item = waiting.pop()
        is_placed = isinstance(item, ast.expr) and any(_is_made_at(item, span) for span in spans if span)
        if is_placed or isinstance(item, ast.Lambda):
            continue
        if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Load):
            found.add(item.id)
        is_choice = isinstance(item, ast.Subscript)
        waiting += [item.value] if is_choice else ast.iter_child_nodes(item)  # type: ignore[attr-defined]
    return found


_Span = tuple[int, int, int, int]


def _span(value: Value) -> _Span | None:
    """Where the expression that made a value stands."""
    if value.code is None or value.offset >= 0 or whole(value.code, 1)[0] is not value.code:
        return None
    return span_of(value.code, -1 - value.offset)


def _extent(node: ast.expr) -> _Span:
    return int(node.lineno), node.col_offset, int(node.end_lineno or 0), node.end_col_offset or 0


def _holds(outer: _Span, inner: _Span) -> bool:
    return outer[:2] <= inner[:2] and inner[2:] <= outer[2:]


def _is_made_at(node: ast.expr, span: _Span) -> bool:
    """Whether an expression belongs to what was made at a place. If a chain of attributes and calls stands on several
    lines, Python gives only the last attribute as its place."""
    extent = _extent(node)
    is_chain = isinstance(node, ast.Attribute) or (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))
    is_end = is_chain and extent[0] < span[0] and extent[2:] == span[2:]
    return is_end or _holds(span, extent)


def _is_inner(node: ast.stmt, value: Value) -> bool:
    """Whether a value was made by a part of an assigned expression, like the sides of ``a.values + b.values``."""
    given = getattr(node, "value", None)
    span = _span(value) if isinstance(given, ast.expr) else None
    if span is None or not isinstance(given, ast.expr):
        return False
    extent = _extent(given)
    return extent[:2] < span[:2] or span[2:] < extent[2:]


def given_there(node: ast.stmt, name: str) -> ast.expr | None:
    """The expression for that name in an assignment of several expressions to several names, or in one of several
    splits: ``a, b, c, d = train_test_split(x, y)`` cuts ``x`` into ``a`` and ``b``."""
    place = place_of(node, name)
    if place is None or not isinstance(node, ast.Assign):
        return None
    given = parts_of(node.value, len(getattr(node.targets[0], "elts", ())))
    return given[place] if place < len(given) else None


def places_chosen(node: ast.stmt) -> frozenset[str]:
    """The columns that ``X = X[:, [0, 2]]`` chooses by position, as mentions."""
    value = node.value if isinstance(node, ast.Assign) else None
    key = value.slice if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name) else None
    if not isinstance(key, ast.Tuple) or len(key.elts) != 2 or not isinstance(key.elts[0], ast.Slice):
        return frozenset()
    chosen = key.elts[1]
    items = chosen.elts if isinstance(chosen, ast.List | ast.Tuple) else []
    places = [item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, int)]
    return frozenset(map(_mention, places)) if len(places) == len(items) else frozenset()


def _mention(place: int) -> str:
    return f"[{place}]"


def of_parts(values: list[Value], mentions: frozenset[str]) -> list[Value]:
    """Of the data and the labels that one call returned, those that the code mentions by ``data`` or ``target``."""
    labels = [value for value in values if value.column_names() == ("target",)]
    is_target = not mentions.isdisjoint(("target", "target_names"))  # iris.target_names[iris.target]
    if len(values) > 1 and labels and ("data" in mentions) != is_target:
        return labels if is_target else [value for value in values if value not in labels]
    return values


def behind(values: list[Value]) -> set[int]:
    """The ``id()`` of the values that some values were made from, up to a limit."""
    seen: set[int] = set()
    stack = list(values)
    while stack and len(seen) < _MOST:
        for item in stack.pop().inputs:
            if id(item) not in seen:
                seen.add(id(item))
                stack.append(item)
    return seen


def from_mentioned(mentions: list[frozenset[str]]) -> Rule:
    """The rule of a value that comes from the columns of each input that the code mentions, or from all of it."""

    def rule(value: Value) -> Columns:
        deps: list[Dep] = []
        for position, (item, names) in enumerate(zip(value.inputs, mentions, strict=True)):
            columns: list[str | None] = [
                name for place, name in enumerate(item.column_names()) if name in names or _mention(place) in names
            ]
            deps += [Dep(position, name, description=INFERRED) for name in columns or [None]]
        return Columns({"*": deps})

    return rule


def by_position(names: tuple[str, ...], alike: Sequence[Value]) -> Rule:
    """The rule of a value with these columns, each of which comes from the column at its position of every input that
    is ``alike``, and from all of any other input."""

    def rule(value: Value) -> Columns:
        fields: dict[str, list[Dep]] = {}
        own = [item.column_names() if item in alike else () for item in value.inputs]
        for place, name in enumerate(names):
            columns = [known[place] if known else None for known in own]
            fields[name] = [Dep(position, column, description=INFERRED) for position, column in enumerate(columns)]
        return Columns(fields)

    return rule
