"""What every request passes: routing, credentials, decoding, problems."""

from __future__ import annotations

import gzip

import msgspec
import pytest
import zstandard

from headwater.server.permissions import Permission
from headwater.server.routes import operations
from headwater.testing.events import run_event, run_id


def event() -> bytes:
    """A complete run that wrote b from a."""
    return msgspec.json.encode(run_event(run_id(1), "copy", "COMPLETE", 1, ["a"], ["b"]))


def test_an_event_goes_in_and_is_walked(served):
    """What is posted is acknowledged with 201 and is part of the very next answer."""
    client = served.client()
    assert client.post("/api/v1/lineage", content=event()).status_code == 201
    answer = client.get("/api/v1/nodes/b/upstream")
    assert answer.status_code == 200
    assert {node["name"] for node in answer.json()["nodes"]} >= {"a", "b"}


@pytest.mark.parametrize("encode", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_compressed_bodies_are_taken(served, encode):
    """A body may come compressed."""
    name = {gzip.compress: "gzip", zstandard.compress: "zstd"}[encode]
    client = served.client()
    answer = client.post("/api/v1/lineage", content=encode(event()), headers={"Content-Encoding": name})
    assert answer.status_code == 201


def test_nobody_gets_in_without_a_key(served):
    """Every operation that is not public answers 401 to nobody, and to a key that is not known."""
    for operation in operations():
        if operation.permission is Permission.PUBLIC or operation.is_page:
            continue
        path = operation.path.replace("{", "").replace("}", "")
        assert served.bare().request(operation.method, path).status_code == 401
        wrong = served.bare(headers={"Authorization": "Bearer hw_wrong"})
        assert wrong.request(operation.method, path).status_code == 401


def test_a_key_opens_what_its_scope_says(served):
    """A key to read may not write; the problem says which permission is missing."""
    reader = served.client(permissions=frozenset({Permission.READ}))
    answer = reader.post("/api/v1/lineage", content=event())
    assert answer.status_code == 403
    assert "'ingest'" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("//health/live", 404),
        ("/health/live/", 404),
        ("/health/%6cive", 404),
        ("/health/../health/live;x", 404),
        ("/api/v1/nodes/nothing/upstream", 404),
        ("/api/v1/nodes/a/upstream?depht=1", 422),
        ("/api/v1/nodes/a/upstream?depth=-1", 422),
        ("/api/v1/nodes/a/upstream?depth=1&depth=2", 422),
        ("/api/v1/nodes/%ff/upstream", 422),
        ("/api/v1/nodes/%00/upstream", 422),
        ("/api/v1/nodes?q=%ff", 422),
        ("/api/v1/nodes?q=%00", 422),
    ],
)
def test_what_cannot_be_answered_is_a_problem(served, path, status):
    """A path or parameter that is wrong is answered with a problem document of the right status."""
    answer = served.client().get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = msgspec.json.decode(answer.content)
    assert problem["status"] == status
    assert problem["title"]


def test_another_method_is_told_what_is_allowed(served):
    """405 comes with Allow."""
    answer = served.client().delete("/api/v1/lineage")
    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]


def test_an_answer_that_is_known_is_not_sent_again(served):
    """If-None-Match with the ETag of the answer is 304."""
    client = served.client()
    client.post("/api/v1/lineage", content=event())
    first = client.get("/api/v1/nodes/b/upstream")
    again = client.get("/api/v1/nodes/b/upstream", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


@pytest.mark.parametrize(
    ("limits", "headers", "body"),
    [
        ({"body_bytes": 100}, {}, b"x" * 101),
        ({"plain_bytes": 1 << 20}, {"Content-Encoding": "gzip"}, gzip.compress(bytes(16 << 20))),
        ({"plain_bytes": 1 << 20}, {"Content-Encoding": "zstd"}, zstandard.compress(bytes(16 << 20))),
    ],
    ids=["body", "gzip", "zstd"],
)
def test_too_large_a_body_is_refused(serve, limits, headers, body):
    """413, before the whole of it is in memory."""
    from headwater.server.settings import Limits

    served = serve(limits=Limits(**limits))
    assert served.client().post("/api/v1/lineage", content=body, headers=headers).status_code == 413


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("br", b"x"), ("gzip", b"x"), ("zstd", b"x"), ("gzip", gzip.compress(b"{}")[:-9])],
    ids=["unknown", "no gzip", "no zstd", "cut short"],
)
def test_a_body_that_cannot_be_decompressed_is_refused(served, encoding, body):
    """415 with the reason."""
    answer = served.client().post("/api/v1/lineage", content=body, headers={"Content-Encoding": encoding})
    assert answer.status_code == 415


def test_tenants_do_not_see_each_other(served):
    """What one tenant stores, another does not find."""
    one, other = served.client("one"), served.client("other")
    one.post("/api/v1/lineage", content=event())
    assert one.get("/api/v1/nodes/b/upstream").status_code == 200
    assert other.get("/api/v1/nodes/b/upstream").status_code == 404


def test_the_replacement_character_is_a_character(served):
    """U+FFFD, sent as such, is part of a value; only bytes that are no UTF-8 are refused."""
    assert served.client().get("/api/v1/nodes?q=%EF%BF%BD").status_code == 200


def test_a_name_with_nul_is_refused_by_its_field(served):
    """No text that a database could not take reaches one: Marquez's bodies are held to that too."""
    body = {"type": "STREAM", "physicalName": "a", "sourceName": "a\0b"}
    refused = served.client().put("/api/v1/namespaces/n/datasets/d", json=body)
    assert refused.status_code == 400
    assert "sourceName" in refused.json()["message"]


def test_what_was_searched_for_is_not_echoed_without_end(served):
    """A page that refuses a search of 64 kB is no longer than other pages."""
    answer = served.client().get("/search", params={"q": "x" * 60_000})
    assert answer.status_code == 422
    assert len(answer.content) < 20_000


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("kind=foo", "kind: must be one of dataset, job, got foo"),
        ("limit=x", "limit: must be a whole number, got x"),
        ("dept=1", "dept: must be a parameter of this operation, got 1"),
    ],
)
def test_a_wrong_parameter_is_told_with_what_it_must_be(served, query, detail):
    """422, in words that name the parameter, what may stand there and what did."""
    answer = served.client().get(f"/api/v1/nodes?{query}")
    assert (answer.status_code, answer.json()["detail"]) == (422, detail)
