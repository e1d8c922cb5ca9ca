"""Composes a picture from a lineage graph: grouping, labels, layout."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from headwater.errors import InvalidInput
from headwater.model.graph import Node
from headwater.query.drawing.cards import (
    MOST_COLUMNS,
    Columns,
    Words,
    card_words,
    group_words,
    is_process,
    shown_columns,
)
from headwater.query.drawing.geometry import Layout, Rect
from headwater.query.drawing.geometry import Link as Wire
from headwater.query.drawing.grouping import GroupBy, Grouped, Rollup, grouped, states_of
from headwater.query.drawing.links import Lines, line_of, lines_of
from headwater.query.drawing.nested_layout import nested
from headwater.query.drawing.picture import Card, Group, LeftOut, Link, Picture, Port
from headwater.query.names import Labels
from headwater.query.result import LineageGraph
from headwater.query.terminal_text import clean, plural

Placed = Mapping[str, Rect | Sequence[float]]
"""Left, top, width and height by card or group id, as an earlier picture gave them."""
_FARTHEST = 10_000_000
"""The farthest place, in pixels, that a card of an earlier picture may have had."""


def picture_of(
    graph: LineageGraph,
    *,
    jobs: Literal["edges", "nodes"] = "edges",
    columns: Columns | None = None,
    most_columns: int = MOST_COLUMNS,
    first_columns: Mapping[str, Sequence[str]] | None = None,
    group_by: GroupBy | None = None,
    collapsed: Collection[str] | Literal["all"] = (),
    placed: Placed | None = None,
    hidden: Mapping[str, tuple[int, int]] | None = None,
) -> Picture:
    """Return the picture of a graph: a function of the graph and the options, whatever the order of nodes and edges.

    ``jobs`` draws jobs as lines between data, or as pills of their own. ``columns`` are the columns of each card by
    node id (all of them: at most ``most_columns`` are shown, those with column edges first); None shows the columns of
    an answer about columns, and none else; ``first_columns`` stand before all others. ``group_by`` and ``collapsed``:
    see ``grouping``. Cards and groups of ``placed`` (rectangles by id, from an earlier picture) stay exactly where they
    were. ``hidden`` are the true counts of neighbours that are not shown, upstream and downstream, by node id; without
    it the graph's own count of the side that was walked.

    Raises ``InvalidInput`` for options out of range.
    """
    if jobs not in {"edges", "nodes"}:
        raise InvalidInput(field="jobs", value=str(jobs), rule="must be 'edges' or 'nodes'")
    if most_columns < 0:
        raise InvalidInput(field="most_columns", value=str(most_columns), rule="must be 0 or more")
    labels = Labels(shown=graph.nodes)
    grouping = grouped(graph, group_by, collapsed)
    fields = shown_columns(graph, columns, first_columns)
    cards = _cards(graph, grouping, fields, labels, most_columns)
    lines = lines_of(graph, grouping, cards, labels, has_pills=jobs == "nodes")
    homes = _homes(grouping, lines)
    everything = {**cards, **lines.pills}
    layout = nested(
        [words.box(key) for key, words in everything.items()], lines.parts, homes, placed=_rects(placed or {})
    )
    return _Composition(graph, grouping, everything, lines, homes, layout, _hidden(graph, hidden), labels).picture()


def _cards(
    graph: LineageGraph, grouping: Grouped, fields: Mapping[str, list[tuple[str, str]]], labels: Labels, most: int
) -> dict[str, Words]:
    """Return the cards: data, jobs that end the graph, collapsed groups."""
    ends = {end for edge in graph.edges for end in (edge.source, edge.target)}
    cards = {
        node.id: card_words(node, labels, fields.get(node.id, ()), most)
        for node in graph.nodes
        if grouping.home.get(node.id, node.id) == node.id
        and (node.id in ends or node.id in graph.roots or not is_process(node))
    }
    for key in grouping.collapsed:
        cards[grouping.groups[key].id] = group_words(grouping.groups[key], labels)
    return cards


def _homes(grouping: Grouped, lines: Lines) -> dict[str, str]:
    """Return the id of the open group of each card; a pill between members of one group stands with them."""
    homes = {
        key: grouping.groups[group].id for key, group in grouping.group_of.items() if group not in grouping.collapsed
    }
    near: dict[str, set[str]] = {}
    for link in lines.parts:
        near.setdefault(link.source, set()).add(homes.get(link.target, ""))
        near.setdefault(link.target, set()).add(homes.get(link.source, ""))
    for key in lines.pills:
        if len(near[key]) == 1 and (group := next(iter(near[key]))):
            homes[key] = group
    return homes


def _rects(placed: Placed) -> dict[str, Rect]:
    rects: dict[str, Rect] = {}
    for key, values in placed.items():
        numbers = list(values)
        if len(numbers) != 4 or not all(isinstance(value, int | float) for value in numbers):
            raise InvalidInput(field=f"placed.{key}", value=str(numbers), rule="must be x, y, width and height")
        if not all(abs(value) <= _FARTHEST for value in numbers):
            rule = f"must be four numbers between -{_FARTHEST:,} and {_FARTHEST:,}"
            raise InvalidInput(field=f"placed.{key}", value=str(numbers), rule=rule)
        rects[key] = Rect(*(float(value) for value in numbers))
    return rects


def _hidden(graph: LineageGraph, hidden: Mapping[str, tuple[int, int]] | None) -> Mapping[str, tuple[int, int]]:
    if hidden is not None:
        return hidden
    is_up = graph.direction == "upstream"
    return {key: (count, 0) if is_up else (0, count) for key, count in graph.hidden.items()}


class _Composition:
    """Everything that a picture is composed of."""

    def __init__(
        self,
        graph: LineageGraph,
        grouping: Grouped,
        words: Mapping[str, Words],
        lines: Lines,
        homes: Mapping[str, str],
        layout: Layout,
        hidden: Mapping[str, tuple[int, int]],
        labels: Labels,
    ) -> None:
        self.graph = graph
        self.grouping = grouping
        self.words = words
        self.lines = lines
        self.homes = homes
        self.layout = layout
        self.hidden = hidden
        self.labels = labels
        self.nodes = {node.id: node for node in graph.nodes}
        self.states = states_of(graph)
        self.rollups = {group.id: group for group in grouping.groups.values()}
        self.valid: set[str] = set(graph.roots)
        self.touched: set[str] = set()
        for edge in graph.edges:
            ends = {edge.source, edge.target, edge.job}
            self.touched |= ends
            if edge.valid_to is None:
                self.valid |= ends

    def picture(self) -> Picture:
        cards = sorted((self._card(key) for key in self.words), key=lambda card: (card.x, card.y, card.id))
        bounds = self.layout.bounds
        return Picture(
            x=bounds.x,
            y=bounds.y,
            width=bounds.width,
            height=bounds.height,
            title=self._title(),
            cards=tuple(cards),
            links=tuple(self._link(link) for link in self.layout.routes),
            groups=tuple(self._group(key) for key in sorted(self.rollups)),
            left_out=self._left_out(),
            roots=self.graph.roots,
            direction=self.graph.direction,
            as_of=self.graph.as_of,
        )

    def _title(self) -> str:
        count = f"{plural(len(self.graph.datasets()), 'dataset')}, {plural(len(self.graph.jobs()), 'job')}"
        roots = ", ".join(self.graph.roots)
        return f"{self.graph.direction or 'lineage'} of {roots}: {count}" if roots else f"lineage: {count}"

    def _card(self, key: str) -> Card:
        words, rect = self.words[key], self.layout.boxes[key]
        rollup = self.rollups.get(key)
        members = rollup.members if rollup else (words.node,)
        node = self.nodes.get(words.node)
        up, down = (sum(self.hidden.get(member, (0, 0))[side] for member in members) for side in (0, 1))
        if key in self.lines.pills:
            up = down = 0
        return Card(
            id=key,
            node=words.node,
            kind=words.kind,
            type=words.type,
            name=words.name,
            label=words.label,
            short=words.short,
            detail=words.detail,
            mark=words.mark,
            place=words.place,
            state=(rollup.state if rollup else self.states.get(words.node, "")).lower(),
            x=rect.x,
            y=rect.y,
            w=rect.width,
            h=rect.height,
            hidden_up=up,
            hidden_down=down,
            ports=tuple(Port(field=field, type=kind, y=words.rows[field]) for field, kind in words.fields),
            more_ports=words.more,
            group=self.homes.get(key, ""),
            level=min((self.nodes[member].level for member in members if member in self.nodes), default=0),
            is_root=any(member in self.graph.roots for member in members),
            is_ghost=self._is_ghost(node, members),
        )

    def _is_ghost(self, node: Node | None, members: Sequence[str]) -> bool:
        if node is not None and node.properties.get("deleted"):
            return True
        return all(member in self.touched and member not in self.valid for member in members)

    def _link(self, link: Wire) -> Link:
        line = line_of(self.lines.parts[link])
        return Link(
            source=link.source,
            target=link.target,
            source_port=link.source_port,
            target_port=link.target_port,
            job=line.job,
            jobs=line.jobs,
            run=line.run,
            how=line.how,
            is_indirect=line.is_indirect,
            is_past=line.is_past,
            is_back=link in self.layout.backward,
            points=tuple(self.layout.routes[link]),
            count=line.edges,
        )

    def _group(self, key: str) -> Group:
        rollup: Rollup = self.rollups[key]
        rect = self.layout.boxes[key]
        return Group(
            id=key,
            label=self.labels.place(rollup.key) or clean(rollup.key),
            x=rect.x,
            y=rect.y,
            w=rect.width,
            h=rect.height,
            counts=rollup.counts,
            state=rollup.state.lower(),
            is_collapsed=rollup.key in self.grouping.collapsed,
            members=rollup.members,
        )

    def _left_out(self) -> LeftOut:
        shown = len(self.graph.datasets())
        grouped_away = sum(len(self.grouping.groups[key].members) for key in self.grouping.collapsed)
        return LeftOut(
            nodes=max(0, self.graph.total - shown) if self.graph.truncated else 0,
            neighbours=sum(up + down for key, (up, down) in self.hidden.items() if key in self.nodes),
            columns=sum(words.more for words in self.words.values()),
            grouped=grouped_away,
            loops=self.lines.loops,
            is_truncated=self.graph.truncated,
            gaps=self.graph.gaps,
        )
