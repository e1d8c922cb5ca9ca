"""Records when runs read datasets: one row per run and mark."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.storage.postgres.connection import Session, queries
from headwater.storage.postgres.table import arrays_of


class PostgresReads:
    """The records of one tenant; new ones are written with the batch."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._pending: set[tuple[int, int, int, int]] = set()
        sql = queries()
        self._add, self._between, self._earliest = sql["reads_add"], sql["reads_between"], sql["reads_earliest"]
        self._earliest_of_each = sql["reads_earliest_of_each"]

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, dataset: int, mark: int, at: int, run: int) -> None:
        """Record that a run read a dataset under a mark at an instant."""
        self._pending.add((dataset, mark, at, run))

    def between(self, dataset: int, mark: int, first: int, last: int) -> list[int]:
        """Runs that read a dataset under a mark in ``[first, last]``, and perhaps some others."""
        self.flush()
        return [run for (run,) in self._session.rows(self._between, (dataset, mark, first, last))]

    def earliest(self, dataset: int, mark: int, first: int, limit: int) -> list[tuple[int, int]]:
        """(instant, run) pairs of reads of a dataset under a mark from ``first`` on, earliest first."""
        self.flush()
        return self._session.rows(self._earliest, (dataset, mark, first, limit))

    def earliest_of_each(self, wanted: Sequence[tuple[int, int, int]], limit: int) -> list[list[tuple[int, int]]]:
        """``earliest`` of each of these (dataset, mark, first), in order."""
        self.flush()
        found: list[list[tuple[int, int]]] = [[] for _ in wanted]
        given = (*arrays_of(["bigint"] * 3, wanted), limit)
        for place, at, run in self._session.rows(self._earliest_of_each, given) if wanted else ():
            found[place - 1].append((at, run))
        return found

    def flush(self) -> None:
        """Write everything pending."""
        if self._pending:
            self._session.execute(self._add, arrays_of(["bigint"] * 4, list(self._pending)))
            self._pending.clear()

    def clear(self) -> None:
        """Drop everything pending."""
        self._pending.clear()
