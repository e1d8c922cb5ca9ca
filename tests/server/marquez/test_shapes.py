"""Every shape to the letter: a small platform, a clock that stands still, and committed answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headwater.server.routes import marquez
from headwater.testing.events import EPOCH_US, SECOND_US, column_lineage, dataset, facet, run_event, run_id, schema
from server.marquez.conftest import Api

GOLDEN = Path(__file__).parent / "golden"
REFERENCE = Path(__file__).parents[3] / "docs/reference/marquez-api.md"
RUN = "00000000-0000-4000-8000-00000000000a"

QUESTIONS = {
    "namespaces": "/namespaces",
    "sources": "/sources",
    "datasets": "/namespaces/shop/datasets",
    "dataset_versions": "/namespaces/shop/datasets/daily/versions",
    "jobs": "/jobs",
    "job": "/namespaces/etl/jobs/sum",
    "job_versions": "/namespaces/etl/jobs/sum/versions",
    "runs": "/namespaces/etl/jobs/sum/runs",
    "run_facets": f"/jobs/runs/{run_id(1)}/facets?type=run",
    "lineage": "/lineage?nodeId=job:etl:sum&depth=2",
    "column_lineage": "/column-lineage?nodeId=dataset:shop:daily&withDownstream=True",
    "run_lineage": f"/runlineage/upstream?runId={run_id(1)}",
    "events": "/events/lineage?limit=1",
    "search": "/search?q=daily",
    "stats_events": "/stats/lineage-events?period=WEEK&timezone=Europe/Berlin",
    "stats_datasets": "/stats/datasets?period=WEEK&timezone=UTC",
    "tags": "/tags",
}


def _platform(api: Api) -> None:
    """A namespace and a source that were put, a run that was posted, and events of a pipeline."""
    api("PUT", "/namespaces/shop", {"ownerName": "team", "description": "all shops"})
    api("PUT", "/sources/warehouse", {"type": "POSTGRESQL", "connectionUrl": "postgres://w:5432"})
    fields = [{"name": "id", "type": "INTEGER", "description": "number"}, {"name": "amount", "type": "DECIMAL"}]
    body = {"type": "DB_TABLE", "physicalName": "public.orders", "sourceName": "warehouse", "fields": fields}
    api("PUT", "/namespaces/shop/datasets/orders", {**body, "tags": ["raw"], "description": "every order"})
    made = {
        "schema": schema("day", "total"),
        "columnLineage": column_lineage({"total": [("orders", "amount")]}, "shop"),
    }
    stats = {"outputStatistics": facet(rowCount=7)}
    code = {"sourceCodeLocation": facet(type="git", url="https://git.example/sum")}
    window = {"nominalTime": facet(nominalStartTime="2026-01-01T00:00:00Z")}
    outputs = [dataset("daily", "shop", made, outputFacets=stats)]
    for kind, seconds in (("START", 3600), ("COMPLETE", 3660)):
        api.fill(
            run_event(
                run_id(1),
                "sum",
                kind,
                seconds,
                [dataset("orders", "shop")],
                outputs,
                namespace="etl",
                job_facets=code,
                run_facets=window,
            )
        )
    run = api("POST", "/namespaces/etl/jobs/sum/runs", {"id": RUN, "args": {"full": "yes"}}, status=201)["id"]
    api("POST", f"/jobs/runs/{run}/fail")
    api("POST", "/namespaces/shop/datasets/daily/fields/total/tags/MONEY")


@pytest.fixture
def answers(serve: Callable[..., Any]) -> Iterator[Api]:
    """The platform, told at noon of 2 January 2026 and a second later each time."""
    served = serve()
    api = Api(served.client())
    ticks = count()
    served.service.clock = lambda: EPOCH_US + (129_600 + next(ticks)) * SECOND_US
    _platform(api)
    yield api


def test_shapes(answers):
    """Each route answers what is committed; ``HEADWATER_UPDATE_GOLDEN=1`` writes it anew."""
    for name, path in QUESTIONS.items():
        found = msgspec.json.format(msgspec.json.encode(answers.get(path)), indent=1).decode() + "\n"
        file = GOLDEN / f"{name}.json"
        if os.environ.get("HEADWATER_UPDATE_GOLDEN"):
            file.parent.mkdir(exist_ok=True)
            file.write_text(found, encoding="utf-8")
        assert found == file.read_text(encoding="utf-8"), name


def test_every_route_is_in_the_reference():
    """The page names each path with its methods."""
    rows = [
        line.split("|") for line in REFERENCE.read_text(encoding="utf-8").splitlines() if line.startswith("| `/api")
    ]
    documented = {cells[1].strip(" `"): set(cells[2].split()) for cells in rows}
    served: dict[str, set[str]] = {"/api/v1/lineage": {"POST"}}
    for operation in marquez.OPERATIONS:
        served.setdefault(operation.path, set()).add(operation.method)
    assert documented == served
