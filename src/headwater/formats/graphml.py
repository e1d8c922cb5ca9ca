"""A lineage graph as GraphML, for networkx, Gephi, yEd and their like."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as Xml

from headwater.formats.times import format_time
from headwater.model.graph import Edge, Graph, Node
from headwater.model.patterns import lazy_pattern

_NODE_KEYS = {"kind": "string", "namespace": "string", "name": "string", "type": "string", "state": "string"} | {
    "level": "int",
    "is_root": "boolean",
    "hidden": "int",
}
_EDGE_KEYS = dict.fromkeys(("job", "run", "how", "valid_from", "valid_to", "columns"), "string")
# What XML 1.0 cannot hold, however written.
_NOT_XML = lazy_pattern("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_graphml(graph: Graph) -> str:
    """Write a graph as GraphML: one directed edge per lineage edge, parallel ones kept, times as RFC 3339 in UTC.

    Node ids are the public ids; a character that XML cannot hold becomes U+FFFD, with a number where two ids would
    then be the same.
    """
    root = Xml.Element("graphml", {"xmlns": "http://graphml.graphdrawing.org/xmlns"})
    for domain, keys in (("node", _NODE_KEYS), ("edge", _EDGE_KEYS)):
        for name, kind in keys.items():
            Xml.SubElement(root, "key", {"id": f"{domain}_{name}", "for": domain, "attr.name": name, "attr.type": kind})
    body = Xml.SubElement(root, "graph", {"id": "lineage", "edgedefault": "directed"})
    names = _ids(graph)
    for node in graph.nodes:
        _element(body, "node", {"id": names[node.id]}, _node_data(node, graph))
    known = {node.id for node in graph.nodes}
    for node_id, name in names.items():
        if node_id not in known:
            Xml.SubElement(body, "node", {"id": name})
    for index, edge in enumerate(graph.edges):
        ends = {"id": f"e{index}", "source": names[edge.source], "target": names[edge.target]}
        _element(body, "edge", ends, _edge_data(edge))
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _ids(graph: Graph) -> dict[str, str]:
    """A distinct XML id for each node, the ends of edges included."""
    ends = (end for edge in graph.edges for end in (edge.source, edge.target))
    names: dict[str, str] = {}
    taken: set[str] = set()
    for node_id in dict.fromkeys([*(node.id for node in graph.nodes), *ends]):
        name, number = clean(node_id), 1
        while name in taken:
            number += 1
            name = f"{clean(node_id)} ({number})"
        taken.add(name)
        names[node_id] = name
    return names


def _element(parent: Xml.Element, kind: str, attributes: dict[str, str], data: dict[str, Any]) -> None:
    element = Xml.SubElement(parent, kind, attributes)
    for name, value in data.items():
        if value not in ("", None):
            text = str(value).lower() if isinstance(value, bool) else clean(str(value))
            Xml.SubElement(element, "data", {"key": f"{kind}_{name}"}).text = text


def _node_data(node: Node, graph: Graph) -> dict[str, Any]:
    return {
        "kind": node.kind.value,
        "namespace": node.namespace,
        "name": node.name,
        "type": node.type,
        "state": node.state,
        "level": node.level,
        "is_root": node.id in graph.roots,
        "hidden": graph.hidden.get(node.id, 0),
    }


def _edge_data(edge: Edge) -> dict[str, Any]:
    return {
        "job": edge.job,
        "run": edge.run,
        "how": edge.how.value,
        "valid_from": format_time(edge.valid_from) if edge.valid_from else "",
        "valid_to": "" if edge.valid_to is None else format_time(edge.valid_to),
        "columns": "\n".join(field.as_text() for field in edge.fields),
    }


def clean(text: str) -> str:
    """Text that XML 1.0 can hold; carriage returns become line feeds, as any XML reader would make them."""
    return _NOT_XML.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
