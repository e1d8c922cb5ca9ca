"""The layout: nothing overlaps, links lead right and around boxes, input order does not matter, placed boxes stay."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headwater.errors import InvalidInput
from headwater.query.drawing.coordinates import TALLEST
from headwater.query.drawing.geometry import Box, Layout, Link, Rect
from headwater.query.drawing.layering import break_cycles
from headwater.query.drawing.layout import layout
from headwater.query.drawing.nested_layout import nested
from headwater.query.drawing.routing import backwards, bands_of

KEYS = [f"n{number}" for number in range(14)]
PORTS = ("", "p", "q")
Drawn = tuple[list[str], list[Link]]
graphs = st.tuples(
    st.lists(st.sampled_from(KEYS), min_size=1, max_size=14, unique=True),
    st.lists(
        st.builds(Link, st.sampled_from(KEYS), st.sampled_from(KEYS), st.sampled_from(PORTS), st.sampled_from(PORTS)),
        max_size=40,
    ),
)


def box(key: str) -> Box:
    """Return a box whose size and ports follow from its name."""
    number = int(key[1:])
    height = 30.0 + number % 5 * 9
    return Box(key, 60.0 + 10 * (number % 3), height, (("p", 10.0), ("q", height - 6)) if number % 2 else ())


def place(keys: list[str], links: list[Link]) -> Layout:
    """Lay out boxes."""
    return layout([box(key) for key in keys], links)


def pipeline(count: int, seed: int) -> Drawn:
    """Return a layered graph like those of data pipelines: short links, some long ones, some hubs, a rare cycle."""
    rng = random.Random(seed)
    keys = [f"n{number}" for number in range(count)]
    links = []
    for number in range(1, count):
        for _ in range(rng.choice((1, 1, 2, 3))):
            reach = rng.choice((8, 20, number))
            source = rng.randrange(max(0, number - reach), number)
            ends = (source, number) if rng.random() < 0.98 else (number, source)
            links.append(Link(f"n{ends[0]}", f"n{ends[1]}", rng.choice(PORTS), rng.choice(PORTS)))
    return keys, links


def overlapping(boxes: dict[str, Rect], inside: dict[str, str] | None = None) -> list[tuple[str, str]]:
    """Return the pairs of boxes that overlap; a group's box may hold its members."""
    homes, keys = inside or {}, list(boxes)
    x, y, width, height = np.array(list(boxes.values()), dtype=float).reshape(-1, 4).T
    aside = (x + width)[:, None] <= x
    above = (y + height)[:, None] <= y
    pairs = np.argwhere(np.triu(~(aside | aside.T | above | above.T), 1))
    found = [(keys[a], keys[b]) for a, b in pairs]
    return [(a, b) for a, b in found if homes.get(a) != b and homes.get(b) != a]


def trespassing(drawn: Layout, may: dict[str, str] | None = None) -> list[tuple[Link, str]]:
    """Return links that pass through a box that is not one of their ends; ``may`` names boxes that hold an end."""
    homes, keys = may or {}, list(drawn.boxes)
    ways = [(link, a, b) for link, points in drawn.routes.items() for a, b in pairwise(points)]
    if not ways:
        return []
    found = entering(np.array([(*a, *b) for _, a, b in ways]), np.array(list(drawn.boxes.values()), dtype=float))
    pairs = {(ways[way][0], keys[at]) for way, at in np.argwhere(found)}
    return [
        (link, key)
        for link, key in pairs
        if key not in {link.source, link.target, homes.get(link.source), homes.get(link.target)}
    ]


def entering(ways: np.ndarray, rects: np.ndarray) -> np.ndarray:
    """Tell for each stretch (x, y to x, y) and rectangle whether one enters the inside of the other (Liang, Barsky)."""
    low, high = np.zeros((len(ways), len(rects))), np.ones((len(ways), len(rects)))
    for axis in (0, 1):
        start, step = ways[:, None, axis], (ways[:, axis + 2] - ways[:, axis])[:, None]
        least, most = rects[:, axis][None], (rects[:, axis] + rects[:, axis + 2])[None]
        still = step == 0
        divisor = np.where(still, 1.0, step)
        ends = np.stack(((least - start) / divisor, (most - start) / divisor))
        is_out = still & ((start <= least) | (start >= most))
        low = np.where(still, low, np.maximum(low, ends.min(0)))
        high = np.where(is_out, -1.0, np.where(still, high, np.minimum(high, ends.max(0))))
    return high - low > 1e-9


@settings(deadline=None)
@given(graphs)
def test_boxes_never_overlap(graph: Drawn) -> None:
    """Any two boxes are apart, whatever the graph."""
    assert not overlapping(place(*graph).boxes)


@settings(deadline=None)
@given(graphs)
def test_links_lead_to_the_right(graph: Drawn) -> None:
    """A link leads from the right side of its source, ever further right, to the left side of its target; only links
    that close a cycle lead back, and they too start on the right and end on the left."""
    drawn = place(*graph)
    for link, points in drawn.routes.items():
        a, b = drawn.boxes[link.source], drawn.boxes[link.target]
        assert (points[0][0], points[-1][0]) == (a.right, b.x)
        if link in drawn.backward:
            assert a.x >= b.x
        else:
            assert a.right < b.x
            assert all(x <= to_x for (x, _), (to_x, _) in pairwise(points))


@settings(deadline=None)
@given(graphs)
def test_links_end_at_their_ports(graph: Drawn) -> None:
    """A link starts and ends at the height of its port, or in the middle of a box without it."""
    drawn = place(*graph)
    for link, points in drawn.routes.items():
        for key, port, point in (
            (link.source, link.source_port, points[0]),
            (link.target, link.target_port, points[-1]),
        ):
            rect = drawn.boxes[key]
            assert point[1] == pytest.approx(rect.y + dict(box(key).ports).get(port, rect.height / 2), abs=0.11)


@settings(deadline=None)
@given(graphs)
def test_links_pass_through_no_box(graph: Drawn) -> None:
    """A link never crosses a box that is not one of its ends."""
    assert not trespassing(place(*graph))


@settings(max_examples=12, deadline=None)
@given(st.integers(20, 300), st.integers(0, 10_000))
def test_pipelines_up_to_300_boxes(count: int, seed: int) -> None:
    """The same holds in graphs of up to 300 boxes: apart, around boxes, to the right."""
    drawn = place(*pipeline(count, seed))
    assert not overlapping(drawn.boxes)
    assert not trespassing(drawn)


def test_large_pictures_keep_the_rules() -> None:
    """Beyond the size up to which links get room of their own they still pass between boxes."""
    drawn = place(*pipeline(500, 5))
    assert not overlapping(drawn.boxes)
    assert not trespassing(drawn)


@settings(deadline=None)
@given(graphs, st.randoms(use_true_random=False))
def test_order_of_input_changes_nothing(graph: Drawn, shuffler: random.Random) -> None:
    """The layout is a function of the set of boxes and links."""
    keys, links = graph
    mixed_keys, mixed_links = list(keys), list(links)
    shuffler.shuffle(mixed_keys)
    shuffler.shuffle(mixed_links)
    assert place(keys, links) == place(mixed_keys, mixed_links)


@settings(deadline=None)
@given(graphs)
def test_turning_backward_links_leaves_no_cycle(graph: Drawn) -> None:
    """Without a cycle nothing is turned; with the chosen links turned no cycle is left."""
    number = {key: at for at, key in enumerate(sorted(graph[0]))}
    pairs = sorted({(number[a], number[b]) for a, b, *_ in graph[1] if a != b and {a, b} <= set(number)})
    backward = break_cycles(len(number), pairs)
    turned = sorted({(b, a) if (a, b) in backward else (a, b) for a, b in pairs})
    assert not break_cycles(len(number), turned)


@settings(deadline=None)
@given(graphs, st.sets(st.sampled_from(KEYS)))
def test_placed_boxes_stay(graph: Drawn, late: set[str]) -> None:
    """Adding boxes leaves each placed one exactly where it was, nothing overlaps, and links go around all of them."""
    keys, links = graph
    early = [key for key in keys if key not in late]
    before = place(early, links)
    after = layout([box(key) for key in keys], links, placed=before.boxes)
    assert {key: after.boxes[key] for key in early} == before.boxes
    assert not overlapping(after.boxes)
    if early:
        assert not trespassing(after)


@settings(deadline=None)
@given(graphs, st.sets(st.sampled_from(KEYS)))
def test_collapsing_restores(graph: Drawn, late: set[str]) -> None:
    """Taking the added boxes away again gives the picture as it was, and adding them again the same places."""
    keys, links = graph
    early = [key for key in keys if key not in late]
    before = place(early, links)
    after = layout([box(key) for key in keys], links, placed=before.boxes)
    again = layout([box(key) for key in early], links, placed=after.boxes)
    assert again.boxes == before.boxes
    assert layout([box(key) for key in keys], links, placed=again.boxes) == after


@settings(deadline=None)
@given(st.integers(0, 1000), st.lists(st.integers(1, 60), min_size=1, max_size=6))
def test_expanding_hop_by_hop(seed: int, steps: list[int]) -> None:
    """However often a picture grows, nothing moves and nothing overlaps; links go around all of it."""
    keys, links = pipeline(120, seed)
    shown, placed = 10, place(keys[:10], links).boxes
    for step in steps:
        shown = min(shown + step, len(keys))
        drawn = layout([box(key) for key in keys[:shown]], links, placed=placed)
        assert {key: drawn.boxes[key] for key in placed} == placed
        assert not overlapping(drawn.boxes)
        assert not trespassing(drawn)
        placed = drawn.boxes


def test_new_neighbours_stand_on_their_side() -> None:
    """What a placed box is made from goes left of it, what is made from it right, near its height."""
    placed = {"n2": Rect(400.0, 300.0, *box("n2")[1:3])}
    drawn = layout([box(key) for key in ("n1", "n2", "n3")], [Link("n1", "n2"), Link("n2", "n3")], placed=placed)
    assert drawn.boxes["n1"].right < placed["n2"].x < placed["n2"].right < drawn.boxes["n3"].x
    assert not drawn.backward
    assert {round(rect.middle) for rect in drawn.boxes.values()} == {324}


@settings(deadline=None)
@given(
    graphs,
    st.dictionaries(
        st.sampled_from(KEYS), st.builds(Rect, *([st.floats(-900, 900)] * 2), st.floats(0, 300), st.floats(0, 300))
    ),
)
def test_any_earlier_places_are_safe(graph: Drawn, placed: dict[str, Rect]) -> None:
    """Whatever places a caller hands in, overlapping ones too, no two boxes overlap in the end."""
    drawn = layout([box(key) for key in graph[0]], graph[1], placed=placed)
    assert not overlapping(drawn.boxes)


def test_places_that_are_far_apart_are_quick_to_compare() -> None:
    """A group is as large as its members are far apart: room for it is found without going over all of its area."""
    keys = KEYS[:3]
    placed = {"n0": Rect(-9e6, -9e6, 60.0, 30.0), "n1": Rect(9e6, 9e6, 70.0, 39.0), "n2": Rect(0.0, 0.0, 80.0, 48.0)}
    drawn = nested([box(key) for key in keys], [], {"n0": "group", "n1": "group"}, placed=placed)
    assert drawn.boxes["group"].width > 18e6
    assert drawn.boxes["group"].is_apart(drawn.boxes["n2"])


def test_a_place_that_is_no_number_is_refused() -> None:
    """A place that is not finite is an error that names the box."""
    with pytest.raises(InvalidInput, match=r"placed\.n1"):
        layout([box("n1")], [], placed={"n1": Rect(float("nan"), 0.0, 1.0, 1.0)})


@settings(deadline=None)
@given(graphs, st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["group:a", "group:b"])))
def test_groups_hold_their_members_and_nobody_else(graph: Drawn, homes: dict[str, str]) -> None:
    """A group's box contains its members, overlaps no other box, and links pass through no box on their way."""
    keys, links = graph
    drawn = nested([box(key) for key in keys], links, homes)
    inside = {key: group for key, group in homes.items() if key in keys}
    assert not overlapping(drawn.boxes, inside)
    for key, group in inside.items():
        rect, around = drawn.boxes[key], drawn.boxes[group]
        assert around.x < rect.x and rect.right < around.right and around.y < rect.y and rect.bottom < around.bottom
    assert not trespassing(drawn, inside)
    assert set(drawn.routes) == {
        link for link in links if link.source in keys and link.target in keys and link.source != link.target
    }


@settings(deadline=None)
@given(graphs, st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["group:a", "group:b"])))
def test_grouped_pictures_are_restored(graph: Drawn, homes: dict[str, str]) -> None:
    """Laid out again with all places given, cards and groups stay where they were."""
    boxes = [box(key) for key in graph[0]]
    drawn = nested(boxes, graph[1], homes)
    again = nested(boxes, graph[1], homes, placed=drawn.boxes)
    assert {key: again.boxes[key] for key in graph[0]} == {key: drawn.boxes[key] for key in graph[0]}
    assert not overlapping(again.boxes, {key: group for key, group in homes.items() if key in graph[0]})


@settings(max_examples=20, deadline=None)
@given(st.integers(30, 120))
def test_tall_layers_wrap(count: int) -> None:
    """A fan of many boxes stands in several columns rather than one tower."""
    keys = ["hub", *(f"leaf{number:03d}" for number in range(count))]
    drawn = layout([Box(key, 100, 50) for key in keys], [Link("hub", key) for key in keys[1:]])
    assert drawn.bounds.height <= TALLEST + 70
    assert not trespassing(drawn)


def test_nothing_gives_an_empty_layout() -> None:
    """No boxes take no room."""
    assert layout([], [Link("a", "b")]) == Layout({}, {}, frozenset(), Rect(0.0, 0.0, 0.0, 0.0))


def test_a_planar_graph_is_drawn_without_crossings() -> None:
    """A tree and a ladder have an order without crossings, and it is found."""
    tree = [Link(f"n{number // 3}", f"n{number}") for number in range(1, 60) if number // 3 != number]
    drawn = layout([Box(f"n{number}", 80, 40) for number in range(60)], tree)
    heights = {}
    for link in drawn.routes:
        a, b = drawn.boxes[link.source], drawn.boxes[link.target]
        heights.setdefault((a.x, b.x), []).append((a.y, b.y))
    for pairs in heights.values():
        assert [target for _, target in sorted(pairs)] == sorted(target for _, target in pairs)


PLACE = st.floats(-300, 300)


@settings(max_examples=200)
@given(start=PLACE, end=PLACE, tops=st.lists(PLACE, min_size=1, max_size=4))
@example(start=0.04, end=30.0, tops=[100.0])
def test_no_two_points_of_a_way_back_fall_together(start: float, end: float, tops: list[float]) -> None:
    """Whatever the places, each corner of a link that leads back lies between two others, and can be made round."""
    bands = bands_of(Rect(260.0 * at, top, 208.0, 46.0) for at, top in enumerate(tops))
    points = backwards((bands[-1].right, start), (bands[0].left, end), bands)
    assert all(before != after for before, after in pairwise(points))
