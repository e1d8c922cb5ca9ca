"""The walk over the dataset-level graph: which nodes a question reaches, how far they are and by which edges.

One hop goes from a dataset to a dataset; the job between is carried by the edge and not counted. Edges are exact: each
names its own source, so two outputs of one job never borrow each other's inputs. An edge is walked when it is valid at
``as_of`` (now when None), and never otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from headwater.model.graph import Direction, NodeKind
from headwater.storage.base import EdgeRow, NodeRow, Store


class Reach:
    """What a walk reached: hops by node id, the edges between nodes that are kept, and what was cut off."""

    def __init__(self) -> None:
        #: node id to hops from the nearest root, in the order of arrival: nearest first
        self.levels: dict[int, int] = {}
        #: edges whose two ends are both in ``levels``, in walk order
        self.edges: list[EdgeRow] = []
        #: per node kept, the neighbours in the walk's direction that exist and are not kept
        self.hidden: dict[int, int] = {}
        #: nodes the walk would reach without a limit, roots included
        self.total = 0
        #: a limit cut the walk
        self.is_truncated = False


class Ends(NamedTuple):
    """The near and far end of an edge, seen in the direction of a walk."""

    near: int
    far: int


def is_valid(edge: EdgeRow, as_of: int | None) -> bool:
    """Tell whether the edge holds at an instant (now when None)."""
    if as_of is None:
        return edge.valid_to is None
    return edge.valid_from <= as_of and (edge.valid_to is None or as_of < edge.valid_to)


def ends(edge: EdgeRow, direction: Direction) -> Ends:
    """Return the ends of an edge in the order in which a walk in that direction meets them."""
    if direction is Direction.UPSTREAM:
        return Ends(edge.target_id, edge.source_id)
    return Ends(edge.source_id, edge.target_id)


class Edges:
    """The valid edges of a store, fetched once a node and remembered for the length of one question."""

    def __init__(self, store: Store, as_of: int | None = None) -> None:
        self.store = store
        self.as_of = as_of
        self._known: dict[tuple[int, Direction], list[EdgeRow]] = {}

    def of(self, node: int, direction: Direction) -> list[EdgeRow]:
        """Return the valid edges of a dataset towards ``direction``, ordered by far end and job."""
        key = (node, direction)
        found = self._known.get(key)
        if found is None:
            if direction is Direction.UPSTREAM:
                rows = self.store.edges(target_id=node)
            else:
                rows = self.store.edges(source_id=node)
            found = [edge for edge in rows if is_valid(edge, self.as_of)]
            found.sort(key=lambda edge: (ends(edge, direction).far, edge.job_id))
            self._known[key] = found
        return found

    def of_job(self, job: int, direction: Direction) -> list[EdgeRow]:
        """Return the valid edges of a job: into its outputs downstream, out of its inputs upstream."""
        rows = [edge for edge in self.store.edges(job_id=job) if is_valid(edge, self.as_of)]
        away = [edge for edge in rows if ends(edge, direction).far != job]
        return sorted(away, key=lambda edge: (ends(edge, direction).far, edge.source_id, edge.target_id))


def job_neighbours(edges: Edges, job: int, direction: Direction) -> list[int]:
    """Return the outputs of a job downstream, its inputs upstream, each once."""
    return list(dict.fromkeys(ends(edge, direction).far for edge in edges.of_job(job, direction)))


NOW = 2**63 - 2
"""The instant at which exactly the edges without an end hold: how the graph index is asked about now."""


def walk(
    edges: Edges,
    roots: Iterable[NodeRow],
    direction: Direction,
    *,
    depth: int | None = None,
    limit: int | None = None,
) -> Reach:
    """Return what lies within ``depth`` hops of the roots (all of it when None), at most ``limit`` nodes nearest first.

    A job as a root stands for its own outputs (downstream) or inputs (upstream), one hop away.
    """
    given = {root.id: root for root in roots}
    jobs = {key for key, root in given.items() if root.kind is NodeKind.JOB}
    hops = _hops(edges, set(given) - jobs, direction, depth)
    if depth is None or depth > 0:
        beside = {far for job in jobs for far in job_neighbours(edges, job, direction)}
        rest = None if depth is None else depth - 1
        for key, hop in _hops(edges, beside, direction, rest).items():
            hops[key] = min(hops.get(key, hop + 1), hop + 1)
    hops.update(dict.fromkeys(given, 0))
    nearest = sorted(hops, key=lambda key: (hops[key], key))
    reach = Reach()
    reach.total = len(nearest)
    reach.is_truncated = limit is not None and len(nearest) > max(limit, len(given))
    kept = nearest if limit is None else nearest[: max(limit, len(given))]
    reach.levels = {key: hops[key] for key in kept}
    _keep_edges(edges, reach, direction, jobs)
    return reach


def _hops(edges: Edges, roots: set[int], direction: Direction, depth: int | None) -> dict[int, int]:
    """Return hops by node, from the graph index: complete, whatever the size of the answer."""
    if not roots:
        return {}
    reach = edges.store.index("dataset").walk(
        sorted(roots), direction=direction.value, depth=depth, as_of=NOW if edges.as_of is None else edges.as_of
    )
    return {int(key): max(0, int(hop)) for key, hop in zip(reach.ids, reach.levels, strict=True)}


def _keep_edges(edges: Edges, reach: Reach, direction: Direction, jobs: set[int]) -> None:
    """Fill in the edges between kept nodes, and count the neighbours that are not kept."""
    for node in reach.levels:
        rows = edges.of_job(node, direction) if node in jobs else edges.of(node, direction)
        hidden: set[int] = set()
        for edge in rows:
            far = ends(edge, direction).far
            if far not in reach.levels:
                hidden.add(far)
            elif node in jobs:
                reach.edges.append(_from_job(edge, node, direction))
            else:
                reach.edges.append(edge)
        if hidden:
            reach.hidden[node] = len(hidden)
    reach.edges = list({(edge.source_id, edge.target_id, edge.job_id): edge for edge in reach.edges}.values())


def _from_job(edge: EdgeRow, job: int, direction: Direction) -> EdgeRow:
    """Return the edge with the job itself as its near end: what a question about the job shows."""
    is_up = direction is Direction.UPSTREAM
    return EdgeRow(
        source_id=edge.source_id if is_up else job,
        target_id=job if is_up else edge.target_id,
        job_id=job,
        how=edge.how,
        run_id=edge.run_id,
        valid_from=edge.valid_from,
        valid_to=edge.valid_to,
    )
