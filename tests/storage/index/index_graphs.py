"""Graphs for the index tests: a source in memory, and strategies that draw edges of every awkward shape."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from headwater.storage.index import OPEN_END, ColumnMapping, EdgeBatch, columns
from headwater.storage.index.kernels import has_compiled

KERNELS = ["python", "numpy", *(["compiled"] if has_compiled() else [])]
NODES = 24

checked = settings(max_examples=30, deadline=None)
"""Examples a property and kernel; no deadline, as the machine may be busy."""


class Edge(NamedTuple):
    """One edge as it is sent; intervals in microseconds."""

    source: int
    target: int
    valid_from: int = 0
    valid_to: int = OPEN_END
    label: int = 0
    mapping: int = 0
    withdrawn: bool = False


class MemorySource:
    """An edge source over a list: edge ``i`` has sequence number ``i + 1``."""

    def __init__(
        self,
        edges: Iterable[Edge] = (),
        *,
        node_count: int = NODES,
        timed: bool = False,
        labelled: bool = False,
        mappings: dict[int, ColumnMapping] | None = None,
    ) -> None:
        self.epoch = 1
        self.floor = 0
        self.places = 0
        self.edges = list(edges)
        self.node_count = node_count
        self.timed = timed
        self.labelled = labelled
        self.mappings = mappings
        self.asked: list[int] = []

    @property
    def mark(self) -> int:
        """How much there is."""
        return len(self.edges) + self.node_count

    def reading(self) -> AbstractContextManager[None]:
        """Nobody writes meanwhile."""
        return nullcontext()

    def edges_since(self, seq: int, limit: int) -> EdgeBatch:
        """The edges after a position."""
        part = self.edges[seq : seq + limit]
        self.asked.append(seq)

        def numbers(name: str, dtype: type) -> np.ndarray:
            return np.array([getattr(e, name) for e in part], dtype)

        return EdgeBatch(
            seq + len(part),
            numbers("source", np.uint32),
            numbers("target", np.uint32),
            numbers("valid_from", np.int64) if self.timed else None,
            numbers("valid_to", np.int64) if self.timed else None,
            numbers("label", np.uint32) if self.labelled else None,
            None if self.mappings is None else numbers("mapping", np.uint32),
            numbers("withdrawn", np.bool_) if any(e.withdrawn for e in part) else None,
        )

    def node_kinds_since(self, node_id: int) -> np.ndarray:
        """Kinds that depend on the id alone."""
        return (np.arange(node_id, self.node_count) % 5).astype(np.uint8)

    def mapping(self, mapping_id: int) -> ColumnMapping:
        """A mapping by id."""
        assert self.mappings is not None
        return self.mappings[mapping_id]


def known(edges: Iterable[Edge]) -> list[Edge]:
    """What holds of the edges sent: the last of each (source, target, label, valid_from), unless withdrawn or empty."""
    last = {(e.source, e.target, e.label, e.valid_from): e for e in edges}
    return [e for e in last.values() if e.valid_from < e.valid_to and not e.withdrawn]


nodes = st.integers(0, NODES - 1)


@st.composite
def plain_edges(draw: st.DrawFn, *, max_size: int = 60) -> list[Edge]:
    """Mostly forward edges, with back edges, self loops, cycles and repeats."""
    ends = draw(st.lists(st.tuples(nodes, nodes), max_size=max_size))
    is_mostly_forward = draw(st.booleans())
    return [Edge(min(e), max(e)) if is_mostly_forward and i % 7 else Edge(*e) for i, e in enumerate(ends)]


@st.composite
def thinned_edges(draw: st.DrawFn, *, max_size: int = 60) -> list[Edge]:
    """Edges of which some are withdrawn later, some come back, and some are withdrawn though they never came."""
    mapped = st.integers(0, 6)
    sent = [edge._replace(mapping=draw(mapped)) for edge in draw(plain_edges(max_size=max_size))]
    again = st.tuples(st.integers(0, 1 << 16), mapped, st.sampled_from([True, True, False]))
    for i, mapping, withdrawn in draw(st.lists(again, max_size=40)) if sent else []:
        sent.append(sent[i % len(sent)]._replace(mapping=mapping, withdrawn=withdrawn))
    strange = [Edge(*ends, withdrawn=True) for ends in draw(st.lists(st.tuples(nodes, nodes), max_size=3))]
    return sent + strange


@st.composite
def timed_edges(draw: st.DrawFn, *, max_size: int = 60) -> list[Edge]:
    """Edges with intervals, some sent again with another end, some with an empty one."""
    instants = st.integers(0, 6)
    ends = instants | st.just(OPEN_END)
    edge = st.builds(Edge, nodes, nodes, instants, ends, st.integers(0, 2), st.just(0), st.just(False))
    sent = draw(st.lists(edge, max_size=max_size))
    again = draw(st.lists(st.tuples(st.integers(0, 1 << 16), instants | st.just(OPEN_END)), max_size=12))
    return sent + [sent[i % len(sent)]._replace(valid_to=end) for i, end in again if sent]


field_pairs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=8)
wide_pairs = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), max_size=12)


@st.composite
def mappings(draw: st.DrawFn) -> dict[int, ColumnMapping]:
    """Mappings 1 to 6, narrow and wide, some with the identity on top."""
    drawn = draw(st.lists(st.tuples(field_pairs | wide_pairs, st.booleans()), min_size=6, max_size=6))
    return {i: columns(pairs, is_identity=identity) for i, (pairs, identity) in enumerate(drawn, start=1)}
