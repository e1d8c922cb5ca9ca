"""The flat record: what went in comes out, and any run has one."""

from __future__ import annotations

import json
import uuid

import pytest

from headwater.errors import InvalidInput
from headwater.formats.record import read_record, to_events
from headwater.query.lineage import Lineage
from headwater.query.record import pending
from headwater.storage.open import open_store

RECORD = {
    "lineage_id": str(uuid.UUID(int=7)),
    "operation_type": "MODEL_TRAINING",
    "source": {"type": "database", "identifier": "postgres://db:5432/shop.public.orders"},
    "destination": {"type": "model", "identifier": "churn"},
    "transformation": {"code_hash": "a" * 64, "parameters": {"depth": 3}, "timestamp": "2026-11-01T10:00:00Z"},
    "data_quality": {"null_count": 2, "unique_values": 40, "statistics": {"mean": 1.5}},
    "dependencies": [str(uuid.UUID(int=6))],
}


@pytest.fixture
def lineage():
    """A memory store with one record in it."""
    with open_store("memory://") as store:
        store.append(to_events(read_record(RECORD)))
        yield Lineage(store)


def test_a_record_comes_back_as_it_went_in(lineage):
    """The document is the one that was sent, and its dependency is pending until it arrives."""
    found = lineage.record(RECORD["lineage_id"])
    assert found == RECORD
    assert pending(lineage.store, found) == RECORD["dependencies"]
    other = {**RECORD, "lineage_id": RECORD["dependencies"][0], "dependencies": []}
    lineage.store.append(to_events(read_record(other)))
    assert pending(lineage.store, found) == []


def test_any_run_has_a_record(lineage):
    """A run that came in as an OpenLineage event has a record made from its facts, which is JSON."""
    event = {
        "eventTime": "2026-11-02T00:00:00Z", "eventType": "COMPLETE", "producer": "https://example.com",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": str(uuid.UUID(int=9))}, "job": {"namespace": "n", "name": "j"},
        "inputs": [{"namespace": "file", "name": "/a.csv"}], "outputs": [{"namespace": "file", "name": "/b.csv"}],
    }  # fmt: skip
    lineage.store.append([json.dumps(event).encode()])
    found = lineage.record(str(uuid.UUID(int=9)))
    assert found["operation_type"] == "ETL"
    assert found["source"]["type"] == "file"
    assert json.loads(json.dumps(found))["lineage_id"] == str(uuid.UUID(int=9))


def test_only_runs_have_records(lineage):
    """A dataset is no run, and the message says what to give."""
    with pytest.raises(InvalidInput, match="must be the id of a run"):
        lineage.record("churn")
