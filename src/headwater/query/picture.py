"""What the picture of a lineage graph shows: cards for data, pills for the jobs between, links with their meaning.

A job gets one pill for each group of outputs that share the same inputs, so that a picture never suggests that one
output was made from another's inputs. A picture of columns has no pills: its links lead from column to column.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from headwater.model.graph import Edge, How, Node, NodeKind
from headwater.query.layout import Box, Link
from headwater.query.marks import UNICODE, type_mark, type_word
from headwater.query.names import Labels
from headwater.query.result import LineageGraph
from headwater.query.text import clean, elide, plural

CARD_WIDTH = 208.0
CARD_HEIGHT = 46.0
ROW_HEIGHT = 17.0
PILL_HEIGHT = 24.0
MOST_COLUMNS = 8
_CARD_LETTERS = 25
_PILL_LETTERS = 22
_PILL_LETTER_WIDTH = 6.4


class Card(NamedTuple):
    """A dataset, or a job that ends the graph: two lines of text and up to eight columns."""

    key: str
    title: str
    name: str
    word: str
    mark: str
    type: str
    is_root: bool
    columns: tuple[str, ...] = ()
    more_columns: int = 0
    hidden: int = 0

    @property
    def box(self) -> Box:
        """The room the card takes."""
        rows = len(self.columns) + bool(self.more_columns)
        return Box(self.key, CARD_WIDTH, CARD_HEIGHT + (rows * ROW_HEIGHT + 6 if rows else 0))

    def row_y(self, column: str) -> float:
        """Return the middle of a column's row, from the top of the card; of the last row when it is not shown."""
        if column in self.columns:
            return CARD_HEIGHT + (self.columns.index(column) + 0.5) * ROW_HEIGHT
        if self.more_columns:
            return CARD_HEIGHT + (len(self.columns) + 0.5) * ROW_HEIGHT
        return CARD_HEIGHT / 2


class Pill(NamedTuple):
    """A job between its inputs and the outputs that they share."""

    key: str
    title: str
    name: str
    state: str

    @property
    def box(self) -> Box:
        """The room the pill takes."""
        return Box(self.key, round(len(self.name) * _PILL_LETTER_WIDTH + 34, 1), PILL_HEIGHT)


class Line(NamedTuple):
    """A link to draw along the route of ``link``; a column line starts and ends at the columns' rows."""

    link: Link
    is_dashed: bool
    is_past: bool
    source_column: str = ""
    target_column: str = ""


class Picture(NamedTuple):
    """All that is drawn."""

    cards: dict[str, Card]
    pills: dict[str, Pill]
    lines: list[Line]

    def boxes(self) -> Iterable[Box]:
        """Return the room of every card and pill."""
        return [*(card.box for card in self.cards.values()), *(pill.box for pill in self.pills.values())]


def picture(graph: LineageGraph, base: str | None = None) -> Picture:
    """Return what to draw for a graph; paths are shown relative to ``base``."""
    labels = Labels(base)
    ends = {end for edge in graph.edges for end in (edge.source, edge.target)}
    shown = [node for node in graph.nodes if node.id in ends or node.id in graph.roots or not _is_process(node)]
    cards = {node.id: _card(graph, node, labels) for node in shown}
    if graph.columns:
        return Picture(cards, {}, _column_lines(graph))
    pills, lines = _pills(graph, labels)
    return Picture(cards, pills, lines)


def _is_process(node: Node) -> bool:
    return node.kind in {NodeKind.JOB, NodeKind.RUN}


def _card(graph: LineageGraph, node: Node, labels: Labels) -> Card:
    full = labels.of(node.kind, node.namespace, node.name)
    words = ["job" if _is_process(node) else type_word(node)]
    if "rows" in node.properties:
        words.append(plural(node.properties["rows"], "row"))
    if place := labels.place(node.namespace):
        words.append(place)
    fields = [clean(field) for field in node.properties.get("fields", ())] if graph.columns else []
    return Card(
        key=node.id,
        title=clean(node.id),
        name=elide(full, _CARD_LETTERS),
        word=_fitting([word for word in words if word], _CARD_LETTERS + 6),
        mark=UNICODE.job if _is_process(node) else type_mark(node, UNICODE),
        type=node.type.lower() if not _is_process(node) else "job",
        is_root=node.id in graph.roots,
        columns=tuple(fields[:MOST_COLUMNS]),
        more_columns=max(0, len(fields) - MOST_COLUMNS),
        hidden=graph.hidden.get(node.id, 0),
    )


def _fitting(words: list[str], letters: int) -> str:
    """As many words as fit, the first cut if need be."""
    text = elide(words[0], letters) if words else ""
    for word in words[1:]:
        if len(text) + 3 + len(word) <= letters:
            text += f" · {word}"
    return text


def _pills(graph: LineageGraph, labels: Labels) -> tuple[dict[str, Pill], list[Line]]:
    nodes = {node.id: node for node in graph.nodes}
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    into: dict[tuple[str, str], list[Edge]] = {}
    direct: list[Line] = []
    for edge in graph.edges:
        if not edge.job or edge.job in {edge.source, edge.target}:
            direct.append(Line((edge.source, edge.target), _is_dashed([edge]), edge.valid_to is not None))
        else:
            into.setdefault((edge.job, edge.target), []).append(edge)
    for (job, target), edges in sorted(into.items()):
        groups.setdefault((job, tuple(sorted({edge.source for edge in edges}))), []).append(target)
    pills: dict[str, Pill] = {}
    lines = direct
    for number, ((job, sources), targets) in enumerate(sorted(groups.items())):
        key = f"\x01{number}"
        node = nodes.get(job)
        label = labels.of(node.kind, node.namespace, node.name) if node else clean(job)
        pills[key] = Pill(key, clean(job), elide(label, _PILL_LETTERS), node.state if node else "")
        for source in sources:
            edges = [edge for target in targets for edge in into[job, target] if edge.source == source]
            lines.append(Line((source, key), _is_dashed(edges), _is_past(edges)))
        for target in targets:
            edges = into[job, target]
            lines.append(Line((key, target), _is_dashed(edges), _is_past(edges)))
    return pills, lines


def _column_lines(graph: LineageGraph) -> list[Line]:
    lines: dict[Line, None] = {}
    for edge in graph.edges:
        for field in edge.fields:
            is_dashed = field.type == "INDIRECT" or edge.how is How.INFERRED
            line = Line(
                (edge.source, edge.target),
                is_dashed,
                edge.valid_to is not None,
                clean(field.source_field),
                clean(field.target_field),
            )
            lines[line] = None
        if not edge.fields:
            lines[Line((edge.source, edge.target), True, edge.valid_to is not None)] = None
    return list(lines)


def _is_dashed(edges: Iterable[Edge]) -> bool:
    """No value is known to flow: inferred, or columns that only decide."""
    return all(
        edge.how is How.INFERRED or (bool(edge.fields) and all(field.type == "INDIRECT" for field in edge.fields))
        for edge in edges
    )


def _is_past(edges: Iterable[Edge]) -> bool:
    return all(edge.valid_to is not None for edge in edges)
