"""Deterministic UUIDs for objects that have none here, derived from names."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID, uuid5

_SPACE = UUID("3f0c7c5e-6a0f-5d3c-9b52-0b3f6c1d8e47")


def _derived(*parts: str) -> str:
    # Lengths stand before the parts, so that no two lists of parts are one text.
    return str(uuid5(_SPACE, "".join(f"{len(part)}:{part}" for part in parts)))


def dataset_version_uuid(namespace: str, name: str, run_id: str, version: str) -> str:
    """A dataset version: by the run that wrote it, else by what its readers called it."""
    return _derived("dataset", namespace, name, run_id, "" if run_id else version)


def schema_version_uuid(namespace: str, name: str, fields: Iterable[tuple[str, str]]) -> str:
    """The columns of a dataset: (name, type) in order."""
    return _derived("schema", namespace, name, *(part for field in fields for part in field))


def job_uuid(namespace: str, name: str) -> str:
    """A job."""
    return _derived("job", namespace, name)


def job_version_uuid(
    namespace: str, name: str, inputs: Iterable[tuple[str, str]], outputs: Iterable[tuple[str, str]], location: str
) -> str:
    """A job that reads and writes these datasets, with its code at that place."""
    reads = [part for one in sorted(inputs) for part in one]
    writes = [part for one in sorted(outputs) for part in one]
    return _derived("job version", namespace, name, location, str(len(reads)), *reads, *writes)
