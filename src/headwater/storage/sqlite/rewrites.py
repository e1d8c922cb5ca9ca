"""The log of changed derivations for followers of the run level: one row per commit."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from headwater.storage.projection.rewrites import KEPT, KEPT_FLOOR, Rewrites, most_kept
from headwater.storage.sqlite.connection import queries

if TYPE_CHECKING:
    from headwater.storage.sqlite.batch import BatchTables


class SQLiteRewrites(Rewrites):
    """The rows of one file, numbered and counted by its tables."""

    def __init__(self, connection: sqlite3.Connection, tables: BatchTables) -> None:
        super().__init__()
        self._connection = connection
        self._tables = tables
        self._sql = queries()

    def flush(self) -> None:
        """Write the changes of a batch, and drop the older half of the log if it has grown too large."""
        if not self:
            return
        tables = self._tables
        tables.advance(KEPT, len(self))
        self._connection.execute(self._sql["rewrites_add"], (tables.next_id("step"), len(self), self.take()))
        size, most = tables.counter(KEPT), most_kept(tables.counter("step"))
        if size > most:
            ((last, gone),) = self._connection.execute(self._sql["rewrites_oldest"], (size - most // 2,))
            self._connection.execute(self._sql["rewrites_drop"], (last,))
            tables.advance(KEPT, -gone)
            tables.advance(KEPT_FLOOR, last - self.floor)

    def after(self, step: int, until: int) -> list[tuple[int, bytes]]:
        """(number, entry) pairs with numbers above ``step`` up to ``until``, ascending."""
        return self._connection.execute(self._sql["rewrites_after"], (step, until)).fetchall()

    @property
    def floor(self) -> int:
        """The last number that was deleted from the log."""
        return self._tables.counter(KEPT_FLOOR)
