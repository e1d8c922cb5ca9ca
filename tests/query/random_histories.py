"""Random histories for properties: jobs that read and write tables, with and without columns, and change over time."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

TABLES = [f"t{number}" for number in range(8)]
COLUMNS = ["a", "b", "c"]
JOBS = [f"j{number}" for number in range(5)]

Flow = tuple[str, list[str], dict[str, list[tuple[str, str, bool]]] | None]
"""Target, sources, and by target column the (source, column, is direct) triples; None where columns are unknown."""
Step = tuple[str, list[Flow]]
"""A run of a job and what flowed in it."""


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """Draw one output with its inputs."""
    target = draw(st.sampled_from(TABLES))
    sources = draw(st.lists(st.sampled_from([name for name in TABLES if name != target]), min_size=1, max_size=3))
    if draw(st.booleans()):
        return target, sources, None
    triple = st.tuples(st.sampled_from(sources), st.sampled_from(COLUMNS), st.booleans())
    columns = draw(st.dictionaries(st.sampled_from(COLUMNS), st.lists(triple, min_size=1, max_size=3), min_size=1))
    return target, sources, columns


steps: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(st.sampled_from(JOBS), st.lists(flows(), min_size=1, max_size=2, unique_by=lambda flow: flow[0])),
    min_size=1,
    max_size=8,
)


def ref(name: str) -> dict[str, str]:
    """Return a table's identity."""
    return {"namespace": "warehouse", "name": name}


def events(history: list[Step]) -> list[bytes]:
    """Return one COMPLETE event a run, a minute apart."""
    return [json.dumps(_event(number, job, found)).encode() for number, (job, found) in enumerate(history)]


def _event(number: int, job: str, found: list[Flow]) -> dict[str, Any]:
    schema = {"schema": {"fields": [{"name": name, "type": "int"} for name in COLUMNS]}}
    sources = sorted({source for _, names, _ in found for source in names})
    return {
        "eventType": "COMPLETE",
        "eventTime": f"2026-01-01T00:{number:02d}:00Z",
        "producer": "https://example.org",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json",
        "run": {"runId": f"00000000-0000-4000-8000-{number:012d}"},
        "job": {
            "namespace": "etl",
            "name": job,
            "facets": {"lineage": {"entries": [_entry(*flow) for flow in found]}},
        },
        "inputs": [{**ref(name), "facets": schema} for name in sources],
        "outputs": [{**ref(target), "facets": schema} for target, _, _ in found],
    }


def _entry(target: str, sources: list[str], columns: dict[str, list[tuple[str, str, bool]]] | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "DATASET", **ref(target)}
    entry["inputs"] = [{"type": "DATASET", **ref(name)} for name in sources]
    if columns is not None:
        entry["fields"] = {
            name: {
                "inputs": [
                    {
                        "type": "DATASET",
                        **ref(source),
                        "field": field,
                        "transformations": [{"type": "DIRECT" if is_direct else "INDIRECT", "subtype": ""}],
                    }
                    for source, field, is_direct in triples
                ]
            }
            for name, triples in columns.items()
        }
    return entry
