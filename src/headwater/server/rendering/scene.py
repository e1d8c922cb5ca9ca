"""The picture of a view as drawn by the canvas, with differences between two instants and omissions."""

from __future__ import annotations

import msgspec

from headwater.model.graph import Edge
from headwater.query.drawing import LeftOut, Link, Picture, picture_of
from headwater.query.drawing.palette import TYPES
from headwater.query.drawing.wrapping import folded
from headwater.query.result import LineageGraph
from headwater.query.terminal_text import plural
from headwater.server.rendering.comparison import difference_words
from headwater.server.rendering.groups import Groups
from headwater.server.rendering.tables import is_past
from headwater.server.rendering.views import Shown, View

EVERY = "*"
"""Among collapsed groups, stands for all. Ids of groups begin with ``group:``, so it cannot be one."""


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """All that is drawn. ``changes`` are by card id; ``link_changes`` by position of the link, empty without a
    comparison; ``colours`` has the colour of each type of card other than plain data."""

    picture: Picture
    changes: dict[str, str]
    link_changes: tuple[str, ...]
    left_out: tuple[str, ...]
    differences: str
    """The differences between two instants in words; empty without a comparison."""
    colours: dict[str, str]
    nodes: int
    edges: int
    problem: str = ""
    """Why the requested grouping was not applied."""


def scene_of(shown: Shown, view: View, groups: Groups) -> Scene:
    """The picture of a view."""
    graph = _as_seen(shown.graph)
    counts = {
        key: (shown.hidden_up.get(key, 0), shown.hidden_down.get(key, 0))
        for key in shown.hidden_up.keys() | shown.hidden_down.keys()
    }
    picture = picture_of(
        graph,
        jobs=view.jobs,
        columns=shown.columns,
        first_columns=view.found,
        group_by=groups.rule,
        collapsed="all" if EVERY in view.collapsed else [key.removeprefix("group:") for key in view.collapsed],
        placed=view.placed,
        hidden=counts,
    )
    if shown.target is not None and not view.placed and not view.group and 0 < view.wide < picture.width:
        picture = folded(picture, view.wide)
    return Scene(
        picture=picture,
        changes=shown.changes,
        link_changes=_link_changes(picture, shown),
        left_out=(*words_of(picture.left_out), *([groups.problem] if groups.problem else [])),
        differences=difference_words(shown.changes, shown.edge_changes) if shown.is_compared else "",
        colours=TYPES,
        nodes=len(graph.nodes),
        edges=len(graph.edges),
        problem=groups.problem,
    )


def words_of(left_out: LeftOut) -> tuple[str, ...]:
    """What the picture omits, in words, apart from the counts on its cards."""
    words = list(left_out.gaps)
    if left_out.nodes:
        words.insert(
            0, f"{plural(left_out.nodes, 'more node')} not shown: the nearest are; open the others step by step"
        )
    elif left_out.is_truncated:
        words.insert(0, "only the nearest nodes are shown; open the others step by step")
    if left_out.loops:
        words.append(f"{plural(left_out.loops, 'edge')} from a node to itself not drawn")
    return tuple(words)


def _as_seen(graph: LineageGraph) -> LineageGraph:
    """The graph as seen at its instant: edges valid then have no end, all others do."""
    edges = tuple(_ended(edge, graph.as_of) for edge in graph.edges)
    return msgspec.structs.replace(graph, edges=edges)


def _ended(edge: Edge, as_of: int | None) -> Edge:
    if not is_past(edge, as_of):
        return edge if edge.valid_to is None else msgspec.structs.replace(edge, valid_to=None)
    return edge if edge.valid_to is not None else msgspec.structs.replace(edge, valid_to=edge.valid_from)


def _link_changes(picture: Picture, shown: Shown) -> tuple[str, ...]:
    """The change of the edges behind each line, if it is the same for all of them."""
    if not shown.edge_changes and not shown.changes:
        return ()
    nodes = {card.id: card.node for card in picture.cards}
    found: dict[tuple[str, str], set[str]] = {}
    for edge in shown.graph.edges:
        change = shown.edge_changes.get((edge.source, edge.target, edge.job), "")
        for ends in ((edge.source, edge.target), (edge.source, edge.job), (edge.job, edge.target)):
            found.setdefault(ends, set()).add(change)

    def change_of(link: Link) -> str:
        words = found.get((nodes.get(link.source, ""), nodes.get(link.target, "")), set())
        return next(iter(words)) if len(words) == 1 else ""

    return tuple(change_of(link) for link in picture.links)
