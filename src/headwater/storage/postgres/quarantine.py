"""The quarantine on the server: one row per entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headwater.storage.postgres.arrays import column
from headwater.storage.postgres.connection import Session, queries
from headwater.storage.postgres.table import arrays_of
from headwater.storage.quarantine import digest_of, entry_of, surplus
from headwater.storage.row_types import Quarantined, QuarantineTotals

COLUMNS = (
    "id bigint", "received_at bigint", "body bytea", "field text", "value text", "rule text", "hint text",
    "kind text", "size_bytes bigint", "times bigint", "digest bytea",
)  # fmt: skip
_TYPES = [one.split()[1] for one in COLUMNS]


class QuarantineTable:
    """Stores refused events, within the caller's transaction. ``next_id`` allocates ids."""

    def __init__(self, session: Session, next_id: Callable[[], int]) -> None:
        self._session = session
        self._sql = queries()
        self._next_id = next_id

    def keep(self, refused: Sequence[Quarantined]) -> tuple[list[int], int]:
        """Store refused events; returns their ids and how many older entries were dropped."""
        digests: list[bytes] = []
        given: dict[bytes, tuple[Any, ...]] = {}
        for one in map(entry_of, refused):
            digest = digest_of(one)
            digests.append(digest)
            known = given.get(digest)
            number, times = (self._next_id(), 1) if known is None else (known[0], known[9] + 1)
            texts = map(_storable, (one.field, one.value, one.rule, one.hint, one.kind))
            given[digest] = (number, one.received_at, one.body, *texts, one.size_bytes, times, digest)
        ids = self.put(list(given.values()))
        totals = self.totals(0)
        sizes: list[tuple[Any, ...]] = []
        if surplus([(0, 0)], totals.entries, totals.size_bytes):
            sizes = self._session.rows(self._sql["quarantine_sizes"])
        gone = surplus([(row[0], row[1]) for row in sizes], totals.entries, totals.size_bytes)
        return [ids[digest] for digest in digests], self.drop(gone)

    def put(self, entries: Sequence[tuple[Any, ...]]) -> dict[bytes, int]:
        """Write entries; returns their ids by digest. For one that exists already, its count is raised."""
        return dict(self._session.rows(self._sql["quarantine_add"], arrays_of(_TYPES, entries)))

    def holds(self, refused: Quarantined) -> bool:
        """Whether there is an entry for this refusal."""
        return bool(self._session.rows(self._sql["quarantine_holds"], (digest_of(entry_of(refused)),)))

    def page(self, limit: int, before: int | None) -> list[Quarantined]:
        """Entries below an id, highest first."""
        end = 2**63 - 1 if before is None else before
        return [_entry(row) for row in self._session.rows(self._sql["quarantine_page"], (end, max(0, limit)))]

    def entry(self, entry_id: int) -> Quarantined | None:
        """One entry."""
        found = self._session.rows(self._sql["quarantine_get"], (entry_id,))
        return _entry(found[0]) if found else None

    def drop(self, ids: Sequence[int]) -> int:
        """Drop entries; returns how many there were."""
        if not ids:
            return 0
        return self._session.execute(self._sql["quarantine_drop"], (column("bigint", list(set(ids))),)).rowcount

    def forget(self, before: int) -> None:
        """Drop entries last seen before an instant."""
        self._session.execute(self._sql["quarantine_forget"], (before,))

    def totals(self, dropped: int) -> QuarantineTotals:
        """The size of the quarantine."""
        ((entries, size),) = self._session.rows(self._sql["quarantine_totals"])
        return QuarantineTotals(entries=entries, size_bytes=int(size), dropped=dropped)


def _entry(row: tuple[Any, ...]) -> Quarantined:
    names = ("id", "received_at", "body", "field", "value", "rule", "hint", "kind", "size_bytes", "times")
    return Quarantined(**dict(zip(names, row, strict=True)))


def _storable(text: str) -> str:
    """A text that PostgreSQL can store: without NUL and lone surrogates."""
    return text.replace("\0", "\\u0000").encode("utf-8", "backslashreplace").decode()
