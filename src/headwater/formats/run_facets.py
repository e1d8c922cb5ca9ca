"""Standard run, job, input and output facets as typed values (dataset facets: ``headwater.formats.dataset_facets``)."""

from __future__ import annotations

import msgspec

from headwater.formats.dataset_facets import Facet, Part, Tag, standard_facet


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


@standard_facet("parent", schema="ParentRunFacet", version="1-2-0")
class Parent(Facet, frozen=True, kw_only=True):
    """The run that started this run."""

    run: RunRef
    job: JobRef
    root: RootRef | None = None


@standard_facet("nominalTime", schema="NominalTimeRunFacet", version="1-0-1")
class NominalTime(Facet, frozen=True, kw_only=True):
    """The schedule window the run stands for."""

    nominal_start_time: str
    nominal_end_time: str | None = None


@standard_facet("sql", schema="SQLJobFacet", version="1-1-0")
class Sql(Facet, frozen=True, kw_only=True):
    """The statement a job runs."""

    query: str
    dialect: str | None = None


@standard_facet("sourceCodeLocation", schema="SourceCodeLocationJobFacet", version="1-1-0")
class SourceCodeLocation(Facet, frozen=True, kw_only=True):
    """Where the code of a job stands under version control."""

    type: str
    url: str
    repo_url: str | None = None
    path: str | None = None
    version: str | None = None
    tag: str | None = None
    branch: str | None = None
    pull_request_number: str | None = None


@standard_facet("jobType", schema="JobTypeJobFacet", version="2-0-4")
class JobType(Facet, frozen=True, kw_only=True):
    """BATCH, STREAMING or SERVICE; the integration; and what the integration calls it (TASK, QUERY, MODEL_TRAINING)."""

    processing_type: str
    integration: str
    job_type: str | None = None


@standard_facet("documentation", schema="DocumentationJobFacet", version="1-1-0")
class JobDocumentation(Facet, frozen=True, kw_only=True):
    """A job in words."""

    description: str
    content_type: str | None = None


@standard_facet("tags", schema="TagsJobFacet")
class JobTags(Facet, frozen=True, kw_only=True):
    """Tags of a job."""

    tags: list[Tag] | None = None


@standard_facet("outputStatistics", schema="OutputStatisticsOutputDatasetFacet", version="1-0-2")
class OutputStatistics(Facet, frozen=True, kw_only=True):
    """How much a run wrote; ``size`` in bytes."""

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


@standard_facet("dataQualityMetrics", schema="DataQualityMetricsInputDatasetFacet", version="1-0-3")
class DataQualityMetrics(Facet, frozen=True, kw_only=True):
    """What was measured on a dataset as it was read (as an input facet) or in general (as a dataset facet)."""

    row_count: int | None = None
    size_bytes: int | None = msgspec.field(default=None, name="bytes")
    file_count: int | None = None
    last_updated: str | None = None
    column_metrics: dict[str, ColumnMetrics]
