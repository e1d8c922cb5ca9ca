"""Builds the ``headwater_operations`` facet: the steps between what a run read and what it wrote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any, Final

from headwater.capture.containers import HELD
from headwater.capture.values import UNKNOWN, Value

MAX_OPERATIONS: Final = 2_000
"""Steps kept in the facet; it always has the count of all of them."""


def operations(results: Iterable[Value]) -> dict[str, Any]:
    """The facet body: each step once, in time order, with rows in and out and its line of code.

    ``results`` are the values that were written or named. Steps that no result depends on are left out.
    """
    steps = [value for value in _reachable(results) if not _is_bookkeeping(value)]
    steps.sort(key=lambda value: value.number)
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


def _is_bookkeeping(value: Value) -> bool:
    """Whether a value is internal (a part of a set, a set's copy in a file) and not the result of a user's step."""
    return value.op in ("headwater.write", "sklearn.part", HELD)


def _steps_before(value: Value) -> Iterator[Value]:
    for item in value.inputs:
        if _is_bookkeeping(item):
            yield from _steps_before(item)
        else:
            yield item


def _step(value: Value, numbers: dict[int, int]) -> dict[str, Any]:
    step: dict[str, Any] = {
        "id": numbers[id(value)],
        "op": value.op,
        "inputs": sorted({numbers[id(item)] for item in _steps_before(value) if id(item) in numbers}),
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
