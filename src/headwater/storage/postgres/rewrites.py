"""The log of changed derivations for followers of the run level: one row per commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.storage.postgres.connection import Session, queries
from headwater.storage.projection.rewrites import KEPT, KEPT_FLOOR, Rewrites, most_kept

if TYPE_CHECKING:
    from headwater.storage.postgres.batch import BatchTables


class PostgresRewrites(Rewrites):
    """The rows of one tenant, numbered and counted by its tables."""

    def __init__(self, session: Session, tables: BatchTables) -> None:
        super().__init__()
        self._session = session
        self._tables = tables
        self._sql = queries()

    def shed(self) -> None:
        """Drop the older half of the stored entries if they are too many together with the pending ones."""
        tables = self._tables
        size, most = tables.counter(KEPT) + len(self), most_kept(tables.counter("step"))
        if not self or size <= most:
            return
        for last, gone in self._session.rows(self._sql["rewrites_oldest"], (size - most // 2,)):
            self._session.execute(self._sql["rewrites_drop"], (last,))
            tables.advance(KEPT, -int(gone))
            tables.advance(KEPT_FLOOR, last - self.floor)

    def flush(self) -> None:
        """Write the changes of a batch."""
        if self:
            tables = self._tables
            tables.advance(KEPT, len(self))
            self._session.execute(self._sql["rewrites_add"], (tables.next_id("step"), len(self), self.take()))

    def after(self, step: int, until: int) -> list[tuple[int, bytes]]:
        """(number, entry) pairs with numbers above ``step`` up to ``until``, ascending."""
        return [(row[0], bytes(row[1])) for row in self._session.rows(self._sql["rewrites_after"], (step, until))]

    @property
    def floor(self) -> int:
        """The last number that was deleted from the log."""
        return self._tables.counter(KEPT_FLOOR)
