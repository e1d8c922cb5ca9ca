"""Standard run, job, input and output facets as typed values (dataset facets: ``headwater.formats.dataset_facets``)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from headwater.formats.dataset_facets import Facet, Part, Tag


class RunRef(Part, frozen=True, kw_only=True):
    """A run by id."""

    run_id: str


class JobRef(Part, frozen=True, kw_only=True):
    """A job by name."""

    namespace: str
    name: str


class RootRef(Part, frozen=True, kw_only=True):
    """The run at the top of the chain of parents."""

    run: RunRef
    job: JobRef


class Parent(Facet, frozen=True, kw_only=True):
    """The run that started this run."""

    KEY: ClassVar[str] = "parent"
    STEM: ClassVar[str] = "ParentRunFacet"
    VERSION: ClassVar[str] = "1-2-0"
    run: RunRef
    job: JobRef
    root: RootRef | None = None


class NominalTime(Facet, frozen=True, kw_only=True):
    """The schedule window the run stands for."""

    KEY: ClassVar[str] = "nominalTime"
    STEM: ClassVar[str] = "NominalTimeRunFacet"
    VERSION: ClassVar[str] = "1-0-1"
    nominal_start_time: str
    nominal_end_time: str | None = None


class Sql(Facet, frozen=True, kw_only=True):
    """The statement a job runs."""

    KEY: ClassVar[str] = "sql"
    STEM: ClassVar[str] = "SQLJobFacet"
    VERSION: ClassVar[str] = "1-1-0"
    query: str
    dialect: str | None = None


class SourceCodeLocation(Facet, frozen=True, kw_only=True):
    """Where the code of a job stands under version control."""

    KEY: ClassVar[str] = "sourceCodeLocation"
    STEM: ClassVar[str] = "SourceCodeLocationJobFacet"
    VERSION: ClassVar[str] = "1-1-0"
    type: str
    url: str
    repo_url: str | None = None
    path: str | None = None
    version: str | None = None
    tag: str | None = None
    branch: str | None = None
    pull_request_number: str | None = None


class JobType(Facet, frozen=True, kw_only=True):
    """BATCH, STREAMING or SERVICE; the integration; and what the integration calls it (TASK, QUERY, MODEL_TRAINING)."""

    KEY: ClassVar[str] = "jobType"
    STEM: ClassVar[str] = "JobTypeJobFacet"
    VERSION: ClassVar[str] = "2-0-4"
    processing_type: str
    integration: str
    job_type: str | None = None


class JobDocumentation(Facet, frozen=True, kw_only=True):
    """A job in words."""

    KEY: ClassVar[str] = "documentation"
    STEM: ClassVar[str] = "DocumentationJobFacet"
    VERSION: ClassVar[str] = "1-1-0"
    description: str
    content_type: str | None = None


class JobTags(Facet, frozen=True, kw_only=True):
    """Tags of a job."""

    KEY: ClassVar[str] = "tags"
    STEM: ClassVar[str] = "TagsJobFacet"
    tags: list[Tag] | None = None


class OutputStatistics(Facet, frozen=True, kw_only=True):
    """How much a run wrote; ``size`` in bytes."""

    KEY: ClassVar[str] = "outputStatistics"
    STEM: ClassVar[str] = "OutputStatisticsOutputDatasetFacet"
    VERSION: ClassVar[str] = "1-0-2"
    row_count: int | None = None
    size: int | None = None
    file_count: int | None = None


class ColumnMetrics(Part, frozen=True, kw_only=True):
    """What was measured on one column; quantiles by level (``"0.5"``)."""

    null_count: int | None = None
    distinct_count: int | None = None
    sum: float | None = None
    count: float | None = None
    min: float | None = None
    max: float | None = None
    quantiles: dict[str, float] | None = None


class DataQualityMetrics(Facet, frozen=True, kw_only=True):
    """What was measured on a dataset as it was read (as an input facet) or in general (as a dataset facet)."""

    KEY: ClassVar[str] = "dataQualityMetrics"
    STEM: ClassVar[str] = "DataQualityMetricsInputDatasetFacet"
    VERSION: ClassVar[str] = "1-0-3"
    row_count: int | None = None
    size_bytes: int | None = msgspec.field(default=None, name="bytes")
    file_count: int | None = None
    last_updated: str | None = None
    column_metrics: dict[str, ColumnMetrics]
