"""A diff as text: grouped by kind, before and after side by side, then a line with what is equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from headwater.model.short_digests import ShortDigests
from headwater.query.code_diff import CodeDiff
from headwater.query.diff import Diff, Difference, What
from headwater.query.diff_values import Piece, delta, digests_of, pieces, sides
from headwater.query.instants import Clock, ago, iso, now
from headwater.query.names import Labels
from headwater.query.terminal_text import Line, Span, Style, clean, elide, fit, listing, pad, plural, width

ORDER: tuple[tuple[What, str], ...] = (
    ("run", "runs"),
    ("version", "content"),
    ("parameter", "parameters"),
    ("seed", "seeds"),
    ("code", "code"),
    ("environment", "environment"),
    ("input", "inputs"),
    ("column", "columns"),
    ("metric", "metrics"),
    ("output", "outputs"),
    ("node", "nodes"),
    ("edge", "edges"),
)
_SIGNS: dict[str, tuple[str, Style]] = {
    "added": ("+", "added"),
    "removed": ("-", "removed"),
    "changed": ("~", "warn"),
    "same": ("=", "dim"),
}
_MOST_A_GROUP = 40
_MOST_CODE_LINES = 120
_WIDEST_NAME = 40


def diff_lines(diff: Diff, *, cells: int | None = None, base: str | None = None, clock: Clock = now) -> list[Line]:
    """Return the lines: the two sides, the differences group by group, the count of what is the same."""
    labels, short = Labels(base), digests_of(diff)
    current = clock()
    lines: list[Line] = []
    if diff.subject:
        lines.append([Span("difference of ", "dim"), Span(side_words(diff.subject, labels), "root")])
    for sign, style, side, at in (
        ("- ", "removed", diff.before, diff.before_at),
        ("+ ", "added", diff.after, diff.after_at),
    ):
        name = iso(at) if diff.of == "graph" else side_words(side, labels)
        when = (
            "" if at is None else f"  {ago(at, current)}" if diff.of == "graph" else f"  {iso(at)} · {ago(at, current)}"
        )
        lines.append([Span(sign, style), Span(name), Span(when, "dim")])  # type: ignore[arg-type]
    for what, title in ORDER:
        group = diff.of_kind(what)
        if not group:
            continue
        lines.extend([[], [Span(title, "heading")]])
        shown = group[:_MOST_A_GROUP]
        names = [_name(item, labels) for item in shown]
        room = min(_WIDEST_NAME, max(width(name) for name in names)) if what != "edge" else 10_000
        lines.extend(_line(item, name, room, short) for item, name in zip(shown, names, strict=True))
        if len(group) > len(shown):
            lines.append([Span(f"  and {len(group) - len(shown):,} more: use --json for all", "dim")])
    if diff.code is not None:
        lines.extend([[], *_code_lines(diff.code)])
    lines.extend([[], _same_line(diff, labels)])
    return [fit(line, cells) for line in lines]


def _code_lines(code: CodeDiff) -> Iterator[Line]:
    """The code of both sides, line by line, or a note that it is equal or cannot be compared."""
    note = Span(f"  {clean(code.note)}" if code.note else "", "dim")
    if code.state == "same":
        yield [Span("same code", "good"), note]
        return
    if code.state == "unknown":
        yield [Span("code, line by line", "heading"), Span(f"  {clean(code.note)}", "warn")]
        return
    yield [Span("code, line by line", "heading"), note]
    styles: dict[str, Style] = {"+": "added", "-": "removed", "@": "dim"}
    for line in code.lines[:_MOST_CODE_LINES]:
        yield [Span("  " + clean(line.expandtabs(4)), styles.get(line[:1], ""))]
    rest = len(code.lines) - len(code.lines[:_MOST_CODE_LINES]) + code.left_out
    if rest:
        yield [Span(f"  and {plural(rest, 'line')} more: use --json", "dim")]


def side_words(name: str, labels: Labels) -> str:
    """Say what one side of a comparison, or what both belong to, is called."""
    head, _, rest = name.partition(":")
    if head == "run":
        return f"run {clean(rest)}"
    if head == "job":
        return clean(labels.file(rest.partition(":")[2]))
    if head != "dataset":
        return clean(name)
    path, hash_, version = (labels.file(rest[5:]) if rest.startswith("file:") else rest).rpartition("#")
    return clean(f"{path}#{ShortDigests().of(version)}" if hash_ else version)


def _name(item: Difference, labels: Labels) -> str:
    name = item.name
    if item.label:
        return clean(labels.file(item.label))
    if item.what == "node":
        rest = name.partition(":")[2]
        return clean(labels.file(rest[5:]) if rest.startswith("file:") else rest.partition(":")[2] or name)
    if item.what == "edge":
        return clean(name.replace(f"dataset:file:{labels.base}/", "").replace("dataset:", "").replace("job:", ""))
    return clean(labels.file(name))


def _line(item: Difference, name: str, room: int, short: ShortDigests) -> Line:
    sign, style = _SIGNS[item.kind]
    line: Line = [Span(f"  {sign} ", style), Span(pad(elide(name, room), min(room, _WIDEST_NAME)), "name")]
    if item.kind == "changed":
        before, after = sides(item.before, item.after, short)
        line.extend([Span("  " + _words(before), "removed"), Span(" → ", "dim"), Span(_words(after), "added")])
        if note := delta(item.before, item.after):
            line.append(Span(f"  {note}", "dim"))
    else:
        shown = _words(pieces(item.after if item.kind == "added" else item.before, short))
        if shown:
            line.append(Span("  " + shown, style))
    if item.note:
        line.append(Span("  " + item.note, "dim"))
    return line


def _words(found: list[Piece]) -> str:
    return ", ".join(elide(piece.text, 60) for piece in found) if found else "none"


def _same_line(diff: Diff, labels: Labels) -> Line:
    if not diff.differences:
        return [Span("no difference", "good"), Span(f" in {plural(len(diff.same), 'fact')} compared", "dim")]
    return [Span("the same: " + (same_words(diff, labels) or "nothing"), "dim")]


def same_words(diff: Diff, labels: Labels) -> str:
    """Say what was compared and is the same: ``61 parameters · inputs raw.csv``; nothing where all differs."""
    counts = Counter(item.what for item in diff.same)
    parts: list[str] = []
    for what, title in ORDER:
        if not counts[what] or what in {"run", "version"}:
            continue
        if what in {"input", "output"}:
            names = [_name(item, labels).rpartition("/")[2] for item in diff.same if item.what == what]
            parts.append(f"{title} {listing(names, 3)}")
        else:
            parts.append(plural(counts[what], what if what != "code" else "code fact", _many(what)))
    return " · ".join(parts)


def _many(what: What) -> str:
    return {"code": "code facts", "environment": "environment facts"}.get(what, "")
