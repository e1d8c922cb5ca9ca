"""Follows the log of a source: new edges go into the overlay, and the overlay is merged into the base as it grows.

A graph only moves forward. A reader that sees an earlier state of the store than the graph has reached gets a graph of
its own, made from the last state that was no later than what it sees.
"""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import numpy as np

from headwater.errors import StoreCorrupt, StoreError
from headwater.storage.index import files
from headwater.storage.index.csr import Adjacency, Edges, Rows, Snapshot, concatenate, no_edges
from headwater.storage.index.csr_build import all_edges, arranged, both_directions, remaining
from headwater.storage.index.edge_source import U8, EdgeBatch, EdgeSource
from headwater.storage.index.kernels import Kernel
from headwater.storage.index.mappings import MappingTable
from headwater.storage.index.overlay import with_edges

BATCH = 1 << 20
"""Edges requested from the source at a time."""

OVERLAY_SHARE = 50
"""The overlay is merged into the base when it is larger than 1/``OVERLAY_SHARE`` of it,"""

OVERLAY_LEAST = 1 << 14
"""and has more than this many edges, so that a small base is not rewritten with every other commit."""

MAX_EDGES = 2**32 - 1


NO_EPOCH = -1
"""Epoch of the state before the source was first read."""

State = tuple[Snapshot, MappingTable]
"""A graph, and the table of its mapping numbers."""


class Follower:
    """The state of an index and its updates. Call its methods under ``lock``, within ``reading`` of the source that is
    passed to them."""

    def __init__(self, folder: Path | None, source: EdgeSource, kernel: Kernel, *, auto_compact: bool) -> None:
        self.folder = folder
        self.kernel = kernel
        self.save_error: str | None = None
        self.builds = 0
        self.lock = threading.Lock()
        self._is_closed = False
        self._places: int | None = None
        self._auto_compact = auto_compact
        self.state: State = nothing(source)

    @property
    def snapshot(self) -> Snapshot:
        """The graph as it is now."""
        return self.state[0]

    @snapshot.setter
    def snapshot(self, snapshot: Snapshot) -> None:
        self.state = (snapshot, self.state[1])

    @property
    def mappings(self) -> MappingTable:
        """The table of the graph's mapping numbers. A walk uses ``state``, in which graph and table always match."""
        return self.state[1]

    @property
    def memory_bytes(self) -> int:
        """Size of all arrays."""
        state = self.snapshot
        rows = [piece for side in (state.out, state.into) for piece in side.pieces()]
        sizes = [array.nbytes for piece in rows for array in piece.arrays().values()]
        sizes += [side.touched.nbytes for side in (state.out, state.into) if side.touched is not None]
        return sum(sizes) + state.kinds.nbytes

    def close(self) -> None:
        """Drop every array."""
        self._is_closed = True
        self.snapshot = _empty(NO_EPOCH)

    def at(self, source: EdgeSource, older: State) -> tuple[State, int]:
        """The graph at the state that the source shows, and the number of edges read.

        ``older`` is a state of the graph from before the reading of the source began.
        """
        if (self.snapshot.epoch, self.snapshot.mark) <= (source.epoch, source.mark):
            taken = self.follow(source)
            return self.state, taken
        aside = Follower(None, source, self.kernel, auto_compact=False)
        snapshot, mappings = older
        # Kinds of later nodes follow in the same memory: copy, so as not to overwrite them.
        aside.state = (msgspec.structs.replace(snapshot, kinds=snapshot.kinds.copy()), mappings)
        taken = aside.follow(source)
        return aside.state, taken

    def follow(self, source: EdgeSource) -> int:
        """Take over everything newer than the state; returns the number of edges read.

        A graph that fits into an overlay is not saved: reading it again costs no more than opening files.
        """
        self._check_open()
        is_held = self.snapshot.epoch != NO_EPOCH
        while True:
            epoch, mark, floor, places = source.epoch, source.mark, source.floor, source.places
            if epoch != self.snapshot.epoch or 0 < self.snapshot.seq < floor:
                self.state = (_empty(epoch), MappingTable(source))
                is_held = self._adopt(source, above=0, floor=floor)
            if places != self._places:
                self._places = places
                self.state = (self.snapshot, MappingTable(source, list(self.mappings.ids)))
            batches, seq = self._tail(source, self.snapshot.seq)
            kinds = self._kinds(source)
            # Unchanged before and after reading, so these numbers belong to what was read.
            if (source.epoch, source.mark, source.floor, source.places) == (epoch, mark, floor, places):
                break
        self.builds += not is_held
        count = sum(len(batch) for batch in batches)
        here = msgspec.structs.replace(self.snapshot, mark=mark)
        if batches or len(kinds) != here.node_count:
            self._take(source, here, batches, kinds, seq)
        else:
            self.snapshot = here
        return count

    def compact(self, source: EdgeSource) -> None:
        """Merge everything into one base and save it."""
        self._check_open()
        if self._adopt(source, above=self.snapshot.generation, floor=source.floor):
            self.follow(source)
        if self.snapshot.overlay_count or not self._is_saved():
            self._rebuild(self.snapshot, no_edges(), self.snapshot.kinds, self.snapshot.seq)
            self._save()

    def _is_saved(self) -> bool:
        return self.folder is None or self.snapshot.generation > 0

    def _check_open(self) -> None:
        if self._is_closed:
            raise StoreError("the graph index is closed", hint="open it again")

    def _adopt(self, source: EdgeSource, *, above: int, floor: int) -> bool:
        """Adopt the saved generation if it is of this epoch, newer than the current state, not below the floor, and not
        ahead of the source (another process may have saved it since the reading began)."""
        if self.folder is None:
            return False
        loaded = files.load(self.folder, above=above)
        if loaded is None:
            return False
        snapshot, mapping_ids = loaded
        if snapshot.epoch != self.snapshot.epoch or snapshot.seq < floor or snapshot.mark > source.mark:
            return False
        self.state = (snapshot, MappingTable(source, mapping_ids))
        return True

    def _tail(self, source: EdgeSource, seq: int) -> tuple[list[EdgeBatch], int]:
        batches: list[EdgeBatch] = []
        while True:
            batch = source.edges_since(seq, BATCH)
            if len(batch) and batch.last_seq <= seq:
                raise StoreCorrupt(f"the store's edge log does not advance after sequence number {seq}")
            if batch.last_seq <= seq:
                return batches, seq
            seq = batch.last_seq
            batches.append(batch)

    def _kinds(self, source: EdgeSource) -> U8:
        """Kinds of all nodes, in an array with room to grow, so that adding a few does not copy it."""
        new = source.node_kinds_since(self.snapshot.node_count)
        known = self.snapshot.kinds
        if not len(new):
            return known
        count = len(known) + len(new)
        room = known.base if isinstance(known.base, np.ndarray) and known.base.flags.writeable else known
        if len(room) < count or room is known:
            room = np.zeros(count + count // 16 + 1024, np.uint8)
            room[: len(known)] = known
        room[len(known) : count] = new
        return room[:count]

    def _take(self, source: EdgeSource, here: Snapshot, batches: list[EdgeBatch], kinds: U8, seq: int) -> None:
        """Apply what was read since ``here``."""
        edges = concatenate([self._edges(batch, len(kinds)) for batch in batches])
        base = here.edge_count - here.overlay_count
        is_large = len(edges) * OVERLAY_SHARE > base and len(edges) > OVERLAY_LEAST
        order_by = self.kernel.order_by
        following = None
        if not is_large or not self._auto_compact:
            following = with_edges(here, arranged(edges, len(kinds), order_by), kinds, seq, order_by)
        if following is None:
            self._rebuild(here, edges, kinds, seq)
            if self.snapshot.edge_count > OVERLAY_LEAST:
                self._save()
            return
        self.snapshot = following
        overlay = following.overlay_count
        if self._auto_compact and overlay > OVERLAY_LEAST and overlay * OVERLAY_SHARE > base:
            self.compact(source)

    def _edges(self, batch: EdgeBatch, node_count: int) -> Edges:
        for name, ends in (("source", batch.source), ("target", batch.target)):
            if len(ends) and int(ends.max()) >= node_count:
                raise StoreCorrupt(f"the {name} of an edge is node {int(ends.max())}, but there are only {node_count}")
        mapping = None if batch.mapping is None else self.mappings.numbers(batch.mapping)
        valid_from, valid_to = batch.valid_from, batch.valid_to
        if (valid_from is None) != (valid_to is None):
            raise StoreCorrupt("edges came with one end of their interval only")
        if batch.withdrawn is not None and (valid_from is not None or batch.label is not None):
            raise StoreCorrupt("an edge with a label or an interval was withdrawn: it ends with an empty interval")
        return Edges(batch.source, batch.target, valid_from, valid_to, batch.label, mapping, batch.withdrawn)

    def _rebuild(self, here: Snapshot, edges: Edges, kinds: U8, seq: int) -> None:
        """Build a new base from the current edges and further ones."""
        joined = concatenate([all_edges(here.into), edges])
        if len(joined) > MAX_EDGES:
            raise StoreError("one graph index holds at most 4,294,967,295 edges", hint="split the store by tenant")
        order_by, count = self.kernel.order_by, len(kinds)
        joined = remaining(arranged(joined, count, order_by))
        out, into = both_directions(joined, count, order_by, is_base=True)
        self.snapshot = msgspec.structs.replace(
            here, node_count=count, kinds=kinds, out=Adjacency(out), into=Adjacency(into), seq=seq
        )

    def _save(self) -> None:
        if self.folder is None:
            return
        try:
            generation = files.publish(self.folder, self.snapshot, self.mappings.ids)
        except OSError as error:
            self.save_error = str(error)
            return
        self.save_error = None
        if generation is not None:
            # From here on use the mapped files, whose pages all processes share.
            loaded = files.load(self.folder, above=generation - 1)
            if loaded is not None and loaded[0].generation == generation:
                self.snapshot = loaded[0]


def nothing(source: EdgeSource) -> State:
    """The state of a graph before its source was first read."""
    return _empty(NO_EPOCH), MappingTable(source)


def _empty(epoch: int) -> Snapshot:
    nothing = np.empty(0, np.uint32)
    rows = Rows(None, np.zeros(1, np.uint32), nothing)
    return Snapshot(0, np.empty(0, np.uint8), Adjacency(rows), Adjacency(rows), 0, epoch, 0, 0)
