"""The server goes away, is full, or refuses: what is said, what is kept, and that nobody has to restart anything."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest
from postgres_opening import Opener

from headwater.errors import (
    ConfigError,
    HeadwaterError,
    InvalidInput,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreReadOnly,
    StoreUnavailable,
)
from headwater.storage.memory import MemoryStore
from headwater.storage.postgres import PostgresStore
from headwater.storage.postgres.connection import connect, explain
from headwater.storage.postgres.server_facts import facts
from headwater.storage.row_types import ReceiptStatus
from headwater.testing.events import History, raw, whole_run
from headwater.testing.postgres import NoServer, PostgresServer
from headwater.testing.suite.fixture import holding

EVENTS = raw(whole_run(1, "j", 0, ["a"], ["b"]) + whole_run(2, "k", 20, ["b"], ["c"]))


def test_a_killed_server_loses_nothing_acknowledged(own_server: PostgresServer) -> None:
    """Killed in mid-append, again and again; the same store goes on, and what was not acknowledged is sent again."""
    store = PostgresStore.open(own_server.url(), tenant="killed", timeout_s=5)
    acknowledged: list[bytes] = []
    for cycle in range(3):
        stop = threading.Event()

        def write(cycle: int = cycle, stop: threading.Event = stop) -> None:
            number = cycle * 10_000
            while not stop.is_set():
                number += 1
                batch = raw(whole_run(number, f"j{number % 3}", number, [f"t{number % 7}"], [f"t{number % 5}"]))
                while True:
                    try:
                        receipts = store.append(batch)
                        break
                    except StoreUnavailable as error:
                        assert error.hint
                        time.sleep(0.02)
                assert ReceiptStatus.REFUSED not in {one.status for one in receipts}
                acknowledged.extend(batch)

        writer = threading.Thread(target=write)
        writer.start()
        time.sleep(0.15 + cycle * 0.05)
        own_server.kill()
        time.sleep(0.1)
        own_server.start()
        time.sleep(0.2)
        stop.set()
        writer.join()
    stored = [event.body for event in store.events()]
    assert len(acknowledged) > 20
    assert sorted(stored) == sorted(set(acknowledged))
    with MemoryStore.open() as oracle:
        oracle.append(stored)
        assert store.graph_hash() == oracle.graph_hash()
    store.close()


def test_a_restarted_server_is_not_noticed_by_the_next_question(own_server: PostgresServer) -> None:
    """Nothing was under way: the store connects again by itself. While the server is away it says so."""
    with PostgresStore.open(own_server.url(), tenant="restarted") as store:
        store.append(EVENTS)
        own_server.stop()
        for ask in (store.statistics, lambda: store.append(EVENTS), store.graph_hash):
            with pytest.raises(StoreUnavailable):
                ask()
        own_server.start()
        assert holding(store) == {("a", "b"), ("b", "c")}
        own_server.stop()
        own_server.start()
        assert {one.status for one in store.append(EVENTS)} == {ReceiptStatus.DUPLICATE}


def test_a_cut_connection_in_mid_transaction(own_server: PostgresServer) -> None:
    """The batch fails as a whole and can be sent again."""
    with PostgresStore.open(own_server.url(), tenant="cut") as store:
        store.append(EVENTS[:2])
        flush = store._tables.flush

        def cut_and_flush() -> None:
            with connect(own_server.url()) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'headwater' AND pid <> pg_backend_pid()"
                )
            flush()

        store._tables.flush = cut_and_flush  # type: ignore[method-assign]
        with pytest.raises(StoreUnavailable):
            store.append(EVENTS)
        store._tables.flush = flush  # type: ignore[method-assign]
        assert [one.status.value for one in store.append(EVENTS)] == ["duplicate"] * 2 + ["stored"] * 2
        assert store.rebuild() == store.graph_hash()


def test_no_connection_left(own_server: PostgresServer) -> None:
    """Said as such when a store is opened; open stores go on."""
    with PostgresStore.open(own_server.url(), tenant="crowded") as store:
        taken = []
        try:
            while True:
                taken.append(psycopg.connect(own_server.url()))
        except psycopg.OperationalError:
            pass
        with pytest.raises(StoreUnavailable, match="too many clients"):
            PostgresStore.open(own_server.url(), tenant="other")
        assert store.append(EVENTS)[0].status is ReceiptStatus.STORED
        for connection in taken:
            connection.close()


def test_another_writer_that_does_not_finish(opened: Opener) -> None:
    """After the timeout, with what to do; the store is fine afterwards."""
    store, other = opened(timeout_s=0.1), opened()
    other._session.begin(is_writer=True)
    with pytest.raises(StoreLocked) as caught:
        store.append(EVENTS)
    assert "wait" in caught.value.hint
    other._session.rollback()
    assert store.append(EVENTS)[0].status is ReceiptStatus.STORED


def test_tenants_do_not_wait_for_one_another(opened: Opener, tenant: str) -> None:
    """One writer at a time holds for a tenant, not for the database."""
    store, other = opened(timeout_s=0.5), opened(tenant + "-b")
    other._session.begin(is_writer=True)
    assert store.append(EVENTS)[0].status is ReceiptStatus.STORED
    other._session.rollback()


def test_a_database_that_may_not_be_written(postgres_server: PostgresServer) -> None:
    """As on a standby, or where an administrator said so: reading works, writing says what is wrong."""
    url = postgres_server.new_database()
    with PostgresStore.open(url) as store:
        store.append(EVENTS[:2])
        with connect(url) as connection:
            connection.execute("REVOKE INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA headwater FROM headwater_app")
        assert holding(store) == {("a", "b")}
        with pytest.raises(StoreReadOnly) as caught:
            store.append(EVENTS)
        assert "migrate" in caught.value.hint
        with connect(url) as connection:
            connection.execute("GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA headwater TO headwater_app")
        assert [one.status.value for one in store.append(EVENTS)] == ["duplicate"] * 2 + ["stored"] * 2


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("53100", StoreFull),
        ("25006", StoreReadOnly),
        ("53300", StoreUnavailable),
        ("57P01", StoreUnavailable),
        ("57P03", StoreUnavailable),
        ("08006", StoreUnavailable),
        ("55P03", StoreLocked),
        ("40P01", StoreLocked),
        ("22003", InvalidInput),
        ("54000", InvalidInput),
        ("XX000", StoreError),
    ],
)
def test_errors_of_the_server_are_explained(opened: Opener, state: str, kind: type[HeadwaterError]) -> None:
    """By their code, as the server raises them; each says what to do."""
    session = opened()._session
    session.begin(is_writer=True)
    with pytest.raises(psycopg.Error) as caught:
        session.execute(f"DO $$ BEGIN RAISE EXCEPTION 'it happened' USING ERRCODE = '{state}'; END $$")
    session.rollback()
    found = explain(caught.value)
    assert type(found) is kind
    assert "it happened" in found.message
    assert found.hint or kind in (StoreError, InvalidInput)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ('port 5432 failed: FATAL:  password authentication failed for user "lineage"', "PGPASSWORD"),
        ("port 5432 failed: fe_sendauth: no password supplied", "PGPASSWORD"),
        ('port 5432 failed: FATAL:  no pg_hba.conf entry for host "h"', "user and password"),
        ('port 5432 failed: FATAL:  database "nope" does not exist', "createdb"),
        ('port 5432 failed: FATAL:  role "nobody" does not exist', "createuser"),
        ("port 5433 failed: Connection refused", "is PostgreSQL running at that host and port"),
        ("failed to resolve host 'db.internal': [Errno -3] Temporary failure in name resolution", "at that host"),
        ("timeout expired", "at that host and port"),
        ('connection is bad: invalid integer value "abc" for connection option "port"', "postgresql://user@host"),
        ("port 5432 failed: server does not support SSL, but SSL was required", "see to the address"),
        ("port 5432 failed: FATAL:  sorry, too many clients already", "has free connections"),
    ],
)
def test_a_connection_that_does_not_come_about_names_its_remedy(words: str, hint: str) -> None:
    """The server gives no code then: its words and libpq's, as they were seen, lead to what can be done."""
    found = explain(psycopg.OperationalError(words))
    assert type(found) is StoreUnavailable
    assert hint in found.hint


def test_a_full_disk_keeps_readers_going_and_writes_nothing(opened: Opener) -> None:
    """The server says so in the middle of a batch, by a trigger that raises its code: nothing of the batch is kept."""
    store = opened()
    store.append(EVENTS[:2])
    before = store.graph_hash()
    with connect(store._session.url) as connection:
        connection.execute("SET search_path TO headwater")
        connection.execute(
            "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$"
        )
        name = store.tenant
        connection.execute(
            f"CREATE TRIGGER full_disk BEFORE INSERT ON versions FOR EACH ROW"
            f" WHEN (NEW.tenant_id = '{name}') EXECUTE FUNCTION no_room()"
        )
        with pytest.raises(StoreFull) as caught:
            store.append(EVENTS)
        connection.execute("DROP TRIGGER full_disk ON versions")
        connection.execute("DROP FUNCTION no_room")
    assert "space" in caught.value.hint
    assert store.graph_hash() == before
    assert [one.status.value for one in store.append(EVENTS)] == ["duplicate"] * 2 + ["stored"] * 2


@pytest.mark.parametrize("url", ["postgresql://127.0.0.1:1/x", "postgresql://nowhere.invalid/x"])
def test_a_server_that_is_not_there(url: str) -> None:
    """Said as such, soon."""
    with pytest.raises(StoreUnavailable) as caught:
        PostgresStore.open(url)
    assert "is PostgreSQL running at that host and port" in caught.value.hint


def test_an_address_that_cannot_be_read() -> None:
    """A setting that is wrong, not a server that is away."""
    with pytest.raises(ConfigError, match="address"):
        PostgresStore.open("postgresql://host/db?no_such_option=1")


def test_two_stores_of_a_tenant_see_each_others_writes(opened: Opener) -> None:
    """As in two processes: they write in turn, and caches of one never hide what the other wrote."""
    one, other = opened(), opened()
    with MemoryStore.open() as oracle:
        for place, event in enumerate(History(11).events(12)):
            assert (one if place % 2 else other).append([event])[0].seq == oracle.append([event])[0].seq
        assert one.graph_hash() == other.graph_hash() == oracle.graph_hash()
    assert one.rebuild() == other.graph_hash()
    assert other.append(EVENTS)[0].status is ReceiptStatus.STORED
    assert one.graph_hash() == other.graph_hash()
    assert len(other.index("dataset").snapshot.kinds) == len(one.index("dataset").snapshot.kinds)


def test_a_reader_writes_nothing(opened: Opener) -> None:
    """Opened for reading it follows, and says that it does not write."""
    writer = opened()
    reader = opened(read_only=True, share_index_with=writer)
    writer.append(EVENTS)
    assert holding(reader) == {("a", "b"), ("b", "c")}
    root = reader.scan_nodes()[0]
    assert root.id in reader.index("dataset").walk(root.id, direction="downstream").ids
    with pytest.raises(StoreReadOnly):
        reader.append(EVENTS)


def test_a_new_primary() -> None:
    """A synchronous standby takes over: what was acknowledged is there, and the same store goes on writing to it."""
    try:
        primary = PostgresServer(fsync="on", wal_level="replica")
    except NoServer as error:
        pytest.skip(str(error))
    with primary, PostgresServer(follows=primary, fsync="on", synchronous_standby_names="") as standby:
        with connect(primary.url()) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")
        hosts = f"host={primary.folder},{standby.folder}"
        url = f"postgresql://headwater@/postgres?{hosts}&target_session_attrs=read-write"
        with PostgresStore.open(url) as store:
            assert {one.status for one in store.append(EVENTS[:2])} == {ReceiptStatus.STORED}
            primary.kill()
            with pytest.raises(StoreUnavailable):
                store.append(EVENTS)
            with PostgresStore.open(standby.url(), read_only=True) as reader:
                assert holding(reader) == {("a", "b")}
                assert facts(standby.url()).is_standby
            with pytest.raises(StoreReadOnly), PostgresStore.open(standby.url()) as other:
                other.append(EVENTS)
            standby.promote()
            assert [one.status.value for one in store.append(EVENTS)] == ["duplicate"] * 2 + ["stored"] * 2
            assert store.rebuild() == store.graph_hash()


def test_a_database_that_cannot_hold_every_name_is_refused(postgres_server: PostgresServer) -> None:
    """Of another encoding than UTF8: said when it is opened, with the remedy, and nothing is made in it."""
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE narrow ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    url = postgres_server.url("narrow")
    with pytest.raises(StoreError, match="encoding SQL_ASCII, not UTF8") as caught:
        PostgresStore.open(url)
    assert "ENCODING 'UTF8'" in caught.value.hint
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT FROM pg_namespace WHERE nspname = 'headwater'").fetchall() == []
