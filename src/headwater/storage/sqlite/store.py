"""The store in a folder: one SQLite file a tenant, one commit for all who append at the same time."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from headwater.errors import InvalidInput, StoreCorrupt, StoreError, StoreReadOnly
from headwater.model.events import RunEvent
from headwater.storage.base import Capabilities, Quarantined, Receipt, StoredEvent
from headwater.storage.ingest import Batch, now_us, take_apart
from headwater.storage.projected import ProjectedStore
from headwater.storage.reader import EventReader
from headwater.storage.sqlite.connection import connect, explained, queries
from headwater.storage.sqlite.log import EventLog
from headwater.storage.sqlite.migrate import migrate
from headwater.storage.sqlite.tables import SQLiteTables

TIMEOUT_S = 10.0
"""How long to wait for another process that writes."""
_PROJECTED = (
    "names", "nodes", "runs", "versions", "derivations", "flows", "edges", "edge_log", "changes", "statements",
    "fields", "bodies", "facet_sets", "shapes", "mappings", "mentions", "search", "search_words",
)  # fmt: skip
_REBUILD_BATCH = 500


class _Delivery:
    """One call of ``append`` that waits for its commit."""

    def __init__(self, events: Sequence[bytes], received_at: int) -> None:
        self.events = events
        self.received_at = received_at
        self.receipts: list[Receipt] | None = None
        self.error: BaseException | None = None


class SQLiteStore(ProjectedStore):
    """One tenant's lineage in ``<folder>/<tenant>.db``."""

    capabilities = Capabilities(is_durable=True, has_recursive_sql=True, has_online_backup=True)
    _tables: SQLiteTables

    def __init__(self, path: Path, connection: sqlite3.Connection, *, tenant: str, read_only: bool) -> None:
        self.path = path
        self.is_read_only = read_only
        self._connection = connection
        self._sql = queries()
        self._log = EventLog(connection)
        self._reader = EventReader()
        self._lock = threading.RLock()
        self._depth = 0
        self._waiting: list[_Delivery] = []
        self._waiting_lock = threading.Lock()
        self._data_version = -1
        self._last_seq = 0
        super().__init__(SQLiteTables(connection, self._log), tenant, path.parent / "index" / tenant)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        tenant: str = "default",
        read_only: bool = False,
        create: bool = True,
        timeout_s: float = TIMEOUT_S,
    ) -> Self:
        """Open the store of a tenant in a folder, made if it is new and ``create`` is true.

        Raises:
            StoreLocked, StoreReadOnly, StoreFull, StoreCorrupt, StoreTooNew: what they say.
            StoreError: there is no store and none is to be made.
        """
        path = store_path(Path(folder), tenant)
        if not path.exists():
            if read_only or not create:
                raise StoreError(f"there is no store at {path}", hint="capture something first, or name another folder")
            with explained(path):
                path.parent.mkdir(parents=True, exist_ok=True)
        connection = connect(path, read_only=read_only, timeout_s=timeout_s)
        try:
            with explained(path):
                migrate(connection, read_only=read_only)
            store = cls(path, connection, tenant=tenant, read_only=read_only)
            store._found()
        except BaseException:
            connection.close()
            raise
        return store

    def _found(self) -> None:
        """Give a new file a number of its own, so that no index of another file is taken for its."""
        with self._reading():
            has_origin = self._tables.counter("origin")
        if not has_origin and not self.is_read_only:
            with self._writing():
                if not self._tables.counter("origin"):
                    origin = (secrets.randbits(30) + 1) << 20
                    self._connection.execute(self._sql["counters_put"], ("origin", origin))
            self._forget()

    # -- transactions ----------------------------------------------------------------------------------------------
    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock:
            if self._depth:
                yield
                return
            with explained(self.path):
                self._begin("BEGIN")
                try:
                    yield
                finally:
                    self._depth -= 1
                    self._connection.execute("COMMIT")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self.is_read_only:
            raise StoreReadOnly(f"{self.path.name} is open for reading")
        with self._lock, explained(self.path):
            self._begin("BEGIN IMMEDIATE")
            try:
                yield
                self._tables.flush()
                self._connection.execute("COMMIT")
            except BaseException:
                self._forget()
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1
                self._log.settled()

    def _begin(self, how: str) -> None:
        if self._depth:
            raise StoreError("a write was started within a read")
        self._connection.execute(how)
        self._depth += 1
        try:
            version = self._connection.execute("PRAGMA data_version").fetchone()[0]
            if version != self._data_version:
                self._forget()
                self._data_version = version
        except BaseException:
            self._depth -= 1
            self._connection.execute("ROLLBACK")
            raise

    def _forget(self) -> None:
        self._tables.clear()
        self._projector.clear()

    # -- writing ---------------------------------------------------------------------------------------------------
    def append(self, events: Sequence[bytes], *, received_at: int | None = None) -> list[Receipt]:
        """Store a batch of events in one commit, with a receipt for each in order.

        Threads that call at the same time share a commit: one of them writes for all that wait.
        """
        delivery = _Delivery(events, now_us() if received_at is None else received_at)
        with self._waiting_lock:
            self._waiting.append(delivery)
        with self._lock:
            if delivery.receipts is None and delivery.error is None:
                with self._waiting_lock:
                    together, self._waiting = self._waiting, []
                self._deliver(together)
        if delivery.error is not None:
            raise delivery.error
        return delivery.receipts or []

    def _deliver(self, together: list[_Delivery]) -> None:
        try:
            with self._writing():
                receipts = [self._take_in(delivery) for delivery in together]
        except BaseException as error:
            for delivery in together:
                delivery.error = error
            if not isinstance(error, Exception):
                raise
            return
        for delivery, some in zip(together, receipts, strict=True):
            delivery.receipts = some
        if self._tables.is_crowded():
            self._forget()
        self._tables.trim()

    def _take_in(self, delivery: _Delivery) -> list[Receipt]:
        first = self._tables.counter("event") + 1
        batch = take_apart(delivery.events, delivery.received_at, self._reader, self._log.find, first)
        for one in batch.refused:
            given = (one.received_at, one.body, one.field, one.value, one.rule)
            self._connection.execute(self._sql["quarantine_add"], given)
        if batch.accepted:
            self._store(batch, first, delivery.received_at)
        return batch.receipts

    def _store(self, batch: Batch, first: int, received_at: int) -> None:
        accepted = batch.accepted
        self._tables.expect_runs([one.event.run.run_id for one in accepted if isinstance(one.event, RunEvent)])
        for seq, one in enumerate(accepted, first):
            self._log.note(seq, one.key)
            self._projector.apply(one.event, one.key, seq, one.at)
        self._projector.settle()
        keys = [one.key for one in accepted]
        self._log.add(first, keys, [received_at] * len(keys), [one.raw for one in accepted])
        self._connection.executemany(
            self._sql["event_keys_add"], [(one.at, one.key, seq) for seq, one in enumerate(accepted, first)]
        )
        self._tables.advance("event", len(accepted))

    def rebuild(self) -> str:
        """Drop every projection, make them again from the log, and return the graph hash."""
        with self._writing():
            self._clear_projections()
            self._replay()
        self._close_indexes()
        return self.graph_hash()

    def _clear_projections(self) -> None:
        kept = {name: self._tables.counter(name) for name in ("origin", "event", "dataset_epoch", "run_epoch")}
        self._forget()
        for table in _PROJECTED:
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608  # names of our own
        self._connection.execute("DELETE FROM counters")
        self._connection.executemany(self._sql["counters_put"], kept.items())
        self._tables.all_rewritten()

    def _replay(self) -> None:
        pending = 0
        for stored in self._log.read(0):
            event, key, at = self._reader.read(stored.body)
            self._log.note(stored.seq, key)
            self._projector.apply(event, key, stored.seq, at)
            pending += 1
            if pending >= _REBUILD_BATCH:
                self._projector.settle()
                self._tables.flush()
                self._tables.trim()
                pending = 0
        self._projector.settle()

    def retain(self, *, before: int) -> int:
        """Forget events received before an instant, with what only they showed; return how many were forgotten."""
        with self._writing():
            gone = self._log.forget(before)
            self._connection.execute(self._sql["quarantine_forget"], (before,))
            if gone:
                self._clear_projections()
                self._replay()
        if gone:
            self._close_indexes()
        return gone

    # -- the log ---------------------------------------------------------------------------------------------------
    def events(self, *, since: int = 0, limit: int | None = None) -> Iterator[StoredEvent]:
        """The log after a sequence number, verbatim, a page at a time."""
        left = limit
        while left is None or left > 0:
            with self._reading():
                page = self._log.page(since)
            if not page:
                return
            yield from page if left is None else page[:left]
            since = page[-1].seq
            left = None if left is None else left - len(page)

    def quarantined(self, *, limit: int = 100) -> list[Quarantined]:
        """Refused events, latest first."""
        with self._reading():
            found = self._connection.execute(self._sql["quarantine_latest"], (limit,)).fetchall()
        return [
            Quarantined(received_at=received_at, body=body, field=field, value=value, rule=rule)
            for received_at, body, field, value, rule in found
        ]

    def _log_counts(self) -> tuple[int, int, int, int]:
        events = self._connection.execute(self._sql["event_keys_count"]).fetchone()[0]
        refused = self._connection.execute(self._sql["quarantine_count"]).fetchone()[0]
        sizes = (self.path.with_name(self.path.name + end) for end in ("", "-wal"))
        return events, refused, self._tables.counter("event"), sum(one.stat().st_size for one in sizes if one.exists())

    # -- the file --------------------------------------------------------------------------------------------------
    def verify(self) -> None:
        """Read the whole file and check that it is sound.

        Raises:
            StoreCorrupt: it is not.
        """
        with self._reading():
            found = [line for (line,) in self._connection.execute("PRAGMA integrity_check(10)")]
        if found != ["ok"]:
            raise StoreCorrupt(f"{self.path.name}: {'; '.join(found)}")

    def backup(self, target: Path) -> None:
        """Write a consistent copy to a file, while others go on writing."""
        target = Path(target)
        if target.exists():
            raise StoreError(f"{target} exists", hint="name a file that does not exist yet")
        with explained(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            copy = sqlite3.connect(target)
            try:
                with self._lock:
                    self._connection.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
            finally:
                copy.close()

    def close(self) -> None:
        """Release files and locks. Idempotent."""
        self._close_indexes()
        with self._lock:
            self._connection.close()


def store_path(folder: Path, tenant: str) -> Path:
    """The file of a tenant.

    Raises:
        InvalidInput: the tenant is no plain name.
    """
    if not tenant or tenant.startswith(".") or any(char in tenant for char in '/\\:\0"<>|?*'):
        raise InvalidInput(field="tenant", value=repr(tenant), rule="is a name of letters, digits, '-', '_' and '.'")
    return folder / f"{tenant}.db"
