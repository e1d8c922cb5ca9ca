"""Finds the rows behind a list of labels: ``if row["age"] < 18: label = "young" ... labels.append(label)``.

The labels are spelled out, so nothing of the rows is in them. But the columns that the loop mentions decide about them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from types import CodeType

from headwater.capture.source_analysis.bindings import body_of, last_binding, step_at, steps_of
from headwater.capture.source_analysis.literals import function_named
from headwater.capture.source_analysis.names_above import Passes
from headwater.capture.values import Value

Labelled = tuple[Value, tuple[str, ...]]
"""A frame whose rows were gone through, and those of its columns that decide."""


def labelled_rows(
    code: CodeType, line: int, names: Sequence[str], passes: Callable[[CodeType], Passes]
) -> list[Labelled]:
    """What decided about the labels in a list used at a line: in a loop there, or in the function of the user's that
    made the list. Empty unless such a loop fills it with labels alone, under conditions."""
    found: dict[Value, dict[str, None]] = {}
    for own, name in _filled_as(code, line, names):
        for loop in (node for item in body_of(own) for node in ast.walk(item) if isinstance(node, ast.For)):
            if not _labels(loop, name):
                continue
            last = loop.iter.end_lineno or loop.lineno
            values = [value for at, passed in passes(own).items() if loop.lineno <= at <= last for value in passed]
            mentioned = _mentioned(loop)
            for value in values:
                columns = [column for column in value.column_names() if column in mentioned]
                found.setdefault(value, {}).update(dict.fromkeys(columns))
    return [(value, tuple(columns)) for value, columns in found.items() if columns]


def _filled_as(code: CodeType, line: int, names: Sequence[str]) -> Iterator[tuple[CodeType, str]]:
    """The code that filled the list, with its name there: the running code, or a function that returned it."""
    steps = steps_of(code)
    at = step_at(steps, line)
    if at is None:
        return
    made = at.node
    if names:
        yield code, names[0]
        step = last_binding(steps, names[0], at.first)
        if step is None:
            return
        made = step.node
    call = getattr(made, "value", None)
    function = function_named(getattr(getattr(call, "func", None), "id", ""), code)
    for one in steps_of(function) if function is not None else ():
        if function is not None and isinstance(one.node, ast.Return) and isinstance(one.node.value, ast.Name):
            yield function, one.node.value.id


def _labels(loop: ast.For, name: str) -> bool:
    """Whether a loop puts nothing but labels into the list of that name, and has conditions."""
    put = [
        item.args[0]
        for item in ast.walk(loop)
        if isinstance(item, ast.Call)
        and isinstance(item.func, ast.Attribute)
        and item.func.attr == "append"
        and isinstance(item.func.value, ast.Name)
        and item.func.value.id == name
        and len(item.args) == 1
    ]
    is_decided = any(isinstance(item, ast.If | ast.IfExp) for item in ast.walk(loop))
    return bool(put) and is_decided and all(_is_label(item, loop) for item in put)


def _is_label(node: ast.expr, loop: ast.For) -> bool:
    if isinstance(node, ast.IfExp):
        return _is_label(node.body, loop) and _is_label(node.orelse, loop)
    if not isinstance(node, ast.Name):
        return isinstance(node, ast.Constant)
    given = [
        item.value
        for item in ast.walk(loop)
        if isinstance(item, ast.Assign) and any(isinstance(one, ast.Name) and one.id == node.id for one in item.targets)
    ]
    return bool(given) and all(isinstance(item, ast.Constant | ast.IfExp) and _is_label(item, loop) for item in given)


def _mentioned(loop: ast.For) -> set[str]:
    texts = {item.value for item in ast.walk(loop) if isinstance(item, ast.Constant) and isinstance(item.value, str)}
    return texts | {item.attr for item in ast.walk(loop) if isinstance(item, ast.Attribute)}
