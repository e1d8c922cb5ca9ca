"""The pure Python kernel: the reference for the others, and the fast path of the numpy kernel for small walks."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from headwater.errors import StoreCorrupt
from headwater.storage.index.csr import Adjacency, Rows
from headwater.storage.index.edge_source import U8, U32, U64
from headwater.storage.index.mappings import MappingTable, Trail, carry
from headwater.storage.index.walk_request import Layers, Question


class RowReader:
    """The neighbours of one node at a time, with plain integers."""

    def __init__(self, graph: Adjacency, question: Question) -> None:
        self._offsets = graph.base.offsets.data
        self._targets = graph.base.targets.data
        self._base = graph.base
        self._base_count = len(graph.base.offsets) - 1
        self._is_timed = any(rows.valid_from is not None for rows in graph.pieces())
        self._is_thinned = graph.base.gone is not None
        self._segments = [(s.keys.data, s) for s in graph.segments if s.keys is not None]
        self._touched = None if graph.touched is None else graph.touched.data
        self._node_count = question.node_count
        self._cut = question.cut
        self._as_of = question.as_of

    def ends(self, node: int) -> list[int]:
        """Far ends of the node's valid edges, with repeats."""
        found: list[int] = []
        is_touched = self._touched is not None and self._touched[node >> 6] >> (node & 63) & 1
        if node < self._base_count:
            low, high = self._offsets[node], self._offsets[node + 1]
            is_plain = not (self._is_timed or (self._is_thinned and is_touched))
            found = self._targets[low:high].tolist() if is_plain else self._held(self._base, low, high)
        if is_touched:
            for keys, rows in self._segments:
                at = bisect_left(keys, node)
                if at < len(keys) and keys[at] == node:
                    found += self._held(rows, int(rows.offsets[at]), int(rows.offsets[at + 1]))
        if found and max(found) >= self._cut:
            if max(found) >= self._node_count:
                raise StoreCorrupt("the graph index holds an edge to a node that does not exist")
            return [end for end in found if end < self._cut]
        return found

    def _held(self, rows: Rows, low: int, high: int) -> list[int]:
        holds = rows.holds_at(slice(low, high), self._as_of)
        ends = rows.targets[low:high]
        kept: list[int] = (ends if holds is None else ends[holds]).tolist()
        return kept


def as_layers(levels: list[list[int]], *, is_over_budget: bool, has_more: bool) -> Layers:
    """Layers from lists of nodes."""
    ids = np.array([node for level in levels for node in level], np.uint32)
    starts = np.array(list(accumulate((len(level) for level in levels), initial=0)), np.int64)
    return Layers(ids, starts, is_over_budget, has_more)


class PythonKernel:
    """Sets and lists over the arrays, without vector code."""

    name = "python"

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
        room = len(question.roots) + question.node_count if question.budget is None else question.budget
        while level:
            if len(level) > room:
                levels.append(level[:room])
                return as_layers(levels, is_over_budget=True, has_more=False)
            room -= len(level)
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
        return as_layers(levels, is_over_budget=False, has_more=False)

    def count_kinds(self, ids: U32, kinds: U8) -> U64:
        """How many ids are of each kind."""
        counts = [0] * 256
        for node in ids.tolist():
            counts[kinds[node]] += 1
        return np.array(counts, np.uint64)

    def order_by(self, keys: U32, limit: int) -> npt.NDArray[np.unsignedinteger]:
        """The stable order of the keys."""
        values = keys.tolist()
        if values and max(values) >= limit:
            raise StoreCorrupt("the graph index was handed an edge to a node that does not exist")
        return np.array(sorted(range(len(values)), key=values.__getitem__), np.uint32)

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
