"""Runs that failed, take too long, or did not start: what needs attention first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

import msgspec

from headwater.model.graph import RunState
from headwater.query.history import RunSummary, summary
from headwater.storage.base import Store
from headwater.storage.row_types import RunRow

LOOKED_AT = 1000
"""The latest runs that trouble is looked for in."""
_ENOUGH_ENDED = 3
_ENOUGH_STARTS = 6
_TOO_LONG = 2
_REGULAR = 1.5
_LEAST_US = 60_000_000
_WRONG = (RunState.FAILED, RunState.ABORTED)
_OPEN = (RunState.NEW, RunState.RUNNING)


class Late(msgspec.Struct, frozen=True, kw_only=True):
    """A run that has been going on for too long, or the last run of a job whose next one did not come.

    ``usual_us`` is what is usual: the longest run of the job that completed, or the time between its runs.
    """

    run: RunSummary
    usual_us: int


class RunProblems(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong, latest first. ``failed`` holds the last run that ended of each job, where it failed or was
    aborted; ``looked_at`` is the number of runs examined, ``is_all`` whether these are all runs."""

    failed: tuple[RunSummary, ...] = ()
    slow: tuple[Late, ...] = ()
    missing: tuple[Late, ...] = ()
    looked_at: int = 0
    is_all: bool = True


def find_run_problems(store: Store, now: int, *, limit: int = LOOKED_AT) -> RunProblems:
    """Return what is wrong among the latest ``limit`` runs, at an instant (microseconds since the epoch).

    A run is slow when it has been open for more than twice as long as the longest of at least three runs of its job
    that completed, and for more than a minute. A run is missing when a job that came at regular times (six starts or
    more, no gap more than half as long again as the usual one) has not started for more than two usual gaps.
    """
    runs = store.runs(limit=limit)
    jobs: dict[int, list[RunRow]] = {}
    for run in runs:
        jobs.setdefault(run.job_id, []).append(run)
    failed = [last for found in jobs.values() if (last := _last_ended(found)) is not None and last.state in _WRONG]
    slow = [late for found in jobs.values() for late in _slow(found, now)]
    missing = [late for found in jobs.values() if (late := _missing(found, now)) is not None]
    wanted = {run.job_id for run in (*failed, *(run for run, _ in slow), *(run for run, _ in missing))}
    rows = {row.id: row for row in store.nodes(sorted(wanted))}
    gone = {key for key in wanted if key not in rows or rows[key].is_deleted}
    return RunProblems(
        failed=tuple(summary(run, rows) for run in _latest_first(failed) if run.job_id not in gone),
        slow=tuple(Late(run=summary(run, rows), usual_us=usual) for run, usual in slow if run.job_id not in gone),
        missing=tuple(Late(run=summary(run, rows), usual_us=usual) for run, usual in missing if run.job_id not in gone),
        looked_at=len(runs),
        is_all=len(runs) < limit,
    )


def _latest_first(runs: Sequence[RunRow]) -> list[RunRow]:
    return sorted(runs, key=lambda run: (-(run.started_at or 0), run.run_id))


def _last_ended(runs: Sequence[RunRow]) -> RunRow | None:
    return next((run for run in runs if run.state not in _OPEN), None)


def _slow(runs: Sequence[RunRow], now: int) -> list[tuple[RunRow, int]]:
    lasted = [
        run.ended_at - run.started_at
        for run in runs
        if run.state is RunState.COMPLETED and run.started_at is not None and run.ended_at is not None
    ]
    if len(lasted) < _ENOUGH_ENDED:
        return []
    longest = max(lasted)
    most = max(_TOO_LONG * longest, _LEAST_US)
    return [
        (run, longest)
        for run in runs
        if run.state in _OPEN and run.started_at is not None and now - run.started_at > most
    ]


def _missing(runs: Sequence[RunRow], now: int) -> tuple[RunRow, int] | None:
    started = [run.started_at for run in runs if run.started_at is not None]
    if len(started) < _ENOUGH_STARTS:
        return None
    gaps = [late - early for late, early in pairwise(started)]
    usual = round(median(gaps))
    is_regular = usual > 0 and max(gaps) <= _REGULAR * usual
    is_due = now - started[0] > max(_TOO_LONG * usual, _LEAST_US)
    return (runs[0], usual) if is_regular and is_due else None
