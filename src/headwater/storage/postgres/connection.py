"""A connection, opened on demand, with its transactions; server errors are translated.

Nothing outlives a transaction: role, schema, tenant and timeouts are set within it, statements are not prepared, and
the session holds no locks. So it does not matter which physical connection a pooler assigns to a transaction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from headwater.errors import (
    ConfigError,
    HeadwaterError,
    InvalidInput,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreReadOnly,
    StoreUnavailable,
)
from headwater.model.patterns import lazy_pattern
from headwater.storage.postgres.arrays import register

SCHEMA = "headwater"
ROLE = "headwater_app"
TENANT_SETTING = "headwater.tenant"
_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""Keepalive settings that detect a dead server within half a minute, rather than TCP's quarter of an hour."""
T = TypeVar("T")
Parameters = Sequence[Any] | Mapping[str, Any]
_NAME = lazy_pattern(r"^-- (\w+)$", re.MULTILINE)
_BY_ROW = (" JOIN tenants AS owner ON owner.tenant_id = :tenant", "owner.tenant_id")
"""Selects rows together with their tenant, so that Citus writes them on the tenant's node. Otherwise it would move them
by COPY, which row-level security forbids."""
_WEAK = "current_setting('synchronous_commit') IN ('off', 'local')"
_DURABLE = f"SELECT set_config('synchronous_commit', 'on', true) WHERE {_WEAK}"
_DURABLE_BLOCK = f"IF {_WEAK} THEN SET LOCAL synchronous_commit TO 'on'; END IF;"

_OF_THE_INPUT = {"22", "54"}
"""SQLSTATE classes of errors in the data: malformed or out of range, or beyond a limit of the server."""
_FULL = {"53100", "53000", "53400"}
_READ_ONLY = {"25006", "42501"}
_LOCKED = {"55P03", "40P01"}
_CORRUPT = {"XX001", "XX002"}
_BUSY = {"53300", "57P01", "57P02", "57P03", "53200"}
_REMEDIES = (
    (
        lazy_pattern("password|authentication|pg_hba"),
        "see to user and password: in the address, PGPASSWORD or ~/.pgpass",
    ),
    (lazy_pattern('database "[^"]*" does not exist'), "make the database first: createdb, or CREATE DATABASE"),
    (lazy_pattern('role "[^"]*" does not exist'), "make the role first: createuser, or CREATE ROLE ... LOGIN"),
    (lazy_pattern("resolve host|translate host|refused|timeout|timed out|unreachable|No route|No such file"), None),
    (
        lazy_pattern("connection is bad|invalid|SSL|certificate"),
        "see to the address: postgresql://user@host:port/database",
    ),
)
"""Hints for failed connections, which have no SQLSTATE, by words in the message; None if the address is wrong or the
server is down."""
_AWAY = "is PostgreSQL running at that host and port? Nothing that was acknowledged is lost"


@cache
def queries() -> dict[str, str]:
    """The statements of ``queries.sql`` by name."""
    text = files(__package__).joinpath("queries.sql").read_text(encoding="utf-8")
    pieces = _NAME.split(text)[1:]
    return {name: body.strip().rstrip(";") for name, body in zip(pieces[::2], pieces[1::2], strict=True)}


class Session:
    """Transactions of one tenant on one physical connection, which is reopened when it was lost."""

    def __init__(
        self, url: str, *, tenant: str, schema: str, role: str | None, is_distributed: bool, timeout_s: float
    ) -> None:
        self.url = url
        self.tenant = tenant
        self.schema = schema
        self.role = role
        self._timeout_s = timeout_s
        self._is_distributed = is_distributed
        self._settings = setting_statements(schema, role, tenant, is_distributed=is_distributed)
        self._connection: psycopg.Connection[Any] | None = None
        self._literal = sql.Literal(tenant).as_string(None)
        self._texts: dict[str, sql.SQL] = {}
        self._begins: dict[bool, str] = {}

    # -- the connection --------------------------------------------------------------------------------------------
    def connect(self) -> psycopg.Connection[Any]:
        """The connection, opened if there is none or the last one was lost."""
        if self._connection is None or self._connection.closed or self._connection.broken:
            self._connection = connect(self.url)
        return self._connection

    def close(self) -> None:
        """Close the connection. Idempotent."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def another(self) -> Session:
        """A session of the same tenant on a connection of its own."""
        return Session(
            self.url,
            tenant=self.tenant,
            schema=self.schema,
            role=self.role,
            is_distributed=self._is_distributed,
            timeout_s=self._timeout_s,
        )

    # -- transactions ----------------------------------------------------------------------------------------------
    def begin(self, *, is_writer: bool) -> tuple[int, dict[str, int]] | None:
        """Start a transaction; returns the tenant's number of commits and its counters, or None if it does not exist.

        A writer locks the tenant's row. If the server was restarted since the last transaction, a new connection is
        opened, which is safe because nothing was sent on the lost one.
        """
        statement = self._begin_statement(is_writer)
        return self._anew(lambda: self._start(statement))

    def _anew(self, start: Callable[[], T]) -> T:
        """Start a transaction; if the existing connection turns out to be lost, retry once on a new one."""
        had_one = self._connection is not None
        try:
            return start()
        except psycopg.OperationalError:
            is_lost = self._connection is None or self._connection.closed or self._connection.broken
            if not (had_one and is_lost):
                self.rollback()
                raise
        except BaseException:
            self.rollback()
            raise
        return start()

    def _start(self, statement: str) -> tuple[int, dict[str, int]] | None:
        cursor = self.connect().execute(statement)  # a single round trip
        while cursor.nextset():
            pass
        row = cursor.fetchone()
        return None if row is None else (row[0], row[1])

    def _begin_statement(self, is_writer: bool) -> str:
        found = self._begins.get(is_writer)
        if found is not None:
            return found
        parts = [
            "BEGIN ISOLATION LEVEL READ COMMITTED" if is_writer else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            *self._settings,
        ]
        patience = f"SET LOCAL lock_timeout TO {max(1, int(self._timeout_s * 1000))}"
        parts += _on_nodes(f"{patience};") if self._is_distributed else [patience]
        if is_writer:
            # An acknowledged event must be on disk; a stronger setting by the administrator is kept.
            parts += _on_nodes(_DURABLE_BLOCK) if self._is_distributed else [_DURABLE]
        parts.append(queries()["tenant_lock" if is_writer else "tenant_get"].replace(":tenant", self._literal))
        found = self._begins[is_writer] = "; ".join(parts)
        return found

    def commit(self) -> None:
        """Commit the transaction; it is durable when this returns."""
        if self._connection is not None:
            self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Roll the transaction back; if that fails, drop the connection."""
        connection = self._connection
        if connection is None:
            return
        if connection.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            try:
                connection.execute("ROLLBACK")
            except psycopg.Error:
                self.close()
        elif connection.info.transaction_status is not TransactionStatus.IDLE:
            self.close()

    def alone(self, statement: str, parameters: Parameters = ()) -> Any:
        """Run a statement in its own transaction, without locking the tenant; returns its first value."""
        settings = "; ".join(["BEGIN", *self._settings])
        connection = self._anew(lambda: self.connect().execute(settings).connection)
        try:
            row = connection.execute(statement, parameters).fetchone()
            connection.execute("COMMIT")
        finally:
            self.rollback()
        return None if row is None else row[0]

    # -- statements ------------------------------------------------------------------------------------------------
    def text(self, statement: str) -> sql.SQL:
        """A statement with the tenant in place of ``:tenant``."""
        found = self._texts.get(statement)
        if found is None:
            beside, owner = _BY_ROW if self._is_distributed else ("", ":tenant")
            text = statement.replace(" :beside", beside).replace(":owner", owner)
            found = self._texts[statement] = sql.SQL(text.replace(":tenant", self._literal.replace("%", "%%")))
        return found

    def execute(self, statement: str, parameters: Parameters = (), *, is_binary: bool = True) -> psycopg.Cursor[Any]:
        """Run a statement within the current transaction."""
        if self._connection is None:
            raise StoreUnavailable("the connection was lost in the middle of a transaction")
        return self._connection.execute(self.text(statement), parameters, binary=is_binary)

    def rows(self, statement: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """The rows that a statement returns."""
        return self.execute(statement, parameters).fetchall()

    def pipeline(self) -> Any:
        """A context in which statements are sent without waiting for one another."""
        if self._connection is None:
            raise StoreUnavailable("the connection was lost in the middle of a transaction")
        return self._connection.pipeline()


def connect(url: str, *, application_name: str = "headwater") -> psycopg.Connection[Any]:
    """Open a connection in autocommit mode that does not prepare statements.

    Raises:
        ConfigError: the address is invalid.
        psycopg.OperationalError: the server cannot be reached.
    """
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise ConfigError(
            f"the address of the store cannot be read: {str(error).strip()}",
            hint="for example postgresql://user@host:5432/database?sslmode=require",
        ) from error
    given.setdefault("application_name", application_name)
    for name, value in _PATIENCE.items():
        given.setdefault(name, value)
    connection = psycopg.connect(make_conninfo("", **given), autocommit=True, prepare_threshold=None)
    register(connection)
    return connection


def setting_statements(schema: str, role: str | None, tenant: str, *, is_distributed: bool = False) -> list[str]:
    """The settings at the start of every transaction: ``SET LOCAL``, so that they end with it."""
    set_tenant = f"SET LOCAL {TENANT_SETTING} TO {sql.Literal(tenant).as_string(None)}"
    found = [f"SET LOCAL search_path TO {sql.Identifier(schema).as_string(None)}"]
    if role is not None:
        found.insert(0, f"SET LOCAL ROLE {sql.Identifier(role).as_string(None)}")
    return [*found, *(_on_nodes(f"{set_tenant};") if is_distributed else [set_tenant])]


def _on_nodes(statements: str) -> list[str]:
    """Make Citus apply the settings of a block on its nodes as well.

    It forwards the whole text of the message that contains a ``SET LOCAL``; in a block that is a single statement.
    """
    passing_on = "SELECT set_config('citus.propagate_set_commands', '{}', true)"
    block = sql.Literal(f"BEGIN {statements} END").as_string(None)
    return [passing_on.format("local"), f"DO {block}", passing_on.format("none")]


@contextmanager
def explained() -> Iterator[None]:
    """A context that translates errors of the server or the connection into ``HeadwaterError``."""
    try:
        yield
    except psycopg.Error as error:
        raise explain(error) from error


def explain(error: psycopg.Error) -> HeadwaterError:
    """The error for an error of the server, with a hint.

    Data that no column or row can hold is the caller's fault, and not worth a retry.
    """
    state = error.sqlstate or ""
    what = f"PostgreSQL: {(error.diag.message_primary or str(error)).strip()}"
    if state[:2] in _OF_THE_INPUT:
        return InvalidInput(field="events", rule=f"must fit into PostgreSQL: {what}")
    if state in _FULL:
        return StoreFull(what)
    if state in _READ_ONLY:
        return StoreReadOnly(what, hint=_READ_ONLY_HINT)
    if state in _LOCKED:
        return StoreLocked(f"{what}: another process is writing and did not finish in time")
    if state in _CORRUPT:
        return StoreCorrupt(what, hint="restore the newest backup, or follow PostgreSQL's advice on corruption")
    if state in _BUSY or state.startswith("08"):
        return StoreUnavailable(what)
    if isinstance(error, psycopg.OperationalError) or (isinstance(error, psycopg.InterfaceError) and not state):
        return StoreUnavailable(what, hint=None if state else _remedy(what))
    return StoreError(what)


def _remedy(what: str) -> str | None:
    """The hint for a failed connection; None if the message is not recognised."""
    return next((hint or _AWAY for words, hint in _REMEDIES if words.search(what)), None)


_READ_ONLY_HINT = "give the role its rights with 'headwater migrate', or connect to the primary instead of a standby"
