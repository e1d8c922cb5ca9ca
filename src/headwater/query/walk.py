"""Walks the dataset-level graph: reachable nodes, their distance and the edges to them.

One hop goes from a dataset to a dataset; the job between is carried by the edge and not counted. Edges are exact: each
names its own source, so two outputs of one job never borrow each other's inputs. An edge is walked when it is valid at
``as_of`` (now when None), and never otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from headwater.model.graph import Direction, FieldEdge, How, NodeKind
from headwater.storage.base import Store
from headwater.storage.row_types import EdgeRow, NodeRow, Side

if TYPE_CHECKING:  # a question that walks nothing does not need numpy
    import numpy as np
    import numpy.typing as npt

    from headwater.storage.index import GraphIndex


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


NOW = 2**63 - 2
"""The instant at which exactly the edges without an end hold: how the graph index is asked about now."""


_HOWS = {how: rank for rank, how in enumerate(How)}
"""How an edge is known, the strongest first."""


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
    """The valid edges of a store, fetched many at a time and remembered for the duration of one question."""

    def __init__(self, store: Store, as_of: int | None = None) -> None:
        self._index: GraphIndex | None = None
        self.store = store
        self.as_of = as_of
        self.instant = NOW if as_of is None else as_of
        self._known: dict[tuple[int, Direction], list[EdgeRow]] = {}
        self._mappings: dict[int, tuple[FieldEdge, ...]] = {0: ()}

    @property
    def index(self) -> GraphIndex:
        """The graph index as it was when the question was begun."""
        if self._index is None:  # no cached_property: its lock is one for all, and who asks the store may wait
            self._index = self.store.index("dataset")
        return self._index

    def load(self, nodes: Iterable[int], direction: Direction) -> None:
        """Fetch the edges of these datasets towards ``direction``, as far as they are not known."""
        wanted = [node for node in dict.fromkeys(nodes) if (node, direction) not in self._known]
        if not wanted:
            return
        self._known.update(((node, direction), []) for node in wanted)
        side: Side = "target" if direction is Direction.UPSTREAM else "source"
        for edge in self.store.edges_of(wanted, side, as_of=self.as_of):
            self._known[ends(edge, direction).near, direction].append(edge)
        for node in wanted:
            self._known[node, direction].sort(key=lambda edge: (ends(edge, direction).far, edge.job_id))

    def of(self, node: int, direction: Direction) -> list[EdgeRow]:
        """Return the valid edges of a dataset towards ``direction``, ordered by far end and job, without those from it
        to itself: these carry columns only."""
        return [edge for edge in self.of_columns(node, direction) if edge.source_id != edge.target_id]

    def of_columns(self, node: int, direction: Direction) -> list[EdgeRow]:
        """Return the same with those that carry columns of a dataset to other columns of it."""
        self.load((node,), direction)
        return self._known[node, direction]

    def of_job(self, job: int, direction: Direction) -> list[EdgeRow]:
        """Return the valid edges of a job: into its outputs downstream, out of its inputs upstream."""
        rows = self.store.edges_of([job], "job", as_of=self.as_of)
        away = [edge for edge in rows if ends(edge, direction).far != job and edge.source_id != edge.target_id]
        return sorted(away, key=lambda edge: (ends(edge, direction).far, edge.source_id, edge.target_id))

    def among(self, nodes: Sequence[int]) -> list[EdgeRow]:
        """Return the valid edges whose two ends are among these nodes, by source, target and job."""
        return self.store.edges_among(nodes, as_of=self.as_of)

    def load_mappings(self, edges: Iterable[EdgeRow]) -> None:
        """Fetch the column edges of these edges, as far as they are not known."""
        wanted = {edge.mapping for edge in edges} - self._mappings.keys()
        if wanted:
            self._mappings.update(self.store.mappings(list(wanted)))

    def mapping(self, edge: EdgeRow) -> tuple[FieldEdge, ...]:
        """Return the column edges of an edge; none where none are known."""
        if edge.mapping not in self._mappings:
            self.load_mappings((edge,))
        return self._mappings[edge.mapping]


def job_neighbours(edges: Edges, job: int, direction: Direction) -> list[int]:
    """Return the outputs of a job downstream, its inputs upstream, each once."""
    return list(dict.fromkeys(ends(edge, direction).far for edge in edges.of_job(job, direction)))


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
    reach = walk_nodes(edges, given, jobs, direction, depth=depth, limit=limit)
    _keep_edges(edges, reach, direction, jobs)
    return reach


def walk_nodes(
    edges: Edges,
    given: Collection[int],
    jobs: Collection[int],
    direction: Direction,
    *,
    depth: int | None = None,
    limit: int | None = None,
) -> Reach:
    """Return the nodes of ``walk`` without the edges between them; ``jobs`` are those of the roots that are jobs."""
    most = None if limit is None else max(limit, len(given))
    reached = [_Reached(edges, set(given).difference(jobs), direction, depth, most)]
    if jobs and (depth is None or depth > 0):
        beside = {far for job in jobs for far in job_neighbours(edges, job, direction)}
        reached.append(_Reached(edges, beside, direction, None if depth is None else depth - 1, most, further=1))
    hops: dict[int, int] = {}
    for part in reached:
        for key, hop in part.hops.items():
            hops[key] = min(hops.get(key, hop), hop)
    hops.update(dict.fromkeys(given, 0))
    nearest = sorted(hops, key=lambda key: (hops[key], key))[:most]
    reach = Reach()
    reach.total = _count(given, reached)
    reach.is_truncated = reach.total > len(nearest)
    reach.levels = {key: hops[key] for key in nearest}
    return reach


class _Reached:
    """What some datasets reach, from the graph index: hops of the nearest ``most``, ids of everything, ascending."""

    def __init__(
        self,
        edges: Edges,
        roots: Collection[int],
        direction: Direction,
        depth: int | None,
        most: int | None,
        *,
        further: int = 0,
    ) -> None:
        self.hops: dict[int, int] = {}
        self.everything: npt.NDArray[np.uint32] | None = None
        if not roots:
            return
        found = edges.index.nearest(roots, direction=direction.value, depth=depth, as_of=edges.instant, limit=most)
        self.hops = dict(zip(found.ids.tolist(), (found.hops + further).tolist(), strict=True))
        self.everything = found.everything


def _count(given: Collection[int], reached: Sequence[_Reached]) -> int:
    """How many nodes the roots and what they reach are together."""
    found = [part.everything for part in reached if part.everything is not None]
    if len(found) == 1:
        return len(found[0]) + sum(key not in found[0] for key in given)
    return len(set(given).union(*(ids.tolist() for ids in found)))


def _keep_edges(edges: Edges, reach: Reach, direction: Direction, jobs: set[int]) -> None:
    """Fill in the edges between kept nodes, and count the neighbours that are not kept."""
    is_up = direction is Direction.UPSTREAM
    known: dict[int, list[EdgeRow]] = {}
    datasets = [node for node in reach.levels if node not in jobs]
    # The index counts them, however many they are; the store would hand each one over.
    hidden = edges.index.beyond(datasets, direction.value, kept=reach.levels, as_of=edges.instant)
    for edge in edges.among(list(reach.levels)):  # by source, target and job: for each near end by far end and job
        known.setdefault(edge.target_id if is_up else edge.source_id, []).append(edge)
    found: list[EdgeRow] = []
    for node in reach.levels:
        if node in jobs:
            rows = edges.of_job(node, direction)
            far = {ends(edge, direction).far for edge in rows}
            found += [_from_job(edge, node, direction) for edge in rows if ends(edge, direction).far in reach.levels]
            hidden[node] = len(far - reach.levels.keys())
        else:
            found += known.get(node, ())
    reach.hidden = {node: hidden[node] for node in reach.levels if hidden.get(node)}
    reach.edges = distinct(found)


def distinct(rows: Iterable[EdgeRow]) -> list[EdgeRow]:
    """Return one edge for each source, target and job: the best known, by what it says and never by its ids."""
    best: dict[tuple[int, int, int], EdgeRow] = {}
    for edge in rows:
        key = (edge.source_id, edge.target_id, edge.job_id)
        known = best.get(key)
        if known is None or _order_of_trust(edge) < _order_of_trust(known):
            best[key] = edge
    return list(best.values())


def _order_of_trust(edge: EdgeRow) -> tuple[int, bool, int, int, str]:
    """Sort key: the strongest evidence first, what a run showed before what was only designed, the longest first."""
    until = NOW if edge.valid_to is None else edge.valid_to
    return (_HOWS[edge.how], not edge.run_id, edge.valid_from, -until, edge.run_id)


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
