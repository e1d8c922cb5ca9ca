"""The contents of a store as text."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.cli.open_store import SET_ASIDE
from headwater.query.instants import ago, iso, now
from headwater.query.terminal_text import Line, Span, clean, fit, folded, pad, width
from headwater.storage.row_types import Quarantined, Statistics

_KEY = 14


def info_lines(
    where: str,
    tenant: str,
    statistics: Statistics,
    refused: Sequence[Quarantined],
    graph_hash: str,
    *,
    cells: int | None = None,
) -> list[Line]:
    """Return the location, the counts, the graph hash if given, and the latest refused events, at most ``cells``
    wide."""
    facts: list[tuple[str, str]] = [
        ("store", clean(where)),
        ("tenant", clean(tenant)),
        ("events", f"{statistics.events:,}"),
        ("datasets", f"{statistics.datasets:,}"),
        ("jobs", f"{statistics.jobs:,}"),
        ("runs", f"{statistics.runs:,}"),
        ("versions", f"{statistics.versions:,}"),
        ("edges", f"{statistics.edges:,}"),
        ("column edges", f"{statistics.column_edges:,}"),
        ("size", _size(statistics.size_bytes)),
        ("refused", f"{statistics.quarantined:,}"),
    ]
    if statistics.set_aside:
        facts.append(("set aside", f"{statistics.set_aside:,}: {SET_ASIDE}"))
    if graph_hash:
        facts.insert(10, ("graph hash", graph_hash))
    room = None if cells is None else cells - _KEY
    lines = [
        [Span(pad("" if at else key, _KEY), "dim"), Span(part)]
        for key, value in facts
        for at, part in enumerate(folded(value, room))
    ]
    current = now()
    return [*lines, *(line for one in refused for line in _refused_lines(one, current, cells))]


def _refused_lines(one: Quarantined, current: int, cells: int | None) -> list[Line]:
    got = f", got {one.value}" if one.value else ""
    when, why = (
        f"{iso(one.received_at)} ({ago(one.received_at, current)})",
        f"{one.field or 'document'}: {one.rule}{got}",
    )
    head = [Span("  ! ", "warn"), Span(when, "dim")]
    line = [*head, Span("  " + clean(why))]
    if cells is None or sum(width(span.text) for span in line) <= cells:
        return [line]
    return [fit(head, cells), *([Span("    " + part)] for part in folded(clean(why), cells - 4))]


def _size(size_bytes: int) -> str:
    size = float(size_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1000
    return ""
