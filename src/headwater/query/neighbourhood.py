"""The part of the graph shown around a node: some hops each way, expanded or collapsed on request.

One hop goes from a dataset to a dataset. Every node of the answer counts its neighbours that are not shown, upstream
and downstream apart.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from headwater.model.graph import Direction, FieldEdge, NodeKind
from headwater.query.columns import EVERY
from headwater.query.facet_values import known_columns
from headwater.query.graph_builder import EdgeKey, build, edge_key
from headwater.query.names import node_id
from headwater.query.result import LineageGraph
from headwater.query.walk import Edges, Reach, ends, is_valid, job_neighbours
from headwater.storage.base import Store
from headwater.storage.row_types import EdgeRow, NodeRow

_BOTH = (Direction.UPSTREAM, Direction.DOWNSTREAM)
MOST_GHOSTS = 300
"""Answers of more nodes than this leave out the edges that do not hold."""


class Extent(msgspec.Struct, frozen=True, kw_only=True):
    """How far to go. Keys are of the store: nodes opened or shut by hand in a direction."""

    up: int = 1
    down: int = 1
    opened: Mapping[Direction, frozenset[int]] = {}
    shut: Mapping[Direction, frozenset[int]] = {}

    def hops(self, direction: Direction) -> int:
        """The hops from the root in a direction."""
        return self.up if direction is Direction.UPSTREAM else self.down


class Neighbourhood(msgspec.Struct, frozen=True, kw_only=True):
    """The nodes around a root with the edges between them, and what lies beyond, by node id."""

    graph: LineageGraph
    hidden_up: dict[str, int]
    hidden_down: dict[str, int]
    columns: dict[str, tuple[tuple[str, str], ...]] | None = None
    """All columns of each dataset with their types ("" not known), by node id, where they were asked for."""
    keys: dict[str, int] = {}
    """The store's keys of the nodes that hops led to, by node id."""


def neighbourhood(
    store: Store,
    root: NodeRow,
    extent: Extent,
    *,
    as_of: int | None = None,
    limit: int = 500,
    with_ghosts: bool = False,
    with_columns: bool = False,
) -> Neighbourhood:
    """Return what is shown around a node, at most ``limit`` nodes, nearest first.

    ``with_ghosts`` adds the edges between shown nodes that held once, or will, and do not at ``as_of``;
    ``with_columns`` the column edges between them.
    """
    edges = Edges(store, as_of)
    levels, is_truncated = _spread(edges, root, extent, limit)
    reach = Reach()
    reach.levels = dict(levels)
    reach.edges = edges.among(list(levels))
    if with_ghosts and len(levels) <= MOST_GHOSTS:
        reach.edges += _ghosts(edges, levels)
    reach.total, reach.is_truncated = len(levels), is_truncated
    if root.kind is NodeKind.JOB and _is_between(root.id, reach.edges):
        del reach.levels[root.id]  # ``build`` adds it as the job of its edges
    fields, field_edges = _columns(edges, reach.edges) if with_columns else (None, None)
    graph = build(store, reach, [root], None, as_of=as_of, fields=fields, field_edges=field_edges)
    ids = {row.id: node_id(row) for row in store.nodes(list(levels))}
    columns = None
    if with_columns:
        columns = {
            ids[key]: tuple(known_columns(store, key, as_of=as_of, moved=(fields or {}).get(key, ())))
            for key in levels
            if key in ids
        }
    hidden = {direction: _beyond(edges, levels, direction) for direction in _BOTH}
    return Neighbourhood(
        graph=graph,
        hidden_up={ids[key]: count for key, count in hidden[Direction.UPSTREAM].items() if key in ids},
        hidden_down={ids[key]: count for key, count in hidden[Direction.DOWNSTREAM].items() if key in ids},
        columns=columns,
        keys={name: key for key, name in ids.items()},
    )


def _is_between(job: int, rows: Iterable[EdgeRow]) -> bool:
    """Tell whether a job stands between datasets, and is not itself the end of an edge."""
    is_end = any(job in (row.source_id, row.target_id) for row in rows)
    return not is_end and any(row.job_id == job for row in rows)


def _columns(edges: Edges, rows: Sequence[EdgeRow]) -> tuple[dict[int, set[str]], dict[EdgeKey, tuple[FieldEdge, ...]]]:
    """The column edges of these edges, and the columns of each node that take part in one."""
    edges.load_mappings(rows)
    fields: dict[int, set[str]] = {}
    field_edges: dict[EdgeKey, tuple[FieldEdge, ...]] = {}
    for row in rows:
        mapping = edges.mapping(row)
        field_edges[edge_key(row)] = mapping
        for field in mapping:
            fields.setdefault(row.source_id, set()).add(field.source_field)
            fields.setdefault(row.target_id, set()).add(field.target_field)
    return {key: names - set(EVERY) for key, names in fields.items()}, field_edges


def _beyond(edges: Edges, kept: Collection[int], direction: Direction) -> dict[int, int]:
    found = edges.index.beyond(list(kept), direction.value, kept=kept, as_of=edges.instant)
    return {key: count for key, count in found.items() if count}


def _ghosts(edges: Edges, kept: Collection[int]) -> list[EdgeRow]:
    """The edges between these nodes that do not hold at the instant; the latest of several with the same ends."""
    valid = {(edge.source_id, edge.target_id, edge.job_id) for edge in edges.among(list(kept))}
    found: dict[tuple[int, int, int], EdgeRow] = {}
    for node in kept:
        for edge in edges.store.edges(source_id=node):
            key = (edge.source_id, edge.target_id, edge.job_id)
            if edge.target_id in kept and key not in valid and not is_valid(edge, edges.as_of):
                found[key] = edge
    return [found[key] for key in sorted(found)]


def _spread(edges: Edges, root: NodeRow, extent: Extent, limit: int) -> tuple[dict[int, int], bool]:
    """Hops by node, and whether the limit left something out."""
    shown = _Shown(limit)
    shown.add(root.id, 0)
    starts = {direction: _starts(edges, root, direction) for direction in _BOTH}
    for direction in _BOTH:
        frontier = [root.id]
        for hop in range(1, extent.hops(direction) + 1):
            frontier = [key for key in frontier if key not in extent.shut.get(direction, frozenset())]
            beyond = starts[direction] if hop == 1 else _next(edges, frontier, direction)
            if root.id in extent.shut.get(direction, frozenset()):
                break
            frontier = [key for key in beyond if shown.add(key, hop)]
    _open(edges, root, starts, extent, shown)
    return shown.levels, shown.is_truncated


def _open(edges: Edges, root: NodeRow, starts: Mapping[Direction, list[int]], extent: Extent, shown: _Shown) -> None:
    """Go one hop from every opened node that is shown, and on from what that shows."""
    done: dict[Direction, set[int]] = {direction: set() for direction in _BOTH}
    while True:
        fresh = {
            direction: [
                key for key in shown.levels if key in extent.opened.get(direction, ()) and key not in done[direction]
            ]
            for direction in _BOTH
        }
        if not any(fresh.values()):
            return
        for direction, keys in fresh.items():
            done[direction].update(keys)
            for key in keys:
                beyond = starts[direction] if key == root.id else _next(edges, [key], direction)
                for far in beyond:
                    shown.add(far, shown.levels[key] + 1)


class _Shown:
    """The nodes that are shown, until there is no more room."""

    def __init__(self, limit: int) -> None:
        self.levels: dict[int, int] = {}
        self.is_truncated = False
        self._limit = limit

    def add(self, key: int, hops: int) -> bool:
        """Show a node; returns whether it is new."""
        if key in self.levels:
            return False
        if len(self.levels) >= self._limit:
            self.is_truncated = True
            return False
        self.levels[key] = hops
        return True


def _starts(edges: Edges, root: NodeRow, direction: Direction) -> list[int]:
    """One hop from the root: of a job, its own inputs or outputs."""
    if root.kind is NodeKind.JOB:
        return job_neighbours(edges, root.id, direction)
    return _next(edges, [root.id], direction)


def _next(edges: Edges, keys: Iterable[int], direction: Direction) -> list[int]:
    keys = list(keys)
    edges.load(keys, direction)
    return list(dict.fromkeys(ends(edge, direction).far for key in keys for edge in edges.of(key, direction)))
