"""Facets of any shape: what emitters write leaves facts out of an answer, and never fails a question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from headwater.model.graph import NodeKind
from headwater.query import Lineage
from headwater.query.models import read_model
from headwater.query.quality import read_quality
from headwater.storage.memory import MemoryStore
from headwater.testing.events import EPOCH_US, Facets, dataset, facet, raw, run_event, run_id

OF_DATASET = {
    "ownership": ("owners",),
    "tags": ("tags",),
    "schema": ("fields",),
    "documentation": ("description",),
    "dataQualityMetrics": ("rowCount", "columnMetrics"),
    "outputStatistics": ("rowCount", "size"),
    "columnLineage": ("fields",),
    "symlinks": ("identifiers",),
    "version": ("datasetVersion",),
    "headwater_fingerprint": ("exact", "file"),
    "headwater_model": (
        "name", "class", "features", "feature_count", "hyper_parameters", "best_parameters", "metrics", "preprocessing",
        "importances", "importance_details", "training", "checkpoint", "version", "framework", "step",
    ),
}  # fmt: skip
OF_JOB = {
    "ownership": ("owners",),
    "tags": ("tags",),
    "sql": ("query", "dialect"),
    "sourceCode": ("sourceCode", "language", "sha256"),
    "sourceCodeLocation": ("url", "version", "path"),
    "jobType": ("jobType", "processingType"),
    "headwater_code": ("sha256", "path", "git"),
}
OF_RUN = {
    "tags": ("tags",),
    "parent": ("run", "job"),
    "errorMessage": ("message", "stackTrace"),
    "executionParameters": ("parameters",),
    "processing_engine": ("name", "version"),
    "headwater_parameters": ("parameters",),
    "headwater_seeds": ("seeds",),
    "headwater_metrics": ("metrics",),
    "headwater_environment": ("python", "packages", "host"),
    "headwater_process": ("argv", "host"),
    "headwater_outcome": ("unresolved", "dropped_operations"),
    "headwater_record": ("lineage_id",),
}
HUGE = 10**400
"""More than a float holds; integers of any size are kept exactly."""
ODD: list[Any] = [
    5, -1, 10**18, HUGE, 1.5, True, None, "", "text", [5], [None], [["a"]], {"a": 5}, {"a": {}}, {"a": {"b": [1]}},
    [{"name": 5, "key": [1], "value": {}, "field": 3, "library": [], "step": True, "parts": 5, "fields": 7}],
    {"a": {"nullCount": "few", "distinctCount": "many", "mean": True, "min": [1]}},
    {"a": {"nullCount": HUGE, "distinctCount": HUGE, "mean": HUGE, "min": HUGE, "max": -HUGE, "sum": HUGE}},
    {"a": HUGE, "kind": HUGE, "mixed": HUGE, "left_out": HUGE, "step": HUGE},
    [{"name": "a", "value": HUGE, "step": HUGE}],
]  # fmt: skip


def odd(members: dict[str, tuple[str, ...]], value: Any) -> Facets:
    """Facets whose members all have this value."""
    return {name: facet(**dict.fromkeys(keys, value)) for name, keys in members.items()}


def _questions(lineage: Lineage) -> dict[str, Callable[[], object]]:
    data, job, run = "dataset:db:b", "job:jobs:j", run_id(1)
    store = lineage.store
    row = store.find(NodeKind.DATASET, "db", "b")
    assert row is not None
    return {
        "show data": lambda: lineage.show(data).to_text() + lineage.show(data).to_json(),
        "show job": lambda: lineage.show(job).to_text(),
        "show run": lambda: lineage.show(run).to_text(),
        "upstream": lambda: lineage.upstream(data).to_tree() + lineage.upstream(data, columns=True).to_svg(),
        "versions": lambda: lineage.upstream(data, level="run").to_prov(),
        "impact": lambda: lineage.impact("dataset:db:a").to_text(),
        "why": lambda: lineage.why(data).to_text(),
        "diff": lambda: lineage.diff(data).to_text() + lineage.diff(job).to_text(),
        "history": lambda: lineage.history(data).to_text() + lineage.history(job).to_text(),
        "record": lambda: lineage.record(run),
        "claims": lambda: lineage.claims(job),
        "coverage": lineage.coverage,
        "select": lambda: lineage.select("tag:* | owner:*", as_of=EPOCH_US + 10**9),
        "quality": lambda: read_quality(store, row),
        "model": lambda: read_model(store, row, store.versions(row.id, limit=1)[0]),
    }


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:60])
@pytest.mark.parametrize("where", ["dataset", "job", "run"])
def test_every_question_bears_facets_of_any_shape(where: str, value: Any) -> None:
    """Every member that an answer reads has a value of another type: the answer does without it."""
    kind = {"datasetType": facet(datasetType="MODEL")}
    facets = {**kind, **(odd(OF_DATASET, value) if where == "dataset" else {})}
    own = odd(OF_RUN, value) if where == "run" else {}
    store = MemoryStore.open()
    for number in (1, 2):
        event = run_event(run_id(number), "j", "COMPLETE", number, ["a"], [dataset("b", facets=facets)], run_facets=own)
        if where == "job":
            event["job"]["facets"] = odd(OF_JOB, value)
        assert store.append(raw([event]))[0].status.value == "stored"
    for ask in _questions(Lineage(store)).values():
        ask()


def test_a_record_in_another_shape_is_built_from_what_is_known() -> None:
    """A facet that calls itself a record and is none says nothing; counts that are no numbers are left out."""
    metrics = facet(rowCount=2, columnMetrics={"x": {"nullCount": "few", "distinctCount": 2}, "y": 5})
    out = dataset("b", outputFacets={"dataQualityMetrics": metrics})
    own = {"headwater_record": facet(lineage_id="x")}
    store = MemoryStore.open()
    store.append(raw([run_event(run_id(1), "j", "COMPLETE", 0, ["a"], [out], run_facets=own)]))
    found = Lineage(store).record(run_id(1))
    assert found["lineage_id"] == run_id(1)
    assert found["data_quality"] == {"null_count": {}, "unique_values": {"x": 2}, "statistics": {"row_count": 2}}


def test_numbers_beyond_a_float_are_compared() -> None:
    """Integers are kept exactly, whatever their size: two runs differ by them, without a difference that is a float."""
    store = MemoryStore.open()
    for number, value in ((1, HUGE), (2, HUGE + 1)):
        own = {"headwater_parameters": facet(parameters={"p": value})}
        store.append(raw([run_event(run_id(number), "j", "COMPLETE", number, ["a"], ["b"], run_facets=own)]))
    (found,) = Lineage(store).diff("job:jobs:j").of_kind("parameter")
    assert (found.before, found.after) == (HUGE, HUGE + 1)
    assert "p" in Lineage(store).diff("job:jobs:j").to_text()
