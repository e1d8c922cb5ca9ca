"""Group commit for durable stores: one writer at a time, one commit for all concurrent appends.

A backend provides tables, a log and transactions; writing, rebuilding and retention are the same for all.
"""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from itertools import islice

from headwater.errors import StoreError, StoreLocked
from headwater.model.events import Event
from headwater.storage.answer_cache import Commit, State
from headwater.storage.cycles import Cycles
from headwater.storage.durable import BatchTables, Log, Refused
from headwater.storage.event_intake import Delivery, Written
from headwater.storage.indexes import SharedIndexes
from headwater.storage.ingest import Batch, Checked, sort_out, with_ids
from headwater.storage.projection.weights import MOST_BYTES
from headwater.storage.row_types import Quarantined, QuarantineTotals, Receipt, StoredEvent
from headwater.storage.store_lock import StoreLock
from headwater.storage.table_store import TableStore
from headwater.storage.view_rebuild import READ, RENEWED, RENEWING_OF, RENEWING_TO, Outdated, Progress, outdated

DROPPED = "quarantine_dropped"
"""Counter of quarantine entries that were dropped for later ones."""
SET_ASIDE = "set_aside"
"""Counter of events of the log that a rebuild left out, because they are refused today."""
_REBUILD_BATCH = 500
_REBUILD_BATCH_BYTES = 4 << 20
_STRETCH = 5000
"""Events replayed in one commit when projections are rebuilt: about a second."""


class _Waiting:
    """A call of ``append`` that waits for its commit."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.receipts: list[Receipt] | None = None
        self.error: Exception | None = None

    @property
    def is_done(self) -> bool:
        """Whether it has its receipts, or an error."""
        return self.receipts is not None or self.error is not None


class GroupCommitStore(TableStore):
    """Shared by the durable backends: appending, rebuilding, retention, reading the log."""

    _tables: BatchTables
    _log: Log
    _refused: Refused

    def __init__(self, tables: BatchTables, log: Log, tenant: str, indexes: SharedIndexes) -> None:
        self._log = log
        self._lock = StoreLock()
        self._waiting: list[_Waiting] = []
        self._waiting_lock = threading.Lock()
        super().__init__(tables, tenant, indexes)

    @abstractmethod
    def _writing(self) -> AbstractContextManager[None]:
        """A write transaction: at its end, pending rows are written and committed, or it is rolled back."""

    @abstractmethod
    def _clear_projections(self, *, is_begun: bool = False) -> None:
        """Empty every projection within the current transaction; counters of the log and of epochs stay.

        With ``is_begun`` this transaction does not rebuild all of them, so they are marked as of no version.
        """

    def _hurrying(self) -> AbstractContextManager[None]:
        """A context for bulk writes that could be repeated from the log."""
        return nullcontext()

    def _forget(self) -> None:
        self._tables.clear()
        self._projector.clear()

    # -- writing ---------------------------------------------------------------------------------------------------
    def append(self, events: Sequence[bytes], *, received_at: int | None = None) -> list[Receipt]:
        """Store a batch of events in one commit, with a receipt for each in order.

        Threads that call at the same time share a commit: one of them writes for all that wait. If it is interrupted
        (Ctrl-C), the others write for themselves.
        """
        mine = _Waiting(self.prepare(events, received_at=received_at))
        with self._waiting_lock:
            self._waiting.append(mine)
        with self._lock:
            if not mine.is_done:
                self._append_for_all(mine)
        if mine.error is not None:
            raise mine.error
        return mine.receipts or []

    def _append_for_all(self, mine: _Waiting) -> None:
        together: list[_Waiting] = []
        try:
            with self._waiting_lock:
                together, self._waiting = self._waiting, []
            self._append_all(together)
        finally:
            left = [one for one in together if not one.is_done and one is not mine]
            if left:
                with self._waiting_lock:
                    self._waiting = left + self._waiting

    def _append_all(self, together: list[_Waiting]) -> None:
        try:
            receipts = self.append_group([one.delivery for one in together])
        except Exception as error:  # noqa: BLE001 - each caller raises it
            if len(together) > 1 and not isinstance(error, StoreError):
                for one in together:  # a fault in one must not fail the others
                    self._append_all([one])
                return
            for one in together:
                one.error = error
            return
        for one, some in zip(together, receipts, strict=True):
            one.receipts = some

    def write(self, deliveries: Sequence[Delivery]) -> Written:
        """Write the rows of prepared deliveries in one transaction that waits for its ``commit``."""
        written = self._write(deliveries)
        self._lock.leave()
        return written

    def append_group(self, deliveries: Sequence[Delivery]) -> list[list[Receipt]]:
        """Store prepared deliveries in one commit: for each, a receipt for each event."""
        with self._write(deliveries) as written:
            written.commit()
        return written.receipts

    def _write(self, deliveries: Sequence[Delivery]) -> Written:
        with ExitStack() as stack:
            stack.enter_context(self._lock)
            stack.callback(self._stay_small)
            stack.enter_context(self._announced())
            stack.enter_context(self._writing())
            before = self._state()
            receipts = self._take_in([self.checked(delivery) for delivery in deliveries])
            self._tables.flush()
            self._announce(before)
            return _Open(stack.pop_all(), receipts)

    @contextmanager
    def _announced(self) -> Iterator[None]:
        """Withdraw the announcement if the commit fails."""
        cache = self._indexes.answers
        try:
            yield
        except BaseException:
            cache.withdraw()
            raise
        cache.settle()

    def _announce(self, before: State) -> None:
        """Announce to the answer cache which nodes the current commit changes."""
        after, touched = self._state(), self._tables.touched
        if after != before:
            cache = self._indexes.answers
            cache.at(before, self._commits_after)  # other processes may have written since
            cache.announce(before, after, touched)
            if after[0] == before[0]:
                self._tables.touches.add(Commit(before[1], after[1], touched))
        touched.clear()

    def _commits_after(self, seq: int) -> Sequence[Commit]:
        return self._tables.touches.after(seq)

    def _last_seq(self) -> int:
        return self._tables.counter("event")

    def _stay_small(self) -> None:
        """Drop caches that have grown large; nothing may be pending."""
        if self._tables.weight + self._projector.weight > MOST_BYTES:
            self._forget()
        self._tables.trim()

    def _take_in(self, deliveries: Sequence[Checked]) -> list[list[Receipt]]:
        first = self._tables.counter("event") + 1
        batch = sort_out(deliveries, self._log.find, first, Cycles(self._tables))
        if batch.accepted:
            self._store(batch, first)
        if batch.refused:
            return with_ids(batch.receipts, self._keep(batch.refused))
        return batch.receipts

    def _store(self, batch: Batch, first: int) -> None:
        accepted = batch.accepted
        self._tables.expect([one.event for one in accepted])
        for seq, one in enumerate(accepted, first):
            self._log.note(seq, one.key)
            self._projector.apply(one.event, one.key, seq, one.at)
        self._projector.settle()
        self._log.add(first, [one.key for one in accepted], batch.received, [one.raw for one in accepted])
        self._log.index([(one.at, one.key, seq) for seq, one in enumerate(accepted, first)])
        self._tables.advance("event", len(accepted))

    def quarantine(self, refused: Sequence[Quarantined]) -> list[int]:
        """Store events that were refused before they reached ``append``; returns their ids."""
        with self._writing():
            return self._keep(refused)

    def _keep(self, refused: Sequence[Quarantined]) -> list[int]:
        """Store refused events within the current transaction and the bounds; returns their ids."""
        ids, dropped = self._refused.keep(refused)
        if dropped:
            self._tables.advance(DROPPED, dropped)
        return ids

    def release(self, ids: Sequence[int]) -> int:
        """Remove entries from quarantine; returns how many there were."""
        with self._writing():
            return self._refused.drop(ids)

    def rebuild(self) -> str:
        """Drop all projections, rebuild them from the log, and return the graph hash."""
        with self._writing():
            self._clear_projections()
            self._replay()
        self._indexes.forget()
        return self.graph_hash()

    def _make_anew(self, version: int, on_progress: Progress) -> None:
        """Rebuild the projections of an earlier version, with one commit per ``_STRETCH`` events of the log."""
        before: Outdated | None = None
        with self._hurrying():
            while (now := self._outdated(version)) is not None:
                on_progress(now.done, now.last)
                try:
                    with self._writing():
                        self._make_stretch(version)
                except StoreLocked:
                    if now == before:  # another process holds the store, and is not rebuilding
                        raise
                before = now
        if before is not None:
            on_progress(before.last, before.last)

    def _outdated(self, version: int) -> Outdated | None:
        with self._reading():
            counters = {name: self._tables.counter(name) for name in READ}
        return outdated(self.tenant, counters, version)

    def _make_stretch(self, version: int) -> None:
        """Rebuild the next stretch, unless another process did so, or has finished.

        If a process of an earlier version wrote meanwhile, it wrote into incomplete projections: start over.
        """
        tables = self._tables
        if tables.counter("projection") >= version:
            return
        last = tables.counter("event")
        is_begun = (tables.counter(RENEWING_TO), tables.counter(RENEWING_OF)) == (version, last)
        if not is_begun or tables.counter("projection"):
            self._clear_projections(is_begun=True)
            self._set({RENEWING_TO: version, RENEWING_OF: last, RENEWED: 0})
        done = self._replay(tables.counter(RENEWED), _STRETCH)
        if done is not None:
            self._set({RENEWED: done})
        else:
            self._set({RENEWING_TO: 0, RENEWING_OF: 0, RENEWED: 0, "projection": version})

    def _set(self, counters: dict[str, int]) -> None:
        for name, value in counters.items():
            self._tables.advance(name, value - self._tables.counter(name))

    def _replay(self, since: int = 0, most: int | None = None) -> int | None:
        """Replay events of the log; returns the number of the last one, or None if there are no more."""
        pending: list[tuple[Event, bytes, int, int]] = []
        refused: list[Quarantined] = []
        count = last = size = 0
        for stored in islice(self._log.read(since), most):
            one = self._check.again(stored)
            if isinstance(one, Quarantined):
                refused.append(one)
            else:
                pending.append((one.event, one.key, stored.seq, one.at))
            count, last, size = count + 1, stored.seq, size + len(stored.body)
            if count % _REBUILD_BATCH == 0 or size > _REBUILD_BATCH_BYTES:
                self._leave_out(refused)
                self._project(pending)
                pending, refused, size = [], [], 0
        self._leave_out(refused)
        self._project(pending)
        return last if count == most else None

    def _leave_out(self, refused: list[Quarantined]) -> None:
        """Count events of the log that are refused today, and keep them in quarantine, once for all rebuilds."""
        if refused:
            self._tables.advance(SET_ASIDE, len(refused))
            news = [one for one in refused if not self._refused.holds(one)]
            if news:
                self._keep(news)

    def _project(self, events: list[tuple[Event, bytes, int, int]]) -> None:
        self._tables.expect([event for event, _, _, _ in events])
        for event, key, seq, at in events:
            self._projector.apply(event, key, seq, at)
        self._projector.settle()
        self._tables.flush()
        self._stay_small()

    def retain(self, *, before: int) -> int:
        """Delete events received before an instant, and all lineage known from them alone; return their number."""
        with self._writing():
            gone = self._log.forget(before)
            self._refused.forget(before)
            if gone:
                self._clear_projections()
                self._replay()
        if gone:
            self._indexes.forget()
        return gone

    def _between(self, after: int, before: int, *, newest_first: bool) -> Iterator[tuple[int, StoredEvent]]:
        return self._log.between(after, before, newest_first=newest_first)

    # -- the quarantine --------------------------------------------------------------------------------------------
    def quarantined(self, *, limit: int = 100, before: int | None = None) -> list[Quarantined]:
        """Quarantine entries, highest id first; with ``before`` only those with a lower id."""
        with self._reading():
            return self._refused.page(limit, before)

    def quarantine_entry(self, entry_id: int) -> Quarantined | None:
        """One quarantine entry, or None if there is none with that id."""
        with self._reading():
            return self._refused.entry(entry_id)

    def quarantine_totals(self) -> QuarantineTotals:
        """The size of the quarantine."""
        with self._reading():
            return self._refused.totals(self._tables.counter(DROPPED))

    # -- the log ---------------------------------------------------------------------------------------------------
    def events(self, *, since: int = 0, limit: int | None = None) -> Iterator[StoredEvent]:
        """The events after a sequence number, verbatim, read page by page."""
        left = limit
        while left is None or left > 0:
            with self._reading():
                page = self._log.page(since)
            if not page:
                return
            yield from page if left is None else page[:left]
            since = page[-1].seq
            left = None if left is None else left - len(page)


class _RolledBack(Exception):
    """Rolls a transaction back without being an error."""


class _Open(Written):
    """An open transaction, which holds the store until it ends."""

    def __init__(self, open_: ExitStack, receipts: list[list[Receipt]]) -> None:
        self._open: ExitStack | None = open_
        self.receipts = receipts

    def commit(self) -> None:
        """Make the deliveries durable and visible."""
        open_, self._open = self._open, None
        if open_ is None:
            raise StoreError("these deliveries are committed or rolled back already")
        open_.close()

    def rollback(self) -> None:
        """Discard the deliveries."""
        open_, self._open = self._open, None
        if open_ is not None:
            reason = _RolledBack()
            open_.__exit__(_RolledBack, reason, None)
