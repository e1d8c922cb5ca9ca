"""What stands out is in every text form: a mark, a colour, a word, and a legend that says what it means."""

import importlib
import json
import warnings

import pytest

from headwater.formats.dot import to_dot
from headwater.formats.graph_json import from_json, to_json
from headwater.formats.mermaid import to_mermaid
from headwater.model.emphasis import COLOURS, MEANINGS, PLAIN, Emphasis
from headwater.model.graph import Edge, Graph, How, Node, NodeKind

GRAPH = Graph(
    roots=("a",),
    nodes=(
        *(Node(id=name, kind=NodeKind.DATASET, namespace="n", name=name) for name in "abc"),
        Node(id="j", kind=NodeKind.JOB, namespace="n", name="j"),
        Node(id="k", kind=NodeKind.JOB, namespace="n", name="k"),
    ),
    edges=(Edge(source="a", target="b", job="j"), Edge(source="b", target="c", job="k", how=How.PRODUCT)),
)
MARKED = Emphasis(title='If "x" of a is dropped', nodes={"b": "breaks", "k": "check"}, edges={("a", "b", "j"): "added"})


def test_nothing_is_marked_where_nothing_stands_out():
    """A graph as such is written as before."""
    for write in (to_json, to_mermaid, to_dot):
        assert write(GRAPH, PLAIN) == write(GRAPH)
        assert "legend" not in write(GRAPH)


def test_json_says_what_a_mark_means_and_is_a_graph_still():
    """Nodes and edges carry their mark, the document what each means; it is read as the same graph."""
    found = json.loads(to_json(GRAPH, MARKED))
    assert {node["id"]: node.get("mark") for node in found["nodes"]} == {
        "a": None, "b": "breaks", "c": None, "j": None, "k": "check",
    }  # fmt: skip
    assert [edge.get("mark") for edge in found["edges"]] == ["added", None]
    assert found["marks"] == {
        "title": MARKED.title, **{mark: MEANINGS[mark] for mark in ("breaks", "check", "added")}
    }  # fmt: skip
    assert from_json(to_json(GRAPH, MARKED)) == GRAPH


def test_mermaid_colours_names_and_explains():
    """Classes for nodes, styles for edges, words for those who see no colour; an edge has the mark of its job, too."""
    text = to_mermaid(GRAPH, MARKED)
    assert 'n1["b: breaks"]' in text
    assert "class n1 breaks" in text
    assert f"classDef breaks stroke:{COLOURS['breaks']}" in text
    assert '|"j: added"|' in text
    assert f"linkStyle 0 stroke:{COLOURS['added']}" in text
    assert '|"k: to check"|' in text
    assert f"linkStyle 1 stroke:{COLOURS['check']}" in text
    assert 'subgraph legend["If #34;x#34; of a is dropped"]' in text
    assert 'legend_breaks["breaks"]:::breaks' in text


def test_dot_colours_names_and_explains():
    """Graphviz' own parser of the language reads it, with the colours and a legend."""
    pytest.importorskip("pydot")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parser = importlib.import_module("pydot.dot_parser")
    (found,) = parser.parse_dot_data(to_dot(GRAPH, MARKED))
    nodes = {node.get_label(): node.get("color") for node in found.get_nodes() if node.get_label()}
    assert nodes['"b: breaks"'] == f'"{COLOURS["breaks"]}"'
    assert nodes['"a"'] is None
    assert [(edge.get_label(), edge.get("color")) for edge in found.get_edges()] == [
        ('"j: added"', f'"{COLOURS["added"]}"'),
        ('"k: to check"', f'"{COLOURS["check"]}"'),
    ]
    (legend,) = found.get_subgraphs()
    assert legend.get_label() == '"If \\"x\\" of a is dropped"'
    assert len([node for node in legend.get_nodes() if node.get_label()]) == 3
