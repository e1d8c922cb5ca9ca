"""Counts per hour of the last day, or per day of the last week."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from headwater.errors import InvalidInput
from headwater.formats.marquez.objects import IntervalMetric, LineageMetric
from headwater.formats.times import format_time
from headwater.model.events import EventType
from headwater.model.graph import NodeKind
from headwater.server.request import Call
from headwater.server.routes.marquez.operations import operation
from headwater.server.routes.marquez.sources import all_sources

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TYPES = {
    EventType.FAIL: "fail",
    EventType.START: "start",
    EventType.COMPLETE: "complete",
    EventType.ABORT: "abort",
}


class StatsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The interval up to now, and the time zone of its days and hours."""

    period: Literal["DAY", "WEEK", "HOUR"] = "DAY"
    timezone: str = "UTC"


def lineage_events(call: Call) -> list[LineageMetric]:
    """RunEvents by type and interval."""
    edges = _edges(call)
    counts: list[dict[str, int]] = [dict.fromkeys(_TYPES.values(), 0) for _ in edges[1:]]
    with call.store() as store:
        found = store.count_run_events(after=edges[0], before=edges[-1])
    place = 0
    for one in found:
        while one.start >= edges[place + 1]:
            place += 1
        if one.type in _TYPES:
            counts[place][_TYPES[one.type]] += one.count
    return [
        LineageMetric(start_interval=format_time(start), end_interval=format_time(end), **count)
        for start, end, count in zip(edges, edges[1:], counts, strict=False)
    ]


def jobs(call: Call) -> list[IntervalMetric]:
    """How many jobs there were at the end of each interval."""
    return _known(call, NodeKind.JOB)


def datasets(call: Call) -> list[IntervalMetric]:
    """How many datasets there were at the end of each interval."""
    return _known(call, NodeKind.DATASET)


def _known(call: Call, kind: NodeKind) -> list[IntervalMetric]:
    with call.store() as store:
        return _metrics(_edges(call), lambda instants: store.count_known(kind, instants))


def sources(call: Call) -> list[IntervalMetric]:
    """How many sources there were at the end of each interval."""
    made = [one.created_at for one in all_sources(call).values()]  # fixed-length text, which sorts by time
    return _metrics(
        _edges(call), lambda instants: [sum(at < format_time(instant) for at in made) for instant in instants]
    )


def _metrics(edges: list[int], count: Callable[[list[int]], list[int]]) -> list[IntervalMetric]:
    return [
        IntervalMetric(start_interval=format_time(start), end_interval=format_time(end), count=number)
        for start, end, number in zip(edges, edges[1:], count(edges[1:]), strict=False)
    ]


def _edges(call: Call) -> list[int]:
    """The bounds of the intervals to count: 24 hours or 7 days, ending with the current one, or its quarters."""
    query: StatsQuery = call.query
    zone = _zone(query.timezone)
    now = (_EPOCH + timedelta(microseconds=call.service.clock())).astimezone(zone)
    if query.period == "WEEK":
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        # Calendar days, which have 23 or 25 hours when clocks change.
        return [_micros(today + timedelta(days=number)) for number in range(-6, 2)]
    hour = now.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    if query.period == "HOUR":
        return [_micros(hour + timedelta(minutes=15 * number)) for number in range(5)]
    return [_micros(hour + timedelta(hours=number)) for number in range(-23, 2)]


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):  # unknown, not a name, a folder of names
        raise InvalidInput(
            field="timezone", value=name[:80], rule="must be a time zone, such as Europe/Berlin"
        ) from None


_PATH = "/api/v1/stats/"
OPERATIONS = (
    operation("GET", _PATH + "lineage-events", lineage_events, "Events.", query=StatsQuery, answer=list[LineageMetric]),
    operation("GET", _PATH + "jobs", jobs, "Jobs.", query=StatsQuery, answer=list[IntervalMetric]),
    operation("GET", _PATH + "datasets", datasets, "Datasets.", query=StatsQuery, answer=list[IntervalMetric]),
    operation("GET", _PATH + "sources", sources, "Sources.", query=StatsQuery, answer=list[IntervalMetric]),
)
