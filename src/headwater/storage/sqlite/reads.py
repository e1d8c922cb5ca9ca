"""Records when runs read datasets: one row per run and mark."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from headwater.storage.sqlite.connection import queries


class SQLiteReads:
    """The records of one file; new ones are written before a query, or with the batch."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._pending: list[tuple[int, int, int, int]] = []
        sql = queries()
        self._add, self._between, self._earliest = sql["reads_add"], sql["reads_between"], sql["reads_earliest"]

    def add(self, dataset: int, mark: int, at: int, run: int) -> None:
        """Record that a run read a dataset under a mark at an instant."""
        self._pending.append((dataset, mark, at, run))

    def between(self, dataset: int, mark: int, first: int, last: int) -> list[int]:
        """Runs that read a dataset under a mark in ``[first, last]``, and perhaps some others."""
        self.flush()
        return [run for (run,) in self._connection.execute(self._between, (dataset, mark, first, last))]

    def earliest(self, dataset: int, mark: int, first: int, limit: int) -> list[tuple[int, int]]:
        """(instant, run) pairs of reads of a dataset under a mark from ``first`` on, earliest first."""
        self.flush()
        return list(self._connection.execute(self._earliest, (dataset, mark, first, limit)))

    def earliest_of_each(self, wanted: Sequence[tuple[int, int, int]], limit: int) -> list[list[tuple[int, int]]]:
        """``earliest`` of each of these (dataset, mark, first), in order."""
        return [self.earliest(*one, limit) for one in wanted]

    def flush(self) -> None:
        """Write everything pending."""
        if self._pending:
            self._connection.executemany(self._add, self._pending)
            self._pending.clear()

    def clear(self) -> None:
        """Drop everything pending."""
        self._pending.clear()
