"""Two instants of a view: what was added and removed, and what is there at both and is another."""

from __future__ import annotations

import msgspec
import pytest

from headwater.query.lineage import Lineage
from headwater.server.rendering.comparison import difference_words
from headwater.server.rendering.groups import Groups
from headwater.server.rendering.scene import scene_of
from headwater.server.rendering.views import View, answer
from headwater.storage.memory import MemoryStore
from headwater.testing.events import EPOCH_US, column_lineage, dataset, facet, raw, run_event, run_id, schema

DAY = 86_400


def story() -> list[dict]:
    """Every day ``load`` makes ``t`` of ``raw``: on the second its SQL, the columns of ``t`` and what they come from
    change; on the third nothing does; on the fourth ``other`` makes ``t``, too."""

    def load(day: int, sql: str, *columns: str) -> dict:
        flow = column_lineage({columns[-1]: [("raw", "id")]})
        target = dataset("t", facets={"schema": schema(*columns), "columnLineage": flow})
        return run_event(run_id(day), "load", "COMPLETE", day * DAY, ["raw"], [target],
                         job_facets={"sql": facet(query=sql)})  # fmt: skip

    return [
        load(1, "INSERT INTO t SELECT id FROM raw", "id"),
        load(2, "INSERT INTO t SELECT id, x FROM raw", "id", "x"),
        load(3, "INSERT INTO t SELECT id, x FROM raw", "id", "x"),
        run_event(run_id(4), "other", "COMPLETE", 4 * DAY, ["raw"], ["t"]),
    ]


@pytest.fixture
def lineage():
    """The story, asked on the fifth day."""
    store = MemoryStore.open()
    store.append(raw(story()))
    return Lineage(store, clock=lambda: EPOCH_US + 5 * DAY * 1_000_000)


def moment(days: float) -> str:
    """So many days after the first event, as a link has it."""
    return f"@{EPOCH_US / 1e6 + days * DAY:.6f}"


def shown(lineage: Lineage, **more: object):
    """The view around ``t``."""
    return answer(lineage, msgspec.convert({"root": "t", **more}, View))


def test_a_node_that_is_there_at_both_instants_and_is_another_has_changed(lineage):
    """Columns and SQL are others; between the second and the third day nothing is."""
    found = shown(lineage, against=moment(1.5), as_of=moment(2.5))
    assert found.changes == {"dataset:db:t": "changed", "job:jobs:load": "changed"}
    assert shown(lineage, against=moment(2.5), as_of=moment(3.5)).changes == {}
    now = shown(lineage, against=moment(1.5))
    assert now.changes == {"dataset:db:t": "changed", "job:jobs:load": "changed", "job:jobs:other": "added"}
    assert now.edge_changes == {("dataset:db:raw", "dataset:db:t", "job:jobs:other"): "added"}


def test_columns_are_shown_when_two_instants_are_compared(lineage):
    """They stand on the cards, as they do for one instant."""
    found = shown(lineage, against=moment(1.5), as_of=moment(2.5), columns=True)
    assert dict(found.columns["dataset:db:t"]).keys() == {"id", "x"}
    picture = scene_of(found, View(root="t", columns=True), Groups()).picture
    assert {port.field for card in picture.cards if card.name == "t" for port in card.ports} == {"id", "x"}


def test_kinds_are_kept_apart_when_two_instants_are_compared(lineage):
    """A filter by kind holds for both."""
    found = shown(lineage, against=moment(1.5), kinds="model")
    assert {node.name for node in found.graph.nodes} == {"t"}


def test_what_differs_is_said_in_words():
    """Nodes and edges by what became of them; nothing too."""
    nodes = {"a": "added", "b": "added", "c": "changed"}
    edges = {("a", "b", ""): "removed"}
    assert difference_words(nodes, edges) == "Added: 2 nodes. Removed: 1 edge. Changed: 1 node."
    assert difference_words({}, {}) == "Nothing that is shown differs."


def test_a_view_that_compares_nothing_says_nothing(lineage):
    """Without an earlier instant there are no differences to tell of."""
    view = View(root="t")
    assert scene_of(answer(lineage, view), view, Groups()).differences == ""


def test_the_instants_of_a_view_are_those_at_which_something_changed(served):
    """Edges that began, ended or carry other columns, and columns, SQL and code that became others; what only became
    known is no change."""
    client = served.client()
    for event in story():
        assert client.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201
    found = client.post("/lineage/instants", json={"root": "t"}).json()
    assert [(one["at"], one["words"]) for one in found] == [
        (EPOCH_US + 1 * DAY * 1_000_000, "1 edge changed"),
        (EPOCH_US + 2 * DAY * 1_000_000, "1 edge, 1 schema, 1 SQL text changed"),
        (EPOCH_US + 4 * DAY * 1_000_000, "1 edge changed"),
    ]


def test_a_card_has_the_columns_of_the_time_that_is_shown(served):
    """A column that is gone stands on no card and is not found on it; at an earlier time it does, and what came later
    does not. What only edges tell of stays, of a dataset without a schema all of it."""
    store = MemoryStore.open()
    events = []
    for at, name in ((1, "old"), (2, "new")):
        flow = column_lineage({name: [("raw", name)], "extra": [("raw", "id")]})
        table = dataset("t", facets={"schema": schema("id", name), "columnLineage": flow})
        events.append(run_event(run_id(at), "load", "COMPLETE", at, ["raw"], [table]))
    store.append(raw(events))
    lineage = Lineage(store, clock=lambda: EPOCH_US + 10_000_000)
    now = shown(lineage, columns=True).columns
    assert [name for name, _ in now["dataset:db:t"]] == ["id", "new", "extra"]
    assert [name for name, _ in now["dataset:db:raw"]] == ["id", "new", "old"]
    then = shown(lineage, columns=True, as_of=f"@{EPOCH_US / 1e6 + 1.5}").columns
    assert [name for name, _ in then["dataset:db:t"]][:2] == ["id", "old"]
    client = served.client()
    for event in events:
        assert client.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201
    found = client.get("/lineage/columns", params={"node": "dataset:db:t"}).json()
    assert [name for name, _ in found] == ["id", "new", "extra"]


def test_a_path_names_both_its_ends(served):
    """Without its other end, or with one that is not known, it is refused with the field; to itself it has no steps."""
    client = served.client()
    for event in story():
        assert client.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201
    assert "load" in client.get("/lineage/path?root=raw&to=t").text
    for other, status in (("", 422), ("%20", 422), ("nowhere", 404), ("raw", 200), ("load", 200)):
        answered = client.get(f"/lineage/path?root=raw&to={other}")
        assert answered.status_code == status, (other, answered.text)
    assert client.get("/lineage/path?root=raw&to=").json()["field"] == "to"


@pytest.mark.parametrize(("state", "words"), [("START", "is running: what it reads"), ("FAIL", "failed: what it read")])
def test_the_page_says_why_nothing_is_known_yet(served, state, words):
    """As the terminal does: the last run that wrote it goes on, or failed. Once one has completed it says nothing."""
    client = served.client()

    def send(number: int, kind: str) -> None:
        table = dataset("t", facets={"schema": schema("id")})
        event = run_event(run_id(number), "load", kind, number, ["raw"], [table])
        assert client.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201

    def shown_page() -> str:
        return client.get("/lineage?root=t", headers={"Accept": "text/html"}).text

    send(1, state)
    assert words in shown_page()
    assert words in client.post("/lineage/picture", json={"root": "t"}).json()["table"]
    send(2, "COMPLETE")
    assert "run " + run_id(1)[:13] not in shown_page().partition("data-table")[2]
