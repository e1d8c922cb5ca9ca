"""Records when runs read datasets."""

from __future__ import annotations

import heapq
from collections.abc import Sequence


class MemoryReads:
    """The records in a dictionary."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, int], set[tuple[int, int]]] = {}

    def add(self, dataset: int, mark: int, at: int, run: int) -> None:
        """Record that a run read a dataset under a mark at an instant."""
        self._rows.setdefault((dataset, mark), set()).add((at, run))

    def between(self, dataset: int, mark: int, first: int, last: int) -> list[int]:
        """Runs that read a dataset under a mark in ``[first, last]``."""
        return [run for at, run in self._rows.get((dataset, mark), ()) if first <= at <= last]

    def earliest(self, dataset: int, mark: int, first: int, limit: int) -> list[tuple[int, int]]:
        """(instant, run) pairs of reads of a dataset under a mark from ``first`` on, earliest first."""
        return heapq.nsmallest(limit, (row for row in self._rows.get((dataset, mark), ()) if first <= row[0]))

    def earliest_of_each(self, wanted: Sequence[tuple[int, int, int]], limit: int) -> list[list[tuple[int, int]]]:
        """``earliest`` of each of these (dataset, mark, first), in order."""
        return [self.earliest(*one, limit) for one in wanted]
