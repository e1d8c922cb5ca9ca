"""The graphs that walks are measured on: the benchmark's sources serve the index as a store does."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from index_graphs import KERNELS

from headwater.storage.index import GraphIndex

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))

import bench_walks
from walk_graphs import Graph, Source, generate


@pytest.fixture(scope="module")
def graph() -> Graph:
    """A small one."""
    return generate(20_000, 7)


def test_a_source_shows_more_edges_step_by_step(graph):
    """The benchmark's overlay is one: what was held back comes in batches, and reaches what the whole graph does."""
    late = Source(graph, shown=len(graph.source) * 99 // 100)
    index = GraphIndex.open(None, late, auto_compact=False)
    assert index.edge_count < len(graph.source)
    while late.shown < len(graph.source):
        late.shown = min(late.shown + 100, len(graph.source))
        assert index.refresh()
    whole = GraphIndex.open(None, Source(graph))
    assert index.snapshot.out.segments
    assert index.edge_count == whole.edge_count == len(graph.source)
    assert np.array_equal(index.walk(3, direction="downstream").ids, whole.walk(3, direction="downstream").ids)


def test_saved_files_are_opened_by_a_source_at_rest(graph, tmp_path):
    """The benchmark's second process finds the graph in the files, and asks for no edge."""
    index = GraphIndex.open(tmp_path, Source(graph))
    index.compact()
    second = GraphIndex.open(tmp_path, bench_walks.NothingNew())
    assert second.edge_count == len(graph.source)
    assert np.array_equal(index.walk(3, direction="downstream").ids, second.walk(3, direction="downstream").ids)


@pytest.mark.parametrize("direction", ["downstream", "upstream"])
def test_kernels_agree_on_the_columns_of_the_benchmark(graph, direction):
    """Fields below and above 64, by a hundred and more mappings, are the same in every kernel, both ways."""
    first = 0 if direction == "downstream" else len(graph.kinds) - 100
    roots = {first + i: 1 << i | 1 << 3 * i // 2 | 3 for i in range(0, 100, 3)}
    found = []
    for kernel in KERNELS:
        index = GraphIndex.open(None, Source(graph), kernel=kernel)
        reach = index.walk_columns(roots, direction=direction)
        found.append({node: reach.mask(node) for node in reach})
    assert all(masks == found[0] for masks in found)
    assert len(found[0]) > 100
    assert sum(mask >> 64 != 0 for mask in found[0].values()) > 20
