"""Runs in Marquez's shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from headwater.errors import InvalidEvent
from headwater.formats.dataset_facets import try_facet
from headwater.formats.marquez.ids import dataset_version_uuid
from headwater.formats.marquez.objects import Facets, Run, RunDatasetVersion, VersionName
from headwater.formats.run_facets import NominalTime
from headwater.formats.times import format_time, parse_time
from headwater.model.graph import RunState
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow, RunRow, VersionRow

_NOTHING: Facets = {}
JobVersionAt = Callable[[RunRow], str | None]
"""Returns the job version of a run."""


class _Parameter(msgspec.Struct):
    key: str
    value: str | int | float | bool | None = None


class _Parameters(msgspec.Struct):
    parameters: list[_Parameter] = []


def time_text(instant: int | None) -> str | None:
    """An instant as text."""
    return None if instant is None else format_time(instant)


def version_uuid(dataset: NodeRow, version: VersionRow) -> str:
    """The UUID of a dataset version for clients."""
    return dataset_version_uuid(dataset.namespace, dataset.name, version.run_id, version.version)


def run_shape(store: Store, run: RunRow, job: NodeRow, version_at: JobVersionAt) -> Run:
    """A run with its facets, inputs and outputs."""
    facets = store.run_facets(run.run_id)
    read, written = store.run_io(run.run_id)
    datasets = {row.id: row for row in store.nodes(list({one.dataset_id for one in (*read, *written)}))}
    return _run(
        run,
        job,
        version_at(run),
        facets=facets,
        inputs=_versions(store, read, datasets, with_facets=False),
        outputs=_versions(store, written, datasets, with_facets=True),
    )


def brief_run(run: RunRow, job: NodeRow, version: str | None) -> Run:
    """A run without its facets and datasets, for lists of jobs."""
    return _run(run, job, version, facets=_NOTHING, inputs=[], outputs=[])


def _run(
    run: RunRow,
    job: NodeRow,
    version: str | None,
    *,
    facets: Facets,
    inputs: list[RunDatasetVersion],
    outputs: list[RunDatasetVersion],
) -> Run:
    nominal = try_facet(facets, NominalTime)
    started = None if run.state is RunState.NEW else run.started_at
    first = run.started_at or 0
    return Run(
        id=run.run_id,
        created_at=format_time(first),
        updated_at=format_time(run.ended_at or first),
        nominal_start_time=_instant(nominal.nominal_start_time) if nominal else None,
        nominal_end_time=_instant(nominal.nominal_end_time) if nominal else None,
        state=run.state.value,
        started_at=time_text(started),
        ended_at=time_text(run.ended_at),
        duration_ms=None if run.ended_at is None or started is None else (run.ended_at - started) // 1000,
        args=_args(facets),
        job_version=None if version is None else VersionName(namespace=job.namespace, name=job.name, version=version),
        input_dataset_versions=inputs,
        output_dataset_versions=outputs,
        facets=facets,
    )


def _instant(text: str | None) -> str | None:
    """A time in the common format, or unchanged if it cannot be parsed."""
    try:
        return None if text is None else format_time(parse_time(text))
    except InvalidEvent:
        return text


def _args(facets: Facets) -> dict[str, str]:
    raw = facets.get("executionParameters")
    if raw is None:
        return {}
    try:
        found = msgspec.json.decode(raw, type=_Parameters)
    except msgspec.MsgspecError:
        return {}
    return {
        one.key: one.value if isinstance(one.value, str) else msgspec.json.encode(one.value).decode()
        for one in found.parameters
    }


def _versions(
    store: Store, versions: Sequence[VersionRow], datasets: dict[int, NodeRow], *, with_facets: bool
) -> list[RunDatasetVersion]:
    found = []
    for one in versions:
        dataset = datasets.get(one.dataset_id)
        if dataset is None:
            continue
        uuid = version_uuid(dataset, one)
        name = VersionName(namespace=dataset.namespace, name=dataset.name, version=uuid)
        facets = store.version_facets(one.id) if with_facets and one.id else {}
        found.append(RunDatasetVersion(dataset_version_id=name, facets=facets))
    return found
