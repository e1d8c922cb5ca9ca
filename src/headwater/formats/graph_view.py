"""The view of a graph that drawings share: its nodes, their labels, and the labels of edges."""

from __future__ import annotations

from collections import Counter

from headwater.model import node_ids
from headwater.model.emphasis import PLAIN, WORDS, Emphasis
from headwater.model.graph import Graph, How, Node, NodeKind
from headwater.model.short_digests import version_ends
from headwater.model.short_names import ShortNames

WEAK = (How.PRODUCT, How.INFERRED)
"""Edges drawn dashed: nobody said so, it was concluded."""


def drawn_nodes(graph: Graph) -> list[Node]:
    """The nodes that a drawing needs, in order: those that edges end at, and the roots.

    A job that moves data from dataset to dataset is the label of those edges and no box of its own: one box would
    suggest that everything it reads feeds everything it writes. An edge's end that is not among the nodes (the answer
    was cut there) is drawn under its id.
    """
    ends = dict.fromkeys(end for edge in graph.edges for end in (edge.source, edge.target))
    known = {node.id for node in graph.nodes}
    movers = {edge.job for edge in graph.edges} | {node_ids.run_id(edge.run) for edge in graph.edges if edge.run}
    kept = [node for node in graph.nodes if node.id in ends or node.id in graph.roots or node.id not in movers]
    return kept + [_unknown(end) for end in ends if end not in known]


def _unknown(node_id: str) -> Node:
    kinds = {"job": NodeKind.JOB, "run": NodeKind.RUN, "datasetField": NodeKind.FIELD}
    kind = kinds.get(node_id.partition(":")[0], NodeKind.DATASET)
    return Node(id=node_id, kind=kind, namespace="", name=node_id)


def labels(nodes: list[Node], emphasis: Emphasis = PLAIN) -> dict[str, str]:
    """A short label a node: its name as every drawing shortens it, with the namespace where two share a name, the
    version, the type in words, and why it stands out."""
    short = ShortNames((node.namespace, node.name) for node in nodes)
    versions = version_ends(nodes)
    names = Counter(name for _, name in {(node.namespace, node.name) for node in nodes})
    found = {}
    for node in nodes:
        name = short.of(node.namespace, node.name)
        if names[node.name] > 1 and node.namespace:
            name = f"{node.namespace} {name}"
        name += versions.get(node.id, "")
        label = f"{name} ({node.type.lower().replace('_', ' ')})" if node.type else name
        found[node.id] = f"{label}: {WORDS[mark]}" if (mark := emphasis.nodes.get(node.id)) else label
    return found


def edge_labels(graph: Graph, emphasis: Emphasis = PLAIN) -> list[str]:
    """For each edge, the name of the job that moves the data, and why it stands out; no name where the job is an end of
    the edge itself."""
    names = {node.id: node.name for node in graph.nodes if node.kind in (NodeKind.JOB, NodeKind.RUN)}
    movers = [
        "" if not edge.job or edge.job in (edge.source, edge.target) else names.get(edge.job, edge.job)
        for edge in graph.edges
    ]
    marks = [WORDS[mark] if (mark := emphasis.drawn(edge)) else "" for edge in graph.edges]
    return [": ".join(filter(None, (mover, mark))) for mover, mark in zip(movers, marks, strict=True)]
