"""Records the nodes that each commit touched: one row per commit."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from headwater.storage.sqlite.connection import queries
from headwater.storage.touches import Touches


class SQLiteTouches(Touches):
    """The rows of one file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._sql = queries()

    def _add(self, seq: int, before: int, nodes: bytes) -> None:
        self._connection.execute(self._sql["touches_add"], (seq, before, nodes))

    def _after(self, seq: int) -> Iterable[tuple[int, int, bytes]]:
        return self._connection.execute(self._sql["touches_after"], (seq,)).fetchall()

    def _drop(self, upto: int) -> None:
        self._connection.execute(self._sql["touches_drop"], (upto,))
