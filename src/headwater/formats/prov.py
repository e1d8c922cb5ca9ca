"""A lineage graph as W3C PROV-JSON (https://www.w3.org/submissions/prov-json/).

Datasets, their versions and their columns are entities; jobs and runs are activities. An edge that a job carries says
three things: the activity used the source, generated the target, and the target was derived from the source by it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec

from headwater.formats.graph_view import drawn_nodes
from headwater.formats.times import format_time
from headwater.model.graph import Edge, Graph, Node, NodeKind

NAMESPACE = "https://headwater.dev/id/"
"""What the prefix ``hw`` of every identifier stands for."""
_ACTIVITIES = (NodeKind.JOB, NodeKind.RUN)
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


class _Sections(defaultdict[str, dict[str, dict[str, Any]]]):
    """The document under construction: section, identifier, body."""

    def __init__(self) -> None:
        super().__init__(dict)
        self._seen: set[tuple[str, bytes]] = set()

    def relate(self, relation: str, ends: dict[str, str], attributes: dict[str, Any] | None = None) -> None:
        """Add a relation unless the very same one is there already."""
        body = {**ends, **(attributes or {})}
        key = (relation, msgspec.json.encode(body))
        if key not in self._seen:
            self._seen.add(key)
            self[relation][f"_:{relation}{len(self[relation]) + 1}"] = body


def to_prov_json(graph: Graph) -> str:
    """Write a graph as PROV-JSON, which the ``prov`` library and ProvStore read."""
    return msgspec.json.format(msgspec.json.encode(to_prov(graph)), indent=2).decode()


def to_prov(graph: Graph) -> dict[str, Any]:
    """The PROV-JSON document as plain values."""
    sections = _Sections()
    kinds: dict[str, NodeKind] = {}
    ends = drawn_nodes(graph)
    for node in {node.id: node for node in (*ends, *graph.nodes)}.values():
        kinds[node.id] = node.kind
        section = "activity" if node.kind in _ACTIVITIES else "entity"
        sections[section][identifier(node.id)] = _described(node)
    for edge in graph.edges:
        if edge.job and edge.job not in kinds:
            kinds[edge.job] = NodeKind.JOB
            sections["activity"][identifier(edge.job)] = {"prov:label": edge.job}
        _add_edge(sections, edge, kinds)
    prefixes = {"hw": NAMESPACE}
    return {"prefix": prefixes, **{name: sections[name] for name in sorted(sections)}}


def identifier(node_id: str) -> str:
    """A qualified name for a node id: every character that could mean something in PROV is percent-encoded."""
    local = "".join(char if char in _SAFE else "".join(f"%{byte:02X}" for byte in _utf8(char)) for char in node_id)
    return f"hw:{local}"


def _utf8(char: str) -> bytes:
    return char.encode(errors="surrogatepass")


def _described(node: Node) -> dict[str, Any]:
    attributes = {
        "prov:label": node.name or node.id,
        "hw:id": node.id,
        "hw:kind": node.kind.value,
        "hw:namespace": node.namespace,
        "hw:type": node.type,
        "hw:state": node.state,
    }
    return {key: value for key, value in attributes.items() if value}


def _add_edge(sections: _Sections, edge: Edge, kinds: dict[str, NodeKind]) -> None:
    """The relations that one edge stands for."""
    source, target = identifier(edge.source), identifier(edge.target)
    from_activity, to_activity = kinds[edge.source] in _ACTIVITIES, kinds[edge.target] in _ACTIVITIES
    attributes = _attributes(edge)
    if from_activity and to_activity:
        sections.relate("wasInformedBy", {"prov:informed": target, "prov:informant": source})
    elif to_activity:
        sections.relate("used", {"prov:activity": target, "prov:entity": source}, attributes)
    elif from_activity:
        sections.relate("wasGeneratedBy", {"prov:entity": target, "prov:activity": source}, attributes)
    elif source == target:  # one column of it comes from another: no entity is derived from itself
        if edge.job:
            made = {"prov:entity": target, "prov:activity": identifier(edge.job)}
            sections.relate("wasGeneratedBy", made, attributes)
    else:
        derived = {"prov:generatedEntity": target, "prov:usedEntity": source}
        if edge.job:
            activity = identifier(edge.job)
            sections.relate("used", {"prov:activity": activity, "prov:entity": source})
            sections.relate("wasGeneratedBy", {"prov:entity": target, "prov:activity": activity})
            derived["prov:activity"] = activity
        sections.relate("wasDerivedFrom", derived, attributes)


def _attributes(edge: Edge) -> dict[str, Any]:
    attributes: dict[str, Any] = {"hw:how": edge.how.value}
    if edge.run:
        attributes["hw:run"] = edge.run
    if edge.valid_from:
        attributes["hw:validFrom"] = format_time(edge.valid_from)
    if edge.valid_to is not None:
        attributes["hw:validTo"] = format_time(edge.valid_to)
    columns = [field.as_text() for field in edge.fields]
    if columns:
        attributes["hw:columns"] = columns if len(columns) > 1 else columns[0]
    return attributes
