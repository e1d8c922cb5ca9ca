"""The arrays that hold a graph: compressed sparse rows in both directions, with a small overlay of newer edges.

In each direction a graph is one base list of rows (row ``u`` is ``targets[offsets[u]:offsets[u + 1]]``) and a few
segments, which are the same over a sorted list of node ids (``keys``), so that the size of a segment depends on its
edges alone. Labels are kept with the incoming rows only: every use of them can start there.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from headwater.storage.index.edge_source import I64, OPEN_END, U8, U32, U64

ALWAYS = -(2**63)
"""``valid_from`` of an edge without an interval in a graph that has intervals."""

Positions = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Edges(msgspec.Struct, frozen=True, eq=False):
    """Parallel arrays of edges; None for those the graph does not have. Intervals are half-open, in microseconds."""

    source: U32
    target: U32
    valid_from: I64 | None = None
    valid_to: I64 | None = None
    label: U32 | None = None
    mapping: npt.NDArray[np.unsignedinteger] | None = None
    withdrawn: Flags | None = None
    """Which of the edges are removed rather than added."""

    def __len__(self) -> int:
        return len(self.source)

    def take(self, index: npt.NDArray[np.generic]) -> Edges:
        """The edges at those positions, or where a boolean array is true."""
        parts = (None if a is None else a[index] for a in self.parts())
        return Edges(*parts)  # type: ignore[arg-type]

    def parts(
        self,
    ) -> tuple[U32, U32, I64 | None, I64 | None, U32 | None, npt.NDArray[np.unsignedinteger] | None, Flags | None]:
        """The arrays in the order of the fields."""
        times = (self.valid_from, self.valid_to)
        return (self.source, self.target, *times, self.label, self.mapping, self.withdrawn)

    def columns(self) -> tuple[bool, bool, bool]:
        """Whether there are intervals, labels, mappings."""
        return (self.valid_from is not None, self.label is not None, self.mapping is not None)


def no_edges() -> Edges:
    """No edge at all."""
    return Edges(np.empty(0, np.uint32), np.empty(0, np.uint32))


def concatenate(parts: list[Edges]) -> Edges:
    """All edges in order; an array that some parts lack gets defaults there (always valid, label 0, mapping 0)."""
    parts = [p for p in parts if len(p)] or parts[:1]
    if not parts:
        return no_edges()
    if len(parts) == 1:
        return parts[0]
    has_time, has_label, has_mapping = (any(flags) for flags in zip(*(p.columns() for p in parts), strict=True))
    flags = [np.zeros(len(p), np.bool_) if p.withdrawn is None else p.withdrawn for p in parts]

    def joined_times(name: str, fill: int) -> I64:
        arrays = [getattr(p, name) for p in parts]
        return np.concatenate(
            [np.full(len(p), fill, np.int64) if a is None else a for p, a in zip(parts, arrays, strict=True)]
        )

    def joined_numbers(name: str) -> U32:
        arrays = [getattr(p, name) for p in parts]
        return np.concatenate(
            [
                np.zeros(len(p), np.uint32) if a is None else a.astype(np.uint32, copy=False)
                for p, a in zip(parts, arrays, strict=True)
            ]
        )

    return Edges(
        joined_numbers("source"),
        joined_numbers("target"),
        joined_times("valid_from", ALWAYS) if has_time else None,
        joined_times("valid_to", OPEN_END) if has_time else None,
        joined_numbers("label") if has_label else None,
        joined_numbers("mapping") if has_mapping else None,
        np.concatenate(flags) if any(p.withdrawn is not None for p in parts) else None,
    )


class Rows(msgspec.Struct, frozen=True, eq=False):
    """Adjacency rows in one direction; ``keys`` is None if row ``i`` belongs to node ``i``.

    ``targets`` are the far ends of the edges (their sources, in incoming rows), ascending within a row. ``gone`` holds
    the positions, ascending, of edges that were withdrawn or replaced since the rows were built: they keep their
    position but are ignored. Every node with such an edge in its row is touched (see ``Adjacency``).
    """

    keys: U32 | None
    offsets: U32
    targets: U32
    valid_from: I64 | None = None
    valid_to: I64 | None = None
    label: U32 | None = None
    mapping: npt.NDArray[np.unsignedinteger] | None = None
    gone: U32 | None = None

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def gone_count(self) -> int:
        """How many edges were withdrawn or replaced."""
        return 0 if self.gone is None else len(self.gone)

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """The arrays that are not None, by name."""
        named = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: array for name, array in named.items() if array is not None}

    def spans(self, nodes: npt.NDArray[np.generic]) -> tuple[Positions, Positions]:
        """Start and end position of the row of each node; equal if it has none."""
        if self.keys is None:
            last = len(self.offsets) - 1
            low = self.offsets[np.minimum(nodes, last)].astype(np.int64)
            high = self.offsets[np.minimum(nodes.astype(np.int64) + 1, last)].astype(np.int64)
            return low, high
        at = np.searchsorted(self.keys, nodes)
        found = at < len(self.keys)
        found[found] = self.keys[at[found]] == nodes[found]
        at = np.where(found, at, 0)
        low = self.offsets[at].astype(np.int64)
        return low, np.where(found, self.offsets[at + 1], low).astype(np.int64)

    def row(self, node: int) -> tuple[int, int]:
        """Start and end position of the row of one node."""
        at = node
        if self.keys is not None:
            at = int(np.searchsorted(self.keys, np.uint32(node)))
            if at == len(self.keys) or self.keys[at] != node:
                return 0, 0
        elif node >= len(self.offsets) - 1:
            return 0, 0
        return int(self.offsets[at]), int(self.offsets[at + 1])

    def holds_at(self, positions: npt.NDArray[np.generic] | slice, as_of: int | None) -> Flags | None:
        """Which of these edges are valid at an instant (ever, if None); None if all are."""
        stands = self.stands(positions)
        if self.valid_from is None or self.valid_to is None:
            return stands
        start, end = self.valid_from[positions], self.valid_to[positions]
        holds: Flags = start < end if as_of is None else (start <= as_of) & (as_of < end)
        return holds if stands is None else holds & stands

    def stands(self, positions: npt.NDArray[np.generic] | slice) -> Flags | None:
        """Which of these edges were neither withdrawn nor replaced; None if all of them."""
        if self.gone is None:
            return None
        if isinstance(positions, slice):
            stands = np.ones(positions.stop - positions.start, np.bool_)
            first, last = np.searchsorted(self.gone, np.array([positions.start, positions.stop], np.uint32))
            stands[self.gone[first:last] - np.uint32(positions.start)] = False
            return stands
        wanted = positions.astype(np.uint32)  # the same type: otherwise the search copies all of ``gone``
        at = np.minimum(np.searchsorted(self.gone, wanted), len(self.gone) - 1)
        return np.asarray(self.gone[at] != wanted)

    def near_ends(self) -> U32:
        """The node whose row each edge is in."""
        counts = np.diff(self.offsets)
        keys = np.arange(len(counts), dtype=np.uint32) if self.keys is None else self.keys
        return np.repeat(keys, counts)


def expand(low: Positions, high: Positions) -> tuple[Positions, Positions]:
    """Every position in the spans, and the number of the span it came from."""
    counts = high - low
    row = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    ends = np.cumsum(counts)
    first = np.repeat(low - ends + counts, counts)
    return first + np.arange(len(row), dtype=np.int64), row


class Adjacency(msgspec.Struct, frozen=True, eq=False):
    """One direction of a graph: the base rows, newer segments, and a bit for each touched node, one that has a row in a
    segment or a removed edge in the base.
    ``touched`` may include bits of later segments: a set bit means "look", a clear one "nothing there".
    """

    base: Rows
    segments: tuple[Rows, ...] = ()
    touched: U64 | None = None
    handle: list[object] = []
    """The compiled kernel's handle of these arrays, once it has made one."""

    def pieces(self) -> tuple[Rows, ...]:
        """The base and the segments."""
        return (self.base, *self.segments)

    def neighbours(self, node: int, *, cut: int, as_of: int | None) -> U32:
        """Far ends of one node's edges, ascending, each once."""
        found = []
        for rows in self.pieces():
            low, high = rows.row(node)
            ends = rows.targets[low:high]
            holds = rows.holds_at(slice(low, high), as_of)
            found.append(ends if holds is None else ends[holds])
        joined = np.unique(np.concatenate(found))
        return joined[joined < cut]


class Snapshot(msgspec.Struct, frozen=True, eq=False):
    """An immutable graph at one state of its source, identified by ``epoch`` and ``mark``.

    ``seq`` is the number of its last edge, ``generation`` that of the files with its base.
    """

    node_count: int
    kinds: U8
    out: Adjacency
    into: Adjacency
    seq: int
    epoch: int
    generation: int
    mark: int

    @property
    def overlay_count(self) -> int:
        """How many edges are in segments or were removed from the base."""
        return sum(len(rows) for rows in self.into.segments) + self.into.base.gone_count

    @property
    def edge_count(self) -> int:
        """Number of edges, including those with closed intervals."""
        return sum(len(rows) - rows.gone_count for rows in self.into.pieces())
