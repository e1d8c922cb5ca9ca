"""Takes events in and keeps every table in step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from headwater.formats.facets import try_facet
from headwater.formats.run_facets import Parent
from headwater.model.events import DatasetEvent, Event, InputDataset, JobEvent, OutputDataset, RunEvent
from headwater.model.run_ids import canonical_run_id
from headwater.storage.projection import rundoc
from headwater.storage.projection.bindings import Bindings
from headwater.storage.projection.columns import Columns
from headwater.storage.projection.facetsets import FacetSet, FacetSets, field_names
from headwater.storage.projection.flows import LIFE, Flows, Step
from headwater.storage.projection.history import History
from headwater.storage.projection.joining import Joining
from headwater.storage.projection.lineage import Lineages
from headwater.storage.projection.names import Names
from headwater.storage.projection.records import (
    DATASET,
    DESCRIBED,
    DESIGNED,
    JOB,
    OBSERVED,
    Name,
    Node,
    Run,
    Statement,
)
from headwater.storage.projection.rundoc import COMPLETED, RUNNING, RunDoc, Settled, Touched
from headwater.storage.projection.runs import Runs
from headwater.storage.projection.tables import Tables

_TERMINAL = range(RUNNING + 1, COMPLETED + 1)


class Stamp(msgspec.Struct, frozen=True, gc=False):
    """When and by which event something was said, and in which run."""

    at: int
    key: bytes
    seq: int
    run: int = 0
    run_id: str = ""


class Projector:
    """``apply`` each event of a batch, then ``settle`` once. After a rollback, ``clear``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.names = Names(tables)
        self.sets = FacetSets(tables)
        self.runs = Runs(tables)
        self.columns = Columns(tables, self.names)
        self._history = History(tables, self.sets, self.names, self.columns)
        self._lineages = Lineages(self.names, self.columns, self.sets)
        self._flows = Flows(tables, self.names, self.columns, self.runs)
        self.bindings = Bindings(tables, self.names, self.columns, self.sets, self.runs)
        self._joining = Joining(tables, self.names, self.columns, self._flows)
        self._dirty: dict[int, tuple[Run, Stamp]] = {}
        self._joins: set[tuple[int, int]] = set()
        #: what the event at hand says of each node, and whether that is the latest word on it
        self._said: dict[int, tuple[bool, list[FacetSet]]] = {}
        #: the names that the event at hand listed
        self._heard: set[int] = set()

    def clear(self) -> None:
        """Forget everything cached or pending: the batch was rolled back, or another process wrote."""
        for part in (self.names, self.sets, self.runs, self._history, self._lineages, self._flows, self.bindings):
            part.clear()
        self._dirty.clear()
        self._joins.clear()
        self._said.clear()
        self._heard.clear()

    # -- events ----------------------------------------------------------------------------------------------------
    def apply(self, event: Event, key: bytes, seq: int, at: int) -> None:
        """Take in one event that is new, with its key, place in the log and time."""
        stamp = Stamp(at, key, seq)
        if isinstance(event, RunEvent):
            stamp = self._apply_run(event, stamp)
        elif isinstance(event, JobEvent):
            self._apply_job(event, stamp)
        else:
            self._apply_dataset(event, stamp)
        self._hear(stamp)

    def _hear(self, stamp: Stamp) -> None:
        """Place what the event said of each node, once it is known that it said it of no other name of the node."""
        speaking: list[FacetSet] = []
        for node_id, (is_newest, said) in self._said.items():
            node = self.names.by_id(node_id)
            speaking += [facets for facets in said if facets.lineage]
            if len(said) == 1:
                self._history.hear(node, said[0], stamp.at, stamp.key, stamp.run_id, is_newest=is_newest)
                continue
            for facets in said if node.kind == DATASET else ():
                self.columns.add_fields(node_id, field_names(facets.raw))
            self._history.say(node, self.sets.merged(said), stamp.at, stamp.key, stamp.run_id, is_newest=is_newest)
        self._said.clear()
        for facets in speaking:
            for kind, namespace, name in facets.named():
                self._mention(kind, namespace, name, stamp)
        self._heard.clear()

    def _apply_run(self, event: RunEvent, stamp: Stamp) -> Stamp:
        at, key = stamp.at, stamp.key
        job = self.names.seen(JOB, event.job.namespace, event.job.name, at, key)
        run, doc = self.runs.seen(event.run.run_id, job.id, job.node, at, key)
        stamp = Stamp(at, key, stamp.seq, run.id, run.run_id)
        job_facets = self.sets.of(event.job.facets)
        rundoc.say(doc.job_said, at, key, job_facets.id if job_facets.bodies else 0, self._facet_names)
        rundoc.put_extras(doc.facets, at, key, event.run.facets)
        if (at, key) > (doc.job_at, doc.job_key):
            doc.job_at, doc.job_key, doc.job = at, key, job.id
        self._advance(run, doc, event, at)
        self._say(job, job_facets, stamp)
        for output in event.outputs:
            self._touch(doc.outputs, output, output.output_facets, stamp)
        for source in event.inputs:
            self._touch(doc.inputs, source, source.input_facets, stamp)
        self.runs.changed(run)
        self._dirty[run.id] = (run, stamp)
        return stamp

    def _advance(self, run: Run, doc: RunDoc, event: RunEvent, at: int) -> None:
        state = rundoc.state_of(event.event_type)
        doc.was_running = doc.was_running or state == RUNNING
        run.started_at = min(run.started_at, at)
        run.state = max(run.state, state)
        if state in _TERMINAL:
            doc.ends[state] = max(at, doc.ends.get(state, at))
        run.ended_at = doc.ends.get(run.state)
        run.job = self.names.by_name_id(doc.job).node
        run.operation = self._work_of(doc)[0]
        if any(name == "parent" or b"ParentRunFacet" in bytes(raw) for name, raw in event.run.facets.items()):
            raw = {name: msgspec.Raw(extra.body) for name, extra in doc.facets.items()}
            parent = try_facet(raw, Parent)
            run.parent_run = (canonical_run_id(parent.run.run_id) or "") if parent else ""

    def _touch(
        self,
        touched: dict[int, Touched],
        dataset: InputDataset | OutputDataset,
        extras: dict[str, msgspec.Raw],
        stamp: Stamp,
    ) -> None:
        name = self.names.seen(DATASET, dataset.namespace, dataset.name, stamp.at, stamp.key)
        facets = self.sets.of(dataset.facets)
        one = touched.get(name.id)
        if one is None:
            one = touched[name.id] = Touched([], {})
        if facets.bodies:
            rundoc.say(one.said, stamp.at, stamp.key, facets.id, self._facet_names)
        if extras:
            rundoc.put_extras(one.extras, stamp.at, stamp.key, extras)
        self._say(name, facets, stamp)

    def _facet_names(self, facets: int) -> frozenset[str]:
        return self.sets.by_id(facets).claims

    def _say(self, name: Name, facets: FacetSet, stamp: Stamp) -> None:
        """What any event does to an object that it mentions."""
        at = stamp.at
        node = self.names.by_id(name.node)
        is_newest = self._touch_node(node, at)
        has_facets = bool(facets.bodies)
        self._tables.mention(name.id, stamp.run, facets.id if has_facets else 0, at, stamp.seq)
        self._heard.add(name.id)
        if not has_facets:
            return
        self._said.setdefault(node.id, (is_newest, []))[1].append(facets)
        for other in facets.symlinks if name.kind == DATASET else ():
            self._join(name, other, stamp)
        if facets.life:
            self._live(name, node, facets, stamp)

    def _touch_node(self, node: Node, at: int) -> bool:
        if node.updated_at < node.created_at:
            self._history.is_named(node.id)
        return self.names.touch(node, at)

    def _mention(self, kind: int, namespace: str, name: str, stamp: Stamp) -> None:
        """A name that only a lineage facet speaks of, or that the event lists as well."""
        found = self.names.seen(kind, namespace, name, stamp.at, stamp.key)
        if found.id not in self._heard:
            self._heard.add(found.id)
            self._touch_node(self.names.by_id(found.node), stamp.at)
            self._tables.mention(found.id, stamp.run, 0, stamp.at, stamp.seq)

    def _join(self, name: Name, other: tuple[str, str], stamp: Stamp) -> Name | None:
        if not other[0].strip() or not other[1].strip():
            return None
        alias = self.names.seen(DATASET, *other, stamp.at, stamp.key, is_direct=False)
        if alias.node != name.node:
            self._joins.add((name.id, alias.id))
        return alias

    def _live(self, name: Name, node: Node, facets: FacetSet, stamp: Stamp) -> None:
        is_dropped = facets.life == "DROP"
        if facets.renamed_from and name.kind == DATASET:
            old = self._join(name, facets.renamed_from, stamp)
            if old is not None and not old.is_renamed and old.id != name.id:
                old.is_renamed = True
                self._tables.names.put(old)
        self.names.live(node, stamp.at, stamp.key, stamp.run_id, is_dropped=is_dropped)
        if name.kind == JOB:
            self._state(name, LIFE, [(0, int(is_dropped))], stamp)
            self._flows.mark_job(name.node)

    def _state(self, name: Name, kind: int, says: list[tuple[int, int]], stamp: Stamp) -> None:
        self._tables.statements.put(Statement(subject=name.id, kind=kind, at=stamp.at, key=stamp.key, says=says))

    def _apply_job(self, event: JobEvent, stamp: Stamp) -> None:
        job = self.names.seen(JOB, event.job.namespace, event.job.name, stamp.at, stamp.key)
        self._say(job, self.sets.of(event.job.facets), stamp)
        for dataset in (*event.outputs, *event.inputs):
            name = self.names.seen(DATASET, dataset.namespace, dataset.name, stamp.at, stamp.key)
            self._say(name, self.sets.of(dataset.facets), stamp)
        says = self._lineages.of_event(event, stamp.at, stamp.key)
        if says:
            self._state(job, DESIGNED, says, stamp)
            for target, _ in says:
                self._flows.mark(job.node, self.names.node(target).id, DESIGNED)
            for flow in self._tables.flows.where(job=job.node):
                if flow.kind == DESIGNED:
                    self._flows.mark(job.node, flow.target, DESIGNED)

    def _apply_dataset(self, event: DatasetEvent, stamp: Stamp) -> None:
        dataset = event.dataset
        name = self.names.seen(DATASET, dataset.namespace, dataset.name, stamp.at, stamp.key)
        facets = self.sets.of(dataset.facets)
        self._say(name, facets, stamp)
        if facets.lineage or "lineage" in facets.bodies or "columnLineage" in facets.bodies:
            says = self._lineages.of_event(event, stamp.at, stamp.key)
            self._state(name, DESCRIBED, says, stamp)
            self._flows.mark(0, name.node, DESCRIBED)

    # -- the end of a batch ----------------------------------------------------------------------------------------
    def settle(self) -> None:
        """Bring everything in step with the events applied since the last time."""
        if self._joins:
            self._join_nodes()
        for run, stamp in sorted(
            self._dirty.values(), key=lambda one: (one[0].ended_at or one[0].started_at, one[0].run_id)
        ):
            self._settle_run(run, stamp)
        self.bindings.rebind()
        self._flows.settle()
        self._history.refresh_search()
        self.runs.flush()
        self._dirty.clear()

    def _settle_run(self, run: Run, stamp: Stamp) -> None:
        doc = self.runs.doc(run)
        at = self._counts_from(run, doc)
        old = doc.settled
        if at is None:
            if old is not None:
                self._retract(run, doc, old)
            return
        shapes = self._lineages.of_run(doc, stamp.at, stamp.key)
        settled = Settled(run.job, at, shapes, {}, [], []) if old is None else old
        before = None if old is None else (old.job, old.at, dict(old.shapes))
        settled.job, settled.at, settled.shapes = run.job, at, shapes
        doc.settled = settled
        self.bindings.settle(run, doc, settled)
        self._note_reads(run, doc, settled, stamp)
        if before is None:
            for target, shape in self._by_node(doc, shapes).items():
                self._flows.observe(run.job, target, Step(at, run.run_id, shape))
        elif before != (run.job, at, shapes):
            self._mark(before[0], before[2])
            self._mark(run.job, shapes)
            self._flows.mark(before[0], before[0], OBSERVED)
            self._flows.mark(run.job, run.job, OBSERVED)

    def _counts_from(self, run: Run, doc: RunDoc) -> int | None:
        """The instant that orders the run within its job, if it takes part in the graph at all.

        A run that completed counts from its end, a run of a streaming job from its start and whatever becomes of it.
        """
        if doc.was_running and self._work_of(doc)[1]:
            return run.started_at
        return run.ended_at if run.state == COMPLETED else None

    def _work_of(self, doc: RunDoc) -> tuple[str, bool]:
        """(operation, whether it never ends) as the run's events last said."""
        found = ("", False)
        for said in doc.job_said:
            facets = self.sets.by_id(said.facets)
            if "jobType" in facets.bodies:
                found = facets.work()
        return found

    def _by_node(self, doc: RunDoc, shapes: Mapping[int, int]) -> dict[int, int]:
        found: dict[int, list[int]] = {self.names.node(name).id: [] for name in doc.outputs}
        found.setdefault(self.names.node(doc.job).id, [])
        for name, shape in shapes.items():
            found.setdefault(self.names.node(name).id, []).append(shape)
        return {node: self.columns.union(some) if some else 0 for node, some in found.items()}

    def _mark(self, job: int, shapes: Mapping[int, int]) -> None:
        for name in shapes:
            self._flows.mark(job, self.names.node(name).id, OBSERVED)

    def _note_reads(self, run: Run, doc: RunDoc, settled: Settled, stamp: Stamp) -> None:
        """Have the readers found from the instant of their end on, and what only lineage names found at all."""
        names = {name for shape in settled.shapes.values() if shape for name, _, _ in self._sources(shape)}
        at = max(stamp.at, run.started_at, run.ended_at or run.started_at)
        for name in sorted(names | (settled.shapes.keys() - doc.outputs.keys())):
            self._tables.mention(name, run.id, 0, at, stamp.seq)

    def _sources(self, shape: int) -> list[tuple[int, int, int]]:
        return self._tables.shapes.get(shape).sources

    def _retract(self, run: Run, doc: RunDoc, old: Settled) -> None:
        self.bindings.retract(old)
        self._mark(old.job, old.shapes)
        self._flows.mark(old.job, old.job, OBSERVED)
        doc.settled = None
        self.runs.changed(run)

    def _join_nodes(self) -> None:
        for left, right in sorted(self._joins):
            one, other = sorted((self.names.by_name_id(left).node, self.names.by_name_id(right).node))
            if one == other:
                continue
            for run, seq in self._joining.runs_of(one, other).items():
                row: Any = self._tables.runs.get(run)
                doc = self.runs.doc(row)
                if doc.settled is not None:
                    self._retract(row, doc, doc.settled)
                    self._dirty.setdefault(run, (row, Stamp(*seq, run, row.run_id)))
            self.bindings.rebind()
            self._joining.join(one, other)
            self._history.forget(other)
            self._history.rebuild(self.names.by_id(one))
        self._joins.clear()
