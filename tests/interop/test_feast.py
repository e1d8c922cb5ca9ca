"""Feast's OpenLineage emitter: what ``feast apply`` and ``feast materialize`` say."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import msgspec
import pytest

from interop.histories import Sent, keep
from interop.programs import HERE, PLACE, Program, installed

pytestmark = pytest.mark.interop

APPLY, SERVE, FILL = "feast_feature_views_shop", "feature_service_churn", "materialize_shop"

HOME = PLACE / "feast-home"  # the events name it


@pytest.fixture(scope="module")
def feast() -> Program:
    """Feast in an environment of its own."""
    return installed("feast")


@pytest.fixture(scope="module")
def sent(feast: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    """A repository applied, and its views materialised."""
    folder = tmp_path_factory.mktemp("feast")
    shutil.rmtree(HOME, ignore_errors=True)
    shutil.copytree(HERE / "projects" / "feast", HOME)
    with Sent(folder / "store") as sent:
        settings = {**sent.settings, "FEAST_USAGE": "False"}

        def run(*words: str) -> None:
            feast.run(*words, folder=HOME / "repo", settings=settings)

        run("python", "../data.py")
        run("feast", "apply")
        run("feast", "materialize", "2025-12-01T00:00:00", "2026-02-01T00:00:00")
        keep("feast", sent.log())
        yield sent


def test_the_graph_from_sources_to_the_online_store(sent: Sent) -> None:
    """Sources and entity go into views, views into the service and the online store."""
    edges = {(source, target, job) for source, target, job, _ in sent.edges()}
    apply = {(source, view, APPLY) for source in ("orders", "profiles", "customer") for view in ("age", "spending")}
    serve = {(view, "churn", SERVE) for view in ("age", "spending")}
    read = ("age", "spending", "orders", "profiles", "customer")
    fill = {(one, store, FILL) for one in read for store in ("online_store_age", "online_store_spending")}
    assert edges == apply | serve | fill


def test_a_file_source_is_the_file(sent: Sent) -> None:
    """Feast calls it ``profiles`` of its project; whoever wrote the file under its own name wrote the same dataset."""
    details = sent.lineage.show(f"dataset:file:{HOME}/repo/data/profiles.parquet")
    assert "shop:profiles" in {details.id.removeprefix("dataset:"), *details.aliases}
    found = sent.lineage.downstream(f"dataset:file:{HOME}/repo/data/profiles.parquet")
    assert {node.name for node in found.datasets()} >= {"age", "churn", "online_store_age"}


def test_a_cross_product_is_marked_as_one(sent: Sent) -> None:
    """One job names all sources and all views: which goes where it does not say, and the edges say so."""
    applied = next(event for event in sent.events() if event["job"]["name"] == APPLY)
    assert (len(applied["inputs"]), len(applied["outputs"])) == (3, 2)
    assert {how for _, _, job, how in sent.edges()} == {"product"}


def test_inputs_of_the_start_count_at_the_end(sent: Sent) -> None:
    """The sources of a materialisation are named by its START alone; they are inputs of the run."""
    start, complete = [event for event in sent.events() if event["job"]["name"] == FILL]
    names = [{one["name"] for one in event["inputs"]} for event in (start, complete)]
    assert names == [{"age", "spending", "orders", "profiles", "customer"}, {"age", "spending"}]
    run = sent.lineage.runs(f"job:shop:{FILL}")[0]
    known = {one.name for one in sent.lineage.show(run.run_id).inputs}
    assert known == {"age", "spending", "orders", "profiles", "customer"}


def test_states(sent: Sent) -> None:
    """Every run of Feast ended well."""
    assert sent.states() == {name: ["COMPLETED"] for name in (APPLY, SERVE, FILL)}


def test_facets_are_kept_verbatim(sent: Sent) -> None:
    """Feast's own facets, which no standard names, come back as they were sent."""
    applied = next(event for event in sent.events() if event["job"]["name"] == APPLY)
    job = sent.lineage.show(f"job:shop:{APPLY}").facets
    assert msgspec.json.decode(job["feast_project"]) == applied["job"]["facets"]["feast_project"]
    for one in applied["outputs"]:
        kept = sent.lineage.show(f"dataset:shop:{one['name']}").facets
        assert msgspec.json.decode(kept["feast_featureView"]) == one["facets"]["feast_featureView"]
        assert msgspec.json.decode(kept["schema"]) == one["facets"]["schema"]
