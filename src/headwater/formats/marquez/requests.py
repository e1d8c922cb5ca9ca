"""Request bodies of Marquez's API."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1024, pattern=r"^[^\x00]*$")]
"""A name; no database takes NUL in one."""
Long = Annotated[str, msgspec.Meta(max_length=65_536, pattern=r"^[^\x00]*$")]
_DATE = r"(19|20)\d\d-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])"
_CLOCK = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-](0\d|1[0-3]):[0-5]\d)"
Time = Annotated[str, msgspec.Meta(max_length=80, extra_json_schema={"pattern": f"^({_DATE}T{_CLOCK})?$"})]
"""An instant, or nothing. The description names the plain form; others are understood as well."""
Day = Annotated[str, msgspec.Meta(max_length=10, extra_json_schema={"pattern": f"^({_DATE})?$"})]
"""A day, or nothing."""
Uuid = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$")]
NodeId = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(dataset:[^\x00]+:[^\x00]+|job:[^\x00]+:[^\x00]+|datasetField:[^\x00]+:[^\x00]+:[^\x00]+"
        r"|run:[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(#[^\x00]*)?)$"
    ),
]
"""The form of a node id. Which part is the namespace depends on the stored names."""


class Body(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A request body in the casing of the wire; members that are not known are ignored, as Marquez does."""


class NamespaceMeta(Body, frozen=True, kw_only=True):
    """A namespace to make or change."""

    owner_name: Text
    description: Long | None = None


class SourceMeta(Body, frozen=True, kw_only=True):
    """A source to make or change."""

    type: Text
    connection_url: Long
    description: Long | None = None


class FieldMeta(Body, frozen=True, kw_only=True):
    """A column."""

    name: Text
    type: Long | None = None
    tags: list[Text] | None = None
    description: Long | None = None


class DatasetMeta(Body, frozen=True, kw_only=True):
    """A dataset to make or change. ``run_id`` is the run that wrote it."""

    type: Literal["DB_TABLE", "STREAM"]
    physical_name: Text
    source_name: Text
    fields: list[FieldMeta] | None = None
    tags: list[Text] | None = None
    description: Long | None = None
    run_id: Long | None = None
    schema_location: Long | None = None


class NameMeta(Body, frozen=True, kw_only=True):
    """A dataset by name."""

    namespace: Text
    name: Text


class JobMeta(Body, frozen=True, kw_only=True):
    """A job to make or change. ``run_id`` is a run of it that reads and writes what is given."""

    type: Literal["BATCH", "STREAM", "SERVICE"]
    inputs: list[NameMeta] = []
    outputs: list[NameMeta] = []
    location: Long | None = None
    description: Long | None = None
    run_id: Long | None = None
    tags: list[Text] | None = None


class RunMeta(Body, frozen=True, kw_only=True):
    """A run to make."""

    id: Uuid | None = None
    nominal_start_time: Time | None = None
    nominal_end_time: Time | None = None
    args: dict[str, str] | None = None


class TagMeta(Body, frozen=True, kw_only=True):
    """What a tag means."""

    description: Long | None = None
