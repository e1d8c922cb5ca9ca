"""Every method of the marquez-python client, over a real connection."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from headwater.server.app import App, create_app
from headwater.server.settings import Settings

marquez_client = pytest.importorskip("marquez_client")

from marquez_client.clients import Clients  # noqa: E402 - only where the client is installed
from marquez_client.errors import APIError  # noqa: E402 - likewise
from marquez_client.models import DatasetId, DatasetType, JobType  # noqa: E402 - likewise

NAMESPACE = "food/delivery ü"
TABLE = "public.my/table x"
JOB = "etl:orders/7 days"
FIELDS = [{"name": "a", "type": "INTEGER", "tags": [], "description": "an a"}, {"name": "b", "type": "TEXT"}]


class Kit:
    """A client with something to work on."""

    def __init__(self, url: str) -> None:
        self.client = marquez_client.MarquezClient(url)
        self.client.create_namespace(NAMESPACE, "me", "what is eaten")
        self.client.create_source("warehouse", "POSTGRESQL", "jdbc:postgresql://localhost:5432/food", "all of it")
        for name in ("raw", TABLE):
            self.client.create_dataset(
                NAMESPACE, name, DatasetType.DB_TABLE, f"physical.{name}", "warehouse", "a table", fields=FIELDS
            )
        sides = ([DatasetId(NAMESPACE, "raw")], [DatasetId(NAMESPACE, TABLE)])
        self.client.create_job(NAMESPACE, JOB, JobType.BATCH, "https://git.example/etl.git", *sides, "makes it")

    def run(self) -> str:
        """A run that is announced."""
        return str(self.client.create_job_run(NAMESPACE, JOB)["id"])

    def done(self) -> str:
        """A run that is complete."""
        run = self.run()
        self.client.create_job(
            NAMESPACE,
            JOB,
            JobType.BATCH,
            inputs=[DatasetId(NAMESPACE, "raw")],
            outputs=[DatasetId(NAMESPACE, TABLE)],
            run_id=run,
        )
        self.client.mark_job_run_as_started(run)
        self.client.mark_job_run_as_completed(run)
        return run


@pytest.fixture
def kit(url: str) -> Iterator[Kit]:
    """The client; that its methods call themselves deprecated is no news here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield Kit(url)


def check_create_namespace(kit: Kit) -> None:
    """Made anew it has another owner and is as old as it was."""
    before = kit.client.get_namespace(NAMESPACE)
    after = kit.client.create_namespace(NAMESPACE, "you", "all")
    assert (after["ownerName"], after["description"], after["name"]) == ("you", "all", NAMESPACE)
    assert after["createdAt"] == before["createdAt"] < after["updatedAt"]
    assert after["isHidden"] is False


def check_get_namespace(kit: Kit) -> None:
    """The owner and the description are those that were given."""
    found = kit.client.get_namespace(NAMESPACE)
    assert (found["ownerName"], found["description"]) == ("me", "what is eaten")
    assert kit.client.get_namespace("default")["ownerName"] == "anonymous"
    with pytest.raises(APIError):
        kit.client.get_namespace("nowhere")


def check_list_namespaces(kit: Kit) -> None:
    """By name, a page at a time."""
    kit.client.create_namespace("a", "me")
    assert [one["name"] for one in kit.client.list_namespaces()["namespaces"]] == ["a", NAMESPACE]
    assert [one["name"] for one in kit.client.list_namespaces(limit=1, offset=1)["namespaces"]] == [NAMESPACE]


def check_list_events(kit: Kit) -> None:
    """Run events, latest first; those of a namespace are those that name something in it.

    The client puts the namespace into the path as it is, so it must be one that needs no encoding.
    """
    run = kit.done()
    found = kit.client.list_events()
    assert found["totalCount"] == len(found["events"]) == 4
    assert [one["eventType"] for one in found["events"]] == ["COMPLETE", "START", "OTHER", "OTHER"]
    assert {one["run"]["runId"] for one in found["events"]} == {run}
    kit.client.create_namespace("shop", "me")
    kit.client.create_job("shop", "j", JobType.BATCH)
    other = kit.client.create_job_run("shop", "j", mark_as_running=True)["id"]
    found = kit.client.list_events("shop", limit=1)
    assert [one["run"]["runId"] for one in found["events"]] == [other]
    assert found["totalCount"] == 2
    assert kit.client.list_events("default") == {"events": [], "totalCount": 0}


def check_create_source(kit: Kit) -> None:
    """A source is what was put."""
    found = kit.client.create_source("lake", "s3", "s3://lake")
    assert (found["type"], found["name"], found["connectionUrl"]) == ("S3", "lake", "s3://lake")
    assert found["description"] is None


def check_get_source(kit: Kit) -> None:
    """One source."""
    found = kit.client.get_source("warehouse")
    assert found["type"] == "POSTGRESQL"
    assert found["connectionUrl"] == "jdbc:postgresql://localhost:5432/food"
    assert found["description"] == "all of it"


def check_list_sources(kit: Kit) -> None:
    """Those that were put."""
    assert [one["name"] for one in kit.client.list_sources()["sources"]] == ["warehouse"]


def check_create_dataset(kit: Kit) -> None:
    """A table, a stream, and a table that a run writes: described as they were given."""
    table = kit.client.create_dataset(
        NAMESPACE, "t", DatasetType.DB_TABLE, "p.t", "warehouse", "words", fields=FIELDS, tags=["PII"]
    )
    assert table["id"] == {"namespace": NAMESPACE, "name": "t"}
    assert (table["type"], table["physicalName"], table["sourceName"]) == ("DB_TABLE", "p.t", "warehouse")
    assert table["fields"] == [
        {"name": "a", "type": "INTEGER", "tags": [], "description": "an a"},
        {"name": "b", "type": "TEXT", "tags": [], "description": None},
    ]
    assert (table["tags"], table["description"], table["deleted"]) == (["PII"], "words", False)
    stream = kit.client.create_dataset(
        NAMESPACE, "s", DatasetType.STREAM, "topic", "warehouse", schema_location="https://schemas.example/s"
    )
    assert (stream["type"], stream["schemaLocation"]) == ("STREAM", "https://schemas.example/s")
    run = kit.run()
    kit.client.create_dataset(NAMESPACE, "t", DatasetType.DB_TABLE, "p.t", "warehouse", run_id=run)
    kit.client.mark_job_run_as_completed(run)
    assert kit.client.get_dataset(NAMESPACE, "t")["currentVersion"] is not None


def check_get_dataset(kit: Kit) -> None:
    """One dataset."""
    found = kit.client.get_dataset(NAMESPACE, TABLE)
    assert (found["name"], found["namespace"], found["physicalName"]) == (TABLE, NAMESPACE, f"physical.{TABLE}")
    assert found["currentVersion"] is None
    with pytest.raises(APIError):
        kit.client.get_dataset(NAMESPACE, "nothing")


def check_get_dataset_version(kit: Kit) -> None:
    """The version that a run wrote, with the run."""
    run = kit.done()
    version = kit.client.get_dataset(NAMESPACE, TABLE)["currentVersion"]
    found = kit.client.get_dataset_version(NAMESPACE, TABLE, version)
    assert found["version"] == found["id"]["version"] == version
    assert found["createdByRun"]["id"] == run
    assert [field["name"] for field in found["fields"]] == ["a", "b"]
    with pytest.raises(APIError):
        kit.client.get_dataset_version(NAMESPACE, TABLE, str(uuid4()))


def check_list_dataset_versions(kit: Kit) -> None:
    """Latest first, with their number."""
    runs = [kit.done(), kit.done()]
    found = kit.client.list_dataset_versions(NAMESPACE, TABLE)
    assert [one["createdByRun"]["id"] for one in found["versions"]] == runs[::-1]
    assert found["totalCount"] == 2
    assert len(kit.client.list_dataset_versions(NAMESPACE, TABLE, limit=1, offset=1)["versions"]) == 1


def check_list_datasets(kit: Kit) -> None:
    """By name, with their number."""
    found = kit.client.list_datasets(NAMESPACE)
    assert [one["name"] for one in found["datasets"]] == [TABLE, "raw"]
    assert found["totalCount"] == 2


def check_tag_dataset(kit: Kit) -> None:
    """A tag is there from then on, and listed."""
    assert kit.client.tag_dataset(NAMESPACE, TABLE, "PII")["tags"] == ["PII"]
    assert kit.client.tag_dataset(NAMESPACE, TABLE, "a/b")["tags"] == ["PII", "a/b"]
    assert [one["name"] for one in kit.client.list_tags()["tags"]] == ["PII", "a/b"]


def check_tag_dataset_field(kit: Kit) -> None:
    """A column is tagged, and the dataset is not."""
    found = kit.client.tag_dataset_field(NAMESPACE, TABLE, "b", "SENSITIVE")
    assert [field["tags"] for field in found["fields"]] == [[], ["SENSITIVE"]]
    assert found["tags"] == []
    with pytest.raises(APIError):
        kit.client.tag_dataset_field(NAMESPACE, TABLE, "zz", "SENSITIVE")


def check_create_job(kit: Kit) -> None:
    """A job with what it reads and writes."""
    found = kit.client.create_job(NAMESPACE, "j", JobType.STREAM, "https://x.example", [DatasetId(NAMESPACE, "raw")])
    assert found["id"] == {"namespace": NAMESPACE, "name": "j"}
    assert (found["type"], found["location"], found["latestRun"]) == ("STREAM", "https://x.example", None)
    assert (found["inputs"], found["outputs"]) == ([{"namespace": NAMESPACE, "name": "raw"}], [])
    with pytest.raises(APIError):
        kit.client.create_job(NAMESPACE, "k", JobType.BATCH, inputs=[DatasetId(NAMESPACE, "nothing")])


def check_get_job(kit: Kit) -> None:
    """One job, with its last run."""
    assert kit.client.get_job(NAMESPACE, JOB)["description"] == "makes it"
    run = kit.done()
    found = kit.client.get_job(NAMESPACE, JOB)
    assert found["latestRun"]["id"] == run
    assert found["latestRun"]["state"] == "COMPLETED"
    assert found["latestRun"]["jobVersion"]["version"] == found["currentVersion"]
    assert found["outputs"] == [{"namespace": NAMESPACE, "name": TABLE}]


def check_list_jobs(kit: Kit) -> None:
    """The job that ran last stands first."""
    kit.client.create_job(NAMESPACE, "another", JobType.BATCH)
    kit.done()
    found = kit.client.list_jobs(NAMESPACE)
    assert [one["name"] for one in found["jobs"]] == [JOB, "another"]
    assert found["totalCount"] == 2


def check_create_job_run(kit: Kit) -> None:
    """A run is announced with its schedule and arguments, and can be started at once."""
    run = str(uuid4())
    found = kit.client.create_job_run(
        NAMESPACE, JOB, run, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", {"email": "a@b.example"}
    )
    assert (found["id"], found["state"], found["startedAt"]) == (run, "NEW", None)
    assert found["args"] == {"email": "a@b.example"}
    assert found["nominalStartTime"] == "2026-01-01T00:00:00.000000Z"
    assert kit.client.create_job_run(NAMESPACE, JOB, mark_as_running=True)["state"] == "RUNNING"
    with pytest.raises(APIError):
        kit.client.create_job_run(NAMESPACE, JOB, run)


def check_list_job_runs(kit: Kit) -> None:
    """Latest first, with their number."""
    runs = [kit.done(), kit.done(), kit.run()]
    found = kit.client.list_job_runs(NAMESPACE, JOB, limit=2)
    assert [one["id"] for one in found["runs"]] == runs[:0:-1]
    assert found["totalCount"] == 3


def check_get_job_run(kit: Kit) -> None:
    """What a run read and wrote."""
    run = kit.done()
    found = kit.client.get_job_run(run)
    assert [one["datasetVersionId"]["name"] for one in found["inputDatasetVersions"]] == ["raw"]
    assert [one["datasetVersionId"]["name"] for one in found["outputDatasetVersions"]] == [TABLE]
    with pytest.raises(APIError):
        kit.client.get_job_run(str(uuid4()))


def _columns(kit: Kit) -> str:
    """A run that makes a column of the table from one of the other."""
    import requests

    event = {
        "eventType": "COMPLETE",
        "eventTime": "2026-01-01T00:00:00Z",
        "producer": "https://x.example",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": str(uuid4())},
        "job": {"namespace": NAMESPACE, "name": JOB},
        "inputs": [{"namespace": NAMESPACE, "name": "raw"}],
        "outputs": [
            {
                "namespace": NAMESPACE,
                "name": TABLE,
                "facets": {
                    "columnLineage": {
                        "_producer": "https://x.example",
                        "_schemaURL": "https://x.example",
                        "fields": {"a": {"inputFields": [{"namespace": NAMESPACE, "name": "raw", "field": "b"}]}},
                    }
                },
            }
        ],
    }
    url = kit.client._api_base + "/lineage"
    assert requests.post(url, json=event, timeout=10).status_code == 201
    return str(kit.client.get_dataset(NAMESPACE, TABLE)["currentVersion"])


def _ids(graph: dict[str, Any]) -> list[str]:
    return [node["id"].removeprefix(f"datasetField:{NAMESPACE}:") for node in graph["graph"]]


def check_get_column_lineage_by_dataset(kit: Kit) -> None:
    """Upstream alone, downstream as well, and as a version had it."""
    version = _columns(kit)
    client = kit.client
    assert _ids(client.get_column_lineage_by_dataset(NAMESPACE, TABLE)) == [f"{TABLE}:a", "raw:b"]
    assert _ids(client.get_column_lineage_by_dataset(NAMESPACE, "raw")) == []
    assert _ids(client.get_column_lineage_by_dataset(NAMESPACE, "raw", 5, with_downstream=True)) == [
        f"{TABLE}:a",
        "raw:b",
    ]
    found = client.get_column_lineage_by_dataset(NAMESPACE, TABLE, version=version)
    assert found["graph"][0]["data"]["datasetVersion"] == version
    with pytest.raises(APIError):
        client.get_column_lineage_by_dataset(NAMESPACE, TABLE, with_downstream=True, version=version)


def check_get_column_lineage_by_dataset_field(kit: Kit) -> None:
    """The columns that one column comes from."""
    _columns(kit)
    found = kit.client.get_column_lineage_by_dataset_field(NAMESPACE, TABLE, "a")
    assert _ids(found) == [f"{TABLE}:a", "raw:b"]
    assert kit.client.get_column_lineage_by_dataset_field(NAMESPACE, TABLE, "b") == {"graph": []}
    with pytest.raises(APIError):
        kit.client.get_column_lineage_by_dataset_field(NAMESPACE, TABLE, "zz")


def check_get_column_lineage_by_job(kit: Kit) -> None:
    """The columns that a job writes, and what they come from."""
    _columns(kit)
    assert _ids(kit.client.get_column_lineage_by_job(NAMESPACE, JOB)) == [f"{TABLE}:a", "raw:b"]


def check_mark_job_run_as_started(kit: Kit) -> None:
    """A run starts when it is said to."""
    found = kit.client.mark_job_run_as_started(kit.run(), "2026-01-01T10:00:00Z")
    assert (found["state"], found["startedAt"]) == ("RUNNING", "2026-01-01T10:00:00.000000Z")


def check_mark_job_run_as_completed(kit: Kit) -> None:
    """A run that ends has a duration."""
    run = kit.run()
    kit.client.mark_job_run_as_started(run, "2026-01-01T10:00:00Z")
    found = kit.client.mark_job_run_as_completed(run, "2026-01-01T10:00:02.5Z")
    assert (found["state"], found["durationMs"]) == ("COMPLETED", 2500)


def check_mark_job_run_as_failed(kit: Kit) -> None:
    """A run fails."""
    assert kit.client.mark_job_run_as_failed(kit.run())["state"] == "FAILED"


def check_mark_job_run_as_aborted(kit: Kit) -> None:
    """A run is broken off."""
    assert kit.client.mark_job_run_as_aborted(kit.run())["state"] == "ABORTED"


def check_list_tags(kit: Kit) -> None:
    """By name, a page at a time."""
    for name in ("b", "a"):
        kit.client.create_tag(name)
    assert kit.client.list_tags() == {"tags": [{"name": "a", "description": None}, {"name": "b", "description": None}]}
    assert kit.client.list_tags(limit=1, offset=1) == {"tags": [{"name": "b", "description": None}]}


def check_create_tag(kit: Kit) -> None:
    """A tag keeps what it means when it is named again without."""
    assert kit.client.create_tag("x", "an x") == {"name": "x", "description": "an x"}
    assert kit.client.create_tag("x") == {"name": "x", "description": "an x"}


CHECKS: dict[str, Callable[[Kit], None]] = {
    name.removeprefix("check_"): check for name, check in list(globals().items()) if name.startswith("check_")
}


def methods() -> list[str]:
    """The public methods of the client."""
    found = inspect.getmembers(marquez_client.MarquezClient, inspect.isfunction)
    return [name for name, _ in found if not name.startswith("_")]


@pytest.mark.parametrize("method", methods())
def test_a_method_of_the_client(kit: Kit, method: str) -> None:
    """Each does what it says; one that is new and has no check here fails."""
    CHECKS[method](kit)


def test_the_client_finds_the_server_by_the_environment(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """``MARQUEZ_URL`` is all that has to be set."""
    monkeypatch.setenv("MARQUEZ_URL", url)
    assert Clients.new_client().get_namespace("default")["name"] == "default"


def test_the_client_sends_its_key(
    tmp_path: Path, serving: Callable[[App], AbstractContextManager[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``api_key`` it gets in where nobody else does."""
    monkeypatch.setattr(marquez_client.client, "_HEADERS", {})
    app = create_app(Settings(store=str(tmp_path)))
    with serving(app) as url:
        with pytest.raises(APIError):
            marquez_client.MarquezClient(url).list_namespaces()
        client = marquez_client.MarquezClient(url, api_key=app.service.first_key())
        assert [one["name"] for one in client.list_namespaces()["namespaces"]] == ["default"]
