"""A long picture in several rows: every card in its order, apart from all others, and no line through a card."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.model.graph import Edge, Node, NodeKind
from headwater.query.drawing.composition import picture_of
from headwater.query.drawing.geometry import Layout, Link, Rect
from headwater.query.drawing.picture import Picture
from headwater.query.drawing.wrapping import folded
from headwater.query.result import LineageGraph

from .test_layout import overlapping, trespassing

WIDEST = 600.0
"""Room for a card, its line and a job."""


def ways(steps: list[int]) -> LineageGraph:
    """From ``start`` through layers of so many tables each, every one made of all before it, by a job a layer."""
    layers = [["start"], *([f"t{at}.{one}" for one in range(count)] for at, count in enumerate(steps)), ["end"]]
    names = [name for layer in layers for name in layer]
    nodes = [Node(id=name, kind=NodeKind.DATASET, namespace="db", name=name, type="TABLE") for name in names]
    edges = [
        Edge(source=one, target=other, job=f"job{at}", run="r")
        for at in range(len(layers) - 1)
        for one in layers[at]
        for other in layers[at + 1]
    ]
    jobs = [Node(id=f"job{at}", kind=NodeKind.JOB, namespace="jobs", name=f"job{at}") for at in range(len(layers) - 1)]
    return LineageGraph(roots=("start",), nodes=(*nodes, *jobs), edges=tuple(edges))


def rects(picture: Picture) -> dict[str, Rect]:
    """Where the cards stand."""
    return {card.id: Rect(card.x, card.y, card.w, card.h) for card in picture.cards}


@given(st.lists(st.integers(1, 4), max_size=9), st.sampled_from(["nodes", "edges"]), st.floats(100, 2000))
def test_a_way_in_rows_can_be_read(steps: list[int], jobs: str, wide: float) -> None:
    """Cards are apart and keep their order, lines begin and end at their cards and pass between all others, and what is
    drawn lies within the bounds that are told."""
    before = picture_of(ways(steps), jobs=jobs)  # type: ignore[arg-type]
    picture = folded(before, wide)
    places = rects(picture)
    assert overlapping(places) == []
    routes = {Link(link.source, link.target): list(link.points) for link in picture.links}
    assert trespassing(Layout(places, routes, frozenset(), Rect(0, 0, 0, 0))) == []
    assert len(picture.links) == len(before.links)
    assert [card.id for card in picture.cards] == [card.id for card in before.cards]
    for link in picture.links:
        source, target = places[link.source], places[link.target]
        assert link.points[0] == pytest.approx((source.right, source.middle), abs=0.2)
        assert link.points[-1] == pytest.approx((target.x, target.middle), abs=0.2)
        assert target.x >= source.right or target.y >= source.bottom
    everywhere = [point for link in picture.links for point in link.points]
    everywhere += [corner for rect in places.values() for corner in ((rect.x, rect.y), (rect.right, rect.bottom))]
    assert min(x for x, _ in everywhere) >= picture.x - 0.2
    assert max(y for _, y in everywhere) <= picture.y + picture.height + 0.2


@given(st.lists(st.integers(1, 4), max_size=9))
def test_rows_are_no_wider_than_asked(steps: list[int]) -> None:
    """Where a card and a job find room, the cards of no row take more than was asked for."""
    places = rects(folded(picture_of(ways(steps), jobs="nodes"), WIDEST)).values()
    assert max(rect.right for rect in places) - min(rect.x for rect in places) <= WIDEST


@pytest.mark.parametrize("wide", [1e6, 5000.0])
def test_a_short_way_stands_as_it_stood(wide: float) -> None:
    """What is narrow enough is in one row, as it was."""
    picture = picture_of(ways([1, 2, 1]), jobs="nodes")
    assert folded(picture, wide) == picture


def test_a_column_that_is_wider_than_asked_has_a_row_of_its_own() -> None:
    """However narrow the screen, there is a column in each row, and nothing is lost."""
    picture = picture_of(ways([1, 1]), jobs="nodes")
    places = rects(folded(picture, 1.0))
    assert places.keys() == rects(picture).keys()
    assert len({rect.y for rect in places.values()}) == len(places)
    assert {rect.x for rect in places.values()} == {0.0}
