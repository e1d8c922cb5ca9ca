"""The quarantine of a store in memory."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from headwater.storage.quarantine import digest_of, entry_of, surplus
from headwater.storage.row_types import Quarantined, QuarantineTotals


class MemoryQuarantine:
    """Entries by id, oldest first."""

    def __init__(self) -> None:
        self.entries: dict[int, Quarantined] = {}
        self._by_digest: dict[bytes, int] = {}
        self._last_id = 0
        self._dropped = 0

    def keep(self, refused: Sequence[Quarantined]) -> list[int]:
        """Store refused events, within the bounds; returns their ids."""
        ids = [self._keep(entry_of(one)) for one in refused]
        if ids:
            totals = self.totals()
            sizes = ((entry, len(one.body)) for entry, one in self.entries.items())
            self._dropped += self.drop(surplus(sizes, totals.entries, totals.size_bytes))
        return ids

    def _keep(self, one: Quarantined) -> int:
        digest = digest_of(one)
        known = self._by_digest.get(digest)
        if known is None:
            self._last_id += 1
            self._by_digest[digest] = self._last_id
            self.entries[self._last_id] = msgspec.structs.replace(one, id=self._last_id)
            return self._last_id
        times = self.entries[known].times + 1
        self.entries[known] = msgspec.structs.replace(one, id=known, times=times)
        return known

    def holds(self, refused: Quarantined) -> bool:
        """Whether there is an entry for this refusal."""
        return digest_of(entry_of(refused)) in self._by_digest

    def page(self, limit: int, before: int | None) -> list[Quarantined]:
        """Entries below an id, highest first."""
        ids = [entry for entry in reversed(self.entries) if before is None or entry < before]
        return [self.entries[entry] for entry in ids[: max(0, limit)]]

    def drop(self, ids: Sequence[int]) -> int:
        """Drop entries; returns how many there were."""
        gone = [one for entry in ids if (one := self.entries.pop(entry, None)) is not None]
        for one in gone:
            del self._by_digest[digest_of(one)]
        return len(gone)

    def forget(self, before: int) -> None:
        """Drop entries last seen before an instant."""
        self.drop([one.id for one in self.entries.values() if one.received_at < before])

    def totals(self) -> QuarantineTotals:
        """The size of the quarantine."""
        size = sum(len(one.body) for one in self.entries.values())
        return QuarantineTotals(entries=len(self.entries), size_bytes=size, dropped=self._dropped)
