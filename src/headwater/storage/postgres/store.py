"""The PostgreSQL store: a row of ``tenants`` is the writer lock; one commit serves all waiting requests."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

import psycopg

from headwater.errors import InvalidInput, NoLineage, StoreError, StoreOutdated, StoreReadOnly
from headwater.storage.base import Capabilities
from headwater.storage.group_commit import DROPPED, SET_ASIDE, GroupCommitStore
from headwater.storage.indexes import SharedIndexes
from headwater.storage.ingest import now_us
from headwater.storage.postgres import backup, citus
from headwater.storage.postgres.batch import encoded
from headwater.storage.postgres.connection import ROLE, SCHEMA, Session, connect, explained, queries
from headwater.storage.postgres.log import EventLog
from headwater.storage.postgres.migrate import is_current, migrate, version_of
from headwater.storage.postgres.quarantine import QuarantineTable
from headwater.storage.postgres.security import working_role
from headwater.storage.postgres.tables import PostgresTables
from headwater.storage.table_store import LogCounts
from headwater.storage.tenant_names import check_tenant
from headwater.storage.view_rebuild import Outdated, Progress, in_silence, outdated

TIMEOUT_S = 10.0
"""Seconds to wait for another process that writes for the same tenant."""
_DAY_US = 86_400_000_000
_END_OF_TIME = 2**63 - 1
_PROJECTED = (
    "names", "nodes", "runs", "versions", "derivations", "flows", "edges", "edge_log", "changes", "statements",
    "fields", "bodies", "facet_sets", "shapes", "mappings", "mentions", "search", "postings", "loose",
    "listings", "pulses", "dependencies", "rewrites", "reads", "touches",
)  # fmt: skip
_PROJECTION = 19
"""Version of the projections, and of how they are derived from the log: those of an older version are rebuilt."""
_LOG_BYTES = "log_bytes"
_KEPT = ("origin", "event", "quarantine", "dataset_epoch", "run_epoch", DROPPED)
"""Counters that survive a rebuild."""


class PostgresStore(GroupCommitStore):
    """One tenant's lineage in a schema shared with other tenants, who cannot see it."""

    capabilities = Capabilities(is_durable=True, has_online_backup=True)
    _tables: PostgresTables
    _refused: QuarantineTable
    _log: EventLog

    def __init__(self, session: Session, *, read_only: bool, indexes: SharedIndexes) -> None:
        self.is_read_only = read_only
        self._session = session
        self._sql = queries()
        self._is_busy = False
        """Whether a transaction is open: a read within one is part of it."""
        self._changes = -1
        self._day = 0
        log = EventLog(session)
        tables = PostgresTables(session, log)
        self._refused = QuarantineTable(session, lambda: tables.count_on("quarantine"))
        super().__init__(tables, log, session.tenant, indexes)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        tenant: str = "default",
        read_only: bool = False,
        create: bool = True,
        timeout_s: float = TIMEOUT_S,
        schema: str = SCHEMA,
        role: str = ROLE,
        index_folder: Path | None = None,
        share_index_with: PostgresStore | None = None,
        on_progress: Progress = in_silence,
    ) -> Self:
        """Open the store of a tenant in a database; with ``create``, schema and tenant are created if missing. An
        earlier schema is brought up to date in any case, unless the store is opened with ``read_only``.

        The store works as ``role`` if the connecting role may become it. ``index_folder`` is where graph indexes are
        saved, None to keep them in memory; ``share_index_with`` is another open store of the same tenant and database
        to share one index with. ``on_progress`` is called while projections of an earlier version are rebuilt.
        Raises:
            InvalidInput: the tenant is not a plain name, or the index of another tenant was to be shared.
            StoreUnavailable, StoreLocked, StoreReadOnly, StoreFull, StoreTooNew, StoreOutdated: see there.
            NoLineage: the store does not exist and ``create`` is false.
            StoreError: the role could see every tenant.
            ConfigError: the address is invalid.
        """
        check_tenant(tenant)
        if share_index_with is not None and share_index_with.tenant != tenant:
            raise InvalidInput(
                field="share_index_with",
                value=share_index_with.tenant,
                rule=f"must be another open store of {tenant!r}",
            )
        indexes = SharedIndexes(index_folder) if share_index_with is None else share_index_with._indexes
        with explained():
            session = _prepare(url, tenant, schema, role, create=create, read_only=read_only, timeout_s=timeout_s)
            store = cls(session, read_only=read_only, indexes=indexes)
            try:
                store._found(on_progress, may_make=create and not read_only)
            except BaseException:
                session.close()
                raise
        return store

    @classmethod
    def drop(cls, url: str, tenant: str, *, schema: str = SCHEMA, role: str = ROLE) -> None:
        """Delete everything of a tenant. Does nothing if it does not exist."""
        check_tenant(tenant)
        with explained():
            with connect(url) as connection:
                if not version_of(connection, schema):
                    return
                session = _session(connection, url, tenant, schema, role, timeout_s=TIMEOUT_S)
            with closing(session):
                if session.begin(is_writer=True) is not None:
                    session.execute(queries()["frames_forget"], (_END_OF_TIME,))
                    for table in (*_PROJECTED, "event_keys", "quarantine", "tenants"):
                        session.execute(f"DELETE FROM {table} WHERE tenant_id = :tenant")  # noqa: S608 - our own names
                session.commit()

    def _found(self, on_progress: Progress, *, may_make: bool) -> None:
        """Ensure that the tenant exists; a new one gets a random origin, so that no saved index is mistaken for its."""
        session = self._session
        try:
            found = session.begin(is_writer=False)
        finally:
            session.rollback()
        if found is not None:
            self._renew(found[1], on_progress)
            return
        if not may_make:
            raise NoLineage(f"there is no store of tenant {self.tenant!r}", hint="see to --tenant or HEADWATER_TENANT")
        try:
            session.begin(is_writer=True)
            session.execute(self._sql["tenant_add"], ((secrets.randbits(30) + 1) << 20, _PROJECTION))
            session.commit()
        finally:
            session.rollback()

    def _renew(self, counters: dict[str, int], on_progress: Progress) -> None:
        """Rebuild the projections of an earlier version."""
        if counters.get("projection", 1) >= _PROJECTION:
            return
        if self.is_read_only:
            raise StoreOutdated("the store was written by an earlier version")
        self._make_anew(_PROJECTION, on_progress)

    @classmethod
    def outdated(cls, url: str, tenant: str, *, schema: str = SCHEMA, role: str = ROLE) -> Outdated | None:
        """The upgrade that the store of a tenant needs before it can be used; None if there is no store or no upgrade.

        Raises as ``open`` does.
        """
        check_tenant(tenant)
        with explained():
            with connect(url) as connection:
                if not version_of(connection, schema):
                    return None
                session = _session(connection, url, tenant, schema, role, timeout_s=TIMEOUT_S)
            with closing(session):
                found = session.begin(is_writer=False)
                session.rollback()
        return None if found is None else outdated(tenant, found[1], _PROJECTION, unsaid=1)

    # -- transactions ----------------------------------------------------------------------------------------------
    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock:
            if self._is_busy:
                yield
                return
            with explained():
                self._is_busy = True
                try:
                    self._tables.read(self._begin(is_writer=False))
                    yield
                    self._session.commit()
                finally:
                    self._is_busy = False
                    self._session.rollback()
                    self._stay_small()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self.is_read_only:
            raise StoreReadOnly("the store is open for reading", hint="open it for writing")
        with self._lock, explained():
            if self._is_busy:
                raise StoreError("a write was started within a read")
            self._make_months()
            # Ctrl-C may come between any two steps, also right after the transaction has begun.
            self._is_busy = True
            try:
                self._tables.begin(self._begin(is_writer=True))
                yield
                self._end()
                self._changes += 1
            except BaseException as error:
                self._forget()
                self._session.rollback()
                if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
                    self._session.close()  # the server became a standby: look for the primary next time
                raise
            finally:
                self._is_busy = False
                self._log.settled()

    def _make_months(self) -> None:
        """Once a day, ensure that the log has partitions for this month and the next."""
        day = now_us() // _DAY_US
        if day != self._day:
            self._session.alone(self._sql["make_months"])
            self._day = day

    def retain(self, *, before: int) -> int:
        """Delete events received before an instant, and all lineage known from them alone; return their number.

        Months of the log that are empty for all tenants are dropped.
        """
        gone = super().retain(before=before)
        if gone:
            with self._lock, explained():
                self._session.alone(self._sql["drop_empty_months"], (before,))
        return gone

    def _end(self) -> None:
        """Write pending rows, count the commit, notify listeners, and commit, in one round trip."""
        tables, session = self._tables, self._session
        tables.flush()
        counters = tables.counters()
        if self._log.growth:
            known = counters.get(_LOG_BYTES)
            counters[_LOG_BYTES] = self._log.size_bytes() if known is None else known + self._log.growth
        with session.pipeline():
            session.execute(self._sql["tenant_put"], (encoded(counters),))
            session.execute(self._sql["notify"], (f"{counters.get('event', 0)} {self.tenant}",))
            session.commit()

    def _begin(self, *, is_writer: bool) -> dict[str, int]:
        try:
            found = self._session.begin(is_writer=is_writer)
        except psycopg.errors.ReadOnlySqlTransaction:
            self._session.close()
            raise
        if found is None:
            self._session.rollback()
            raise StoreError(f"the store of tenant {self.tenant!r} is gone", hint="open it again")
        changes, counters = found
        if changes != self._changes:
            self._tables.catch_up(counters)
            self._projector.clear()
            self._changes = changes
        return counters

    # -- writing ---------------------------------------------------------------------------------------------------
    def _clear_projections(self, *, is_begun: bool = False) -> None:
        kept = {name: self._tables.counter(name) for name in _KEPT}
        if (size := self._tables.counters().get(_LOG_BYTES)) is not None:
            kept[_LOG_BYTES] = size
        self._forget()
        for table in _PROJECTED:
            self._session.execute(f"DELETE FROM {table} WHERE tenant_id = :tenant")  # noqa: S608 - names of our own
        self._tables.begin({**kept, "projection": 0 if is_begun else _PROJECTION})
        self._tables.all_rewritten()

    # -- the log ---------------------------------------------------------------------------------------------------
    def _log_counts(self) -> LogCounts:
        ((events,),) = self._session.rows(self._sql["log_events"])
        ((refused,),) = self._session.rows(self._sql["quarantine_count"])
        return LogCounts(int(events), self._tables.counter(SET_ASIDE), refused, self._tables.counter("event"))

    def size_bytes(self) -> int:
        """Size of the log in bytes: everything else derives from it, in tables that tenants share.

        The size is updated with every commit; for logs of earlier versions it is summed up on first use.
        """
        with self._reading():
            known = self._tables.counters().get(_LOG_BYTES)
            return self._log.size_bytes() if known is None else known

    def backup(self, target: Path) -> None:
        """Write a consistent copy of the log to a file, over a separate connection: writers are not blocked.

        ``restore`` reads it. To back up a whole database with all tenants, use PostgreSQL's own tools.
        """
        with explained(), closing(self._session.another()) as session:
            backup.write(session, Path(target))

    def restore(self, source: Path) -> None:
        """Restore the log of a backup into this store, which must be empty, and rebuild the projections.

        Raises:
            StoreError: the store is not empty, or the file does not exist; ``StoreCorrupt`` if it is damaged.
        """
        copy, frames = backup.read(Path(source))
        with self._writing():
            if self._tables.counter("event"):
                raise StoreError(f"there is a store of tenant {self.tenant!r}", hint="name another tenant")
            if copy.quarantine:
                self._refused.put(copy.quarantine)
            for frame in frames:
                self._log.put_back(frame)
            for name in ("event", "quarantine", DROPPED):
                self._tables.advance(name, copy.counters.get(name, 0) - self._tables.counter(name))
            self._clear_projections()
            self._replay()
        self._indexes.forget()

    def close(self) -> None:
        """Close the connection and release the indexes. Idempotent."""
        self._leave_indexes()
        with self._lock:
            self._session.close()


def _prepare(
    url: str, tenant: str, schema: str, role: str, *, create: bool, read_only: bool, timeout_s: float
) -> Session:
    """Ensure that the schema is of this version; returns a session with the settings that the database needs."""
    with connect(url) as connection:
        if not is_current(connection, schema):
            have = version_of(connection, schema)
            if have and read_only:
                raise StoreError(
                    f"the store has schema {have} and is open for reading",
                    hint="open it once for writing, or run 'headwater migrate'",
                )
            if not have and (read_only or not create):
                raise NoLineage("there is no store in this database", hint="'headwater migrate' prepares it")
            migrate(url, schema=schema, role=role)
        return _session(connection, url, tenant, schema, role, timeout_s=timeout_s)


def _session(
    connection: psycopg.Connection[Any], url: str, tenant: str, schema: str, role: str, *, timeout_s: float
) -> Session:
    return Session(
        url,
        tenant=tenant,
        schema=schema,
        role=working_role(connection, role),
        is_distributed=citus.is_used(connection, schema),
        timeout_s=timeout_s,
    )
