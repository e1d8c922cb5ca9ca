"""The graph of a view as a text table, shown with every picture."""

from __future__ import annotations

import msgspec

from headwater.model.graph import Edge, Node, NodeKind
from headwater.query.drawing import Picture
from headwater.query.symbols import type_word
from headwater.server.rendering.views import Shown

MOST_ROWS = 300


class EdgeLine(msgspec.Struct, frozen=True, kw_only=True):
    """An edge: its ends, its job, and its kind of evidence."""

    source: Node
    target: Node
    job: Node | None
    how: str
    change: str
    is_past: bool


class NodeLine(msgspec.Struct, frozen=True, kw_only=True):
    """A node, with the counts of its hidden neighbours. ``css`` is the name of its colour."""

    id: str
    name: str
    kind: str
    css: str
    namespace: str
    state: str
    up: int
    down: int
    change: str


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of a view, at most ``MOST_ROWS`` of each kind, and their total numbers."""

    edges: tuple[EdgeLine, ...]
    nodes: tuple[NodeLine, ...]
    all_edges: int
    all_nodes: int


def table_of(shown: Shown, picture: Picture) -> Table:
    """The rows of a view in the order of its picture, from left to right and top to bottom."""
    graph = shown.graph
    place: dict[str, int] = {}
    for at, card in enumerate(picture.cards):
        place.setdefault(card.node, at)
    last = len(place)
    nodes = sorted(graph.nodes, key=lambda node: place.get(node.id, last))
    edges = sorted(graph.edges, key=lambda edge: (place.get(edge.source, last), place.get(edge.target, last)))
    by_id = {node.id: node for node in graph.nodes}
    return Table(
        edges=tuple(_edge(edge, by_id, shown, graph.as_of) for edge in edges[:MOST_ROWS]),
        nodes=tuple(_node(node, shown) for node in nodes[:MOST_ROWS]),
        all_edges=len(graph.edges),
        all_nodes=len(graph.nodes),
    )


def kind_of(node: Node) -> str:
    """The kind of a node in a word or two."""
    return "job" if node.kind is NodeKind.JOB else type_word(node) or node.kind.value


def _edge(edge: Edge, by_id: dict[str, Node], shown: Shown, as_of: int | None) -> EdgeLine:
    return EdgeLine(
        source=by_id[edge.source],
        target=by_id[edge.target],
        job=by_id.get(edge.job),
        how=edge.how.value,
        change=shown.edge_changes.get((edge.source, edge.target, edge.job), ""),
        is_past=is_past(edge, as_of),
    )


def is_past(edge: Edge, as_of: int | None) -> bool:
    """Whether an edge is not valid at an instant (now if None)."""
    if as_of is None:
        return edge.valid_to is not None
    return edge.valid_from > as_of or (edge.valid_to is not None and edge.valid_to <= as_of)


def _node(node: Node, shown: Shown) -> NodeLine:
    return NodeLine(
        id=node.id,
        name=node.name,
        kind=kind_of(node),
        css=node.type.lower() if node.type.isidentifier() else "",
        namespace=node.namespace,
        state=node.state,
        up=shown.hidden_up.get(node.id, 0),
        down=shown.hidden_down.get(node.id, 0),
        change=shown.changes.get(node.id, ""),
    )
