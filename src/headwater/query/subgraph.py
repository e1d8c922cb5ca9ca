"""The subgraph of a set of nodes."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.model.graph import Direction
from headwater.query.graph_builder import build
from headwater.query.result import LineageGraph
from headwater.query.walk import Edges, Reach
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow


def subgraph(
    store: Store, rows: Sequence[NodeRow], *, as_of: int | None = None, limit: int | None = None
) -> LineageGraph:
    """Return the nodes and the edges whose two ends are among them; ``roots`` are those nothing of it flows into.

    A job is part of the picture where it joins two of the datasets, or was itself among the rows. Beyond ``limit``
    nodes the rest is left out and the answer is truncated.
    """
    edges = Edges(store, as_of)
    reach = Reach()
    reach.total = len(rows)
    reach.is_truncated = limit is not None and len(rows) > limit
    rows = rows[:limit]
    reach.levels = {row.id: 0 for row in rows}
    place = {row.id: place for place, row in enumerate(rows)}
    found = edges.among(list(reach.levels))
    reach.edges = sorted(found, key=lambda edge: (place[edge.target_id], edge.source_id, edge.job_id))
    fed = {edge.target_id for edge in reach.edges}
    joining = {edge.job_id for edge in reach.edges}
    roots = [row for row in rows if row.id not in fed and row.id not in joining]
    return build(store, reach, roots, Direction.DOWNSTREAM, as_of=as_of)
