"""Records the nodes that each commit touched: one row per commit."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.storage.postgres.connection import Session, queries
from headwater.storage.touches import Touches


class PostgresTouches(Touches):
    """The rows of one tenant."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sql = queries()

    def _add(self, seq: int, before: int, nodes: bytes) -> None:
        self._session.execute(self._sql["touches_add"], (seq, before, nodes))

    def _after(self, seq: int) -> Iterable[tuple[int, int, bytes]]:
        return [
            (last, before, bytes(nodes))
            for last, before, nodes in self._session.rows(self._sql["touches_after"], (seq,))
        ]

    def _drop(self, upto: int) -> None:
        self._session.execute(self._sql["touches_drop"], (upto,))
