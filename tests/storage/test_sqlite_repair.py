"""Copies of the file, and its repair: whole or not at all, and everything that can be read is kept."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headwater.errors import StoreCorrupt, StoreError, StoreLocked
from headwater.storage.memory import MemoryStore
from headwater.storage.sqlite import SQLiteStore, stored_tenants
from headwater.storage.sqlite.connection import PAGE_SIZE_BYTES
from headwater.storage.sqlite.repair import repair, restore
from headwater.testing.events import History, raw, whole_run

EVENTS = raw(whole_run(1, "j", 0, ["a"], ["b"]) + whole_run(2, "k", 20, ["b"], ["c"]))


def test_a_backup_is_restored_to_the_same_graph(tmp_path: Path) -> None:
    """Made while the store is open; restored nowhere over another store; a broken one is refused."""
    with SQLiteStore.open(tmp_path / "s") as store:
        store.append(History(2).events(10))
        store.backup(tmp_path / "copy.db")
        store.append(raw(whole_run(77, "later", 500, ["a"], ["b"])))
        expected = store.statistics().events - 2
    restore(tmp_path / "copy.db", tmp_path / "r", tenant="t")
    with SQLiteStore.open(tmp_path / "r", tenant="t") as again, MemoryStore.open() as oracle:
        oracle.append(History(2).events(10))
        assert again.graph_hash() == oracle.graph_hash()
        assert again.statistics().events == expected
        again.append(EVENTS)
    with pytest.raises(StoreError, match="there is a store"):
        restore(tmp_path / "copy.db", tmp_path / "s")
    (tmp_path / "broken.db").write_bytes(b"x" * 9000)
    with pytest.raises(StoreCorrupt):
        restore(tmp_path / "broken.db", tmp_path / "q")
    assert not (tmp_path / "q" / "default.db").exists()
    with pytest.raises(StoreError, match="no backup"):
        restore(tmp_path / "missing.db", tmp_path / "q")


@pytest.mark.parametrize("seed", range(4))
def test_repair_keeps_every_frame_that_can_be_read(tmp_path: Path, seed: int) -> None:
    """Pages are overwritten: the damaged file is set aside, and the new store is that of its log."""
    with SQLiteStore.open(tmp_path) as store:
        for number in range(60):
            noise = f"{random.Random(seed * 100 + number).getrandbits(200_000):x}"
            events = whole_run(number + 1, f"j{number}", number, [f"a{number}"], [f"b{number}"])
            for event in events:
                event["run"]["facets"] = {"noise": {"_producer": "p", "_schemaURL": "s", "text": noise}}
            store.append(raw(events))
        path = store.path
    data = bytearray(path.read_bytes())
    pages = len(data) // PAGE_SIZE_BYTES
    for page in random.Random(seed).sample(range(pages // 2, pages), 6):
        data[page * PAGE_SIZE_BYTES : (page + 1) * PAGE_SIZE_BYTES] = b"\xa5" * PAGE_SIZE_BYTES
    path.write_bytes(data)
    done = repair(tmp_path)
    assert done.quarantined.read_bytes() == bytes(data)
    assert done.frames_lost > 0
    assert done.events == 2 * done.frames_read
    assert 20 < done.frames_read < 60
    with SQLiteStore.open(tmp_path) as again:
        again.verify()
        assert again.statistics().events == done.events
        assert again.rebuild() == again.graph_hash()


def test_repair_of_a_file_that_is_no_database_starts_anew(tmp_path: Path) -> None:
    """Nothing can be read; the file is kept aside and the new store is empty. How much was lost is not claimed."""
    (tmp_path / "default.db").write_bytes(b"nonsense" * 5000)
    done = repair(tmp_path)
    assert done.events == 0
    assert not done.is_end_known
    assert done.quarantined.exists()
    assert stored_tenants(tmp_path) == ["default"]
    with SQLiteStore.open(tmp_path) as store:
        assert {receipt.status.value for receipt in store.append(EVENTS)} == {"stored"}
    with pytest.raises(StoreError, match="no store"):
        repair(tmp_path / "nowhere")


def _cut_in_half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _without_its_head(data: bytes) -> bytes:
    return bytes(PAGE_SIZE_BYTES) + data[PAGE_SIZE_BYTES:]


def _without_its_inner_pages(data: bytes) -> bytes:
    pages = [data[at : at + PAGE_SIZE_BYTES] for at in range(0, len(data), PAGE_SIZE_BYTES)]
    return b"".join(bytes(PAGE_SIZE_BYTES) if page[0] in (2, 5) else page for page in pages)


@pytest.mark.parametrize("damage", [_cut_in_half, _without_its_head, _without_its_inner_pages])
def test_repair_reads_pages_that_the_database_no_longer_finds(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """Of a file that is cut short or has no head, SQLite reads nothing: the events are on the pages all the same, small
    ones and those that fill several pages, with their times of receipt. Whole pages that hold none are no loss."""
    with SQLiteStore.open(tmp_path / "s") as store:
        for number in range(80):
            events = whole_run(number + 1, f"j{number}", number, [f"a{number}"], [f"b{number}"])
            noise = f"{random.Random(number).getrandbits(150_000 if number % 3 else 90):x}"
            events[0]["run"]["facets"] = {"noise": {"_producer": "p", "_schemaURL": "s", "text": noise}}
            store.append(raw(events), received_at=1000 + number)
        path = store.path
        before = {event.body: event.received_at for event in store.events()}
        expected = store.graph_hash()
    path.write_bytes(damage(path.read_bytes()))
    done = repair(tmp_path / "s")
    with SQLiteStore.open(tmp_path / "s") as again:
        after = {event.body: event.received_at for event in again.events()}
        assert after.items() <= before.items()
        assert len(after) == done.events >= 40
        assert done.is_end_known == (damage is _without_its_inner_pages)
        if damage is not _cut_in_half:
            assert len(after) == 160
            assert again.graph_hash() == expected


def test_repair_reads_what_is_only_in_the_write_ahead_log(tmp_path: Path) -> None:
    """A process was killed, and the head of its file is damaged: its commits are in the log, each page's last state
    counts, and what was deleted stays deleted."""
    (tmp_path / "s").mkdir()
    with SQLiteStore.open(tmp_path / "w") as store:
        for number in range(6):
            store.append(raw(whole_run(number + 1, f"j{number}", number, ["a"], ["b"])), received_at=100 + number)
        store.retain(before=103)
        for file in (tmp_path / "w").glob("default.db*"):
            shutil.copy(file, tmp_path / "s")
        kept = {event.body for event in store.events()}
    path = tmp_path / "s" / "default.db"
    assert path.with_name("default.db-wal").stat().st_size > PAGE_SIZE_BYTES
    path.write_bytes(b"x" * path.stat().st_size)
    done = repair(tmp_path / "s")
    assert done.events == 6
    with SQLiteStore.open(tmp_path / "s") as again:
        assert {event.body for event in again.events()} == kept


def test_a_repair_that_is_stopped_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C, or a full disk, in the middle: the store is as it was, nothing lies beside it, and the next repair keeps
    everything. The same holds for a backup and for a restore over a store."""
    with SQLiteStore.open(tmp_path) as store:
        for number in range(6):
            store.append(raw(whole_run(number + 1, f"j{number}", number, ["a"], ["b"])))
        path, expected = store.path, store.graph_hash()
        store.backup(tmp_path / "copy")
    before = sorted(file.name for file in tmp_path.rglob("*"))
    append = SQLiteStore.append
    calls = 0

    def stopped(self: SQLiteStore, *args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return append(self, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(SQLiteStore, "append", stopped)
        with pytest.raises(KeyboardInterrupt):
            repair(tmp_path)
    assert sorted(file.name for file in tmp_path.rglob("*")) == before
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules[repair.__module__], "migrate", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            restore(tmp_path / "copy", tmp_path, is_replacing=True)
    assert sorted(file.name for file in tmp_path.rglob("*")) == before
    with monkeypatch.context() as patch, SQLiteStore.open(tmp_path) as store:
        patch.setattr("headwater.storage.new_files.os.fsync", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            store.backup(tmp_path / "second")
        assert not list(tmp_path.glob("second*"))
    assert repair(tmp_path).events == 12
    with SQLiteStore.open(tmp_path) as store:
        assert store.graph_hash() == expected
    assert path.exists()


def _interrupt(*args: Any, **options: Any) -> None:
    raise KeyboardInterrupt


def test_a_store_that_another_process_has_open_is_not_put_aside(tmp_path: Path) -> None:
    """It would go on writing to the old file, where nobody looks: repair and restore refuse, and name the remedy."""
    with SQLiteStore.open(tmp_path) as store:
        store.append(EVENTS)
        store.backup(tmp_path / "copy")
    code = (
        "import sys; from pathlib import Path; from headwater.storage.sqlite import SQLiteStore\n"
        f"store = SQLiteStore.open(Path({str(tmp_path)!r})); print('open', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdin is not None
    assert other.stdout is not None
    try:
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(StoreLocked, match="another process has it open") as caught:
            repair(tmp_path)
        assert "end it first" in caught.value.hint
        with pytest.raises(StoreLocked):
            restore(tmp_path / "copy", tmp_path, is_replacing=True)
    finally:
        other.communicate()
    assert repair(tmp_path).events == len(EVENTS)


def test_a_damaged_store_is_not_backed_up_as_if_it_were_sound(tmp_path: Path) -> None:
    """A copy of damage is found out now, not on the day it is needed; nothing is left under its name."""
    with SQLiteStore.open(tmp_path / "s") as store:
        store.append(History(4).events(60))
        path = store.path
    data = bytearray(path.read_bytes())
    data[PAGE_SIZE_BYTES * 20 : PAGE_SIZE_BYTES * 21] = b"\xa5" * PAGE_SIZE_BYTES
    path.write_bytes(data)
    with SQLiteStore.open(tmp_path / "s") as store, pytest.raises(StoreCorrupt):
        store.backup(tmp_path / "copy")
    assert not list(tmp_path.glob("copy*"))
