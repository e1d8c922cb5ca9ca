"""Answers in other forms: frames, graphs, pictures, interchange; and names that try to break them."""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import InvalidInput
from headwater.model.graph import Edge, How, Node, NodeKind
from headwater.query import Lineage, LineageGraph
from headwater.query.drawing import picture_of
from headwater.query.drawing.cards import MOST_COLUMNS
from headwater.query.drawing.svg import svg
from headwater.query.terminal_text import plain
from headwater.query.tree import TreeStyle, tree

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "<script>alert(1)</script>",
    '"/><image href="http://example.org/x"/>',
    "\x1b[31mred\x1b[0m\x07",
    "line\nbreak\r\n\ttab",
    "\u202egpj.exe",
    "]]>&amp;--><!--",
    "日本語の表" * 20,
    "\ufffe\ufdd0",
    "a#b:c.d'e\"f`g$(h)",
]


def small(name: str) -> LineageGraph:
    """Return a graph of two datasets and a job that all bear this name."""
    nodes = (
        Node(id=f"dataset:a:{name}", kind=NodeKind.DATASET, namespace="a", name=name, type=name, level=0),
        Node(id=f"dataset:b:{name}", kind=NodeKind.DATASET, namespace=name, name=name, type="TABLE", level=1),
        Node(id=f"job:j:{name}", kind=NodeKind.JOB, namespace="j", name=name, type=name, state="COMPLETED", level=1),
    )
    edge = Edge(source=nodes[1].id, target=nodes[0].id, job=nodes[2].id)
    return LineageGraph(roots=(nodes[0].id,), direction="upstream", nodes=nodes, edges=(edge,), gaps=(name,))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(name: str) -> None:
    """No name becomes markup, a terminal command or a line of its own, in any form."""
    graph = small(name)
    root = ElementTree.fromstring(svg(graph))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "desc", "style", "defs", "marker", "path", "rect", "g", "text", "circle"
    }  # fmt: skip
    text = plain(tree(graph, TreeStyle()))
    assert len(text.splitlines()) == 6
    assert all(char == "\n" or char.isprintable() for char in text)
    assert json.loads(graph.to_json())["nodes"][0]["name"] == name
    ElementTree.fromstring(graph.to_graphml().encode())
    assert graph.to_mermaid().startswith("flowchart")
    assert graph.to_dot().startswith("digraph")
    json.loads(graph.to_prov())


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60).filter(lambda text: "\x00" not in text))
def test_any_name_gives_well_formed_svg(name: str) -> None:
    """Whatever a dataset is called, the picture is XML."""
    ElementTree.fromstring(svg(small(name)))


def test_frames_hold_nodes_and_edges(lineage: Lineage) -> None:
    """Data frames have a row a node, or a row an edge."""
    graph = lineage.upstream("predictions.parquet")
    nodes = graph.to_pandas()
    assert list(nodes["id"]) == [node.id for node in graph.nodes]
    assert len(graph.to_pandas("edges")) == len(graph.edges)
    assert graph.to_polars().height == len(graph.nodes)
    assert lineage.impact("cells.csv:radius").to_pandas()["severity"].iloc[0] == "breaks"
    assert len(lineage.diff("train.py").to_pandas()) == 5


def test_a_polars_frame_takes_values_that_only_late_rows_have() -> None:
    """Its types come from all rows, not from a hundred of them that are all empty."""
    nodes = tuple(Node(id=f"dataset:d:{n}", kind=NodeKind.DATASET, namespace="d", name=str(n)) for n in range(152))
    edges = tuple(Edge(source=nodes[n].id, target=nodes[n + 1].id) for n in range(150))
    ended = Edge(source=nodes[150].id, target=nodes[151].id, valid_from=1, valid_to=2)
    frame = LineageGraph(nodes=nodes, edges=(*edges, ended)).to_polars("edges")
    assert frame["valid_to"].to_list() == [None] * 150 + ["1970-01-01T00:00:00.000002Z"]


def test_networkx_has_the_same_reach(lineage: Lineage) -> None:
    """The graph handed to networkx gives the same ancestors."""
    nx = pytest.importorskip("networkx")
    graph = lineage.upstream("predictions.parquet")
    ancestors = nx.ancestors(graph.to_networkx(), graph.roots[0])
    assert ancestors == {node.id for node in graph.datasets()} - set(graph.roots)


@pytest.mark.parametrize("what", ["edge", "columns", ""])
def test_a_frame_of_anything_else_is_refused(lineage: Lineage, what: str) -> None:
    """A slip in the word does not give the nodes in place of the edges."""
    with pytest.raises(InvalidInput, match="must be 'nodes' or 'edges'"):
        lineage.upstream("predictions.parquet").to_pandas(what)  # type: ignore[arg-type]


def test_a_prompt_shows_answers_as_text(lineage: Lineage) -> None:
    """What stands alone on a line is shown as ``print`` shows it, and so it is in the text of a notebook's file."""
    table = "predictions.parquet"
    for answer in (
        lineage.upstream(table),
        lineage.why(table),
        lineage.impact("cells.csv:radius"),
        lineage.diff("train.py"),
        lineage.show(table),
        lineage.history(table),
        lineage.coverage(),
    ):
        assert repr(answer) == str(answer)
        assert "(" not in repr(answer).splitlines()[0]
        assert json.loads(answer.to_json())


def test_a_notebook_gets_a_picture(lineage: Lineage) -> None:
    """Graphs and answers show themselves, self-contained: no script and nothing to fetch."""
    graph = lineage.upstream("predictions.parquet")
    for shown in (graph._repr_svg_(), graph._repr_html_(), lineage.why("predictions.parquet")._repr_html_()):
        assert "<svg" in shown
        assert "<script" not in shown
        assert "href" not in shown
    assert str(graph).startswith("✦ ")
    table = "predictions.parquet"
    texts = (lineage.impact("cells.csv:radius"), lineage.diff("train.py"), lineage.show(table), lineage.history(table))
    for answer in (*texts, lineage.coverage()):
        assert answer._repr_html_().startswith("<pre")
        assert str(answer).splitlines()[0] in answer._repr_html_()


def test_pills_keep_outputs_of_one_job_apart() -> None:
    """A job with two outputs of different inputs is drawn once for each."""
    names = ["a", "b", "x", "y"]
    nodes = tuple(Node(id=name, kind=NodeKind.DATASET, namespace="n", name=name) for name in names)
    edges = (Edge(source="a", target="x", job="j"), Edge(source="b", target="y", job="j"))
    drawn = picture_of(LineageGraph(nodes=nodes, edges=edges), jobs="nodes")
    assert sorted(card.id for card in drawn.cards if card.node == "j") == ["j", "j → y"]
    assert len(drawn.links) == 4


def test_dashes_mean_no_value_flows(lineage: Lineage) -> None:
    """Inferred edges and columns that only decide are dashed, value flows are solid."""
    drawn = picture_of(lineage.upstream("features.parquet:texture_z"))
    indirect = {(link.source_port, link.target_port) for link in drawn.links if link.is_indirect}
    assert ("age", "texture_z") in indirect
    assert ("texture", "texture_z") not in indirect
    edge = Edge(source="a", target="b", job="j", how=How.INFERRED)
    nodes = tuple(Node(id=name, kind=NodeKind.DATASET, namespace="n", name=name) for name in "ab")
    text = svg(LineageGraph(nodes=nodes, edges=(edge,)))
    assert text.count('class="edge dash"') == 2
    assert 'class="edge"' not in text


def test_cards_show_at_most_eight_columns() -> None:
    """A card with many columns counts those that it does not show."""
    fields = [f"column_{number:02d}" for number in range(20)]
    node = Node(id="a", kind=NodeKind.DATASET, namespace="n", name="a", properties={"fields": fields})
    card = picture_of(LineageGraph(roots=("a",), nodes=(node,), columns=True)).cards[0]
    assert len(card.ports) == MOST_COLUMNS
    assert card.more_ports == 12
    assert "12 more columns" in svg(LineageGraph(roots=("a",), nodes=(node,), columns=True))


def test_what_a_job_passes_on_is_drawn_behind_it() -> None:
    """A cross product that leads through its job: all that the job read stands behind it, once."""
    kinds = dict.fromkeys(("a0", "a1", "c0", "c1"), NodeKind.DATASET) | {"j": NodeKind.JOB}
    nodes = tuple(Node(id=name, kind=kind, namespace="n", name=name) for name, kind in kinds.items())
    pairs = [("a0", "j"), ("a1", "j"), ("j", "c0"), ("j", "c1")]
    edges = tuple(Edge(source=a, target=b, job="j", how=How.PRODUCT) for a, b in pairs)
    for direction, roots, ends in (
        ("upstream", ("c0", "c1"), ["a0", "a1"]),
        ("downstream", ("a0", "a1"), ["c0", "c1"]),
    ):
        graph = LineageGraph(roots=roots, direction=direction, nodes=nodes, edges=edges)
        lines = [line.split() for line in plain(tree(graph, TreeStyle())).splitlines()]
        assert sorted(line[2] for line in lines[2:4]) == ends, direction
        assert lines[4][1] == roots[1]
        assert lines[5][-2:] == ["shown", "above"]


def test_a_long_chain_is_drawn() -> None:
    """Depth is no limit: a chain of thousands makes a tree without recursion, and without endless indentation."""
    names = [f"t{number}" for number in range(3000)]
    nodes = tuple(
        Node(id=name, kind=NodeKind.DATASET, namespace="n", name=name, level=at) for at, name in enumerate(names)
    )
    edges = tuple(Edge(source=b, target=a, job="j") for a, b in pairwise(names))
    assert len(names) > sys.getrecursionlimit()
    graph = LineageGraph(roots=("t0",), direction="upstream", nodes=nodes, edges=edges)
    lines = plain(tree(graph, TreeStyle(cells=80))).splitlines()
    assert len(lines) == 2 * 3000 - 1 + 2
    assert "t2999" in lines[-3]
