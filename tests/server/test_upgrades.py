"""A service over a store of an earlier version: it says how far it is, serves the others, and loses nothing."""

from __future__ import annotations

import logging
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from headwater.server.app import create_app
from headwater.server.settings import Settings
from headwater.server.tenants import store_opener
from headwater.storage import group_commit
from headwater.storage.open import open_store, outdated_store
from headwater.testing.events import run_event, run_id


def event(number: int) -> bytes:
    """A complete run that wrote b from a."""
    return msgspec.json.encode(run_event(run_id(number), "copy", "COMPLETE", number, ["a"], ["b"]))


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an old store of two thousand events, of which a few are read again in each commit."""
    monkeypatch.setattr(group_commit, "_STRETCH", 2)
    monkeypatch.setattr(store_opener, "PATIENCE_S", 0.0)
    monkeypatch.setattr(store_opener, "_REPORT_EVERY_S", 0.05)
    folder = tmp_path / "stores"
    with open_store(folder) as store:
        store.append([event(number) for number in range(2000)])
    with closing(sqlite3.connect(folder / "default.db")) as connection, connection:
        connection.execute("UPDATE counters SET value = 1 WHERE name = 'projection'")
    return folder


def test_it_is_not_ready_meanwhile_and_serves_the_others(old, serve, caplog):
    """503 with Retry-After and how far it is, for this tenant alone; what was refused then is taken after."""
    caplog.set_level(logging.INFO, "headwater.service")
    served = serve(store=str(old))
    probe, client, other = served.bare(), served.client(), served.client("other")
    began = probe.get("/health/ready")
    assert began.status_code == 503
    assert "retry-after" in began.headers
    bad = {check["name"]: check["message"] for check in began.json()["checks"] if not check["is_good"]}
    assert set(bad) == {"store", "views"}
    assert all("being rebuilt" in says and "default" not in says for says in bad.values())
    answer = client.post("/api/v1/lineage", content=event(5000))
    assert (answer.status_code, answer.json()["type"]) == (503, "headwater:store-outdated")
    assert "retry-after" in answer.headers
    page = client.get("/", headers={"Accept": "text/html"})
    assert page.status_code == 503
    assert '<meta http-equiv="refresh" content="5">' in page.text
    assert "nothing of this was stored" not in page.text  # nothing was sent
    assert other.post("/api/v1/lineage", content=event(1)).status_code == 201
    assert probe.get("/health/live").status_code == 200
    deadline = time.monotonic() + 120
    while probe.get("/health/ready").status_code == 503:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert client.post("/api/v1/lineage", content=event(5000)).status_code == 201
    assert probe.get("/health/ready").status_code == 200
    told = [record for record in caplog.records if "views" in record.getMessage()]
    assert [record.getMessage() for record in (told[0], told[-1])] == [
        "views of an earlier version are being rebuilt",
        "the views of a store are up to date",
    ]
    assert len(told) > 2
    assert told[-1].facts["events_read"] == told[-1].facts["events"] == 2000
    with open_store(old) as store:
        assert store.statistics().events == 2001


def test_a_service_that_ends_in_the_middle_keeps_what_was_done(old):
    """It does not wait for the rest, and the next one goes on behind the last commit."""
    app = create_app(Settings(store=str(old)))
    checks = {check.name: check for check in app.service.checks()}
    assert not checks["views"].is_good
    while app.service.stores.renewing() == [0]:
        time.sleep(0.01)
    app.service.close()
    left = outdated_store(str(old), "default")
    assert left is not None
    assert 0 < left.done < left.last == 2000


def test_a_tenant_that_is_dropped_in_the_middle(old):
    """Its renewal ends, and it is gone."""
    app = create_app(Settings(store=str(old)))
    assert not all(check.is_good for check in app.service.checks())
    app.service.stores.drop("default")
    assert not (old / "default.db").exists()
    assert app.service.stores.renewing() == []
    app.service.close()
