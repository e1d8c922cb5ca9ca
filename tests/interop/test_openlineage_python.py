"""openlineage-python, unmodified, over each of its transports that speak HTTP."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headwater.formats.openlineage import event_key
from headwater.storage.memory import MemoryStore
from headwater.testing.postgres import PostgresServer
from interop.histories import Sent, keep
from interop.programs import HERE, Program, installed

pytestmark = pytest.mark.interop

ORDERS, TOTALS, REPORT = '"shop"."public"."orders"', "shop.public.totals", "/reports/totals.pdf"
EDGES = {
    (ORDERS, TOTALS, "totals", "column"),
    (TOTALS, REPORT, "report", "declared"),
    (ORDERS, "report", "report", "declared"),  # it is read, and its declaration says that nothing comes of it
}
STATES = {"nightly": ["FAILED"], "totals": ["COMPLETED"], "wrong": ["FAILED"]}
EVENTS = 9


@pytest.fixture(scope="module")
def client() -> Program:
    """The client in an environment of its own."""
    return installed("openlineage")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder of the program that uses it."""
    return shutil.copytree(HERE / "projects" / "openlineage", tmp_path / "project")


def _http(sent: Sent, kind: str = "http", **more: Any) -> dict[str, Any]:
    return {"type": kind, "url": sent.url, "auth": {"type": "api_key", "apiKey": sent.key}, **more}


def _transports(sent: Sent, file: Path) -> dict[str, dict[str, str]]:
    """Each way to set the client up that its documentation names."""
    tree = {
        "OPENLINEAGE__TRANSPORT__TYPE": "http",
        "OPENLINEAGE__TRANSPORT__URL": sent.url,
        "OPENLINEAGE__TRANSPORT__AUTH": json.dumps({"type": "api_key", "apiKey": sent.key}),
        "OPENLINEAGE__TRANSPORT__COMPRESSION": "gzip",
    }
    both = {
        "type": "composite",
        "transports": {
            "service": _http(sent, compression="gzip"),
            "file": {"type": "file", "log_file_path": str(file), "append": True},
        },
    }
    return {
        "url": sent.settings,
        "gzip": tree,
        "async_http": {"OPENLINEAGE__TRANSPORT": json.dumps(_http(sent, "async_http"))},
        "async_http-gzip": {"OPENLINEAGE__TRANSPORT": json.dumps(_http(sent, "async_http", compression="gzip"))},
        "composite": {"OPENLINEAGE__TRANSPORT": json.dumps(both)},
    }


def _check(sent: Sent) -> None:
    """The service knows what the program meant."""
    assert sent.edges() == EDGES
    assert sent.states() == STATES
    assert sent.columns(TOTALS) == {f"{ORDERS}.id -> customer"}
    runs = {run.job_name: run for run in sent.lineage.runs()}
    assert runs["totals"].parent_run == runs["wrong"].parent_run == runs["nightly"].run_id
    details = sent.lineage.show(f"dataset:postgres://db.example:5432:{TOTALS}")
    assert details.description == "Größe · 大きさ"
    # the report's declaration reads s3a://lake /totals, which the symlink says is this table
    assert [found.id for found in details.consumers] == ["job:shop:report"]


def test_every_transport_gives_one_graph(
    client: Program, project: Path, serve: Callable[..., Sent], tmp_path: Path
) -> None:
    """By URL and key, gzipped, asynchronous and composite: the same nine events, the same graph to the hash."""
    hashes, logs = set(), set()
    for name in ("url", "gzip", "async_http", "async_http-gzip", "composite"):
        sent = serve(name)
        settings = _transports(sent, tmp_path / "events.ndjson")[name]
        client.run("python", "emit.py", folder=project, settings=settings)
        hashes.add(sent.graph_hash())
        logs.add(frozenset(event_key(body) for body in sent.log()))
        assert len(sent.log()) == EVENTS, name
    _check(sent)
    assert len(logs) == 1
    assert len(hashes) == 1
    # what a file got beside the service is what the service kept, facets and all
    kept = [json.loads(line) for line in (tmp_path / "events.ndjson").read_text().splitlines()]
    assert sent.events() == kept
    with MemoryStore.open() as store:
        store.append((tmp_path / "events.ndjson").read_bytes().splitlines())
        assert {store.graph_hash()} == hashes
    keep("openlineage-python", sent.log())


def test_again_changes_nothing(client: Program, project: Path, serve: Callable[..., Sent]) -> None:
    """A program that is run again with the same events leaves the log and the graph as they are."""
    sent = serve()
    client.run("python", "emit.py", folder=project, settings=sent.settings)
    before = (sent.log(), sent.graph_hash())
    client.run("python", "emit.py", folder=project, settings=sent.settings)
    assert (sent.log(), sent.graph_hash()) == before


def test_a_url_alone_is_enough(client: Program, project: Path, serve: Callable[..., Sent]) -> None:
    """Beside ``--anonymous writer`` the client needs no key: OPENLINEAGE_URL, and it just works."""
    sent = serve("store", "--anonymous", "writer")
    client.run("python", "emit.py", folder=project, settings={"OPENLINEAGE_URL": sent.url})
    _check(sent)


def test_without_a_key_nothing_is_taken(client: Program, project: Path, serve: Callable[..., Sent]) -> None:
    """A client without a key is told so, by an error that its host sees, and nothing is stored."""
    sent = serve()
    said = client.run("python", "emit.py", folder=project, settings={"OPENLINEAGE_URL": sent.url}, code=1)
    assert "401" in said
    assert sent.get("/api/v1/events/lineage")["totalCount"] == 0


def test_on_postgresql(client: Program, project: Path, serve: Callable[..., Sent], postgres: PostgresServer) -> None:
    """The same program, the same graph, over PostgreSQL."""
    sent = serve(store=postgres.url())
    client.run("python", "emit.py", folder=project, settings=_transports(sent, project)["async_http-gzip"])
    _check(sent)
    assert len(sent.log()) == EVENTS


@pytest.mark.parametrize("kind", ["http", "async_http"])
def test_a_service_killed_in_mid_run_loses_nothing(
    client: Program, project: Path, serve: Callable[..., Sent], kind: str
) -> None:
    """kill -9 and a start again while a program emits: its retries deliver every event, and each is kept once."""
    sent, runs = serve(), 60
    patient = {"total": 12, "backoff_factor": 0.3}
    settings = {"OPENLINEAGE__TRANSPORT": json.dumps(_http(sent, kind, retry=patient))}
    command = client.command("python", "stream.py", str(runs))
    with subprocess.Popen(
        command, cwd=project, env=client.environment(project, settings), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "20":
                sent.restart()
                break
        rest = process.stdout.read().splitlines()
    assert process.returncode == 0
    assert rest[-1] == "closed"
    events = sent.events()
    assert len(events) == 2 * runs
    assert len({(event["run"]["runId"], event["eventType"]) for event in events}) == 2 * runs
    assert {state for states in sent.states().values() for state in states} == {"COMPLETED"}
    assert sent.edges() == {(f"in/{n}", f"out/{n}", f"job{n}", "product") for n in range(10)}
