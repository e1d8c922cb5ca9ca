"""An impact as text: a line per affected node, worst first, followed by the path to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from headwater.model.graph import NodeKind
from headwater.query.impact import Affected, Change, Impact, Severity, Step
from headwater.query.names import Labels, last_part
from headwater.query.symbols import UNICODE, type_mark, type_word
from headwater.query.terminal_text import Line, Span, Style, clean, elide, fit, pad, plural, width

_DOING: dict[Change, str] = {
    "drop": "dropping",
    "retype": "changing the type of",
    "rename": "renaming",
    "retire": "retiring",
    "delete_rows": "deleting rows of",
}
_SIGNS: dict[Severity, tuple[str, Style]] = {
    "breaks": ("✘ breaks ", "bad"),
    "changes": ("~ changes", "warn"),
    "check": ("? check  ", "dim"),
}
_MOST_ITEMS = 200


def impact_lines(impact: Impact, *, cells: int | None = None) -> list[Line]:
    """Return the lines: what is asked, the verdict in one line, the nodes, the gaps."""
    labels = _Names(impact)
    lines = [_title(impact, labels), _verdict(impact), []]
    shown = impact.lasting()
    names = [labels.of(item.node.id) for item in shown]
    room = min(44, max((width(name) for name in names), default=10))
    words = max((width(_kind_word(item)) for item in shown), default=0)
    for item, name in list(zip(shown, names, strict=True))[:_MOST_ITEMS]:
        lines.append(_item_line(item, name, room, words))
        lines.extend(_path_lines(item, labels, cells))
    if len(shown) > _MOST_ITEMS:
        lines.append([Span(f"  and {plural(len(shown) - _MOST_ITEMS, 'more node')}: use --json for all", "dim")])
    if passing := passing_words(impact):
        lines.append([Span(f"  {passing}", "dim")])
    lines.extend([Span(f"{UNICODE.gap} ", "warn"), Span(clean(gap), "dim")] for gap in impact.gaps)
    if impact.truncated:
        lines.append([Span("truncated: raise --limit to see more", "warn")])
    return [fit(line, cells) for line in lines]


class _Names:
    """Labels of the nodes of one impact, by id."""

    def __init__(self, impact: Impact) -> None:
        self._nodes = {node.id: node for node in (impact.root, *(item.node for item in impact.items))}
        self._labels = Labels(shown=self._nodes.values())
        self._ends = Counter(last_part(self.of(node_id)) for node_id in self._nodes)

    def of(self, node_id: str) -> str:
        node = self._nodes.get(node_id)
        return self._labels.of(node) if node is not None else clean(node_id)

    def end(self, node_id: str) -> str:
        """The last part of a label, where it is that of one node; else all of it."""
        label = self.of(node_id)
        return last_part(label) if self._ends[last_part(label)] == 1 else label


def _title(impact: Impact, labels: _Names) -> Line:
    name = labels.of(impact.root.id)
    what = f"{name}:{clean(impact.field)}" if impact.field else name
    return [Span("impact of ", "dim"), Span(_DOING[impact.change] + " ", "heading"), Span(what, "root")]


def _verdict(impact: Impact) -> Line:
    line: Line = []
    for severity, words in verdict_words(impact):
        line.append(Span(UNICODE.dot if line else ""))
        line.append(Span(words, _SIGNS[severity][1]))
    return line or [Span("nothing downstream is affected", "good")]


def verdict_words(impact: Impact) -> list[tuple[Severity, str]]:
    """Say how many nodes are affected how, worst first: ``8 break``, ``1 to check``."""
    many: dict[Severity, str] = {"breaks": "break", "changes": "change", "check": "to check"}
    one: dict[Severity, str] = {**many, "breaks": "breaks", "changes": "changes"}
    return [
        (severity, f"{count:,} {(one if count == 1 else many)[severity]}")
        for severity, count in impact.counts().items()
        if count
    ]


def passing_words(impact: Impact) -> str:
    """Say how many tables on the way are not in the list; nothing if there are none."""
    count = len(impact.passing())
    live = "lives" if count == 1 else "live"
    return f"and {plural(count, 'table')} on the way that {live} in memory" if count else ""


def _kind_word(item: Affected) -> str:
    if item.node.kind is NodeKind.JOB:
        return item.node.type.lower().replace("_", " ") or "job"
    return type_word(item.node) or "dataset"


def _item_line(item: Affected, name: str, room: int, words: int) -> Line:
    sign, style = _SIGNS[item.severity]
    is_job = item.node.kind is NodeKind.JOB
    return [
        Span("  " + sign + "  ", style),
        Span((UNICODE.job if is_job else type_mark(item.node, UNICODE)) + " ", "key"),
        Span(pad(elide(name, room), room), "job" if is_job else "name"),
        Span("  " + pad(_kind_word(item), words), "dim"),
        Span("  " + clean(item.reason)),
    ]


def _path_lines(item: Affected, labels: _Names, cells: int | None) -> Iterator[Line]:
    """The path, if it is more than its two ends."""
    if item.node.kind is NodeKind.JOB:
        return
    steps = [step for at, step in enumerate(item.path) if at in {0, len(item.path) - 1} or not _in_memory(step)]
    if len(steps) < 2:
        return
    parts = [_step(step, labels) for step in steps]
    line: Line = [Span(" " * 13)]
    room = (cells or 10_000) - 14
    if sum(width(part) + 3 for part in parts) > room and len(parts) > 3:
        parts = [parts[0], f"({len(parts) - 3} more)", *parts[-2:]]
    for at, part in enumerate(parts):
        if at:
            line.append(Span(f" {UNICODE.arrow} ", "dim"))
        line.append(Span(part, "dim"))
    yield line


def _in_memory(step: Step) -> bool:
    return step.node.startswith(("dataset:inmemory", "dataset:memory"))


def _step(step: Step, labels: _Names) -> str:
    short = labels.end(step.node)
    return f"{short}:{clean(step.field)}" if step.field else short
