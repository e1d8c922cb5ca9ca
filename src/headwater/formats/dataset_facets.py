"""The standard OpenLineage facets that Headwater itself reads or writes, as typed values.

Everything else stays bytes. Reading is lenient: what a facet may leave out may also be ``null``, unknown members are
ignored, and a facet that cannot be read at all is reported by ``read_facet`` rather than failing its event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec

from headwater.formats.openlineage import STANDARD_KEYS, find_facet

PRODUCER = "https://headwater.dev/python"
"""``_producer`` of every facet and ``producer`` of every event that Headwater writes."""
SPEC = "https://openlineage.io/spec/facets"
EVENT_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json"


Named = Annotated[str, msgspec.Meta(pattern=r"\S")]
"""A name of something. A facet with one that names nothing cannot be read: it would make a node without a name."""
NamedOrNot = Annotated[str, msgspec.Meta(pattern=r"^$|\S")]


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """A value inside a facet."""


class Facet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A facet. Each one is declared with ``standard_facet``, which fills in the class variables."""

    KEY: ClassVar[str] = ""
    SCHEMA: ClassVar[str] = ""
    VERSION: ClassVar[str] = ""


AnyFacet = TypeVar("AnyFacet", bound=Facet)


def standard_facet(key: str, *, schema: str, version: str = "1-0-0") -> Callable[[type[AnyFacet]], type[AnyFacet]]:
    """Declare a facet: its key in ``facets``, the name of its JSON Schema, and the schema version that we write."""

    def declare(kind: type[AnyFacet]) -> type[AnyFacet]:
        kind.KEY, kind.SCHEMA, kind.VERSION = key, schema, version
        return kind

    return declare


class SchemaField(Part, frozen=True, kw_only=True):
    """One column; ``fields`` are the members of a nested type."""

    name: str
    type: str | None = None
    description: str | None = None
    ordinal_position: int | None = msgspec.field(default=None, name="ordinal_position")
    fields: list[SchemaField] | None = None


@standard_facet("schema", schema="SchemaDatasetFacet", version="1-2-0")
class Schema(Facet, frozen=True, kw_only=True):
    """The columns of a dataset."""

    fields: list[SchemaField] | None = None


class Transformation(Part, frozen=True, kw_only=True):
    """What was done on the way: ``type`` DIRECT or INDIRECT, ``subtype`` IDENTITY, AGGREGATION, FILTER and so on."""

    type: str = "DIRECT"
    subtype: str | None = None
    description: str | None = None
    masking: bool | None = None


class InputField(Part, frozen=True, kw_only=True):
    """A column that a column depends on."""

    namespace: Named
    name: Named
    field: str
    transformations: list[Transformation] | None = None


class OutputFieldLineage(Part, frozen=True, kw_only=True):
    """What one output column depends on. The two ``transformation_*`` are the form before 1-1-0."""

    input_fields: list[InputField] | None = None
    transformation_description: str | None = None
    transformation_type: str | None = None


@standard_facet("columnLineage", schema="ColumnLineageDatasetFacet", version="1-2-0")
class ColumnLineage(Facet, frozen=True, kw_only=True):
    """Column edges of one output; ``dataset`` holds the columns that decide about every column of it."""

    fields: dict[str, OutputFieldLineage] | None = None
    dataset: list[InputField] | None = None


class LineageInput(Part, frozen=True, kw_only=True):
    """A source: a dataset, a field of it, or a job. A job without a name is the event's own."""

    type: str = "DATASET"
    namespace: NamedOrNot | None = None
    name: NamedOrNot | None = None
    field: str | None = None
    run_id: str | None = None
    transformations: list[Transformation] | None = None


class LineageField(Part, frozen=True, kw_only=True):
    """The sources of one field."""

    inputs: list[LineageInput] | None = None


class LineageEntry(Part, frozen=True, kw_only=True):
    """A target with its sources. ``inputs`` empty means: no tracked source."""

    type: str = "DATASET"
    namespace: NamedOrNot | None = None
    name: NamedOrNot | None = None
    run_id: str | None = None
    inputs: list[LineageInput] | None = None
    fields: dict[str, LineageField] | None = None


@standard_facet("lineage", schema="LineageJobFacet")
class JobLineage(Facet, frozen=True, kw_only=True):
    """Explicit lineage of a job or of one run of it."""

    entries: list[LineageEntry] | None = None


@standard_facet("lineage", schema="LineageDatasetFacet")
class DatasetLineage(Facet, frozen=True, kw_only=True):
    """Explicit lineage into the dataset that carries it."""

    inputs: list[LineageInput] | None = None
    fields: dict[str, LineageField] | None = None


class Identifier(Part, frozen=True, kw_only=True):
    """Another name of a dataset; ``type`` is TABLE, LOCATION or what the emitter calls it."""

    namespace: str
    name: str
    type: str | None = None


@standard_facet("symlinks", schema="SymlinksDatasetFacet", version="1-0-1")
class Symlinks(Facet, frozen=True, kw_only=True):
    """Other names of the same data."""

    identifiers: list[Identifier] | None = None


@standard_facet("lifecycleStateChange", schema="LifecycleStateChangeDatasetFacet", version="1-0-1")
class LifecycleStateChange(Facet, frozen=True, kw_only=True):
    """ALTER, CREATE, DROP, OVERWRITE, RENAME or TRUNCATE; a rename carries the previous name."""

    lifecycle_state_change: str
    previous_identifier: Identifier | None = None


@standard_facet("version", schema="DatasetVersionDatasetFacet", version="1-0-1")
class DatasetVersion(Facet, frozen=True, kw_only=True):
    """The name of the state of the dataset."""

    dataset_version: str


@standard_facet("datasetType", schema="DatasetTypeDatasetFacet", version="1-0-1")
class DatasetType(Facet, frozen=True, kw_only=True):
    """TABLE, VIEW, FILE, TOPIC, MODEL and so on."""

    dataset_type: str
    sub_type: str | None = None


@standard_facet("dataSource", schema="DatasourceDatasetFacet", version="1-0-1")
class DataSource(Facet, frozen=True, kw_only=True):
    """Where the dataset lives."""

    name: str | None = None
    uri: str | None = None


class Owner(Part, frozen=True, kw_only=True):
    """A person or team (``team:data``) and what they are to the object."""

    name: str
    type: str | None = None


@standard_facet("ownership", schema="OwnershipDatasetFacet", version="1-0-1")
class Ownership(Facet, frozen=True, kw_only=True):
    """Owners of a dataset (of a job: the same shape under ``OwnershipJobFacet``)."""

    owners: list[Owner] | None = None


@standard_facet("documentation", schema="DocumentationDatasetFacet", version="1-1-0")
class Documentation(Facet, frozen=True, kw_only=True):
    """A description in words."""

    description: str
    content_type: str | None = None


class Tag(Part, frozen=True, kw_only=True):
    """A key and value, on the object or on one ``field`` of a dataset."""

    key: str
    value: str = ""
    source: str | None = None
    field: str | None = None


@standard_facet("tags", schema="TagsDatasetFacet")
class Tags(Facet, frozen=True, kw_only=True):
    """Tags of a dataset, job or run."""

    tags: list[Tag] | None = None


@cache
def _decoder(kind: type[AnyFacet]) -> msgspec.json.Decoder[AnyFacet]:
    return msgspec.json.Decoder(kind)


@cache
def _merged_header(stem: str, version: str) -> tuple[bytes, bytes]:
    base = stem.removesuffix("DatasetFacet").removesuffix("JobFacet")
    file = "LineageFacet" if base == "Lineage" else stem
    url = f"{SPEC}/{version}/{file}.json#/$defs/{stem}"
    head = msgspec.json.encode({"_producer": PRODUCER, "_schemaURL": url})
    return head[:-1] + b",", head


def read_facet(facets: Mapping[str, msgspec.Raw], kind: type[AnyFacet]) -> AnyFacet | None:
    """The facet of that kind, found by key or schema; None if absent, deleted or null.

    Raises:
        msgspec.ValidationError: it is there and cannot be read; ``try_facet`` turns that into None.
    """
    raw = find_facet(facets, kind.KEY, kind.SCHEMA)
    return None if raw is None else decode_facet(raw, kind)


def decode_facet(raw: msgspec.Raw | bytes, kind: type[AnyFacet]) -> AnyFacet | None:
    """Read one facet's bytes; None if it asks for its own removal."""
    if b'"_deleted"' in bytes(raw) and _deleted(raw):
        return None
    decoder: msgspec.json.Decoder[AnyFacet] = _decoder(kind)
    return decoder.decode(raw)


def try_facet(facets: Mapping[str, msgspec.Raw], kind: type[AnyFacet]) -> AnyFacet | None:
    """As ``read_facet``, with None for a facet that does not follow its schema."""
    if kind.KEY not in facets and STANDARD_KEYS.issuperset(facets):  # most are not there
        return None
    try:
        return read_facet(facets, kind)
    except msgspec.MsgspecError:
        return None


def write_facet(facet: Facet) -> msgspec.Raw:
    """A facet as JSON, with ``_producer`` and ``_schemaURL`` in front."""
    head, alone = _merged_header(facet.SCHEMA, facet.VERSION)
    body = msgspec.json.encode(facet)
    return msgspec.Raw(alone if body == b"{}" else head + body[1:])


def _deleted(raw: msgspec.Raw | bytes) -> bool:
    members = msgspec.json.decode(raw)
    return isinstance(members, dict) and members.get("_deleted") is True


def flat_fields(schema: Schema) -> Iterator[SchemaField]:
    """The columns of a schema in order, members of nested types as dotted names after their parent."""
    stack: list[tuple[str, SchemaField]] = [("", field) for field in reversed(schema.fields or ())]
    while stack:
        prefix, field = stack.pop()
        name = prefix + field.name
        yield field if not prefix else msgspec.structs.replace(field, name=name)
        stack.extend((f"{name}.", inner) for inner in reversed(field.fields or ()))


def event_frame(event_time: str, kind: str) -> dict[str, Any]:
    """The members every event of ours starts with; ``kind`` is RunEvent, JobEvent or DatasetEvent."""
    return {"eventTime": event_time, "producer": PRODUCER, "schemaURL": f"{EVENT_SCHEMA}#/$defs/{kind}"}
