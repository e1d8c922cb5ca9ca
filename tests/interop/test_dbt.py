"""dbt on DuckDB with its OpenLineage wrapper: what ``dbt-ol`` says, and the graph that comes of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interop.histories import Sent, keep
from interop.programs import HERE, Program, installed

pytestmark = pytest.mark.interop

PARENT = "shop_airflow/shop.dbt/00000000-0000-7000-8000-00000000000a"
MODELS = {
    ("raw_customers", "stg_customers"),
    ("raw_orders", "stg_orders"),
    ("stg_customers", "customers"),
    ("stg_orders", "customers"),
    ("stg_customers", "countries"),
    ("customers", "countries"),
}


def _job(model: str, kind: str = "run") -> str:
    return f"shop.main.shop.{model}.build.{kind}"


@pytest.fixture(scope="module")
def dbt() -> Program:
    """dbt in an environment of its own."""
    return installed("dbt")


@pytest.fixture(scope="module")
def sent(dbt: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    """A project seeded, built, and built again with a model that fails."""
    folder = tmp_path_factory.mktemp("dbt")
    project = shutil.copytree(HERE / "projects" / "dbt", folder / "shop")
    with Sent(folder / "store") as sent:
        settings = {**sent.settings, "OPENLINEAGE_NAMESPACE": "dbt", "DBT_PROFILES_DIR": "."}
        dbt.run("dbt-ol", "seed", folder=project, settings=settings)
        dbt.run("dbt-ol", "build", "--exclude", "broken", folder=project, settings=settings)
        # as Airflow starts it: with a parent that it is told of
        parented = {**settings, "OPENLINEAGE_PARENT_ID": PARENT}
        dbt.run("dbt-ol", "run", "--select", "broken", folder=project, settings=parented, code=1)
        keep("dbt", sent.log())
        yield sent


def test_all_models_are_connected_down_to_the_seeds(sent: Sent) -> None:
    """Staging models name no inputs; their columns do, and the table edges come of those."""
    staging = [event for event in sent.events() if event["job"]["name"] == _job("stg_orders")]
    assert [event["inputs"] for event in staging] == [[], []]
    expected = {(f"shop.main.{a}", f"shop.main.{b}", _job(b), "column") for a, b in MODELS}
    test = _job("stg_customers", "test")
    assert sent.edges() == {*expected, ("shop.main.stg_customers", test, test, "declared")}


def test_columns_lead_from_a_mart_to_the_seed(sent: Sent) -> None:
    """What was spent comes from the cents of the orders, through three models."""
    found = sent.lineage.upstream("dataset:duckdb://shop.duckdb:shop.main.countries", columns=True)
    fields = {(edge.source.rpartition(".")[2], one.source_field) for edge in found.edges for one in edge.fields}
    assert {("raw_orders", "cents"), ("stg_orders", "amount"), ("customers", "spent")} <= fields
    assert sent.columns("dataset:duckdb://shop.duckdb:shop.main.stg_orders") == {
        "shop.main.raw_orders.id -> order_id",
        "shop.main.raw_orders.customer_id -> customer_id",
        "shop.main.raw_orders.cents -> amount",
        "shop.main.raw_orders.placed_on -> placed_on",
    }


def test_our_parse_of_the_sql_agrees(sent: Sent) -> None:
    """For each model that ran, dbt's claim and our own reading of its SQL say the same tables."""
    for model in ("stg_orders", "stg_customers", "customers", "countries"):
        claims = sent.lineage.claims(f"job:dbt:{_job(model)}")
        assert {one.verdict.value for one in claims.reads} == {"agreed"}, model


def test_runs_and_their_states(sent: Sent) -> None:
    """A run a model, a run a command; what failed is FAILED, a warning is no failure."""
    states = sent.states()
    assert states.pop("dbt-run-shop") == ["FAILED", "COMPLETED", "COMPLETED"]
    assert states.pop("shop.main.shop.broken") == ["FAILED"]
    assert set(states) == {
        *(_job(model) for model in ("stg_orders", "stg_customers", "customers", "countries")),
        _job("stg_customers", "test"),
    }
    assert {state for found in states.values() for state in found} == {"COMPLETED"}


def test_a_failed_model_adds_no_edge(sent: Sent) -> None:
    """It claims to write ``broken`` from a column that does not exist; the claim stays on its run alone."""
    claimed = [event for event in sent.events() if event["job"]["name"].endswith("broken") and event["outputs"]]
    columns = claimed[0]["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert columns["no_such_column"]["inputFields"][0]["field"] == "no_such_column"
    assert (
        sent.lineage.downstream("dataset:duckdb://shop.duckdb:shop.main.stg_orders", depth=1).node(
            "dataset:duckdb://shop.duckdb:shop.main.broken"
        )
        is None
    )
    run = sent.lineage.runs("job:dbt:shop.main.shop.broken")[0]
    assert run.state == "FAILED"


def test_models_run_under_the_command_and_the_command_under_its_parent(sent: Sent) -> None:
    """Model runs have the run of ``dbt-ol`` as parent; that one has the parent that OPENLINEAGE_PARENT_ID names."""
    runs = sent.lineage.runs(limit=100)
    commands = {run.run_id: run for run in runs if run.job_name == "dbt-run-shop"}
    models = [run for run in runs if run.job_name != "dbt-run-shop"]
    assert {run.parent_run for run in models} <= set(commands)
    failed = next(run for run in commands.values() if run.state == "FAILED")
    assert failed.parent_run == PARENT.rpartition("/")[2]


def test_facets_are_kept_verbatim(sent: Sent) -> None:
    """dbt's own facets, which no standard names, come back as they were sent."""
    ran = [event for event in sent.events() if event["job"]["name"] == _job("customers")]
    complete = next(event for event in ran if event["eventType"] == "COMPLETE")
    found = sent.get(f"/api/v1/jobs/runs/{complete['run']['runId']}/facets", type="run")["facets"]
    for name in ("dbt_run", "dbt_version", "processing_engine", "parent"):
        assert found[name] == complete["run"]["facets"][name]
    assert _facets(sent, f"job:dbt:{_job('customers')}")["dbt_node"] == complete["job"]["facets"]["dbt_node"]
    output = complete["outputs"][0]
    facets = _facets(sent, f"dataset:{output['namespace']}:{output['name']}")
    assert facets["dbt_model"] == output["facets"]["dbt_model"]


def test_documentation_and_columns(sent: Sent) -> None:
    """The description of a model, and the columns that it documents."""
    details = sent.lineage.show("dataset:duckdb://shop.duckdb:shop.main.stg_customers")
    assert details.description == "A row a customer."
    assert {column.name for column in details.columns} >= {"customer_id", "country"}


def test_an_absolute_database_tells_projects_apart(dbt: Program, serve: Callable[..., Sent], tmp_path: Path) -> None:
    """``duckdb://shop.duckdb`` names no place, so two projects collide there; an absolute ``path`` in the profile is
    part of the name."""
    sent = serve()
    project = shutil.copytree(HERE / "projects" / "dbt", tmp_path / "shop")
    settings = {**sent.settings, "DBT_PROFILES_DIR": ".", "SHOP_DATABASE": f"{project}/shop.duckdb"}
    dbt.run("dbt-ol", "build", "--select", "+stg_orders", folder=project, settings=settings)
    assert {node.namespace for node in sent.graph().datasets()} == {f"duckdb://{project}/shop.duckdb"}


def test_structured_logs_give_the_same_tables(dbt: Program, serve: Callable[..., Sent], tmp_path: Path) -> None:
    """``--consume-structured-logs`` sends a run a statement too, and no columns: the models are joined as before, the
    seeds are written, and each statement hangs below its node."""
    sent = serve()
    project = shutil.copytree(HERE / "projects" / "dbt", tmp_path / "shop")
    settings = {**sent.settings, "OPENLINEAGE_NAMESPACE": "dbt", "DBT_PROFILES_DIR": "."}
    words = ("dbt-ol", "build", "--consume-structured-logs", "--exclude", "broken", "countries")
    dbt.run(*words, folder=project, settings=settings)
    edges = sent.edges()
    built = {(source, target, how) for source, target, job, how in edges if job.startswith("model.")}
    tables = [(f"shop.main.{a}", f"shop.main.{b}") for a, b in MODELS if b != "countries"]
    assert built == {(source, target, "product") for source, target in tables}
    assert {target for _, target, job, _ in edges if job.startswith("seed.")} == {
        "shop.main.raw_customers",
        "shop.main.raw_orders",
    }
    runs = {run.run_id: run for run in sent.lineage.runs(limit=1000)}
    statements = [run for run in runs.values() if ".sql." in run.job_name]
    assert len(statements) > len(tables)
    for run in statements:
        assert runs[run.parent_run].job_name == run.job_name.partition(".sql.")[0]


def _facets(sent: Sent, node: str) -> dict[str, Any]:
    return {name: msgspec.json.decode(raw) for name, raw in sent.lineage.show(node).facets.items()}
