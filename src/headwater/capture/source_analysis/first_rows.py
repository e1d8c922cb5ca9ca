"""Tells where the names of a table's columns are the first row of the file that its rows come from.

``data = list(csv.reader(file))`` gives the header of a file like any other row. If the code takes that for the columns
(``pd.DataFrame(data[1:], columns=data[0])``), a column comes from the column of its name in the file.
"""

from __future__ import annotations

import ast
from typing import Final

from headwater.capture.source_analysis.bindings import Step
from headwater.capture.source_analysis.row_list_syntax import Maker, called_name, last_line
from headwater.capture.source_analysis.row_sources import MAX_DEPTH

_COLUMNS: Final = "columns"


def is_headed(steps: tuple[Step, ...], line: int, maker: Maker) -> bool:
    """Whether the one call of ``maker`` at a line is given the first row of something for the names of the columns."""
    calls = [
        node
        for step in steps
        if step.first <= line <= step.last
        for node in ast.walk(step.node)
        if isinstance(node, ast.Call) and called_name(node) in maker.names and node.lineno <= line <= last_line(node)
    ]
    given = [item.value for call in calls for item in call.keywords if item.arg == _COLUMNS]
    return len(calls) == 1 and len(given) == 1 and _is_first(given[0], steps, line, 0)


def unpacked(node: ast.stmt, name: str, place: int | None) -> list[ast.expr]:
    """The list that a statement with several targets, of which the name is at a place, takes for it: ``first, *name =
    rows``, ``first, name = rows[0], rows[1:]``."""
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    if not isinstance(node, ast.Assign) or not isinstance(target, ast.Tuple | ast.List):
        return []
    rests = [item for item in target.elts if isinstance(item, ast.Starred)]
    if rests:
        return [node.value] if getattr(rests[0].value, "id", "") == name else []
    values = node.value.elts if isinstance(node.value, ast.Tuple) else []
    return [values[place]] if place is not None and place < len(values) else []


def _is_first(node: ast.expr, steps: tuple[Step, ...], line: int, depth: int) -> bool:
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant) and node.slice.value == 0
    if isinstance(node, ast.Call):
        name = called_name(node)
        is_popped = name == "pop" and [getattr(item, "value", None) for item in node.args] == [0]
        return is_popped or (name == "next" and isinstance(node.func, ast.Name))
    if not isinstance(node, ast.Name) or depth > MAX_DEPTH:
        return False
    made = [step for step in steps if node.id in step.binds and step.first <= line]
    last = made[-1].node if made else None
    if not isinstance(last, ast.Assign):
        return False
    target = last.targets[0]
    if isinstance(target, ast.Name):
        return _is_first(last.value, steps, made[-1].first - 1, depth + 1)
    if not isinstance(target, ast.Tuple | ast.List):
        return False
    place = next((place for place, item in enumerate(target.elts) if getattr(item, "id", "") == node.id), -1)
    if any(isinstance(item, ast.Starred) for item in target.elts):
        return place == 0
    values = last.value.elts if isinstance(last.value, ast.Tuple) else []
    return 0 <= place < len(values) and _is_first(values[place], steps, made[-1].first - 1, depth + 1)
