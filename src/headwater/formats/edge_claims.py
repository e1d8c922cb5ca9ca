"""Collects what the events of a run claim about its edges, before the claims are ranked.

``Claims`` is a union: adding events in another order, twice, or in pieces gives the same claims. Names are compared in
their normal form (``headwater.model.names``) and shown as they arrived.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from headwater.formats.dataset_facets import Schema, flat_fields, read_facet
from headwater.formats.lineage_facets import (
    OWN_JOB,
    Reading,
    Ref,
    Wide,
    read_columns,
    read_dataset_lineage,
    read_job_lineage,
)
from headwater.formats.openlineage import STANDARD_KEYS, find_facet
from headwater.model.events import Dataset, DatasetEvent, Event, Job
from headwater.model.graph import FieldEdge
from headwater.model.names import normalise

NodeKey = tuple[bool, str, str, str]
"""(is a job, namespace, name, run id), a dataset's name in normal form."""
_T = TypeVar("_T")


class Claim:
    """What is claimed about one source of one target."""

    __slots__ = ("fields", "is_stated", "wide")

    def __init__(self) -> None:
        #: False while every mention of the source is marked as inferred
        self.is_stated = False
        self.fields: frozenset[FieldEdge] = frozenset()
        self.wide: frozenset[Wide] = frozenset()


class Claims:
    """The claims of one event, or of all events of one run."""

    def __init__(self) -> None:
        #: the jobs the events name; one, unless an emitter renames it in mid-run
        self.jobs: set[NodeKey] = set()
        self.inputs: set[NodeKey] = set()
        #: what is written; from a DatasetEvent, what its own facets derive
        self.outputs: set[NodeKey] = set()
        #: from ``lineage`` facets: target, source, claim
        self.declared: dict[NodeKey, dict[NodeKey, Claim]] = {}
        #: from ``columnLineage`` facets: target, source, claim
        self.columns: dict[NodeKey, dict[NodeKey, Claim]] = {}
        #: target fields that either facet names
        self.named: dict[NodeKey, frozenset[str]] = {}
        #: a job-level ``lineage`` facet was seen: no cross product
        self.is_explicit = False
        #: facets and entries, by dotted place, that are there and cannot be read
        self.unreadable: set[str] = set()
        self._shown: dict[NodeKey, tuple[str, str]] = {}
        self._schemas: dict[NodeKey, list[tuple[Dataset, str]]] = {}

    def add(self, event: Event) -> None:
        """Add what one event claims."""
        if isinstance(event, DatasetEvent):
            self._add_target(event.dataset, "dataset", None)
            return
        job = (True, event.job.namespace, event.job.name, "")
        self.jobs.add(job)
        for item in event.inputs:
            self.inputs.add(self._dataset_key(item.namespace, item.name))
        for index, output in enumerate(event.outputs):
            self._add_target(output, f"outputs[{index}]", job)
        if event.job.facets:
            self._add_job_facet(event.job, job)

    def shown(self, key: NodeKey) -> tuple[str, str]:
        """The namespace and name of a node as an event spelled them."""
        return self._shown.get(key, (key[1], key[2]))

    def fields_of(self, target: NodeKey) -> frozenset[str]:
        """Every field of a target that its lineage facets or its schema name."""
        fields = set(self.named.get(target, ()))
        for dataset, where in self._schemas.get(target, ()):
            try:
                schema = read_facet(dataset.facets, Schema)
            except msgspec.MsgspecError:
                self.unreadable.add(f"{where}.facets.schema")
                continue
            if schema is not None:
                fields.update(field.name for field in flat_fields(schema))
        return frozenset(fields)

    def _dataset_key(self, namespace: str, name: str) -> NodeKey:
        normal = normalise(namespace, name)
        key = (False, normal.namespace, normal.name, "")
        shown = self._shown.get(key)
        if shown is None:
            self._shown[key] = (namespace, name)
        elif shown != (namespace, name):  # of several spellings the smallest, so that order does not matter
            self._shown[key] = min(shown, (namespace, name))
        return key

    def _key(self, ref: Ref, own: NodeKey | None) -> NodeKey | None:
        if not ref[0]:
            return self._dataset_key(ref[1], ref[2]) if ref[1].strip() and ref[2].strip() else None
        if ref == OWN_JOB:
            return own
        return own if own is not None and ref[1:3] == own[1:3] else ref

    def _read(self, raw: msgspec.Raw, read: Callable[[msgspec.Raw], _T], where: str) -> _T | None:
        try:
            return read(raw)
        except (msgspec.MsgspecError, RecursionError):
            self.unreadable.add(where)
            return None

    def _add_target(self, dataset: Dataset, where: str, job: NodeKey | None) -> None:
        """An output; or the subject of a DatasetEvent, which is a target only where a facet says so."""
        target = self._dataset_key(dataset.namespace, dataset.name)
        if job is not None:
            self.outputs.add(target)
        facets = dataset.facets
        if not facets:
            return
        raw = find_facet(facets, "columnLineage", "ColumnLineageDatasetFacet")
        if raw is not None and (columns := self._read(raw, read_columns, f"{where}.facets.columnLineage")):
            self._apply(self.columns, target, columns, job, where)
            self.outputs.add(target)
        raw = find_facet(facets, "lineage", "LineageDatasetFacet")
        if raw is not None and (declared := self._read(raw, read_dataset_lineage, f"{where}.facets.lineage")):
            self.declared.setdefault(target, {})
            self._apply(self.declared, target, declared, job, f"{where}.facets.lineage")
        if "schema" in facets or not STANDARD_KEYS.issuperset(facets):
            self._schemas.setdefault(target, []).append((dataset, where))

    def _add_job_facet(self, job: Job, own: NodeKey) -> None:
        raw = find_facet(job.facets, "lineage", "LineageJobFacet")
        where = "job.facets.lineage"
        readings = None if raw is None else self._read(raw, read_job_lineage, where)
        if readings is None:
            return
        self.is_explicit = True
        for reading in readings:
            self.unreadable.update(f"{where}.{place}" for place in reading.unreadable)
            target = None if reading.target is None else self._key(reading.target, own)
            if target is not None:
                self.declared.setdefault(target, {})
                self._apply(self.declared, target, reading, own, where)

    def _apply(
        self,
        claims: dict[NodeKey, dict[NodeKey, Claim]],
        target: NodeKey,
        reading: Reading,
        own: NodeKey | None,
        where: str,
    ) -> None:
        """Add a reading to the claims about a target."""
        if reading.unreadable:
            self.unreadable.update(f"{where}.{place}" for place in reading.unreadable)
        if reading.named:
            self.named[target] = self.named[target] | reading.named if target in self.named else reading.named
        for stated in reading.sources:
            key = self._key(stated.source, own)
            if key is None:
                self.unreadable.add(where)
                continue
            claim = claims.setdefault(target, {}).setdefault(key, Claim())
            claim.is_stated = claim.is_stated or stated.is_stated
            claim.fields = claim.fields | stated.fields if claim.fields else stated.fields
            claim.wide = claim.wide | stated.wide if claim.wide else stated.wide
