"""Jobs and their versions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import msgspec

from headwater.errors import InvalidInput
from headwater.formats.dataset_facets import Tag
from headwater.formats.marquez.events import drop_job, job_facets, put_job, run_event
from headwater.formats.marquez.objects import Job, JobVersion, VersionName
from headwater.formats.marquez.requests import JobMeta
from headwater.formats.times import format_time
from headwater.model.graph import NodeKind, RunState
from headwater.server.permissions import Permission
from headwater.server.request import Call
from headwater.server.routes.marquez.errors import Missing
from headwater.server.routes.marquez.event_intake import emit, instant, turn
from headwater.server.routes.marquez.facet_fields import job_tags
from headwater.server.routes.marquez.job_versions import Version, versions
from headwater.server.routes.marquez.jobs_shape import job_shape, job_shapes, names
from headwater.server.routes.marquez.lookup import Finder
from headwater.server.routes.marquez.operations import Page, operation
from headwater.server.routes.marquez.runs_shape import run_shape
from headwater.server.routes.marquez.tags import know_tags
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow, RunRow

_PATH = "/api/v1/namespaces/{namespace}/jobs"
_STATES = ("lastRunStates", "runState")


class JobPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of jobs, and their total number."""

    jobs: list[Job]
    total_count: int


class JobVersions(msgspec.Struct, frozen=True):
    """A page of versions."""

    versions: list[JobVersion]


def list_jobs(call: Call) -> JobPage:
    """A page of the jobs, of one namespace or of all, by their last run, latest first.

    With ``lastRunStates``, which may be repeated, only jobs whose last run is in one of these states.
    """
    page: Page = call.query
    namespace = call.path.get("namespace")
    states = _states(call)
    with call.store() as store:
        rows = store.list_nodes(NodeKind.JOB, namespace=namespace, states=states, limit=page.limit, offset=page.offset)
        total = store.count_nodes(NodeKind.JOB, namespace=namespace, states=states)
        return JobPage(jobs=job_shapes(store, rows), total_count=total)


def _states(call: Call) -> list[RunState]:
    given = [text for name in _STATES for text in call.request.query_params.getlist(name) if text]
    try:
        return [RunState(text) for text in given if text != "OTHER"]
    except ValueError:
        known = ", ".join(RunState)
        raise InvalidInput(field=_STATES[0], value=", ".join(given)[:80], rule=f"must be one of {known}") from None


def _finder(call: Call, store: Store) -> Finder:
    return Finder(store, call.service.documents, call.tenant)


def get_job(call: Call) -> Job:
    """One job."""
    with call.store() as store:
        return job_shape(store, _finder(call, store).job(call.path["namespace"], call.path["job"]))


def put(call: Call) -> Job:
    """Create or change a job; with a run, also the inputs and outputs of that run."""
    meta: JobMeta = call.body
    job = (call.path["namespace"], call.path["job"])
    with turn(call):
        with call.store() as store:
            find = _finder(call, store)
            find.namespace(job[0])
            run = _run_of(find, meta.run_id, job)
            for one in (*meta.inputs, *meta.outputs):
                find.dataset(one.namespace, one.name)
            row = store.find(NodeKind.JOB, *job)
            facets = store.facets(row.id) if row is not None else {}
        at = instant(call, row)
        before = job_tags(facets)
        given = [Tag(key=key, value="true", source="USER") for key in meta.tags or ()]
        events = [put_job(job, meta, given if meta.tags is not None else before, facets, at)]
        if run is not None:
            about = job_facets(meta)
            events.append(
                run_event(job, run.run_id, "OTHER", at, inputs=meta.inputs, outputs=meta.outputs, facets=about)
            )
        emit(call, events)
        know_tags(call, meta.tags or ())
    return get_job(call)


def _run_of(find: Finder, run_id: str | None, job: tuple[str, str]) -> RunRow | None:
    """A run, checked to be of that job."""
    if run_id is None:
        return None
    run = find.run(run_id)
    row = find.job_of(run)
    if (row.namespace, row.name) != job:
        raise Missing("Run", run_id)
    return run


def delete(call: Call) -> Job:
    """Delete a job, which ends all of its edges."""
    with turn(call):
        with call.store() as store:
            row = _finder(call, store).job(call.path["namespace"], call.path["job"])
            shown = job_shape(store, row)
        emit(call, [drop_job((row.namespace, row.name), instant(call, row))])
    return shown


def list_versions(call: Call) -> JobVersions:
    """A page of the versions of a job, latest first."""
    page: Page = call.query
    with call.store() as store:
        row = _finder(call, store).job(call.path["namespace"], call.path["job"])
        found = list(islice(versions(store, row), page.offset + page.limit + 1))
        ends = _ends(found)
        shown = list(zip(found, ends, strict=True))[page.offset : page.offset + page.limit]
        return JobVersions([_shape(store, row, one, until) for one, until in shown])


def get_version(call: Call) -> JobVersion:
    """One version of a job."""
    wanted = call.path["version"]
    with call.store() as store:
        row = _finder(call, store).job(call.path["namespace"], call.path["job"])
        until: int | None = None
        for one in versions(store, row):
            if one.uuid == wanted.lower():
                return _shape(store, row, one, until)
            until = one.since
    raise Missing("Job version", wanted)


def _ends(found: Sequence[Version]) -> list[int | None]:
    """When each version ended: when the next one began."""
    return [None, *(one.since for one in found[:-1])] if found else []


def _shape(store: Store, job: NodeRow, version: Version, until: int | None) -> JobVersion:
    run = _last_run(store, job, version.since, until)
    return JobVersion(
        id=VersionName(namespace=job.namespace, name=job.name, version=version.uuid),
        name=job.name,
        created_at=format_time(version.since),
        version=version.uuid,
        namespace=job.namespace,
        location=version.location or None,
        inputs=names(version.inputs),
        outputs=names(version.outputs),
        latest_run=run_shape(store, run, job, lambda _: version.uuid) if run is not None else None,
    )


def _last_run(store: Store, job: NodeRow, since: int, until: int | None) -> RunRow | None:
    """The last run of a version of a job."""
    before = until
    while runs := store.runs(job_id=job.id, before=before, limit=10):
        for run in runs:
            at = run.ended_at or run.started_at or 0
            if at < since:
                return None
            if until is None or at < until:
                return run
        before = runs[-1].started_at
    return None


OPERATIONS = (
    operation("GET", "/api/v1/jobs", list_jobs, "The jobs.", query=Page, answer=JobPage),
    # Marquez's web pages request the list with POST.
    operation("POST", "/api/v1/jobs", list_jobs, "The jobs.", query=Page, answer=JobPage, permission=Permission.READ),
    operation("GET", _PATH, list_jobs, "The jobs of a namespace.", query=Page, answer=JobPage),
    operation("GET", _PATH + "/{job}", get_job, "One job.", answer=Job),
    operation("PUT", _PATH + "/{job}", put, "Create or change a job.", body=JobMeta, answer=Job),
    operation("DELETE", _PATH + "/{job}", delete, "Delete a job.", answer=Job),
    operation("GET", _PATH + "/{job}/versions", list_versions, "Versions.", query=Page, answer=JobVersions),
    operation("GET", _PATH + "/{job}/versions/{version}", get_version, "One version.", answer=JobVersion),
)
