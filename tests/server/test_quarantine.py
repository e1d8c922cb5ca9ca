"""The quarantine over HTTP: listed, explained, sent again, dropped; each tenant its own."""

from __future__ import annotations

import msgspec

from headwater.server.permissions import Permission
from headwater.testing.events import raw, run_event, run_id, whole_run


def refuse(client, number=0):
    """Have an event refused; its entry's id."""
    bad = run_event(f"no-uuid-{number}", "j", "COMPLETE", number, ["a"], ["b"])
    return client.post("/api/v1/lineage", json=bad).json()["quarantine_id"]


def test_it_is_listed_in_pages_without_bodies(served):
    """The latest first; ``next`` is where the next page begins, null at the end."""
    client = served.client()
    ids = [refuse(client, number) for number in range(5)]
    first = client.get("/api/v1/quarantine?limit=3").json()
    assert [entry["id"] for entry in first["entries"]] == ids[:1:-1]
    assert all(entry["body"] is None for entry in first["entries"])
    last = client.get(f"/api/v1/quarantine?limit=3&before={first['next']}").json()
    assert [entry["id"] for entry in last["entries"]] == [ids[1], ids[0]]
    assert (last["next"], last["total"], last["dropped"]) == (None, 5, 0)


def test_an_entry_explains_itself(served):
    """What arrived, verbatim, and the field, value, rule and remedy."""
    client = served.client()
    entry = client.get(f"/api/v1/quarantine/{refuse(client)}").json()
    assert msgspec.json.decode(entry["body"])["run"]["runId"] == "no-uuid-0"
    assert (entry["kind"], entry["field"], entry["rule"]) == ("event", "run.runId", "must be a UUID")
    assert "no-uuid-0" in entry["value"]
    assert (entry["times"], entry["is_whole"]) == (1, True)
    refuse(client)
    assert client.get(f"/api/v1/quarantine/{entry['id']}").json()["times"] == 2


def test_a_mended_event_is_stored_and_leaves(served):
    """Sent again as it was it is refused again and stays; mended it is stored and is gone from quarantine."""
    client = served.client()
    entry = refuse(client)
    again = client.post(f"/api/v1/quarantine/{entry}/replay")
    assert (again.status_code, again.json()["field"]) == (422, "run.runId")
    assert client.get(f"/api/v1/quarantine/{entry}").json()["times"] == 2
    mended = run_event(run_id(1), "j", "COMPLETE", 0, ["a"], ["b"])
    done = client.post(f"/api/v1/quarantine/{entry}/replay", json=mended)
    assert (done.status_code, done.json()["status"]) == (200, "success")
    assert client.get(f"/api/v1/quarantine/{entry}").status_code == 404
    assert client.get("/api/v1/nodes/b/upstream").status_code == 200


def test_a_whole_batch_can_be_mended(served):
    """A body that was no JSON is replaced by one that is."""
    client = served.client()
    entry = client.post("/api/v1/lineage/batch", content=b"[{]").json()["quarantine_id"]
    done = client.post(f"/api/v1/quarantine/{entry}/replay", json=whole_run(1, "j", 0, ["a"], ["b"]))
    assert done.json()["summary"]["successful"] == 2
    assert client.get("/api/v1/quarantine").json()["total"] == 0


def test_a_record_stays_a_record(served):
    """It is sent again as one."""
    client = served.client()
    bad = {"lineage_id": run_id(1), "operation_type": "ETL"}
    entry = client.post("/api/v1/records", json=bad).json()["quarantine_id"]
    mended = {
        **bad,
        "source": {"type": "file", "identifier": "/a"},
        "destination": {"type": "model", "identifier": "m"},
        "transformation": {"code_hash": "b" * 64, "timestamp": "2026-01-01T00:00:00Z"},
    }
    assert client.post(f"/api/v1/quarantine/{entry}/replay").status_code == 422
    assert client.post(f"/api/v1/quarantine/{entry}/replay", json=mended).status_code == 200
    assert client.get(f"/api/v1/records/{run_id(1)}").json()["operation_type"] == "ETL"


def test_what_was_kept_in_part_is_not_sent_again(served, monkeypatch):
    """409: the whole of it has to come with the request."""
    from headwater.storage import quarantine

    monkeypatch.setattr(quarantine, "MOST_BODY_BYTES", 20)
    client = served.client()
    entry = refuse(client)
    assert client.get(f"/api/v1/quarantine/{entry}").json()["is_whole"] is False
    assert client.post(f"/api/v1/quarantine/{entry}/replay").status_code == 409
    (event,) = raw([run_event(run_id(1), "j", "COMPLETE", 0)])
    assert client.post(f"/api/v1/quarantine/{entry}/replay", content=event).status_code == 200


def test_an_entry_can_be_dropped(served):
    """204, and then it is as unknown as any other id."""
    client = served.client()
    entry = refuse(client)
    assert client.delete(f"/api/v1/quarantine/{entry}").status_code == 204
    assert client.delete(f"/api/v1/quarantine/{entry}").status_code == 404
    for odd in ("0", "x", "-1", "9" * 30, "1%2F2", "%C2%B2"):
        assert client.get(f"/api/v1/quarantine/{odd}").status_code == 404


def test_each_tenant_has_its_own(served):
    """Ids of another tenant answer like ids that nobody has."""
    one, other = served.client("one"), served.client("other")
    entry = refuse(one)
    assert other.get("/api/v1/quarantine").json()["total"] == 0
    assert other.get(f"/api/v1/quarantine/{entry}").json() == other.get("/api/v1/quarantine/1").json()
    assert other.delete(f"/api/v1/quarantine/{entry}").status_code == 404
    assert one.get(f"/api/v1/quarantine/{entry}").status_code == 200


def test_reading_and_changing_it_need_their_permissions(served):
    """A key to report reads it, a key to ingest does not; only one to administer changes it."""
    entry = refuse(served.client())
    reporter = served.client(permissions=frozenset({Permission.REPORT}))
    writer = served.client(permissions=frozenset({Permission.INGEST, Permission.READ}))
    assert reporter.get(f"/api/v1/quarantine/{entry}").status_code == 200
    assert writer.get("/api/v1/quarantine").status_code == 403
    assert reporter.delete(f"/api/v1/quarantine/{entry}").status_code == 403
    assert reporter.post(f"/api/v1/quarantine/{entry}/replay").status_code == 403
