"""Builds the graph of an answer from a walk: names, types and states are fetched only for what is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headwater.model.graph import Direction, Edge, FieldEdge, Node, NodeKind
from headwater.query.facet_values import as_seen
from headwater.query.names import node_id
from headwater.query.result import LineageGraph
from headwater.query.walk import Reach
from headwater.storage.base import Store
from headwater.storage.row_types import EdgeRow, NodeRow

EdgeKey = tuple[int, int, int]
"""Source, target and job, which identify an edge of an answer."""


def edge_key(edge: EdgeRow) -> EdgeKey:
    """Return the key that identifies this edge within an answer."""
    return (edge.source_id, edge.target_id, edge.job_id)


def build(
    store: Store,
    reach: Reach,
    roots: Sequence[NodeRow],
    direction: Direction | None,
    *,
    as_of: int | None = None,
    fields: dict[int, set[str]] | None = None,
    field_edges: dict[EdgeKey, tuple[FieldEdge, ...]] | None = None,
    gaps: Iterable[str] = (),
) -> LineageGraph:
    """Return the answer that a walk stands for; ``fields`` and ``field_edges`` make it an answer about columns."""
    job_ids = dict.fromkeys(edge.job_id for edge in reach.edges if edge.job_id not in reach.levels)
    rows = {row.id: row for row in store.nodes([*reach.levels, *job_ids])}
    job_levels = _job_levels(reach, direction)
    names = {key: node_id(row) for key, row in rows.items()}
    known = details(store, rows.values(), as_of)
    nodes: list[Node] = []
    for key in (*reach.levels, *job_ids):
        if key not in rows:
            continue
        level = reach.levels.get(key, job_levels.get(key, 0))
        properties = known[key]
        if fields is not None and key in fields:
            properties["fields"] = sorted(fields[key])
        nodes.append(shown_node(rows[key], level, properties))
    edges = [shown_edge(edge, names, (field_edges or {}).get(edge_key(edge), ())) for edge in reach.edges]
    return LineageGraph(
        roots=tuple(node_id(root) for root in roots),
        direction=direction.value if direction else "",
        nodes=tuple(nodes),
        edges=tuple(edges),
        as_of=as_of,
        truncated=reach.is_truncated,
        gaps=tuple(dict.fromkeys(gaps)),
        hidden={names[key]: count for key, count in reach.hidden.items() if key in names},
        columns=fields is not None,
        total=reach.total,
    )


def _job_levels(reach: Reach, direction: Direction | None) -> dict[int, int]:
    """A job between two datasets stands at the hop of the farther one."""
    levels: dict[int, int] = {}
    hops = reach.levels
    is_up = direction is Direction.UPSTREAM
    for edge in reach.edges:
        hop = hops.get(edge.source_id if is_up else edge.target_id, 0)
        if levels.setdefault(edge.job_id, hop) > hop:
            levels[edge.job_id] = hop
    return levels


def shown_node(row: NodeRow, level: int, properties: Mapping[str, Any] | None = None) -> Node:
    """Return a node of an answer; ``properties`` are what ``details`` gives of it."""
    found = dict(properties or {})
    return Node(
        id=node_id(row),
        kind=row.kind,
        namespace=row.namespace,
        name=row.name,
        type=row.type,
        state=found.pop("state", ""),
        level=level,
        properties=found,
    )


def shown_edge(edge: EdgeRow, names: dict[int, str], fields: tuple[FieldEdge, ...] = ()) -> Edge:
    """Return an edge of an answer; ``names`` holds the public names of its ends and its job."""
    return Edge(
        source=names[edge.source_id],
        target=names[edge.target_id],
        job=names.get(edge.job_id, ""),
        run=edge.run_id,
        how=edge.how,
        valid_from=edge.valid_from,
        valid_to=edge.valid_to,
        fields=fields,
    )


def details(store: Store, rows: Iterable[NodeRow], as_of: int | None) -> dict[int, dict[str, Any]]:
    """Return the properties of nodes in an answer, by node id.

    Of a job: ``state``, ``run`` and ``ran_at`` of its latest run. Of a dataset: ``version``, ``rows``, ``fingerprint``
    and ``written_at`` of its latest version, as far as they are known. Of either that it is ``deleted``.
    """
    rows = list(rows)
    found: dict[int, dict[str, Any]] = {row.id: {"deleted": True} if row.is_deleted else {} for row in rows}
    jobs = [row.id for row in rows if row.kind is NodeKind.JOB]
    for key, run in (store.latest_runs(jobs, as_of=as_of) if jobs else {}).items():
        found[key].update(state=run.state.value, run=run.run_id, ran_at=run.started_at)
    datasets = [row.id for row in rows if row.kind is not NodeKind.JOB]
    for latest in as_seen(store, store.latest_versions(datasets, as_of=as_of).values() if datasets else ()):
        key = latest.dataset_id
        found[key].update(version=latest.version, written_at=latest.created_at)
        if latest.row_count is not None:
            found[key]["rows"] = latest.row_count
        if latest.fingerprint:
            found[key]["fingerprint"] = latest.fingerprint
    return found
