"""From traces to the OpenLineage ``lineage`` facet: one entry a dataset that the run made, exact to the column."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from headwater.capture.trace import Source, Trace, Trail, Trails, trace
from headwater.capture.values import INFERRED, DatasetRef, Value

MAX_FIELD_EDGES: Final = 100_000
"""An entry with more column edges is written without them: no reader and few receivers cope with more."""

_INFERRED: Final = {"type": "INFERRED", "subtype": "", "description": "read by the run before it wrote this"}


def entry(ref: DatasetRef, values: Iterable[Value], inferred: Iterable[DatasetRef]) -> dict[str, Any]:
    """The lineage entry of one target: what fed it, by dataset and by column.

    ``values`` are what was written to it; ``inferred`` are the datasets to fall back on where nothing is known of
    how it came about (everything the run had read by then), marked as such.
    """
    values = list(values)
    traces = [trace(value) for value in values]
    # A model that is trained further comes from itself: that is its history, not an edge of the graph.
    found_refs = [value.dataset for found in traces for value in found.sources]
    known = dict.fromkeys(found for found in found_refs if found is not None and found[:2] != ref[:2])
    guessed = {found for found in known if _is_guess(found, traces)}
    whole = [_guessed(found) if found in guessed else _input(found) for found in known]
    if not known or not traces:
        whole = [_guessed(source) for source in dict.fromkeys(inferred) if source[:2] != ref[:2]]
    for found in traces:
        whole.extend(_indirect(ref, found))
    document: dict[str, Any] = {
        "namespace": ref.namespace,
        "name": ref.name,
        "type": "DATASET",
        "inputs": _distinct(whole),
    }
    own = {name for value in values for name in value.column_names()}
    fields = _fields(ref, traces, own)
    if fields:
        document["fields"] = fields
    return document


def _input(ref: DatasetRef, field: str | None = None) -> dict[str, Any]:
    document: dict[str, Any] = {"namespace": ref.namespace, "name": ref.name, "type": "DATASET"}
    if field is not None:
        document["field"] = field
    return document


def _guessed(ref: DatasetRef) -> dict[str, Any]:
    return {**_input(ref), "transformations": [_INFERRED]}


def _is_guess(ref: DatasetRef, traces: list[Trace]) -> bool:
    """Whether every column that comes from this dataset does so by a guess."""
    all_trails = [t for found in traces for t in (*found.fields.values(), found.indirect)]
    own = [trail for trails in all_trails for source, trail in trails.items() if source.value.dataset == ref]
    return bool(own) and all(trail.description == INFERRED for trail in own)


def _indirect(ref: DatasetRef, found: Trace) -> list[dict[str, Any]]:
    """What decided about the whole target: an input with a field, at the level of the dataset."""
    return [_with_trail(s, trail) for s, trail in found.indirect.items() if _is_other(s, ref)]


def _with_trail(source: Source, trail: Trail) -> dict[str, Any]:
    assert source.value.dataset is not None
    step: dict[str, Any] = {"type": trail.type, "subtype": trail.subtype, "masking": trail.masking}
    if trail.description:
        step["description"] = trail.description
    return {**_input(source.value.dataset, source.column), "transformations": [step]}


def _fields(ref: DatasetRef, traces: list[Trace], own: set[str]) -> dict[str, Any]:
    merged: dict[str, Trails] = {}
    count = 0
    for found in traces:
        if found.is_coarse:
            return {}
        for name, trails in found.fields.items():
            count += len(trails)
            merged.setdefault(name, {}).update(trails)
    if count > MAX_FIELD_EDGES:
        return {}
    return {
        name: {"inputs": [_with_trail(s, t) for s, t in trails.items() if _is_other(s, ref)]}
        for name, trails in merged.items()
        if name != "*" and (name in own or not own)
    }


def _is_other(source: Source, ref: DatasetRef) -> bool:
    return source.value.dataset is not None and source.value.dataset[:2] != ref[:2]


def _distinct(inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    seen: dict[str, dict[str, Any]] = {}
    for item in inputs:
        seen.setdefault(repr(item), item)
    return list(seen.values())
