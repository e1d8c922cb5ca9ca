"""A lineage graph as a Mermaid flowchart."""

from __future__ import annotations

from headwater.formats.graph_view import WEAK, drawn_nodes, edge_labels, labels
from headwater.model.emphasis import COLOURS, MEANINGS, PLAIN, Emphasis
from headwater.model.graph import Graph, Node, NodeKind
from headwater.model.patterns import lazy_pattern

# Any other sign of ASCII is written as a numeric entity: Mermaid has no one escape that holds in every place.
# Letters of other scripts stay as they are: a page that is set to plain labels shows the entity itself.
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _./:-,=@+()")
_ICON = lazy_pattern(r":(?=fa-)")
"""Within ``fa:fa-car``, which Mermaid replaces by an icon."""
_SHAPES = {"MODEL": ("{{", "}}"), "CHECKPOINT": ("{{", "}}"), "TABLE": ("[(", ")]"), "VIEW": ("[(", ")]")}


def to_mermaid(graph: Graph, emphasis: Emphasis = PLAIN) -> str:
    """Write a graph as a left-to-right flowchart: roots bold, concluded edges dotted, jobs as labels of edges.

    What stands out has a colour and a word, and a legend below. The ids behind shortened names stand in comments at
    the end.
    """
    nodes = drawn_nodes(graph)
    short = {node.id: f"n{index}" for index, node in enumerate(nodes)}
    text = labels(nodes, emphasis)
    lines = ["flowchart LR"]
    for node in nodes:
        opening, closing = _shape(node)
        lines.append(f'  {short[node.id]}{opening}"{escape(text[node.id])}"{closing}')
    for edge, label in zip(graph.edges, edge_labels(graph, emphasis), strict=True):
        arrow = "-.->" if edge.how in WEAK else "-->"
        middle = f'|"{escape(label)}"|' if label else ""
        lines.append(f"  {short[edge.source]} {arrow}{middle} {short[edge.target]}")
    roots = [short[root] for root in graph.roots if root in short]
    if roots:
        lines.append("  classDef root stroke-width:3px")
        lines.append(f"  class {','.join(roots)} root")
    lines.extend(_emphasised(graph, emphasis, short))
    lines.extend(f"  %% {short[node.id]} is {_comment(node.id)}" for node in nodes if node.name not in text[node.id])
    if graph.truncated:
        lines.append("  %% truncated: a limit cut the walk")
    return "\n".join(lines) + "\n"


def _emphasised(graph: Graph, emphasis: Emphasis, short: dict[str, str]) -> list[str]:
    """The classes of nodes that stand out, the styles of edges that do, and a legend."""
    lines: list[str] = []
    for mark in emphasis.used():
        lines.append(f"  classDef {mark} stroke:{COLOURS[mark]},stroke-width:3px")
        nodes = [short[key] for key, found in emphasis.nodes.items() if found == mark and key in short]
        if nodes:
            lines.append(f"  class {','.join(nodes)} {mark}")
        places = [str(at) for at, edge in enumerate(graph.edges) if emphasis.drawn(edge) == mark]
        if places:
            lines.append(f"  linkStyle {','.join(places)} stroke:{COLOURS[mark]},stroke-width:2px")
    if lines:
        lines.append(f'  subgraph legend["{escape(emphasis.title or "Legend")}"]')
        lines.extend(f'    legend_{mark}["{escape(MEANINGS[mark])}"]:::{mark}' for mark in emphasis.used())
        lines.append("  end")
    return lines


def _comment(text: str) -> str:
    """Text that ends no comment and begins no directive."""
    return "".join(char if char.isprintable() and char not in "{}" else " " for char in text)


def _shape(node: Node) -> tuple[str, str]:
    if node.kind in (NodeKind.JOB, NodeKind.RUN):
        return "([", "])"
    return _SHAPES.get(node.type.upper(), ("[", "]"))


def escape(text: str) -> str:
    """Text for a quoted Mermaid label; line ends and other controls become spaces."""
    return _ICON.sub("#58;", "".join(map(_escaped, text)))


def _escaped(char: str) -> str:
    if char in _SAFE or (not char.isascii() and char.isprintable()):
        return char
    return " " if char < " " or char == "\x7f" else f"#{ord(char)};"
