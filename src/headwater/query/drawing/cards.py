"""Contents of a card: text, columns, size; positions are assigned later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from headwater.errors import InvalidInput
from headwater.model.graph import Node, NodeKind
from headwater.query.drawing.geometry import Box
from headwater.query.drawing.grouping import Rollup
from headwater.query.drawing.text_width import fitted
from headwater.query.names import Labels, is_in_memory
from headwater.query.result import LineageGraph
from headwater.query.symbols import UNICODE, count_of, type_mark, type_word
from headwater.query.terminal_text import clean, elide, plural

CARD_WIDTH = 208.0
CARD_HEIGHT = 46.0
ROW_HEIGHT = 24.0
PILL_HEIGHT = 26.0
MOST_COLUMNS = 8
MORE = "…"
_FOOT = 6.0
_CARD_EMS = 15.5
_DETAIL_LETTERS = 28
_PILL_LETTERS = 22
_PILL_LETTER_WIDTH = 6.4

Columns = Mapping[str, Sequence[str | tuple[str, str]]]
"""Column names, or pairs of name and type, by node id."""


class Words(NamedTuple):
    """What a card says and how large it is."""

    node: str
    kind: str
    type: str
    name: str
    label: str
    short: str
    detail: str
    mark: str
    place: str
    width: float
    fields: tuple[tuple[str, str], ...] = ()
    more: int = 0

    @property
    def rows(self) -> dict[str, float]:
        """The middle of each row from the top of the card, by column; ``…`` stands for those not shown."""
        names = [field for field, _ in self.fields] + ([MORE] if self.more else [])
        return {name: CARD_HEIGHT + (at + 0.5) * ROW_HEIGHT for at, name in enumerate(names)}

    def box(self, key: str) -> Box:
        """Return the room the card takes."""
        if self.width != CARD_WIDTH:
            return Box(key, self.width, PILL_HEIGHT)
        rows = self.rows
        height = CARD_HEIGHT + (len(rows) * ROW_HEIGHT + _FOOT if rows else 0.0)
        return Box(key, CARD_WIDTH, height, (("", CARD_HEIGHT / 2), *rows.items()) if rows else ())

    def port(self, field: str) -> str:
        """Return the row at which a link of that column ends: its own, that of the rest, or "" for the whole card."""
        name = clean(field)
        return name if any(name == shown for shown, _ in self.fields) else MORE if self.more else ""


def is_process(node: Node) -> bool:
    """Tell whether a node is a job or a run rather than data."""
    return node.kind in {NodeKind.JOB, NodeKind.RUN}


def card_words(node: Node, labels: Labels, fields: Sequence[tuple[str, str]] = (), most: int = MOST_COLUMNS) -> Words:
    """Return what the card of a dataset says, or of a job that ends the graph."""
    label = labels.of(node)
    place = labels.place(node.namespace)
    words = ["job" if is_process(node) else type_word(node)]
    if "rows" in node.properties:
        words.append(plural(node.properties["rows"], "row"))
    return Words(
        node=node.id,
        kind=node.kind.value,
        type=type_name(node),
        name=clean(node.name),
        label=label,
        short=fitted(label, _CARD_EMS),
        detail=_fitting([*words, place]),
        mark=UNICODE.job if is_process(node) else type_mark(node, UNICODE),
        place=place,
        width=CARD_WIDTH,
        fields=tuple(fields[:most]),
        more=max(0, len(fields) - most),
    )


def pill_words(job: str, node: Node | None, labels: Labels) -> Words:
    """Return what the pill of a job between data says."""
    label = labels.of(node) if node else clean(job)
    short = elide(label, _PILL_LETTERS)
    return Words(
        node=job,
        kind=node.kind.value if node else NodeKind.JOB.value,
        type=node.type.lower() if node else "",
        name=clean(node.name) if node else label,
        label=label,
        short=short,
        detail="",
        mark=UNICODE.job,
        place=labels.place(node.namespace) if node else "",
        width=round(len(short) * _PILL_LETTER_WIDTH + 34, 1),
    )


def group_words(group: Rollup, labels: Labels) -> Words:
    """Return what the card of a collapsed group says."""
    label = labels.place(group.key) or clean(group.key)
    return Words(
        node="",
        kind="group",
        type="group",
        name=clean(group.key),
        label=label,
        short=fitted(label, _CARD_EMS),
        detail=_counted(group.counts),
        mark="▣",
        place="",
        width=CARD_WIDTH,
    )


def _counted(counts: Mapping[str, int]) -> str:
    """How many nodes of each kind there are; how many in all where that has no room."""
    words = " · ".join(count_of(count, kind) for kind, count in counts.items())
    if len(words) <= _DETAIL_LETTERS:
        return words
    return f"{plural(sum(counts.values()), 'dataset')} of {len(counts)} kinds"


def type_name(node: Node) -> str:
    """Return the type of a node in small letters, ``memory`` for data of a process; that of a job is its operation."""
    if not is_process(node) and is_in_memory(node.namespace) and node.type.upper() not in _OF_THEIR_OWN:
        return "memory"
    return clean(node.type.lower())


_OF_THEIR_OWN = {"MODEL", "CHECKPOINT", "PREDICTIONS"}


def shown_columns(
    graph: LineageGraph, columns: Columns | None, first: Mapping[str, Sequence[str]] | None = None
) -> dict[str, list[tuple[str, str]]]:
    """Return the columns of each node: those of ``first``, those with column edges, the rest, each in the given order.

    Without ``columns`` they are those of the answer (``properties["fields"]``, in answers about columns).
    """
    related: dict[str, set[str]] = {}
    for edge in graph.edges:
        for field in edge.fields:
            related.setdefault(edge.source, set()).add(field.source_field)
            related.setdefault(edge.target, set()).add(field.target_field)
    found: dict[str, list[tuple[str, str]]] = {}
    for node in graph.nodes:
        if columns is not None:
            given = columns.get(node.id, ())
        else:
            given = node.properties.get("fields", ()) if graph.columns else ()
        if isinstance(given, str):
            raise InvalidInput(field=f"columns.{node.id}", value=given, rule="must be a list of names, not one text")
        pairs = [(item, "") if isinstance(item, str) else (item[0], item[1]) for item in given]
        near = related.get(node.id, set())
        wanted = {name: at for at, name in enumerate((first or {}).get(node.id, ()))}
        pairs.sort(key=lambda pair: (wanted.get(clean(pair[0]), len(wanted)), pair[0] not in near))
        once: dict[str, str] = {}
        for name, kind in pairs:
            once.setdefault(clean(name), clean(kind))
        if once:
            found[node.id] = list(once.items())
    return found


def _fitting(words: Sequence[str]) -> str:
    """As many words as fit, the first cut if need be."""
    kept = [word for word in words if word]
    text = elide(kept[0], _DETAIL_LETTERS) if kept else ""
    for word in kept[1:]:
        if len(text) + 3 + len(word) <= _DETAIL_LETTERS:
            text += f" · {word}"
    return text
