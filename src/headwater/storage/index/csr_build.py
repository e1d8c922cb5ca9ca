"""Builds compressed sparse rows from edges: sort, keep the last of equal edges, build both directions."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import numpy.typing as npt

from headwater.storage.index.csr import Adjacency, Edges, Rows, concatenate
from headwater.storage.index.edge_source import U32, U64

Order = Callable[[U32, int], npt.NDArray[np.unsignedinteger]]
"""The kernel's function for the stable order of keys below a limit."""


def arranged(edges: Edges, node_count: int, order_by: Order) -> Edges:
    """The edges sorted by (source, target, label, valid_from); of equal ones the last is kept."""
    edges = edges.take(_order(edges, node_count, order_by))
    keep = np.ones(len(edges), np.bool_)
    if len(edges) > 1:
        same = (edges.source[1:] == edges.source[:-1]) & (edges.target[1:] == edges.target[:-1])
        for key in (edges.label, edges.valid_from):
            if key is not None:
                same &= key[1:] == key[:-1]
        keep[:-1] = ~same
    return edges if keep.all() else edges.take(keep)


def _order(edges: Edges, node_count: int, order_by: Order) -> npt.NDArray[np.generic]:
    """The order by all four keys: successive stable sorts, the least significant key first."""
    order: npt.NDArray[np.generic] = np.arange(len(edges), dtype=np.uint32)
    if edges.valid_from is not None:
        order = np.argsort(edges.valid_from, kind="stable")
    keys = [(edges.target, node_count), (edges.source, node_count)]
    if edges.label is not None:
        keys.insert(0, (edges.label, int(edges.label.max(initial=0)) + 1))
    for key, limit in keys:
        order = order[order_by(key[order], limit)]
    return order


def remaining(edges: Edges) -> Edges:
    """The edges that are valid at some time. A withdrawn edge, or one with an empty interval, only removes a former
    one."""
    if edges.withdrawn is not None:
        edges = msgspec.structs.replace(edges.take(~edges.withdrawn), withdrawn=None)
    if edges.valid_from is None or edges.valid_to is None:
        return edges
    return edges.take(edges.valid_from < edges.valid_to)


def both_directions(edges: Edges, node_count: int, order_by: Order, *, is_base: bool) -> tuple[Rows, Rows]:
    """Outgoing and incoming rows of arranged edges."""
    keys, offsets = _row_starts(edges.source, node_count, is_base=is_base)
    mapping = edges.mapping
    if mapping is not None and is_base:
        edges = msgspec.structs.replace(edges, mapping=mapping.astype(_narrowest(mapping), copy=False))
    out = Rows(keys, offsets, edges.target, edges.valid_from, edges.valid_to, mapping=edges.mapping)
    turned = edges.take(order_by(edges.target, node_count))
    keys, offsets = _row_starts(turned.target, node_count, is_base=is_base)
    into = Rows(keys, offsets, turned.source, turned.valid_from, turned.valid_to, turned.label, turned.mapping)
    return out, into


def edges_of(into: Rows) -> Edges:
    """The edges of incoming rows, without the removed ones."""
    mapping = None if into.mapping is None else into.mapping.astype(np.uint32, copy=False)
    edges = Edges(into.targets, into.near_ends(), into.valid_from, into.valid_to, into.label, mapping)
    if into.gone is None:
        return edges
    stands = np.ones(len(edges), np.bool_)
    stands[into.gone] = False
    return edges.take(stands)


def all_edges(into: Adjacency) -> Edges:
    """The edges of the base and of every segment, older ones first."""
    return concatenate([edges_of(rows) for rows in into.pieces()])


def touch(touched: U64 | None, keys: U32, node_count: int) -> U64:
    """The bit set with these nodes added, in place if it is long enough."""
    words = (node_count >> 6) + 1
    if touched is None or len(touched) < words:
        grown = np.zeros(words + words // 8 + 16, np.uint64)
        if touched is not None:
            grown[: len(touched)] = touched
        touched = grown
    np.bitwise_or.at(touched, keys >> np.uint32(6), np.uint64(1) << (keys & np.uint32(63)).astype(np.uint64))
    return touched


def _row_starts(near: U32, node_count: int, *, is_base: bool) -> tuple[U32 | None, U32]:
    if is_base:
        offsets = np.zeros(node_count + 1, np.uint32)
        np.cumsum(np.bincount(near, minlength=node_count), out=offsets[1:])
        return None, offsets
    keys, counts = np.unique(near, return_counts=True)
    offsets = np.zeros(len(keys) + 1, np.uint32)
    np.cumsum(counts, out=offsets[1:])
    return keys, offsets


def _narrowest(mapping: U32) -> type[np.unsignedinteger]:
    top = int(mapping.max(initial=0))
    return np.uint8 if top < 2**8 else np.uint16 if top < 2**16 else np.uint32
