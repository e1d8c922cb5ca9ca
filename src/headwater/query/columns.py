"""Walks the graph over column edges, starting from named columns.

An edge without column lineage ends the walk there; it is not guessed through but listed as a gap. The columns that an
edge carries in an answer are those that take part in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headwater.model.graph import WHOLE, Direction, FieldEdge
from headwater.query.graph_builder import EdgeKey, edge_key
from headwater.query.names import Labels
from headwater.query.walk import Edges, Reach, ends
from headwater.storage.row_types import EdgeRow, NodeRow

EVERY = (WHOLE, "*")
"""Names that stand for every column of a dataset in a column edge."""


class ColumnReach(Reach):
    """The result of a column walk: nodes and edges, with the columns of each and the column edges."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[int, set[str]] = {}
        self.field_edges: dict[EdgeKey, tuple[FieldEdge, ...]] = {}
        #: edges that touch a reached node and say nothing of columns
        self.unmapped: list[EdgeRow] = []


def walk_columns(
    edges: Edges,
    roots: Iterable[tuple[NodeRow, Sequence[str]]],
    direction: Direction,
    *,
    depth: int | None = None,
    limit: int | None = None,
) -> ColumnReach:
    """Return what the given columns of each root come from (upstream) or go into (downstream)."""
    reach = ColumnReach()
    frontier: dict[int, set[str]] = {}
    for row, names in roots:
        reach.levels.setdefault(row.id, 0)
        frontier.setdefault(row.id, set()).update(names)
    reach.fields = {node: set(fields) for node, fields in frontier.items()}
    collected: dict[EdgeKey, tuple[EdgeRow, dict[FieldEdge, None]]] = {}
    unmapped: dict[EdgeKey, EdgeRow] = {}
    hops = 0
    while frontier and (depth is None or hops < depth):
        hops += 1
        reached: dict[int, set[str]] = {}
        edges.load(frontier, direction)
        edges.load_mappings(edge for node in frontier for edge in edges.of_columns(node, direction))
        for node, fields in frontier.items():
            for edge in edges.of_columns(node, direction):
                far = ends(edge, direction).far
                mapping = edges.mapping(edge)
                if not mapping:
                    unmapped[edge_key(edge)] = edge
                    continue
                hits = [field for field in mapping if _near(field, direction) in fields or _is_every(field, direction)]
                if not hits:
                    continue
                if far not in reach.levels:
                    if limit is not None and len(reach.levels) >= limit:
                        reach.is_truncated = True
                        reach.hidden[node] = reach.hidden.get(node, 0) + 1
                        continue
                    reach.levels[far] = hops
                collected.setdefault(edge_key(edge), (edge, {}))[1].update(dict.fromkeys(hits))
                fresh = {_far(field, direction) for field in hits} - reach.fields.get(far, set()) - set(EVERY)
                if any(_far(field, direction) in EVERY for field in hits):
                    fresh |= set(edges.store.fields(far)) - reach.fields.get(far, set())
                if fresh:
                    reach.fields.setdefault(far, set()).update(fresh)
                    reached.setdefault(far, set()).update(fresh)
        frontier = reached
    reach.edges = [edge for edge, _ in collected.values()]
    reach.field_edges = {key: tuple(fields) for key, (_, fields) in collected.items()}
    reach.unmapped = list(unmapped.values())
    reach.total = len(reach.levels)
    return reach


def _near(field: FieldEdge, direction: Direction) -> str:
    return field.target_field if direction is Direction.UPSTREAM else field.source_field


def _far(field: FieldEdge, direction: Direction) -> str:
    return field.source_field if direction is Direction.UPSTREAM else field.target_field


def _is_every(field: FieldEdge, direction: Direction) -> bool:
    return _near(field, direction) in EVERY


def gap_words(edges: Edges, unmapped: Sequence[EdgeRow], labels: Labels) -> list[str]:
    """Return a sentence for each edge beyond which no column is known."""
    wanted = {key for edge in unmapped for key in (edge.source_id, edge.target_id, edge.job_id)}
    names = {row.id: labels.of(row) for row in edges.store.nodes(sorted(wanted))}
    words = []
    for edge in unmapped:
        if edge.job_id in (edge.source_id, edge.target_id):  # a job only reads or only writes here: no column to follow
            continue
        by = f" (by {names[edge.job_id]})" if edge.job_id in names else ""
        words.append(f"no column lineage from {names.get(edge.source_id, '?')} to {names.get(edge.target_id, '?')}{by}")
    return sorted(set(words))
