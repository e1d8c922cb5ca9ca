"""Runs: creation, state changes, and details."""

from __future__ import annotations

from typing import Literal
from uuid import uuid4

import msgspec
from starlette.responses import Response

from headwater.errors import InvalidInput
from headwater.formats.marquez.events import new_run, run_event
from headwater.formats.marquez.objects import Run, RunFacets
from headwater.formats.marquez.requests import RunMeta, Time
from headwater.model.run_ids import canonical_run_id
from headwater.server.errors import json_response
from headwater.server.request import Call
from headwater.server.routes.marquez.errors import RunExists
from headwater.server.routes.marquez.event_intake import emit, turn
from headwater.server.routes.marquez.job_versions import Timeline
from headwater.server.routes.marquez.lookup import Finder
from headwater.server.routes.marquez.operations import Page, instant_of, operation
from headwater.server.routes.marquez.runs_shape import run_shape
from headwater.storage.base import Store
from headwater.storage.row_types import RunRow

_PATH = "/api/v1/namespaces/{namespace}/jobs/{job}/runs"
_RUN = "/api/v1/jobs/runs/{run}"


class RunPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of runs, and their total number."""

    runs: list[Run]
    total_count: int


class At(msgspec.Struct, frozen=True, kw_only=True):
    """When a run changed its state; now by default."""

    at: Time = ""


class FacetKind(msgspec.Struct, frozen=True, kw_only=True):
    """Whether to return the facets of the run or of its job."""

    type: Literal["run", "job", "RUN", "JOB"]


def _finder(call: Call, store: Store) -> Finder:
    return Finder(store, call.service.documents, call.tenant)


def list_runs(call: Call) -> RunPage:
    """A page of the runs of a job, latest first."""
    page: Page = call.query
    with call.store() as store:
        job = _finder(call, store).job(call.path["namespace"], call.path["job"])
        rows = store.runs(job_id=job.id, limit=page.offset + page.limit)[page.offset :]
        timeline = Timeline(store, job)
        runs = [run_shape(store, row, job, timeline.of) for row in rows]
        return RunPage(runs=runs, total_count=store.count_runs(job.id))


def create_run(call: Call) -> Response:
    """Announce a run of a job."""
    meta: RunMeta = call.body
    run_id = str(uuid4()) if meta.id is None else canonical_run_id(meta.id)
    if run_id is None:
        raise InvalidInput(field="id", value=repr(meta.id)[:80], rule="must be a UUID")
    with turn(call):
        with call.store() as store:
            job = _finder(call, store).job(call.path["namespace"], call.path["job"])
            if store.run(run_id) is not None:
                raise RunExists(run_id, job.namespace, job.name)
        emit(call, [new_run((job.namespace, job.name), run_id, meta, call.service.clock())])
    return json_response(_run(call, run_id), status=201, headers={"Location": _RUN.replace("{run}", run_id)})


def get_run(call: Call) -> Run:
    """One run."""
    return _run(call, call.path["run"])


def _run(call: Call, run_id: str) -> Run:
    with call.store() as store:
        find = _finder(call, store)
        run = find.run(run_id)
        job = find.job_of(run)
        return run_shape(store, run, job, Timeline(store, job).of)


def start(call: Call) -> Run:
    """Mark a run as started."""
    return _change(call, "START")


def complete(call: Call) -> Run:
    """Mark a run as completed."""
    return _change(call, "COMPLETE")


def fail(call: Call) -> Run:
    """Mark a run as failed."""
    return _change(call, "FAIL")


def abort(call: Call) -> Run:
    """Mark a run as aborted."""
    return _change(call, "ABORT")


def _change(call: Call, event_type: str) -> Run:
    when: At = call.query
    at = instant_of(when.at, "at") if when.at else call.service.clock()
    with call.store() as store:
        find = _finder(call, store)
        run: RunRow = find.run(call.path["run"])
        job = find.job_of(run)
    emit(call, [run_event((job.namespace, job.name), run.run_id, event_type, at)])
    return get_run(call)


def get_facets(call: Call) -> RunFacets:
    """The facets of a run, or those of its job at the time of the run's last event."""
    kind: FacetKind = call.query
    with call.store() as store:
        run = _finder(call, store).run(call.path["run"])
        if kind.type.lower() == "run":
            facets = store.run_facets(run.run_id)
        else:
            facets = store.facets(run.job_id, as_of=run.ended_at or run.started_at)
        return RunFacets(run_id=run.run_id, facets=facets)


OPERATIONS = (
    operation("GET", _PATH, list_runs, "The runs of a job.", query=Page, answer=RunPage),
    operation("POST", _PATH, create_run, "Create a run.", body=RunMeta, answer=Run, status=201),
    operation("GET", _RUN, get_run, "One run.", answer=Run),
    operation("GET", _RUN + "/facets", get_facets, "Facets of a run or its job.", query=FacetKind, answer=RunFacets),
    operation("POST", _RUN + "/start", start, "Mark a run as started.", query=At, answer=Run),
    operation("POST", _RUN + "/complete", complete, "Mark a run as completed.", query=At, answer=Run),
    operation("POST", _RUN + "/fail", fail, "Mark a run as failed.", query=At, answer=Run),
    operation("POST", _RUN + "/abort", abort, "Mark a run as aborted.", query=At, answer=Run),
)
