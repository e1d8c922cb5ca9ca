"""OpenLineage events: JSON to ``headwater.model.events`` and back, their canonical form, key and times.

An event's type is decided by its shape (``run``, else ``job``, else ``dataset``), never by its ``schemaURL``. The
reader forgives what real emitters do (no ``eventType``, ``null`` for an empty list, times without a zone, a missing
``schemaURL``) and refuses, naming the dotted field, what would poison a store: no job, a run id that is no UUID, an
empty name, NUL characters, lone surrogates, numbers that no double holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, NoReturn, cast

import msgspec

from headwater.errors import InvalidEvent
from headwater.formats.times import format_time, parse_time
from headwater.model.events import DatasetEvent, Event, JobEvent, RunEvent
from headwater.model.run_ids import canonical_run_id, run_of_job

__all__ = [
    "KEY_SIZE",
    "SHARES_RUNS",
    "STANDARD_KEYS",
    "canonical",
    "decode",
    "encode",
    "event_key",
    "facet_deleted",
    "find_facet",
    "format_time",
    "parse_time",
    "read",
]

KEY_SIZE = 16
"""Bytes of an event key (BLAKE2b-128)."""

_decode_any = msgspec.json.Decoder().decode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_encode = msgspec.json.Encoder().encode
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_run_event = msgspec.json.Decoder(RunEvent).decode
_decode_job_event = msgspec.json.Decoder(JobEvent).decode
_decode_dataset_event = msgspec.json.Decoder(DatasetEvent).decode


def read(raw: bytes | str | Mapping[str, Any]) -> tuple[Event, bytes, bytes]:
    """Decode and check one event; return it with its key (16 bytes) and its canonical JSON.

    One call because the parts share the parse: this is the path of ingestion.

    Raises:
        InvalidEvent: the document breaks a rule; ``field``, ``value`` and ``rule`` say which.
    """
    data = _bytes_of(raw)
    document = _parse(data)
    canon = _encode_sorted(document)
    if canon.find(b"\\") >= 0 and b"\\u0000" in canon:  # the one-byte search is ten times as fast, and settles most
        _refuse_nul(document)
    event = _typed(data, document)
    return event, blake2b(canon, digest_size=KEY_SIZE).digest(), canon


def decode(raw: bytes | str | Mapping[str, Any]) -> Event:
    """Decode and check one event given as JSON or as a mapping.

    Raises:
        InvalidEvent: the document breaks a rule; ``field``, ``value`` and ``rule`` say which.
    """
    data = _bytes_of(raw)
    document = _parse(data)
    if b"\\" in data and b"\\u0000" in data:
        _refuse_nul(document)
    return _typed(data, document)


def encode(event: Event) -> bytes:
    """Write an event as JSON in the casing of the specification; facets are written as the bytes that were read."""
    return _encode(event)


def canonical(raw: bytes | str | Mapping[str, Any]) -> bytes:
    """Canonical JSON (sorted keys, no white space, UTF-8): one byte string for every formatting of one document."""
    return _encode_sorted(_parse(_bytes_of(raw)))


def event_key(raw: bytes | str | Mapping[str, Any]) -> bytes:
    """The identity of an event: 16 bytes of BLAKE2b over its canonical JSON."""
    return blake2b(canonical(raw), digest_size=KEY_SIZE).digest()


STANDARD_KEYS = frozenset(
    {
        "catalog",
        "columnLineage",
        "dataQualityAssertions",
        "dataQualityMetrics",
        "dataSource",
        "datasetType",
        "documentation",
        "environmentVariables",
        "errorMessage",
        "executionParameters",
        "externalQuery",
        "extractionError",
        "hierarchy",
        "inputStatistics",
        "jobDependencies",
        "jobType",
        "lifecycleStateChange",
        "lineage",
        "nominalTime",
        "outputStatistics",
        "ownership",
        "parent",
        "processing_engine",
        "schema",
        "sourceCode",
        "sourceCodeLocation",
        "sql",
        "storage",
        "subset",
        "symlinks",
        "tags",
        "test",
        "version",
    }
)
"""Keys that the specification gives to one schema each: what stands under them is not looked for under another."""


class _FacetHeader(msgspec.Struct):
    schema_url: Any = msgspec.field(default=None, name="_schemaURL")
    deleted: Any = msgspec.field(default=None, name="_deleted")


_decode_header = msgspec.json.Decoder(_FacetHeader).decode


def find_facet(facets: Mapping[str, msgspec.Raw], name: str, schema_stem: str) -> msgspec.Raw | None:
    """Find a facet by its key, else by the schema it says it follows.

    Some emitters use another key than the specification (``parentRun`` for ``parent``); their ``_schemaURL`` still
    names the schema. ``schema_stem`` is that name, such as ``ParentRunFacet``. A facet that is ``null`` is absent.
    """
    found = facets.get(name)
    if found is not None:
        return None if bytes(found) == b"null" else found
    if STANDARD_KEYS.issuperset(facets):
        return None
    odd = facets.keys() - STANDARD_KEYS
    stem = f"/{schema_stem}".encode()
    for key in sorted(odd):
        raw = facets[key]
        if stem in bytes(raw) and _follows(raw, schema_stem):
            return raw
    return None


def _follows(raw: msgspec.Raw, schema_stem: str) -> bool:
    try:
        url = _decode_header(raw).schema_url
    except msgspec.MsgspecError:
        return False
    if not isinstance(url, str):
        return False
    path, _, pointer = url.partition("#")
    return path.endswith((f"/{schema_stem}.json", f"/{schema_stem}")) or pointer.rpartition("/")[2] == schema_stem


def facet_deleted(raw: msgspec.Raw | bytes) -> bool:
    """Whether a facet asks for its own removal (``_deleted: true``)."""
    if b"_deleted" not in bytes(raw):
        return False
    try:
        return _decode_header(raw).deleted is True
    except msgspec.MsgspecError:
        return False


def _bytes_of(raw: bytes | str | Mapping[str, Any]) -> bytes:
    if isinstance(raw, bytes):
        return raw
    try:
        return raw.encode() if isinstance(raw, str) else _encode(raw)
    except UnicodeEncodeError:
        raise InvalidEvent(rule="must not hold lone surrogates", hint="send valid UTF-8") from None
    except (TypeError, RecursionError) as error:
        raise InvalidEvent(rule="must be JSON", value=str(error)) from None


def _parse(data: bytes) -> dict[str, Any]:
    try:
        document = _decode_any(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        from headwater.formats.decode_errors import not_json  # needed for bad input only

        hint = "an escape stands for half of a surrogate pair" if b"\\ud" in data.lower() else None
        raise InvalidEvent(rule=not_json(error), hint=hint) from None
    except RecursionError:
        raise InvalidEvent(rule="must not be nested this deep") from None
    if type(document) is not dict:
        raise InvalidEvent(rule="must be a JSON object", value=type(document).__name__)
    return document


def _refuse_nul(document: dict[str, Any]) -> None:
    from headwater.formats.decode_errors import find_nul  # needed for bad input only

    found = find_nul(document)
    if found is not None:
        raise InvalidEvent(field=found[0], value=repr(found[1][:80]), rule="must not hold NUL characters")


def _typed(data: bytes, document: dict[str, Any]) -> Event:
    """Decode by shape, on the fast path first; what real emitters get wrong is mended and decoded again."""
    decoder = _decoder_for(document)
    try:
        event = decoder(data)
    except msgspec.ValidationError:
        try:
            event = decoder(_without_nulls(data))
        except msgspec.ValidationError as error:
            _refuse(error, document)
    return _checked(event)


def _decoder_for(document: dict[str, Any]) -> Callable[[bytes], Event]:
    if document.get("run") is not None:
        return _decode_run_event
    if document.get("job") is not None:
        return _decode_job_event
    if document.get("dataset") is not None:
        return _decode_dataset_event
    raise InvalidEvent(
        field="run",
        rule="must be there, with a job; or else a job, or a dataset",
        hint="see RunEvent, JobEvent and DatasetEvent of the OpenLineage specification",
    )


def _refuse(error: msgspec.ValidationError, document: dict[str, Any]) -> NoReturn:
    from headwater.formats.decode_errors import rule_of, value_at  # needed for bad input only

    field, rule = rule_of(str(error))
    raise InvalidEvent(field=field, value=value_at(document, field), rule=rule) from None


SHARES_RUNS = "/integration/dagster"
"""End of the producer that gives every asset of a run of Dagster's the id of that whole run, each as a job of its own:
taken as one run they would read and write for one another, and one that fails would count as done."""


def _checked(event: Event) -> Event:
    """Check what the types cannot say: names, the run id and the time.

    Returns the event with the run id in lower case, and each job its own where the emitter let several share one.
    """
    parse_time(event.event_time, field="eventTime")
    if type(event) is DatasetEvent:
        _check_name(event.dataset.namespace, event.dataset.name, "dataset")
        return event
    if type(event) is RunEvent:
        run_id = canonical_run_id(event.run.run_id)
        if run_id is None:
            raise InvalidEvent(field="run.runId", value=repr(event.run.run_id)[:80], rule="must be a UUID")
        if event.producer.endswith(SHARES_RUNS) and _is_of_asset(event):
            run_id = run_of_job(run_id, event.job.namespace, event.job.name)
        if run_id != event.run.run_id:
            event = msgspec.structs.replace(event, run=msgspec.structs.replace(event.run, run_id=run_id))
    event = cast("RunEvent | JobEvent", event)
    _check_name(event.job.namespace, event.job.name, "job")
    if any(not one.namespace.strip() for one in (*event.inputs, *event.outputs)):
        event = _named_by_job(event)
    for item in event.inputs:
        if not item.name.strip():
            _refuse_names(event)
    for out in event.outputs:
        if not out.name.strip():
            _refuse_names(event)
    return event


def _named_by_job(event: RunEvent | JobEvent) -> RunEvent | JobEvent:
    """Have datasets of no namespace named by their job.

    Flink leaves it empty for tables whose connector does not say where they lie: their names are then those of the
    job's own catalog.
    """
    replace, namespace = msgspec.structs.replace, event.job.namespace
    return replace(
        event,
        inputs=tuple([one if one.namespace.strip() else replace(one, namespace=namespace) for one in event.inputs]),
        outputs=tuple([one if one.namespace.strip() else replace(one, namespace=namespace) for one in event.outputs]),
    )


def _is_of_asset(event: RunEvent) -> bool:
    """Whether an event of Dagster's is about an asset: those of its runs name no data, those of steps a parent."""
    return bool(event.inputs or event.outputs) and "parent" not in event.run.facets


def _refuse_names(event: RunEvent | JobEvent) -> None:
    for where, dataset in _places(event):
        _check_name(dataset[0], dataset[1], where)


def _places(event: RunEvent | JobEvent) -> Iterator[tuple[str, tuple[str, str]]]:
    for index, item in enumerate(event.inputs):
        yield f"inputs[{index}]", (item.namespace, item.name)
    for index, out in enumerate(event.outputs):
        yield f"outputs[{index}]", (out.namespace, out.name)


def _check_name(namespace: str, name: str, where: str) -> None:
    if not namespace.strip():
        raise InvalidEvent(field=f"{where}.namespace", value=repr(namespace), rule="must not be empty")
    if not name.strip():
        raise InvalidEvent(field=f"{where}.name", value=repr(name), rule="must not be empty")


_NULLABLE = frozenset({"inputs", "outputs", "facets", "inputFacets", "outputFacets", "eventType", "schemaURL"})
_OBJECTS = frozenset({"run", "job", "dataset"})
_LISTS = frozenset({"inputs", "outputs"})


def _without_nulls(data: bytes | msgspec.Raw) -> bytes:
    """The same event without members that are ``null`` where an absent one is meant; facets keep their bytes."""
    try:
        members = _decode_object(data)
    except msgspec.ValidationError:
        return bytes(data)
    kept: dict[str, msgspec.Raw] = {}
    for key, raw in members.items():
        if bytes(raw) == b"null" and (key in _NULLABLE or key in _OBJECTS):
            continue
        if key in _OBJECTS:
            kept[key] = msgspec.Raw(_without_nulls(raw))
        elif key in _LISTS:
            kept[key] = _list_without_nulls(raw)
        else:
            kept[key] = raw
    return _encode(kept)


def _list_without_nulls(raw: msgspec.Raw) -> msgspec.Raw:
    try:
        items = _decode_list(raw)
    except msgspec.ValidationError:
        return raw
    return msgspec.Raw(_encode([msgspec.Raw(_without_nulls(item)) for item in items]))
