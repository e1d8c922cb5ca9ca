"""The walk behind ``impact``: what is certainly or possibly affected, and by which path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from headwater.model.graph import WHOLE, Direction, FieldEdge, How, NodeKind
from headwater.query.columns import EVERY, gap_words
from headwater.query.facet_values import body
from headwater.query.graph_builder import details, shown_node
from headwater.query.impact import SEVERITIES, Affected, Certainty, Change, Impact, Severity, Step
from headwater.query.importances import Importances, learned_words, read_importances
from headwater.query.names import Labels, is_in_memory, node_id
from headwater.query.terminal_text import listing
from headwater.query.walk import Edges
from headwater.storage.row_types import EdgeRow, NodeRow


class Place(NamedTuple):
    """A column of a node; ``WHOLE`` for the node itself."""

    node: int
    field: str


class Arrival(NamedTuple):
    """How a place was reached: from where, by which edge, through which column edge, at which hop."""

    origin: Place | None
    edge: EdgeRow | None
    by: FieldEdge | None
    hops: int


class Reached:
    """Every place reached, nearest first, with one way there; the other ways as short; what each job was used for."""

    def __init__(self, start: Place) -> None:
        self.by: dict[Place, Arrival] = {start: Arrival(None, None, None, 0)}
        #: ways as short as the one in ``by``: which of them is shown must not depend on the order of arrival
        self.others: dict[Place, list[Arrival]] = {}
        #: every way that was found over an edge of a job, the job that leads to what is reached already included
        self.uses: dict[int, list[Arrival]] = {}

    def add(self, place: Place, arrival: Arrival) -> bool:
        """Note a way to a place; true when it is the first."""
        if arrival.edge is not None and arrival.edge.job_id:
            self.uses.setdefault(arrival.edge.job_id, []).append(arrival)
        known = self.by.setdefault(place, arrival)
        if known is not arrival and known.hops == arrival.hops:
            self.others.setdefault(place, []).append(arrival)
        return known is arrival


_IMPORTANCE = ("ENDPOINT", "PREDICTIONS", "DASHBOARD", "MODEL", "CHECKPOINT", "FEATURE_VIEW")


def find_impact(
    edges: Edges,
    root: NodeRow,
    field: str,
    change: Change,
    *,
    depth: int | None = None,
    limit: int | None = None,
    labels: Labels,
) -> Impact:
    """Return what a change of a dataset, or of one of its columns, does downstream."""
    start = Place(root.id, field)
    walk = _Walk(edges, start, depth)
    sure = walk.run(is_sure=True)
    possible = walk.run(is_sure=False)
    report = _Report(edges, start, change, sure, possible, labels)
    items = report.items()
    shown = items if limit is None else items[:limit]
    return Impact(
        root=shown_node(root, 0, details(edges.store, [root], edges.as_of)[root.id]),
        field=field,
        change=change,
        items=report.detailed(shown),
        as_of=edges.as_of,
        truncated=limit is not None and len(items) > limit,
        gaps=tuple(gap_words(edges, list(walk.unmapped.values()), labels)) if field else (),
    )


class _Walk:
    def __init__(self, edges: Edges, start: Place, depth: int | None) -> None:
        self.edges = edges
        self.start = start
        self.depth = depth
        self.unmapped: dict[tuple[int, int, int], EdgeRow] = {}

    def run(self, *, is_sure: bool) -> Reached:
        """Return every place reached, nearest first; ``is_sure`` follows only links that carry the value."""
        reached = Reached(self.start)
        frontier, hops = [self.start], 0
        while frontier and (self.depth is None or hops < self.depth):
            hops += 1
            fresh: list[Place] = []
            self._load({place.node for place in frontier})
            for place in frontier:
                for target, edge, by in self._links(place, is_sure=is_sure):
                    if reached.add(target, Arrival(place, edge, by, hops)):
                        fresh.append(target)
            frontier = fresh
        return reached

    def _load(self, nodes: set[int]) -> None:
        """Fetch at once what the links of these nodes are made of."""
        self.edges.load(nodes, Direction.DOWNSTREAM)
        out = [edge for node in nodes for edge in self._out(node)]
        if self.start.field == WHOLE:
            self.edges.load((edge.target_id for edge in out), Direction.UPSTREAM)
        else:
            self.edges.load_mappings(out)

    def _out(self, node: int) -> list[EdgeRow]:
        """The edges along which the question goes on: of a column, also to other columns of the same dataset."""
        edges = self.edges.of if self.start.field == WHOLE else self.edges.of_columns
        return edges(node, Direction.DOWNSTREAM)

    def _links(self, place: Place, *, is_sure: bool) -> list[tuple[Place, EdgeRow, FieldEdge | None]]:
        links: list[tuple[Place, EdgeRow, FieldEdge | None]] = []
        for edge in self._out(place.node):
            if place.field == WHOLE:
                if not is_sure or self._is_exact(edge):
                    links.append((Place(edge.target_id, WHOLE), edge, None))
                continue
            mapping = self.edges.mapping(edge)
            if not mapping:
                self.unmapped[edge.source_id, edge.target_id, edge.job_id] = edge
                if not is_sure:
                    links.append((Place(edge.target_id, WHOLE), edge, None))
                continue
            for by in mapping:
                if by.source_field != place.field and by.source_field not in EVERY:
                    continue
                if is_sure and (by.type == "INDIRECT" or edge.how is How.INFERRED):
                    continue
                links.extend((Place(edge.target_id, name), edge, by) for name in self._targets(edge, by))
        return links

    def _targets(self, edge: EdgeRow, by: FieldEdge) -> Sequence[str]:
        if by.target_field not in EVERY:
            return (by.target_field,)
        return self.edges.store.fields(edge.target_id) or (WHOLE,)

    def _is_exact(self, edge: EdgeRow) -> bool:
        """A cross product of one input is as exact as a declared edge."""
        if edge.how in {How.DECLARED, How.COLUMN}:
            return True
        if edge.how is How.INFERRED:
            return False
        into = self.edges.of(edge.target_id, Direction.UPSTREAM)
        return len({other.source_id for other in into if other.job_id == edge.job_id}) == 1


class _Report:
    """Turns reached places into affected nodes."""

    def __init__(
        self, edges: Edges, start: Place, change: Change, sure: Reached, possible: Reached, labels: Labels
    ) -> None:
        self.edges = edges
        self.start = start
        self.change = change
        self.sure = sure
        self.possible = possible
        self.labels = labels
        ids = {place.node for place in (*possible.by, *sure.by)} | possible.uses.keys() | sure.uses.keys()
        self.rows = {row.id: row for row in edges.store.nodes(sorted(ids))}
        self.names = {row.id: node_id(row) for row in self.rows.values()}
        self.by_id = {self.names[row.id]: row for row in self.rows.values()}
        for reached in (sure, possible):
            for place, others in reached.others.items():
                reached.by[place] = min((reached.by[place], *others), key=self._order)

    def _order(self, arrival: Arrival) -> tuple[int, str, str, str, tuple[str, ...]]:
        """Sort key of ways: the shortest first, then by name."""
        origin, job = arrival.origin or self.start, arrival.edge.job_id if arrival.edge else 0
        by = arrival.by
        fields = (by.source_field, by.target_field, by.type, by.subtype) if by else ()
        return arrival.hops, self.names.get(origin.node, ""), origin.field, self.names.get(job, ""), fields

    def items(self) -> list[Affected]:
        """Return the affected nodes, worst first."""
        found: dict[int, Affected] = {}
        passes: tuple[tuple[Certainty, Reached], ...] = (("certain", self.sure), ("possible", self.possible))
        for certainty, reached in passes:
            by_node: dict[int, list[Place]] = {}
            for place in reached.by:
                if place.node != self.start.node:
                    by_node.setdefault(place.node, []).append(place)
            for node, places in by_node.items():
                if node not in found and node in self.rows:
                    found[node] = self._dataset(node, places, reached, certainty)
            for job, ways in reached.uses.items():
                if job not in found and job in self.rows:
                    found[job] = self._job(job, ways, reached, certainty)
        return sorted(found.values(), key=_rank)

    def detailed(self, items: Sequence[Affected]) -> tuple[Affected, ...]:
        """Return the items with what is known of the latest run or version of each."""
        rows = [self.by_id[item.node.id] for item in items]
        known = details(self.edges.store, rows, self.edges.as_of)
        return tuple(
            msgspec.structs.replace(item, node=shown_node(row, item.node.level, known[row.id]))
            for item, row in zip(items, rows, strict=True)
        )

    def _dataset(self, node: int, places: list[Place], reached: Reached, certainty: Certainty) -> Affected:
        row = self.rows[node]
        nearest = min(places, key=lambda place: (reached.by[place].hops, place.field))
        first = reached.by[nearest]
        fields = tuple(sorted({place.field for place in places if place.field != WHOLE}))
        severity = self._severity(certainty)
        ways = [reached.by[place].by for place in places]
        is_copy = all(by is not None and by.subtype == "IDENTITY" for by in ways)
        return Affected(
            node=shown_node(row, first.hops),
            severity=severity,
            certainty=certainty,
            distance=first.hops,
            reason=self._reason(row, fields, first, severity, is_copy=is_copy),
            fields=fields,
            path=self._path(nearest, reached),
        )

    def _job(self, job: int, ways: list[Arrival], reached: Reached, certainty: Certainty) -> Affected:
        row = self.rows[job]
        first = min(ways, key=self._order)
        origins = {way.origin for way in ways}
        fields = tuple(sorted({origin.field for origin in origins if origin and origin.field != WHOLE}))
        is_reader = self.start in origins
        if is_reader:
            fields = (self.start.field,) if self.start.field != WHOLE else ()
        severity = self._severity(certainty)
        if is_reader:
            reason = f"reads {listing(fields)}" if fields else f"reads {self.labels.of(self.rows[self.start.node])}"
        else:
            severity = "changes" if severity == "breaks" else severity
            reason = f"uses {listing(fields)}, made from it" if fields else "works on what is made from it"
        origin = first.origin or self.start
        return Affected(
            node=shown_node(row, first.hops),
            severity=severity,
            certainty=certainty,
            distance=first.hops,
            reason=reason,
            fields=fields,
            path=(*self._path(origin, reached), Step(node=self.names[job])),
        )

    def _severity(self, certainty: Certainty) -> Severity:
        if certainty == "possible":
            return "check"
        return "changes" if self.change in {"retype", "delete_rows"} else "breaks"

    def _reason(self, row: NodeRow, fields: Sequence[str], first: Arrival, severity: Severity, *, is_copy: bool) -> str:
        kind = row.type.upper()
        if severity == "check":
            return _doubt(first)
        if self.change == "delete_rows":
            return "learned from these rows" if kind in {"MODEL", "CHECKPOINT"} else "holds values made from these rows"
        named = listing(fields) if fields else ""
        if kind in {"MODEL", "CHECKPOINT"}:
            return learned_words(fields, self._importances(row)) if named else "was trained on it"
        if kind == "PREDICTIONS":
            # some of several fields are features that were written next to the prediction
            verb = "are predicted or computed" if len(fields) > 1 else "is predicted"
            return f"{named} {verb} from it".lstrip()
        if fields and is_copy:
            return f"{named} is a copy of it" if len(fields) == 1 else f"{named} are copies of it"
        if fields:
            return f"{named} {'is' if len(fields) == 1 else 'are'} computed from it"
        return "is made from it"

    def _importances(self, row: NodeRow) -> Importances | None:
        """How much each feature matters to a model as it stood then."""
        return read_importances(body(self.edges.store.facets(row.id, as_of=self.edges.as_of), "headwater_model"))

    def _path(self, place: Place, reached: Reached) -> tuple[Step, ...]:
        steps: list[Step] = []
        current: Place | None = place
        while current is not None:
            arrival = reached.by[current]
            job = self.rows.get(arrival.edge.job_id) if arrival.edge else None
            row = self.rows[current.node]
            steps.append(Step(node=self.names[row.id], field=current.field, job=self.names[job.id] if job else ""))
            current = arrival.origin
        return tuple(reversed(steps))


def _doubt(first: Arrival) -> str:
    """Say why the last link does not prove that the value flows."""
    if first.by is not None and first.by.type == "INDIRECT":
        way = first.by.subtype.lower().replace("_", " ") or "condition"
        return f"it decides here, as a {way}, and its value does not flow"
    if first.edge is not None and first.edge.how is How.INFERRED:
        return "the edge was inferred"
    if first.by is None:
        return "which columns are used is not known"
    return "an earlier link of the path is not certain"


def _rank(item: Affected) -> tuple[int, int, bool, int, str]:
    kind = item.node.type.upper()
    if item.node.kind is NodeKind.JOB:
        importance = len(_IMPORTANCE) + 1
    else:
        importance = _IMPORTANCE.index(kind) if kind in _IMPORTANCE else len(_IMPORTANCE)
    is_passing = is_in_memory(item.node.namespace)
    return (SEVERITIES.index(item.severity), importance, is_passing, item.distance, item.node.id)
