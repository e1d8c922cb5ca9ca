"""Jobs in Marquez's shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headwater.formats.marquez.graph import JobData
from headwater.formats.marquez.ids import job_uuid
from headwater.formats.marquez.objects import Facets, Job, Name, Run
from headwater.formats.times import format_time
from headwater.server.routes.marquez import facet_fields
from headwater.server.routes.marquez.job_versions import Timeline, Version, current_version, datasets_of
from headwater.server.routes.marquez.runs_shape import brief_run, run_shape
from headwater.storage.base import Store
from headwater.storage.row_types import EdgeRow, NodeRow, RunRow

LATEST_RUNS = 10


def names(pairs: Sequence[tuple[str, str]]) -> list[Name]:
    """Two-part names as documents."""
    return [Name(namespace=namespace, name=name) for namespace, name in pairs]


def job_shape(store: Store, job: NodeRow) -> Job:
    """A job with its last runs in full."""
    timeline = Timeline(store, job)
    runs = store.runs(job_id=job.id, limit=LATEST_RUNS)
    latest = [run_shape(store, run, job, timeline.of) for run in runs]
    return _job(job, store.facets(job.id), timeline.latest, runs, latest)


def job_shapes(store: Store, jobs: Sequence[NodeRow]) -> list[Job]:
    """Jobs for a list: the last run of each in full, earlier ones in brief."""
    found = []
    facets = {job.id: store.facets(job.id) for job in jobs}
    current = current_versions(store, jobs, facets)
    for job in jobs:
        version = current[job.id]
        runs = store.runs(job_id=job.id, limit=LATEST_RUNS)
        latest = [run_shape(store, run, job, lambda _, version=version: version.uuid) for run in runs[:1]]  # type: ignore[misc]
        latest += [brief_run(run, job, None) for run in runs[1:]]
        found.append(_job(job, facets[job.id], version, runs, latest))
    return found


def current_versions(store: Store, jobs: Sequence[NodeRow], facets: Mapping[int, Facets]) -> dict[int, Version]:
    """The current version of each job, by job id, given their facets."""
    edges: dict[int, list[EdgeRow]] = {job.id: [] for job in jobs}
    rows = store.edges_of(list(edges), "job")
    for edge in rows:
        edges[edge.job_id].append(edge)
    datasets = datasets_of(store, rows)
    return {
        job.id: current_version(job, edges[job.id], datasets, facet_fields.location(facets[job.id]) or "")
        for job in jobs
    }


def job_data(store: Store, job: NodeRow, facets: Facets, version: Version, run: RunRow | None) -> JobData:
    """A job as a node of a graph."""
    parent = facet_fields.parent_job(store.run_facets(run.run_id)) if run else None
    return JobData(
        id=Name(namespace=job.namespace, name=job.name),
        type=facet_fields.job_type(facets),
        name=job.name,
        simple_name=_simple_name(job, parent),
        parent_job_name=parent[1] if parent else None,
        parent_job_uuid=job_uuid(*parent) if parent else None,
        current_run_uuid=run.run_id if run else None,
        created_at=format_time(job.created_at),
        updated_at=format_time(job.updated_at),
        namespace=job.namespace,
        inputs=names(version.inputs),
        outputs=names(version.outputs),
        location=version.location or None,
        description=facet_fields.description(facets, is_job=True),
        latest_run=brief_run(run, job, version.uuid) if run else None,
    )


def _job(job: NodeRow, facets: Facets, version: Version, runs: Sequence[RunRow], latest: list[Run]) -> Job:
    parent = facet_fields.parent_job(latest[0].facets) if latest else None
    inputs, outputs = names(version.inputs), names(version.outputs)
    if not inputs and not outputs and runs:
        inputs, outputs = _claims(latest[0])
    return Job(
        id=Name(namespace=job.namespace, name=job.name),
        type=facet_fields.job_type(facets),
        name=job.name,
        simple_name=_simple_name(job, parent),
        parent_job_name=parent[1] if parent else None,
        parent_job_uuid=job_uuid(*parent) if parent else None,
        created_at=format_time(job.created_at),
        updated_at=format_time(job.updated_at),
        namespace=job.namespace,
        inputs=inputs,
        outputs=outputs,
        location=version.location or None,
        description=facet_fields.description(facets, is_job=True),
        latest_run=latest[0] if latest else None,
        latest_runs=latest or None,
        facets=facets,
        current_version=version.uuid,
        labels=facet_fields.labels(facets),
        tags=facet_fields.names_of(facet_fields.job_tags(facets)),
    )


def _claims(run: Run) -> tuple[list[Name], list[Name]]:
    """The inputs and outputs that a run reports, for a job without a successful run."""
    sides = (run.input_dataset_versions, run.output_dataset_versions)
    reads, writes = (
        [Name(namespace=one.dataset_version_id.namespace, name=one.dataset_version_id.name) for one in side]
        for side in sides
    )
    return reads, writes


def _simple_name(job: NodeRow, parent: tuple[str, str] | None) -> str:
    """The name without that of the parent job, which schedulers prepend."""
    if parent is not None and job.name.startswith(parent[1] + ".") and len(job.name) > len(parent[1]) + 1:
        return job.name[len(parent[1]) + 1 :]
    return job.name
