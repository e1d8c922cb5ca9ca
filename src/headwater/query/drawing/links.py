"""The links of a picture: between cards, between columns, or through the pills of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from headwater.model.graph import Edge, FieldEdge, How
from headwater.query.drawing.cards import Words, pill_words
from headwater.query.drawing.geometry import Link
from headwater.query.drawing.grouping import Grouped
from headwater.query.names import Labels
from headwater.query.result import LineageGraph

_RANKS = {how: rank for rank, how in enumerate(How)}


class Part(NamedTuple):
    """An edge of the graph, or one column edge of it, that a line stands for."""

    edge: Edge
    is_indirect: bool


class Line(NamedTuple):
    """What the edges behind one line have in common."""

    job: str
    jobs: tuple[str, ...]
    run: str
    how: str
    is_indirect: bool
    is_past: bool
    edges: int


class Lines(NamedTuple):
    """The lines by the layout's link, the pills between cards, and how many edges lead from a card to itself."""

    parts: dict[Link, list[Part]]
    pills: dict[str, Words]
    loops: int


def line_of(parts: list[Part]) -> Line:
    """Return what is said of a line: the facts of the best known of its edges."""
    edges = [part.edge for part in parts]
    best = min(edges, key=lambda edge: (_RANKS[edge.how], edge.valid_to is not None, edge.job, edge.run))
    return Line(
        job=best.job,
        jobs=tuple(sorted({edge.job for edge in edges if edge.job})),
        run=best.run,
        how=best.how.value,
        is_indirect=all(part.is_indirect for part in parts),
        is_past=all(edge.valid_to is not None for edge in edges),
        edges=len({(edge.source, edge.target, edge.job, edge.run) for edge in edges}),
    )


def lines_of(
    graph: LineageGraph, grouping: Grouped, cards: Mapping[str, Words], labels: Labels, *, has_pills: bool
) -> Lines:
    """Return the lines. Edges with column edges between cards that show columns join columns; the others join cards,
    through a pill for their job if asked."""
    parts: dict[Link, list[Part]] = {}
    piped: list[tuple[tuple[str, str], Edge]] = []
    loops = 0
    for (source, target), edges in grouping.edges.items():
        if source not in cards or target not in cards:
            continue
        has_rows = bool(cards[source].fields and cards[target].fields)
        for edge in edges:
            if has_pills and edge.job and edge.job not in {edge.source, edge.target} and not (has_rows and edge.fields):
                piped.append(((source, target), edge))
            elif source == target:
                loops += 1
            else:
                _join(parts, source, target, cards, edge)
    pills = _pipe(parts, piped, graph, grouping, labels)
    return Lines(parts, pills, loops)


def _join(parts: dict[Link, list[Part]], source: str, target: str, cards: Mapping[str, Words], edge: Edge) -> None:
    for field in edge.fields:
        source_port, target_port = cards[source].port(field.source_field), cards[target].port(field.target_field)
        link = Link(source, target, source_port, target_port)
        parts.setdefault(link, []).append(Part(edge, _decides(field)))
    if not edge.fields:
        parts.setdefault(Link(source, target), []).append(Part(edge, False))


def _decides(field: FieldEdge) -> bool:
    return field.type == "INDIRECT"


def _all_decide(edge: Edge) -> bool:
    return bool(edge.fields) and all(_decides(field) for field in edge.fields)


def _pipe(
    parts: dict[Link, list[Part]],
    piped: list[tuple[tuple[str, str], Edge]],
    graph: LineageGraph,
    grouping: Grouped,
    labels: Labels,
) -> dict[str, Words]:
    """Add lines through pills. A job gets one pill for each group of outputs that share the same inputs, so that a
    picture never suggests that one output was made from another's inputs."""
    into: dict[tuple[str, str], dict[str, list[Edge]]] = {}
    for (source, target), edge in piped:
        into.setdefault((edge.job, target), {}).setdefault(source, []).append(edge)
    shares: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for job, target in sorted(into):
        shares.setdefault((job, tuple(sorted(into[job, target]))), []).append(target)
    nodes = {node.id: node for node in graph.nodes}
    taken = set(grouping.home.values()) | {end for ends in grouping.edges for end in ends}
    pills: dict[str, Words] = {}
    for (job, sources), targets in sorted(shares.items(), key=lambda item: (item[0][0], item[1])):
        key = job if job not in pills and job not in taken else f"{job} → {targets[0]}"
        pills[key] = pill_words(job, nodes.get(job), labels)
        for source in sources:
            edges = [edge for target in targets for edge in into[job, target][source]]
            parts[Link(source, key)] = [Part(edge, _all_decide(edge)) for edge in edges]
        for target in targets:
            edges = [edge for found in into[job, target].values() for edge in found]
            parts[Link(key, target)] = [Part(edge, _all_decide(edge)) for edge in edges]
    return pills
