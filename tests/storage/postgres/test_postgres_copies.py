"""Copies of a tenant, and the months of the log."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from postgres_opening import Opener

from headwater.cli.commands import cli
from headwater.errors import NoLineage, StoreCorrupt, StoreError
from headwater.storage.memory import MemoryStore
from headwater.storage.postgres import PostgresStore
from headwater.storage.postgres.connection import ROLE, SCHEMA, connect
from headwater.storage.postgres.migrate import migrate
from headwater.storage.postgres.server_facts import facts
from headwater.testing.events import History, raw, whole_run
from headwater.testing.postgres import PostgresServer
from headwater.testing.suite.fixture import holding

OLD, NEW = raw(whole_run(1, "j", 0, ["a"], ["b"])), raw(whole_run(2, "k", 20, ["c"], ["d"]))


def _us(*date: int) -> int:
    return int(datetime(*date, tzinfo=UTC).timestamp() * 1_000_000)


# -- the size ------------------------------------------------------------------------------------------------------
def test_the_size_is_that_of_the_frames_whatever_became_of_them(opened: Opener, tenant: str, tmp_path: Path) -> None:
    """Counted on with each commit, less what is forgotten (whole frames and parts), and taken over by a copy."""
    store = opened()
    assert store.size_bytes() == 0
    prepared = [store.prepare(OLD, received_at=100), store.prepare(NEW, received_at=200)]
    store.append_group(prepared)  # one frame, of which the older half goes
    store.append(History(2).events(10), received_at=120)
    store.append(History(3).events(10), received_at=300)
    before = store.size_bytes()
    assert before == _frame_bytes(store) > 0
    assert store.retain(before=150) > len(OLD)
    assert 0 < store.size_bytes() == _frame_bytes(store) < before
    store.backup(tmp_path / "copy")
    again = opened(tenant + "-again")
    again.restore(tmp_path / "copy")
    assert again.size_bytes() == _frame_bytes(again) > 0
    with pytest.raises(StoreError), store.write([store.prepare(History(4).events(3))]) as written:
        written.rollback()
        written.commit()
    assert store.size_bytes() == _frame_bytes(store)


def test_the_size_of_a_log_that_was_not_counted_is_added_up(opened: Opener, tenant: str) -> None:
    """An earlier version left no count: the answer is right at once, and counted from the next commit on."""
    store = opened()
    store.append(OLD)
    with store._writing():
        del store._tables.counters()["log_bytes"]
    older = opened(tenant)
    assert "log_bytes" not in _counters(older)
    assert older.size_bytes() == _frame_bytes(older) > 0
    older.append(NEW)
    assert _counters(older)["log_bytes"] == older.size_bytes() == _frame_bytes(older)


def _counters(store: PostgresStore) -> dict[str, int]:
    with store._reading():
        return dict(store._tables.counters())


def _frame_bytes(store: PostgresStore) -> int:
    with store._reading():
        rows = store._session.rows("SELECT keys, received, body FROM frames WHERE tenant_id = :tenant")
    return sum(len(part) for row in rows for part in row)


# -- copies --------------------------------------------------------------------------------------------------------
def test_a_backup_is_restored_to_the_same_graph(opened: Opener, tenant: str, tmp_path: Path) -> None:
    """Made while the store is open, with numbers, times, gaps and quarantine; restored over nothing that exists."""
    store = opened()
    store.append(OLD, received_at=100)
    store.append([*History(2).events(10), b"{"], received_at=200)
    store.retain(before=150)
    store.backup(tmp_path / "copy")
    kept = [(one.seq, one.key, one.received_at, one.body) for one in store.events()]
    expected = store.graph_hash()
    store.append(raw(whole_run(77, "later", 500, ["a"], ["b"])))
    again = opened(tenant + "-again")
    again.restore(tmp_path / "copy")
    assert again.graph_hash() == expected
    assert [(one.seq, one.key, one.received_at, one.body) for one in again.events()] == kept
    assert [one.rule for one in again.quarantined()] == [one.rule for one in store.quarantined()]
    assert {one.status.value for one in again.append([kept[0][3]])} == {"duplicate"}
    assert again.append(OLD)[0].seq == kept[-1][0] + 1
    with pytest.raises(StoreError, match="there is a store"):
        again.restore(tmp_path / "copy")
    with pytest.raises(StoreError, match="exists"):
        store.backup(tmp_path / "copy")


def test_a_damaged_backup_is_refused_and_nothing_is_written(opened: Opener, tenant: str, tmp_path: Path) -> None:
    """Cut off, changed, or something else: it is read to its end before the first row is written."""
    store = opened()
    store.append(History(2).events(10))
    store.backup(tmp_path / "copy")
    whole = (tmp_path / "copy").read_bytes()
    other = opened(tenant + "-other")
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 1
    for number, data in enumerate((whole[:-1], whole[: len(whole) // 2], bytes(changed), whole + b"x", b"", b"zip")):
        (tmp_path / f"broken{number}").write_bytes(data)
        with pytest.raises(StoreCorrupt):
            other.restore(tmp_path / f"broken{number}")
    with pytest.raises(StoreError, match="no backup"):
        other.restore(tmp_path / "missing")
    assert other.statistics().events == 0


def test_the_command_line_backs_up_and_restores(postgres_url: str, opened: Opener, tenant: str, tmp_path: Path) -> None:
    """``store backup``, ``store restore``, ``store info``, ``migrate`` and ``doctor`` take the address."""
    opened().append(OLD)
    copy = str(tmp_path / "copy")

    def call(*words: str, tenant: str = tenant) -> str:
        done = CliRunner().invoke(cli, ["--store", postgres_url, "--tenant", tenant, *words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    assert "bytes" in call("store", "backup", copy)
    assert "restored 2 events" in call("store", "restore", copy, tenant=tenant + "-r")
    assert "sound: 2 events" in call("store", "check", tenant=tenant + "-r")
    assert "step" in call("migrate")
    found = call("doctor")
    assert "row-level security" in found
    with PostgresStore.open(postgres_url, tenant=tenant + "-r") as again:
        assert holding(again) == {("a", "b")}


def test_a_backup_that_cannot_be_written_is_an_error_of_the_store(opened: Opener, tmp_path: Path) -> None:
    """A folder that is a file, and a name that is too long: told as such, and nothing is left behind."""
    store = opened()
    store.append(OLD)
    (tmp_path / "file").write_text("")
    for target in (tmp_path / "file" / "copy", tmp_path / ("x" * 254)):
        with pytest.raises(StoreError, match=target.name[:40]):
            store.backup(target)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_question_about_a_tenant_that_is_none_makes_none(postgres_server: PostgresServer) -> None:
    """In a database without a store it makes no schema either; an earlier schema is brought up to date all the same."""
    url = postgres_server.new_database()

    def call(*words: str) -> str:
        return CliRunner().invoke(cli, ["--store", url, *words], catch_exceptions=False).output

    with pytest.raises(NoLineage, match="no store in this database"):
        call("runs")
    assert facts(url).step == 0
    migrate(url, schema=SCHEMA, role=ROLE, upto=3)
    with pytest.raises(NoLineage, match="no store of tenant 'typo'"):
        call("--tenant", "typo", "runs")
    assert facts(url).step == facts(url).steps
    with connect(url) as connection:
        assert connection.execute("SELECT tenant_id FROM headwater.tenants").fetchall() == []
        call("ingest", os.devnull)
        assert connection.execute("SELECT tenant_id FROM headwater.tenants").fetchall() == [("default",)]
    assert call("runs", "--json") == "[]\n"


# -- months --------------------------------------------------------------------------------------------------------
def test_the_present_month_and_the_next_have_partitions(postgres_server: PostgresServer) -> None:
    """What is received now lies in its month, what was received long ago beside the months."""
    url = postgres_server.new_database()
    now = datetime.now(UTC)
    with PostgresStore.open(url) as store:
        store.append(NEW)
        store.append(OLD, received_at=_us(2020, 1, 15))
    following = (now.year + now.month // 12, now.month % 12 + 1)
    names = [f"frames_{now.year}_{now.month:02}", f"frames_{following[0]}_{following[1]:02}", "frames_other"]
    assert facts(url).months == names
    with connect(url) as connection:
        count = {name: connection.execute(f"SELECT count(*) FROM headwater.{name}").fetchone() for name in names}
    assert list(count.values()) == [(1,), (0,), (1,)]


def test_retention_drops_months_that_nobody_needs(postgres_server: PostgresServer) -> None:
    """A month goes when the last tenant has forgotten it, and takes nothing of anybody with it."""
    url = postgres_server.new_database()
    with PostgresStore.open(url, tenant="x") as one, PostgresStore.open(url, tenant="y") as other:
        one.append(NEW)
        with connect(url) as connection:  # two months of the past, as if made when they began
            for name, start, end in (
                ("frames_2025_01", _us(2025, 1, 1), _us(2025, 2, 1)),
                ("frames_2025_02", _us(2025, 2, 1), _us(2025, 3, 1)),
            ):
                connection.execute(
                    f"CREATE TABLE headwater.{name} PARTITION OF headwater.frames FOR VALUES FROM ({start}) TO ({end})"
                )
        one.append(OLD, received_at=_us(2025, 1, 10))
        other.append(OLD, received_at=_us(2025, 1, 20))
        assert one.retain(before=_us(2025, 2, 1)) == 2
        assert holding(one) == {("c", "d")}
        assert holding(other) == {("a", "b")}
        assert "frames_2025_01" in facts(url).months
        assert other.retain(before=_us(2025, 2, 1)) == 2
        assert "frames_2025_01" not in facts(url).months
        assert "frames_2025_02" in facts(url).months
        assert facts(url).unprotected == ["frames_2025_02"]  # made by hand just now, without its policy
        assert [one_.body for one_ in one.events()] == NEW
        assert other.statistics().events == 0
        with MemoryStore.open() as oracle:
            oracle.append(NEW)
            assert one.graph_hash() == oracle.graph_hash()


def test_a_frame_that_was_received_on_both_sides_of_the_cut(opened: Opener) -> None:
    """Of deliveries that shared a commit the later ones stay, under their own numbers."""
    store = opened()
    deliveries = [store.prepare(OLD, received_at=100), store.prepare(NEW, received_at=200)]
    store.append_group(deliveries)
    assert store.retain(before=150) == 2
    assert [(one.seq, one.body) for one in store.events()] == [(3, NEW[0]), (4, NEW[1])]
    assert {one.status.value for one in store.append(NEW)} == {"duplicate"}
    assert {one.status.value for one in store.append(OLD)} == {"stored"}
