"""Reads the ``lineage`` and ``columnLineage`` facets into plain sets.

The same job emits the same facets run after run, so readings are cached by the facet's bytes: this is most of what
ingestion would otherwise spend on column lineage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import msgspec

from headwater.formats.dataset_facets import (
    ColumnLineage,
    DatasetLineage,
    JobLineage,
    LineageEntry,
    LineageField,
    LineageInput,
    OutputFieldLineage,
    Transformation,
    decode_facet,
)
from headwater.model.graph import FieldEdge

Ref = tuple[bool, str, str, str]
"""A node as a facet names it: (is a job, namespace, name, run id)."""
OWN_JOB: Ref = (True, "", "", "")
"""The job of the event, which facets may leave unnamed."""
Wide = tuple[str, str, str, bool, str]
"""A field that decides about a whole dataset: (source field, type, subtype, masking, description)."""

_INFERRED = "INFERRED"
_CACHED_UP_TO = 4_096
"""Bytes of a facet whose reading is remembered. Runs with the same claims are resolved once, so few are read again."""


class SourceReading(msgspec.Struct, frozen=True):
    """What is said about one source of one target."""

    source: Ref
    #: False while every mention of the source is marked as inferred
    is_stated: bool
    fields: frozenset[FieldEdge]
    wide: frozenset[Wide]


class Reading(msgspec.Struct, frozen=True):
    """What is said about one target. ``target`` None is the dataset that carries the facet."""

    target: Ref | None
    sources: tuple[SourceReading, ...]
    #: fields of the target that are named
    named: frozenset[str]
    #: places within the facet that name no node
    unreadable: tuple[str, ...] = ()


def read_columns(raw: msgspec.Raw) -> Reading | None:
    """Read a ``columnLineage`` facet; None if it is deleted. Raises ``msgspec.MsgspecError`` when malformed."""
    body = bytes(raw)
    return _columns_cached(body) if len(body) <= _CACHED_UP_TO else _columns(body)


def read_job_lineage(raw: msgspec.Raw) -> tuple[Reading, ...] | None:
    """Read a job's ``lineage`` facet, one reading an entry; None if it is deleted or has no entries member."""
    body = bytes(raw)
    return _job_cached(body) if len(body) <= _CACHED_UP_TO else _job(body)


def read_dataset_lineage(raw: msgspec.Raw) -> Reading | None:
    """Read a dataset's ``lineage`` facet; None if it is deleted."""
    body = bytes(raw)
    return _dataset_cached(body) if len(body) <= _CACHED_UP_TO else _dataset(body)


def _is_guess(step: Transformation) -> bool:
    """Whether a step was not observed: its type says so, or its description beside a type of the specification."""
    return step.type.upper() == _INFERRED or (step.description or "").upper() == _INFERRED


class _Builder:
    """Collects the mentions of each source of one target."""

    def __init__(self) -> None:
        self.found: dict[Ref, tuple[list[bool], set[FieldEdge], set[Wide]]] = {}
        self.unreadable: list[str] = []

    def mention(self, source: Ref, steps: list[Transformation] | None) -> tuple[set[FieldEdge], set[Wide]]:
        """Note that a source is named; return where its fields go."""
        entry = self.found.get(source)
        if entry is None:
            entry = self.found[source] = ([], set(), set())
        if not steps or not any(map(_is_guess, steps)):
            entry[0].append(True)
        return entry[1], entry[2]

    def reading(self, target: Ref | None, named: Iterable[str]) -> Reading:
        """All mentions so far."""
        sources = tuple(
            SourceReading(source, bool(stated), frozenset(fields), frozenset(wide))
            for source, (stated, fields, wide) in self.found.items()
        )
        return Reading(target, sources, frozenset(named), tuple(self.unreadable))


def _columns(body: bytes) -> Reading | None:
    facet = decode_facet(body, ColumnLineage)
    if facet is None:
        return None
    builder = _Builder()
    for name, output in (facet.fields or {}).items():
        older = _older_form(output)
        for source in output.input_fields or ():
            steps = source.transformations or older
            fields, _ = builder.mention((False, source.namespace, source.name, ""), steps)
            _add_field(fields, source.field, name, steps)
    for source in facet.dataset or ():
        _, wide = builder.mention((False, source.namespace, source.name, ""), source.transformations)
        _add_wide(wide, source.field, source.transformations)
    return builder.reading(None, facet.fields or ())


def _job(body: bytes) -> tuple[Reading, ...] | None:
    facet = decode_facet(body, JobLineage)
    if facet is None or facet.entries is None:
        return None
    readings = []
    for index, entry in enumerate(facet.entries):
        target = _ref(entry)
        if target is None:
            readings.append(Reading(None, (), frozenset(), (f"entries[{index}]",)))
        else:
            readings.append(_entry(target, entry.inputs, entry.fields, f"entries[{index}]."))
    return tuple(readings)


def _dataset(body: bytes) -> Reading | None:
    facet = decode_facet(body, DatasetLineage)
    return None if facet is None else _entry(None, facet.inputs, facet.fields, "")


_columns_cached = lru_cache(maxsize=512)(_columns)
_job_cached = lru_cache(maxsize=256)(_job)
_dataset_cached = lru_cache(maxsize=256)(_dataset)


def _entry(
    target: Ref | None, inputs: list[LineageInput] | None, fields: Mapping[str, LineageField] | None, where: str
) -> Reading:
    builder = _Builder()
    for index, source in enumerate(inputs or ()):
        ref = _ref(source)
        if ref is None:
            builder.unreadable.append(f"{where}inputs[{index}]")
            continue
        _, wide = builder.mention(ref, source.transformations)
        if source.field:
            _add_wide(wide, source.field, source.transformations)
    for name, field in (fields or {}).items():
        for index, source in enumerate(field.inputs or ()):
            ref = _ref(source)
            if ref is None:
                builder.unreadable.append(f"{where}fields.{name}.inputs[{index}]")
                continue
            edges, _ = builder.mention(ref, source.transformations)
            if source.field:
                _add_field(edges, source.field, name, source.transformations)
    return builder.reading(target, fields or ())


def _ref(named: LineageEntry | LineageInput) -> Ref | None:
    """The node that an entry or input names; None if it gives half a name, or a dataset without one."""
    is_job = named.type.upper() == "JOB"
    if named.namespace and named.name:
        return (is_job, named.namespace, named.name, (named.run_id or "") if is_job else "")
    return OWN_JOB if is_job and not named.namespace and not named.name else None


def _older_form(output: OutputFieldLineage) -> list[Transformation] | None:
    """What columnLineage before 1-1-0 said once for an output field: IDENTITY or MASKED."""
    kind, description = output.transformation_type, output.transformation_description
    if not kind and not description:
        return None
    if kind == "MASKED":
        return [Transformation(subtype="TRANSFORMATION", masking=True, description=description)]
    return [Transformation(subtype=kind or None, description=description)]


def _add_field(edges: set[FieldEdge], source: str, target: str, steps: list[Transformation] | None) -> None:
    """Add the column edges that one mention of a source field stands for, one a step."""
    if not steps:
        edges.add(FieldEdge(source_field=source, target_field=target))
        return
    for step in steps:
        edges.add(
            FieldEdge(
                source_field=source,
                target_field=target,
                type="INDIRECT" if step.type.upper() == "INDIRECT" else "DIRECT",
                subtype=(step.subtype or "").upper(),
                masking=step.masking is True,
                description=step.description or "",
            )
        )


def _add_wide(wide: set[Wide], source: str, steps: list[Transformation] | None) -> None:
    """Add a field that decides about every field; its type is INDIRECT unless a step says DIRECT."""
    if not steps:
        wide.add((source, "INDIRECT", "", False, ""))
    for step in steps or ():
        kind = "DIRECT" if step.type.upper() == "DIRECT" else "INDIRECT"
        wide.add((source, kind, (step.subtype or "").upper(), step.masking is True, step.description or ""))
