"""The paths between two nodes as a list of steps, shown next to the picture."""

from __future__ import annotations

import msgspec

from headwater.model.graph import Edge, Node
from headwater.server.rendering.tables import is_past
from headwater.server.rendering.views import Shown

_MOST_PATHS = 5


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a path: to a node, by jobs. ``how`` is the kind of evidence of its edge."""

    node: Node
    jobs: tuple[Node, ...]
    how: str
    is_past: bool


class Paths(msgspec.Struct, frozen=True, kw_only=True):
    """The shortest paths along which data flows from one node to another, as steps."""

    source: Node
    target: Node
    paths: tuple[tuple[Step, ...], ...]
    gaps: tuple[str, ...]


def paths_of(shown: Shown) -> Paths | None:
    """The paths of a view from its root to another node, in the direction of the data flow; None if it shows none.

    At most as many as the view requests; all have the same length.
    """
    if shown.target is None:
        return None
    graph = shown.graph
    ends = (shown.root, shown.target)
    source, target = ends if shown.root.id in graph.roots else ends[::-1]
    nodes = {node.id: node for node in graph.nodes}
    onward: dict[str, dict[str, list[Edge]]] = {}
    for edge in graph.edges:
        onward.setdefault(edge.source, {}).setdefault(edge.target, []).append(edge)

    def step(edges: list[Edge]) -> Step:
        first = edges[0]
        ids = dict.fromkeys(edge.job for edge in edges if edge.job not in ("", first.source, first.target))
        return Step(
            node=nodes[first.target],
            jobs=tuple(nodes[key] for key in ids if key in nodes),
            how=first.how.value,
            is_past=all(is_past(edge, graph.as_of) for edge in edges),
        )

    found: list[tuple[Step, ...]] = []
    waiting: list[tuple[str, tuple[Step, ...]]] = [(source.id, ())]
    while waiting and len(found) < _MOST_PATHS:
        here, taken = waiting.pop()
        if here == target.id:
            found.append(taken)
            continue
        passed = {source.id, *(one.node.id for one in taken)}
        further = [edges for end, edges in onward.get(here, {}).items() if end not in passed]
        waiting.extend((edges[0].target, (*taken, step(edges))) for edges in reversed(further))
    return Paths(source=source, target=target, paths=tuple(found), gaps=graph.gaps)
