"""Builds OpenLineage events from requests to Marquez's API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from headwater.formats.dataset_facets import (
    EVENT_SCHEMA,
    PRODUCER,
    DatasetType,
    DataSource,
    Documentation,
    Facet,
    LifecycleStateChange,
    Schema,
    SchemaField,
    Tag,
    Tags,
    event_frame,
    write_facet,
)
from headwater.formats.marquez.requests import DatasetMeta, JobMeta, NameMeta, RunMeta
from headwater.formats.openlineage import parse_time
from headwater.formats.run_facets import JobDocumentation, JobTags, JobType, NominalTime, SourceCodeLocation
from headwater.formats.times import format_time

Facets = dict[str, Any]
Named = tuple[str, str]

_REMOVED = {"_producer": PRODUCER, "_schemaURL": f"{EVENT_SCHEMA}#/$defs/BaseFacet", "_deleted": True}
_PROCESSING = {"BATCH": "BATCH", "STREAM": "STREAMING", "SERVICE": "SERVICE"}
_PARAMETERS_SCHEMA = "https://openlineage.io/spec/facets/1-0-0/ExecutionParametersRunFacet.json"


def put_dataset(
    dataset: Named,
    meta: DatasetMeta,
    *,
    uri: str,
    tags: Sequence[Tag],
    previous: Iterable[str],
    is_revived: bool,
    at: int,
) -> dict[str, Any]:
    """A dataset as it is put: facets that were there and are not given any more go.

    ``uri`` is that of its source, ``tags`` are all it shall have, ``previous`` the keys of the facets it has; one that
    ``is_revived`` was deleted.
    """
    facets = _written(
        DataSource(name=meta.source_name, uri=uri or None),
        DatasetType(dataset_type="TABLE" if meta.type == "DB_TABLE" else "STREAM"),
        Schema(fields=[SchemaField(name=one.name, type=one.type, description=one.description) for one in meta.fields])
        if meta.fields
        else None,
        Documentation(description=meta.description) if meta.description is not None else None,
        Tags(tags=list(tags)) if tags else None,
        LifecycleStateChange(lifecycle_state_change="CREATE") if is_revived else None,
    )
    gone = {Schema.KEY, Documentation.KEY, Tags.KEY} & set(previous) - facets.keys()
    return _dataset_event(dataset, {**facets, **dict.fromkeys(gone, _REMOVED)}, at)


def tag_dataset(dataset: Named, tags: Sequence[Tag], at: int) -> dict[str, Any]:
    """A dataset with exactly these tags."""
    return _dataset_event(dataset, {Tags.KEY: write_facet(Tags(tags=list(tags))) if tags else _REMOVED}, at)


def drop_dataset(dataset: Named, at: int) -> dict[str, Any]:
    """A dataset that is no more."""
    return _dataset_event(dataset, _dropped(), at)


def put_job(job: Named, meta: JobMeta, tags: Sequence[Tag], previous: Iterable[str], at: int) -> dict[str, Any]:
    """A job as it is put, with what it reads and writes."""
    facets = job_facets(meta)
    if tags:
        facets[JobTags.KEY] = write_facet(JobTags(tags=list(tags)))
    known = {JobDocumentation.KEY, JobTags.KEY, SourceCodeLocation.KEY}
    gone = dict.fromkeys(known & set(previous) - facets.keys(), _REMOVED)
    event = _job_event(job, {**facets, **gone}, at)
    return {**event, "inputs": _datasets(meta.inputs), "outputs": _datasets(meta.outputs)}


def job_facets(meta: JobMeta) -> Facets:
    """What is put of a job, as facets."""
    return _written(
        JobType(processing_type=_PROCESSING[meta.type], integration="MARQUEZ", job_type="JOB"),
        JobDocumentation(description=meta.description) if meta.description is not None else None,
        SourceCodeLocation(type="git" if ".git" in meta.location else "url", url=meta.location)
        if meta.location
        else None,
    )


def tag_job(job: Named, tags: Sequence[Tag], at: int) -> dict[str, Any]:
    """A job with exactly these tags."""
    return _job_event(job, {JobTags.KEY: write_facet(JobTags(tags=list(tags))) if tags else _REMOVED}, at)


def drop_job(job: Named, at: int) -> dict[str, Any]:
    """A job that is no more."""
    return _job_event(job, _dropped(), at)


def new_run(job: Named, run_id: str, meta: RunMeta, at: int) -> dict[str, Any]:
    """A run that is announced and has not started.

    Raises:
        InvalidEvent: a nominal time is no instant.
    """
    facets: Facets = {}
    if meta.nominal_start_time:
        start = format_time(parse_time(meta.nominal_start_time, field="nominalStartTime"))
        end = None
        if meta.nominal_end_time:
            end = format_time(parse_time(meta.nominal_end_time, field="nominalEndTime"))
        facets[NominalTime.KEY] = write_facet(NominalTime(nominal_start_time=start, nominal_end_time=end))
    if meta.args:
        facets["executionParameters"] = _parameters(meta.args)
    return run_event(job, run_id, "OTHER", at, run_facets=facets)


def run_event(
    job: Named,
    run_id: str,
    event_type: str,
    at: int,
    *,
    inputs: Sequence[NameMeta] = (),
    outputs: Sequence[NameMeta] = (),
    run_facets: Facets | None = None,
    facets: Facets | None = None,
) -> dict[str, Any]:
    """A run that changes its state, or reads and writes."""
    return {
        **event_frame(format_time(at), "RunEvent"),
        "eventType": event_type,
        "run": {"runId": run_id, "facets": run_facets or {}},
        "job": {"namespace": job[0], "name": job[1], "facets": facets or {}},
        "inputs": _datasets(inputs),
        "outputs": _datasets(outputs),
    }


def _parameters(args: Mapping[str, str]) -> dict[str, Any]:
    parameters = [{"key": key, "name": key, "value": value} for key, value in args.items()]
    return {"_producer": PRODUCER, "_schemaURL": _PARAMETERS_SCHEMA, "parameters": parameters}


def _written(*facets: Facet | None) -> Facets:
    return {facet.KEY: write_facet(facet) for facet in facets if facet is not None}


def _dropped() -> Facets:
    return {LifecycleStateChange.KEY: write_facet(LifecycleStateChange(lifecycle_state_change="DROP"))}


def _datasets(names: Iterable[NameMeta]) -> list[dict[str, str]]:
    return [{"namespace": one.namespace, "name": one.name} for one in names]


def _dataset_event(dataset: Named, facets: Facets, at: int) -> dict[str, Any]:
    named = {"namespace": dataset[0], "name": dataset[1], "facets": facets}
    return {**event_frame(format_time(at), "DatasetEvent"), "dataset": named}


def _job_event(job: Named, facets: Facets, at: int) -> dict[str, Any]:
    named = {"namespace": job[0], "name": job[1], "facets": facets}
    return {**event_frame(format_time(at), "JobEvent"), "job": named}


def encode(event: Mapping[str, Any]) -> bytes:
    """An event as it is stored."""
    return msgspec.json.encode(event)
