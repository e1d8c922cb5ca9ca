"""The nearest nodes of a walk, in an order that does not depend on the kernel."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from headwater.storage.index.csr import Adjacency, expand
from headwater.storage.index.edge_source import U8, U32
from headwater.storage.index.kernels import Kernel
from headwater.storage.index.walk_request import Layers, Question


class Nearest(msgspec.Struct, frozen=True, eq=False):
    """``ids`` with their ``hops`` from the nearest root, by (hops, id).

    ``everything`` has all ids reached, ascending, including those beyond the limit.
    """

    ids: U32
    hops: npt.NDArray[np.int64]
    everything: U32


def nearest(kernel: Kernel, graph: Adjacency, question: Question, kinds: U8, limit: int | None) -> Nearest:
    """The first ``limit`` nodes reached, by (hops, id); all if None. ``question`` has no budget."""
    if limit is None or question.depth is not None:
        found = kernel.layers(graph, question)
        ids, hops = _in_order(found)
        return Nearest(ids[:limit], hops[:limit], np.sort(ids))
    everything, _ = kernel.closure(graph, question, kinds)
    found = kernel.layers(graph, msgspec.structs.replace(question, budget=limit))
    if found.is_over_budget:
        # The hop that exceeded the budget holds arbitrary nodes: walk it completely, to keep those with the least ids.
        found = kernel.layers(graph, msgspec.structs.replace(question, depth=len(found.starts) - 2))
    ids, hops = _in_order(found)
    return Nearest(ids[:limit], hops[:limit], everything)


def _in_order(layers: Layers) -> tuple[U32, npt.NDArray[np.int64]]:
    hops = np.repeat(np.arange(len(layers.starts) - 1, dtype=np.int64), np.diff(layers.starts))
    order = np.lexsort((layers.ids, hops))
    return layers.ids[order], hops[order]


def steps(graph: Adjacency, question: Question) -> tuple[U32, U32]:
    """Every (near, far) pair with an edge from one of the question's roots, each once, sorted."""
    pairs = []
    for rows in graph.pieces():
        positions, which = expand(*rows.spans(question.roots))
        far = rows.targets[positions]
        keep = far < question.cut
        holds = rows.holds_at(positions, question.as_of)
        if holds is not None:
            keep &= holds
        near = question.roots[which[keep]].astype(np.uint64)
        pairs.append(near << np.uint64(32) | far[keep])
    joined = np.unique(np.concatenate(pairs))
    return (joined >> np.uint64(32)).astype(np.uint32), joined.astype(np.uint32)
