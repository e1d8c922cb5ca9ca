"""Runs on a common time line."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from headwater.query.history import RunSummary
from headwater.query.instants import LAST

_LEAST = 1.2
"""The shortest visible bar, in per cent of the line."""


_ROOM = 3
"""How many times longer than the known times the line may get for a run without an end."""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A run on the line, in per cent of it."""

    x: float
    width: float
    state: str


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """The line from the first start to the last end (instants in microseconds), and its runs by id."""

    start: int
    end: int
    spans: dict[str, Span]


def timeline(runs: Sequence[RunSummary], now: int) -> Timeline | None:
    """Runs on a common time line; running ones extend to its end. None if fewer than two have started.

    The line extends to now if a run is still running, unless that would leave the others no room, as for a run that
    never reported its end. A run that ended at an unknown time is a point.
    """
    begun = [run for run in runs if run.started_at is not None]
    if len(begun) < 2:
        return None
    start = min(run.started_at or 0 for run in begun)
    last = max(max(run.started_at or 0, run.ended_at or 0) for run in begun)
    end = last
    if any(_goes_on(run) for run in begun):
        end = now if last < now <= last + _ROOM * (last - start) else min(last + (last - start) // 4, LAST)
    ends = {run.run_id: end if _goes_on(run) else max(run.ended_at or 0, run.started_at or 0) for run in begun}
    length = max(end - start, 1)
    spans = {}
    for run in begun:
        x = 100 * ((run.started_at or 0) - start) / length
        width = max(100 * (ends[run.run_id] - (run.started_at or 0)) / length, _LEAST)
        spans[run.run_id] = Span(x=round(min(x, 100 - width), 2), width=round(width, 2), state=run.state.lower())
    return Timeline(start=start, end=end, spans=spans)


def _goes_on(run: RunSummary) -> bool:
    return run.ended_at is None and run.state in ("NEW", "RUNNING")
