"""Shortest paths along column edges: how a column gets from one dataset into another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from headwater.errors import NotFound
from headwater.model.graph import Direction, FieldEdge
from headwater.query.columns import EVERY, ColumnReach, gap_words, walk_columns
from headwater.query.graph_builder import build, edge_key
from headwater.query.names import Labels
from headwater.query.resolve import Target
from headwater.query.result import LineageGraph
from headwater.query.walk import Edges
from headwater.storage.base import Store
from headwater.storage.row_types import EdgeRow

_Place = tuple[int, str]
"""A node and one of its columns."""


class _Step(NamedTuple):
    """A column edge on the way, as part of the edge that carries it."""

    before: _Place
    edge: EdgeRow
    field: FieldEdge


def find_column_path(
    store: Store, source: Target, target: Target, labels: Labels, *, as_of: int | None = None, limit: int = 1
) -> LineageGraph:
    """Return the shortest ways from source to target along their columns, at most ``limit`` of them, as one downstream
    graph. An end without a column stands for all its columns.

    Raises ``NotFound`` when no column edges lead either way; when they lead only backwards, that way is the answer and
    the gaps say so.
    """
    edges = Edges(store, as_of)
    names = _name(source, labels), _name(target, labels)
    there = _reach(edges, source)
    if ways := _ways(there, source, target, limit):
        return _graph(edges, ways, source, ())
    if ways := _ways(_reach(edges, target), target, source, limit):
        return _graph(edges, ways, target, (f"data flows the other way: from {names[1]} to {names[0]}",))
    gaps = gap_words(edges, there.unmapped, labels)
    raise NotFound(
        f"a path from {names[0]} to {names[1]}",
        message=f"no column edges lead from {names[0]} to {names[1]}, or back, as far as is known",
        hint="; ".join(gaps[:3]) or "without columns, the same question is about the datasets as a whole",
    )


def _name(end: Target, labels: Labels) -> str:
    return labels.of(end.node) + (f":{end.field}" if end.field else "")


def _reach(edges: Edges, start: Target) -> ColumnReach:
    fields = [start.field] if start.field else list(edges.store.fields(start.node.id))
    return walk_columns(edges, [(start.node, fields)], Direction.DOWNSTREAM)


def _ways(reach: ColumnReach, start: Target, stop: Target, limit: int) -> list[list[_Step]]:
    """The shortest ways, level by level. Values that flow come before those that only decide."""
    outgoing: dict[int, list[EdgeRow]] = {}
    for edge in reach.edges:
        outgoing.setdefault(edge.source_id, []).append(edge)
    places = [(start.node.id, start.field)] if start.field else [(start.node.id, name) for name in EVERY[1:]]
    steps: dict[_Place, list[_Step]] = {place: [] for place in places}
    while places:
        found: dict[_Place, list[_Step]] = {}
        for place in places:
            for step in _onward(place, outgoing, reach):
                after = (step.edge.target_id, step.field.target_field)
                if after not in steps:
                    found.setdefault(after, []).append(step)
        steps.update(found)
        places = list(found)
        ends = [place for place in places if place[0] == stop.node.id and _is(place[1], stop.field or "*")]
        if ends:
            ways = (way for end in ends for way in _back(end, steps))
            return sorted((way for way, _ in zip(ways, range(_MOST_WAYS), strict=False)), key=_indirections)[:limit]
    return []


_MOST_WAYS = 1_000
"""How many shortest ways are compared."""


def _onward(place: _Place, outgoing: dict[int, list[EdgeRow]], reach: ColumnReach) -> Iterator[_Step]:
    for edge in outgoing.get(place[0], ()):
        for field in reach.field_edges[edge_key(edge)]:
            if _is(field.source_field, place[1]):
                yield _Step(place, edge, field)


def _is(name: str, other: str) -> bool:
    return name == other or name in EVERY or other in EVERY


def _back(end: _Place, steps: dict[_Place, list[_Step]]) -> Iterator[list[_Step]]:
    """Every way that ends in a place, without recursion."""
    waiting: list[tuple[_Place, list[_Step]]] = [(end, [])]
    while waiting:
        place, way = waiting.pop()
        if not steps[place]:
            yield way
        waiting += [(step.before, [step, *way]) for step in reversed(steps[place])]


def _indirections(way: list[_Step]) -> int:
    return sum(step.field.type != "DIRECT" for step in way)


def _graph(edges: Edges, ways: list[list[_Step]], start: Target, gaps: tuple[str, ...]) -> LineageGraph:
    reach = ColumnReach()
    reach.levels[start.node.id] = 0
    carried: dict[int, tuple[EdgeRow, dict[FieldEdge, None]]] = {}
    for way in ways:
        for hop, step in enumerate(way, start=1):
            reach.levels.setdefault(step.edge.target_id, hop)
            ends = (step.edge.source_id, step.field.source_field), (step.edge.target_id, step.field.target_field)
            for node, name in (step.before, *ends):
                if name not in EVERY:
                    reach.fields.setdefault(node, set()).add(name)
            carried.setdefault(id(step.edge), (step.edge, {}))[1][step.field] = None
    reach.edges = [edge for edge, _ in carried.values()]
    reach.field_edges = {edge_key(edge): tuple(fields) for edge, fields in carried.values()}
    reach.total = len(reach.levels)
    return build(
        edges.store,
        reach,
        [start.node],
        Direction.DOWNSTREAM,
        as_of=edges.as_of,
        fields=reach.fields,
        field_edges=reach.field_edges,
        gaps=gaps,
    )
