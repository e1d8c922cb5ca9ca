"""Runs on a common time line: start and end of each, next to the numbers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from headwater.query.history import RunSummary
from headwater.query.instants import LAST

_LEAST = 1.2
"""The shortest bar that can be seen, in hundredths of the line."""


_ROOM = 3
"""How much longer than all that was told the line may get for a run that goes on."""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A run on the line, in hundredths of it."""

    x: float
    width: float
    state: str


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """The line from the first start to the last end (instants in microseconds), and the runs on it by their ids."""

    start: int
    end: int
    spans: dict[str, Span]


def timeline(runs: Sequence[RunSummary], now: int) -> Timeline | None:
    """Runs on one line of time; one that goes on reaches to its end. None if fewer than two have begun.

    The line goes to now where a run goes on, unless that would leave the others no room: a run that never said that it
    ended would. A run that ended and did not say when is a point.
    """
    begun = [run for run in runs if run.started_at is not None]
    if len(begun) < 2:
        return None
    start = min(run.started_at or 0 for run in begun)
    told = max(max(run.started_at or 0, run.ended_at or 0) for run in begun)
    end = told
    if any(_goes_on(run) for run in begun):
        end = now if told < now <= told + _ROOM * (told - start) else min(told + (told - start) // 4, LAST)
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
