"""Several handles on one store hold one graph, and a reader's caches outlive the commits of a writer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.errors import InvalidInput, StoreError
from headwater.model.graph import NodeKind
from headwater.storage.base import Store
from headwater.storage.memory import MemoryStore
from headwater.storage.row_types import Level
from headwater.storage.sqlite import SQLiteStore
from headwater.testing.events import column_lineage, dataset, raw, run_event, run_id, whole_run

LEVELS: tuple[Level, ...] = ("dataset", "run")
COLUMNS = column_lineage({"n": [("d0", "id")]})


def chain(number: int) -> list[bytes]:
    """The events of a run that makes one more dataset from the one before, the first with columns."""
    out = dataset(f"d{number + 1}", facets={"columnLineage": COLUMNS} if number == 0 else {})
    return raw(whole_run(number + 1, f"j{number}", 20 * number, [f"d{number}"], [out]))


def reached(store: Store) -> int:
    """How many nodes lie downstream of the first dataset."""
    root = store.find(NodeKind.DATASET, "db", "d0")
    assert root is not None
    return len(store.index("dataset").walk(root.id, direction="downstream"))


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[SQLiteStore]:
    """A store with one run in it."""
    with SQLiteStore.open(tmp_path) as store:
        store.append(chain(0))
        yield store


def test_handles_share_one_graph(writer: SQLiteStore) -> None:
    """Whichever asks brings it up to date for all; each reads through its own connection."""
    folder = writer.path.parent
    with SQLiteStore.open(folder, read_only=True, share_index_with=writer) as reader:
        assert reached(writer) == 2
        assert reader.index("dataset").snapshot is writer.index("dataset").snapshot
        writer.append(chain(1))
        assert reached(reader) == 3
        assert reader.index("run").snapshot is writer.index("run").snapshot
    with SQLiteStore.open(folder, read_only=True) as alone:
        assert alone.index("dataset").snapshot is not writer.index("dataset").snapshot
        assert reached(alone) == 3


def test_any_handle_may_close_first(writer: SQLiteStore) -> None:
    """The graph lives as long as one of them is open, mappings included; after the last one it is closed."""
    reader = SQLiteStore.open(writer.path.parent, read_only=True, share_index_with=writer)
    assert reached(writer) == 2
    writer.close()
    writer.close()
    assert reached(reader) == 2
    root = reader.find(NodeKind.DATASET, "db", "d0")
    assert root is not None
    walk = reader.index("dataset").walk_columns({root.id: [0]}, direction="downstream")
    assert len(walk) == 2
    index = reader.index("dataset")
    reader.close()
    with pytest.raises(StoreError):
        index.refresh()


def test_a_rebuild_is_seen_through_every_handle(writer: SQLiteStore) -> None:
    """Ids may mean something else after it: graph and content are read anew."""
    with SQLiteStore.open(writer.path.parent, read_only=True, share_index_with=writer) as reader:
        edges = reader.edges()
        before = reader.mappings([edge.mapping for edge in edges])
        assert reached(reader) == 2
        writer.append(chain(1))
        writer.rebuild()
        assert reached(reader) == reached(writer) == 3
        assert reader.mappings([edge.mapping for edge in reader.edges()]) == {0: (), **before}
        assert reader.graph_hash() == writer.graph_hash()


def test_only_handles_on_one_file_share(writer: SQLiteStore, tmp_path: Path) -> None:
    """The index of another tenant or folder is refused, naming the argument."""
    for folder, tenant in ((tmp_path, "other"), (tmp_path / "else", "default")):
        with pytest.raises(InvalidInput) as caught:
            SQLiteStore.open(folder, tenant=tenant, share_index_with=writer)
        assert caught.value.field == "share_index_with"
    assert not (tmp_path / "else").exists()


def test_readers_in_threads_follow_a_writer(writer: SQLiteStore) -> None:
    """Each sees at least what was there when it asked, at most what is there after."""
    folder, done, wrong = writer.path.parent, threading.Event(), list[tuple[int, int, int]]()
    written = [1]

    def read() -> None:
        with SQLiteStore.open(folder, read_only=True, share_index_with=writer) as reader:
            while not done.is_set():
                least = written[0] + 1
                found = reached(reader)
                # The writer counts a commit after it made it.
                if not least <= found <= written[0] + 2:
                    wrong.append((least, found, written[0] + 2))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(1, 40):
        writer.append(chain(number))
        written[0] += 1
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert reached(writer) == 41


def test_live_events_are_added_to_the_graph(writer: SQLiteStore) -> None:
    """Runs that overlap and are heard of in order, event by event, never have either level built again: what a reader
    finds between any two of them is what a store in memory finds that was given the same."""
    events = [
        run_event(run_id(number), f"j{number}", kind, 100 + 10 * number + delay, [f"d{number - 1}"], [f"d{number}"])
        for number in range(2, 8)
        for kind, delay in (("START", 0), ("COMPLETE", 25))
    ]
    live = raw(sorted(events, key=lambda event: str(event["eventTime"])))
    with (
        SQLiteStore.open(writer.path.parent, read_only=True, share_index_with=writer) as reader,
        MemoryStore("default") as whole,
    ):
        whole.append(chain(0))
        epochs = [reader.index(level).snapshot.epoch for level in LEVELS]
        for event in live:
            writer.append([event])
            whole.append([event])
            assert reached(reader) == reached(whole)
            assert reader.index("run").edge_count == whole.index("run").edge_count
        assert [reader.index(level).snapshot.epoch for level in LEVELS] == epochs
        assert reader.graph_hash() == whole.graph_hash()
        assert reached(reader) == 8
