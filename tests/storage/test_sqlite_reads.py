"""Which runs read a dataset when, in a file: what is asked, and what a commit writes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.storage.memory.reads import MemoryReads
from headwater.storage.memory.store import MemoryStore
from headwater.storage.sqlite import SQLiteStore, reads
from headwater.storage.sqlite.connection import PAGE_SIZE_BYTES
from headwater.storage.sqlite.reads import SQLiteReads
from headwater.testing.events import History, raw, whole_run

DATASETS = 300
_FRAME_BYTES = 24


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    """An empty store in a file."""
    with SQLiteStore.open(tmp_path / "s") as opened:
        yield opened


@pytest.mark.parametrize("seed", range(5))
def test_reads_are_found_before_and_after_they_are_moved(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Each once and in order, wherever its row lies: the same as in memory. Also for who opens the file after it."""
    monkeypatch.setattr(reads, "_MOST_NEW", 7)
    random_ = random.Random(seed)
    kept, expected = SQLiteReads(store._connection), MemoryReads()
    for _ in range(200):
        some = (random_.randrange(3), random_.randrange(2), random_.randrange(30), random_.randrange(4))
        kept.add(*some)
        expected.add(*some)
        if random_.random() < 0.1:
            kept.flush()
            kept = SQLiteReads(store._connection)
        dataset, mark, first = some[:3]
        between = kept.between(dataset, mark, first - 5, first + 5)
        assert sorted(between) == sorted(set(expected.between(dataset, mark, first - 5, first + 5)))
        assert kept.earliest(dataset, mark, first - 9, 4) == expected.earliest(dataset, mark, first - 9, 4)


def test_a_commit_does_not_write_a_page_for_each_dataset_that_it_names(store: SQLiteStore) -> None:
    """Those that runs read are far apart among all reads: a hundred wrote 84 pages of 8 KiB."""
    connection = store._connection
    kept = SQLiteReads(connection)
    random_ = random.Random(1)
    connection.execute("BEGIN")
    for at in range(60_000):
        kept.add(random_.randrange(DATASETS), 0, at, at)
    kept.flush()
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    log = store.path.with_name(store.path.name + "-wal")
    commits = 50
    for batch in range(commits):
        connection.execute("BEGIN")
        for number in range(100):
            kept.add(random_.randrange(DATASETS), 0, 60_000 + 100 * batch + number, number)
        kept.flush()
        connection.execute("COMMIT")
    pages = log.stat().st_size / (PAGE_SIZE_BYTES + _FRAME_BYTES) / commits
    assert pages < 25, pages


def test_late_writes_find_their_readers_among_moved_and_new_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that becomes known late is bound to the runs that read it, wherever their reads lie."""
    monkeypatch.setattr(reads, "_MOST_NEW", 5)
    readers = raw([event for n in range(1, 30) for event in whole_run(n, f"use{n}", 10 * n, ["a"], [f"b{n}"])])
    late = [raw(whole_run(90 + at, "make", 10 * at + 5, [], ["a"])) for at in (20, 3, 11)]
    with SQLiteStore.open(tmp_path / "s") as store, MemoryStore.open() as oracle:
        for start in range(0, len(readers), 4):
            store.append(readers[start : start + 4])
        for some in late:
            store.append(some)
        oracle.append([*readers, *[event for some in late for event in some]])
        assert store.graph_hash() == oracle.graph_hash()
        store.rebuild()
        assert store.graph_hash() == oracle.graph_hash()
        store.verify()


def test_a_batch_that_is_rolled_back_leaves_reads_where_they_were(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when it moved them."""
    monkeypatch.setattr(reads, "_MOST_NEW", 5)
    events = History(3).events(12)
    with MemoryStore.open() as oracle:
        oracle.append(events)
        for start in range(0, len(events), 6):
            some = events[start : start + 6]
            with store.write([store.prepare(some)]) as written:
                written.rollback()
            store.append(some)
        assert store.graph_hash() == oracle.graph_hash()
