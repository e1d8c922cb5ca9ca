"""The numpy kernel: plain Python for small walks, whole frontiers at a time for large ones."""

from __future__ import annotations

import contextlib

import numpy as np
import numpy.typing as npt

from headwater.errors import StoreCorrupt
from headwater.storage.index.csr import Adjacency, Rows, expand
from headwater.storage.index.edge_source import U8, U32, U64
from headwater.storage.index.kernel_python import RowReader, as_layers
from headwater.storage.index.mappings import MappingTable, Trail, carry
from headwater.storage.index.walk_request import Layers, Question

SMALL = 256
"""Up to this many nodes, a Python step per node is cheaper than a dozen array operations per hop."""


class _Marks:
    """Work space as long as the graph: ``seen`` is all False between walks, ``stamp`` is never read before it is
    set."""

    def __init__(self, node_count: int) -> None:
        self.seen = np.zeros(node_count, np.bool_)
        self.stamp = np.empty(node_count, np.uint32)


class NumpyKernel:
    """Python and numpy only."""

    name = "numpy"

    def __init__(self) -> None:
        self._idle: list[_Marks] = []

    def closure(self, graph: Adjacency, question: Question, kinds: U8) -> tuple[U32, U64]:
        """Everything reached, ascending, and how many of each kind."""
        ids = np.sort(self.layers(graph, question).ids)
        return ids, self.count_kinds(ids, kinds)

    def layers(self, graph: Adjacency, question: Question) -> Layers:
        """The nodes reached, nearest first."""
        reader = RowReader(graph, question)
        level: list[int] = question.roots.tolist()
        seen = set(level)
        levels: list[list[int]] = []
        budget = question.node_count if question.budget is None else question.budget
        while level and len(seen) <= SMALL:
            if len(seen) > budget:
                levels.append(level[: len(level) - len(seen) + budget])
                return as_layers(levels, is_over_budget=True, has_more=False)
            levels.append(level)
            following = []
            for node in level:
                for end in reader.ends(node):
                    if end not in seen:
                        seen.add(end)
                        following.append(end)
            if following and question.depth is not None and len(levels) > question.depth:
                return as_layers(levels, is_over_budget=False, has_more=True)
            level = following
        if not level:
            return as_layers(levels, is_over_budget=False, has_more=False)
        return self._by_frontier(graph, question, [*levels, level], budget)

    def _by_frontier(self, graph: Adjacency, question: Question, small: list[list[int]], budget: int) -> Layers:
        marks = self._marks(question.node_count)
        levels = [np.array(level, np.uint32) for level in small]
        for level in levels:
            marks.seen[level] = True
        count = sum(len(level) for level in levels)
        is_over = has_more = False
        while True:
            if count > budget:
                is_over = True
                break
            frontier = self._step(graph, question, levels[-1], marks)
            if not len(frontier):
                break
            levels.append(frontier)
            count += len(frontier)
            if question.depth is not None and len(levels) > question.depth + 1:
                has_more = True
                break
        for level in levels:
            marks.seen[level] = False
        self._idle.append(marks)
        if has_more:
            levels.pop()
        if is_over:
            levels[-1] = levels[-1][: len(levels[-1]) - count + budget]
        starts = np.cumsum([0, *(len(level) for level in levels)], dtype=np.int64)
        return Layers(np.concatenate(levels), starts, is_over, has_more)

    def _step(self, graph: Adjacency, question: Question, frontier: U32, marks: _Marks) -> U32:
        if graph.touched is None:
            found = [self._ends(graph.base, question, frontier)]
        else:
            bits = graph.touched[frontier >> np.uint32(6)] >> (frontier & np.uint32(63)).astype(np.uint64)
            is_touched = (bits & np.uint64(1)).astype(np.bool_)
            near = frontier[is_touched]
            found = [self._ends(rows, question, near) for rows in graph.pieces()]
            found.append(self._ends(graph.base, question, frontier[~is_touched], is_whole=True))
        ends: U32 = found[0] if len(found) == 1 else np.concatenate(found)
        if question.cut < question.node_count or (len(ends) and int(ends.max()) >= question.cut):
            if len(ends) and int(ends.max()) >= question.node_count:
                raise StoreCorrupt("the graph index holds an edge to a node that does not exist")
            ends = ends[ends < question.cut]
        ends = ends[~marks.seen[ends]]
        # Remove repeats within a frontier: each writes its position, one write survives, and only that one is kept.
        place = np.arange(len(ends), dtype=np.uint32)
        marks.stamp[ends] = place
        ends = ends[marks.stamp[ends] == place]
        marks.seen[ends] = True
        return ends

    def _ends(self, rows: Rows, question: Question, nodes: U32, *, is_whole: bool = False) -> U32:
        """Far ends of the edges of some nodes; with ``is_whole`` none of these edges was withdrawn."""
        low, high = rows.spans(nodes)
        if len(high) and (int(high.max()) > len(rows.targets) or bool((low > high).any())):
            raise StoreCorrupt("the graph index holds a row that lies outside its file")
        positions, _ = expand(low, high)
        ends: U32 = rows.targets[positions]
        holds = None if is_whole and rows.valid_from is None else rows.holds_at(positions, question.as_of)
        return ends if holds is None else ends[holds]

    def _marks(self, node_count: int) -> _Marks:
        # Walks run in several threads: popping is atomic, checking for emptiness first would not be.
        with contextlib.suppress(IndexError):
            while True:
                marks = self._idle.pop()
                if len(marks.seen) >= node_count:
                    return marks
        return _Marks(node_count + node_count // 16)

    def count_kinds(self, ids: U32, kinds: U8) -> U64:
        """How many ids are of each kind."""
        return np.bincount(kinds[ids], minlength=256).astype(np.uint64)

    def order_by(self, keys: U32, limit: int) -> npt.NDArray[np.unsignedinteger]:
        """The stable order of the keys."""
        if len(keys) and int(keys.max()) >= limit:
            raise StoreCorrupt("the graph index was handed an edge to a node that does not exist")
        return np.argsort(keys, kind="stable").astype(np.uint32)

    def trail(
        self,
        walked: Adjacency,
        question: Question,
        masks: dict[int, int],
        mappings: MappingTable,
        *,
        is_upstream: bool,
    ) -> Trail:
        """Field masks as Python integers, carried hop by hop."""
        return carry(walked, question, masks, mappings, is_upstream=is_upstream)
