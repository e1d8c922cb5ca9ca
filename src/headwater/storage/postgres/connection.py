"""One connection, opened when it is needed, and the transactions on it; what the server complains about, explained.

Nothing outlives a transaction: role, schema, tenant and time limits are set within it, no statement is prepared and no
lock is held by the session. So it does not matter which physical connection a transaction gets from a pooler.
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
"""A server that went away without a word is noticed in half a minute, not in the quarter of an hour that TCP takes."""
T = TypeVar("T")
Parameters = Sequence[Any] | Mapping[str, Any]
_NAME = re.compile(r"^-- (\w+)$", re.MULTILINE)
_BY_ROW = (" JOIN tenants AS owner ON owner.tenant_id = :tenant", "owner.tenant_id")
"""Rows that come with their tenant from one node go to that node. Others Citus brings there by COPY, which row-level
security forbids."""
_WEAK = "current_setting('synchronous_commit') IN ('off', 'local')"
_DURABLE = f"SELECT set_config('synchronous_commit', 'on', true) WHERE {_WEAK}"
_DURABLE_BLOCK = f"IF {_WEAK} THEN SET LOCAL synchronous_commit TO 'on'; END IF;"

_OF_THE_INPUT = {"22", "54"}
"""Classes of states: data that is out of range or malformed, and limits of the program."""
_FULL = {"53100", "53000", "53400"}
_READ_ONLY = {"25006", "42501"}
_LOCKED = {"55P03", "40P01"}
_CORRUPT = {"XX001", "XX002"}
_BUSY = {"53300", "57P01", "57P02", "57P03", "53200"}
_REMEDIES = (
    (re.compile("password|authentication|pg_hba"), "see to user and password: in the address, PGPASSWORD or ~/.pgpass"),
    (re.compile('database "[^"]*" does not exist'), "make the database first: createdb, or CREATE DATABASE"),
    (re.compile('role "[^"]*" does not exist'), "make the role first: createuser, or CREATE ROLE ... LOGIN"),
    (re.compile("resolve host|translate host|refused|timeout|timed out|unreachable|No route|No such file"), None),
    (
        re.compile("connection is bad|invalid|SSL|certificate"),
        "see to the address: postgresql://user@host:port/database",
    ),
)
"""What to do where no connection came about, by words of libpq and the server, which tell no state then; None if
host and port are wrong or the server is away."""
_AWAY = "is PostgreSQL running at that host and port? Nothing that was acknowledged is lost"


@cache
def queries() -> dict[str, str]:
    """The statements of ``queries.sql`` by name."""
    text = files(__package__).joinpath("queries.sql").read_text(encoding="utf-8")
    pieces = _NAME.split(text)[1:]
    return {name: body.strip().rstrip(";") for name, body in zip(pieces[::2], pieces[1::2], strict=True)}


class Session:
    """Transactions of one tenant on one physical connection, which is made again when it was lost."""

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
        """The connection, made if there is none or the last one was lost."""
        if self._connection is None or self._connection.closed or self._connection.broken:
            self._connection = connect(self.url)
        return self._connection

    def close(self) -> None:
        """Let go of the connection. Idempotent."""
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
        """Start a transaction: the tenant's number of commits and its counters, None if there is no such tenant.

        A writer holds the tenant's row from then on. Where the server was restarted since the last transaction, a new
        connection is made: nothing was sent on the lost one.
        """
        statement = self._begin_statement(is_writer)
        return self._anew(lambda: self._start(statement))

    def _anew(self, start: Callable[[], T]) -> T:
        """Start a transaction; once more, on a new connection, where the one that there was turns out to be lost."""
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
        cursor = self.connect().execute(statement)  # one round trip for all of it
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
            # An acknowledged event is on disk; a stronger setting of the administrator stays.
            parts += _on_nodes(_DURABLE_BLOCK) if self._is_distributed else [_DURABLE]
        parts.append(queries()["tenant_lock" if is_writer else "tenant_get"].replace(":tenant", self._literal))
        found = self._begins[is_writer] = "; ".join(parts)
        return found

    def commit(self) -> None:
        """End the transaction: what it wrote is durable when this returns."""
        if self._connection is not None:
            self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """End the transaction without a trace, or drop a connection on which that cannot be said."""
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
        """The first value that a statement gives which is a transaction of its own and locks no tenant."""
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
        """A statement with the tenant in the place of ``:tenant``."""
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
        """The rows that a statement gives."""
        return self.execute(statement, parameters).fetchall()

    def pipeline(self) -> Any:
        """A context in which statements are sent without waiting for one another."""
        if self._connection is None:
            raise StoreUnavailable("the connection was lost in the middle of a transaction")
        return self._connection.pipeline()


def connect(url: str, *, application_name: str = "headwater") -> psycopg.Connection[Any]:
    """A connection that leaves transactions to its user and prepares nothing.

    Raises:
        ConfigError: the address cannot be read.
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
    """What every transaction begins with: ``SET LOCAL``, so that it ends with the transaction."""
    set_tenant = f"SET LOCAL {TENANT_SETTING} TO {sql.Literal(tenant).as_string(None)}"
    found = [f"SET LOCAL search_path TO {sql.Identifier(schema).as_string(None)}"]
    if role is not None:
        found.insert(0, f"SET LOCAL ROLE {sql.Identifier(role).as_string(None)}")
    return [*found, *(_on_nodes(f"{set_tenant};") if is_distributed else [set_tenant])]


def _on_nodes(statements: str) -> list[str]:
    """Have Citus set on its nodes too what is set in a block.

    It sends them the text of the message in which a ``SET LOCAL`` came, whatever else that holds; of a block it is the
    one statement.
    """
    passing_on = "SELECT set_config('citus.propagate_set_commands', '{}', true)"
    block = sql.Literal(f"BEGIN {statements} END").as_string(None)
    return [passing_on.format("local"), f"DO {block}", passing_on.format("none")]


@contextmanager
def explained() -> Iterator[None]:
    """Raise an error of ours for every error of the server or the connection."""
    try:
        yield
    except psycopg.Error as error:
        raise explain(error) from error


def explain(error: psycopg.Error) -> HeadwaterError:
    """What the reader can do about an error of the server.

    What no value or row can hold is the fault of what was handed in, and no reason to try again.
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
    """What to do about a connection that did not come about; None if the words tell nothing."""
    return next((hint or _AWAY for words, hint in _REMEDIES if words.search(what)), None)


_READ_ONLY_HINT = "give the role its rights with 'headwater migrate', or connect to the primary instead of a standby"
