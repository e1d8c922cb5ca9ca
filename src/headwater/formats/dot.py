"""A lineage graph in the language of Graphviz."""

from __future__ import annotations

from headwater.formats.graph_view import WEAK, drawn_nodes, edge_labels, labels
from headwater.model.emphasis import COLOURS, MEANINGS, PLAIN, Emphasis
from headwater.model.graph import Graph, Node, NodeKind
from headwater.model.patterns import lazy_pattern

_ENTITY = lazy_pattern(r"&(?=#?\w+;)")


def to_dot(graph: Graph, emphasis: Emphasis = PLAIN) -> str:
    """Write a graph as a directed graph from left to right: roots bold, concluded edges dashed, jobs as edge labels.

    What stands out has a colour and a word, and a legend.
    """
    nodes = drawn_nodes(graph)
    short = {node.id: f"n{index}" for index, node in enumerate(nodes)}
    text = labels(nodes, emphasis)
    lines = ["digraph lineage {", "  rankdir=LR;", '  node [fontname="sans-serif"];']
    for node in nodes:
        mark = emphasis.nodes.get(node.id)
        style = ", style=bold" if node.id in graph.roots else ""
        style += f', color="{COLOURS[mark]}", penwidth=2.5' if mark else ""
        name, tip = quote(text[node.id]), quote(node.id)
        lines.append(f"  {short[node.id]} [label={name}, shape={_shape(node)}, tooltip={tip}{style}];")
    for edge, label in zip(graph.edges, edge_labels(graph, emphasis), strict=True):
        attributes = [f"label={quote(label)}"] if label else []
        if edge.how in WEAK:
            attributes.append("style=dashed")
        if found := emphasis.drawn(edge):
            attributes.append(f'color="{COLOURS[found]}", penwidth=2')
        tail = f" [{', '.join(attributes)}]" if attributes else ""
        lines.append(f"  {short[edge.source]} -> {short[edge.target]}{tail};")
    if marks := emphasis.used():
        lines.append(f"  subgraph cluster_legend {{ label={quote(emphasis.title or 'Legend')}; node [shape=box];")
        lines.extend(
            f'    {one}_ [label={quote(MEANINGS[one])}, color="{COLOURS[one]}", penwidth=2.5];' for one in marks
        )
        lines.append("  }")
    if graph.truncated:
        lines.append("  // truncated: a limit cut the walk")
    return "\n".join([*lines, "}"]) + "\n"


def _shape(node: Node) -> str:
    if node.kind in (NodeKind.JOB, NodeKind.RUN):
        return "ellipse"
    return {"TABLE": "cylinder", "VIEW": "cylinder", "MODEL": "hexagon", "CHECKPOINT": "hexagon"}.get(
        node.type.upper(), "box"
    )


def quote(text: str) -> str:
    """A double-quoted string that is shown as ``text``: no escape sequence or entity of Graphviz' own, no control
    characters."""
    shown = "".join(" " if char < " " or char == "\x7f" else char for char in text)
    shown = _ENTITY.sub("&amp;", shown)
    return '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'
