"""Dataset-level edges: what flowed from where to where, and during which interval.

A flow is a (job, target) pair with its steps in order. A step states what feeds the target from then on: a successful
run of the job that wrote it, a JobEvent, or a DatasetEvent. An edge is valid from the first step that has it until a
later step does not; it may return with a new interval. A dropped job feeds nothing until it runs again.
A step after the last one is applied on its own; one between others changes the edges around it (see ``late_steps``).
Where that is not possible, the flow is rebuilt from all its steps.
"""

from __future__ import annotations

from bisect import bisect_left

from headwater.storage.projection.columns import Columns
from headwater.storage.projection.late_steps import Claims, Interval, Neighbours, Step, intervals
from headwater.storage.projection.names import Names
from headwater.storage.projection.records import DATASET, DESCRIBED, DESIGNED, OBSERVED, Edge, Flow
from headwater.storage.projection.runs import Runs
from headwater.storage.projection.stretches import LENGTH, MOST, Stretch
from headwater.storage.projection.tables import Tables
from headwater.storage.projection.weights import ENTRY

LIFE = 3
"""Kind of statements about a life cycle, beside ``DESIGNED`` and ``DESCRIBED``."""

_CACHE_SIZE = 10_000

FlowKey = tuple[int, int, int]


class Flows:
    """Maintains the dataset-level edges."""

    def __init__(self, tables: Tables, names: Names, columns: Columns, runs: Runs) -> None:
        self._tables = tables
        self._runs = runs
        self._names = names
        self._columns = columns
        self._dirty: set[FlowKey] = set()
        #: the edges without an end of the flows that changed last, by source
        self._open: dict[FlowKey, dict[int, Edge]] = {}
        #: where runs came late
        self._stretches: dict[FlowKey, Stretch[Step]] = {}
        self.weight = 0

    def clear(self) -> None:
        """Drop everything pending or cached: the batch was rolled back, or another process wrote."""
        self._dirty.clear()
        self._open.clear()
        self._stretches.clear()
        self.weight = 0

    def mark(self, job: int, target: int, kind: int) -> None:
        """Mark a flow to be rebuilt at the end of the batch."""
        self._dirty.add((job, target, kind))

    def move(self, lost: int, kept: int) -> None:
        """A node was merged into another: move its pending flows there."""
        self._open.clear()
        self._stretches.clear()
        self._dirty = {(job, kept if target == lost else target, kind) for job, target, kind in self._dirty}

    def mark_job(self, job: int) -> None:
        """Mark every flow of a job to be rebuilt."""
        for flow in self._tables.flows.where(job=job):
            self._dirty.add((job, flow.target, flow.kind))

    def observe(self, job: int, target: int, step: Step) -> None:
        """Apply a run that did not count before."""
        key = (job, target, OBSERVED)
        flow = self._tables.flows.get(key)
        if flow is None and target == job:  # runs without it, earlier or later, are steps as well
            if step.shape:
                self._dirty.add(key)
            return
        self._apply(
            key, flow or Flow(job=job, target=target, kind=OBSERVED, last_at=step.at, last_by="", shape=0), step
        )

    def state(self, key: FlowKey, step: Step) -> None:
        """Apply a statement of a JobEvent or a DatasetEvent, given with what it says about this target, or 0."""
        flow = self._tables.flows.get(key)
        if flow is not None:
            self._apply(key, flow, step)
        elif step.shape:  # statements without it, earlier or later, are steps as well
            self._dirty.add(key)

    def _apply(self, key: FlowKey, flow: Flow, step: Step) -> None:
        if key in self._dirty or (key[0] and self._names.by_id(key[0]).life_at):
            self._dirty.add(key)
            return
        if (step.at, step.by) <= (flow.last_at, flow.last_by):
            if not self._insert(key, step):
                self._dirty.add(key)
            return
        if flow.shape != step.shape:
            changed = _advance(self._open_edges(key), key, step, flow.last_by, self._sources(key, step.shape))
            for edge in changed:
                if edge.valid_to == edge.valid_from:
                    self.remove(edge)
                else:
                    self._put(edge)
        flow.last_at, flow.last_by, flow.shape = step.at, step.by, step.shape
        self._tables.flows.put(flow)
        if key in self._stretches:
            self._stretches[key].append(step)

    def _insert(self, key: FlowKey, late: Step) -> bool:
        """Apply a run that wrote the target before the last one did; returns False, having done nothing, if the flow
        must be rebuilt."""
        steps = self._neighbours(key, late)
        if steps is None:
            return False
        fed = [self._sources(key, step.shape) if step is not None else {} for step in steps]
        claims = {source: Claims(*(claims_at.get(source) for claims_at in fed)) for source in set().union(*fed)}
        changed = sorted(source for source, claim in claims.items() if len(set(claim)) > 1)
        job, target, kind = key
        held = {
            edge.source: edge
            for edge in self._tables.edges_before(key, [feeder for feeder in changed if claims[feeder].before], late.at)
            if edge.valid_to is None or edge.valid_to > late.at
        }
        made = []
        for source in changed:
            begun = self._tables.edges.get((source, target, job, kind, steps.after.at))
            found = intervals(steps, claims[source], held.get(source), begun)
            if found is None:
                return False
            made.append((source, [edge for edge in (held.get(source), begun) if edge is not None], found))
        for source, old, new in made:
            self._replace(key, source, old, new)
        return True

    def _neighbours(self, key: FlowKey, late: Step) -> Neighbours | None:
        """The steps around a late one; None if they are not writes at different instants."""
        if key[2] != OBSERVED:
            return None
        stretch, place = self._stretch_around(key, late)
        before, after = stretch.rows[max(place - 1, 0) : place], stretch.rows[place : place + 2]
        stretch.rows.insert(place, late)
        stretch.shorten()
        if not after or len({step.at for step in (late, *before, *after)}) <= len(before) + len(after):
            return None
        return Neighbours(before[0] if before else None, late, after[0])

    def _stretch_around(self, key: FlowKey, late: Step) -> tuple[Stretch[Step], int]:
        """The stored steps around a late one, and its place among them."""
        found = self._stretches.get(key)
        place = None if found is None else found.place(_order(late), after=2)
        if found is None or place is None:
            found, place = self._whole(key[0], late) if key[0] == key[1] else self._writes_around(key, late)
            self.weight += ENTRY * len(found.rows)
            if len(self._stretches) >= MOST:
                self._stretches.clear()
            self._stretches[key] = found
        return found, place

    def _writes_around(self, key: FlowKey, late: Step) -> tuple[Stretch[Step], int]:
        where = key[1], key[0], _order(late)
        before, after = self._tables.writes_before(*where, 1), self._tables.writes_after(*where, LENGTH + 1)
        steps = [Step(row.created_at, row.run_id, row.shape) for row in before + after[:LENGTH]]
        return Stretch(steps, _order, begins=not before, ends=len(after) <= LENGTH), len(before)

    def _whole(self, job: int, late: Step) -> tuple[Stretch[Step], int]:
        """All runs of a job that reads for itself: no table has them in the order of their ends, so they are read once
        for all that are late."""
        steps = sorted(set(self._observed(job, job, [name.id for name in self._names.of(job)])) - {late})
        return Stretch(steps, _order, is_whole=True), bisect_left(steps, late)

    def _replace(self, key: FlowKey, source: int, old: list[Edge], new: list[Interval]) -> None:
        """Replace edges of a source by those of some intervals."""
        job, target, kind = key
        was = {edge.valid_from: edge for edge in old}
        for valid_from in was.keys() - {interval.valid_from for interval in new}:
            self._drop(was[valid_from])
        is_open = self._open.get(key, {})
        if source in is_open and is_open[source].valid_from in was:  # otherwise it began again later
            del is_open[source]
        for (how, mapping), valid_from, valid_to, run in new:
            edge = Edge(
                source=source,
                target=target,
                job=job,
                kind=kind,
                valid_from=valid_from,
                valid_to=valid_to,
                how=how,
                run=run,
                mapping=mapping,
            )
            if was.get(valid_from) != edge:
                self._put(edge)
            if valid_to is None:
                is_open[source] = edge

    def settle(self) -> None:
        """Rebuild the marked flows."""
        while self._dirty:
            self._remake(self._dirty.pop())

    def _open_edges(self, key: FlowKey) -> dict[int, Edge]:
        """The edges of a flow without an end. Cached, because a job that reads another file each day has a long history
        of which they are the last page."""
        found = self._open.get(key)
        if found is None:
            if len(self._open) >= _CACHE_SIZE:
                self._open.clear()
            found = self._open[key] = {edge.source: edge for edge in self._edges_of(key) if edge.valid_to is None}
            self.weight += ENTRY * (1 + len(found))
        return found

    def _remake(self, key: FlowKey) -> None:
        self._open.pop(key, None)
        self._stretches.pop(key, None)
        job, target, kind = key
        steps = sorted(self._steps(key))
        open_edges: dict[int, Edge] = {}
        made: dict[tuple[int, int], Edge] = {}
        last_by, shape = "", 0
        for step in steps:
            if step.shape != shape:  # a step equal to the one before changes nothing
                shape = step.shape
                for edge in _advance(open_edges, key, step, last_by, self._sources(key, shape)):
                    made[edge.source, edge.valid_from] = edge
            last_by = step.by
        made = {at: edge for at, edge in made.items() if edge.valid_to is None or edge.valid_to > edge.valid_from}
        for old in self._edges_of(key):
            new = made.get((old.source, old.valid_from))
            if new == old:
                del made[old.source, old.valid_from]
            elif new is None:
                self.remove(old)
        for edge in made.values():
            self._put(edge)
        if any(step.shape for step in steps):
            last = steps[-1]
            flow = Flow(job=job, target=target, kind=kind, last_at=last.at, last_by=last.by, shape=last.shape)
            self._tables.flows.put(flow)
        else:
            self._tables.flows.drop(key)

    def _steps(self, key: FlowKey) -> list[Step]:
        job, target, kind = key
        if kind == DESCRIBED:
            return self._stated(DESCRIBED, [name.id for name in self._names.of(target)], target)
        own = [name.id for name in self._names.of(job)] if job else []
        steps = self._stated(DESIGNED, own, target) if kind == DESIGNED else self._observed(job, target, own)
        for name in own:
            for statement in self._tables.statements.where(subject=name, kind=LIFE):
                if statement.says[0][1]:
                    steps.append(Step(statement.at, "", 0))
        return steps

    def _stated(self, kind: int, subjects: list[int], target: int) -> list[Step]:
        steps = []
        for subject in subjects:
            for statement in self._tables.statements.where(subject=subject, kind=kind):
                shapes = [shape for name, shape in statement.says if self._names.node(name).id == target]
                steps.append(Step(statement.at, statement.key.hex(), self._columns.union(shapes)))
        return steps

    def _observed(self, job: int, target: int, own: list[int]) -> list[Step]:
        if self._names.by_id(target).kind == DATASET:
            rows = self._tables.versions.where(dataset=target)
            return [Step(row.created_at, row.run_id, row.shape) for row in rows if row.job == job and row.run]
        steps = []
        names = own if target == job else [name.id for name in self._names.of(target)]
        for run in self._tables.runs.where(job=job):
            settled = self._runs.doc(run).settled
            if settled is not None and (target == job or any(name in settled.shapes for name in names)):
                shape = self._columns.union(settled.shapes.get(name, 0) for name in names)
                steps.append(Step(settled.at, run.run_id, shape))
        return steps

    def _edges_of(self, key: FlowKey) -> list[Edge]:
        return self._tables.edges.where(job=key[0], target=key[1], kind=key[2])

    def _sources(self, key: FlowKey, shape: int) -> dict[int, tuple[int, int]]:
        """(how, mapping) by source node. If two names of one node feed the target, the stronger claim wins.

        A target feeds itself only as far as one of its columns comes from another. If nothing else feeds it, it is
        attached to its job.
        """
        if not shape:
            return {}
        job, target, _ = key
        found: dict[int, tuple[int, int]] = {}
        for name, how, mapping in self._tables.shapes.get(shape).sources:
            source = self._names.node(name).id
            old = found.get(source)
            if (source != target or self._columns.moves(mapping)) and (
                old is None or self._columns.strength(how, mapping) < self._columns.strength(*old)
            ):
                found[source] = (how, mapping)
        if job and job != target and not found.keys() - {target}:
            found[job] = (0, 0)
        return found

    def _put(self, edge: Edge) -> None:
        self.weight += ENTRY  # it may be among the open ones
        self._tables.edges.put(edge)
        self._tables.edge_changed(edge)

    def remove(self, edge: Edge) -> None:
        """Remove an edge, and log it for the followers."""
        self._open.pop((edge.job, edge.target, edge.kind), None)
        self._drop(edge)

    def _drop(self, edge: Edge) -> None:
        self._tables.edges.drop((edge.source, edge.target, edge.job, edge.kind, edge.valid_from))
        edge.valid_to = edge.valid_from
        self._tables.edge_changed(edge)


def _order(step: Step) -> tuple[int, str]:
    return step.at, step.by


def _advance(
    open_edges: dict[int, Edge], key: FlowKey, step: Step, last_by: str, sources: dict[int, tuple[int, int]]
) -> list[Edge]:
    """Apply a step: close the edges that it lacks or changes, open the new ones. Returns the changed edges.

    When the kind or the columns of an edge change, a new interval begins, so that queries about an earlier instant see
    the former ones.
    """
    changed = []
    for source, edge in list(open_edges.items()):
        if sources.get(source) == (edge.how, edge.mapping):
            continue
        if source in sources and edge.valid_from == step.at:
            edge.how, edge.mapping = sources[source]
        else:
            del open_edges[source]
            edge.valid_to, edge.run = step.at, last_by if key[2] == OBSERVED else ""
        changed.append(edge)
    job, target, kind = key
    for source, (how, mapping) in sources.items():
        if source not in open_edges:
            open_edges[source] = Edge(
                source=source,
                target=target,
                job=job,
                kind=kind,
                valid_from=step.at,
                valid_to=None,
                how=how,
                run="",
                mapping=mapping,
            )
            changed.append(open_edges[source])
    return changed
