"""TimescaleDB and Citus are used where they are, and not missed where they are not.

On a server that has one (``HEADWATER_TEST_TIMESCALE``, ``HEADWATER_TEST_CITUS``: addresses of databases in which the
extension is created) the whole conformance suite runs. On any other the absence is what is tested, and the statements.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from headwater.storage.base import Store
from headwater.storage.postgres import PostgresStore, citus, timescale
from headwater.storage.postgres.connection import connect, setting_statements
from headwater.storage.postgres.facts import facts
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
