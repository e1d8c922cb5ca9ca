"""The SQLite store: a folder with one file per tenant, and one commit for concurrent appends."""

from __future__ import annotations

import secrets
import shutil
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Self

from headwater.errors import InvalidInput, StoreCorrupt, StoreError, StoreOutdated, StoreReadOnly
from headwater.storage.base import Capabilities
from headwater.storage.file_errors import written
from headwater.storage.group_commit import DROPPED, SET_ASIDE, GroupCommitStore
from headwater.storage.indexes import SharedIndexes
from headwater.storage.new_files import new_file
from headwater.storage.sqlite.connection import connect, explained, hurrying, queries
from headwater.storage.sqlite.log import EventLog
from headwater.storage.sqlite.migrate import migrate, version_of
from headwater.storage.sqlite.quarantine import QuarantineTable
from headwater.storage.sqlite.tables import SQLiteTables
from headwater.storage.table_store import LogCounts
from headwater.storage.tenant_names import check_tenant
from headwater.storage.view_rebuild import Outdated, Progress, in_silence, outdated

_KEPT = ("origin", "event", "dataset_epoch", "run_epoch", DROPPED)
"""Counters that survive a rebuild."""
_PROJECTION = 16
"""Version of the projections, and of how they are derived from the log: those of an older version are rebuilt when the
store is opened."""
TIMEOUT_S = 10.0
"""Seconds to wait for another process that writes."""
_PROJECTED = (
    "names", "nodes", "runs", "versions", "derivations", "flows", "edges", "edge_log", "changes", "statements",
    "fields", "bodies", "facet_sets", "shapes", "mappings", "mentions", "search", "postings", "loose",
    "listings", "pulses", "dependencies", "rewrites", "reads", "new_reads", "touches",
)  # fmt: skip


class SQLiteStore(GroupCommitStore):
    """One tenant's lineage in ``<folder>/<tenant>.db``."""

    capabilities = Capabilities(is_durable=True, has_online_backup=True)
    _tables: SQLiteTables

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        *,
        tenant: str,
        read_only: bool,
        indexes: SharedIndexes | None = None,
    ) -> None:
        self.path = path
        self.is_read_only = read_only
        self._connection = connection
        self._sql = queries()
        self._is_busy = False
        """Whether a transaction is open: a read within one is part of it."""
        self._data_version = -1
        self._refused = QuarantineTable(connection)
        log = EventLog(connection)
        indexes = indexes or SharedIndexes(path.parent / "index" / tenant)
        super().__init__(SQLiteTables(connection, log), log, tenant, indexes)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        tenant: str = "default",
        read_only: bool = False,
        create: bool = True,
        timeout_s: float = TIMEOUT_S,
        share_index_with: SQLiteStore | None = None,
        on_progress: Progress = in_silence,
    ) -> Self:
        """Open the store of a tenant in a folder; with ``create`` it is created if missing.

        ``share_index_with`` is another open store of the same file to share one graph index with. Either may be closed
        first, and each may be used by different threads. ``on_progress`` is called while projections of an earlier
        version are rebuilt.
        Raises:
            InvalidInput: the index of another file was to be shared.
            StoreLocked, StoreReadOnly, StoreFull, StoreCorrupt, StoreTooNew, StoreOutdated: see there.
            StoreError: the store does not exist and ``create`` is false.
        """
        path = store_path(Path(folder), tenant)
        if share_index_with is not None and share_index_with.path.resolve() != path.resolve():
            raise InvalidInput(
                field="share_index_with",
                value=str(share_index_with.path),
                rule=f"must be another open store of the same file, {path}",
            )
        with explained(path):
            is_there = path.exists()
            if path.parent.exists() and not path.parent.is_dir():
                raise NotADirectoryError
            if not is_there and create and not read_only:
                path.parent.mkdir(parents=True, exist_ok=True)
        if not is_there and (read_only or not create):
            raise StoreError(f"there is no store at {path}", hint="capture something first, or name another folder")
        connection = connect(path, read_only=read_only, timeout_s=timeout_s)
        try:
            with explained(path):
                migrate(connection, read_only=read_only)
            indexes = None if share_index_with is None else share_index_with._indexes
            store = cls(path, connection, tenant=tenant, read_only=read_only, indexes=indexes)
            store._found(on_progress)
        except BaseException:
            connection.close()
            raise
        return store

    @classmethod
    def drop(cls, folder: Path, tenant: str) -> None:
        """Delete the file of a tenant and its indexes. Does nothing if it does not exist."""
        path = store_path(Path(folder), tenant)
        with explained(path):
            for end in ("", "-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)
            index = path.parent / "index" / tenant
            if index.exists():
                shutil.rmtree(index)

    def _found(self, on_progress: Progress) -> None:
        """Give a new file a random origin, so that no index of another file is mistaken for its own."""
        with self._reading():
            has_origin = self._tables.counter("origin")
        if not has_origin and not self.is_read_only:
            with self._writing():
                if not self._tables.counter("origin"):
                    origin = (secrets.randbits(30) + 1) << 20
                    new = (("origin", origin), ("projection", _PROJECTION))
                    self._connection.executemany(self._sql["counters_put"], new)
            self._forget()
        with self._reading():
            is_current = self._tables.counter("projection") >= _PROJECTION or not self._tables.counter("origin")
        if is_current:
            return
        if self.is_read_only:
            raise StoreOutdated(f"{self.path.name} was written by an earlier version")
        self._make_anew(_PROJECTION, on_progress)

    @classmethod
    def outdated(cls, folder: Path, tenant: str) -> Outdated | None:
        """The upgrade that the store of a tenant needs before it can be used; None if there is no store or no upgrade.

        Raises:
            StoreError: the store cannot be read.
        """
        path = store_path(Path(folder), tenant)
        if not path.exists():
            return None
        connection = connect(path, read_only=True, timeout_s=TIMEOUT_S)
        try:
            with explained(path):
                if not version_of(connection):
                    return None
                return outdated(tenant, dict(connection.execute(queries()["counters_get"])), _PROJECTION)
        finally:
            connection.close()

    # -- transactions ----------------------------------------------------------------------------------------------
    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock:
            if self._is_busy:
                yield
                return
            with explained(self.path):
                self._is_busy = True
                try:
                    self._begin("BEGIN")
                    yield
                finally:
                    self._is_busy = False
                    if self._connection.in_transaction:
                        self._connection.execute("COMMIT")
                    self._stay_small()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self.is_read_only:
            raise StoreReadOnly(f"{self.path.name} is open for reading")
        with self._lock, explained(self.path):
            if self._is_busy:
                raise StoreError("a write was started within a read")
            # Ctrl-C may come between any two steps, also right after the transaction has begun.
            self._is_busy = True
            try:
                self._begin("BEGIN IMMEDIATE")
                yield
                self._tables.flush()
                self._connection.execute("COMMIT")
            except BaseException:
                self._forget()
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._is_busy = False
                self._log.settled()

    def _begin(self, how: str) -> None:
        self._connection.execute(how)
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._data_version:
            self._tables.catch_up()
            self._projector.clear()
            self._data_version = version

    # -- writing ---------------------------------------------------------------------------------------------------
    def _hurrying(self) -> AbstractContextManager[None]:
        return hurrying(self._connection)

    def _clear_projections(self, *, is_begun: bool = False) -> None:
        kept = {name: self._tables.counter(name) for name in _KEPT}
        kept["projection"] = 0 if is_begun else _PROJECTION
        self._forget()
        for table in _PROJECTED:
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
        self._connection.execute("DELETE FROM counters")
        self._connection.executemany(self._sql["counters_put"], kept.items())
        self._tables.all_rewritten()

    # -- the log ---------------------------------------------------------------------------------------------------
    def _log_counts(self) -> LogCounts:
        events = self._connection.execute(self._sql["event_keys_count"]).fetchone()[0]
        refused = self._connection.execute(self._sql["quarantine_count"]).fetchone()[0]
        return LogCounts(events, self._tables.counter(SET_ASIDE), refused, self._tables.counter("event"))

    def size_bytes(self) -> int:
        """Size of the file and its write-ahead log, in bytes."""
        files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
        with explained(self.path):
            return sum(one.stat().st_size for one in files if one.exists())

    # -- the file --------------------------------------------------------------------------------------------------
    def verify(self) -> None:
        """Read the whole file and check its integrity.

        Raises:
            StoreCorrupt: it is damaged.
        """
        with self._reading():
            found = [line for (line,) in self._connection.execute("PRAGMA integrity_check(10)")]
        if found != ["ok"]:
            raise StoreCorrupt(f"{self.path.name}: {'; '.join(found)}")

    def backup(self, target: Path) -> None:
        """Write a consistent copy to a file, without blocking writers; the file is either whole or absent.

        Raises:
            StoreError: the file exists, or cannot be written.
            StoreCorrupt: the copy is not sound, so neither is the store.
        """
        target = Path(target)
        if target.exists():
            raise StoreError(f"{target} exists", hint="name a file that does not exist yet")
        with explained(target), written(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with new_file(target) as part, closing(sqlite3.connect(part)) as copy:
                with self._lock:
                    self._connection.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
                found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
                if found != "ok":
                    raise StoreCorrupt(f"{self.path.name}: {found}")

    def close_when_dropped(self) -> None:
        """Close the file when the store is garbage-collected, or at the latest when the process ends.

        For callers that need not close the store themselves. Not for a store that a thread writes to until the process
        ends: it would be closed too early.
        """
        weakref.finalize(self, self._connection.close)

    def close(self) -> None:
        """Release files and locks. Idempotent."""
        self._leave_indexes()
        with self._lock:
            self._connection.close()


def stored_tenants(folder: Path) -> list[str]:
    """The names of the tenants with a store in a folder."""
    return sorted(path.stem for path in Path(folder).glob("*.db"))


def store_path(folder: Path, tenant: str) -> Path:
    """The file of a tenant.

    Raises:
        InvalidInput: the tenant is not a plain name.
    """
    check_tenant(tenant)
    return folder / f"{tenant}.db"
