"""The flat record: its fields and validation rules."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, NoReturn

import msgspec

from headwater.errors import InvalidEvent, InvalidRecord
from headwater.formats.decode_errors import find_nul
from headwater.formats.times import parse_time
from headwater.model.patterns import lazy_pattern
from headwater.model.run_ids import canonical_run_id


class Operation(StrEnum):
    """What kind of operation a record or a run is."""

    ETL = "ETL"
    FEATURE_COMPUTATION = "FEATURE_COMPUTATION"
    MODEL_TRAINING = "MODEL_TRAINING"
    INFERENCE = "INFERENCE"


SOURCE_TYPES = ("database", "api", "file", "stream")
DESTINATION_TYPES = ("database", "feature_store", "model", "dashboard")

Count = int | dict[str, int]
"""One count, or a count a column."""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where an operation reads from or writes to."""

    #: one of ``SOURCE_TYPES`` or ``DESTINATION_TYPES``
    type: str
    #: a URI, a path, or a name in the system that the type stands for
    identifier: str


class RecordTransformation(msgspec.Struct, frozen=True, kw_only=True):
    """What was done: ``code_hash`` is 64 hexadecimal digits of SHA-256, ``timestamp`` RFC 3339."""

    code_hash: str
    parameters: dict[str, Any] = {}
    timestamp: str


class DataQuality(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was measured on the result."""

    null_count: Count | None = None
    unique_values: Count | None = None
    statistics: dict[str, Any] = {}


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One operation from sources to destinations."""

    #: UUID of the operation: the id of the run
    lineage_id: str
    operation_type: Operation
    source: tuple[Endpoint, ...]
    destination: tuple[Endpoint, ...]
    transformation: RecordTransformation
    data_quality: DataQuality = DataQuality()
    #: ``lineage_id`` of the operations this one builds on, in order, each once
    dependencies: tuple[str, ...] = ()


_FIELDS = ("lineage_id", "operation_type", "source", "destination", "transformation", "data_quality", "dependencies")
_REQUIRED = _FIELDS[:5]
_SHA256 = lazy_pattern(r"(?:sha256:)?([0-9a-f]{64})", re.IGNORECASE).fullmatch
# A password is no part of a name, and must not come to rest in a store.
_PASSWORD = lazy_pattern(r"(://[^/?#@:\s]*):[^/?#\s]*@")
_ZONED = lazy_pattern(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII).fullmatch


def read_record(document: Any) -> Record:
    """Check a document against every rule and give the record.

    Raises:
        InvalidRecord: a rule is broken; ``field`` is the dotted field, ``value`` what stood there, ``rule`` the rule.
    """
    body = _mapping(document, "", _FIELDS, _REQUIRED)
    nul = find_nul(body)
    if nul is not None:
        _refuse(nul[0], nul[1], "must not hold NUL characters")
    lineage_id = _uuid(body["lineage_id"], "lineage_id")
    dependencies = _dependencies(body.get("dependencies"))
    if lineage_id in dependencies:
        _refuse("dependencies", lineage_id, f"must not form a cycle: {lineage_id} -> {lineage_id}")
    return Record(
        lineage_id=lineage_id,
        operation_type=Operation(_one_of(body["operation_type"], "operation_type", tuple(Operation))),
        source=_endpoints(body["source"], "source", SOURCE_TYPES),
        destination=_endpoints(body["destination"], "destination", DESTINATION_TYPES),
        transformation=_transformation(body["transformation"]),
        data_quality=_quality(body.get("data_quality")),
        dependencies=dependencies,
    )


def _refuse(field: str, value: Any, rule: str, hint: str | None = None) -> NoReturn:
    text = repr(value)
    raise InvalidRecord(field=field, value=text if len(text) <= 80 else text[:77] + "...", rule=rule, hint=hint)


def _mapping(value: Any, field: str, allowed: Iterable[str], required: Iterable[str]) -> Mapping[str, Any]:
    """An object with no unknown and all required members."""
    if not isinstance(value, Mapping):
        _refuse(field, value, "must be an object")
    allowed = tuple(allowed)
    dot = f"{field}." if field else ""
    for key in value:
        if key not in allowed:
            _refuse_unknown(dot, key, allowed)
    for key in required:
        if value.get(key) is None:
            raise InvalidRecord(field=f"{dot}{key}", rule="must be given")
    return value


def _refuse_unknown(dot: str, key: Any, allowed: tuple[str, ...]) -> NoReturn:
    from difflib import get_close_matches  # needed for bad input only

    near = get_close_matches(str(key), allowed, n=1)
    hint = f"did you mean {dot}{near[0]}?" if near else "known fields: " + ", ".join(allowed)
    raise InvalidRecord(field=f"{dot}{key}", rule="must be a field of the record", hint=hint)


def _string(value: Any, field: str) -> str:
    if not isinstance(value, str):
        _refuse(field, value, "must be a string")
    if not value.strip():
        _refuse(field, value, "must not be empty")
    return _encodable(value, field)


def _encodable(text: str, field: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        _refuse(field, text, "must not hold lone surrogates")
    return text


def _uuid(value: Any, field: str) -> str:
    found = canonical_run_id(_string(value, field))
    if found is None:
        _refuse(field, value, "must be a UUID", "for example 7f1c1d1e-3a64-4b3f-9d0e-2f5f6c1b8a10")
    return found


def _one_of(value: Any, field: str, allowed: tuple[str, ...]) -> str:
    text = _string(value, field)
    if text not in allowed:
        near = next((name for name in allowed if name.lower() == text.strip().lower()), None)
        _refuse(field, value, "must be one of " + ", ".join(allowed), f"did you mean {near}?" if near else None)
    return text


def _list_of(value: Any, field: str, read: Callable[[Any, str], Any]) -> tuple[Any, ...]:
    return tuple(read(item, f"{field}[{index}]") for index, item in enumerate(value))


def _endpoints(value: Any, field: str, types: tuple[str, ...]) -> tuple[Endpoint, ...]:
    """One endpoint, or a list of one and more; passwords in addresses are dropped."""

    def endpoint(item: Any, where: str) -> Endpoint:
        body = _mapping(item, where, ("type", "identifier"), ("type", "identifier"))
        return Endpoint(
            type=_one_of(body["type"], f"{where}.type", types),
            identifier=_PASSWORD.sub(r"\1@", _string(body["identifier"], f"{where}.identifier")),
        )

    if not isinstance(value, list | tuple):
        return (endpoint(value, field),)
    if not value:
        _refuse(field, value, "must not be an empty list")
    return _list_of(value, field, endpoint)


def _transformation(value: Any) -> RecordTransformation:
    field = "transformation"
    body = _mapping(value, field, ("code_hash", "parameters", "timestamp"), ("code_hash", "timestamp"))
    code_hash = _SHA256(_string(body["code_hash"], f"{field}.code_hash"))
    if code_hash is None:
        _refuse(f"{field}.code_hash", body["code_hash"], "must be a SHA-256: 64 hexadecimal digits")
    return RecordTransformation(
        code_hash=code_hash[1].lower(),
        parameters=_object(body.get("parameters"), f"{field}.parameters"),
        timestamp=_timestamp(body["timestamp"], f"{field}.timestamp"),
    )


def _timestamp(value: Any, field: str) -> str:
    text = _string(value, field)
    hint = "for example 2026-03-01T12:00:00Z"
    if not _ZONED(text):
        _refuse(field, value, "must be an RFC 3339 time with a zone", hint)
    try:
        parse_time(text, field=field)
    except InvalidEvent:
        _refuse(field, value, "must be an RFC 3339 time with a zone", hint)
    return text


def _quality(value: Any) -> DataQuality:
    if value is None:
        return DataQuality()
    field = "data_quality"
    body = _mapping(value, field, ("null_count", "unique_values", "statistics"), ())
    return DataQuality(
        null_count=_count(body.get("null_count"), f"{field}.null_count"),
        unique_values=_count(body.get("unique_values"), f"{field}.unique_values"),
        statistics=_object(body.get("statistics"), f"{field}.statistics"),
    )


def _count(value: Any, field: str) -> Count | None:
    if isinstance(value, Mapping):
        return {_encodable(str(key), field): _whole(item, f"{field}.{key}") for key, item in value.items()}
    return None if value is None else _whole(value, field)


def _whole(value: Any, field: str) -> int:
    """A count, of any type that holds whole numbers (numpy's too)."""
    try:
        number = -1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = -1
    if number < 0:
        _refuse(field, value, "must be a whole number, 0 or more, or an object of them by column")
    return number


def _object(value: Any, field: str) -> dict[str, Any]:
    """An object that JSON can hold, as JSON gives it back."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        _refuse(field, value, "must be an object")
    try:
        return msgspec.json.decode(msgspec.json.encode(dict(value)), type=dict[str, Any])
    except (TypeError, ValueError, RecursionError) as error:
        _refuse(field, value, f"must be JSON: {error}")


def _dependencies(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        _refuse("dependencies", value, "must be a list of lineage ids")
    return tuple(dict.fromkeys(_list_of(value, "dependencies", _uuid)))
