"""Builds the ``headwater_operations`` facet: the steps between what a run read and what it wrote."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, Final

from headwater.capture.containers import HELD
from headwater.capture.values import UNKNOWN, Value

MAX_OPERATIONS: Final = 2_000
"""Steps kept in the facet; it always has the count of all of them."""


class Steps:
    """The steps that the results of a run depend on. All are counted; only the first ``MAX_OPERATIONS`` are kept, so
    that a loop that fits and writes for hours stays small."""

    __slots__ = ("_count", "_kept", "_seen")

    def __init__(self) -> None:
        self._seen: set[int] = {UNKNOWN.number}
        self._kept: list[tuple[int, Value]] = []
        """A heap, by number, the latest first."""
        self._count = 0

    def add(self, result: Value) -> None:
        """A value was written or named: the steps behind it that are not known yet are steps of the run."""
        stack = [result]
        while stack:
            value = stack.pop()
            if value.number in self._seen:
                continue
            self._seen.add(value.number)
            stack.extend(value.inputs)
            if not _is_bookkeeping(value):
                self._count += 1
                keep = heapq.heappush if len(self._kept) < MAX_OPERATIONS else heapq.heappushpop
                keep(self._kept, (-value.number, value))

    def body(self) -> dict[str, Any]:
        """The facet body: each step once, in time order, with rows in and out and its line of code. Steps that no
        result depends on are left out."""
        steps = [value for _, value in sorted(self._kept, reverse=True)]
        numbers = {id(value): number for number, value in enumerate(steps, start=1)}
        return {"operations": [_step(value, numbers) for value in steps], "count": self._count} if steps else {}


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
