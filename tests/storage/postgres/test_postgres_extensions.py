"""TimescaleDB and Citus are used where they are, and not missed where they are not.

On a server that has one (``HEADWATER_TEST_TIMESCALE``, ``HEADWATER_TEST_CITUS``: addresses of databases in which the
extension is created) the whole conformance suite runs. On any other the absence is what is tested, and the statements.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from headwater.errors import StoreLocked, StoreReadOnly
from headwater.storage.base import Store
from headwater.storage.postgres import PostgresStore, citus, timescale
from headwater.storage.postgres.connection import ROLE, SCHEMA, connect, setting_statements
from headwater.storage.postgres.migrate import migrate
from headwater.storage.postgres.notifications import listen
from headwater.storage.postgres.security import close_tables
from headwater.storage.postgres.server_facts import facts
from headwater.testing.events import raw, whole_run
from headwater.testing.postgres import PostgresServer
from headwater.testing.store_suite import StoreSuite
from headwater.testing.suite.fixture import holding

TIMESCALE, CITUS = os.environ.get("HEADWATER_TEST_TIMESCALE", ""), os.environ.get("HEADWATER_TEST_CITUS", "")


class _OnExtension(StoreSuite):
    """The whole suite, a tenant a test."""

    url = ""

    def open_store(self, folder: Path) -> Store:
        """The store of the tenant that stands for a folder."""
        return PostgresStore.open(self.url, tenant=hashlib.sha256(str(folder).encode()).hexdigest()[:16])


if TIMESCALE:

    class TestOnTimescale(_OnExtension):
        """With the log as a hypertable."""

        url = TIMESCALE


if CITUS:

    class TestOnCitus(_OnExtension):
        """With tables distributed by tenant."""

        url = CITUS


def test_a_server_without_them(postgres_server: PostgresServer) -> None:
    """Neither is there; the store is made, and ``facts`` says so."""
    url = postgres_server.new_database()
    PostgresStore.open(url).close()
    found = facts(url)
    assert not found.timescaledb.is_used
    assert not found.citus.is_used
    assert (found.timescaledb.version, found.citus.version) == ("", "")
    assert "frames_other" in found.months
    with connect(url) as connection:
        assert not timescale.is_installed(connection)
        assert not citus.is_installed(connection)
        assert citus.adopt(connection, "headwater") == []


def test_the_statements_for_timescaledb() -> None:
    """Every name of ours is filled in and quoted; the store's role gets nothing in the schema of the hypertable."""
    text = timescale.statements("head'water")
    assert ":schema" not in text
    assert ":log" not in text
    assert '"head\'water_log"' in text
    assert "create_hypertable" in text
    assert "timescaledb.compress_segmentby = 'tenant_id'" in text
    assert "GRANT" not in text


def test_the_statements_for_citus() -> None:
    """Tables are distributed by tenant, beside one another."""
    assert citus.distribution("headwater", "tenants").as_string(None) == (
        """SELECT create_distributed_table('"headwater"."tenants"', 'tenant_id')"""
    )
    beside = """colocate_with => '"headwater"."tenants"'"""
    assert citus.distribution("headwater", "runs").as_string(None) == (
        f"""SELECT create_distributed_table('"headwater"."runs"', 'tenant_id', {beside})"""
    )


def test_what_citus_has_to_set_on_its_nodes_is_a_statement_of_its_own() -> None:
    """It sends them the text of the message that a setting came in, so that this may hold nothing else; and the tenant
    is quoted, also within the block."""
    found = setting_statements("headwater", "headwater_app", "a'b", is_distributed=True)
    assert found == [
        'SET LOCAL ROLE "headwater_app"',
        'SET LOCAL search_path TO "headwater"',
        "SELECT set_config('citus.propagate_set_commands', 'local', true)",
        "DO 'BEGIN SET LOCAL headwater.tenant TO ''a''''b''; END'",
        "SELECT set_config('citus.propagate_set_commands', 'none', true)",
    ]


def test_the_way_of_citus_gives_the_same_on_any_server(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said differently where tables are distributed means the same: written, read, forgotten, told of."""
    url = postgres_server.new_store()
    events = [event for n in range(1, 40) for event in raw(whole_run(n, f"j{n % 5}", n, [f"a{n % 7}"], [f"b{n % 3}"]))]
    hashes, told = [], []
    for is_distributed in (False, True):
        monkeypatch.setattr(citus, "is_used", lambda *_, answer=is_distributed: answer)
        with (
            PostgresStore.open(url, tenant=f"t{is_distributed}") as store,
            closing(listen(url, lambda tenant, seq: told.append((tenant, seq)))) as listener,
        ):
            listener.watch(f"t{is_distributed}")
            assert listener.wait(20)
            for start in range(0, len(events), 10):
                store.append(events[start : start + 10], received_at=start + 1)
            assert store.retain(before=21) == 20
            hashes.append((store.graph_hash(), store.statistics().events, [event.seq for event in store.events()]))
        with PostgresStore.open(url, tenant=f"t{is_distributed}", read_only=True) as store:
            assert store.graph_hash() == hashes[-1][0]
    assert hashes[0] == hashes[1]
    assert {tenant for tenant, _ in told} == {"tFalse", "tTrue"}


@pytest.mark.skipif(not TIMESCALE, reason="HEADWATER_TEST_TIMESCALE is not set")
def test_the_log_is_a_hypertable_that_lets_one_tenant_through() -> None:
    """Also when its chunks are named, or compressed; months that nobody needs are dropped."""
    import psycopg

    day = 86_400_000_000
    names = [f"ts-{os.urandom(4).hex()}" for _ in range(2)]
    with PostgresStore.open(TIMESCALE, tenant=names[0]) as one, PostgresStore.open(TIMESCALE, tenant=names[1]) as other:
        one.append(raw(whole_run(1, "j", 0, ["a"], ["b"])), received_at=400 * day)
        other.append(raw(whole_run(2, "k", 0, ["c"], ["d"])), received_at=400 * day)
        one.append(raw(whole_run(3, "l", 9, ["e"], ["f"])))
        found = facts(TIMESCALE)
        assert found.timescaledb.is_used
        assert found.unprotected == []
        with connect(TIMESCALE) as connection:
            compressed = connection.execute(
                "SELECT count(compress_chunk(format('%I.%I', chunk_schema, chunk_name)::regclass))"
                " FROM timescaledb_information.chunks WHERE hypertable_name = 'frames'"
                f" AND range_end_integer < {500 * day}"
            ).fetchone()
            assert (compressed or (0,))[0] >= 1
            chunks = connection.execute(
                "SELECT format('%I.%I', chunk_schema, chunk_name) FROM timescaledb_information.chunks"
                " WHERE hypertable_name = 'frames'"
            ).fetchall()
            for (chunk,) in [*chunks, ("headwater_log.frames",)]:
                connection.execute("; ".join(["BEGIN", *setting_statements("headwater", "headwater_app", names[0])]))
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(f"SELECT tenant_id FROM {chunk}")
                connection.execute("ROLLBACK")
        assert len(list(one.events())) == 4
        assert [event.seq for event in other.events()] == [1, 2]
        assert one.retain(before=500 * day) == 2
        assert holding(one) == {("e", "f")}
        assert holding(other) == {("c", "d")}
        before = len(facts(TIMESCALE).months)
        assert other.retain(before=500 * day) == 2
        assert len(facts(TIMESCALE).months) == before - 1


@pytest.mark.skipif(not CITUS, reason="HEADWATER_TEST_CITUS is not set")
def test_tables_are_distributed_by_tenant() -> None:
    """All of them, side by side, with their policies."""
    with PostgresStore.open(CITUS, tenant="c") as store:
        store.append(raw(whole_run(1, "j", 0, ["a"], ["b"])))
        assert holding(store) == {("a", "b")}
    found = facts(CITUS)
    assert found.citus.is_used
    assert found.unprotected == []
    with connect(CITUS) as connection:
        placed = connection.execute(
            "SELECT column_to_column_name(logicalrelid, partkey), count(*) FROM pg_dist_partition AS d"
            " JOIN pg_class AS c ON c.oid = d.logicalrelid WHERE c.relnamespace = 'headwater'::regnamespace"
            " AND NOT c.relispartition GROUP BY 1, d.colocationid"
        ).fetchall()
        ours = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'headwater'::regnamespace AND NOT relispartition"
            " AND relkind IN ('r', 'p') AND relname <> 'migrations'"
        ).fetchone()
    assert ours is not None
    assert placed == [("tenant_id", ours[0])]


@pytest.mark.skipif(not CITUS, reason="HEADWATER_TEST_CITUS is not set")
def test_tenants_lie_on_every_node_and_each_node_guards_them() -> None:
    """The nodes keep tenants apart themselves: each part of each table has its policy, and shows nobody's rows to the
    store's role where no tenant is set."""
    candidates = [f"citus-{os.urandom(4).hex()}" for _ in range(64)]
    PostgresStore.open(CITUS, tenant=candidates[0]).close()  # makes the schema where there is none
    with connect(CITUS) as connection:
        placed = connection.execute(
            "SELECT name, nodename, nodeport FROM unnest(%s::text[]) AS name JOIN pg_dist_shard_placement"
            " ON shardid = get_shard_id_for_distribution_column('headwater.tenants', name)",
            (candidates,),
        ).fetchall()
        nodes = connection.execute("SELECT nodename, nodeport FROM pg_dist_node WHERE shouldhaveshards").fetchall()
    names = [name for node in nodes for name in [name for name, *where in placed if tuple(where) == node][:2]]
    assert len(names) == 2 * len(nodes)
    with ExitStack() as stack:
        stores = [stack.enter_context(PostgresStore.open(CITUS, tenant=name)) for name in names]
        for n, store in enumerate(stores):
            store.append(raw(whole_run(n, f"job {n}", 0, ["a"], [f"b{n}"])))
        for n, store in enumerate(stores):
            assert holding(store) == {("a", f"b{n}")}
    with connect(CITUS) as connection:
        guarded = connection.execute(
            "SELECT logicalrelid::text, result FROM pg_dist_partition, run_command_on_placements(logicalrelid,"
            " $$SELECT relrowsecurity AND relforcerowsecurity AND EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid)"
            " FROM pg_class AS c WHERE oid = '%s'::regclass$$)"
        ).fetchall()
        assert len(guarded) > 500
        assert [table for table, said in guarded if said != "t"] == []
        connection.execute("SET ROLE headwater_app")
        seen = connection.execute("SELECT count(*) FROM headwater.tenants").fetchone()
        assert seen == (0,)


@contextmanager
def _new_cluster() -> Iterator[tuple[str, Callable[[], None]]]:
    """A new database with Citus, as an owner who is no superuser sees it, and what gives it the nodes of ``CITUS``."""
    name = f"test_{os.urandom(4).hex()}"
    given = conninfo_to_dict(CITUS)
    with connect(CITUS) as connection:
        nodes = connection.execute(
            "SELECT nodename, nodeport, shouldhaveshards FROM pg_dist_node ORDER BY shouldhaveshards"
        ).fetchall()

    def on_each(database: str, *statements: str) -> None:
        for host, port, _ in nodes:
            with connect(make_conninfo("", **{**given, "host": host, "port": port, "dbname": database})) as there:
                for statement in statements:
                    there.execute(statement)

    def join() -> None:
        with connect(make_conninfo("", **{**given, "dbname": name})) as connection:
            connection.execute("SELECT citus_set_coordinator_host(%s, %s)", nodes[0][:2])
            for host, port, _ in nodes[1:]:
                connection.execute("SELECT citus_add_node(%s, %s)", (host, port))

    on_each("postgres", f"CREATE ROLE {name} LOGIN CREATEROLE", f"CREATE DATABASE {name} OWNER {name}")
    try:
        on_each("postgres", f"GRANT headwater_app TO {name} WITH ADMIN OPTION")
        on_each(name, "CREATE EXTENSION citus")
        yield make_conninfo("", **{**given, "user": name, "dbname": name}), join
    finally:
        on_each("postgres", f"DROP DATABASE {name} WITH (FORCE)", f"DROP ROLE {name}")


@pytest.mark.skipif(not CITUS, reason="HEADWATER_TEST_CITUS is not set")
def test_what_was_there_before_the_nodes_is_brought_to_them() -> None:
    """By ``migrate``, for an owner whom row-level security holds back: nothing is left behind, or left open."""
    hashes = {}
    with _new_cluster() as (url, join):
        for tenant in ("a", "b"):
            with PostgresStore.open(url, tenant=tenant) as store:
                store.append(raw(whole_run(1, "j", 0, ["a"], [f"to {tenant}"])))
                hashes[tenant] = store.graph_hash()
        assert not facts(url).citus.is_used
        join()
        assert migrate(url, schema=SCHEMA, role=ROLE) == []
        found = facts(url)
        assert found.citus.is_used
        assert found.unprotected == []
        for tenant in ("a", "b"):
            with PostgresStore.open(url, tenant=tenant) as store:
                assert store.graph_hash() == store.rebuild() == hashes[tenant]
                assert store.statistics().events == 2


@pytest.mark.skipif(not CITUS, reason="HEADWATER_TEST_CITUS is not set")
def test_a_month_of_distributed_tables_goes_when_nobody_needs_it() -> None:
    """Not while another tenant has something in it, on whichever node that lies."""
    month, day = 1_767_225_600_000_000, 86_400_000_000  # January 2026
    with _new_cluster() as (owner, join):
        join()
        with pytest.raises(StoreReadOnly, match="where Citus has nodes, a superuser"):
            migrate(owner, schema=SCHEMA, role=ROLE)
        url = make_conninfo("", **{**conninfo_to_dict(CITUS), "dbname": conninfo_to_dict(owner)["dbname"]})
        PostgresStore.open(url, tenant="one").close()
        with connect(url) as connection:
            connection.execute(
                "CREATE TABLE headwater.frames_2026_01 PARTITION OF headwater.frames"
                f" FOR VALUES FROM ({month}) TO ({month + 31 * day})"
            )
            close_tables(connection, SCHEMA)
        with PostgresStore.open(url, tenant="one") as one, PostgresStore.open(url, tenant="other") as other:
            for store in (one, other):
                store.append(raw(whole_run(1, "j", 0, ["a"], ["b"])), received_at=month + 5)
            assert one.retain(before=month + 40 * day) == 2
            assert "frames_2026_01" in facts(url).months
            assert other.retain(before=month + 40 * day) == 2
            assert "frames_2026_01" not in facts(url).months
        assert facts(url).unprotected == []


@pytest.mark.skipif(not CITUS, reason="HEADWATER_TEST_CITUS is not set")
def test_a_writer_waits_on_a_node_no_longer_than_it_may() -> None:
    """The node is told for how long, too: the tenant's row is locked there, and not at the coordinator."""
    tenant = f"citus-{os.urandom(4).hex()}"
    with (
        PostgresStore.open(CITUS, tenant=tenant, timeout_s=0.1) as store,
        PostgresStore.open(CITUS, tenant=tenant) as other,
    ):
        other._session.begin(is_writer=True)
        with pytest.raises(StoreLocked):
            store.append(raw(whole_run(1, "j", 0, ["a"], ["b"])))
        other._session.rollback()
        store.append(raw(whole_run(1, "j", 0, ["a"], ["b"])))
        assert holding(store) == {("a", "b")}
