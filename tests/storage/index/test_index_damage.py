"""Kernels on arrays that lie: an error or an answer, never memory that is not theirs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from index_graphs import KERNELS, checked

from headwater.errors import StoreCorrupt
from headwater.storage.index import columns
from headwater.storage.index.csr import Adjacency, Rows
from headwater.storage.index.kernels import choose
from headwater.storage.index.mappings import MappingTable
from headwater.storage.index.walk_request import Question

NODES = 70
KINDS = np.zeros(NODES, np.uint8)
fast = pytest.mark.parametrize("kernel", [name for name in KERNELS if name != "python"])


class OneMapping:
    """A source that knows mappings and nothing else."""

    epoch = 1

    def mapping(self, mapping_id: int):
        """Narrow for odd ids, wide for even ones."""
        return columns([(0, 1), (1, 0)]) if mapping_id % 2 else columns([(0, 70), (70, 0)])


def table() -> MappingTable:
    """A table of three mappings beside the two that are always there."""
    mappings = MappingTable(OneMapping())  # type: ignore[arg-type]
    mappings.numbers(np.array([1, 2, 3], np.uint32))
    return mappings


u32 = st.integers(0, 2**32 - 1) | st.integers(0, NODES + 2)


@checked
@given(
    offsets=st.lists(u32, min_size=NODES + 1, max_size=NODES + 1),
    targets=st.lists(u32, min_size=1, max_size=80),
    is_sorted=st.booleans(),
    numbers=st.integers(0, 255),
    cut=st.integers(1, NODES),
    keys=st.lists(u32, min_size=1, max_size=6),
    is_ascending=st.booleans(),
)
@fast
def test_damaged_arrays_never_reach_outside(kernel, offsets, targets, is_sorted, numbers, cut, keys, is_ascending):
    """Random offsets, targets, keys and mapping numbers give StoreCorrupt or ids below the cut."""
    if is_sorted:
        offsets = sorted(offset % (len(targets) + 1) for offset in offsets)
    mapping = np.full(len(targets), numbers, np.uint8)
    base = Rows(None, np.array(offsets, np.uint32), np.array(targets, np.uint32), mapping=mapping)
    starts = np.array((offsets * 2)[: len(keys) + 1], np.uint32)
    segment = Rows(np.array(keys, np.uint32), starts, np.array(targets, np.uint32), mapping=mapping)
    graph = Adjacency(base, (segment,), np.full(1, 2**64 - 1, np.uint64))
    question = Question(np.array([0], np.uint32), NODES, cut, None, is_ascending)
    for ask in ("closure", "layers", "trail"):
        walker = choose(kernel)
        try:
            if ask == "closure":
                ids, _ = walker.closure(graph, question, KINDS)
            elif ask == "layers":
                ids = walker.layers(graph, question).ids
            else:
                ids = walker.trail(graph, question, {0: 1 << 70 | 3}, table(), is_upstream=not is_ascending).ids
        except StoreCorrupt:
            continue
        assert len(set(ids.tolist())) == len(ids)
        assert all(node < cut for node in ids.tolist())


@pytest.mark.skipif("compiled" not in KERNELS, reason="the compiled kernel was not built")
def test_the_extension_refuses_arrays_that_do_not_fit():
    """Called past its wrapper with the wrong sizes, the extension raises and does not walk."""
    from headwater.storage.index import _kernel

    u4 = np.zeros(3, np.uint32)
    seen, kinds = np.zeros(4, np.uint64), np.zeros(1000, np.uint8)
    rows = (None, u4, u4[:0], None, None, None, None)
    sound = _kernel.graph(rows, (), None)
    assert _kernel.closure(sound, u4[:1], 2, 2, None, True, seen, kinds)[0] == u4[:1].tobytes()
    bad_graphs = [
        ((None, u4[:0], u4, None, None, None, None), (), None),
        ((u4, u4, u4, None, None, None, None), (), None),
        ((None, u4, u4, np.zeros(1, np.int64), np.zeros(1, np.int64), None, None), (), None),
        ((None, u4, u4, None, None, np.zeros(7, np.uint8), None), (), None),
        ((None, u4, u4, None, None, None, np.zeros(7, np.uint8)), (), None),
        (rows, (rows,), None),
        ((None, np.zeros(3, np.uint8), u4, None, None, None, None), (), None),
    ]
    for graph in bad_graphs:
        with pytest.raises((ValueError, TypeError)):
            _kernel.graph(*graph)
    with pytest.raises((ValueError, TypeError)):
        _kernel.closure((rows, (), None), u4[:1], 2, 2, None, True, seen, kinds)
    with pytest.raises(ValueError, match="work space"):
        _kernel.closure(sound, u4[:1], 1000, 2, None, True, seen, kinds)
    with pytest.raises(ValueError, match="no kind"):
        _kernel.closure(sound, u4[:1], 2, 2, None, True, seen, kinds[:1])
    with pytest.raises(ValueError, match="cut"):
        _kernel.closure(sound, u4[:1], 2, 3, None, True, seen, kinds)
    with pytest.raises(ValueError, match="cannot exist"):
        _kernel.closure(sound, np.array([9], np.uint32), 2, 2, None, True, seen, kinds)
    with pytest.raises(ValueError, match="cannot exist"):
        _kernel.count_kinds(np.array([9], np.uint32), np.zeros(2, np.uint8))
    with pytest.raises(ValueError, match="cannot exist"):
        _kernel.order_by(np.array([9], np.uint32), 2)


@fast
def test_a_kernel_works_on_after_a_damaged_graph(kernel):
    """Work space that a failed walk left dirty is not used again."""
    walker = choose(kernel)
    offsets = np.arange(NODES + 1, dtype=np.uint32)
    bad = np.full(NODES, 1, np.uint32)
    bad[1] = 2**31
    good = (np.arange(NODES, dtype=np.uint32) + 1) % NODES
    question = Question(np.array([0], np.uint32), NODES, NODES)
    with pytest.raises(StoreCorrupt):
        walker.closure(Adjacency(Rows(None, offsets, bad)), question, KINDS)
    assert len(walker.closure(Adjacency(Rows(None, offsets, good.astype(np.uint32))), question, KINDS)[0]) == NODES
