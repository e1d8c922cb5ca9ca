"""Derives the inputs of each target from merged claims, in name ids."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from headwater.formats.edge_claims import Claims
from headwater.formats.edges import Lineage, resolve
from headwater.model.events import DatasetEvent, Event, InputDataset, Job, JobEvent, OutputDataset
from headwater.model.graph import NodeKind
from headwater.storage.projection.columns import Columns
from headwater.storage.projection.facet_sets import FacetSets
from headwater.storage.projection.names import Names
from headwater.storage.projection.records import DATASET, HOWS, JOB, Name
from headwater.storage.projection.run_documents import FacetStatement, RunDoc, Touched

_RANKS = {how: rank for rank, how in enumerate(HOWS)}
_KINDS = {NodeKind.DATASET: DATASET, NodeKind.JOB: JOB}


class Lineages:
    """Computes the shapes of runs and of design-time events."""

    def __init__(self, names: Names, columns: Columns, sets: FacetSets) -> None:
        self._names = names
        self._columns = columns
        self._sets = sets

    def of_run(self, doc: RunDoc, at: int, key: bytes) -> dict[int, int]:
        """Shape by target name id, for everything that the run's events claim together."""
        collected = Claims()
        for event in self._events(doc):
            collected.add(event)
        return dict(self._shapes(resolve(collected), at, key))

    def of_event(self, event: JobEvent | DatasetEvent, at: int, key: bytes) -> list[tuple[int, int]]:
        """(target name id, shape) pairs of a design-time event."""
        collected = Claims()
        collected.add(event)
        return sorted(self._shapes(resolve(collected), at, key))

    def _events(self, doc: RunDoc) -> Iterator[Event]:
        """The claims of a run as events, as many as needed to carry all different lineage facets."""
        job = self._names.by_name_id(doc.job)
        inputs = tuple(
            InputDataset(namespace=name.raw_namespace, name=name.raw_name) for name in self._rows(doc.inputs)
        )
        layers = [self._layers(name, touched.statements) for name, touched in doc.outputs.items()]
        jobs = [
            Job(namespace=job.namespace, name=job.name, facets=found)
            for statement in doc.job_statements
            if (found := self._sets.by_id(statement.facets).lineage_facets())
        ]
        plain = Job(namespace=job.namespace, name=job.name)
        yield JobEvent(event_time="", producer="", job=plain, inputs=inputs)
        for facet_job in jobs:
            yield JobEvent(event_time="", producer="", job=facet_job)
        for outputs in zip_longest(*layers):
            known = tuple(output for output in outputs if output is not None)
            yield JobEvent(event_time="", producer="", job=plain, outputs=known)

    def _rows(self, names: dict[int, Touched]) -> Iterator[Name]:
        return (self._names.by_name_id(name) for name in names)

    def _layers(self, name_id: int, statements: list[FacetStatement]) -> list[OutputDataset]:
        name = self._names.by_name_id(name_id)
        facets = [found for statement in statements if (found := self._sets.by_id(statement.facets).lineage_facets())]
        return [OutputDataset(namespace=name.raw_namespace, name=name.raw_name, facets=some) for some in facets or [{}]]

    def _shapes(self, lineage: Lineage, at: int, key: bytes) -> Iterator[tuple[int, int]]:
        for target in lineage.targets:
            to = self._name(target.kind, target.namespace, target.name, at, key)
            sources = []
            for source in target.sources:
                name = self._name(source.kind, source.namespace, source.name, at, key)
                sources.append((name.id, _RANKS[source.how], self._columns.mapping(name.id, to.id, source.fields)))
            yield to.id, self._columns.shape(sources)

    def _name(self, kind: NodeKind, namespace: str, name: str, at: int, key: bytes) -> Name:
        """The name, which the events that claim the lineage have created already, with its first time."""
        known = self._names.known(_KINDS[kind], namespace, name)
        return known or self._names.seen(_KINDS[kind], namespace, name, at, key)
