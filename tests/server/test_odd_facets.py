"""Facets of any shape on the web: what emitters write leaves facts out of a page or an answer, and is never a 5xx."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from headwater.testing.events import dataset, facet, run_event, run_id, schema
from query.test_odd_facets import HUGE, ODD, OF_DATASET, OF_JOB, OF_RUN, odd

DATA, JOB = quote("dataset:db:b", safe=""), quote("job:jobs:j", safe="")
PAGES = (
    "/", "/runs", f"/datasets/{DATA}", f"/jobs/{JOB}", f"/runs/{run_id(1)}", f"/runs/{run_id(3)}",
    f"/lineage?root={DATA}&columns=true&change=drop", f"/lineage?root={JOB}",
    f"/compare?before={run_id(1)}&after={run_id(2)}",
)  # fmt: skip
ANSWERS = (
    f"/api/v1/nodes/{DATA}", f"/api/v1/nodes/{JOB}", f"/api/v1/nodes/{DATA}/why", f"/api/v1/nodes/{JOB}/claims",
    f"/api/v1/records/{run_id(1)}", f"/api/v1/diff?before={run_id(1)}&after={run_id(2)}",
    "/api/v1/namespaces/db/datasets/b", "/api/v1/namespaces/db/datasets/b/versions", "/api/v1/namespaces/jobs/jobs/j",
    f"/api/v1/jobs/runs/{run_id(1)}", f"/api/v1/lineage?nodeId={DATA}", f"/api/v1/column-lineage?nodeId={DATA}",
)  # fmt: skip
VALUES = [
    *ODD,
    {"x": {"nullCount": HUGE, "mean": HUGE, "distinctCount": -5, "quantiles": {"0.5": HUGE}}},
    {"x": {"quantiles": 5, "histogram": [1, "a"], "min": {"a": 1}, "max": [1]}},
    [{"name": "m", "value": HUGE, "step": -1}, {"name": "m", "value": "text", "step": 2}],
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:60])
def test_every_page_bears_facets_of_any_shape(served: Any, value: Any) -> None:
    """Every member that a page reads has a value of another type, for a dataset, its job and its runs at once."""
    client = served.client()
    for number in (1, 2, 3):
        facets = {"datasetType": facet(datasetType="MODEL"), "schema": schema("x"), **odd(OF_DATASET, value)}
        state = "COMPLETE" if number < 3 else "FAIL"
        event = run_event(run_id(number), "j", state, number, ["a"], [dataset("b", facets=facets)],
                          run_facets=odd(OF_RUN, value))  # fmt: skip
        event["job"]["facets"] = odd(OF_JOB, value)
        assert client.post("/api/v1/lineage", content=json.dumps(event)).status_code == 201
    for path in PAGES:
        assert client.get(path, headers={"Accept": "text/html"}).status_code == 200, path
    for path in ANSWERS:
        assert client.get(path).status_code == 200, path
