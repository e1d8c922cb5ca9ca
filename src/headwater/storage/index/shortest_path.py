"""Shortest paths by bidirectional search, always expanding the smaller frontier."""

from __future__ import annotations

import numpy as np

from headwater.storage.index.csr import Adjacency, Snapshot
from headwater.storage.index.edge_source import U32
from headwater.storage.index.kernel_python import RowReader
from headwater.storage.index.walk_request import Question


class _Side:
    """One of the two searches: the hop at which each node was first seen, and the last hop's nodes."""

    def __init__(self, graph: Adjacency, question: Question, root: int) -> None:
        self._reader = RowReader(graph, question)
        self.hops = {root: 0}
        self.frontier = [root]
        self.depth = 0

    def step(self) -> None:
        """Advance by one hop."""
        self.depth += 1
        following = []
        for node in self.frontier:
            for end in self._reader.ends(node):
                if end not in self.hops:
                    self.hops[end] = self.depth
                    following.append(end)
        self.frontier = following

    def ends(self, node: int) -> list[int]:
        """Neighbours of a node in this side's direction."""
        return self._reader.ends(node)


def shortest_paths(
    snapshot: Snapshot, source: int, target: int, *, cut: int, as_of: int | None, limit: int
) -> list[list[int]]:
    """Up to ``limit`` shortest paths from source to target, in ascending order; empty if there is none."""
    question = Question(_one(source), snapshot.node_count, cut, as_of)
    ahead = _Side(snapshot.out, question, source)
    behind = _Side(snapshot.into, question, target)
    has_met = source == target
    while not has_met:
        near, far = (ahead, behind) if len(ahead.frontier) <= len(behind.frontier) else (behind, ahead)
        near.step()
        if not near.frontier:
            return []
        has_met = any(node in far.hops for node in near.frontier)
    return _paths(ahead, behind, source, limit)


def _one(node: int) -> U32:
    return np.array([node], np.uint32)


def _paths(ahead: _Side, behind: _Side, source: int, limit: int) -> list[list[int]]:
    """Paths along the backbone, of which every branch ends at the target."""
    length = ahead.depth + behind.depth
    on_the_way = _backbone(ahead, behind, length)
    found: list[list[int]] = []
    begun = [[source]]
    while begun and len(found) < limit:
        trail = begun.pop()
        if len(trail) == length + 1:
            found.append(trail)
            continue
        following = on_the_way[len(trail)].intersection(ahead.ends(trail[-1]))
        begun.extend([*trail, node] for node in sorted(following, reverse=True))
    return found


def _backbone(ahead: _Side, behind: _Side, length: int) -> dict[int, set[int]]:
    """The nodes that lie on some shortest path, by their hop from the source."""
    by_hop: dict[int, set[int]] = {}
    middle = {node for node, hop in ahead.hops.items() if hop == ahead.depth and behind.hops.get(node) == behind.depth}
    by_hop[ahead.depth] = middle
    for hop in range(ahead.depth - 1, -1, -1):
        by_hop[hop] = {end for node in by_hop[hop + 1] for end in behind.ends(node) if ahead.hops.get(end) == hop}
    for hop in range(ahead.depth + 1, length + 1):
        rest = length - hop
        by_hop[hop] = {end for node in by_hop[hop - 1] for end in ahead.ends(node) if behind.hops.get(end) == rest}
    return by_hop
