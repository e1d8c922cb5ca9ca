"""The graph around a dataset or a job, upstream and downstream.

The walk has a direction: a node is shown if data flowed from it to the requested one, or the other way. Marquez instead
adds every job that shares a dataset with a known one, and so shows other outputs of upstream jobs, and so on.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import msgspec

from headwater.formats.marquez.graph import DatasetData, DatasetNode, JobData, JobNode, Lineage, NodeEdge
from headwater.formats.marquez.requests import NodeId
from headwater.model.graph import Direction, NodeKind
from headwater.query.names import node_id
from headwater.query.walk import Edges, walk
from headwater.server.request import Call
from headwater.server.routes.marquez.datasets_shape import Datasets
from headwater.server.routes.marquez.jobs_shape import current_versions, job_data
from headwater.server.routes.marquez.nodes import find_node
from headwater.server.routes.marquez.operations import Depth, operation
from headwater.storage.base import Store
from headwater.storage.row_types import EdgeRow, NodeRow


class LineageQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A node, and the depth in jobs beyond those adjacent to it."""

    node_id: NodeId
    depth: Depth = 20


def get_lineage(call: Call) -> Lineage:
    """The graph around a node."""
    query: LineageQuery = call.query
    with call.store() as store:
        root = find_node(store, query.node_id)
        edges = Edges(store, root.as_of)
        limit = call.service.settings.limits.answer_nodes
        reaches = [walk(edges, [root.row], way, depth=query.depth + 1, limit=limit) for way in Direction]
        found = {(edge.source_id, edge.target_id, edge.job_id): edge for reach in reaches for edge in reach.edges}
        graph = _Graph(store, Datasets(store, call.service.documents, call.tenant))
        nodes = graph.of(root.row, {key for reach in reaches for key in reach.levels}, found.values())
        is_cut = any(reach.is_truncated for reach in reaches)
        return Lineage(graph=[*nodes], truncated=True if is_cut else msgspec.UNSET)


class _Graph:
    """Converts the result of a walk to nodes with edges."""

    def __init__(self, store: Store, datasets: Datasets) -> None:
        self._store = store
        self._datasets = datasets

    def of(self, root: NodeRow, reached: set[int], edges: Iterable[EdgeRow]) -> list[DatasetNode | JobNode]:
        """The nodes by id. Deleted ones are left out, but their neighbours stay connected."""
        pairs = {pair for edge in edges for pair in _steps(edge)}
        ids = sorted({root.id, *reached, *(end for pair in pairs for end in pair)})
        rows = {row.id: row for row in self._store.nodes(ids) if not row.is_deleted}
        into: dict[int, list[int]] = {key: [] for key in rows}
        out: dict[int, list[int]] = {key: [] for key in rows}
        for source, target in sorted(pairs):
            if source in rows and target in rows:
                into[target].append(source)
                out[source].append(target)
        names = {key: node_id(row) for key, row in rows.items()}
        nodes: list[DatasetNode | JobNode] = []
        for key, about in self._data(list(rows.values())).items():
            sources = [NodeEdge(origin=names[one], destination=names[key]) for one in into[key]]
            targets = [NodeEdge(origin=names[key], destination=names[one]) for one in out[key]]
            if isinstance(about, DatasetData):
                nodes.append(DatasetNode(id=names[key], data=about, in_edges=sources, out_edges=targets))
            else:
                nodes.append(JobNode(id=names[key], data=about, in_edges=sources, out_edges=targets))
        return sorted(nodes, key=lambda node: node.id)

    def _data(self, rows: list[NodeRow]) -> dict[int, DatasetData | JobData]:
        datasets = [row for row in rows if row.kind is NodeKind.DATASET]
        jobs = [row for row in rows if row.kind is NodeKind.JOB]
        written = self._store.latest_versions([row.id for row in datasets])
        ran = self._store.latest_runs([row.id for row in jobs])
        facets = {job.id: self._store.facets(job.id) for job in jobs}
        versions = current_versions(self._store, jobs, facets)
        found: dict[int, DatasetData | JobData] = {}
        found.update((row.id, self._datasets.data(row, written.get(row.id))) for row in datasets)
        for job in jobs:
            found[job.id] = job_data(self._store, job, facets[job.id], versions[job.id], ran.get(job.id))
        return found


def _steps(edge: EdgeRow) -> list[tuple[int, int]]:
    """An edge as Marquez has it: through the job that moves the data."""
    way = [edge.source_id, edge.job_id, edge.target_id] if edge.job_id else [edge.source_id, edge.target_id]
    return [(one, other) for one, other in pairwise(way) if one != other]


OPERATIONS = (
    operation("GET", "/api/v1/lineage", get_lineage, "The graph around a node.", query=LineageQuery, answer=Lineage),
)
