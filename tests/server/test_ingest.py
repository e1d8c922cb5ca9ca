"""Events and records over HTTP: stored before they are acknowledged, refused with the reason, never a 5xx."""

from __future__ import annotations

import gzip

import msgspec
import pytest
import zstandard

from headwater.formats.record import read_record, to_events
from headwater.server.settings import Limits
from headwater.testing.events import dataset_event, facet, job_event, raw, run_event, run_id, whole_run

PATHS = ("/api/v1/lineage", "/lineage", "/api/v1/openlineage/lineage")
LINES = {"Content-Type": "application/x-ndjson"}


def record(number: int, *dependencies: int, **changes):
    """A flat record; ``dependencies`` are the numbers of others."""
    return {
        "lineage_id": run_id(number),
        "operation_type": "ETL",
        "source": {"type": "database", "identifier": f"postgresql://db/a{number}"},
        "destination": {"type": "model", "identifier": f"m{number}"},
        "transformation": {"code_hash": "a" * 64, "parameters": {"n": number}, "timestamp": "2026-01-01T00:00:00Z"},
        "data_quality": {"null_count": 0},
        "dependencies": [run_id(one) for one in dependencies],
        **changes,
    }


@pytest.mark.parametrize("path", PATHS)
def test_every_kind_of_event_is_taken_at_every_path(served, path):
    """RunEvent, JobEvent and DatasetEvent are answered 201 with an empty object, and are in the log."""
    client = served.client()
    events = raw([run_event(run_id(1), "j", "COMPLETE", 1, ["a"], ["b"]), job_event("j", 2), dataset_event("a", 3, {})])
    for event in events:
        answer = client.post(path, content=event)
        assert (answer.status_code, answer.content) == (201, b"{}")
    with served.service.stores.reading("default") as store:
        assert [one.body for one in store.events()] == events


@pytest.mark.parametrize("path", PATHS)
def test_a_batch_is_answered_as_the_specification_has_it(served, path):
    """What can be stored is; the rest is told by index with field, value and rule, and is in quarantine."""
    client = served.client()
    good = whole_run(1, "j", 0, ["a"], ["b"])
    bad = run_event("no-uuid", "j", "START", 0)
    answer = client.post(f"{path}/batch", json=[good[0], bad, good[1], good[0]])
    assert answer.status_code == 200
    told = answer.json()
    assert told["status"] == "partial_success"
    assert told["summary"] == {
        "received": 4, "successful": 3, "failed": 1, "retriable": 0, "non_retriable": 1, "duplicates": 1
    }  # fmt: skip
    (failed,) = told["failed_events"]
    assert (failed["index"], failed["retriable"], failed["field"]) == (1, False, "run.runId")
    assert "no-uuid" in failed["reason"]
    assert client.get(f"/api/v1/quarantine/{failed['quarantine_id']}").json()["field"] == "run.runId"
    assert client.get("/api/v1/nodes/b/upstream").status_code == 200


def test_a_batch_that_all_lands_says_success(served):
    """Also in the form of an object with the events in it, and when it is empty."""
    client = served.client()
    answer = client.post("/api/v1/lineage/batch", json={"events": whole_run(1, "j", 0, ["a"], ["b"])})
    assert (answer.status_code, answer.json()["status"], answer.json()["failed_events"]) == (200, "success", [])
    assert answer.json()["summary"]["successful"] == 2
    assert client.post("/api/v1/lineage/batch", json=[]).json()["summary"]["received"] == 0


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": 1}', b'"x"', b"[1, NaN]", b"\xff", b"[" * 100_000, b"null"])
def test_a_body_that_is_no_batch_is_refused_as_a_whole(served, body):
    """422, nothing stored, and the whole of it in quarantine."""
    client = served.client()
    answer = client.post("/api/v1/lineage/batch", content=body)
    assert answer.status_code == 422
    entry = client.get(f"/api/v1/quarantine/{answer.json()['quarantine_id']}").json()
    assert (entry["kind"], entry["body"], entry["is_whole"]) == ("body", body.decode("utf-8", "replace"), True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", ""),
        (b"[]", ""),
        (b"{}", "run"),
        (b'{"eventTime": "2026-01-01T00:00:00Z", "producer": "p", "run": {"runId": "x"}}', "job"),
        (b'{"eventTime": "2026-01-01T00:00:00Z", "producer": "p", "schemaURL": "s", "job": {"namespace": "n",'
         b' "name": "j"}, "run": {"runId": "x"}}', "run.runId"),
        (b'{"eventTime": NaN}', ""),
        (b'{"eventTime": "\\ud800"}', ""),
        (b'{"a": 1e400}', ""),
        (b"[" * 5000, ""),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "body"),
        (b'{"' + b"k" * 5000 + b'": 1}', "body"),
        (b"\xff\xfe", ""),
        (b'{"job": {"namespace": "n", "name": "a\\u0000b"}, "eventTime": "2026-01-01T00:00:00Z", "producer": "p"}',
         "job.name"),
    ],
)  # fmt: skip
def test_a_bad_event_is_a_4xx_and_writes_nothing(served, body, field):
    """422 naming field and rule; it is in quarantine, and the store is as empty as before."""
    client = served.client()
    answer = client.post("/api/v1/lineage", content=body)
    assert answer.status_code == 422
    problem = answer.json()
    assert problem.get("field", "").startswith(field)
    assert problem["rule"]
    assert problem["quarantine_id"] >= 1
    with served.service.stores.reading("default") as store:
        found = store.statistics()
        assert (found.events, found.jobs, found.runs, found.quarantined) == (0, 0, 0, 1)


def test_a_number_beyond_64_bits_does_no_harm(served):
    """In a facet of somebody else it is kept to the digit; where a name belongs it is refused."""
    client = served.client()
    event = raw([run_event(run_id(1), "j", "COMPLETE", 0, run_facets={"n": facet(v="@")})])[0]
    assert client.post("/api/v1/lineage", content=event.replace(b'"@"', b"18446744073709551616")).status_code == 201
    assert client.post("/api/v1/lineage", content=event.replace(b'"j"', b"18446744073709551616")).status_code == 422


@pytest.mark.parametrize(
    ("limits", "event", "named"),
    [
        ({"event_bytes": 500}, {"pad": "x" * 500}, "event_bytes"),
        ({"json_depth": 5}, {"a": {"b": {"c": {"d": {"e": 1}}}}}, "json_depth"),
        ({"json_keys": 30}, {f"k{number}": 1 for number in range(30)}, "json_keys"),
        ({"key_bytes": 200}, {"k" * 201: 1}, "key_bytes"),
        ({"key_bytes": 200, "string_bytes": 1000}, {"k": "s" * 1001}, "string_bytes"),
    ],
)
def test_a_limit_is_named_where_it_is_broken(serve, limits, event, named):
    """Alone, in a batch and on a line; in the batch and in the stream its neighbours land."""
    client = serve(limits=Limits(**limits)).client()
    bad = {**run_event(run_id(1), "j", "START", 0), "x": event}
    fine = run_event(run_id(2), "j", "START", 0)
    single = client.post("/api/v1/lineage", json=bad)
    assert (single.status_code, named in single.json()["rule"]) == (422, True)
    lines = b"\n".join(raw([fine, bad]))
    for answer in (
        client.post("/api/v1/lineage/batch", json=[fine, bad]),
        client.post("/api/v1/lineage/batch", content=lines, headers=LINES),
    ):
        assert answer.json()["summary"]["successful"] == 1
        (failed,) = answer.json()["failed_events"]
        assert (failed["index"], named in failed["rule"]) == (1, True)


def test_the_same_event_six_times_is_one(served):
    """A client that retries five times is told 201 each time; the store has it once."""
    client = served.client()
    (event,) = raw([run_event(run_id(1), "j", "COMPLETE", 1, ["a"], ["b"])])
    assert [client.post("/api/v1/lineage", content=event).status_code for _ in range(6)] == [201] * 6
    with served.service.stores.reading("default") as store:
        assert store.statistics().events == 1
    assert served.service.intake.counters.of("default").duplicates == 5


@pytest.mark.parametrize("path", ["/api/v1/lineage", "/api/v1/lineage/batch"])
def test_a_stream_of_lines_is_taken_in_chunks(served, path, monkeypatch):
    """Empty lines count as lines and are nothing; the last line needs no end; what is refused is told by its line."""
    from headwater.server.intake import line_reader as module

    monkeypatch.setattr(module, "CHUNK_LINES", 3)
    client = served.client()
    good = raw([event for number in range(10) for event in whole_run(number + 1, "j", number * 20.0, ["a"], ["b"])])
    body = b"\r\n".join([good[0], b"", b"{", *good[1:]])
    answer = client.post(path, content=body, headers=LINES)
    assert answer.is_success
    assert answer.json()["summary"]["received"] == 21
    assert [failed["index"] for failed in answer.json()["failed_events"]] == [2]
    with served.service.stores.reading("default") as store:
        assert [one.body for one in store.events()] == good


@pytest.mark.parametrize("encode", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_compressed_streams_of_several_members(served, encode):
    """Files that were compressed apart and put behind one another are one stream; none of it is lost."""
    name = {gzip.compress: "gzip", zstandard.compress: "zstd"}[encode]
    events = raw(whole_run(1, "j", 0, ["a"], ["b"]))
    body = b"".join(encode(event + b"\n") for event in events)
    answer = served.client().post("/api/v1/lineage", content=body, headers={**LINES, "Content-Encoding": name})
    assert answer.json()["summary"]["successful"] == 2


def test_a_body_that_cannot_be_read_is_on_record(served):
    """413 and 415 leave an entry with the reason, without the body."""
    client = served.client()
    assert client.post("/api/v1/lineage", content=b"x", headers={"Content-Encoding": "br"}).status_code == 415
    (entry,) = client.get("/api/v1/quarantine").json()["entries"]
    assert (entry["kind"], entry["size_bytes"], entry["value"]) == ("body", 1, "br")


def test_what_fails_beyond_the_thousandth_is_counted(served):
    """The answer stays small however much is wrong."""
    answer = served.client().post("/api/v1/lineage/batch", content=b"[" + b",".join([b"{}"] * 1500) + b"]")
    assert answer.json()["summary"]["failed"] == 1500
    assert len(answer.json()["failed_events"]) == 1000
    assert answer.json()["truncated"]


def test_records_go_in_and_come_back(served):
    """One alone and a batch are answered as events are; each is given back as it was."""
    client = served.client()
    assert client.post("/api/v1/records", json=record(1)).json()["status"] == "success"
    answer = client.post("/api/v1/records", json=[record(2, 1), {"lineage_id": 3}, record(3, 2)])
    assert answer.json()["summary"]["successful"] == 2
    (failed,) = answer.json()["failed_events"]
    assert (failed["index"], failed["rule"]) == (1, "must be given")
    lines = b"\n".join(msgspec.json.encode(record(number)) for number in (4, 5))
    assert client.post("/api/v1/records", content=lines, headers=LINES).json()["status"] == "success"
    for number, dependencies in ((1, []), (2, [run_id(1)]), (5, [])):
        found = client.get(f"/api/v1/records/{run_id(number)}").json()
        assert found["lineage_id"] == run_id(number)
        assert found["dependencies"] == dependencies
        assert found["transformation"]["parameters"] == {"n": number}


def test_a_run_that_came_as_events_is_a_record_too(served):
    """Whatever way a run came in, it can be read as a record; what is no UUID or not known is 404."""
    client = served.client()
    client.post("/api/v1/lineage/batch", json=whole_run(1, "j", 0, ["a"], ["b"]))
    found = client.get(f"/api/v1/records/{run_id(1)}")
    assert found.status_code == 200
    assert found.json()["operation_type"] == "ETL"
    for other in (run_id(2), "j", "%00x", "x%2Fy"):
        assert client.get(f"/api/v1/records/{other}").status_code in (404, 422)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"operation_type": "etl"}, "operation_type"),
        ({"lineage_id": "x"}, "lineage_id"),
        ({"source": {"type": "database"}}, "source.identifier"),
        ({"transformation": {"code_hash": "zz", "timestamp": "now"}}, "transformation.code_hash"),
        ({"unknown": 1}, "unknown"),
        ({"source": {"type": "database", "identifier": "a\0"}}, "source.identifier"),
    ],
)
def test_a_bad_record_names_its_field(served, changes, field):
    """422 with the dotted field, and the record itself in quarantine."""
    client = served.client()
    answer = client.post("/api/v1/records", json=record(1, **changes))
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert client.get(f"/api/v1/quarantine/{answer.json()['quarantine_id']}").json()["kind"] == "record"
    assert client.get(f"/api/v1/records/{run_id(1)}").status_code == 404


def test_a_cycle_of_dependencies_is_refused_with_the_cycle(served):
    """Within a batch, and with what was stored before; a dependency that has not arrived is fine."""
    client = served.client()
    assert client.post("/api/v1/records", json=[record(1, 2), record(2, 3)]).json()["status"] == "success"
    answer = client.post("/api/v1/records", json=record(3, 9, 1))
    assert answer.status_code == 422
    cycle = " -> ".join(run_id(number) for number in (3, 1, 2, 3))
    assert answer.json()["rule"] == f"must not form a cycle: {cycle}"
    answer = client.post("/api/v1/records", json=[record(5, 6), record(6, 5)])
    assert [failed["index"] for failed in answer.json()["failed_events"]] == [1]
    assert client.post("/api/v1/records", json=record(3, 9)).status_code == 200
    assert client.post("/api/v1/records", json=record(9, 2)).status_code == 422


def test_what_a_record_builds_on_is_pending_until_it_arrives(served):
    """Shown of both runs, and on the page of the run; a record that came as an event counts like any other."""
    client = served.client()
    assert client.post("/api/v1/records", json=record(2, 1)).status_code == 200
    waiting = client.get(f"/api/v1/nodes/run:{run_id(2)}").json()["dependencies"]
    assert waiting == [{"run_id": run_id(1), "is_pending": True}]
    assert "not arrived yet" in client.get(f"/runs/{run_id(2)}", headers={"accept": "text/html"}).text
    assert client.post("/api/v1/lineage", content=to_events(read_record(record(1)))[0]).status_code == 201
    arrived = client.get(f"/api/v1/nodes/run:{run_id(2)}").json()["dependencies"]
    assert [(one["run_id"], one["state"]) for one in arrived] == [(run_id(1), "COMPLETED")]
    assert [one["run_id"] for one in client.get(f"/api/v1/nodes/run:{run_id(1)}").json()["dependents"]] == [run_id(2)]


def test_an_event_that_closes_a_cycle_is_refused_like_the_record_it_stands_for(served):
    """422 and quarantine, with the cycle: what arrives at another door is checked where it is written."""
    client = served.client()
    assert client.post("/api/v1/records", json=[record(1, 2), record(2, 3)]).json()["status"] == "success"
    answer = client.post("/api/v1/lineage", content=to_events(read_record(record(3, 1)))[0])
    assert answer.status_code == 422
    assert answer.json()["field"] == "run.facets.headwater_record.dependencies"
    assert answer.json()["rule"] == "must not form a cycle: " + " -> ".join(run_id(one) for one in (3, 1, 2, 3))
    assert client.get(f"/api/v1/quarantine/{answer.json()['quarantine_id']}").json()["kind"] == "event"
    assert client.get(f"/api/v1/records/{run_id(3)}").status_code == 404


def test_a_chain_of_records_is_checked_without_walking_it_again(served):
    """Records that come in order are remembered as closed; one that closes a cycle over them is still found."""
    client = served.client()
    chain = [record(number, *([number - 1] if number > 1 else [])) for number in range(1, 60)]
    assert client.post("/api/v1/records", json=chain).json()["status"] == "success"
    again = client.post("/api/v1/records", json=record(1, 59))
    assert again.status_code == 422
    assert again.json()["rule"].startswith("must not form a cycle: ")
    assert again.json()["rule"].count(" -> ") > 20  # as much of the cycle as a problem document has room for


def test_neither_a_deep_nor_a_long_record_list_is_taken_for_a_record(served):
    """What is no record at all is refused in its own words."""
    client = served.client()
    for body in (b"3", b'"x"', b"{}", b"NaN", b"{", b'{"lineage_id": 3}'):
        assert client.post("/api/v1/records", content=body).status_code == 422
