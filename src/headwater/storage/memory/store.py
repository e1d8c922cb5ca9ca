"""The memory store: lives as long as its process, implements the whole contract, and is the reference in tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from headwater.errors import StoreError
from headwater.storage.base import Capabilities
from headwater.storage.cycles import Cycles
from headwater.storage.event_intake import Delivery, Written
from headwater.storage.frames import event_time
from headwater.storage.indexes import SharedIndexes
from headwater.storage.ingest import Batch, sort_out, with_ids
from headwater.storage.memory.quarantine import MemoryQuarantine
from headwater.storage.memory.tables import MemoryTables
from headwater.storage.projection.tables import LEVELS
from headwater.storage.projection.weights import MOST_BYTES
from headwater.storage.row_types import Quarantined, QuarantineTotals, Receipt, StoredEvent
from headwater.storage.store_lock import StoreLock
from headwater.storage.table_store import LogCounts, TableStore


class MemoryStore(TableStore):
    """One tenant's lineage in dictionaries."""

    capabilities = Capabilities(is_durable=False, has_online_backup=False)

    def __init__(self, tenant: str) -> None:
        self._log: list[StoredEvent] = []
        self._keys: dict[bytes, int] = {}
        self._refused = MemoryQuarantine()
        self._lock = StoreLock()
        self._last = 0
        self._set_aside = 0

        self._by_seq: dict[int, bytes] = {}
        super().__init__(MemoryTables(self._by_seq.__getitem__), tenant, SharedIndexes(None))

    @classmethod
    def open(cls, *, tenant: str = "default") -> MemoryStore:
        """An empty store."""
        return cls(tenant)

    def _reading(self) -> AbstractContextManager[None]:
        return self._lock

    def append(self, events: Sequence[bytes], *, received_at: int | None = None) -> list[Receipt]:
        """Store a batch of events, with a receipt for each in order."""
        return self.append_group([self.prepare(events, received_at=received_at)])[0]

    def write(self, deliveries: Sequence[Delivery]) -> Written:
        """Sort the deliveries, and hold the store until they are committed or discarded."""
        with ExitStack() as held:
            held.enter_context(self._lock)
            if self._view is not None:
                raise StoreError("a write was started within a read")
            batch = sort_out(
                [self.checked(delivery) for delivery in deliveries],
                self._seen,
                self._last + 1,
                Cycles(self._tables),
            )
            rest = held.pop_all()
        self._lock.leave()
        return _Pending(self, batch, rest)

    def _take(self, batch: Batch) -> list[list[Receipt]]:
        before = self._state()
        for one, received_at in zip(batch.accepted, batch.received, strict=True):
            self._last += 1
            self._keys[one.key] = self._last
            self._by_seq[self._last] = one.key
            self._log.append(StoredEvent(seq=self._last, key=one.key.hex(), received_at=received_at, body=one.raw))
            self._projector.apply(one.event, one.key, self._last, one.at)
        self._projector.settle()
        self._indexes.answers.announce(before, self._state(), self._tables.touched)
        self._indexes.answers.settle()
        self._tables.touched.clear()
        if self._projector.weight > MOST_BYTES:
            self._projector.clear()
        return with_ids(batch.receipts, self._refused.keep(batch.refused))

    def _seen(self, events: list[tuple[int, bytes]]) -> dict[bytes, int]:
        return {key: self._keys[key] for _, key in events if key in self._keys}

    def rebuild(self) -> str:
        """Drop all projections, rebuild them from the log, and return the graph hash."""
        with self._lock:
            epochs = {level: self._tables.epoch(level) + 1 for level in LEVELS}
            self._follow(MemoryTables(self._by_seq.__getitem__, epochs))
            self._indexes.forget()
            refused = []
            for stored in self._log:
                one = self._check.again(stored)
                if isinstance(one, Quarantined):
                    refused.append(one)
                else:
                    self._projector.apply(one.event, one.key, stored.seq, one.at)
            self._projector.settle()
            self._set_aside = len(refused)
            self._refused.keep([one for one in refused if not self._refused.holds(one)])
            return self.graph_hash()

    def retain(self, *, before: int) -> int:
        """Delete events received before an instant, and all lineage known from them alone; return their number."""
        with self._lock:
            kept = [stored for stored in self._log if stored.received_at >= before]
            gone = len(self._log) - len(kept)
            self._refused.forget(before)
            if gone:
                self._log = kept
                self._keys = {bytes.fromhex(stored.key): stored.seq for stored in kept}
                self._by_seq.clear()
                self._by_seq.update((stored.seq, bytes.fromhex(stored.key)) for stored in kept)
                self.rebuild()
            return gone

    def events(self, *, since: int = 0, limit: int | None = None) -> Iterator[StoredEvent]:
        """The events after a sequence number, verbatim."""
        with self._lock:
            found = [stored for stored in self._log if stored.seq > since]
        return iter(found if limit is None else found[:limit])

    def _between(self, after: int, before: int, *, newest_first: bool) -> Iterator[tuple[int, StoredEvent]]:
        found = [(at, one) for one in self._log if after <= (at := event_time(one.body)) < before]
        return iter(sorted(found, key=lambda pair: (pair[0], pair[1].key), reverse=newest_first))

    # -- the quarantine --------------------------------------------------------------------------------------------
    def quarantine(self, refused: Sequence[Quarantined]) -> list[int]:
        """Store events that were refused before they reached ``append``; returns their ids."""
        with self._lock:
            return self._refused.keep(refused)

    def quarantined(self, *, limit: int = 100, before: int | None = None) -> list[Quarantined]:
        """Quarantine entries, highest id first; with ``before`` only those with a lower id."""
        with self._lock:
            return self._refused.page(limit, before)

    def quarantine_entry(self, entry_id: int) -> Quarantined | None:
        """One quarantine entry, or None if there is none with that id."""
        with self._lock:
            return self._refused.entries.get(entry_id)

    def release(self, ids: Sequence[int]) -> int:
        """Remove entries from quarantine; returns how many there were."""
        with self._lock:
            return self._refused.drop(ids)

    def quarantine_totals(self) -> QuarantineTotals:
        """The size of the quarantine."""
        with self._lock:
            return self._refused.totals()

    def _last_seq(self) -> int:
        return self._last

    def _log_counts(self) -> LogCounts:
        return LogCounts(len(self._log), self._set_aside, len(self._refused.entries), self._last)

    def size_bytes(self) -> int:
        """0: nothing is on disk."""
        return 0

    def backup(self, target: Path) -> None:
        """Not supported: a store in memory can be exported instead."""
        raise StoreError("a store in memory cannot be backed up", hint="export it, or open a store in a folder")

    def close(self) -> None:
        """Release the indexes."""
        self._leave_indexes()


class _Pending(Written):
    """Changes nothing before the commit, so there is nothing to undo."""

    def __init__(self, store: MemoryStore, batch: Batch, held: ExitStack) -> None:
        self.receipts = batch.receipts
        self._take = store._take
        self._batch = batch
        self._held: ExitStack | None = held

    def commit(self) -> None:
        """Store the events."""
        held, self._held = self._held, None
        if held is None:
            raise StoreError("these deliveries are committed or rolled back already")
        with held:
            self.receipts = self._take(self._batch)

    def rollback(self) -> None:
        """Release the store."""
        held, self._held = self._held, None
        if held is not None:
            held.close()
