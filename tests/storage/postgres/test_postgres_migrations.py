"""Databases are brought to the schema of this version, with what they hold; one that is too new is left alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headwater.errors import StoreError, StoreReadOnly, StoreTooNew
from headwater.storage.memory import MemoryStore
from headwater.storage.migration import Migration
from headwater.storage.postgres import PostgresStore
from headwater.storage.postgres.connection import ROLE, SCHEMA, connect
from headwater.storage.postgres.migrate import migrate, migrations, statements, version_of
from headwater.storage.postgres.server_facts import facts
from headwater.testing.events import raw, whole_run
from headwater.testing.postgres import PostgresServer

DATA = Path(__file__).with_name("data")
"""What a database held at each step of the schema, as its own version wrote it: ``0001.sql`` and so on."""
HISTORY = (DATA / "history.jsonl").read_bytes().splitlines()
"""The events that all of them hold."""


def _table(url: str, query: str) -> list[tuple]:
    with connect(url) as connection:
        connection.execute("SET search_path TO headwater")
        return connection.execute(query).fetchall()


def test_every_step_is_tried_with_data() -> None:
    """Whoever adds a step adds what a database holds at it, so that the next step is tried with that."""
    missing = [step.number for step in migrations() if not (DATA / f"{step.number:04}.sql").exists()]
    assert missing == [], "run tests/storage/postgres/data/make.py"


@pytest.mark.parametrize("step", [step.number for step in migrations()])
def test_a_database_of_an_earlier_step_goes_on(postgres_server: PostgresServer, step: int) -> None:
    """Made at that step and filled as it was then: brought up to date it answers as if written today."""
    url = postgres_server.new_database()
    assert migrate(url, schema=SCHEMA, role=ROLE, upto=step) == list(range(1, step + 1))
    with connect(url) as connection:
        connection.execute((DATA / f"{step:04}.sql").read_text(encoding="utf-8"))
    with PostgresStore.open(url) as store, MemoryStore.open() as oracle:
        oracle.append(HISTORY)
        assert [event.body for event in store.events()] == [event.body for event in oracle.events()]
        assert store.graph_hash() == oracle.graph_hash()
        assert store.namespaces() == oracle.namespaces()
        assert store.quarantine_totals().entries == 1
        more = raw(whole_run(99, "more", 990, ["a"], ["b"]))
        assert [one.seq for one in store.append(more)] == [one.seq for one in oracle.append(more)]
        assert store.graph_hash() == oracle.graph_hash()
        assert store.rebuild() == oracle.graph_hash()
    assert facts(url).unprotected == []


def test_steps_are_numbered_without_gaps() -> None:
    """From 1 on."""
    assert [step.number for step in migrations()] == list(range(1, len(migrations()) + 1))


def _together(count: int, work: Callable[[int], object]) -> list[BaseException | None]:
    """What went wrong for each of several threads that begin at the same moment."""
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        gate.wait()
        work(number)

    with ThreadPoolExecutor(count) as pool:
        return [one.exception() for one in [pool.submit(run, number) for number in range(count)]]


@pytest.mark.parametrize("step", migrations(), ids=lambda step: step.name)
def test_a_step_is_taken_a_statement_at_a_time(step: Migration) -> None:
    """All of its SQL and nothing twice, each statement whole: Citus sends its nodes the text that a change came in."""
    taken = statements(step)
    said = [line for line in step.sql.splitlines() if line and not line.startswith("--")]
    assert [line for statement in taken for line in statement.splitlines() if line] == said
    for statement in taken:
        outside = "".join(statement.split("$$")[::2])
        assert outside.count(";") == 1, statement
        assert outside.endswith(";")


def test_a_step_that_breaks_off_is_refused() -> None:
    """A statement without its end is a mistake in the file, and not left out."""
    with pytest.raises(StoreError, match="ends within a statement"):
        statements(Migration(99, "broken", "CREATE TABLE a (b text);\nCREATE TABLE c ("))


def test_processes_that_start_together_do_not_race(postgres_server: PostgresServer) -> None:
    """Six open one new database at once: each step is applied once, and everybody's tenant is there."""
    url = postgres_server.new_database()
    assert _together(6, lambda number: PostgresStore.open(url, tenant=f"t{number}").close()) == [None] * 6
    assert _table(url, "SELECT number, count(*) FROM migrations GROUP BY 1 ORDER BY 1") == [
        (step.number, 1) for step in migrations()
    ]
    assert _table(url, "SELECT count(*) FROM tenants") == [(6,)]


def test_two_that_make_one_tenant_together(postgres_server: PostgresServer) -> None:
    """It is made once, and both write to it."""
    url = postgres_server.new_database()

    def work(number: int) -> None:
        with PostgresStore.open(url, tenant="one") as store:
            store.append(raw(whole_run(number + 1, "j", number, ["a"], ["b"])))

    assert _together(4, work) == [None] * 4
    with PostgresStore.open(url, tenant="one") as store:
        assert [event.seq for event in store.events()] == list(range(1, 9))
        assert store.rebuild() == store.graph_hash()


def test_a_store_of_a_later_version_is_left_alone(postgres_server: PostgresServer) -> None:
    """It is not opened, and not changed."""
    url = postgres_server.new_database()
    PostgresStore.open(url).close()
    _put = "INSERT INTO migrations (number, name, checksum) VALUES (999, 'later', 'x') RETURNING number"
    assert _table(url, _put) == [(999,)]
    with pytest.raises(StoreTooNew, match="999"):
        PostgresStore.open(url)


def test_a_step_that_was_changed_is_noticed(postgres_server: PostgresServer) -> None:
    """The checksum of what was applied is kept in the database."""
    url = postgres_server.new_database()
    PostgresStore.open(url).close()
    _table(url, "UPDATE migrations SET checksum = 'other' WHERE number = 1 RETURNING number")
    with pytest.raises(StoreError, match="differs"):
        PostgresStore.open(url)


def test_a_failed_step_leaves_nothing(postgres_server: PostgresServer) -> None:
    """A step is a transaction: what is in its way stays, and the next attempt finds no half of it."""
    url = postgres_server.new_database()
    with connect(url) as connection:
        connection.execute("CREATE SCHEMA headwater")
        connection.execute("CREATE TABLE headwater.vocabulary (mine text)")
    with pytest.raises(StoreError, match="already exists"):
        PostgresStore.open(url)
    with connect(url) as connection:
        assert version_of(connection, SCHEMA) == 0
        connection.execute("DROP TABLE headwater.vocabulary")
    with PostgresStore.open(url) as store:
        assert store.statistics().events == 0


def test_who_may_not_change_the_schema_is_told(postgres_server: PostgresServer) -> None:
    """Which command to run, and as whom."""
    url = postgres_server.new_database()
    with connect(url) as connection:
        connection.execute("CREATE ROLE plain_user LOGIN")
    with pytest.raises(StoreReadOnly) as caught:
        PostgresStore.open(url.replace("headwater@", "plain_user@"))
    assert "headwater migrate" in caught.value.hint


@pytest.mark.parametrize("how", [{"read_only": True}, {"create": False}])
def test_no_store_is_made_where_none_was_asked_for(postgres_server: PostgresServer, how: dict) -> None:
    """Reading, or opening without ``create``, says that there is none and makes nothing."""
    url = postgres_server.new_database()
    with pytest.raises(StoreError, match="no store"):
        PostgresStore.open(url, **how)
    with connect(url) as connection:
        assert connection.execute("SELECT to_regnamespace('headwater')").fetchone() == (None,)
    PostgresStore.open(url).close()
    with pytest.raises(StoreError, match="no store of tenant 'other'"):
        PostgresStore.open(url, tenant="other", **how)
