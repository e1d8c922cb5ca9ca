"""Responses of Marquez's API: namespaces, sources, datasets, jobs, runs and their versions.

Times are RFC 3339 text in UTC. A member that is not known is ``null``, never left out: clients index it.
"""

from __future__ import annotations

import msgspec

Facets = dict[str, msgspec.Raw]


class Shape(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A document in the casing of the wire."""


class Name(Shape, frozen=True, kw_only=True):
    """The two-part name of a dataset or job."""

    namespace: str
    name: str


class VersionName(Shape, frozen=True, kw_only=True):
    """A dataset or job in one version, a UUID."""

    namespace: str
    name: str
    version: str


class Namespace(Shape, frozen=True, kw_only=True):
    """A namespace, of datasets or of jobs."""

    name: str
    created_at: str
    updated_at: str
    owner_name: str
    description: str | None = None
    is_hidden: bool = False


class Source(Shape, frozen=True, kw_only=True):
    """Where datasets live. ``type`` is the scheme of ``connection_url`` in capitals."""

    type: str
    name: str
    created_at: str
    updated_at: str
    connection_url: str
    description: str | None = None


class Field(Shape, frozen=True, kw_only=True):
    """A column."""

    name: str
    type: str | None = None
    tags: list[str] = []
    description: str | None = None


class InputField(Shape, frozen=True, kw_only=True):
    """A column that a column depends on."""

    namespace: str
    dataset: str
    field: str
    transformation_description: str | None = None
    transformation_type: str | None = None


class FieldLineage(Shape, frozen=True, kw_only=True):
    """What one column of a dataset depends on. The two ``transformation_*`` are those of its first input."""

    name: str
    input_fields: list[InputField]
    transformation_description: str | None = None
    transformation_type: str | None = None


class Dataset(Shape, frozen=True, kw_only=True):
    """A dataset. ``type`` is ``DB_TABLE`` or ``STREAM``."""

    id: Name
    type: str
    name: str
    physical_name: str
    created_at: str
    updated_at: str
    namespace: str
    source_name: str
    fields: list[Field]
    tags: list[str]
    last_modified_at: str | None
    last_lifecycle_state: str | None
    description: str | None
    current_version: str | None
    column_lineage: list[FieldLineage] | None
    facets: Facets
    deleted: bool


class Stream(Dataset, frozen=True, kw_only=True):
    """A dataset of type ``STREAM``."""

    schema_location: str | None


class RunDatasetVersion(Shape, frozen=True, kw_only=True):
    """A dataset version as a run read or wrote it."""

    dataset_version_id: VersionName
    facets: Facets


class Run(Shape, frozen=True, kw_only=True):
    """A run. ``state`` is NEW, RUNNING, COMPLETED, FAILED or ABORTED; ``duration_ms`` None until it ends."""

    id: str
    created_at: str
    updated_at: str
    nominal_start_time: str | None
    nominal_end_time: str | None
    state: str
    started_at: str | None
    ended_at: str | None
    duration_ms: int | None
    args: dict[str, str]
    job_version: VersionName | None
    input_dataset_versions: list[RunDatasetVersion]
    output_dataset_versions: list[RunDatasetVersion]
    facets: Facets


class DatasetVersion(Shape, frozen=True, kw_only=True):
    """A state of a dataset, with the run that wrote it."""

    id: VersionName
    type: str
    name: str
    physical_name: str
    created_at: str
    version: str
    namespace: str
    source_name: str
    fields: list[Field]
    tags: list[str]
    lifecycle_state: str | None
    description: str | None
    current_schema_version: str | None
    created_by_run: Run | None
    facets: Facets


class StreamVersion(DatasetVersion, frozen=True, kw_only=True):
    """A state of a dataset of type ``STREAM``."""

    schema_location: str | None


class Job(Shape, frozen=True, kw_only=True):
    """A job. ``type`` is ``BATCH``, ``STREAM`` or ``SERVICE``; ``simple_name`` is the name without its parent's."""

    id: Name
    type: str
    name: str
    simple_name: str
    parent_job_name: str | None
    parent_job_uuid: str | None
    created_at: str
    updated_at: str
    namespace: str
    inputs: list[Name]
    outputs: list[Name]
    location: str | None
    description: str | None
    latest_run: Run | None
    latest_runs: list[Run] | None
    facets: Facets
    current_version: str | None
    labels: list[str]
    tags: list[str]


class JobVersion(Shape, frozen=True, kw_only=True):
    """What a job read and wrote, and where its code stood, until that changed."""

    id: VersionName
    name: str
    created_at: str
    version: str
    namespace: str
    location: str | None
    inputs: list[Name]
    outputs: list[Name]
    latest_run: Run | None


class Tag(Shape, frozen=True, kw_only=True):
    """A tag and what it means."""

    name: str
    description: str | None = None


class RunFacets(Shape, frozen=True, kw_only=True):
    """The facets of a run, or of its job."""

    run_id: str
    facets: Facets


class SearchResult(Shape, frozen=True, kw_only=True):
    """One hit. ``type`` is ``DATASET`` or ``JOB``."""

    type: str
    name: str
    updated_at: str
    namespace: str
    node_id: str


class LineageMetric(Shape, frozen=True, kw_only=True):
    """Runs that started and ended in an interval."""

    start_interval: str
    end_interval: str
    fail: int
    start: int
    complete: int
    abort: int


class IntervalMetric(Shape, frozen=True, kw_only=True):
    """How many objects there were at the end of an interval."""

    start_interval: str
    end_interval: str
    count: int
