"""What those who run the service see: health, metrics, logs, a graceful end, backups."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from headwater.cli.commands import cli
from headwater.errors import ConfigError, StoreCorrupt, StoreError, StoreUnavailable
from headwater.server.backups import back_up, put_back
from headwater.server.permissions import Permission
from headwater.server.settings import Settings
from headwater.server.telemetry.logs import JsonFormatter
from headwater.server.worker_processes import check_workers
from headwater.storage.open import open_store
from headwater.testing.events import History, run_event, run_id


def event(number: int = 1) -> bytes:
    """A complete run that wrote b from a."""
    return msgspec.json.encode(run_event(run_id(number), "copy", "COMPLETE", number, ["a"], ["b"]))


def test_a_service_says_that_it_is_ready(served):
    """Without a key; with each part that was looked at."""
    answer = served.bare().get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["is_ready"]
    assert {check["name"] for check in answer.json()["checks"]} >= {"control", "store"}


def test_a_service_whose_store_is_away_is_not_ready(served):
    """503 with Retry-After and the part that fails; it goes on answering that it lives."""
    served.service.control.close()
    answer = served.bare().get("/health/ready")
    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    assert [check["name"] for check in answer.json()["checks"] if not check["is_good"]] == ["control"]
    assert served.bare().get("/health/live").status_code == 200


def test_metrics_count_requests_by_route_and_hold_no_names(served):
    """Every request is counted under the template of its route: what is in a path or a key is no label."""
    client = served.client()
    client.post("/api/v1/lineage", content=event())
    for name in ("b", "secret-name"):
        client.get(f"/api/v1/nodes/{name}/upstream")
    client.get("/nowhere/secret-name")
    text = client.get("/metrics").text
    counted = re.findall(r'headwater_requests_total\{method="(\w+)",path="([^"]+)",status="(\d+)"\} ([\d.]+)', text)
    assert ("GET", "/api/v1/nodes/{id}/upstream", "200", "1.0") in counted
    assert ("GET", "/api/v1/nodes/{id}/upstream", "404", "1.0") in counted
    assert ("POST", "/api/v1/lineage", "201", "1.0") in counted
    assert "secret-name" not in text
    assert "headwater_resident_bytes" in text
    assert served.client(permissions=frozenset({Permission.READ})).get("/metrics").status_code == 403


def test_every_answer_names_its_request(served):
    """A plain name that a proxy gave is kept, anything else is replaced."""
    client = served.bare()
    assert client.get("/health/live", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    for odd in ("x" * 65, "a b", 'a"b'):
        assert client.get("/health/live", headers={"X-Request-ID": odd}).headers["x-request-id"] != odd
    assert len(client.get("/nowhere").headers["x-request-id"]) == 16


def test_logs_tell_of_requests_and_not_of_what_was_in_them(served):
    """One JSON document a request, with route, status, tenant and key id: no path, no body, no secret."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("headwater.requests")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        key = served.key()
        client = served.bare(headers={"Authorization": f"Bearer {key}"})
        client.post("/api/v1/lineage", content=event())
        client.get("/api/v1/nodes/hunter2/upstream?as_of=hunter2")
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["route"], line["status"], line["tenant"]) for line in lines] == [
        ("/api/v1/lineage", 201, "default"),
        ("/api/v1/nodes/{id}/upstream", 404, "default"),
    ]
    assert lines[0]["who"] == key[:10]
    assert "hunter2" not in stream.getvalue()
    assert key not in stream.getvalue()


class Process:
    """A service in a process of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        command = [sys.executable, "-m", "headwater", "--store", str(folder), "serve", "--port", "0", *options]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        self.printed = ""
        while "shown this once" not in self.printed:
            line = self.process.stdout.readline()
            assert line, self.printed
            self.printed += line
        self.url = re.search(r"Headwater is at (\S+)", self.printed)[1]
        self.key = re.search(r"shown this once: (\S+)", self.printed)[1]

    def ask(self, path: str, body: bytes | None = None) -> int:
        """The status of a request."""
        request = urllib.request.Request(self.url + path, body, {"Authorization": f"Bearer {self.key}"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status

    def wait_ready(self) -> None:
        """Wait until it answers."""
        for _ in range(200):
            try:
                if self.ask("/health/live") == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.printed)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_ends_gracefully(tmp_path, number):
    """Told to end, it finishes what it is doing, also with a stream open, and what it acknowledged is stored."""
    service = Process(tmp_path / "stores", "--log", "json")
    service.wait_ready()
    stream = urllib.request.urlopen(
        urllib.request.Request(service.url + "/api/v1/stream", headers={"Authorization": f"Bearer {service.key}"}),
        timeout=20,
    )
    acknowledged: list[int] = []

    def send() -> None:
        for one in range(1, 400):
            try:
                if service.ask("/api/v1/lineage", event(one)) == 201:
                    acknowledged.append(one)
            except OSError:
                return

    sender = threading.Thread(target=send)
    sender.start()
    while len(acknowledged) < 5:
        time.sleep(0.01)
    service.process.send_signal(number)
    rest = service.process.communicate(timeout=40)[0]
    sender.join(20)
    stream.close()
    assert service.process.returncode in (0, 128 + number, -number), rest
    assert "Traceback" not in rest
    with open_store(tmp_path / "stores") as store:
        assert store.statistics().events >= len(acknowledged)
        assert all(store.run(run_id(one)) is not None for one in acknowledged)


def test_health_is_asked_from_the_command_line(served, listen):
    """Exit 0 when ready, 1 when not; an address where nobody is says so."""
    with listen(served.app) as url:
        assert CliRunner().invoke(cli, ["health", url]).exit_code == 0
        found = json.loads(CliRunner().invoke(cli, ["health", url, "--json"]).output)
        assert found["is_ready"]
        served.service.control.close()
        done = CliRunner().invoke(cli, ["health", url])
    assert (done.exit_code, "not ready" in done.output) == (1, True)
    assert CliRunner().invoke(cli, ["health", "http://127.0.0.1:1"]).exit_code == 1


@pytest.fixture
def stores(tmp_path) -> Settings:
    """Two tenants with lineage, a key and a member."""
    from headwater.server.service import Service

    settings = Settings(store=str(tmp_path / "stores"))
    service = Service(settings)
    service.administration.create_tenant("team", who="test", title="The team")
    service.administration.issue_key("team", who="test", name="ci")
    for tenant, seed in (("default", 1), ("team", 2)):
        with service.stores.writing(tenant) as store:
            store.append(History(seed).events(20))
    service.close()
    return settings


def test_a_backup_put_back_is_the_same_service(stores, tmp_path):
    """Every tenant's graph hash, the keys and the tenants are those that were copied."""
    told: list[str] = []
    manifest = back_up(stores, tmp_path / "copy", tell=told.append)
    assert set(manifest.tenants) == {"default", "team"}
    assert len(told) == 2
    elsewhere = Settings(store=str(tmp_path / "elsewhere"))
    put_back(elsewhere, tmp_path / "copy", tell=told.append)
    for tenant in manifest.tenants:
        with open_store(elsewhere.store, tenant=tenant) as store:
            assert store.graph_hash() == manifest.tenants[tenant].graph_hash
    from headwater.server.service import Service

    service = Service(elsewhere)
    assert service.control.tenant("team").title == "The team"
    assert [key.name for key in service.control.keys("team")] == ["ci"]
    assert service.control.actions("team")
    service.close()


def test_a_backup_is_made_while_the_service_writes(stores, tmp_path):
    """The copy is of one instant: put back, its log and graph agree."""
    from headwater.server.service import Service

    service = Service(stores)
    is_over = threading.Event()

    def write() -> None:
        number = 0
        with service.stores.writing("default") as store:
            while not is_over.is_set():
                number += 1
                store.append([event(number)])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        manifest = back_up(stores, tmp_path / "copy", tell=lambda line: None)
    finally:
        is_over.set()
        writer.join()
        service.close()
    put_back(Settings(store=str(tmp_path / "elsewhere")), tmp_path / "copy", tell=lambda line: None)
    with open_store(tmp_path / "elsewhere") as store:
        assert store.rebuild() == store.graph_hash()
        assert store.statistics().events >= 20
    assert manifest.tenants["default"].graph_hash


@pytest.mark.parametrize("file", ["default.db", "control.json"])
def test_a_damaged_backup_is_told_before_anything_is_put_back(stores, tmp_path, file):
    """One byte that is not what it was: StoreCorrupt, and nothing is there afterwards."""
    back_up(stores, tmp_path / "copy", tell=lambda line: None)
    path = tmp_path / "copy" / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreCorrupt, match=file):
        put_back(Settings(store=str(tmp_path / "elsewhere")), tmp_path / "copy", tell=lambda line: None)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("where", ["tenants", "control"])
def test_a_restore_that_is_stopped_takes_back_what_it_did(stores, tmp_path, monkeypatch, where):
    """Ctrl-C between two tenants, or at the end: no service lacks a part of its lineage, and the next restore works."""
    back_up(stores, tmp_path / "copy", tell=lambda line: None)
    elsewhere = Settings(store=str(tmp_path / "elsewhere"))
    told: list[str] = []

    def stop(*args: object) -> None:
        told.append("stopped")
        if where == "control" or len(told) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if where == "control":
            patch.setattr("headwater.server.access.dump._load", stop)
        with pytest.raises(KeyboardInterrupt):
            put_back(elsewhere, tmp_path / "copy", tell=stop if where == "tenants" else told.append)
    assert list((tmp_path / "elsewhere").glob("*.db*")) == []
    manifest = put_back(elsewhere, tmp_path / "copy", tell=told.append)
    for name in manifest.tenants:
        with open_store(tmp_path / "elsewhere", tenant=name) as store:
            assert store.graph_hash() == manifest.tenants[name].graph_hash


def test_a_backup_replaces_nothing(stores, tmp_path):
    """Neither a folder that exists, nor a service that has tenants."""
    back_up(stores, tmp_path / "copy", tell=lambda line: None)
    with pytest.raises(StoreError, match="exists"):
        back_up(stores, tmp_path / "copy", tell=lambda line: None)
    with pytest.raises(StoreError, match="not empty"):
        put_back(stores, tmp_path / "copy", tell=lambda line: None)
    with pytest.raises(StoreError, match="no backup"):
        put_back(stores, tmp_path, tell=lambda line: None)


def test_a_backup_that_cannot_be_written_says_so(stores, tmp_path):
    """Where the folder cannot be made: what and why in a line, and nothing is left."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"^cannot write .*file/copy.part: Not a directory"):
        back_up(stores, tmp_path / "file" / "copy", tell=lambda line: None)
    done = CliRunner().invoke(cli, ["--store", stores.store, "backup", str(tmp_path / "file" / "copy")])
    assert isinstance(done.exception, StoreError)
    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == []


def test_the_commands_say_what_they_did(stores, tmp_path):
    """migrate, backup and restore, one after the other, from the command line."""
    run = CliRunner().invoke
    assert "team: up to date" in run(cli, ["--store", stores.store, "migrate"]).output
    assert "2 tenants" in run(cli, ["--store", stores.store, "backup", str(tmp_path / "copy")]).output
    done = run(cli, ["--store", str(tmp_path / "new"), "restore", str(tmp_path / "copy")])
    assert (done.exit_code, "restored 2 tenants" in done.output) == (0, True)
    assert "no stores" in run(cli, ["--store", str(tmp_path / "empty"), "migrate"]).output


def test_several_workers_need_a_database():
    """A file has one writer: more than one process is refused with the way out."""
    with pytest.raises(ConfigError, match="several processes write"):
        check_workers(Settings(store="folder", workers=2))
    check_workers(Settings(store="postgresql://host/db", workers=2))


def test_what_a_driver_says_is_for_the_log(served, monkeypatch, caplog):
    """The text of a database's driver holds hosts and paths: the answer says what to do, the log has the reason."""

    def away(*arguments: object) -> None:
        raise StoreUnavailable("connection to server at secret-host failed")

    monkeypatch.setattr(served.service.stores, "reading", away)
    caplog.set_level(logging.WARNING)
    answer = served.client().get("/api/v1/coverage")
    assert (answer.status_code, answer.json()["type"]) == (503, "headwater:store-unavailable")
    assert "retry-after" in answer.headers
    assert "secret-host" not in answer.text
    assert "secret-host" in caplog.records[-1].facts["reason"]
    caplog.clear()
    asked = served.bare().get("/health/ready")
    assert (asked.status_code, "secret-host" in asked.text) == (503, False)
    assert [check["name"] for check in asked.json()["checks"] if not check["is_good"]] == ["store"]
    assert "secret-host" in caplog.records[0].facts["reason"]
