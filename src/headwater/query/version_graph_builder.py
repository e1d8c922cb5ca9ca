"""Builds run-level answers: versions, connected by the runs that made one from another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

from headwater.model import node_ids
from headwater.model.graph import Direction, Edge, FieldEdge, How, Node, NodeKind
from headwater.query.facet_values import as_seen
from headwater.query.names import node_id, version_id
from headwater.query.result import LineageGraph
from headwater.query.version_graph import VersionGraph
from headwater.storage.base import Store
from headwater.storage.row_types import EdgeRow, NodeRow, RunRow, VersionRow


def versions_graph(
    store: Store,
    roots: Sequence[VersionRow],
    direction: Direction,
    *,
    depth: int | None = None,
    limit: int | None = None,
    with_fields: bool = False,
) -> LineageGraph:
    """Return what the versions were made from (upstream) or what was made from them, as versions and runs.

    A run that made a version from nothing known, or nothing of it, is an end of an edge itself. Versions of a dataset
    with the same content have the same name, and are one node.
    """
    graph = VersionGraph(store)
    hops, known, is_cut = graph.walk(list(roots), direction, depth=depth, limit=limit)
    datasets = {row.id: row for row in store.nodes(sorted({version.dataset_id for version in known.values()}))}
    names = {key: version_id(datasets[v.dataset_id], v.version) for key, v in known.items() if v.dataset_id in datasets}
    shown = {version.id: version for version in as_seen(store, (known[key] for key in hops))}
    nodes: dict[str, Node] = {}
    for key, hop in hops.items():
        nodes.setdefault(names[key], _version_node(datasets[known[key].dataset_id], shown[key], hop))
    links, outside = graph.inside(list(hops), direction)
    ends = graph.ends([key for key, hop in hops.items() if depth is None or hop < depth], direction)
    runs = graph.runs([*(link.derivation for link in links), *(step for _, step in ends)])
    edges: dict[tuple[str, str, str], Edge] = {}
    levels: dict[int, int] = {}
    evidence = _Evidence(store)
    for near, step, far in links:
        if step in runs:
            source, target = _in_order(direction, near, far)
            fields = _fields(graph, step, source, target) if with_fields else ()
            how = evidence.of(known[source], known[target], runs[step])
            edge = _edge(names[source], names[target], runs[step], known[target], how, fields)
            edges[edge.source, edge.target, edge.run] = edge
            levels[step] = min(levels.get(step, hops[far]), hops[far])
    for near, step in ends:
        if step in runs:
            start, end = _in_order(direction, names[near], node_ids.run_id(runs[step].run_id))
            edge = _edge(start, end, runs[step], known[near], How.DECLARED)
            edges[edge.source, edge.target, edge.run] = edge
            levels[step] = min(levels.get(step, hops[near] + 1), hops[near] + 1)
    hidden: Counter[str] = Counter()
    for key, count in outside.items():
        hidden[names[key]] += count
    return LineageGraph(
        roots=tuple(dict.fromkeys(names[root.id] for root in roots if root.id in names)),
        direction=direction.value,
        nodes=(*nodes.values(), *_run_nodes(store, runs, levels)),
        edges=tuple(edges.values()),
        truncated=is_cut,
        hidden=dict(hidden),
        columns=with_fields,
        total=graph.count(list(roots), direction, depth=depth) if is_cut else len(nodes),
        level="run",
    )


_T = TypeVar("_T")


def _in_order(direction: Direction, near: _T, far: _T) -> tuple[_T, _T]:
    """The two ends of a step of a walk, as data flows."""
    return (far, near) if direction is Direction.UPSTREAM else (near, far)


def _fields(graph: VersionGraph, derivation: int, source: int, target: int) -> tuple[FieldEdge, ...]:
    return tuple(field for start, field in graph.fields(derivation, target) if start == source)


class _Evidence:
    """How flows between versions are known: as those between their datasets were when the later version was made."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._into: dict[int, list[EdgeRow]] = {}

    def of(self, source: VersionRow, target: VersionRow, run: RunRow) -> How:
        """Return how the flow between two versions is known. What no edge between datasets shows, a run declares: that
        it builds on another, or adds to what a dataset held."""
        if target.dataset_id not in self._into:
            self._into[target.dataset_id] = self._store.edges(target_id=target.dataset_id)
        ends = (source.dataset_id, run.job_id)  # a large cross product leads through the job
        edges = [
            edge
            for edge in self._into[target.dataset_id]
            if edge.source_id in ends and edge.job_id == run.job_id and _held(edge, target.created_at)
        ]
        edges.sort(key=lambda edge: edge.source_id == run.job_id)
        return edges[0].how if edges else How.DECLARED


def _held(edge: EdgeRow, instant: int) -> bool:
    return edge.valid_from <= instant and (edge.valid_to is None or instant < edge.valid_to)


def _edge(
    source: str, target: str, run: RunRow, made: VersionRow, how: How, fields: tuple[FieldEdge, ...] = ()
) -> Edge:
    return Edge(
        source=source,
        target=target,
        job=node_ids.run_id(run.run_id),
        run=run.run_id,
        how=how,
        valid_from=made.created_at,
        fields=fields,
    )


def _version_node(row: NodeRow, version: VersionRow, level: int) -> Node:
    properties: dict[str, Any] = {
        "dataset": node_id(row),
        "version": version.version,
        "ordinal": version.ordinal,
        "written_at": version.created_at,
    }
    if version.row_count is not None:
        properties["rows"] = version.row_count
    if version.fingerprint:
        properties["fingerprint"] = version.fingerprint
    return Node(
        id=version_id(row, version.version),
        kind=NodeKind.DATASET_VERSION,
        namespace=row.namespace,
        name=row.name,
        type=row.type,
        level=level,
        properties=properties,
    )


def _run_nodes(store: Store, runs: dict[int, RunRow], levels: dict[int, int]) -> list[Node]:
    """The nodes of runs, each once, given by the hops of their derivations."""
    hops: dict[str, int] = {}
    for step, hop in levels.items():
        hops[runs[step].run_id] = min(hops.get(runs[step].run_id, hop), hop)
    by_id = {runs[step].run_id: runs[step] for step in levels}
    jobs = {row.id: row for row in store.nodes(list({run.job_id for run in by_id.values()}))}
    return [_run_node(by_id[run_id], jobs.get(by_id[run_id].job_id), hop) for run_id, hop in hops.items()]


def _run_node(run: RunRow, job: NodeRow | None, level: int) -> Node:
    return Node(
        id=node_ids.run_id(run.run_id),
        kind=NodeKind.RUN,
        namespace=job.namespace if job else "",
        name=job.name if job else run.run_id,
        type=run.operation,
        state=run.state.value,
        level=level,
        properties={"run": run.run_id, "ran_at": run.started_at, "job": node_id(job) if job else ""},
    )
