"""Airflow with its OpenLineage provider: a DAG of files, SQL, a mapped task and a task that fails."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from interop.histories import Sent, keep
from interop.programs import HERE, PLACE, Program, installed

pytestmark = pytest.mark.interop

RAW, CLEAN, MART = "/data/raw/customers.csv", "/data/clean/customers.csv", "data/mart/customers.csv"


@pytest.fixture(scope="module")
def airflow() -> Program:
    """Airflow in an environment of its own."""
    return installed("airflow")


@pytest.fixture(scope="module")
def sent(airflow: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    """The DAG, run once by ``airflow dags test`` over a metadata database of its own."""
    folder = tmp_path_factory.mktemp("airflow")
    home = PLACE / "airflow-home"  # the events name it
    shutil.rmtree(home, ignore_errors=True)
    files = _files(home)
    with Sent(folder / "store") as sent:
        transport = {"type": "http", "url": sent.url, "auth": {"type": "api_key", "apiKey": sent.key}}
        settings = {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
            "AIRFLOW__OPENLINEAGE__NAMESPACE": "shop_airflow",
            "AIRFLOW_CONN_SHOP_DB": json.dumps({"conn_type": "sqlite", "host": str(home / "shop.db")}),
            "SHOP_FOLDER": str(files),
        }
        airflow.run("airflow", "db", "migrate", folder=home, settings=settings)
        airflow.run("airflow", "dags", "test", "shop", "2026-01-05", folder=home, settings=settings, code=1)
        keep("airflow", sent.log())
        yield sent


def _files(home: Path) -> Path:
    shutil.copytree(HERE / "projects" / "airflow", home / "dags")
    files = home / "files"
    files.mkdir()
    (files / "orders.csv").write_text("id,customer_id,cents\n10,1,1250\n")
    (files / "customers.csv").write_text("id,name\n1,Ada\n")
    return files


def test_names_with_and_without_a_leading_slash_are_one_file(sent: Sent) -> None:
    """``/data/clean/customers.csv`` of an asset and ``data/clean/customers.csv`` of a dataset join two tasks."""
    edges = sent.edges()
    assert (RAW, CLEAN, "shop.clean", "product") in edges
    assert (CLEAN, MART, "shop.publish", "product") in edges
    path = sent.lineage.path("dataset:file:/data/raw/customers.csv", "dataset:file:data/mart/customers.csv")
    assert {edge.job for edge in path.edges} == {"job:shop_airflow:shop.clean", "job:shop_airflow:shop.publish"}


def test_a_failed_task_adds_no_edge(sent: Sent) -> None:
    """It declares what it would have written; as it failed, nothing flows there."""
    assert [event["eventType"] for event in _of(sent, "shop.broken")] == ["START", "FAIL"]
    assert _of(sent, "shop.broken")[1]["outputs"][0]["name"] == "/data/mart/broken.csv"
    assert not [edge for edge in sent.edges() if edge[2] == "shop.broken"]
    assert sent.lineage.show("dataset:file:/data/mart/broken.csv").producers == ()


def test_states_and_the_tree_of_runs(sent: Sent) -> None:
    """Every task is a run below that of the DAG, every query one below its task; the DAG failed with its task."""
    runs = {run.run_id: run for run in sent.lineage.runs(limit=100)}
    dags = [run for run in runs.values() if run.job_name == "shop"]
    assert [run.state for run in dags] == ["FAILED"]
    tasks = [run for run in runs.values() if run.parent_run == dags[0].run_id]
    assert sorted((run.job_name, run.state) for run in tasks) == [
        ("shop.broken", "FAILED"),
        ("shop.clean", "COMPLETED"),
        ("shop.copy", "COMPLETED"),
        ("shop.copy", "COMPLETED"),
        ("shop.load", "COMPLETED"),
        ("shop.publish", "COMPLETED"),
    ]
    load = next(run for run in tasks if run.job_name == "shop.load")
    queries = [run for run in runs.values() if run.parent_run == load.run_id]
    assert sorted(run.job_name for run in queries) == ["shop.load.query.1", "shop.load.query.2"]
    assert len(runs) == 1 + len(tasks) + len(queries)


def test_each_instance_of_a_mapped_task_keeps_its_edges(sent: Sent) -> None:
    """One job, a run an instance: the second, which wrote another file, ends nothing that the first showed."""
    into = {
        (source.rpartition("/")[2], target.rpartition("/")[2])
        for source, target, job, _ in sent.edges()
        if job == "shop.copy"
    }
    assert {("orders.csv", "copied-orders.csv"), ("customers.csv", "copied-customers.csv")} <= into


def test_our_parse_finds_what_the_queries_do(sent: Sent) -> None:
    """SQLite queries carry no datasets. What their SQL says is shown beside that silence, as ours."""
    assert _of(sent, "shop.load.query.2")[-1]["inputs"] == []
    claims = sent.lineage.claims("job:shop_airflow:shop.load.query.2")
    assert [(one.name, one.verdict.value) for one in claims.reads] == [("orders", "ours")]
    assert [(one.name, one.verdict.value) for one in claims.writes] == [("totals", "ours")]
    columns = {(one.source, one.source_field, one.target, one.target_field) for one in claims.columns}
    assert ("orders", "cents", "totals", "cents") in columns


def test_facets_are_kept_verbatim(sent: Sent) -> None:
    """Airflow's own facets, which no standard names, come back as they were sent, and accumulate over a run."""
    start, complete = _of(sent, "shop.publish")
    assert start["run"]["runId"] == complete["run"]["runId"]
    found = sent.get(f"/api/v1/jobs/runs/{complete['run']['runId']}/facets", type="run")["facets"]
    assert found == {**start["run"]["facets"], **complete["run"]["facets"]}
    assert {"airflow", "nominalTime", "parent", "processing_engine"} <= set(found)
    kept = sent.lineage.show("job:shop_airflow:shop.publish").facets
    assert msgspec.json.decode(kept["jobType"]) == complete["job"]["facets"]["jobType"]


def test_why_a_task_failed_is_shown(sent: Sent) -> None:
    """The message of the error that Airflow reports is that of the run."""
    assert "this task is meant to fail" in str(_of(sent, "shop.broken")[1]["run"]["facets"]["errorMessage"])
    run = sent.lineage.runs("job:shop_airflow:shop.broken")[0]
    details = sent.lineage.show(run.run_id)
    assert details.run is not None
    assert "this task is meant to fail" in details.run.error


def _of(sent: Sent, job: str) -> list[dict]:
    return [event for event in sent.events() if event["job"]["name"] == job]
