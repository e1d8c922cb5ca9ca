"""The overlay of new edges: small segments that are merged as they grow.

The rows are shared with running walks, so a withdrawn or replaced edge keeps its place in them; its position is
recorded beside them in the new snapshot alone. So no snapshot ever changes.
"""

from __future__ import annotations

import msgspec
import numpy as np

from headwater.errors import StoreCorrupt
from headwater.storage.index.csr import Adjacency, Edges, Flags, Positions, Rows, Snapshot, concatenate, expand
from headwater.storage.index.csr_build import Order, arranged, both_directions, edges_of, remaining, touch
from headwater.storage.index.edge_source import U8

MERGE_FACTOR = 4
"""A segment is merged into the one before it while that is less than this many times longer."""


def with_edges(snapshot: Snapshot, edges: Edges, kinds: U8, seq: int, order_by: Order) -> Snapshot | None:
    """The snapshot with further edges, or None if they require a new base.

    ``edges`` are arranged and may use node ids below the length of ``kinds``. An edge that exists already is replaced.
    """
    node_count = len(kinds)
    if not len(edges):
        return msgspec.structs.replace(snapshot, node_count=node_count, kinds=kinds, seq=seq)
    if edges.columns() != _columns(snapshot.into.base) or len(snapshot.into.base) == 0:
        return None
    pieces = list(zip(snapshot.out.pieces(), snapshot.into.pieces(), strict=True))
    touched_out, touched_in = snapshot.out.touched, snapshot.into.touched
    for place, (out, into) in enumerate(pieces):
        which, positions = _known(into, edges)
        is_same = _are_same(into, edges, which, positions)
        going = edges.take(which[~is_same])
        if len(going):
            pieces[place] = _without(out, into, going, positions[~is_same])
            touched_out = touch(touched_out, going.source, node_count)
            touched_in = touch(touched_in, going.target, node_count)
        if is_same.any():
            edges = edges.take(np.setdiff1d(np.arange(len(edges)), which[is_same]))
    edges = remaining(edges)
    if len(edges):
        while len(pieces) > 1 and len(pieces[-1][1]) < MERGE_FACTOR * len(edges):
            joined = concatenate([remaining(edges_of(pieces.pop()[1])), edges])
            edges = arranged(joined, node_count, order_by)
        out, into = both_directions(edges, node_count, order_by, is_base=False)
        if out.keys is not None and into.keys is not None:
            touched_out = touch(touched_out, out.keys, node_count)
            touched_in = touch(touched_in, into.keys, node_count)
        pieces.append((out, into))
    (out, *outs), (into, *intos) = zip(*pieces, strict=True)
    return msgspec.structs.replace(
        snapshot,
        node_count=node_count,
        kinds=kinds,
        out=Adjacency(out, tuple(outs), touched_out),
        into=Adjacency(into, tuple(intos), touched_in),
        seq=seq,
    )


def _columns(into: Rows) -> tuple[bool, bool, bool]:
    return (into.valid_from is not None, into.label is not None, into.mapping is not None)


def _known(into: Rows, edges: Edges) -> tuple[Positions, Positions]:
    """Which of the edges are in the rows already, and their positions."""
    low, high = into.spans(edges.target)
    positions, which = expand(low, high)
    same = into.targets[positions] == edges.source[which]
    positions, which = positions[same], which[same]
    for mine, theirs in ((into.label, edges.label), (into.valid_from, edges.valid_from)):
        if mine is not None and theirs is not None:
            same = mine[positions] == theirs[which]
            positions, which = positions[same], which[same]
    stands = into.stands(positions)
    return (which, positions) if stands is None else (which[stands], positions[stands])


def _are_same(into: Rows, edges: Edges, which: Positions, positions: Positions) -> Flags:
    """Whether each edge found in the rows is identical there and not withdrawn."""
    is_same = np.ones(len(which), np.bool_) if edges.withdrawn is None else ~edges.withdrawn[which]
    for name in ("valid_to", "mapping"):
        mine, theirs = getattr(into, name), getattr(edges, name)
        if mine is not None:
            is_same &= mine[positions] == theirs[which]
    return is_same


def _without(out: Rows, into: Rows, going: Edges, positions: Positions) -> tuple[Rows, Rows]:
    """Both directions of some rows without these edges, given with their positions in the incoming rows."""
    found, edge = expand(*out.spans(going.source))
    is_it = out.targets[found] == going.target[edge]
    for name in ("valid_from", "valid_to", "mapping"):
        mine, theirs = getattr(out, name), getattr(into, name)
        if mine is not None:
            is_it &= mine[found] == theirs[positions[edge]]
    stands = out.stands(found)
    is_it = is_it if stands is None else is_it & stands
    found, edge = found[is_it], edge[is_it]
    counts = np.bincount(edge, minlength=len(going))
    if not counts.all():
        raise StoreCorrupt("the two directions of the graph index differ")
    # Outgoing rows have no labels, and edges that differ in the label alone are equal to a walk: any of them will do.
    starts = np.cumsum(counts) - counts
    first = found[starts]
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(first), np.int64)
    rank[order] = np.arange(len(first)) - np.searchsorted(first[order], first[order])
    if (rank >= counts).any():
        raise StoreCorrupt("the two directions of the graph index differ")
    return _thinned(out, found[starts + rank]), _thinned(into, positions)


def _thinned(rows: Rows, positions: Positions) -> Rows:
    """The rows with further edges removed."""
    gone = np.sort(positions).astype(np.uint32)
    if rows.gone is not None:
        gone = np.insert(rows.gone, np.searchsorted(rows.gone, gone), gone)
    return msgspec.structs.replace(rows, gone=gone)
