"""Fields of Marquez's documents, read from facets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from headwater.formats.dataset_facets import (
    DataSource,
    Documentation,
    LifecycleStateChange,
    Schema,
    Tag,
    Tags,
    flat_fields,
    try_facet,
)
from headwater.formats.marquez.objects import Field
from headwater.formats.run_facets import JobDocumentation, JobTags, JobType, Parent, SourceCodeLocation

Facets = Mapping[str, msgspec.Raw]

_STREAMS = frozenset({"STREAM", "TOPIC"})
_JOB_TYPES = {"BATCH": "BATCH", "STREAMING": "STREAM", "STREAM": "STREAM", "SERVICE": "SERVICE"}
_PLAIN_VALUES = frozenset({"", "true"})


def tag_name(tag: Tag) -> str:
    """A tag as a single word: its key, with the value if it is more than a flag."""
    return tag.key if tag.value.lower() in _PLAIN_VALUES else f"{tag.key}:{tag.value}"


def dataset_tags(facets: Facets) -> list[Tag]:
    """All tags of a dataset, including those of its columns."""
    found = try_facet(facets, Tags)
    return list(found.tags or ()) if found else []


def job_tags(facets: Facets) -> list[Tag]:
    """All tags of a job."""
    found = try_facet(facets, JobTags)
    return list(found.tags or ()) if found else []


def names_of(tags: Iterable[Tag], field: str | None = None) -> list[str]:
    """The tags of the object itself, or of one of its columns, each once, by name."""
    return sorted({tag_name(tag) for tag in tags if (tag.field or None) == field})


def fields(facets: Facets) -> list[Field]:
    """The columns of a dataset in order, with their tags."""
    schema = try_facet(facets, Schema)
    if schema is None:
        return []
    tags: dict[str, set[str]] = {}
    for tag in dataset_tags(facets):
        if tag.field:
            tags.setdefault(tag.field, set()).add(tag_name(tag))
    return [
        Field(name=one.name, type=one.type, tags=sorted(tags.get(one.name, ())), description=one.description)
        for one in flat_fields(schema)
    ]


def description(facets: Facets, *, is_job: bool = False) -> str | None:
    """The description of a dataset or job."""
    found = try_facet(facets, JobDocumentation) if is_job else try_facet(facets, Documentation)
    return found.description if found else None


def lifecycle(facets: Facets) -> str | None:
    """The last life cycle change of a dataset: CREATE, OVERWRITE, DROP and so on."""
    found = try_facet(facets, LifecycleStateChange)
    return found.lifecycle_state_change.upper() if found else None


def source_name(facets: Facets, namespace: str) -> str:
    """The data source of a dataset: from its facet, or else its namespace, as in the naming rules."""
    found = try_facet(facets, DataSource)
    return (found.name if found else None) or namespace


def is_stream(dataset_type: str) -> bool:
    """Whether a dataset is a stream rather than a table, in Marquez's two types."""
    return dataset_type.upper() in _STREAMS


def job_type(facets: Facets) -> str:
    """BATCH, STREAM or SERVICE."""
    found = try_facet(facets, JobType)
    return _JOB_TYPES.get(found.processing_type.upper(), "BATCH") if found else "BATCH"


def labels(facets: Facets) -> list[str]:
    """The job type and integration, as labels."""
    found = try_facet(facets, JobType)
    return [one for one in (found.job_type, found.integration) if one] if found else []


def location(facets: Facets) -> str | None:
    """The URL of the code of a job."""
    found = try_facet(facets, SourceCodeLocation)
    return found.url if found else None


def parent_job(run_facets: Facets) -> tuple[str, str] | None:
    """(namespace, name) of the job whose run started this one."""
    found = try_facet(run_facets, Parent)
    return (found.job.namespace, found.job.name) if found else None
