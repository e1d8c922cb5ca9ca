"""A view of the lineage as requested by a URL or the canvas, and its graph."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from headwater.errors import InvalidInput, NotFound
from headwater.model.graph import Direction, Node
from headwater.query.history import uncounted
from headwater.query.instants import not_yet
from headwater.query.kind_filter import check_kinds, keep_kinds
from headwater.query.lineage import Lineage
from headwater.query.names import node_id
from headwater.query.neighbourhood import Extent, Neighbourhood, neighbourhood
from headwater.query.result import LineageGraph
from headwater.server.rendering.comparison import EdgeName, edge_changes, edge_name, node_changes
from headwater.storage.row_types import NodeRow

Hops = Annotated[int, msgspec.Meta(ge=0, le=50)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
_MOST_PATHS = 5
_MOST_OPENED = 2000


class Hands(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ids of nodes that were expanded or collapsed by hand, by direction."""

    up: tuple[str, ...] = ()
    down: tuple[str, ...] = ()


class View(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parameters of a view."""

    root: str
    """A node as typed, or its id; with a column, the view shows the lineage of that column."""
    up: Hops = 1
    down: Hops = 1
    opened: Hands = Hands()
    shut: Hands = Hands()
    as_of: str = ""
    """The instant to show; now if empty."""
    against: str = ""
    """An earlier instant to compare with."""
    to: str = ""
    """Another node, to show the shortest paths from the root to it."""
    columns: bool = False
    found: dict[str, tuple[str, ...]] = {}
    """Columns searched for on cards, by id of the node: they are listed first there."""
    jobs: Literal["nodes", "edges"] = "nodes"
    kinds: str = ""
    """Types and kinds to keep, separated by commas; nodes in between are bridged."""
    limit: Limit = 500
    group: Literal["", "namespace", "selector"] = ""
    """How nodes are grouped."""
    by: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    """The selectors for grouping, separated by semicolons or line ends."""
    collapsed: tuple[str, ...] = ()
    """Ids of groups shown as one card; ``*`` for all."""
    wide: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)] = 0
    """Largest width of a picture of paths before it wraps into several rows; 0 for unlimited."""
    placed: dict[str, tuple[float, float, float, float]] = {}
    """Positions of existing cards and groups, as left, top, width and height: they are kept."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """The graph of a view, the counts of hidden neighbours, and the differences from an earlier instant."""

    root: Node
    graph: LineageGraph
    hidden_up: dict[str, int]
    hidden_down: dict[str, int]
    target: Node | None = None
    """The other end, if paths to a node are shown."""
    columns: dict[str, tuple[tuple[str, str], ...]] | None = None
    """All columns of each node with their types, if columns are shown."""
    changes: dict[str, str] = {}
    """``added``, ``removed`` or ``changed``, by id of a node."""
    edge_changes: dict[EdgeName, str] = {}
    """The same by source, target and job."""
    is_compared: bool = False
    keys: dict[str, int] = {}
    """The store's keys of its nodes by id, if known."""


def answer(lineage: Lineage, view: View) -> Shown:
    """The contents of a view.

    Raises:
        NotFound: a node is unknown, or no data flows between two.
        InvalidInput: a time or a name is invalid.
    """
    target = lineage.resolver.target(view.root)
    if view.to:
        graph = lineage.path(view.root, view.to, as_of=view.as_of or None, limit=_MOST_PATHS)
        end = lineage.resolver.node(view.to)
        return msgspec.structs.replace(_plain(graph, target.node), target=_root(graph, end))
    if target.field:
        return _plain(_column_graph(lineage, view), target.node)
    now = _around(lineage, target.node, view, view.as_of)
    if view.against:
        before = _around(lineage, target.node, view, view.against)
        upto = lineage.instant(view.as_of or None)
        return _compared(lineage, target.node, before, now, lineage.clock() if upto is None else upto)
    graph = now.graph
    said = not_yet(target.node.name, target.node.created_at, graph.as_of)
    if not (said or graph.edges or now.hidden_up or now.hidden_down) and graph.as_of is None:
        said = uncounted(lineage.store, target.node)
    graph = msgspec.structs.replace(graph, gaps=(*graph.gaps, *said))
    return Shown(
        root=_root(graph, target.node),
        graph=graph,
        hidden_up=now.hidden_up,
        hidden_down=now.hidden_down,
        columns=now.columns,
        keys=now.keys,
    )


def _around(lineage: Lineage, root: NodeRow, view: View, as_of: str) -> Neighbourhood:
    extent = Extent(up=view.up, down=view.down, opened=_keys(lineage, view.opened), shut=_keys(lineage, view.shut))
    instant = lineage.instant(as_of or None)
    found = neighbourhood(
        lineage.store,
        root,
        extent,
        as_of=instant,
        limit=view.limit,
        with_ghosts=bool(as_of) and not view.against,
        with_columns=view.columns,
    )
    kinds = view.kinds.split(",") if view.kinds else []
    check_kinds(lineage.store, kinds)
    return msgspec.structs.replace(found, graph=keep_kinds(found.graph, kinds)) if kinds else found


def _keys(lineage: Lineage, hands: Hands) -> dict[Direction, frozenset[int]]:
    """The store's keys of nodes, without unknown ones: a permalink can outlive its nodes."""

    def keys(ids: Iterable[str]) -> frozenset[int]:
        found: set[int] = set()
        for text in ids:
            rows = lineage.resolver.rows(text)
            found.update(row.id for row in rows[:1])
        return frozenset(found)

    if len(hands.up) + len(hands.down) > _MOST_OPENED:
        raise InvalidInput(field="opened", rule=f"must name at most {_MOST_OPENED:,} nodes")
    return {Direction.UPSTREAM: keys(hands.up), Direction.DOWNSTREAM: keys(hands.down)}


def _column_graph(lineage: Lineage, view: View) -> LineageGraph:
    """The upstream and downstream graph of a column in one."""
    instant = lineage.instant(view.as_of or None)
    sides = [
        walk(view.root, as_of=instant, columns=True, limit=view.limit)
        for walk in (lineage.upstream, lineage.downstream)
    ]
    return merged(*sides)


def merged(one: LineageGraph, other: LineageGraph) -> LineageGraph:
    """The union of two graphs, with the columns of both for common nodes and edges."""
    nodes = {node.id: node for node in one.nodes}
    for node in other.nodes:
        known = nodes.get(node.id)
        nodes[node.id] = node if known is None else _with_fields_of(known, node)
    edges = {edge_name(edge): edge for edge in one.edges}
    for edge in other.edges:
        same = edges.get(edge_name(edge))
        fields = edge.fields if same is None else tuple(dict.fromkeys((*same.fields, *edge.fields)))
        edges[edge_name(edge)] = msgspec.structs.replace(edge, fields=fields)
    return msgspec.structs.replace(
        one,
        direction="",
        nodes=tuple(nodes.values()),
        edges=tuple(edges.values()),
        gaps=tuple(dict.fromkeys((*one.gaps, *other.gaps))),
        hidden={},
        truncated=one.truncated or other.truncated,
        total=len(nodes),
    )


def _with_fields_of(node: Node, other: Node) -> Node:
    fields = dict.fromkeys([*node.properties.get("fields", ()), *other.properties.get("fields", ())])
    if not fields:
        return node
    return msgspec.structs.replace(node, properties={**node.properties, "fields": list(fields)})


def _compared(lineage: Lineage, root: NodeRow, before: Neighbourhood, now: Neighbourhood, upto: int) -> Shown:
    """Both instants on one graph."""
    old, new = before.graph, now.graph
    graph = merged(new, old)
    columns = None if now.columns is None else {**(before.columns or {}), **now.columns}
    return Shown(
        root=_root(graph, root),
        graph=msgspec.structs.replace(graph, as_of=new.as_of),
        hidden_up=before.hidden_up | now.hidden_up,
        hidden_down=before.hidden_down | now.hidden_down,
        columns=columns,
        changes=node_changes(lineage.store, lineage.resolver, old, new, upto),
        edge_changes=edge_changes(old, new),
        is_compared=True,
        keys=before.keys | now.keys,
    )


def _plain(graph: LineageGraph, root: NodeRow) -> Shown:
    return Shown(root=_root(graph, root), graph=graph, hidden_up={}, hidden_down={})


def _root(graph: LineageGraph, row: NodeRow) -> Node:
    wanted = node_id(row)
    found = graph.node(wanted)
    if found is None:
        raise NotFound(row.name, hint="it is not part of this view")
    return found
