"""New edges beside the base: small segments that grow by merging, and edges that replace an older self in place.

An edge that is withdrawn keeps its place in the rows, which are shared with walks under way; its position is noted
beside them, in the new snapshot alone.
"""

from __future__ import annotations

import msgspec
import numpy as np

from headwater.errors import StoreCorrupt
from headwater.storage.index.arrays import Adjacency, Edges, Positions, Rows, Snapshot, concatenate, expand
from headwater.storage.index.build import Order, arranged, both_directions, edges_of, remaining, touch
from headwater.storage.index.source import U8, U32

MERGE_FACTOR = 4
"""A segment is merged into the one before it while that is less than so many times longer."""


def with_edges(snapshot: Snapshot, edges: Edges, kinds: U8, seq: int, order_by: Order) -> Snapshot | None:
    """The snapshot with further edges, or None when they only fit into a new base.

    ``edges`` are arranged, and may name nodes up to the length of ``kinds``. Edges that were there already are replaced
    in place, in private memory; a walk under way sees either interval.
    """
    node_count = len(kinds)
    if not len(edges):
        return msgspec.structs.replace(snapshot, node_count=node_count, kinds=kinds, seq=seq)
    if edges.columns() != _columns(snapshot.into.base) or len(snapshot.into.base) == 0:
        return None
    pieces = list(zip(snapshot.out.pieces(), snapshot.into.pieces(), strict=True))
    touched_out, touched_in = snapshot.out.touched, snapshot.into.touched
    if edges.withdrawn is not None:
        going = edges.take(edges.withdrawn)
        pieces = [_without(out, into, going) for out, into in pieces]
        touched_out = touch(touched_out, going.source, node_count)
        touched_in = touch(touched_in, going.target, node_count)
        edges = remaining(edges)
    for out, into in pieces:
        known = _known(into, edges)
        if not len(known[0]):
            continue
        if not _replace(out, into, edges, *known):
            return None
        edges = edges.take(np.setdiff1d(np.arange(len(edges)), known[0]))
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
    return Snapshot(
        node_count,
        kinds,
        Adjacency(out, tuple(outs), touched_out),
        Adjacency(into, tuple(intos), touched_in),
        seq,
        snapshot.epoch,
        snapshot.generation,
    )


def _columns(into: Rows) -> tuple[bool, bool, bool]:
    return (into.valid_from is not None, into.label is not None, into.mapping is not None)


def _known(into: Rows, edges: Edges) -> tuple[Positions, Positions]:
    """Which of the edges stand in the rows already, and where."""
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


def _without(out: Rows, into: Rows, going: Edges) -> tuple[Rows, Rows]:
    """The two directions of some rows without those edges, which have neither label nor interval."""
    which, positions = _known(into, going)
    if not len(which):
        return out, into
    ends = going.take(which)
    found, edge = expand(*out.spans(ends.source))
    found = found[out.targets[found] == ends.target[edge]]
    stands = out.stands(found)
    found = found if stands is None else found[stands]
    if len(found) != len(positions):
        raise StoreCorrupt("the two directions of the graph index differ")
    return tuple(  # type: ignore[return-value]
        msgspec.structs.replace(rows, gone=_noted(rows.gone, at)) for rows, at in ((out, found), (into, positions))
    )


def _noted(gone: U32 | None, positions: Positions) -> U32:
    """The positions of edges that are gone, with some more."""
    more = np.sort(positions).astype(np.uint32)
    return more if gone is None else np.insert(gone, np.searchsorted(gone, more), more)


def _replace(out: Rows, into: Rows, edges: Edges, which: Positions, positions: Positions) -> bool:
    """Put mapping and end of validity of the new edges where the old ones stand; False when a number is too wide."""
    old, new = into.mapping, edges.mapping
    if old is not None and new is not None and int(new[which].max(initial=0)) > np.iinfo(old.dtype).max:
        return False
    names = [name for name in ("mapping", "valid_to") if getattr(into, name) is not None]
    differs = np.zeros(len(which), np.bool_)
    for name in names:
        differs |= getattr(into, name)[positions] != getattr(edges, name)[which]
    for edge, position in zip(which[differs].tolist(), positions[differs].tolist(), strict=True):
        low, high = out.row(int(edges.source[edge]))
        # Edges that differ in their label alone are alike to a walk, so any one of them may be the one replaced.
        alike = out.targets[low:high] == edges.target[edge]
        if out.valid_from is not None and edges.valid_from is not None:
            alike &= out.valid_from[low:high] == edges.valid_from[edge]
        for name in names:
            alike &= getattr(out, name)[low:high] == getattr(into, name)[position]
        if not alike.any():
            raise StoreCorrupt("the two directions of the graph index differ")
        at = low + int(np.argmax(alike))
        for name in names:
            getattr(out, name)[at] = getattr(into, name)[position] = getattr(edges, name)[edge]
    return True
