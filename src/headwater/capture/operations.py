"""The steps between what a run read and what it wrote, as the ``headwater_operations`` facet."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import Any, Final

from headwater.capture.values import UNKNOWN, Value

MAX_OPERATIONS: Final = 2_000
"""Steps kept in a run's record; the count of all of them is always given."""


def operations(results: Iterable[Value]) -> dict[str, Any]:
    """The facet body: each step once, in time order, with rows in and out and the line of code that did it.

    ``results`` are the values that were written or named. Steps whose results nothing reaches are not there: they
    did not matter to any output.
    """
    steps = _reachable(results)
    steps.sort(key=lambda value: value.time_ns)
    numbers = {id(value): number for number, value in enumerate(steps, start=1)}
    body: dict[str, Any] = {
        "operations": [_step(value, numbers) for value in steps[:MAX_OPERATIONS]],
        "count": len(steps),
    }
    return body if steps else {}


def _reachable(results: Iterable[Value]) -> list[Value]:
    seen: set[int] = {id(UNKNOWN)}
    found: list[Value] = []
    stack = list(results)
    while stack:
        value = stack.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        found.append(value)
        stack.extend(value.inputs)
    return found


def _step(value: Value, numbers: dict[int, int]) -> dict[str, Any]:
    step: dict[str, Any] = {
        "id": numbers[id(value)],
        "op": value.op,
        "inputs": [numbers[id(item)] for item in value.inputs if id(item) in numbers],
    }
    rows_in = next((item.rows for item in value.inputs if item.rows is not None), None)
    if rows_in is not None:
        step["rows_in"] = rows_in
    if value.rows is not None:
        step["rows_out"] = value.rows
    if value.detail:
        step["detail"] = value.detail
    if value.dataset is not None:
        step["output"] = value.dataset.name
    if value.code is not None:
        step["code"] = {
            "file": PurePath(value.code.co_filename).name,
            "line": value.line,
            "function": value.code.co_name,
        }
    return step
