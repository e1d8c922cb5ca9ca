"""The index on disk: opened again, damaged in every place, replaced under a reader, followed by a second process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from index_graphs import Edge, MemorySource

from headwater.errors import StoreError
from headwater.storage.index import OPEN_END, EdgeBatch, GraphIndex, columns

NODE_COUNT = 400


def ring(count: int = NODE_COUNT - 1) -> list[Edge]:
    """A chain with an interval, a label and a mapping on each edge."""
    return [Edge(i, i + 1, i, OPEN_END, i % 7, 1 + i % 2) for i in range(count)]


def full_source(edges: list[Edge]) -> MemorySource:
    """A source that uses every array there is."""
    return MemorySource(
        edges,
        node_count=NODE_COUNT,
        timed=True,
        labelled=True,
        mappings={1: columns([(0, 0), (1, 1)]), 2: columns([(0, 1), (1, 0)])},
    )


def saved(folder: Path, source: MemorySource) -> GraphIndex:
    """An index that was written to its folder."""
    index = GraphIndex.open(folder, source)
    index.compact()
    assert index.save_error is None
    return index


def everything(index: GraphIndex) -> dict[str, object]:
    """Answers that need each of the arrays."""
    edges = index.edges_among(range(index.node_count))
    fields = index.walk_columns({0: [0]}, direction="downstream")
    return {
        "down": index.walk(0, direction="downstream", as_of=200).ids.tolist(),
        "up": index.walk(300, direction="upstream").ids.tolist(),
        "kinds": index.walk(0, direction="downstream").counts_by_kind.tolist(),
        "edges": [None if a is None else a.tolist() for a in edges.parts()],
        "fields": {node: fields.fields(node) for node in fields},
    }


def test_opening_again_reads_nothing_from_the_source(tmp_path):
    """A second index on the same folder answers the same and asks the source for newer edges only."""
    source = full_source(ring())
    expected = everything(saved(tmp_path / "index", source))
    source.asked.clear()
    again = GraphIndex.open(tmp_path / "index", source)
    assert everything(again) == expected
    assert set(source.asked) == {len(source.edges)}
    assert again.snapshot.generation == 1
    assert again.verify()


def array_names(folder: Path) -> list[str]:
    """The files of the current generation."""
    return sorted(path.name for path in next(folder.glob("generation-*")).iterdir())


def test_every_array_has_its_file(tmp_path):
    """What the next tests damage is all there is."""
    saved(tmp_path / "index", full_source(ring()))
    sides = ("offsets", "targets", "valid_from", "valid_to", "mapping")
    expected = {"kinds.bin", "in_label.bin"} | {f"{side}_{name}.bin" for side in ("in", "out") for name in sides}
    assert set(array_names(tmp_path / "index")) == expected


@pytest.mark.parametrize("damage", ["flip", "shorten", "empty", "remove"])
@pytest.mark.parametrize("number", range(12))
def test_a_damaged_file_leads_to_a_rebuild(tmp_path, number, damage):
    """Whatever happens to any one file, the index is built from the source again and answers right."""
    source = full_source(ring())
    expected = everything(saved(tmp_path / "index", source))
    path = next((tmp_path / "index").glob("generation-*")) / array_names(tmp_path / "index")[number]
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 0x40
        path.write_bytes(data)
    elif damage == "shorten":
        path.write_bytes(data[:-8])
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
    source.asked.clear()
    again = GraphIndex.open(tmp_path / "index", source)
    assert 0 in source.asked
    assert everything(again) == expected


@pytest.mark.parametrize("body", [b"", b"{}", b"not json\nat all\n", None])
def test_a_damaged_manifest_leads_to_a_rebuild(tmp_path, body):
    """An empty, foreign, torn or altered manifest is as good as none."""
    source = full_source(ring())
    expected = everything(saved(tmp_path / "index", source))
    manifest = tmp_path / "index" / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"seq":3', b'"seq":2') if body is None else body)
    again = GraphIndex.open(tmp_path / "index", source)
    assert everything(again) == expected
    again.compact()
    assert everything(GraphIndex.open(tmp_path / "index", source)) == expected


def test_verify_finds_a_change_that_hides_its_time(tmp_path):
    """A byte changed under an unchanged time stamp passes opening and is found by ``verify``."""
    source = full_source(ring())
    saved(tmp_path / "index", source)
    path = next((tmp_path / "index").glob("generation-*")) / "kinds.bin"
    state = path.stat()
    with path.open("r+b") as file:
        file.write(b"\xff")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    again = GraphIndex.open(tmp_path / "index", source)
    assert not again.verify()


def test_a_copied_folder_is_believed_after_its_checksums(tmp_path):
    """A restored copy has other inodes and times, and still needs no rebuild."""
    source = full_source(ring())
    expected = everything(saved(tmp_path / "index", source))
    shutil.copytree(tmp_path / "index", tmp_path / "copy", copy_function=shutil.copyfile)
    source.asked.clear()
    assert everything(GraphIndex.open(tmp_path / "copy", source)) == expected
    assert 0 not in source.asked


def test_files_that_are_beyond_the_source_are_not_taken(tmp_path):
    """What another process saved after a reading began is of a later state: the graph is read from the source."""
    edges = ring()
    saved(tmp_path / "index", full_source(edges))
    early = full_source(edges[:200])
    index = GraphIndex.open(tmp_path / "index", early)
    assert (index.builds, index.snapshot.generation) == (1, 0)
    assert everything(index) == everything(GraphIndex.open(None, full_source(edges[:200])))


def test_another_epoch_starts_from_nothing(tmp_path):
    """When ids were merged, neither the files nor the state in memory are used any more."""
    source = full_source(ring())
    index = saved(tmp_path / "index", source)
    source.epoch = 2
    source.edges = [Edge(5, 0, 0, OPEN_END, 0, 1)]
    index.refresh()
    other = GraphIndex.open(tmp_path / "index", source)
    for fresh in (index, other):
        assert fresh.edge_count == 1
        assert fresh.walk(0, direction="upstream").ids.tolist() == [0, 5]


def test_an_epoch_that_changes_while_it_is_read_is_read_again():
    """Edges read on both sides of a change of epoch are never mixed."""

    class Changing(MemorySource):
        def edges_since(self, seq: int, limit: int):
            batch = super().edges_since(seq, limit)
            if self.epoch == 1 and len(batch):
                self.epoch = 2
                self.edges = [Edge(3, 4)]
            return batch

    index = GraphIndex.open(None, Changing([Edge(0, 1), Edge(1, 2)]))
    assert index.edge_count == 1
    assert index.walk(3, direction="downstream").ids.tolist() == [3, 4]


def test_a_reader_keeps_its_generation_while_another_is_published(tmp_path):
    """A walk on the old files goes on while a writer replaces and removes them; a refresh then brings the new edges."""
    edges = ring()
    source = full_source(edges[:200])
    saved(tmp_path / "index", source)
    reader = GraphIndex.open(tmp_path / "index", source)
    before = everything(reader)
    writer = GraphIndex.open(tmp_path / "index", source)
    old = next((tmp_path / "index").glob("generation-*"))
    source.edges = edges
    writer.refresh()
    writer.compact()
    assert not old.exists()
    assert everything(reader) == before
    reader.refresh()
    assert everything(reader) == everything(writer)
    reader.compact()
    assert reader.snapshot.generation == writer.snapshot.generation == 2
    assert everything(reader) == everything(writer)


def test_threads_walk_while_edges_arrive_and_generations_change(tmp_path):
    """Every answer of a walking thread is one that some prefix of the log gives; none fails."""
    edges = [Edge(i, i + 1) for i in range(NODE_COUNT - 1)]
    source = MemorySource(edges[:1], node_count=NODE_COUNT)
    index = GraphIndex.open(tmp_path / "index", source)
    wrong: list[object] = []
    is_done = threading.Event()

    def walk() -> None:
        longest = 0
        while not is_done.is_set():
            ids = index.walk(0, direction="downstream").ids.tolist()
            if ids != list(range(len(ids))) or len(ids) < longest:
                wrong.append(ids)
            longest = len(ids)

    threads = [threading.Thread(target=walk) for _ in range(3)]
    for thread in threads:
        thread.start()
    for count in range(2, NODE_COUNT):
        source.edges = edges[:count]
        index.refresh()
        if count % 40 == 0:
            index.compact()
    is_done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(index.walk(0, direction="downstream")) == NODE_COUNT


def test_a_second_process_opens_the_files(tmp_path):
    """Another interpreter maps the folder and walks without any edge from the source."""
    saved(tmp_path / "index", MemorySource([Edge(e.source, e.target) for e in ring()], node_count=NODE_COUNT))
    program = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path\n"
        "from index_graphs import MemorySource\n"
        "from headwater.storage.index import GraphIndex\n"
        "class Silent(MemorySource):\n"
        f"    mark = {2 * NODE_COUNT - 1}\n"
        "    def edges_since(self, seq, limit):\n"
        f"        assert seq == {NODE_COUNT - 1}\n"
        "        return super().edges_since(seq, limit)\n"
        f"index = GraphIndex.open(Path(sys.argv[1]), Silent(node_count={NODE_COUNT}))\n"
        "print(len(index.walk(0, direction='downstream')))\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "index"), str(Path(__file__).parent)]
    assert int(subprocess.run(command, capture_output=True, check=True).stdout) == NODE_COUNT


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path):
    """The index works from memory and says why it was not saved."""
    (tmp_path / "index").write_text("a file in the way")
    index = GraphIndex.open(tmp_path / "index", full_source(ring()))
    index.compact()
    assert index.save_error is not None
    assert len(index.walk(0, direction="downstream")) == NODE_COUNT


def test_a_closed_interval_is_seen_through_the_overlay_and_kept_by_compaction(tmp_path):
    """An edge sent again with an end stops holding then, before and after compaction; files are not touched."""
    source = full_source(ring())
    index = saved(tmp_path / "index", source)
    source.edges = [*ring(), Edge(10, 11, 10, 250, 3, 1)]
    assert index.refresh() == 1
    assert index.edge_count == NODE_COUNT - 1
    for _ in range(2):
        assert len(index.walk(0, direction="downstream", as_of=249)) == 251
        assert len(index.walk(0, direction="downstream", as_of=250)) == 11
        assert len(index.walk(300, direction="upstream", as_of=10_000)) == 290
        assert index.verify()
        index.compact()


def test_a_large_overlay_is_merged_by_itself(tmp_path):
    """Beyond a share of the base the overlay becomes a new generation without being asked."""
    count = 60_000
    edges = [Edge(i, i + 1) for i in range(count - 1)]
    source = MemorySource(edges[:20_000], node_count=count)
    index = GraphIndex.open(tmp_path / "index", source)
    assert index.snapshot.generation == 1
    for stop in range(22_000, count, 2_000):
        source.edges = edges[:stop]
        index.refresh()
    assert index.snapshot.generation >= 2
    assert index.snapshot.overlay_count <= 1 << 14
    assert len(index.walk(0, direction="downstream")) == len(source.edges) + 1


def test_memory_is_at_most_sixteen_bytes_an_edge():
    """Both directions, mappings included, on a graph with two edges a node."""
    rng = np.random.default_rng(3)
    ends = np.sort(rng.integers(0, 50_000, (100_000, 2)), axis=1)
    edges = [Edge(a, b, mapping=1 + a % 50) for a, b in ends.tolist()]
    known = {i: columns([(0, 0)]) for i in range(1, 51)}
    index = GraphIndex.open(None, MemorySource(edges, node_count=50_000, mappings=known))
    assert index.memory_bytes <= 16 * index.edge_count


def test_a_stretch_of_the_log_without_edges_does_not_end_the_reading():
    """Sequence numbers that belong to no edge are passed over."""

    class Gaps(MemorySource):
        def edges_since(self, seq: int, limit: int) -> EdgeBatch:
            if seq < 5:
                return EdgeBatch(5, np.empty(0, np.uint32), np.empty(0, np.uint32))
            batch = super().edges_since(seq - 5, limit)
            return EdgeBatch(batch.last_seq + 5, batch.source, batch.target)

    index = GraphIndex.open(None, Gaps([Edge(0, 1), Edge(1, 2)]))
    assert index.walk(0, direction="downstream").ids.tolist() == [0, 1, 2]


def test_a_closed_index_says_so():
    """Refreshing after ``close`` is refused with what to do."""
    index = GraphIndex.open(None, MemorySource([Edge(0, 1)]))
    index.close()
    with pytest.raises(StoreError, match="open it again"):
        index.refresh()


def test_the_manifest_is_readable_by_people(tmp_path):
    """Its first line is JSON that names epoch, sequence number and every file."""
    saved(tmp_path / "index", full_source(ring()))
    body = json.loads((tmp_path / "index" / "manifest.json").read_text().splitlines()[0])
    assert (body["epoch"], body["seq"], body["node_count"]) == (1, NODE_COUNT - 1, NODE_COUNT)
    assert {f"{name}.bin" for name in body["files"]} == set(array_names(tmp_path / "index"))
