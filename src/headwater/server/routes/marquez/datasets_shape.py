"""Datasets in Marquez's shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec

from headwater.formats.marquez.graph import DatasetData
from headwater.formats.marquez.ids import schema_version_uuid
from headwater.formats.marquez.objects import (
    Dataset,
    DatasetVersion,
    Facets,
    FieldLineage,
    InputField,
    Name,
    Run,
    Stream,
    StreamVersion,
    VersionName,
)
from headwater.formats.times import format_time
from headwater.model.graph import WHOLE, FieldEdge
from headwater.server.access.tenant_documents import Documents
from headwater.server.routes.marquez import facet_fields
from headwater.server.routes.marquez.job_versions import Timeline, datasets_of
from headwater.server.routes.marquez.lookup import DATASET, dataset_key
from headwater.server.routes.marquez.runs_shape import run_shape, time_text, version_uuid
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow, VersionRow


class Extra(msgspec.Struct, frozen=True, kw_only=True):
    """Values that were put for a dataset and cannot be expressed by events."""

    physical_name: str = ""
    schema_location: str = ""


class Datasets:
    """Describes the datasets of one tenant."""

    def __init__(self, store: Store, documents: Documents, tenant: str) -> None:
        self._store = store
        self._documents = documents
        self._tenant = tenant

    @cached_property
    def _is_plain(self) -> bool:
        """Whether no dataset of the tenant has such values, as is usual."""
        return not self._documents.has_any(self._tenant, DATASET)

    def _given(self, version: VersionRow | None) -> Facets:
        """The facets of a version from the run that wrote it. For a version without such a run they are empty: finding
        its readers would scan the log."""
        return self._store.version_facets(version.id) if version is not None and version.run_id else {}

    def put_aside(self, row: NodeRow) -> Extra:
        """The values put for a dataset beside its lineage."""
        if self._is_plain:
            return Extra()
        found = self._documents.get(self._tenant, DATASET, dataset_key(row.namespace, row.name))
        return Extra() if found is None else found.read(Extra)

    def all(self, rows: Sequence[NodeRow]) -> list[Dataset]:
        """Datasets as documents, in order."""
        latest = self._store.latest_versions([row.id for row in rows])
        lineage = field_lineage(self._store, rows)
        return [self._dataset(row, latest.get(row.id), lineage.get(row.id)) for row in rows]

    def one(self, row: NodeRow) -> Dataset:
        """A dataset as a document."""
        return self.all([row])[0]

    def _dataset(self, row: NodeRow, latest: VersionRow | None, lineage: list[FieldLineage] | None) -> Dataset:
        given = self._given(latest)
        facets = self._store.facets(row.id)
        extra = self.put_aside(row)
        members = {
            **_common(row, facets, extra),
            "created_at": format_time(row.created_at),
            "updated_at": format_time(row.updated_at),
            "last_modified_at": time_text(latest.created_at) if latest is not None else None,
            "last_lifecycle_state": facet_fields.lifecycle(facets),
            "current_version": version_uuid(row, latest) if latest is not None else None,
            "column_lineage": lineage,
            "facets": {**given, **facets},
            "deleted": row.is_deleted,
        }
        name = Name(namespace=row.namespace, name=row.name)
        if facet_fields.is_stream(row.type):
            return Stream(id=name, schema_location=extra.schema_location or None, **members)
        return Dataset(id=name, **members)

    def data(self, row: NodeRow, latest: VersionRow | None) -> DatasetData:
        """A dataset as a node of a graph."""
        facets = self._store.facets(row.id)
        return DatasetData(
            id=Name(namespace=row.namespace, name=row.name),
            created_at=format_time(row.created_at),
            updated_at=format_time(row.updated_at),
            last_modified_at=time_text(latest.created_at) if latest is not None else None,
            last_lifecycle_state=facet_fields.lifecycle(facets),
            **_common(row, facets, self.put_aside(row)),
        )

    def versions(self, row: NodeRow, versions: Sequence[VersionRow]) -> list[DatasetVersion]:
        """Versions of a dataset as documents, with the runs that wrote them."""
        extra = self.put_aside(row)
        timelines: dict[int, Timeline] = {}
        return [self._version(row, version, extra, timelines) for version in versions]

    def _version(
        self, row: NodeRow, version: VersionRow, extra: Extra, timelines: dict[int, Timeline]
    ) -> DatasetVersion:
        # The facets of the dataset at that time, with those from the run that wrote this version.
        facets = {**self._store.facets(row.id, as_of=version.created_at), **self._given(version)}
        uuid = version_uuid(row, version)
        members = {
            **_common(row, facets, extra),
            "created_at": format_time(version.created_at),
            "version": uuid,
            "lifecycle_state": facet_fields.lifecycle(facets),
            "current_schema_version": _schema_version(row, facets),
            "created_by_run": self._writer(version, timelines),
            "facets": facets,
        }
        name = VersionName(namespace=row.namespace, name=row.name, version=uuid)
        if facet_fields.is_stream(row.type):
            return StreamVersion(id=name, schema_location=extra.schema_location or None, **members)
        return DatasetVersion(id=name, **members)

    def _writer(self, version: VersionRow, timelines: dict[int, Timeline]) -> Run | None:
        run = self._store.run(version.run_id) if version.run_id else None
        if run is None:
            return None
        job = self._store.nodes([run.job_id])[0]
        timeline = timelines.get(job.id)
        if timeline is None:
            timeline = timelines[job.id] = Timeline(self._store, job)
        return run_shape(self._store, run, job, timeline.of)


def _common(row: NodeRow, facets: Mapping[str, msgspec.Raw], extra: Extra) -> dict[str, Any]:
    """The common fields of a dataset, its versions and its node."""
    return {
        "type": "STREAM" if facet_fields.is_stream(row.type) else "DB_TABLE",
        "name": row.name,
        "physical_name": extra.physical_name or row.name,
        "namespace": row.namespace,
        "source_name": facet_fields.source_name(facets, row.namespace),
        "fields": facet_fields.fields(facets),
        "tags": facet_fields.names_of(facet_fields.dataset_tags(facets)),
        "description": facet_fields.description(facets),
    }


def _schema_version(row: NodeRow, facets: Mapping[str, msgspec.Raw]) -> str | None:
    fields = [(field.name, field.type or "") for field in facet_fields.fields(facets)]
    return schema_version_uuid(row.namespace, row.name, fields) if fields else None


def field_lineage(store: Store, rows: Sequence[NodeRow]) -> dict[int, list[FieldLineage]]:
    """The sources of the columns of each dataset, by dataset id; datasets without column edges are left out."""
    edges = [edge for edge in store.edges_of([row.id for row in rows], "target") if edge.mapping]
    mappings = store.mappings(list({edge.mapping for edge in edges}))
    sources = datasets_of(store, edges)
    inputs: dict[int, dict[str, dict[InputField, None]]] = {}
    for edge in edges:
        source = sources.get(edge.source_id)
        if source is None:
            continue
        for field in mappings[edge.mapping]:
            if field.target_field == WHOLE:  # the whole dataset: not representable in Marquez
                continue
            found = inputs.setdefault(edge.target_id, {}).setdefault(field.target_field, {})
            found[input_field(source, field)] = None
    return {
        target: [
            FieldLineage(
                name=name,
                input_fields=list(found),
                transformation_description=next(iter(found)).transformation_description,
                transformation_type=next(iter(found)).transformation_type,
            )
            for name, found in sorted(fields.items())
        ]
        for target, fields in inputs.items()
    }


def input_field(source: NodeRow, field: FieldEdge) -> InputField:
    """A column edge as an input of the dependent column."""
    return InputField(
        namespace=source.namespace,
        dataset=source.name,
        field=field.source_field,
        transformation_description=field.description or None,
        transformation_type=transformation_type(field),
    )


def transformation_type(field: FieldEdge) -> str | None:
    """Marquez's name of the transformation: MASKED, else the subtype, else INDIRECT; None if there is no
    description."""
    if field.masking:
        return "MASKED"
    return field.subtype or ("INDIRECT" if field.type == "INDIRECT" else None)
