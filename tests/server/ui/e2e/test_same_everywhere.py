"""One graph in the terminal, in a notebook and on the page: the same order, the same words, the same colours."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from playwright.sync_api import expect
from stories import typed

from headwater.cli.output import _STYLES
from headwater.query import Lineage
from headwater.query.drawing.palette import LIGHT, TERMINAL
from headwater.query.tree import TreeStyle, tree
from headwater.storage.open import open_store
from headwater.testing.events import run_event, run_id

SVG = "{http://www.w3.org/2000/svg}"
CARDS = """cards => cards.map(card => ({
  name: card.querySelector('.g-name').textContent,
  y: new DOMMatrix(getComputedStyle(card).transform).f,
  said: card.getAttribute('aria-label'),
  colour: getComputedStyle(card, '::before').backgroundColor,
}))"""


def story():
    """Sources -> two raw tables -> clean -> a model and features -> predictions; cleaning failed the last time."""
    raw = [typed("raw.zebra", "TABLE", "a"), typed("raw.ape", "FILE", "a")]
    spend = typed("features.spend", "FEATURE_VIEW", "a")
    return [
        run_event(run_id(1), "load", "COMPLETE", 1, ["far.one", "far.two"], [raw[0]]),
        run_event(run_id(2), "prepare", "COMPLETE", 2, raw, [typed("clean", "TABLE", "a")]),
        run_event(run_id(3), "feature", "COMPLETE", 3, ["clean"], [spend]),
        run_event(run_id(4), "train", "COMPLETE", 4, ["features.spend", "clean"], [typed("churn", "MODEL")]),
        run_event(run_id(5), "predict", "COMPLETE", 5, ["churn", "clean"], [typed("preds", "PREDICTIONS")]),
        run_event(run_id(6), "prepare", "FAIL", 6),
    ]


@pytest.fixture(scope="module")
def live(filled):
    """A service over the story."""
    return filled(story())


@pytest.fixture(scope="module")
def graph(live):
    """What the predictions come from, as far as the raw tables."""
    with open_store(str(live.folder), tenant="default") as store:
        return Lineage(store, base="/").upstream("preds", depth=2)


@pytest.fixture
def cards(live, watch):
    """The cards of the page of the same graph, by name."""
    page = watch(color_scheme="light", viewport={"width": 2600, "height": 900}).open(
        f"{live.url}/lineage?root=preds&up=2&down=0"
    )
    expect(page.locator(".g-card.is-root")).to_be_visible()
    page.locator("[data-do=fit]").click()
    page.wait_for_timeout(500)
    return {card["name"]: card for card in page.locator(".g-card").evaluate_all(CARDS)}


def lines_of(graph) -> dict[str, list]:
    """The first line of each name in the terminal's tree: spans."""
    found: dict[str, list] = {}
    for line in tree(graph, TreeStyle()):
        words = "".join(span.text for span in line)
        if match := re.search(r"[^\w\s│├└─⋯!·] ([\w.]+)  ", words + "  "):
            found.setdefault(match[1], line)
    return found


def families(graph) -> dict[str, list[str]]:
    """The children of each name in the terminal's tree, in order."""
    above: list[str] = []
    found: dict[str, list[str]] = {}
    for line in tree(graph, TreeStyle()):
        words = "".join(span.text for span in line)
        match = re.match(r"^((?:[│ ] {2})*(?:[├└]─ )?)[^\w\s⋯] ([\w.]+)", words)
        if match is None:
            continue
        depth = len(match[1]) // 3
        above[depth:] = [match[2]]
        if depth:
            found.setdefault(above[depth - 1], []).append(match[2])
    return found


def drawn(graph) -> dict[str, tuple[float, str, str]]:
    """How far down each name stands in the SVG, what is said of it, and the name of its colour."""
    found = {}
    for group in ElementTree.fromstring(graph.to_svg()).iter(f"{SVG}g"):
        said = group.find(f"{SVG}title").text
        name = re.match(r"[\w.]+", said)[0]
        strip = next(
            (one for one in group if (one.get("class") or "").startswith("c-") and one.get("width") == "3"), None
        )
        colour = "" if strip is None else strip.get("class").removeprefix("c-")
        found[name] = (float(group.find(f"{SVG}rect").get("y")), said, colour)
    return found


def test_the_order_is_the_same(graph, cards):
    """What stands above in the tree stands above in the SVG and on the page."""
    svg = drawn(graph)
    children = families(graph)
    assert sorted(children["prepare"]) == ["raw.ape", "raw.zebra"]
    assert max(map(len, children.values())) == 2
    for names in children.values():
        assert names == sorted(names, key=lambda name: svg[name][0])
        assert names == sorted(names, key=lambda name: cards[name]["y"])
    assert {name: y for name, (y, _, _) in svg.items()} == pytest.approx(
        {name: one["y"] for name, one in cards.items()}
    )


def test_the_words_are_the_same(graph, cards):
    """Types, states and counts of what is not shown are told in the same words."""
    svg, lines = drawn(graph), lines_of(graph)
    text = {name: "".join(span.text for span in line) for name, line in lines.items()}
    for name, word in {
        "raw.zebra": "table", "raw.ape": "file", "features.spend": "feature view", "churn": "model",
        "preds": "predictions", "prepare": "failed",
    }.items():  # fmt: skip
        for told in (text[name], svg[name][1], cards[name]["said"]):
            assert word in told
    assert "failed" not in text["train"] + svg["train"][1] + cards["train"]["said"]
    assert "⋯ 2 more upstream" in graph.to_tree()
    assert "<title>2 more upstream</title>" in graph.to_svg()
    assert cards["raw.zebra"]["said"].endswith("2 more upstream")


def test_the_names_are_the_same(filled, watch):
    """A file in a long folder has one short name in tree, SVG, Mermaid, DOT, on its card and in the table; the whole of
    it is told by whoever is pointed at."""
    home = "/home/me/projects/churn"
    paths = {f"{home}/raw/users.csv": "raw/users.csv", f"{home}/clean/users.csv": "clean/users.csv"}
    raw, clean = ({"namespace": "file", "name": path, "facets": {}} for path in paths)
    live = filled([run_event(run_id(1), "prepare", "COMPLETE", 1, [raw], [clean])])
    with open_store(str(live.folder), tenant="default") as store:
        found = Lineage(store, base="/").upstream(f"{home}/clean/users.csv")
    page = watch().open(f"{live.url}/lineage?root={home}/clean/users.csv")
    shown = {
        card.get_attribute("title"): card.locator(".g-name").text_content() for card in page.locator(".g-card").all()
    }
    titles = ElementTree.fromstring(found.to_svg()).iter(f"{SVG}title")
    told = " ".join(title.text for title in titles)
    for path, short in paths.items():
        assert shown[path] == short
        assert page.locator(f'[data-table] [title="{path}"]').first.text_content().startswith(short)
        assert path in told
        assert f">{short}</text>" in found.to_svg()
        for text in (found.to_tree(), found.to_mermaid(), found.to_dot()):
            assert short in text
        assert path not in found.to_tree()
        assert path in found.to_json()
        assert path in found.to_mermaid()


def test_the_colours_are_the_same(graph, cards):
    """A type has one colour name everywhere: its own on the page and in the SVG, its nearest in a terminal."""
    svg, lines = drawn(graph), lines_of(graph)
    for name in ("raw.zebra", "raw.ape", "features.spend", "churn", "preds"):
        colour = svg[name][2]
        red, green, blue = (int(LIGHT[colour][at : at + 2], 16) for at in (1, 3, 5))
        assert cards[name]["colour"] == f"rgb({red}, {green}, {blue})"
        mark = next(span for span in lines[name] if span.style in TERMINAL and span.style != "dim")
        assert mark.style == colour
        assert _STYLES[colour] == {"fg": TERMINAL[colour]}
    assert {svg[name][2] for name in ("raw.zebra", "features.spend", "churn", "preds")} == {
        "data", "feature", "model", "predictions",
    }  # fmt: skip
    state = next(span for span in lines["prepare"] if span.text.endswith("✘"))
    assert state.style == "bad"
