"""A diff as text: grouped by what differs, before and after side by side, and a last line of what is the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from headwater.query.code_diff import CodeDiff
from headwater.query.diff import Diff, Difference, What
from headwater.query.names import Labels
from headwater.query.text import Line, Span, Style, clean, elide, fit, listing, pad, plural, width
from headwater.query.times import Clock, ago, iso, now

_ORDER: tuple[tuple[What, str], ...] = (
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
    labels = Labels(base)
    current = clock()
    lines: list[Line] = []
    if diff.subject:
        lines.append([Span("difference of ", "dim"), Span(_side(diff.subject, labels), "root")])
    for sign, style, side, at in (
        ("- ", "removed", diff.before, diff.before_at),
        ("+ ", "added", diff.after, diff.after_at),
    ):
        name = iso(at) if diff.of == "graph" else _side(side, labels)
        when = (
            "" if at is None else f"  {ago(at, current)}" if diff.of == "graph" else f"  {iso(at)} · {ago(at, current)}"
        )
        lines.append([Span(sign, style), Span(name), Span(when, "dim")])  # type: ignore[arg-type]
    for what, title in _ORDER:
        group = diff.of_kind(what)
        if not group:
            continue
        lines.extend([[], [Span(title, "heading")]])
        shown = group[:_MOST_A_GROUP]
        names = [_name(item, labels) for item in shown]
        room = min(_WIDEST_NAME, max(width(name) for name in names)) if what != "edge" else 10_000
        lines.extend(_line(item, name, room) for item, name in zip(shown, names, strict=True))
        if len(group) > len(shown):
            lines.append([Span(f"  and {len(group) - len(shown):,} more: use --json for all", "dim")])
    if diff.code is not None:
        lines.extend([[], *_code_lines(diff.code)])
    lines.extend([[], _same_line(diff, labels)])
    return [fit(line, cells) for line in lines]


def _code_lines(code: CodeDiff) -> Iterator[Line]:
    """The code of both sides, line by line; or that it is the same, or why it cannot be told."""
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


def _side(name: str, labels: Labels) -> str:
    head, _, rest = name.partition(":")
    if head == "run":
        return f"run {clean(rest)}"
    if head == "job":
        return clean(labels.file(rest.partition(":")[2]))
    if head != "dataset":
        return clean(name)
    path, hash_, version = (labels.file(rest[5:]) if rest.startswith("file:") else rest).rpartition("#")
    return clean(f"{path}#{_short(version)}" if hash_ else version)


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


def _line(item: Difference, name: str, room: int) -> Line:
    sign, style = _SIGNS[item.kind]
    line: Line = [Span(f"  {sign} ", style), Span(pad(elide(name, room), min(room, _WIDEST_NAME)), "name")]
    if item.kind == "changed":
        before, after = _pair(item.before, item.after)
        line.extend([Span("  " + before, "removed"), Span(" → ", "dim"), Span(after, "added")])
        if note := _delta(item.before, item.after):
            line.append(Span(f"  {note}", "dim"))
    else:
        shown = _value(item.after if item.kind == "added" else item.before)
        if shown:
            line.append(Span("  " + shown, style))
    if item.note:
        line.append(Span("  " + item.note, "dim"))
    return line


def _pair(before: Any, after: Any) -> tuple[str, str]:
    """Render two values; of two states of a dataset, the parts that differ."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        keys = [key for key in {**before, **after} if before.get(key) != after.get(key)] or list(after)
        before = {key: before[key] for key in keys if key in before}
        after = {key: after[key] for key in keys if key in after}
    return _value(before), _value(after)


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(_part(key, item) for key, item in value.items())
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = clean(value)
    return _short(text) if _is_digest(text) else elide(text, 60)


def _part(key: str, value: Any) -> str:
    if key == "rows" and isinstance(value, int):
        return plural(value, "row")
    return _short(str(value)) if key in {"fingerprint", "version"} else f"{key} {_value(value)}"


def _short(text: str) -> str:
    """The first digits of a digest, without the name of its algorithm."""
    return clean(text.rpartition(":")[2][:10])


def _is_digest(text: str) -> bool:
    return len(text) >= 16 and all(char in "0123456789abcdef" for char in text)


def _delta(before: Any, after: Any) -> str:
    """The difference of two numbers, signed."""
    is_number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (before, after))
    return f"({after - before:+.4g})" if is_number else ""


def _same_line(diff: Diff, labels: Labels) -> Line:
    if not diff.differences:
        return [Span("no difference", "good"), Span(f" in {plural(len(diff.same), 'fact')} compared", "dim")]
    counts = Counter(item.what for item in diff.same)
    parts: list[str] = []
    for what, title in _ORDER:
        if not counts[what] or what in {"run", "version"}:
            continue
        if what in {"input", "output"}:
            names = [_name(item, labels).rpartition("/")[2] for item in diff.same if item.what == what]
            parts.append(f"{title} {listing(names, 3)}")
        else:
            parts.append(plural(counts[what], what if what != "code" else "code fact", _many(what)))
    return [Span("the same: " + (" · ".join(parts) or "nothing"), "dim")]


def _many(what: What) -> str:
    return {"code": "code facts", "environment": "environment facts"}.get(what, "")
