"""Pictures as data: what cards and links say, columns, groups, places, colours; the same whatever the input order."""

from __future__ import annotations

import random
from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import InvalidInput
from headwater.model.graph import Edge, FieldEdge, How, Node, NodeKind
from headwater.query import Lineage, LineageGraph
from headwater.query.drawing import Picture, palette, picture_of
from headwater.query.drawing.cards import CARD_HEIGHT, ROW_HEIGHT
from headwater.query.drawing.grouping import grouped, worst
from headwater.query.drawing.svg import svg_of


@dataclass
class Sample:
    """Six tables of two namespaces made by three jobs, one of which failed."""

    failed: str = "FAILED"

    def graph(self, **changes: object) -> LineageGraph:
        """Return the graph."""
        nodes = [
            Node(id=name, kind=NodeKind.DATASET, namespace="lake" if name < "d" else "db", name=name, type="TABLE")
            for name in "abcdef"
        ]
        nodes += [
            Node(id=f"job:{number}", kind=NodeKind.JOB, namespace="jobs", name=f"job {number}", state=state)
            for number, state in enumerate(("COMPLETED", self.failed, "RUNNING"))
        ]
        edges = [
            Edge(source="a", target="c", job="job:0"),
            Edge(source="b", target="c", job="job:0"),
            Edge(source="c", target="d", job="job:1", fields=(FieldEdge(source_field="x", target_field="y"),)),
            Edge(source="c", target="e", job="job:1", how=How.INFERRED),
            Edge(source="d", target="f", job="job:2"),
            Edge(source="e", target="f", job="job:2", valid_to=5),
        ]
        given: dict[str, object] = {
            "roots": ("f",),
            "direction": "upstream",
            "nodes": tuple(nodes),
            "edges": tuple(edges),
        }
        return LineageGraph(**(given | changes))  # type: ignore[arg-type]


GRAPH = Sample().graph()


def card(picture: Picture, key: str):
    """Return a card by id."""
    return next(card for card in picture.cards if card.id == key)


@settings(deadline=None, max_examples=30)
@given(st.randoms(use_true_random=False), st.sampled_from(["edges", "nodes"]), st.sampled_from([None, "namespace"]))
def test_order_of_nodes_and_edges_changes_nothing(shuffler: random.Random, jobs: str, group_by: str | None) -> None:
    """The picture, to the last byte, is a function of the set of nodes and edges."""
    nodes, edges = list(GRAPH.nodes), list(GRAPH.edges)
    shuffler.shuffle(nodes)
    shuffler.shuffle(edges)
    mixed = Sample().graph(nodes=tuple(nodes), edges=tuple(edges))
    whole, other = (msgspec.json.encode(picture_of(g, jobs=jobs, group_by=group_by)) for g in (GRAPH, mixed))
    assert msgspec.json.decode(whole)["links"] == msgspec.json.decode(other)["links"]
    assert msgspec.json.decode(whole)["cards"] == msgspec.json.decode(other)["cards"]


def test_a_picture_survives_json(lineage: Lineage) -> None:
    """What is encoded is decoded to the same picture."""
    drawn = picture_of(lineage.upstream("predictions.parquet", columns=True), group_by="namespace")
    assert msgspec.json.decode(msgspec.json.encode(drawn), type=Picture) == drawn


def test_cards_of_two_versions_of_a_dataset_are_told_apart() -> None:
    """By the version, in the picture and in the tree. A card of which there is one version says its name alone, for
    which it has room."""
    nodes = tuple(
        Node(
            id=f"dataset:n:{name}#{version}",
            kind=NodeKind.DATASET_VERSION,
            namespace="n",
            name=name,
            properties={"version": version},
        )
        for name, version in (("raw", "2026-01-01T00:00"), ("net", "2026-01-01T10:00"), ("net", "2026-01-01T12:00"))
    )
    edges = (Edge(source=nodes[0].id, target=nodes[1].id), Edge(source=nodes[1].id, target=nodes[2].id))
    graph = LineageGraph(roots=(nodes[2].id,), direction="upstream", nodes=nodes, edges=edges, level="run")
    shown = {card.label for card in picture_of(graph).cards}
    assert shown == {"raw", "net#2026-01-01T10:00", "net#2026-01-01T12:00"}
    tree = graph.to_tree()
    assert all(name in tree for name in ("net#2026-01-01T12:00", "net#2026-01-01T10:00", "raw#2026-01-01T00:00"))


def test_links_say_how_they_are_known() -> None:
    """A link carries job, run, evidence and whether it is valid; a dataset the state of the jobs that make it."""
    drawn = picture_of(GRAPH)
    links = {(link.source, link.target): link for link in drawn.links}
    assert links["c", "e"].how == "inferred"
    assert links["c", "e"].job == "job:1"
    assert links["e", "f"].is_past
    assert not links["d", "f"].is_past
    assert {card.id: card.state for card in drawn.cards} == {
        "a": "", "b": "", "c": "completed", "d": "failed", "e": "failed", "f": "running"
    }  # fmt: skip
    assert card(drawn, "f").is_root


def test_a_dataset_of_past_edges_only_is_a_ghost() -> None:
    """What takes part in no valid edge is drawn as a ghost, roots excepted."""
    edges = tuple(
        msgspec.structs.replace(edge, valid_to=9) for edge in GRAPH.edges if "f" in {edge.source, edge.target}
    )
    drawn = picture_of(Sample().graph(edges=(*GRAPH.edges[:2], *edges)))
    assert {card.id for card in drawn.cards if card.is_ghost} == {"d", "e"}


def test_columns_are_ports() -> None:
    """Columns with edges come first, links end at their rows, and the rest is counted."""
    columns = {"c": [("k", "int"), ("x", "text"), "z"], "d": ["p", "q", "y"]}
    drawn = picture_of(GRAPH, columns=columns, most_columns=2)
    shown = card(drawn, "c")
    assert [(port.field, port.type) for port in shown.ports] == [("x", "text"), ("k", "int")]
    assert shown.more_ports == 1
    assert shown.h == CARD_HEIGHT + 3 * ROW_HEIGHT + 6
    link = next(link for link in drawn.links if link.target == "d")
    assert (link.source_port, link.target_port) == ("x", "y")
    assert link.points[0] == (shown.x + shown.w, shown.y + shown.ports[0].y)
    assert drawn.left_out.columns == 2


def test_hidden_neighbours_are_counted_on_both_sides() -> None:
    """Given counts are shown on their sides and in what is left out; without them the walk's own."""
    drawn = picture_of(GRAPH, hidden={"a": (3, 1), "c": (0, 2)})
    assert (card(drawn, "a").hidden_up, card(drawn, "a").hidden_down) == (3, 1)
    assert drawn.left_out.neighbours == 6
    assert card(picture_of(Sample().graph(hidden={"a": 4})), "a").hidden_up == 4
    text = svg_of(drawn)
    assert "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK} +3" in text
    assert "+2 \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}" in text


def test_a_collapsed_group_is_one_card() -> None:
    """Its card rolls up kinds, states and hidden neighbours, and edges across merge and are counted."""
    drawn = picture_of(GRAPH, group_by="namespace", collapsed=["db"], hidden={"d": (0, 2), "f": (0, 5)})
    assert {item.id for item in drawn.cards} == {"a", "b", "c", "group:db"}
    whole = card(drawn, "group:db")
    assert (whole.kind, whole.label, whole.detail, whole.state) == ("group", "db", "3 tables", "failed")
    assert whole.hidden_down == 7
    assert whole.is_root
    assert [(link.source, link.target, link.count) for link in drawn.links if link.target == "group:db"] == [
        ("c", "group:db", 2)
    ]
    group = next(group for group in drawn.groups if group.id == "group:db")
    assert group.counts == {"table": 3}
    assert group.members == ("d", "e", "f")
    assert group.is_collapsed
    assert drawn.left_out.grouped == 3


def test_groups_by_mapping_and_function_agree() -> None:
    """A selector's mapping and a function of the node name the same groups."""
    by_name = grouped(GRAPH, lambda node: "late" if node.name > "c" else "")
    assert by_name == grouped(GRAPH, {"d": "late", "e": "late", "f": "late"})
    assert by_name.groups["late"].members == ("d", "e", "f")


@pytest.mark.parametrize("states", [["COMPLETED", "RUNNING", "FAILED"], ["ABORTED", "NEW"], ["NEW", "COMPLETED"], [""]])
def test_the_worst_state_counts(states: list[str]) -> None:
    """Failed before aborted, running, new and completed."""
    order = ["FAILED", "ABORTED", "RUNNING", "NEW", "COMPLETED", ""]
    assert worst(set(states)) == min(states, key=order.index)


def test_expanding_keeps_cards() -> None:
    """A picture with more cards has the old ones exactly where they were, and taking them away restores it."""
    few = Sample().graph(nodes=GRAPH.nodes[2:4], edges=GRAPH.edges[2:3])
    before = picture_of(few)
    placed = {item.id: (item.x, item.y, item.w, item.h) for item in before.cards}
    after = picture_of(GRAPH, placed=placed)
    assert {key: (card(after, key).x, card(after, key).y) for key in placed} == {
        key: values[:2] for key, values in placed.items()
    }
    again = picture_of(few, placed={item.id: (item.x, item.y, item.w, item.h) for item in after.cards})
    assert again == before


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"jobs": "pills"}, "jobs"),
        ({"most_columns": -1}, "most_columns"),
        ({"placed": {"a": (1, 2)}}, "placed.a"),
        ({"placed": {"a": (1, -2e7, 3, 4)}}, "placed.a"),
        ({"placed": {"a": (1, float("nan"), 3, 4)}}, "placed.a"),
        ({"columns": {"a": "xyz"}}, "columns.a"),
        ({"group_by": 7}, "group_by"),
    ],
)
def test_options_out_of_range_are_refused(options: dict, field: str) -> None:
    """An error names the option."""
    with pytest.raises(InvalidInput) as caught:
        picture_of(GRAPH, **options)
    assert caught.value.field == field


TEXT = ("ink", "dim", "root", "good", "bad", "warn", "added", "removed", "changed")
MARKS = ("edge", "data", "model", "predictions", "feature", "service", "memory", "light")


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours written ``#rrggbb``, from 1 to 21 (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_colours_reach_their_contrast(colours: dict[str, str]) -> None:
    """Text has a contrast of 4.5 and marks one of 3 to every ground they stand on, in both themes."""
    assert set(palette.LIGHT) == set(palette.DARK)
    for ground in ("bg", "card", "job", "group"):
        for name in TEXT:
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
        for name in MARKS:
            assert contrast(colours[name], colours[ground]) >= 3, (name, ground)
    assert set(palette.TYPES.values()) | set(palette.STATES.values()) <= set(colours)


def test_contrast_of_known_colours() -> None:
    """The two ends of the scale and a colour of known contrast."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_every_colour_of_a_drawing_has_one_in_a_terminal() -> None:
    """Whatever colours a type, a state or a change in a picture has its colour among the sixteen of a terminal, and
    what differs among types differs there too."""
    wanted = {*palette.TYPES.values(), *palette.STATES.values(), "data", "root", "added", "removed", "changed"}
    assert wanted <= palette.TERMINAL.keys() <= palette.LIGHT.keys()
    types = {*palette.TYPES.values(), "data"} - {"dim"}
    assert len({palette.TERMINAL[name] for name in types}) == len(types)
    alike = [{name for name, colour in palette.LIGHT.items() if colour == one} for one in palette.LIGHT.values()]
    for names in alike:
        assert len({palette.TERMINAL[name] for name in names if name in palette.TERMINAL}) <= 1
