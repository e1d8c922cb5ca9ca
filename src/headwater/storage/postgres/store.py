"""The store on a PostgreSQL server: one row of ``tenants`` is the writer's lock, one commit serves all who wait."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Self

import psycopg

from headwater.errors import InvalidInput, StoreError, StoreReadOnly
from headwater.storage.base import Capabilities, Quarantined
from headwater.storage.grouping import GroupedStore
from headwater.storage.postgres import backup
from headwater.storage.postgres.connection import ROLE, SCHEMA, Session, connect, explained, queries
from headwater.storage.postgres.log import EventLog
from headwater.storage.postgres.migrate import is_current, migrate, version_of
from headwater.storage.postgres.security import working_role
from headwater.storage.postgres.table import arrays_of
from headwater.storage.postgres.tables import PostgresTables, encoded

TIMEOUT_S = 10.0
"""How long to wait for another process that writes for the same tenant."""
_PROJECTED = (
    "names", "nodes", "runs", "versions", "derivations", "flows", "edges", "edge_log", "changes", "statements",
    "fields", "bodies", "facet_sets", "shapes", "mappings", "mentions", "search", "search_words", "vocabulary",
)  # fmt: skip
_KEPT = ("origin", "event", "quarantine", "dataset_epoch", "run_epoch")


class PostgresStore(GroupedStore):
    """One tenant's lineage in a schema that it shares with others, who cannot see it."""

    capabilities = Capabilities(is_durable=True, has_recursive_sql=True, has_online_backup=True)
    _tables: PostgresTables
    _log: EventLog

    def __init__(self, session: Session, *, read_only: bool, index_folder: Path | None) -> None:
        self.is_read_only = read_only
        self._session = session
        self._sql = queries()
        self._depth = 0
        self._changes = -1
        log = EventLog(session)
        super().__init__(PostgresTables(session, log), log, session.tenant, index_folder)

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
    ) -> Self:
        """Open the store of a tenant in a database, both made ready if they are new and ``create`` is true.

        Raises:
            StoreUnavailable, StoreLocked, StoreReadOnly, StoreFull, StoreTooNew: what they say.
            StoreError: there is no store and none is to be made, or the role would see every tenant.
            ConfigError: the address cannot be read.
        """
        check_tenant(tenant)
        may_make = create and not read_only
        with explained():
            worker = _prepare(url, schema, role, may_make=may_make)
            session = Session(url, tenant=tenant, schema=schema, role=worker, timeout_s=timeout_s)
            store = cls(session, read_only=read_only, index_folder=index_folder)
            try:
                store._found(may_make=may_make)
            except BaseException:
                session.close()
                raise
        return store

    def _found(self, *, may_make: bool) -> None:
        """See that the tenant is there; a new one gets a number of its own, so that no other index is taken for its."""
        session = self._session
        try:
            found = session.begin(is_writer=False)
        finally:
            session.rollback()
        if found is not None:
            return
        if not may_make:
            raise StoreError(f"there is no store of tenant {self.tenant!r}", hint="capture something first")
        try:
            session.begin(is_writer=True)
            session.execute(self._sql["tenant_add"], ((secrets.randbits(30) + 1) << 20,))
            session.commit()
        finally:
            session.rollback()

    # -- transactions ----------------------------------------------------------------------------------------------
    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock:
            if self._depth:
                yield
                return
            with explained():
                self._tables.read(self._begin(is_writer=False))
                self._depth += 1
                try:
                    yield
                    self._session.commit()
                finally:
                    self._depth -= 1
                    self._session.rollback()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self.is_read_only:
            raise StoreReadOnly("the store is open for reading", hint="open it for writing")
        with self._lock, explained():
            if self._depth:
                raise StoreError("a write was started within a read")
            self._tables.begin(self._begin(is_writer=True))
            self._depth += 1
            try:
                yield
                self._end()
                self._changes += 1
            except BaseException as error:
                self._forget()
                self._session.rollback()
                if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
                    self._session.close()  # the server became a standby: find the primary next time
                raise
            finally:
                self._depth -= 1
                self._log.settled()

    def _end(self) -> None:
        """Write what is pending, count the commit, tell those who listen, and commit."""
        tables, session = self._tables, self._session
        tables.flush()
        counters = tables.counters()
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
            self._forget()
            self._changes = changes
        return counters

    # -- writing ---------------------------------------------------------------------------------------------------
    def _quarantine(self, refused: Sequence[Quarantined]) -> None:
        first = self._tables.counter("quarantine") + 1
        self._tables.advance("quarantine", len(refused))
        given = [
            (number, one.received_at, one.body, *map(_storable, (one.field, one.value, one.rule)))
            for number, one in enumerate(refused, first)
        ]
        types = ("bigint", "bigint", "bytea", "text", "text", "text")
        self._session.execute(self._sql["quarantine_add"], arrays_of(types, given))

    def _forget_quarantined(self, before: int) -> None:
        self._session.execute(self._sql["quarantine_forget"], (before,))

    def _clear_projections(self) -> None:
        kept = {name: self._tables.counter(name) for name in _KEPT}
        self._forget()
        for table in _PROJECTED:
            self._session.execute(f"DELETE FROM {table} WHERE tenant_id = :tenant")  # noqa: S608  # names of our own
        self._tables.begin(kept)
        self._tables.all_rewritten()

    # -- the log ---------------------------------------------------------------------------------------------------
    def quarantined(self, *, limit: int = 100) -> list[Quarantined]:
        """Refused events, latest first."""
        with self._reading():
            found = self._session.rows(self._sql["quarantine_latest"], (limit,))
        return [
            Quarantined(received_at=received_at, body=body, field=field, value=value, rule=rule)
            for received_at, body, field, value, rule in found
        ]

    def _log_counts(self) -> tuple[int, int, int, int]:
        events, refused, size = (
            int(self._session.rows(self._sql[name])[0][0])
            for name in ("event_keys_count", "quarantine_count", "size_of")
        )
        return events, refused, self._tables.counter("event"), size

    def backup(self, target: Path) -> None:
        """Write a consistent copy of the log to a file, over a connection of its own: others go on writing.

        ``restore`` puts it back. For the whole database, with every tenant, use PostgreSQL's own tools.
        """
        with explained(), closing(self._session.another()) as session:
            backup.write(session, Path(target))

    def restore(self, source: Path) -> None:
        """Put the log of a backup into this store, which must be empty, and make everything that follows from it.

        Raises:
            StoreError: the store is not empty, or there is no such file; ``StoreCorrupt`` when it is damaged.
        """
        copy, frames = backup.read(Path(source))
        with self._writing():
            if self._tables.counter("event"):
                raise StoreError(f"there is a store of tenant {self.tenant!r}", hint="name another tenant")
            if copy.quarantine:
                types = ("bigint", "bigint", "bytea", "text", "text", "text")
                self._session.execute(self._sql["quarantine_add"], arrays_of(types, copy.quarantine))
            for frame in frames:
                self._log.put_back(frame)
            for name in ("event", "quarantine"):
                self._tables.advance(name, copy.counters.get(name, 0) - self._tables.counter(name))
            self._clear_projections()
            self._replay()
        self._close_indexes()

    def close(self) -> None:
        """Let go of the connection and the indexes. Idempotent."""
        self._close_indexes()
        with self._lock:
            self._session.close()


def _prepare(url: str, schema: str, role: str, *, may_make: bool) -> str | None:
    """See that the schema is of this version; returns the role to work as."""
    with connect(url) as connection:
        if not is_current(connection, schema):
            if not may_make:
                have = version_of(connection, schema)
                what = f"the store has schema {have} and is open for reading" if have else "there is no store"
                raise StoreError(what, hint="open it once for writing, or run 'headwater migrate'")
            migrate(url, schema=schema, role=role)
        return working_role(connection, role)


def check_tenant(tenant: str) -> None:
    """Raise ``InvalidInput`` where a tenant is no plain name."""
    if not tenant or len(tenant) > 200 or tenant.startswith(".") or any(char in tenant for char in '/\\:\0"<>|?*'):
        rule = "is a name of at most 200 letters, digits, '-', '_' and '.'"
        raise InvalidInput(field="tenant", value=repr(tenant), rule=rule)


def _storable(text: str) -> str:
    """A text as PostgreSQL can hold it: no NUL, no lone surrogates."""
    return text.replace("\0", "\\u0000").encode("utf-8", "backslashreplace").decode()
