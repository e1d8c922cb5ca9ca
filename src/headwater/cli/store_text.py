"""The contents of a store as text."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.cli.open_store import SET_ASIDE
from headwater.query.instants import ago, iso, now
from headwater.query.terminal_text import Line, Span, clean, pad
from headwater.storage.row_types import Quarantined, Statistics


def info_lines(
    where: str, tenant: str, statistics: Statistics, refused: Sequence[Quarantined], graph_hash: str
) -> list[Line]:
    """Return the location, the counts, the graph hash if given, and the latest rejected events."""
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
    lines = [[Span(pad(key, 14), "dim"), Span(value)] for key, value in facts]
    current = now()
    lines.extend(_refused_line(one, current) for one in refused)
    return lines


def _refused_line(one: Quarantined, current: int) -> Line:
    got = f", got {one.value}" if one.value else ""
    return [
        Span("  ! ", "warn"),
        Span(f"{iso(one.received_at)} ({ago(one.received_at, current)})  ", "dim"),
        Span(clean(f"{one.field or 'document'}: {one.rule}{got}")),
    ]


def _size(size_bytes: int) -> str:
    size = float(size_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1000
    return ""
