"""Exports: the graph goes out whole, whatever its names hold, and real readers of each format take it."""

import importlib
import json
import re
import shutil
import subprocess
import warnings
from xml.etree import ElementTree

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prov.model import ProvDocument

from headwater.errors import InvalidInput
from headwater.formats.dot import quote, to_dot
from headwater.formats.graph_json import from_json, to_json
from headwater.formats.graph_view import drawn_nodes, edge_labels, labels
from headwater.formats.graphml import clean, to_graphml
from headwater.formats.mermaid import escape, to_mermaid
from headwater.formats.prov import identifier, to_prov, to_prov_json
from headwater.model.graph import Edge, FieldEdge, Graph, How, Node, NodeKind

HOSTILE = st.text(
    st.one_of(st.sampled_from("\"\\<>&;#|[](){}'`%:\n\r\t\0é😀 end-"), st.characters(exclude_categories=["Cs"])),
    min_size=1,
    max_size=12,
)


@st.composite
def graphs(draw):
    """A graph with hostile names, edges between datasets and jobs, and ends that are not among the nodes."""
    names = draw(st.lists(HOSTILE, min_size=2, max_size=5, unique=True))
    kinds = st.sampled_from([NodeKind.DATASET, NodeKind.DATASET, NodeKind.JOB, NodeKind.RUN, NodeKind.FIELD])
    nodes = []
    for name in names:
        kind = draw(kinds)
        nodes.append(
            Node(
                id=f"{kind.value}:ns:{name}",
                kind=kind,
                namespace=draw(st.sampled_from(["ns", "s3://lake"])),
                name=name,
                type=draw(st.sampled_from(["", "TABLE", "MODEL", 'T"<'])),
                level=draw(st.integers(0, 3)),
                properties=draw(st.dictionaries(HOSTILE, st.integers(0, 9) | HOSTILE, max_size=2)),
            )
        )
    ends = st.sampled_from([*(node.id for node in nodes), "dataset:cut:off"])
    fields = st.lists(st.builds(FieldEdge, source_field=HOSTILE, target_field=HOSTILE, subtype=HOSTILE), max_size=2)
    times = st.integers(0, 2**50)
    edges = st.builds(
        Edge,
        source=ends,
        target=ends,
        job=st.sampled_from(["", "job:ns:unknown", nodes[0].id]),
        run=st.sampled_from(["", "01913e9c-6b9d-7f00-8000-123456789abc"]),
        how=st.sampled_from(How),
        valid_from=times,
        valid_to=st.none() | times,
        fields=fields.map(tuple),
    )
    return Graph(
        roots=(nodes[0].id,),
        direction="upstream",
        nodes=tuple(nodes),
        edges=tuple(draw(st.lists(edges, max_size=5))),
        as_of=draw(st.none() | times),
        truncated=draw(st.booleans()),
        gaps=tuple(draw(st.lists(HOSTILE, max_size=1))),
        hidden=draw(st.dictionaries(st.sampled_from([node.id for node in nodes]), st.integers(1, 9), max_size=2)),
    )


@settings(deadline=None, max_examples=40)
@given(graphs())
def test_json_comes_back_equal(graph):
    """Every member, times included, survives the document."""
    assert from_json(to_json(graph)) == graph
    assert json.loads(to_json(graph))["truncated"] is graph.truncated


@pytest.mark.parametrize("text", ["", "[]", "{", '{"nodes": 7}', '{"edges": [7]}', '{"nodes": [{"id": 7}]}'])
def test_json_that_is_no_graph_is_refused(text):
    """A broken or foreign document is an InvalidInput."""
    with pytest.raises(InvalidInput):
        from_json(text)


@settings(deadline=None, max_examples=40)
@given(graphs())
def test_prov_is_accepted_by_the_prov_library(graph):
    """The library reads the document, and what it writes reads as the same document again."""
    document = ProvDocument.deserialize(content=to_prov_json(graph), format="json")
    again = ProvDocument.deserialize(content=document.serialize(format="json"), format="json")
    assert again == document
    own = to_prov(graph)
    declared = own.get("entity", {}).keys() | own.get("activity", {}).keys()
    assert {identifier(node.id) for node in graph.nodes} <= declared
    relations = [body for key in own.keys() - {"prefix", "entity", "activity"} for body in own[key].values()]
    ends = {value for body in relations for key, value in body.items() if key.startswith("prov:")}
    assert ends <= declared
    records = [*own.get("entity", {}), *own.get("activity", {}), *relations]
    assert len(document.get_records()) == len(records)


def test_prov_says_who_used_and_generated_what():
    """A dataset edge is a derivation by its job; a job that only reads or only writes is an activity with one end."""
    nodes = (
        Node(id="dataset:n:a", kind=NodeKind.DATASET, namespace="n", name="a", type="TABLE"),
        Node(id="dataset:n:b", kind=NodeKind.DATASET, namespace="n", name="b"),
        Node(id="job:n:j", kind=NodeKind.JOB, namespace="n", name="j"),
    )
    edges = (
        Edge(source="dataset:n:a", target="dataset:n:b", job="job:n:j", run="r"),
        Edge(source="dataset:n:b", target="job:n:k"),
        Edge(source="job:n:j", target="job:n:k"),
    )
    own = to_prov(Graph(nodes=nodes, edges=edges))
    a, b, j, k = (
        identifier(f"{kind}:n:{name}") for kind, name in zip(["dataset"] * 2 + ["job"] * 2, "abjk", strict=True)
    )
    (derived,) = own["wasDerivedFrom"].values()
    assert (derived["prov:generatedEntity"], derived["prov:usedEntity"], derived["prov:activity"]) == (b, a, j)
    assert {(use["prov:activity"], use["prov:entity"]) for use in own["used"].values()} == {(j, a), (k, b)}
    (made,) = own["wasGeneratedBy"].values()
    assert (made["prov:entity"], made["prov:activity"]) == (b, j)
    (informed,) = own["wasInformedBy"].values()
    assert (informed["prov:informed"], informed["prov:informant"]) == (k, j)
    assert own["entity"][a]["hw:type"] == "TABLE"


@given(HOSTILE, HOSTILE)
def test_prov_identifiers_keep_ids_apart(one, other):
    """Two ids never become one qualified name, and none holds a character that PROV gives a meaning."""
    assert (identifier(one) == identifier(other)) == (one == other)
    assert re.fullmatch(r"hw:[A-Za-z0-9%_-]+", identifier(one))


@settings(deadline=None, max_examples=40)
@given(graphs())
def test_graphml_is_read_by_networkx(graph):
    """Every node and every parallel edge arrives, with its attributes."""
    found = networkx.parse_graphml(to_graphml(graph), force_multigraph=True)
    assert found.is_directed()
    assert found.number_of_edges() == len(graph.edges)
    ends = {end for edge in graph.edges for end in (edge.source, edge.target)}
    assert found.number_of_nodes() == len({node.id for node in graph.nodes} | ends)
    kinds = sorted(kind for _, kind in found.nodes(data="kind") if kind)
    assert kinds == sorted(node.kind.value for node in graph.nodes)
    assert sorted(how for *_, how in found.edges(data="how")) == sorted(edge.how.value for edge in graph.edges)
    by_id = {clean(node.id): node for node in graph.nodes}
    for name, data in found.nodes(data=True):
        if name in by_id and "�" not in name:
            assert data["level"] == by_id[name].level
            assert data["is_root"] is (by_id[name].id in graph.roots)


def pydot_parser():
    """pydot's parser of the DOT language, whose grammar library warns at import."""
    pytest.importorskip("pydot")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("pydot.dot_parser")


@settings(deadline=None, max_examples=40)
@given(graphs())
def test_dot_is_read_by_a_parser(graph):
    """A parser of the language finds one graph with the nodes, the edges and the labels that were drawn."""
    (found,) = pydot_parser().parse_dot_data(to_dot(graph))
    nodes = [node for node in found.get_nodes() if node.get_name() not in ("node", "edge", "graph")]
    drawn = drawn_nodes(graph)
    assert len(nodes) == len(drawn)
    assert len(found.get_edges()) == len(graph.edges)
    shown = labels(drawn)
    assert sorted(node.get_label() for node in nodes) == sorted(quote(shown[node.id]) for node in drawn)


@given(HOSTILE)
def test_a_dot_string_ends_where_it_should(text):
    """Within the quotes no quote stands unescaped, no line ends, and unescaping gives the text."""
    quoted = quote(text)
    assert re.fullmatch(r'"(?:[^"\\\n\r]|\\["\\])*"', quoted)
    shown = re.sub(r"\\(.)", r"\1", quoted[1:-1])
    assert re.sub(r"&amp;(?=#?\w+;)", "&", shown) == re.sub(r"[\x00-\x1f\x7f]", " ", text)


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_shows_names_as_they_are():
    """Neither escape sequences nor entities of Graphviz' own are read into a name."""
    names = ["a&amp;b", "a&lt;b", "a&#38;b", "a & b;c", "x\\N", "end\\", '"q"', "{a|b}", "日本語"]
    nodes = tuple(Node(id=name, kind=NodeKind.DATASET, namespace="", name=name) for name in names)
    drawn = subprocess.run(["dot", "-Tsvg"], input=to_dot(Graph(nodes=nodes)).encode(), capture_output=True, check=True)
    shown = [element.text for element in ElementTree.fromstring(drawn.stdout).iter("{http://www.w3.org/2000/svg}text")]
    assert sorted(str(text).replace("\xa0", " ") for text in shown) == sorted(names)


TEXT = r'"(?:[\w ./:,=@+()-]|[^\x00-\x7f]|#\d+;)*"'
MERMAID_LINES = (
    "flowchart LR",
    rf"  n\d+(?:\[\({TEXT}\)\]|\{{\{{{TEXT}\}}\}}|\(\[{TEXT}\]\)|\[{TEXT}\])",
    rf"  n\d+ (?:-->|-\.->)(?:\|{TEXT}\|)? n\d+",
    "  classDef root stroke-width:3px",
    r"  class n\d+(?:,n\d+)* root",
    "  %% truncated: a limit cut the walk",
)


@settings(deadline=None, max_examples=40)
@given(graphs())
def test_mermaid_has_no_line_that_names_could_break(graph):
    """Every line is one of the few forms we write; names are only ever text inside quotes."""
    text = to_mermaid(graph)
    lines = text.splitlines()
    assert all(any(re.fullmatch(form, line, re.ASCII) for form in MERMAID_LINES) for line in lines)
    assert sum("->" in line for line in lines) == len(graph.edges)
    assert sum(bool(re.match(r"  n\d+[\[({]", line)) for line in lines) == len(drawn_nodes(graph))


@given(HOSTILE)
def test_mermaid_text_can_be_read_back(text):
    """The numeric entities are exactly the characters they replaced."""
    shown = re.sub(r"#(\d+);", lambda found: chr(int(found[1])), escape(text))
    assert shown == re.sub(r"[\x00-\x1f\x7f]", " ", text)


def test_mermaid_text_stays_readable_and_is_no_icon():
    """Letters of other scripts are not numbers; what turns text around is; an icon's name is a name."""
    assert escape("Größe/日本語.csv") == "Größe/日本語.csv"
    assert escape("\u202egpj") == "#8238;gpj"
    assert escape("fa:fa-car b:c") == "fa#58;fa-car b:c"


def test_a_drawing_labels_edges_with_the_job_and_draws_no_box_for_it():
    """One box for a job would claim that everything it reads feeds everything it writes."""
    nodes = (
        Node(id="dataset:n:a", kind=NodeKind.DATASET, namespace="n", name="a"),
        Node(id="dataset:m:a", kind=NodeKind.DATASET, namespace="m", name="a", type="FILE"),
        Node(id="job:n:j", kind=NodeKind.JOB, namespace="n", name="j"),
    )
    graph = Graph(nodes=nodes, edges=(Edge(source="dataset:n:a", target="dataset:m:a", job="job:n:j"),))
    drawn = drawn_nodes(graph)
    assert [node.id for node in drawn] == ["dataset:n:a", "dataset:m:a"]
    assert labels(drawn) == {"dataset:n:a": "n a", "dataset:m:a": "m a (file)"}
    assert edge_labels(graph) == ["j"]
    assert to_mermaid(graph) == 'flowchart LR\n  n0["n a"]\n  n1["m a (file)"]\n  n0 -->|"j"| n1\n'


def version(number: int, digest: str) -> Node:
    """A version of one checkpoint."""
    return Node(
        id=f"dataset:n:net#{digest}",
        kind=NodeKind.DATASET_VERSION,
        namespace="n",
        name="net",
        properties={"version": digest, "ordinal": number},
    )


def test_two_versions_of_a_dataset_have_two_labels():
    """A model that is trained on from its last checkpoint is two boxes, which do not read the same."""
    nodes = (version(1, "aaaaaaaaaaaa0000"), version(2, "aaaaaaaaaaaa1111"))
    graph = Graph(nodes=nodes, edges=(Edge(source=nodes[0].id, target=nodes[1].id, job="run:1"),))
    assert list(labels(drawn_nodes(graph)).values()) == ["net#aaaaaaaaaaaa0", "net#aaaaaaaaaaaa1"]
    assert "net#35;aaaaaaaaaaaa1" in to_mermaid(graph)
    assert 'label="net#aaaaaaaaaaaa1"' in to_dot(graph)
