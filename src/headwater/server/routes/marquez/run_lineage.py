"""The runs that a run depends on: those that wrote its inputs, recursively."""

from __future__ import annotations

import msgspec

from headwater.formats.marquez.graph import RunInput, RunJob, UpstreamRun, UpstreamRuns, UpstreamRunTimes
from headwater.server.request import Call
from headwater.server.routes.marquez.job_versions import Timeline
from headwater.server.routes.marquez.lookup import Finder
from headwater.server.routes.marquez.operations import Depth, operation
from headwater.server.routes.marquez.runs_shape import time_text, version_uuid
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow, RunRow


class RunQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A run, and how many runs to go back."""

    run_id: str
    depth: Depth = 20


def get_upstream(call: Call) -> UpstreamRuns:
    """The runs upstream of a run, nearest first."""
    query: RunQuery = call.query
    limit = call.service.settings.limits.answer_nodes
    with call.store() as store:
        first = Finder(store, call.service.documents, call.tenant).run(query.run_id)
        shapes = _Runs(store)
        found: list[UpstreamRun] = []
        seen, layer, hops = {first.run_id}, [first], 0
        while layer and hops <= query.depth and len(found) < limit:
            shown = sorted((shapes.of(run) for run in layer), key=lambda one: (one.job.name, one.run.id))
            found += shown
            ids = dict.fromkeys(one.produced_by_run_id for run in shown for one in run.inputs if one.produced_by_run_id)
            fresh = [run_id for run_id in ids if run_id not in seen]
            seen.update(fresh)
            layer = [run for run_id in fresh if (run := store.run(run_id)) is not None]
            hops += 1
        return UpstreamRuns(runs=found[:limit])


class _Runs:
    """Describes runs, reading the versions of each job only once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._jobs: dict[int, NodeRow] = {}

    def of(self, run: RunRow) -> UpstreamRun:
        """A run with its inputs."""
        store = self._store
        job = self._jobs.get(run.job_id)
        if job is None:
            job = self._jobs[run.job_id] = store.nodes([run.job_id])[0]
        read, _ = store.run_io(run.run_id)
        datasets = {row.id: row for row in store.nodes(list({one.dataset_id for one in read}))}
        inputs = [
            RunInput(
                namespace=datasets[one.dataset_id].namespace,
                name=datasets[one.dataset_id].name,
                version=version_uuid(datasets[one.dataset_id], one),
                produced_by_run_id=one.run_id or None,
            )
            for one in read
            if one.dataset_id in datasets
        ]
        return UpstreamRun(
            job=RunJob(namespace=job.namespace, name=job.name, version=Timeline(store, job).of(run)),
            run=UpstreamRunTimes(
                id=run.run_id, start=time_text(run.started_at), end=time_text(run.ended_at), status=run.state.value
            ),
            inputs=inputs,
        )


OPERATIONS = (
    operation(
        "GET",
        "/api/v1/runlineage/upstream",
        get_upstream,
        "The runs that a run depends on.",
        query=RunQuery,
        answer=UpstreamRuns,
    ),
)
