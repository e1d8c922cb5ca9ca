"""Results of walks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from headwater.storage.index.csr import Adjacency, Snapshot
from headwater.storage.index.edge_source import U32, U64
from headwater.storage.index.kernels import Kernel
from headwater.storage.index.mappings import Trail
from headwater.storage.index.walk_request import Layers, Question

Direction = Literal["upstream", "downstream"]


class Reach:
    """The nodes that a walk reached, roots included.

    ``ids`` is ascending. ``truncated`` is set if the budget left nodes out, ``has_more`` if the depth limit did;
    otherwise the walk is complete. Levels and counts are computed on demand.
    """

    def __init__(
        self,
        ids: U32,
        *,
        snapshot: Snapshot,
        direction: Direction,
        question: Question,
        kernel: Kernel,
        layers: Layers | None = None,
        counts: U64 | None = None,
    ) -> None:
        self.ids = ids
        self.direction = direction
        self.truncated = layers is not None and layers.is_over_budget
        self.has_more = layers is not None and layers.has_more
        self._snapshot = snapshot
        self._question = question
        self._kernel = kernel
        self._layers = layers
        self._counts = counts

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def counts_by_kind(self) -> U64:
        """How many of ``ids`` are of each kind; 256 numbers."""
        if self._counts is None:
            self._counts = self._kernel.count_kinds(self.ids, self._snapshot.kinds)
        return self._counts

    @cached_property
    def levels(self) -> npt.NDArray[np.int32]:
        """The least number of hops from a root to each of ``ids``.

        A walk without a depth does not record them and walks again, hop by hop. If an edge's interval was closed in
        between, a node can be unreachable; its level is -1.
        """
        layers = self._layers
        if layers is None:
            graph = adjacency(self._snapshot, self.direction)
            layers = self._kernel.layers(graph, self._question)
        hops = np.repeat(np.arange(len(layers.starts) - 1, dtype=np.int32), np.diff(layers.starts))
        order = np.argsort(layers.ids)
        reached = layers.ids[order]
        at = np.minimum(np.searchsorted(reached, self.ids), max(len(reached) - 1, 0))
        if not len(reached):
            return np.full(len(self.ids), -1, np.int32)
        return np.where(reached[at] == self.ids, hops[order][at], -1).astype(np.int32)


class ColumnReach:
    """The fields that a column walk reached, by node, as bit masks over field positions, including the roots' own.

    ``lost_source[i] -> lost_target[i]`` are edges met whose columns are unknown: nodes behind them may be reached too,
    so a result with any is partial. ``truncated`` and ``has_more`` are as in ``Reach``.
    """

    def __init__(self, trail: Trail) -> None:
        self.ids = trail.ids
        self.words = trail.words
        self._beyond = trail.beyond
        self.lost_source = trail.lost_source
        self.lost_target = trail.lost_target
        self.truncated = trail.is_over_budget
        self.has_more = trail.has_more

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[int]:
        return iter(self.ids.tolist())

    def __contains__(self, node: object) -> bool:
        return isinstance(node, int) and self.mask(node) != 0

    @cached_property
    def wide(self) -> dict[int, int]:
        """The masks of the nodes where a field at position 64 or above was reached."""
        masks: dict[int, int] = {}
        for key, bits in self._beyond.tolist():
            if bits:
                masks[key >> 32] = masks.get(key >> 32, 0) | bits << 64 * (key & 0xFFFFFFFF)
        at = np.searchsorted(self.ids, np.array(list(masks), np.uint32))
        return {n: m | w for (n, m), w in zip(masks.items(), self.words[at].tolist(), strict=True)}

    def mask(self, node: int) -> int:
        """The fields of a node as a bit mask; 0 if it was not reached."""
        if node in self.wide:
            return self.wide[node]
        at = int(np.searchsorted(self.ids, np.uint32(node)))
        return int(self.words[at]) if at < len(self.ids) and self.ids[at] == node else 0

    def fields(self, node: int) -> list[int]:
        """The positions of a node's fields, ascending."""
        mask = self.mask(node)
        return [position for position in range(mask.bit_length()) if mask >> position & 1]


def adjacency(snapshot: Snapshot, direction: Direction) -> Adjacency:
    """The rows that a walk in that direction follows."""
    return snapshot.out if direction == "downstream" else snapshot.into
