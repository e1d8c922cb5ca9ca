"""Shortest paths along the data flow from one node to another."""

from __future__ import annotations

from itertools import pairwise

from headwater.errors import NotFound
from headwater.model.graph import Direction, NodeKind
from headwater.query.graph_builder import build
from headwater.query.instants import not_yet
from headwater.query.names import Labels
from headwater.query.result import LineageGraph
from headwater.query.walk import Edges, Reach, job_neighbours
from headwater.storage.base import Store
from headwater.storage.row_types import EdgeRow, NodeRow


def find_path(
    store: Store, source: NodeRow, target: NodeRow, labels: Labels, *, as_of: int | None = None, limit: int = 1
) -> LineageGraph:
    """Return the shortest ways from source to target, at most ``limit`` of them, as one downstream graph.

    A job as an end stands for its outputs (source) or inputs (target). Raises ``NotFound`` when data flows neither
    way; when it flows only backwards, that way is the answer and the gaps say so.
    """
    edges = Edges(store, as_of)
    if paths := _paths(edges, source, target, limit):
        return _graph(edges, paths, source, ())
    if paths := _paths(edges, target, source, limit):
        ends = labels.of(source), labels.of(target)
        return _graph(edges, paths, target, (f"data flows the other way: from {ends[1]} to {ends[0]}",))
    names = labels.of(source), labels.of(target)
    late = [
        word for name, row in zip(names, (source, target), strict=True) for word in not_yet(name, row.created_at, as_of)
    ]
    raise NotFound(
        f"a path from {names[0]} to {names[1]}",
        message=f"no data flows between {names[0]} and {names[1]}, either way, as far as is known",
        hint="; ".join(late) or None,
    )


def _paths(edges: Edges, source: NodeRow, target: NodeRow, limit: int) -> list[list[int]]:
    starts = _stand_ins(edges, source, Direction.DOWNSTREAM)
    stops = _stand_ins(edges, target, Direction.UPSTREAM)
    found: list[list[int]] = []
    for start in starts:
        for stop in stops:
            for path in edges.index.path(start, stop, as_of=edges.instant, limit=limit):
                ids = [int(key) for key in path]
                if source.kind is NodeKind.JOB and ids[0] != source.id:
                    ids.insert(0, source.id)
                if target.kind is NodeKind.JOB and ids[-1] != target.id:
                    ids.append(target.id)
                found.append(ids)
    shortest = min(map(len, found), default=0)
    return sorted(path for path in found if len(path) == shortest)[:limit]


def _stand_ins(edges: Edges, row: NodeRow, direction: Direction) -> list[int]:
    if row.kind is not NodeKind.JOB:
        return [row.id]
    return [row.id, *(key for key in job_neighbours(edges, row.id, direction) if key != row.id)]


def _graph(edges: Edges, paths: list[list[int]], root: NodeRow, gaps: tuple[str, ...]) -> LineageGraph:
    reach = Reach()
    pairs: set[tuple[int, int]] = set()
    for path in paths:
        for hop, key in enumerate(path):
            reach.levels[key] = min(hop, reach.levels.get(key, hop))
        pairs.update(pairwise(path))
    direct: dict[tuple[int, int], list[EdgeRow]] = {}
    for edge in edges.among(list(reach.levels)):
        direct.setdefault((edge.source_id, edge.target_id), []).append(edge)
    for near, far in sorted(pairs):
        reach.edges.extend(direct.get((near, far)) or _through_job(edges, near, far))
    reach.total = len(reach.levels)
    return build(edges.store, reach, [root], Direction.DOWNSTREAM, as_of=edges.as_of, gaps=gaps)


def _through_job(edges: Edges, near: int, far: int) -> list[EdgeRow]:
    """The edge of a step of which one end is a job that stands for its data: the job's own."""
    out_of_job = [edge for edge in edges.of_job(near, Direction.DOWNSTREAM) if edge.target_id == far]
    into_job = [edge for edge in edges.of_job(far, Direction.UPSTREAM) if edge.source_id == near]
    job = near if out_of_job else far
    return [
        EdgeRow(source_id=near, target_id=far, job_id=job, how=edge.how, run_id=edge.run_id, valid_from=edge.valid_from)
        for edge in (out_of_job or into_job)[:1]
    ]
