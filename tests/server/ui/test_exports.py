"""A view as a file shows what the page shows: what a change breaks, what differs between two times; with a legend."""

from __future__ import annotations

import json

import msgspec
import pytest

from headwater.testing.events import EPOCH_US, column_lineage, dataset, raw, run_event, run_id, schema

BREAK = "root=a&down=5&change=drop&column=x"
DIFFER = f"root=a&down=5&against=@{EPOCH_US / 1e6 + 15:.0f}"


@pytest.fixture
def client(served):
    """A client of a service that knows ``a -> b -> c``, the second step since a later time."""
    found = served.client()
    first = dataset("b", facets={"schema": schema("y"), "columnLineage": column_lineage({"y": [("a", "x")]})})
    source = dataset("a", facets={"schema": schema("x")})
    for event in (
        run_event(run_id(1), "one", "COMPLETE", 10, [source], [first]),
        run_event(run_id(2), "two", "COMPLETE", 20, ["b"], ["c"]),
    ):
        assert found.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201
    return found


def exported(client, form: str, query: str) -> str:
    """The text of a file."""
    answer = client.get(f"/lineage/export/{form}?{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


def test_the_marks_of_an_impact_are_in_every_form(client):
    """What breaks is marked in SVG, JSON, Mermaid and DOT, each with a legend that says which change it is about."""
    title = "If x of a is dropped: "
    svg = exported(client, "svg", BREAK)
    assert "m-breaks" in svg
    assert title in svg
    found = json.loads(exported(client, "json", BREAK))
    assert {node["id"]: node.get("mark") for node in found["nodes"]}["dataset:db:b"] == "breaks"
    assert found["marks"]["title"].startswith(title)
    mermaid, dot = exported(client, "mermaid", BREAK), exported(client, "dot", BREAK)
    assert '"b: breaks"' in mermaid
    assert '"b: breaks"' in dot
    assert title in mermaid
    assert title in dot


def test_the_marks_of_a_comparison_are_in_every_form(client):
    """What was added since the earlier time is marked, nodes and edges, and the legend says both times."""
    svg = exported(client, "svg", DIFFER)
    assert svg.count('class="card m-added"') == 2  # the card, and its sign in the legend
    assert 'class="edge m-added"' in svg or 'class="edge dash m-added"' in svg
    assert "Between 2026-01-01 00:00:15 UTC and now: Added: 2 nodes, 1 edge." in svg
    found = json.loads(exported(client, "json", DIFFER))
    assert [edge.get("mark") for edge in found["edges"]].count("added") == 1
    assert '"c: added"' in exported(client, "mermaid", DIFFER)
    assert '"c: added"' in exported(client, "dot", DIFFER)


def test_a_plain_view_has_the_legend_of_its_signs(client):
    """Without a change the legend says what lines and colours mean, as of which time, and nothing is marked."""
    svg = exported(client, "svg", f"root=a&as_of=@{EPOCH_US / 1e6 + 15:.0f}")
    assert ">a value flows<" in svg
    assert ">As of 2026-01-01 00:00:15 UTC<" in svg
    assert "m-added" not in svg
    assert "mark" not in json.loads(exported(client, "json", "root=a"))["nodes"][0]


@pytest.mark.parametrize(("theme", "colour"), [("light", "#ffffff"), ("dark", "#12181f")])
def test_a_picture_is_drawn_in_a_theme(client, theme, colour):
    """With a theme the colours stand in the file as they are: what the page makes a PNG of."""
    svg = exported(client, "svg", f"{BREAK}&theme={theme}")
    assert f"fill:{colour}" in svg
    assert "var(--" not in svg


def test_a_form_that_is_none_is_refused_with_those_there_are(client):
    """404 that names them."""
    answer = client.get("/lineage/export/gif?root=a", headers={"accept": "application/json"})
    assert answer.status_code == 404
    assert "svg, png, json, mermaid, dot" in answer.json()["hint"]


def test_names_stay_names_in_a_legend(served):
    """A hostile name of a column cannot become markup in the title of a legend."""
    name = '<img src=x onerror="alert(1)">'
    source = dataset("a", facets={"schema": schema(name)})
    target = dataset("b", facets={"schema": schema("y"), "columnLineage": column_lineage({"y": [("a", name)]})})
    client = served.client()
    (event,) = raw([run_event(run_id(1), "one", "COMPLETE", 10, [source], [target])])
    assert client.post("/api/v1/lineage", content=event).status_code == 201
    answer = client.get("/lineage/export/svg", params={"root": "a", "down": 2, "change": "drop", "column": name})
    assert answer.status_code == 200
    assert "&lt;img" in answer.text
    assert "<img" not in answer.text
