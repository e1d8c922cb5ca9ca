"""Records when runs read datasets: one row per run and mark.

Rows are in the order of datasets, so that those of one commit lie on as many pages as it names datasets, and each page
is written whole. New rows therefore gather in a small table of the same form, and are moved together.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from headwater.storage.sqlite.connection import queries

_MOST_NEW = 4_000


class SQLiteReads:
    """The records of one file; new ones are written before a query, or with the batch."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._pending: list[tuple[int, int, int, int]] = []
        #: at most so many rows are new; None while that is unknown
        self._new: int | None = None
        sql = queries()
        self._add, self._between, self._earliest = sql["reads_add"], sql["reads_between"], sql["reads_earliest"]
        self._count_new, self._fold, self._folded = sql["reads_count_new"], sql["reads_fold"], sql["reads_folded"]

    def add(self, dataset: int, mark: int, at: int, run: int) -> None:
        """Record that a run read a dataset under a mark at an instant."""
        self._pending.append((dataset, mark, at, run))

    def between(self, dataset: int, mark: int, first: int, last: int) -> list[int]:
        """Runs that read a dataset under a mark in ``[first, last]``, and perhaps some others."""
        self.flush()
        wanted = {"dataset": dataset, "mark": mark, "first": first, "last": last}
        return [run for (run,) in self._connection.execute(self._between, wanted)]

    def earliest(self, dataset: int, mark: int, first: int, limit: int) -> list[tuple[int, int]]:
        """(instant, run) pairs of reads of a dataset under a mark from ``first`` on, earliest first."""
        self.flush()
        wanted = {"dataset": dataset, "mark": mark, "first": first, "limit": limit}
        return list(self._connection.execute(self._earliest, wanted))

    def earliest_of_each(self, wanted: Sequence[tuple[int, int, int]], limit: int) -> list[list[tuple[int, int]]]:
        """``earliest`` of each of these (dataset, mark, first), in order."""
        return [self.earliest(*one, limit) for one in wanted]

    def flush(self) -> None:
        """Write everything pending."""
        if not self._pending:
            return
        if self._new is None:
            self._new = int(self._connection.execute(self._count_new).fetchone()[0])
        self._connection.executemany(self._add, self._pending)
        self._new += len(self._pending)
        self._pending.clear()
        if self._new > _MOST_NEW:
            self._connection.execute(self._fold)
            self._connection.execute(self._folded)
            self._new = 0

    def clear(self) -> None:
        """Drop everything pending: the batch was rolled back, or another process wrote."""
        self._pending.clear()
        self._new = None
