"""The file: who may open it, what is said when it cannot be used, migrations."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from headwater.errors import (
    ConfigError,
    InvalidInput,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreReadOnly,
    StoreTooNew,
)
from headwater.storage.ingest import Checked
from headwater.storage.memory import MemoryStore
from headwater.storage.migration import Migration
from headwater.storage.open import open_store
from headwater.storage.row_types import Receipt
from headwater.storage.sqlite import SQLiteStore
from headwater.storage.sqlite import migrate as migrate_module
from headwater.storage.sqlite import store as store_module
from headwater.storage.sqlite.connection import CHECKPOINT_BYTES, PAGE_SIZE_BYTES, connect, queries
from headwater.storage.sqlite.migrate import migrations, statements
from headwater.storage.sqlite.repair import restore
from headwater.storage.sqlite.table import SQLiteContents
from headwater.testing.events import History, raw, whole_run
from headwater.testing.suite.fixture import holding

EVENTS = raw(whole_run(1, "j", 0, ["a"], ["b"]) + whole_run(2, "k", 20, ["b"], ["c"]))


def test_a_new_store_is_opened_by_many_at_once(tmp_path: Path) -> None:
    """Programs that begin together in a new project: each opens the store, none is told that it is locked."""

    def begin(folder: Path) -> int:
        with SQLiteStore.open(folder) as store:
            return store.tally().events

    with ThreadPoolExecutor(8) as threads:
        for attempt in range(15):
            assert list(threads.map(begin, [tmp_path / str(attempt)] * 16)) == [0] * 16


def test_opening_by_address(tmp_path: Path) -> None:
    """A folder, an address with a scheme, memory; an unknown scheme names the known ones."""
    for target in (tmp_path / "one", str(tmp_path / "one"), f"sqlite:///{tmp_path}/one"):
        with open_store(target) as store:
            assert isinstance(store, SQLiteStore)
            assert store.path == tmp_path / "one" / "default.db"
    with open_store("memory://") as store:
        assert isinstance(store, MemoryStore)
    with pytest.raises(ConfigError, match="mongodb"):
        open_store("mongodb://host/db")


def test_no_parameter_has_a_number() -> None:
    """``?1`` beside a sequence of values is warned of by Python 3.12.0 to 3.12.3, at every statement."""
    assert [name for name, statement in queries().items() if re.search(r"\?\d", statement)] == []


def test_tenants_share_a_folder_and_nothing_else(tmp_path: Path) -> None:
    """Each has a file and indexes of its own."""
    with SQLiteStore.open(tmp_path, tenant="x") as one, SQLiteStore.open(tmp_path, tenant="y") as other:
        one.append(EVENTS)
        row = one.scan_nodes()[0]
        one.index("dataset").walk(row.id, direction="downstream")
        assert other.statistics().events == 0
        assert other.scan_nodes() == []
        assert other.index("dataset").edge_count == 0


@pytest.mark.parametrize("tenant", ["", "../x", "a/b", ".hidden", "a\0b", "c:d"])
def test_a_tenant_is_a_plain_name(tmp_path: Path, tenant: str) -> None:
    """Nothing that leads out of the folder."""
    with pytest.raises(InvalidInput) as caught:
        SQLiteStore.open(tmp_path, tenant=tenant)
    assert caught.value.field == "tenant"


def test_no_store_is_made_where_none_was_asked_for(tmp_path: Path) -> None:
    """Reading, or opening without ``create``, says that there is none and leaves no file."""
    for how in ({"read_only": True}, {"create": False}):
        with pytest.raises(StoreError, match="no store"):
            SQLiteStore.open(tmp_path / "none", **how)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("most_known", [0, 5, SQLiteContents.MOST_KNOWN])
def test_two_processes_worth_of_stores_see_each_others_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_known: int
) -> None:
    """Two open stores write in turn; caches of one never hide what the other wrote, whether all digests of content are
    known to it, only some, or none."""
    monkeypatch.setattr(SQLiteContents, "MOST_KNOWN", most_known)
    with SQLiteStore.open(tmp_path) as one, SQLiteStore.open(tmp_path) as other, MemoryStore.open() as oracle:
        for place, event in enumerate(History(11).events(12)):
            receipt = (one if place % 2 else other).append([event])[0]
            assert receipt.seq == oracle.append([event])[0].seq
        assert one.graph_hash() == other.graph_hash() == oracle.graph_hash()
        assert len(other.index("dataset").snapshot.kinds) == len(one.index("dataset").snapshot.kinds)


def test_a_reader_works_beside_a_writer(tmp_path: Path) -> None:
    """Opened for reading only it follows, and writes nothing."""
    with SQLiteStore.open(tmp_path) as writer, SQLiteStore.open(tmp_path, read_only=True) as reader:
        writer.append(EVENTS[:2])
        assert holding(reader) == {("a", "b")}
        writer.append(EVENTS[2:])
        assert holding(reader) == {("a", "b"), ("b", "c")}
        root = reader.scan_nodes()[0]
        assert root.id in reader.index("dataset").walk(root.id, direction="downstream").ids
        with pytest.raises(StoreReadOnly) as caught:
            reader.append(EVENTS)
        assert caught.value.hint


def test_a_store_that_another_process_writes_is_locked(tmp_path: Path) -> None:
    """After the timeout, with what to do; the store is fine afterwards."""
    with SQLiteStore.open(tmp_path, timeout_s=0.05) as store:
        other = sqlite3.connect(store.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreLocked) as caught:
            store.append(EVENTS)
        assert "wait" in caught.value.hint
        other.execute("ROLLBACK")
        other.close()
        assert {receipt.status.value for receipt in store.append(EVENTS)} == {"stored"}


def test_a_full_disk_is_said_and_nothing_is_half_written(tmp_path: Path) -> None:
    """The batch is refused as a whole; with room again it lands, and the graph is that of the events."""
    with SQLiteStore.open(tmp_path) as store, MemoryStore.open() as oracle:
        store.append(EVENTS)
        before = store.graph_hash()
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        big = raw(whole_run(9, "big", 50, [f"t{number}" for number in range(5000)], ["x"]))
        with pytest.raises(StoreFull) as caught:
            store.append(big)
        assert "space" in caught.value.hint
        assert store.graph_hash() == before
        store._connection.execute("PRAGMA max_page_count = 1000000")
        assert {receipt.status.value for receipt in store.append(big)} == {"stored"}
        oracle.append([*EVENTS, *big])
        assert store.graph_hash() == oracle.graph_hash()
        store.verify()


def test_a_disk_too_full_for_a_new_store_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite ends the transaction by itself then; what is told is the full disk, not that there is none to end."""

    def connected(path: Path, *, read_only: bool, timeout_s: float) -> sqlite3.Connection:
        connection = connect(path, read_only=read_only, timeout_s=timeout_s)
        connection.execute("PRAGMA max_page_count = 20")
        return connection

    monkeypatch.setattr(store_module, "connect", connected)
    with pytest.raises(StoreFull) as caught:
        SQLiteStore.open(tmp_path)
    assert "space" in caught.value.hint


@pytest.mark.skipif(os.name == "nt", reason="permissions of folders")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    """Reading works; writing says what is wrong."""
    with SQLiteStore.open(tmp_path / "s") as store:
        store.append(EVENTS)
    for file in (tmp_path / "s").iterdir():
        file.chmod(0o400)
    (tmp_path / "s").chmod(0o500)
    try:
        with SQLiteStore.open(tmp_path / "s", read_only=True) as store:
            assert holding(store) == {("a", "b"), ("b", "c")}
        if os.geteuid():  # root may write anywhere
            with pytest.raises(StoreReadOnly):
                SQLiteStore.open(tmp_path / "s").append(EVENTS)
    finally:
        (tmp_path / "s").chmod(0o700)


def test_a_file_that_is_no_store_is_corrupt(tmp_path: Path) -> None:
    """Said on opening, with the way out."""
    (tmp_path / "default.db").write_bytes(b"this is not a database, whatever its name says" * 500)
    with pytest.raises(StoreCorrupt) as caught:
        SQLiteStore.open(tmp_path)
    assert "repair" in caught.value.hint


def test_a_store_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    """It is not opened, and not changed."""
    with SQLiteStore.open(tmp_path) as store:
        store._connection.execute("PRAGMA user_version = 999")
    with pytest.raises(StoreTooNew, match="999"):
        SQLiteStore.open(tmp_path)


def test_a_migration_that_was_changed_is_noticed(tmp_path: Path) -> None:
    """The checksum of what was applied is kept in the file."""
    with SQLiteStore.open(tmp_path) as store:
        store._connection.execute("UPDATE migrations SET checksum = 'other' WHERE number = 1")
    with pytest.raises(StoreError, match="differs"):
        SQLiteStore.open(tmp_path)


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The missing steps are applied all or none, so a cut in between leaves no file of half a schema."""
    good = migrations()
    broken = (*good[:2], Migration(3, "broken", "CREATE TABLE half (a INT); CREATE TABLE names (again INT);"))
    monkeypatch.setattr(migrate_module, "migrations", lambda: broken)
    with pytest.raises(StoreError, match="names"):
        SQLiteStore.open(tmp_path)
    with closing(sqlite3.connect(tmp_path / "default.db")) as file:
        assert file.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
        assert file.execute("PRAGMA user_version").fetchone() == (0,)
    monkeypatch.undo()
    with SQLiteStore.open(tmp_path) as store:
        store.append(EVENTS)
        assert holding(store) == {("a", "b"), ("b", "c")}


def test_migrations_are_numbered_without_gaps() -> None:
    """From 1 on, each with statements that end."""
    assert [step.number for step in migrations()] == list(range(1, len(migrations()) + 1))
    assert all(statements(step.sql) for step in migrations())


def test_damage_is_reported_when_it_is_met(tmp_path: Path) -> None:
    """``verify`` and questions raise what it is, never a driver's error."""
    with SQLiteStore.open(tmp_path) as store:
        store.append(History(4).events(60))
        path = store.path
    data = bytearray(path.read_bytes())
    for page in range(3, len(data) // PAGE_SIZE_BYTES):
        data[page * PAGE_SIZE_BYTES : (page + 1) * PAGE_SIZE_BYTES] = b"\xa5" * PAGE_SIZE_BYTES
    path.write_bytes(data)
    with pytest.raises(StoreCorrupt), SQLiteStore.open(tmp_path) as store:
        store.verify()


def test_threads_share_commits(tmp_path: Path) -> None:
    """Those who wait are written together: fewer frames than calls."""
    with SQLiteStore.open(tmp_path) as store:
        gate = threading.Barrier(8)

        def work(place: int) -> None:
            gate.wait()
            for one in range(10):
                store.append(raw(whole_run(place * 100 + one + 1, f"j{place}", one)))

        threads = [threading.Thread(target=work, args=(place,)) for place in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (frames,) = store._connection.execute("SELECT count(*) FROM frames").fetchone()
        (commits,) = store._connection.execute("SELECT count(*) FROM mentions").fetchone()
        assert store.statistics().events == 160
        assert frames == commits <= 80
        assert store.rebuild() == store.graph_hash()


class _Picky(SQLiteStore):
    """Fails, as a fault in the projection would, on deliveries received at a certain instant."""

    def _take_in(self, deliveries: Sequence[Checked]) -> list[list[Receipt]]:
        taken = super()._take_in(deliveries)
        if any(delivery.received_at == 13 for delivery in deliveries):
            raise ZeroDivisionError("a fault")
        return taken


def test_a_fault_in_one_of_those_who_append_together_is_not_the_others(tmp_path: Path) -> None:
    """Its caller gets the exception; those who share its commit get theirs, and the store is that of their events."""
    with _Picky.open(tmp_path) as store, MemoryStore.open() as oracle:
        failed: list[int] = []

        def work(place: int) -> None:
            try:
                store.append(raw(whole_run(place + 1, f"j{place}", place, ["a"], [f"b{place}"])), received_at=place)
            except ZeroDivisionError:
                failed.append(place)

        threads = [threading.Thread(target=work, args=(place,)) for place in range(10, 16)]
        held = store.write([])
        for thread in threads:
            thread.start()
        while len(store._waiting) < len(threads):
            time.sleep(0.001)
        held.rollback()
        for thread in threads:
            thread.join()
        assert failed == [13]
        for place in (10, 11, 12, 14, 15):
            oracle.append(raw(whole_run(place + 1, f"j{place}", place, ["a"], [f"b{place}"])))
        assert store.graph_hash() == oracle.graph_hash()
        assert store.rebuild() == store.graph_hash()


class _Interrupted(SQLiteStore):
    """Raises what is in ``faults``, one a transaction, when its events have been taken in."""

    faults: tuple[type[BaseException], ...] = ()

    def _take_in(self, deliveries: Sequence[Checked]) -> list[list[Receipt]]:
        taken = super()._take_in(deliveries)
        if deliveries and self.faults:
            fault, *rest = self.faults
            self.faults = tuple(rest)
            raise fault
        return taken


@pytest.mark.parametrize("faults", [(KeyboardInterrupt,), (ZeroDivisionError, KeyboardInterrupt)])
def test_an_interrupt_of_one_who_writes_for_others_is_not_theirs(
    tmp_path: Path, faults: tuple[type[BaseException], ...]
) -> None:
    """Whoever wrote for all is interrupted; the others have their events stored, with receipts, and hear nothing."""
    with _Interrupted.open(tmp_path) as store, MemoryStore.open() as oracle:
        interrupted: list[int] = []
        receipts: dict[int, list[Receipt]] = {}
        histories = {place: raw(whole_run(place + 1, f"j{place}", place, ["a"], [f"b{place}"])) for place in range(6)}

        def work(place: int) -> None:
            try:
                receipts[place] = store.append(histories[place])
            except KeyboardInterrupt:
                interrupted.append(place)

        threads = [threading.Thread(target=work, args=(place,)) for place in histories]
        held = store.write([])
        for thread in threads:
            thread.start()
        while len(store._waiting) < len(threads):
            time.sleep(0.001)
        store.faults = faults
        held.rollback()
        for thread in threads:
            thread.join()
        (one,) = interrupted
        assert receipts.keys() == histories.keys() - {one}
        for place, given in receipts.items():
            assert [receipt.seq is not None for receipt in given] == [True] * len(histories[place])
            oracle.append(histories[place])
        assert store.graph_hash() == oracle.graph_hash()


def test_a_commit_that_fails_stores_nothing(tmp_path: Path) -> None:
    """The transaction is lost between writing and committing: that is said, and the store goes on as it was."""
    with SQLiteStore.open(tmp_path, timeout_s=0.05) as store:
        store.append(EVENTS[:2])
        before = store.graph_hash()
        written = store.write([store.prepare(EVENTS[2:])])
        store._connection.execute("ROLLBACK")  # what SQLite does of itself on some errors
        with pytest.raises(StoreError):
            written.commit()
        written.rollback()
        assert store.graph_hash() == before
        assert [receipt.seq for receipt in store.append(EVENTS[2:])] == [3, 4]


def test_views_that_an_earlier_version_did_not_keep_are_made_when_it_is_opened(tmp_path: Path) -> None:
    """A file without the directory's rows, as an earlier version left it, has them after it was opened for writing;
    read-only, it says what to do."""
    with SQLiteStore.open(tmp_path) as store:
        store.append(History(5).events(20))
        before, known = store.graph_hash(), store.namespaces()
        assert known
    connection = sqlite3.connect(tmp_path / "default.db")
    connection.executescript(
        "DELETE FROM listings; DELETE FROM pulses; DELETE FROM counters WHERE name = 'projection';"
    )
    connection.close()
    with pytest.raises(StoreError, match="earlier version"):
        SQLiteStore.open(tmp_path, read_only=True)
    with SQLiteStore.open(tmp_path) as store:
        assert store.namespaces() == known
        assert store.graph_hash() == before


def test_what_is_forgotten_is_not_left_in_the_file(tmp_path: Path) -> None:
    """Retention overwrites what it drops: the names of forgotten events are in none of the store's files once it is
    closed."""
    with SQLiteStore.open(tmp_path) as store:
        many = [whole_run(3 + number, "j", 0, [f"of_ada_lovelace_{number}"], ["b"]) for number in range(200)]
        store.append(raw([event for run in many for event in run]), received_at=1)
        store.append(EVENTS, received_at=10)
        assert store.retain(before=5) == 400
    left = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"lovelace" not in left


def _database(path: Path, *statements: str) -> bytes:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    return path.read_bytes()


@pytest.mark.parametrize("tables", [("patients",), ("migrations", "users")], ids=str)
def test_the_database_of_another_program_is_left_alone(tmp_path: Path, tables: tuple[str, ...]) -> None:
    """A folder of data named as the store, with a database in it that has the name of a tenant: it gets no tables, no
    other journal, and is no backup either."""
    foreign = tmp_path / "clinic.db"
    before = _database(foreign, *(f"CREATE TABLE {table} (number INTEGER)" for table in tables))
    for read_only in (True, False):
        with pytest.raises(StoreError, match=r"clinic\.db is a database of another program") as refused:
            SQLiteStore.open(tmp_path, tenant="clinic", read_only=read_only)
        assert "--tenant" in refused.value.hint
    with pytest.raises(StoreError, match="another program"):
        SQLiteStore.outdated(tmp_path, "clinic")
    with pytest.raises(StoreError, match="another program"):
        restore(foreign, tmp_path / "new")
    assert foreign.read_bytes() == before
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["clinic.db"]


def test_a_new_file_has_pages_of_our_size(tmp_path: Path) -> None:
    """Looking whose file it is comes first, and does not settle the size of its pages."""
    with SQLiteStore.open(tmp_path) as store:
        assert store._connection.execute("PRAGMA page_size").fetchone() == (PAGE_SIZE_BYTES,)


def test_a_file_of_larger_pages_has_its_log_moved_as_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As often by bytes: earlier versions made files of pages of 8 KiB, and the log of one is limited in pages."""
    monkeypatch.setattr("headwater.storage.sqlite.connection.PAGE_SIZE_BYTES", 8192)
    with SQLiteStore.open(tmp_path):
        pass
    monkeypatch.undo()
    with SQLiteStore.open(tmp_path) as store:
        pages = {
            name: store._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_size", "wal_autocheckpoint")
        }
    assert pages == {"page_size": 8192, "wal_autocheckpoint": CHECKPOINT_BYTES // 8192}


@pytest.mark.parametrize("name", ["", ".x", "a/b", "a\nb", "\x1b[31m", "\u202ea", "\udcff", "é" * 101, "a" * 201])
def test_a_tenant_has_a_name_that_a_file_can_have(tmp_path: Path, name: str) -> None:
    """Anything else is refused with field and rule, before a file is made."""
    with pytest.raises(InvalidInput) as refused:
        SQLiteStore.open(tmp_path / "s", tenant=name)
    assert refused.value.field == "tenant"
    assert not (tmp_path / "s").exists()


def test_a_folder_with_a_name_that_is_too_long_is_told(tmp_path: Path) -> None:
    """As an error of the store, whether it is asked or written to."""
    for read_only in (True, False):
        with pytest.raises(StoreError, match="name too long"):
            SQLiteStore.open(tmp_path / ("a" * 300), read_only=read_only)


def test_a_file_that_is_no_backup_is_not_to_be_repaired(tmp_path: Path) -> None:
    """The remedy of a damaged store is none for the file that was named as a backup."""
    (tmp_path / "notes.txt").write_text("hello, these are notes and no database" * 40)
    with pytest.raises(StoreCorrupt, match=r"notes\.txt.*it is no backup") as refused:
        restore(tmp_path / "notes.txt", tmp_path / "new")
    assert refused.value.hint == "use another backup"
