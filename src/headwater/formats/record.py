"""Converts flat records to the events that store them, and any run back to a flat record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from headwater.errors import InvalidName, InvalidRecord
from headwater.formats.dataset_facets import DatasetType, event_frame, write_facet
from headwater.formats.headwater_facets import facet
from headwater.formats.record_rules import (
    DataQuality,
    Endpoint,
    Operation,
    Record,
    RecordTransformation,
    read_record,
)
from headwater.formats.run_facets import JobType
from headwater.formats.times import format_time
from headwater.model.names import DatasetName, standard
from headwater.model.patterns import lazy_pattern
from headwater.model.platforms import PLATFORMS, Shape, canonical_scheme
from headwater.model.uris import from_uri, to_uri

__all__ = [
    "DataQuality",
    "Endpoint",
    "Operation",
    "Record",
    "RecordTransformation",
    "dataset_name",
    "from_run",
    "job_name",
    "read_record",
    "to_document",
    "to_event",
    "to_events",
]

_DATASET_TYPES = {
    "database": "TABLE",
    "api": "API",
    "file": "FILE",
    "stream": "STREAM",
    "feature_store": "FEATURE_VIEW",
    "model": "MODEL",
    "dashboard": "DASHBOARD",
}
_SOURCE_OF = {"FILE": "file", "API": "api", "ENDPOINT": "api", "STREAM": "stream", "TOPIC": "stream"}
_DESTINATION_OF = {
    "MODEL": "model",
    "CHECKPOINT": "model",
    "FEATURE_VIEW": "feature_store",
    "DASHBOARD": "dashboard",
}
_ADDRESS = lazy_pattern(r"(?:jdbc:)?[A-Za-z][A-Za-z0-9+._-]*:(?://|thin:@)|arn:|[A-Za-z]:[\\/]")
_PATH = lazy_pattern(r"[/~]|\.{1,2}/")


def to_document(record: Record) -> dict[str, Any]:
    """The record as its flat document; one source or destination stands alone, several as a list."""
    document: dict[str, Any] = msgspec.to_builtins(record)
    document["dependencies"] = list(record.dependencies)
    for key in ("source", "destination"):
        ends = list(document[key])
        document[key] = ends[0] if len(ends) == 1 else ends
    return document


def dataset_name(endpoint: Endpoint, *, cwd: str | None = None) -> DatasetName:
    """The dataset that an endpoint means.

    An address (a URI, a path, an ARN) gets the standard name of what it points at; a plain name stands in the
    namespace of its type (``model``, ``dashboard`` ...). ``cwd`` is what relative paths are relative to; without it
    they stay relative.
    """
    identifier = endpoint.identifier.strip()
    if _ADDRESS.match(identifier):
        return from_uri(identifier, cwd=cwd or "/")
    is_path = _PATH.match(identifier) is not None
    if is_path or endpoint.type == "file":
        if cwd is not None:
            return from_uri(identifier, cwd=cwd)
        return standard("file", identifier if is_path else f"./{identifier}")
    return DatasetName(endpoint.type, identifier)


def job_name(record: Record) -> str:
    """The name of the recurring job that a record is one run of: its operation and what it writes."""
    return f"{record.operation_type.lower()}.{'+'.join(end.identifier for end in record.destination)}"


def to_event(record: Record, *, namespace: str = "records", cwd: str | None = None) -> dict[str, Any]:
    """The record as an OpenLineage RunEvent document: a complete run whose id is the ``lineage_id``.

    The whole record travels in the run facet ``headwater_record``, so that it comes back as it was.

    Raises:
        InvalidRecord: an identifier is an address that names nothing (``s3://``).
    """
    operation = record.operation_type.value
    return {
        **event_frame(record.transformation.timestamp, "RunEvent"),
        "eventType": "COMPLETE",
        "run": {
            "runId": record.lineage_id,
            "facets": {
                "headwater_record": facet("headwater_record", **to_document(record)),
                "headwater_parameters": facet("headwater_parameters", parameters=record.transformation.parameters),
            },
        },
        "job": {
            "namespace": namespace,
            "name": job_name(record),
            "facets": {
                "jobType": write_facet(JobType(processing_type="BATCH", integration="HEADWATER", job_type=operation)),
                "headwater_code": facet("headwater_code", sha256=record.transformation.code_hash),
            },
        },
        "inputs": _datasets(record.source, "source", cwd),
        "outputs": _datasets(record.destination, "destination", cwd),
    }


def to_events(record: Record, *, namespace: str = "records", cwd: str | None = None) -> list[bytes]:
    """The record as events ready to send: one, as JSON."""
    return [msgspec.json.encode(to_event(record, namespace=namespace, cwd=cwd))]


def _datasets(endpoints: tuple[Endpoint, ...], field: str, cwd: str | None) -> list[dict[str, Any]]:
    found = []
    for index, endpoint in enumerate(endpoints):
        try:
            found.append(_dataset(endpoint, cwd))
        except InvalidName as error:
            where = f"{field}[{index}].identifier" if len(endpoints) > 1 else f"{field}.identifier"
            raise InvalidRecord(field=where, value=repr(endpoint.identifier)[:80], rule=error.rule) from None
    return found


def _dataset(endpoint: Endpoint, cwd: str | None) -> dict[str, Any]:
    name = dataset_name(endpoint, cwd=cwd)
    kind = DatasetType(dataset_type=_DATASET_TYPES[endpoint.type])
    return {"namespace": name.namespace, "name": name.name, "facets": {"datasetType": write_facet(kind)}}


def from_run(
    *,
    run_id: str,
    operation: str,
    sources: Iterable[tuple[str, str, str]],
    destinations: Iterable[tuple[str, str, str]],
    time_us: int,
    code_hash: str = "",
    parameters: Mapping[str, Any] | None = None,
    quality: DataQuality | None = None,
    dependencies: Iterable[str] = (),
    record: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The flat document for any run, from its facts.

    Args:
        run_id: the run's UUID, which becomes the ``lineage_id``
        operation: the run's operation; one that records do not know is ETL
        sources: (dataset type, namespace, name) of what it read
        destinations: the same of what it wrote
        time_us: when it ended, else began: microseconds since the epoch, UTC
        code_hash: SHA-256 of its code; null in the document where it is not known
        parameters: its parameters
        quality: what was measured on its outputs
        dependencies: ids of the runs that wrote what it read
        record: the body of its ``headwater_record`` facet, when it came in as a record; then that is the answer
    """
    if record is not None:
        body = {key: value for key, value in record.items() if not key.startswith("_")}
        return to_document(read_record(body))
    ends = {
        "source": [_end(kind, DatasetName(*name), is_source=True) for kind, *name in sources],
        "destination": [_end(kind, DatasetName(*name), is_source=False) for kind, *name in destinations],
    }
    return {
        "lineage_id": run_id,
        "operation_type": operation if operation in tuple(Operation) else Operation.ETL.value,
        **{key: found[0] if len(found) == 1 else found for key, found in ends.items()},
        "transformation": {
            "code_hash": code_hash or None,
            "parameters": dict(parameters or {}),
            "timestamp": format_time(time_us),
        },
        "data_quality": msgspec.to_builtins(quality or DataQuality()),
        "dependencies": sorted(set(dependencies)),
    }


def _end(kind: str, name: DatasetName, *, is_source: bool) -> dict[str, str]:
    types = _SOURCE_OF if is_source else _DESTINATION_OF
    found = types.get(kind.upper()) or (_source_by_platform(name) if is_source else "database")
    plain = name.namespace in _DATASET_TYPES and name.namespace != "file"
    return {"type": found, "identifier": name.name if plain else to_uri(name)}


def _source_by_platform(name: DatasetName) -> str:
    scheme = canonical_scheme(name.namespace.partition(":")[0])
    if scheme in ("http", "https"):
        return "api"
    platform = PLATFORMS.get(scheme)
    if platform is None or platform.shape is Shape.TABLE:
        return "database"
    if platform.shape is Shape.PATH:
        return "file"
    return "stream" if scheme in ("kafka", "pubsub") else "database"
