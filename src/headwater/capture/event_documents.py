"""Writes captured facts as OpenLineage facets and events, as plain documents that are encoded once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from headwater.capture.values import DatasetRef

PRODUCER: Final = "https://headwater.dev/python"
_EVENT_URL: Final = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"

_STANDARD: Final = {
    "columnLineage": "1-2-0/ColumnLineageDatasetFacet",
    "dataQualityMetrics": "1-0-3/DataQualityMetricsInputDatasetFacet",
    "datasetType": "1-0-1/DatasetTypeDatasetFacet",
    "errorMessage": "1-0-1/ErrorMessageRunFacet",
    "jobType": "2-0-4/JobTypeJobFacet",
    "lineage": "1-0-0/LineageFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet",
    "parent": "1-2-0/ParentRunFacet",
    "processing_engine": "1-1-1/ProcessingEngineRunFacet",
    "schema": "1-2-0/SchemaDatasetFacet",
    "sourceCode": "1-0-1/SourceCodeJobFacet",
    "sourceCodeLocation": "1-1-0/SourceCodeLocationJobFacet",
    "sql": "1-1-0/SQLJobFacet",
    "symlinks": "1-0-1/SymlinksDatasetFacet",
    "tags": "1-0-0/TagsRunFacet",
    "version": "1-0-1/DatasetVersionDatasetFacet",
}
"""The standard facets that capture writes, with version and schema file."""


def facet(name: str, body: dict[str, Any]) -> dict[str, Any]:
    """A facet body with its producer and the address of its schema, which is the standard's or our own."""
    standard = _STANDARD.get(name)
    if standard:
        url = f"https://openlineage.io/spec/facets/{standard}.json"
    else:
        url = f"https://headwater.dev/spec/1-0-0/{name}.json"
    return {"_producer": PRODUCER, "_schemaURL": url, **body}


def facets(bodies: dict[str, Any]) -> dict[str, Any]:
    """Complete facets from facet bodies by name; empty bodies are left out."""
    return {name: facet(name, body) for name, body in bodies.items() if body}


def dataset(ref: DatasetRef, bodies: dict[str, Any], **more: dict[str, Any]) -> dict[str, Any]:
    """A dataset of an event; ``more`` is ``input_facets`` or ``output_facets``."""
    document: dict[str, Any] = {"namespace": ref.namespace, "name": ref.name, "facets": facets(bodies)}
    for key, extra in more.items():
        if extra:
            document["inputFacets" if key == "input_facets" else "outputFacets"] = facets(extra)
    return document


def time_text(time_ns: int) -> str:
    """RFC 3339 in UTC with microseconds."""
    return datetime.fromtimestamp(time_ns / 1e9, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def run_event(
    event_type: str,
    time_ns: int,
    run: dict[str, Any],
    job: dict[str, Any],
    inputs: list[dict[str, Any]],
    outputs: list[dict[str, Any]],
) -> bytes:
    """One RunEvent as JSON."""
    return _encode(
        {
            "eventTime": time_text(time_ns),
            "eventType": event_type,
            "producer": PRODUCER,
            "schemaURL": _EVENT_URL,
            "run": run,
            "job": job,
            "inputs": inputs,
            "outputs": outputs,
        }
    )


def _encode(document: dict[str, Any]) -> bytes:
    try:
        return _ENCODER.encode(document)
    except UnicodeEncodeError:
        return _ENCODER.encode(_valid(document))


def _valid(item: Any) -> Any:
    """A document without lone surrogates, which no UTF-8 has: Python has one for each byte of a file name or argument
    that is not UTF-8. They are written as escapes, so that different names stay different."""
    if isinstance(item, str):
        return item.encode("utf-8", "backslashreplace").decode()
    if isinstance(item, dict):
        return {_valid(key): _valid(value) for key, value in item.items()}
    if isinstance(item, list | tuple):
        return [_valid(part) for part in item]
    return item


def _plain(value: Any) -> Any:
    """A JSON value for an object that JSON cannot express, such as a parameter of any class: its number if it is one
    of another library, else its text."""
    item = getattr(value, "item", None)
    if item is not None and getattr(value, "ndim", None) == 0:
        held = item()
        if isinstance(held, bool | int | float | str):
            return held
    return _valid(str(value))


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_plain, order="sorted")
