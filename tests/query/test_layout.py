"""The layout: nothing overlaps, data flows to the right, and the order of the input does not matter."""

from __future__ import annotations

import random
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.query.layering import break_cycles
from headwater.query.layout import TALLEST, Box, Layout, layout

KEYS = [f"n{number}" for number in range(14)]
graphs = st.tuples(
    st.lists(st.sampled_from(KEYS), min_size=1, max_size=14, unique=True),
    st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(KEYS)), max_size=40),
)


def place(keys: list[str], links: list[tuple[str, str]]) -> Layout:
    """Lay out boxes whose sizes follow from their names."""
    return layout([Box(key, 60 + 10 * (len(key) + int(key[1:]) % 3), 20 + int(key[1:]) % 5 * 9) for key in keys], links)


@given(graphs)
def test_boxes_never_overlap(graph: tuple[list[str], list[tuple[str, str]]]) -> None:
    """Any two boxes are apart, whatever the graph."""
    placed = place(*graph)
    for (_, a), (_, b) in combinations(placed.boxes.items(), 2):
        is_apart = a.x + a.width <= b.x or b.x + b.width <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y
        assert is_apart


@given(graphs)
def test_links_lead_to_the_right(graph: tuple[list[str], list[tuple[str, str]]]) -> None:
    """A link leads from the right side of its source to a box further right, unless it closes a cycle."""
    placed = place(*graph)
    for source, target in placed.routes:
        a, b = placed.boxes[source], placed.boxes[target]
        if (source, target) in placed.backward:
            a, b = b, a
        assert a.x + a.width < b.x


@given(graphs, st.randoms(use_true_random=False))
def test_order_of_input_changes_nothing(
    graph: tuple[list[str], list[tuple[str, str]]], shuffler: random.Random
) -> None:
    """The layout is a function of the set of boxes and links."""
    keys, links = graph
    mixed_keys, mixed_links = list(keys), list(links)
    shuffler.shuffle(mixed_keys)
    shuffler.shuffle(mixed_links)
    assert place(keys, links) == place(mixed_keys, mixed_links)


@given(graphs)
def test_turning_backward_links_leaves_no_cycle(graph: tuple[list[str], list[tuple[str, str]]]) -> None:
    """Without a cycle nothing is turned; with the chosen links turned no cycle is left."""
    keys, links = sorted(graph[0]), sorted({(a, b) for a, b in graph[1] if a != b and {a, b} <= set(graph[0])})
    backward = break_cycles(keys, links)
    turned = sorted({(b, a) if (a, b) in backward else (a, b) for a, b in links})
    assert not break_cycles(keys, turned)


@settings(max_examples=20)
@given(st.integers(30, 120))
def test_tall_layers_wrap(count: int) -> None:
    """A fan of many boxes stands in several columns rather than one tower."""
    keys = ["hub", *(f"leaf{number:03d}" for number in range(count))]
    placed = layout([Box(key, 100, 50) for key in keys], [("hub", key) for key in keys[1:]])
    assert placed.height <= TALLEST + 70


def test_nothing_gives_an_empty_layout() -> None:
    """No boxes take no room."""
    assert layout([], [("a", "b")]) == Layout({}, {}, frozenset(), 0.0, 0.0)


def test_a_long_link_has_room_of_its_own() -> None:
    """A link across a layer passes above or below the box in between, not through it."""
    placed = layout([Box(key, 80, 40) for key in "abc"], [("a", "b"), ("b", "c"), ("a", "c")])
    middle = placed.boxes["b"]
    inside = [y for x, y in placed.routes["a", "c"] if middle.x <= x <= middle.x + middle.width]
    assert inside
    assert all(y < middle.y or y > middle.y + middle.height for y in inside)
