"""The edges between the nodes of a set, to draw the result of a walk."""

from __future__ import annotations

import numpy as np

from headwater.storage.index.csr import Edges, Rows, Snapshot, concatenate, expand
from headwater.storage.index.edge_source import U32
from headwater.storage.index.mappings import MappingTable


def edges_inside(snapshot: Snapshot, ids: U32, as_of: int | None, mappings: MappingTable) -> Edges:
    """The valid edges with both ends in ``ids`` (ascending), by source and target."""
    edges = concatenate([_inside(rows, ids, as_of) for rows in snapshot.into.pieces()])
    edges = edges.take(
        np.lexsort([k for k in (edges.valid_from, edges.label) if k is not None] + [edges.target, edges.source])
    )
    if edges.mapping is None:
        return edges
    return Edges(*edges.parts()[:5], mappings.ids_of(edges.mapping))


def _inside(rows: Rows, ids: U32, as_of: int | None) -> Edges:
    low, high = rows.spans(ids)
    positions, which = expand(low, high)
    sources = rows.targets[positions]
    at = np.minimum(np.searchsorted(ids, sources), max(len(ids) - 1, 0))
    keep = ids[at] == sources if len(ids) else np.zeros(0, np.bool_)
    holds = rows.holds_at(positions, as_of)
    if holds is not None:
        keep &= holds
    positions = positions[keep]
    payload = (rows.valid_from, rows.valid_to, rows.label, rows.mapping)
    return Edges(sources[keep], ids[which[keep]], *(None if a is None else a[positions] for a in payload))
