"""The home page: what is new, what is wrong, what is covered, where to start; how to begin where there is nothing."""

from __future__ import annotations

import re

import msgspec
import pytest

from headwater.server.permissions import Permission
from headwater.server.rendering.activity import latest_activity
from headwater.storage.memory import MemoryStore
from headwater.testing.events import dataset, facet, raw, run_event, run_id, schema


def story() -> list[dict]:
    """A table whose columns change, written every time but once."""
    first = dataset("t.orders", facets={"schema": schema("id", "old"), "datasetType": facet(datasetType="TABLE")})
    second = dataset("t.orders", facets={"schema": schema("id", "new")})
    return [
        run_event(run_id(1), "load", "COMPLETE", 1, ["raw"], [first]),
        run_event(run_id(2), "load", "COMPLETE", 2, ["raw"], [second]),
        run_event(run_id(3), "load", "COMPLETE", 3, ["raw"], [second]),
        run_event(run_id(4), "load", "FAIL", 4, ["raw"], []),
    ]


def test_the_feed_tells_each_run_once_and_like_ones_together():
    """Latest first; equal neighbours are counted; a change of columns is told, their first schema is not; what is new
    says its type."""
    store = MemoryStore.open()
    store.append(raw(story()))
    found = latest_activity(store, 4)
    lines = [(line.type or line.what, line.name, line.words, line.state, line.more) for line in found.lines]
    assert lines == [
        ("run", "load", "1 input", "FAILED", 0),
        ("run", "load", "1 input, 1 output", "COMPLETED", 1),
        ("schema", "t.orders", "added new, removed old", "", 0),
        ("run", "load", "1 input, 1 output", "COMPLETED", 0),
        ("job", "load", "new", "", 0),
        ("dataset", "raw", "new", "", 0),
        ("table", "t.orders", "new", "", 0),
    ]
    assert found.events == 4


def test_the_feed_looks_at_the_end_of_the_log_only():
    """What it costs goes by the events that are asked for."""
    store = MemoryStore.open()
    store.append(raw(story()))
    found = latest_activity(store, 4, events=1)
    assert ([line.run for line in found.lines], found.events) == ([run_id(4)], 1)


@pytest.fixture
def client(served):
    """Somebody who may do everything, over the story."""
    found = served.client()
    for event in story():
        assert found.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201
    return found


def test_it_says_what_is_wrong_and_what_is_covered(client):
    """A job that failed last is named; the shares are measured; a table is where to start."""
    text = client.get("/").text
    assert text.index('id="wrong"') < text.index('id="new"')
    wrong = text[text.index('id="wrong"') : text.index('id="covered"')]
    assert f'href="/runs/{run_id(4)}"' in wrong
    assert "50 %" in text
    assert 'href="/datasets/dataset%3Adb%3At.orders"' in text[text.index('id="start"') :]


def test_what_was_refused_is_for_those_who_may_see_it(served, client):
    """A reader is shown a count; who may report sees the reason and a link."""
    assert client.post("/api/v1/lineage", content=b'{"eventType":"COMPLETE"}').status_code == 422
    assert re.search(r'href="/admin/quarantine/\d+"', client.get("/").text)
    reader = served.client(permissions=frozenset({Permission.READ})).get("/").text
    assert "/admin/quarantine" not in reader
    assert "<dt>Refused events</dt><dd>1</dd>" in reader


def test_what_was_refused_is_news_for_those_who_may_see_it(served, client):
    """It stands in the feed at its time, with the field, the rule and how often it came; a reader is not told."""
    for _ in range(3):
        assert client.post("/api/v1/lineage", content=b'{"eventType":"COMPLETE"}').status_code == 422
    first = re.findall(r"<li.*?</li>", client.get("/feed").text, re.DOTALL)[0]
    assert 'href="/admin/quarantine/1"' in first
    assert "refused" in first
    assert "and 2 more like it" in first
    assert "refused" not in served.client(permissions=frozenset({Permission.READ})).get("/feed").text


def test_the_parts_of_an_open_page_are_those_of_a_new_one(client):
    """What renews an open page holds each part of it, and nothing around them."""
    whole, parts = client.get("/").text, client.get("/home/parts").text
    named = re.findall(r'data-part="(\w+)"', parts)
    assert named == ["facts", "wrong", "new", "covered", "start"] == re.findall(r'data-part="(\w+)"', whole)
    assert "<html" not in parts
    assert "<h1" not in parts


def test_datasets_of_no_type_are_where_to_start_where_there_are_no_others(served):
    """Emitters that tell no type are helped too."""
    found = served.client()
    event = run_event(run_id(1), "load", "COMPLETE", 1, ["a"], ["b"])
    assert found.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201
    text = found.get("/").text
    assert "<dt>Datasets</dt><dd>" in text[text.index('id="start"') :]


def test_the_numbers_lead_to_what_they_count(client):
    """Datasets, jobs and runs are listed one click away, and so are all failed runs."""
    text = client.get("/").text
    links = [path for path in ("/search?q=kind:dataset", "/search?q=kind:job", "/runs") if f'href="{path}"' in text]
    assert len(links) == 3
    assert {client.get(path).status_code for path in links} == {200}


def test_an_empty_store_says_how_to_begin(served):
    """Nothing recorded: three ways to begin, and no empty tables."""
    text = served.client().get("/").text
    assert "Nothing has been recorded yet." in text
    assert "headwater run train.py" in text
    assert "<table" not in text


def test_an_open_page_is_told_when_it_was_given_something_older(served, monkeypatch):
    """What costs much is made for all open pages once in a while; one that was given an older one is told when to ask
    again. Who opens the page sees what is new."""
    import headwater.server.shared_cache

    monkeypatch.setattr(headwater.server.shared_cache, "PART", 1e-6)
    client = served.client()

    def send(number: int) -> None:
        event = msgspec.json.encode(
            run_event(run_id(number), f"job{number}", "COMPLETE", number, ["a"], [f"t{number}"])
        )
        assert client.post("/api/v1/lineage", content=event).status_code == 201

    send(1)
    for path in ("/home/parts", "/feed"):
        assert "headwater-again" not in client.get(path).headers
    send(2)
    for path in ("/home/parts", "/feed"):
        older = client.get(path)
        assert int(older.headers["headwater-again"]) >= 1
        assert "job2" not in older.text
    assert "job2" in client.get("/").text


def test_counts_of_an_open_page_look_at_no_edge(served, monkeypatch):
    """A page that is open asks again and again: what it costs does not grow with the graph."""
    from headwater.storage.contract_rows import ContractRows

    client = served.client()
    event = msgspec.json.encode(run_event(run_id(1), "job", "COMPLETE", 1, ["a"], ["b"]))
    assert client.post("/api/v1/lineage", content=event).status_code == 201
    monkeypatch.setattr(ContractRows, "column_edges", lambda self: pytest.fail("every edge was looked at"))
    for path in ("/", "/home/parts", "/feed"):
        assert client.get(path).status_code == 200
