"""Responses of Marquez's lineage routes."""

from __future__ import annotations

import msgspec

from headwater.formats.marquez.objects import Field, InputField, Name, Run, Shape


class NodeEdge(Shape, frozen=True, kw_only=True):
    """An edge at one of its ends. Both are node ids."""

    origin: str
    destination: str


class DatasetData(Shape, frozen=True, kw_only=True):
    """A dataset as a node."""

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
    description: str | None
    last_lifecycle_state: str | None


class JobData(Shape, frozen=True, kw_only=True):
    """A job as a node. ``inputs`` and ``outputs`` are all it reads and writes, whatever the graph shows of them."""

    id: Name
    type: str
    name: str
    simple_name: str
    parent_job_name: str | None
    parent_job_uuid: str | None
    current_run_uuid: str | None
    created_at: str
    updated_at: str
    namespace: str
    inputs: list[Name]
    outputs: list[Name]
    location: str | None
    description: str | None
    latest_run: Run | None


class InputFieldData(InputField, frozen=True, kw_only=True):
    """A column that a column depends on, with the version of its dataset where one was asked about."""

    dataset_version: str | None = None


class FieldData(Shape, frozen=True, kw_only=True):
    """A column as a node."""

    namespace: str
    dataset: str
    dataset_version: str | None
    field: str
    field_type: str | None
    transformation_description: str | None
    transformation_type: str | None
    input_fields: list[InputFieldData]


class Node(Shape, frozen=True, kw_only=True, tag_field="type"):
    """A node with the edges at it."""

    id: str
    in_edges: list[NodeEdge]
    out_edges: list[NodeEdge]


class DatasetNode(Node, frozen=True, kw_only=True, tag="DATASET"):
    """A dataset with the edges at it."""

    data: DatasetData


class JobNode(Node, frozen=True, kw_only=True, tag="JOB"):
    """A job with the edges at it."""

    data: JobData


class FieldNode(Node, frozen=True, kw_only=True, tag="DATASET_FIELD"):
    """A column with the edges at it."""

    data: FieldData


class Lineage(Shape, frozen=True, kw_only=True):
    """A graph, its nodes by id. ``truncated``, which Marquez does not have: nodes were left out."""

    graph: list[DatasetNode | JobNode | FieldNode]
    truncated: bool | msgspec.UnsetType = msgspec.UNSET


class RunJob(Shape, frozen=True, kw_only=True):
    """The job of a run."""

    namespace: str
    name: str
    version: str | None


class UpstreamRunTimes(Shape, frozen=True, kw_only=True):
    """A run in short."""

    id: str
    start: str | None
    end: str | None
    status: str


class RunInput(Shape, frozen=True, kw_only=True):
    """What a run read, and the run that had written it."""

    namespace: str
    name: str
    version: str
    produced_by_run_id: str | None


class UpstreamRun(Shape, frozen=True, kw_only=True):
    """A run and what it read."""

    job: RunJob
    run: UpstreamRunTimes
    inputs: list[RunInput]


class UpstreamRuns(Shape, frozen=True, kw_only=True):
    """The runs that a run depends on, itself first."""

    runs: list[UpstreamRun]
