"""The SVG of a picture in which something stands out: its marks, and the legend below."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import msgspec
import pytest

from headwater.model.emphasis import COLOURS, MEANINGS, PLAIN, Emphasis
from headwater.model.graph import Edge, How, Node, NodeKind
from headwater.query import LineageGraph
from headwater.query.drawing import palette, picture_of
from headwater.query.drawing.svg import size_of, svg_of

GRAPH = LineageGraph(
    roots=("a",),
    nodes=(
        *(Node(id=name, kind=NodeKind.DATASET, namespace="n", name=name, type="TABLE") for name in "abc"),
        Node(id="j", kind=NodeKind.JOB, namespace="n", name="j", state="FAILED"),
    ),
    edges=(Edge(source="a", target="b", job="j"), Edge(source="b", target="c", how=How.INFERRED)),
)
PICTURE = picture_of(GRAPH, jobs="nodes")


def marked(**more: object) -> Emphasis:
    """``b`` breaks, and the first line was added."""
    lines = ("added", *("" for _ in PICTURE.links[1:]))
    return msgspec.convert({"title": "If <x> is dropped", "nodes": {"b": "breaks"}, "lines": lines, **more}, Emphasis)


def words(text: str) -> list[str]:
    """All that is written in an SVG."""
    return [found.text or "" for found in ET.fromstring(text).iter("{http://www.w3.org/2000/svg}text")]


def test_the_colours_are_those_of_the_palette():
    """Forms with one theme have the light one."""
    assert {mark: palette.LIGHT[palette.MARKS[mark]] for mark in MEANINGS} == COLOURS


@pytest.mark.parametrize("theme", ["", "light", "dark"])
def test_what_stands_out_is_marked_and_explained(theme):
    """Cards and lines have the class of their mark, a line's tip its colour; the legend names it, and says it to those
    who cannot see it; in one theme no variable is left."""
    text = svg_of(PICTURE, theme=theme, emphasis=marked())
    assert len(re.findall(r'class="card m-breaks" x="\d{2,}', text)) == 1
    assert len(re.findall(r'class="edge m-added" marker-end="url\(#hw-tip-added\)"', text)) == 1
    assert "<title>b, table · n, n, failed, breaks</title>" in text
    assert ("var(--" in text) is (theme == "")
    found = words(text)
    at = found.index("If <x> is dropped")
    assert found[at + 1 :] == [
        "breaks", "added between the two times", "a value flows",
        "it only decides (filter, join), or was inferred", "data", "latest run failed", "the root",
    ]  # fmt: skip


def test_the_legend_stands_within_the_picture():
    """The file is as large as picture and legend, and nothing of the legend lies outside, however narrow it is."""
    emphasis = marked(title="A title that is longer than this small picture is wide. " * 3)
    width, height = size_of(PICTURE, emphasis=emphasis)
    plain_width, plain_height = size_of(PICTURE)
    assert width > plain_width
    assert height > plain_height + 40
    root = ET.fromstring(svg_of(PICTURE, emphasis=emphasis))
    assert (float(root.get("width")), float(root.get("height"))) == pytest.approx((width, height), abs=0.1)
    places = [found.get("transform") for found in root.iter() if "translate" in (found.get("transform") or "")]
    inside = [tuple(map(float, re.findall(r"-?[\d.]+", place))) for place in places[1:]]
    assert all(0 <= x < width - 60 and 0 <= y < height - plain_height for x, y in inside)


def test_a_picture_without_a_legend_is_as_it_was():
    """Notebooks and the API have none; a legend without marks names the signs alone."""
    assert size_of(PICTURE, emphasis=None) == size_of(PICTURE)
    assert "value flows" not in svg_of(PICTURE)
    plain = svg_of(PICTURE, emphasis=PLAIN)
    assert "a value flows" in words(plain)
    assert "m-breaks" not in plain
