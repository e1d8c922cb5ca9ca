"""The quarantine in the file: one row per entry."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from headwater.storage.quarantine import digest_of, entry_of, surplus
from headwater.storage.row_types import Quarantined, QuarantineTotals
from headwater.storage.sqlite.connection import queries


class QuarantineTable:
    """Stores refused events, within the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._sql = queries()

    def keep(self, refused: Sequence[Quarantined]) -> tuple[list[int], int]:
        """Store refused events; returns their ids and how many older entries were dropped."""
        ids = [self._keep(entry_of(one)) for one in refused]
        totals = self.totals(0)
        sizes = self._connection.execute(self._sql["quarantine_sizes"])
        gone = surplus(sizes, totals.entries, totals.size_bytes)
        return ids, self.drop(gone)

    def _keep(self, one: Quarantined) -> int:
        given = (
            one.received_at, one.body, one.field, one.value, one.rule, one.hint, one.kind, one.size_bytes,
            digest_of(one),
        )  # fmt: skip
        found: int = self._connection.execute(self._sql["quarantine_add"], given).fetchone()[0]
        return found

    def holds(self, refused: Quarantined) -> bool:
        """Whether there is an entry for this refusal."""
        digest = digest_of(entry_of(refused))
        return self._connection.execute(self._sql["quarantine_holds"], (digest,)).fetchone() is not None

    def page(self, limit: int, before: int | None) -> list[Quarantined]:
        """Entries below an id, highest first."""
        end = 2**63 - 1 if before is None else before
        return [_entry(row) for row in self._connection.execute(self._sql["quarantine_page"], (end, max(0, limit)))]

    def entry(self, entry_id: int) -> Quarantined | None:
        """One entry."""
        row = self._connection.execute(self._sql["quarantine_get"], (entry_id,)).fetchone()
        return None if row is None else _entry(row)

    def drop(self, ids: Sequence[int]) -> int:
        """Drop entries; returns how many there were."""
        return sum(self._connection.execute(self._sql["quarantine_drop"], (one,)).rowcount for one in set(ids))

    def forget(self, before: int) -> None:
        """Drop entries last seen before an instant."""
        self._connection.execute(self._sql["quarantine_forget"], (before,))

    def totals(self, dropped: int) -> QuarantineTotals:
        """The size of the quarantine."""
        entries, size = self._connection.execute(self._sql["quarantine_totals"]).fetchone()
        return QuarantineTotals(entries=entries, size_bytes=size, dropped=dropped)


def _entry(row: tuple[Any, ...]) -> Quarantined:
    entry_id, received_at, body, field, value, rule, hint, kind, size_bytes, times = row
    return Quarantined(
        id=entry_id,
        received_at=received_at,
        body=body,
        field=field,
        value=value,
        rule=rule,
        hint=hint,
        kind=kind,
        size_bytes=size_bytes,
        times=times,
    )
