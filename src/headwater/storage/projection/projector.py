"""The projector: applies events and updates every table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from headwater.formats.dataset_facets import try_facet
from headwater.formats.openlineage import STANDARD_KEYS
from headwater.formats.run_facets import Parent
from headwater.model.events import DatasetEvent, Event, JobEvent, RunEvent
from headwater.model.run_ids import canonical_run_id
from headwater.storage.projection import run_documents
from headwater.storage.projection.bindings import Bindings
from headwater.storage.projection.columns import Columns
from headwater.storage.projection.dependencies import RECORD, Dependencies
from headwater.storage.projection.event_effects import EventEffects, Stamp, Template
from headwater.storage.projection.facet_sets import FacetSet, FacetSets
from headwater.storage.projection.flows import FlowKey, Flows
from headwater.storage.projection.history import History
from headwater.storage.projection.late_steps import Step
from headwater.storage.projection.listings import Listings
from headwater.storage.projection.names import Names
from headwater.storage.projection.node_merge import Joining, together
from headwater.storage.projection.records import DATASET, DESCRIBED, DESIGNED, JOB, OBSERVED, Name, Run
from headwater.storage.projection.run_documents import COMPLETED, FacetStatement, RunDoc, Settled, Touched
from headwater.storage.projection.run_plans import Plans
from headwater.storage.projection.runs import Runs
from headwater.storage.projection.tables import Tables


class Projector:
    """``apply`` each event of a batch, then ``settle`` once. After a rollback, ``clear``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.names = Names(tables)
        self.sets = FacetSets(tables)
        self.runs = Runs(tables)
        self._columns = Columns(tables, self.names)
        self._history = History(tables, self.sets, self.names, self._columns)
        self._flows = Flows(tables, self.names, self._columns, self.runs)
        self._plans = Plans(tables, self.names, self._columns, self.sets)
        self.bindings = Bindings(tables, self.names, self.sets, self.runs, self._plans)
        self._listings = Listings(tables, self.names, self._history)
        self._joining = Joining(tables, self.names, self._columns, self._flows)
        self._effects = EventEffects(tables, self.names, self.sets, self._columns, self._history, self._flows)
        self._dependencies = Dependencies(tables)
        self._dirty: dict[int, tuple[Run, Stamp]] = {}
        self._caching = (
            self.names, self.sets, self.runs, self._history, self._flows, self._plans, self._effects,
        )  # fmt: skip

    @property
    def weight(self) -> int:
        """The bytes that the caches take, by estimate."""
        return sum([part.weight for part in self._caching])

    def clear(self) -> None:
        """Drop everything cached or pending: the batch was rolled back, or another process wrote."""
        for part in (*self._caching, self._columns, self.bindings, self._listings):
            part.clear()
        self._dirty.clear()

    # -- events ----------------------------------------------------------------------------------------------------
    def apply(self, event: Event, key: bytes, seq: int, at: int) -> None:
        """Apply a new event, given with its key, sequence number and time."""
        if isinstance(event, RunEvent):
            self._listings.count_event(at, event.event_type)
            self._apply_run(event, at, key, seq)
        elif isinstance(event, JobEvent):
            self._apply_job(event, Stamp(at, key, seq))
        else:
            self._apply_dataset(event, Stamp(at, key, seq))

    def _apply_run(self, event: RunEvent, at: int, key: bytes, seq: int) -> None:
        template = self._effects.template(event)
        if template is None or not self._replay(template, event, at, key, seq):
            self._apply_in_full(event, at, key, seq)
            if template is None:
                self._effects.remember(event)

    def _replay(self, template: Template, event: RunEvent, at: int, key: bytes, seq: int) -> bool:
        """Apply an event that names the same objects as an earlier one."""
        run, doc = self.runs.seen(event.run.run_id, template.job.id, template.job.node, at, key)
        stamp = Stamp(at, key, seq, run.id, run.run_id)
        if not self._effects.replay(template, stamp):
            return False
        self._begin(run, doc, event, template.job, template.job_facets, stamp)
        for (name, facets), output in zip(template.outputs, event.outputs, strict=True):
            self._merge(doc.outputs, name, facets, output.output_facets, at, key)
        for (name, facets), source in zip(template.inputs, event.inputs, strict=True):
            self._merge(doc.inputs, name, facets, source.input_facets, at, key)
        return True

    def _apply_in_full(self, event: RunEvent, at: int, key: bytes, seq: int) -> None:
        job, facets = self._effects.resolve(JOB, event.job, at, key)
        run, doc = self.runs.seen(event.run.run_id, job.id, job.node, at, key)
        stamp = Stamp(at, key, seq, run.id, run.run_id)
        self._effects.apply_resolved(JOB, job, facets, stamp)
        self._begin(run, doc, event, job, facets, stamp)
        for output in event.outputs:
            name, facets = self._effects.apply(DATASET, output, stamp)
            self._merge(doc.outputs, name.id, facets.id if facets.bodies else 0, output.output_facets, at, key)
        for source in event.inputs:
            name, facets = self._effects.apply(DATASET, source, stamp)
            self._merge(doc.inputs, name.id, facets.id if facets.bodies else 0, source.input_facets, at, key)
        self._effects.finish(stamp, job)

    def _begin(self, run: Run, doc: RunDoc, event: RunEvent, job: Name, facets: FacetSet, stamp: Stamp) -> None:
        """Apply an event's statements about the run and its job."""
        at, key = stamp.at, stamp.key
        if facets.bodies:
            run_documents.add_statement(doc.job_statements, at, key, facets.id, self._facet_names)
        if event.run.facets:
            run_documents.put_extras(doc.facets, at, key, event.run.facets)
            if RECORD in event.run.facets:
                self._dependencies.take(run.run_id, doc.facets[RECORD])
        if at > doc.job_at or (at == doc.job_at and key > doc.job_key):
            doc.job_at, doc.job_key, doc.job = at, key, job.id
            self.runs.belongs(run, job.node)
        self._advance(run, doc, event, at)
        self.runs.changed(run)
        self._dirty[run.id] = (run, stamp)

    def _advance(self, run: Run, doc: RunDoc, event: RunEvent, at: int) -> None:
        run.started_at = min(run.started_at, at)
        run.state = doc.advance(event.event_type, at)
        run.ended_at = doc.ends.get(run.state)
        if event.run.facets and (run.parent_run or _names_parent(event.run.facets, doc.facets)):
            raw = {name: msgspec.Raw(extra.body) for name, extra in doc.facets.items()}
            parent = try_facet(raw, Parent)
            run.parent_run = (canonical_run_id(parent.run.run_id) or "") if parent else ""

    def _merge(
        self,
        touched: dict[int, Touched],
        name: int,
        facets: int,
        extras: dict[str, msgspec.Raw],
        at: int,
        key: bytes,
    ) -> None:
        """Merge an event's statement about one read or write."""
        merged = touched.get(name)
        if merged is None:
            merged = touched[name] = Touched([FacetStatement(at, key, facets)] if facets else [], {})
        elif facets:
            run_documents.add_statement(merged.statements, at, key, facets, self._facet_names)
        if extras:
            run_documents.put_extras(merged.extras, at, key, extras)

    def _facet_names(self, facets: int) -> frozenset[str]:
        return self.sets.by_id(facets).claims

    def _apply_job(self, event: JobEvent, stamp: Stamp) -> None:
        job, _ = self._effects.apply(JOB, event.job, stamp)
        for dataset in (*event.outputs, *event.inputs):
            self._effects.apply(DATASET, dataset, stamp)
        self._effects.finish(stamp, job)
        claims = self._plans.lineages.of_event(event, stamp.at, stamp.key)
        if claims:
            self._effects.put_statement(job, DESIGNED, claims, stamp)
            before = {flow.target for flow in self._tables.flows.where(job=job.node) if flow.kind == DESIGNED}
            for target in before | {self.names.node(name).id for name, _ in claims}:
                self._state((job.node, target, DESIGNED), claims, stamp)

    def _apply_dataset(self, event: DatasetEvent, stamp: Stamp) -> None:
        name, facets = self._effects.apply(DATASET, event.dataset, stamp)
        self._effects.finish(stamp)
        if facets.lineage or "lineage" in facets.bodies or "columnLineage" in facets.bodies:
            claims = self._plans.lineages.of_event(event, stamp.at, stamp.key)
            self._effects.put_statement(name, DESCRIBED, claims, stamp)
            self._state((0, name.node, DESCRIBED), claims, stamp)

    def _state(self, key: FlowKey, claims: list[tuple[int, int]], stamp: Stamp) -> None:
        """Apply what an event states about a target: the shapes of its names."""
        shape = self._columns.union([shape for name, shape in claims if self.names.node(name).id == key[1]])
        self._flows.state(key, Step(stamp.at, stamp.key.hex(), shape))

    # -- the end of a batch ----------------------------------------------------------------------------------------
    def settle(self) -> None:
        """Update all tables for the events applied since the last call."""
        if self._effects.joins:
            self._join_nodes()
        for run, stamp in sorted(
            self._dirty.values(), key=lambda one: (one[0].ended_at or one[0].started_at, one[0].run_id)
        ):
            self._settle_run(run, stamp)
        self.bindings.rebind()
        self._flows.settle()
        self.names.flush()
        self._history.refresh_search()
        self._listings.settle()
        self.runs.flush()
        self._dirty.clear()

    def _settle_run(self, run: Run, stamp: Stamp) -> None:
        doc = self.runs.doc(run)
        run.operation, is_endless = self._work_of(doc)
        at = self._counts_from(run, doc, is_endless=is_endless)
        old = doc.settled
        if at is None:
            if old is not None:
                self._retract(run, doc, old)
            return
        plan = self._plans.of(doc, stamp.at, stamp.key)
        shapes = plan.shapes
        settled = Settled(run.job, at, shapes, {}, [], []) if old is None else old
        before = None if old is None else (old.job, old.at, dict(old.shapes))
        settled.job, settled.at, settled.shapes = run.job, at, shapes
        doc.settled = settled
        self.bindings.settle(run, doc, settled, plan)
        heard_at = max(stamp.at, run.started_at, run.ended_at or run.started_at)
        if plan.noted:
            self._tables.mention(plan.noted, run.id, heard_at, stamp.seq)
        if before is None:
            for target, shape in plan.flows.items():
                self._flows.observe(run.job, target, Step(at, run.run_id, shape))
        elif before != (run.job, at, shapes):
            self._mark(before[0], before[2])
            self._mark(run.job, shapes)
            self._flows.mark(before[0], before[0], OBSERVED)
            self._flows.mark(run.job, run.job, OBSERVED)

    def _counts_from(self, run: Run, doc: RunDoc, *, is_endless: bool) -> int | None:
        """The instant that orders the run within its job; None if it is not part of the graph.

        A completed run counts from its end, a run of a streaming job from its start, whatever its state.
        """
        if doc.was_running and is_endless:
            return run.started_at
        return run.ended_at if run.state == COMPLETED else None

    def _work_of(self, doc: RunDoc) -> tuple[str, bool]:
        """(operation, whether it never ends), as last stated by the run's events."""
        found = ("", False)
        for statement in doc.job_statements:
            found = self.sets.by_id(statement.facets).work() or found
        return found

    def _mark(self, job: int, shapes: Mapping[int, int]) -> None:
        for name in shapes:
            self._flows.mark(job, self.names.node(name).id, OBSERVED)

    def _retract(self, run: Run, doc: RunDoc, old: Settled) -> None:
        self.bindings.retract(old)
        self._mark(old.job, old.shapes)
        self._flows.mark(old.job, old.job, OBSERVED)
        doc.settled = None
        self.runs.changed(run)

    def _join_nodes(self) -> None:
        pairs = [
            (self.names.by_name_id(left).node, self.names.by_name_id(right).node) for left, right in self._effects.joins
        ]
        for one, *others in together(pairs):
            for run, seq in self._joining.runs_of(one, *others).items():
                row: Any = self._tables.runs.get(run)
                doc = self.runs.doc(row)
                if doc.settled is not None:
                    self._retract(row, doc, doc.settled)
                    self._dirty.setdefault(run, (row, Stamp(*seq, run, row.run_id)))
            self.bindings.rebind()
            self._joining.join(one, others)
            self._plans.clear()
            for other in others:
                self._history.forget(other)
            self._history.rebuild(self.names.by_id(one))
        self._effects.joined()


def _names_parent(given: dict[str, msgspec.Raw], merged: dict[str, run_documents.Extra]) -> bool:
    """Whether the facets of an event, already merged, may contain a parent under its own or another key.

    One that a later event has overridden does not count, nor one under a key that the specification gives to another
    facet.
    """
    if STANDARD_KEYS.issuperset(given):
        return "parent" in given
    return "parent" in given or any(b"ParentRunFacet" in bytes(merged[name].body) for name in given)
