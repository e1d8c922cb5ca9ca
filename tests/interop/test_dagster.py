"""Dagster's OpenLineage event log storage: what assets, checks and observations say."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from interop.histories import Sent, keep
from interop.programs import HERE, Program, installed

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def dagster() -> Program:
    """Dagster in an environment of its own."""
    return installed("dagster")


@pytest.fixture(scope="module")
def sent(dagster: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    """Assets made, once without and once with a failure, and a job of ops."""
    folder = tmp_path_factory.mktemp("dagster")
    home = folder / "project"
    shutil.copytree(HERE / "projects" / "dagster", home)
    with Sent(folder / "store") as sent:
        settings = {**sent.settings, "DAGSTER_HOME": str(home), "DAGSTER_HISTORY": str(home / "history")}
        dagster.run("python", "shop.py", folder=home, settings=settings)
        keep("dagster", sent.log())
        yield sent


def test_columns_give_the_edge_between_assets(sent: Sent) -> None:
    """Dagster names no inputs: what columns come from joins two assets, and nothing else is made up.

    One id for all assets of a run would have each written from whatever a check of that run read.
    """
    assert sent.edges() == {
        ("orders", "paid_orders", "paid_orders", "column"),
        ("orders", "orders", "orders", "declared"),
        ("revenue", "revenue", "revenue", "declared"),
        ("paid_orders", "paid_orders__checks", "paid_orders__checks", "declared"),
    }
    assert sent.columns("dataset:shop:paid_orders") == {"orders.id -> id", "orders.amount -> amount"}


def test_each_asset_has_runs_of_its_own(sent: Sent) -> None:
    """Of two ids of Dagster's, a run for each asset and check: the one that failed is not called completed."""
    runs = [(run.job_name, run.state) for run in sent.lineage.runs(limit=100)]
    assert sorted(runs) == [
        ("forecast", "FAILED"),
        ("orders", "COMPLETED"),
        ("orders", "COMPLETED"),
        ("paid_orders", "COMPLETED"),
        ("paid_orders", "COMPLETED"),
        ("paid_orders__checks", "COMPLETED"),
        ("revenue", "COMPLETED"),
    ]
    assert len({event["run"]["runId"] for event in sent.events() if "run" in event}) == 2


def test_an_observation_is_kept(sent: Sent) -> None:
    """It comes as a fact about the dataset, without a run; a job of ops says nothing else."""
    (observed,) = [event for event in sent.events() if "run" not in event]
    assert observed["dataset"]["name"] == "orders"


def test_nothing_was_refused(sent: Sent) -> None:
    """Every event of Dagster's is taken."""
    assert sent.get("/api/v1/quarantine")["entries"] == []
