"""Tenants share tables and see nothing of one another, whatever is asked and whoever carries the connection."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from postgres_opening import Opener

from headwater.errors import InvalidInput, StoreError
from headwater.storage.memory import MemoryStore
from headwater.storage.open import drop_store
from headwater.storage.postgres import PostgresStore
from headwater.storage.postgres.connection import connect, setting_statements
from headwater.storage.postgres.server_facts import facts
from headwater.testing.events import History, raw, whole_run
from headwater.testing.postgres import PostgresServer
from headwater.testing.suite.fixture import holding

MINE = raw(whole_run(1, "mine", 0, ["a"], ["b"]))
YOURS = raw(whole_run(2, "yours", 0, ["secret"], ["secret2"]))
TABLES = (
    "SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE nspname = 'headwater' AND relkind IN ('r', 'p', 'v') AND relname <> 'migrations'"
    " AND has_table_privilege(c.oid, 'SELECT')"
)


@pytest.fixture
def connection(postgres_url: str) -> Iterator[psycopg.Connection]:
    """A connection beside the stores."""
    with connect(postgres_url) as found:
        yield found


def _as(connection: psycopg.Connection, tenant: str) -> None:
    connection.execute("; ".join(["BEGIN", *setting_statements("headwater", "headwater_app", tenant)]))


def test_a_statement_without_its_tenant_shows_the_own_rows_alone(opened: Opener, tenant: str) -> None:
    """Tampered SQL that forgot, or names, the tenant: every table shows what the store's own tenant has."""
    mine, yours = opened(), opened(tenant + "-b")
    mine.append([*MINE, b"{"])
    yours.append([*YOURS, b"["])
    session = mine._session
    session.begin(is_writer=False)
    tables = [name for (name,) in session.rows(TABLES)]
    assert {"frames", "names", "runs", "quarantine", "tenants", "search", "postings", "loose"} <= set(tables)
    for table in tables:
        seen = {name for (name,) in session.rows(f"SELECT DISTINCT tenant_id FROM {table}")}
        assert seen <= {tenant}, table
        assert session.rows(f"SELECT 1 FROM {table} WHERE tenant_id = '{tenant}-b'") == [], table
    session.rollback()
    assert holding(yours) == {("secret", "secret2")}


def test_a_row_of_another_tenant_cannot_be_written(opened: Opener, tenant: str) -> None:
    """Neither inserted nor changed nor deleted."""
    mine, yours = opened(), opened(tenant + "-b")
    yours.append(YOURS)
    expected = yours.graph_hash()
    session = mine._session
    for statement in (
        f"INSERT INTO loose (tenant_id, node, keys) VALUES ('{tenant}-b', 1, 'x')",
        f"INSERT INTO tenants (tenant_id) VALUES ('{tenant}-c')",
    ):
        session.begin(is_writer=True)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(statement)
        session.rollback()
    for statement in ("UPDATE names SET raw_name = 'gone'", "DELETE FROM edges", "DELETE FROM frames"):
        session.begin(is_writer=True)
        assert session.execute(statement).rowcount == 0
        session.commit()
    assert (yours.graph_hash(), len(list(yours.events()))) == (expected, 2)


def test_without_a_tenant_nothing_is_seen(opened: Opener, connection: psycopg.Connection) -> None:
    """A connection that sets none, or set one in a transaction that is over, sees no row of any table."""
    opened().append(MINE)
    for setting in ("", "SET LOCAL headwater.tenant TO ''"):
        connection.execute("BEGIN")
        connection.execute("SET LOCAL ROLE headwater_app")
        connection.execute(setting or "SELECT 1")
        tables = [name for (name,) in connection.execute(TABLES).fetchall()]
        for table in tables:
            assert connection.execute(f"SELECT count(*) FROM headwater.{table}").fetchone() == (0,), table
        connection.execute("ROLLBACK")


def test_the_role_looks_past_nothing_and_owns_nothing(
    opened: Opener, connection: psycopg.Connection, postgres_url: str
) -> None:
    """It may not change the schema, the steps it has seen, or partitions by name; ``facts`` reports all is closed."""
    opened().append(MINE)
    found = facts(postgres_url)
    assert (found.role, found.is_isolated, found.unprotected) == ("headwater_app", True, [])
    assert found.step == found.steps
    _as(connection, "x")
    assert connection.execute(
        "SELECT rolsuper, rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname = current_user"
    ).fetchone() == (False, False, False)
    connection.execute("ROLLBACK")
    for statement in (
        "ALTER TABLE names NO FORCE ROW LEVEL SECURITY",
        "DELETE FROM migrations",
        "CREATE TABLE more (id integer)",
        "DROP POLICY tenant ON names",
    ):
        _as(connection, "x")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)
        connection.execute("ROLLBACK")


def test_an_open_table_is_reported(postgres_server: PostgresServer) -> None:
    """``facts`` names a table whose policy is gone or no longer forced."""
    url = postgres_server.new_database()
    PostgresStore.open(url).close()
    with connect(url) as connection:
        connection.execute("DROP POLICY tenant ON headwater.runs")
        connection.execute("ALTER TABLE headwater.names NO FORCE ROW LEVEL SECURITY")
    assert facts(url).unprotected == ["names", "runs"]


def test_a_role_that_looks_past_row_level_security_is_refused(postgres_server: PostgresServer) -> None:
    """Where the store's role is gone and cannot be had, no store is opened as a superuser."""
    url = postgres_server.new_database()
    PostgresStore.open(url, role="headwater_other").close()
    with connect(url) as connection:
        connection.execute("DROP OWNED BY headwater_other")
        connection.execute("DROP ROLE headwater_other")
    with pytest.raises(StoreError, match="looks past") as caught:
        PostgresStore.open(url, role="headwater_other")
    assert "CREATE ROLE" in caught.value.hint


def test_a_role_of_ones_own_that_owns_thenew_database(postgres_server: PostgresServer) -> None:
    """No superuser, no right to make roles: the store works as the connecting role, which its own policies bind."""
    url = postgres_server.new_database(owner="plain_owner")
    own = url.replace("headwater@", "plain_owner@")
    with PostgresStore.open(own, tenant="x", role="headwater_none") as one:
        one.append(MINE)
        with PostgresStore.open(own, tenant="y", role="headwater_none") as other:
            other.append(YOURS)
            session = other._session
            session.begin(is_writer=False)
            assert session.rows("SELECT DISTINCT tenant_id FROM names") == [("y",)]
            session.rollback()
        assert holding(one) == {("a", "b")}
    found = facts(own, role="headwater_none")
    assert (found.role, found.is_isolated, found.unprotected) == ("plain_owner", True, [])


@pytest.mark.parametrize("tenant", ["", "../x", "a/b", ".hidden", "a\0b", "c:d", "x" * 201])
def test_a_tenant_is_a_plain_name(tenant: str) -> None:
    """As with files."""
    with pytest.raises(InvalidInput) as caught:
        PostgresStore.open("postgresql://nowhere.invalid/x", tenant=tenant)
    assert caught.value.field == "tenant"


def test_a_tenant_named_like_sql(opened: Opener, tenant: str) -> None:
    """Quotes and placeholders in a tenant's name are letters of it."""
    for name in (f"{tenant}'; DROP SCHEMA headwater; --", f"{tenant}%s", f"{tenant}$tenant", f"{tenant} ünï"):
        store = opened(name)
        store.append(MINE)
        assert holding(store) == {("a", "b")}


def test_a_dropped_tenant_is_gone_and_others_are_not(opened: Opener, tenant: str, postgres_url: str) -> None:
    """Nothing of it is left in any table; dropping what is not there does nothing."""
    mine, yours = opened(), opened(tenant + "-b")
    mine.append([*MINE, b"{"])
    yours.append(YOURS)
    drop_store(postgres_url, tenant)
    drop_store(postgres_url, tenant)
    with pytest.raises(StoreError, match="gone"):
        mine.statistics()
    with pytest.raises(StoreError, match="no store"):
        opened(create=False)
    again = opened()
    assert again.statistics().events == again.statistics().quarantined == 0
    assert yours.statistics().events == 2


# -- one connection for many ---------------------------------------------------------------------------------------
def test_tenants_that_take_turns_on_the_same_connections(opened: Opener, tenant: str, postgres_url: str) -> None:
    """As behind a pooler in transaction mode: each transaction gets another connection, used by others before."""
    connections = [connect(postgres_url) for _ in range(3)]
    pool = itertools.cycle(connections)
    stores = [opened(f"{tenant}-{number}") for number in range(2)]
    for store in stores:
        store._session.close()
        _deal(store, pool)
    with MemoryStore.open() as first, MemoryStore.open() as second:
        oracles = (first, second)
        for events in zip(History(1).events(10), History(2).events(10), strict=False):
            for store, oracle, event in zip(stores, oracles, events, strict=True):
                assert store.append([event])[0].seq == oracle.append([event])[0].seq
        assert [store.graph_hash() for store in stores] == [oracle.graph_hash() for oracle in oracles]
    for connection in connections:
        connection.close()


def _deal(store: PostgresStore, pool: Iterator[psycopg.Connection]) -> None:
    """Give a store the next connection of a pool at the beginning of each transaction."""
    session = store._session

    def dealt() -> psycopg.Connection:
        session._connection = next(pool)
        return session._connection

    session.connect = dealt  # type: ignore[method-assign]


@pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="pgbouncer is not installed")
def test_behind_pgbouncer_in_transaction_mode(postgres_server: PostgresServer, tmp_path: Path, tenant: str) -> None:
    """The real pooler with two connections for four stores."""
    folder = postgres_server.folder
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\n* = host={folder} user=headwater\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\nunix_socket_dir =\n"
        f"pool_mode = transaction\ndefault_pool_size = 2\nlogfile = {folder}/pgbouncer.log\n"
    )
    user = "nobody" if os.geteuid() == 0 else None
    pooler = subprocess.Popen(["pgbouncer", "-q", settings], user=user, stderr=subprocess.DEVNULL, cwd=folder)
    try:
        url = f"postgresql://headwater@127.0.0.1:{port}/postgres"
        _wait_for(url)
        stores = [PostgresStore.open(url, tenant=f"{tenant}-{number}") for number in range(4)]
        with MemoryStore.open() as oracle:
            for event in History(3).events(8):
                assert {store.append([event])[0].seq for store in stores} == {oracle.append([event])[0].seq}
            assert {store.graph_hash() for store in stores} == {oracle.graph_hash()}
        for store in stores:
            store.close()
    finally:
        pooler.terminate()
        pooler.wait()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            connect(url).close()
            return
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, "the pooler does not start"
            time.sleep(0.05)
