"""What is wrong, found among the latest runs: failures, runs that take too long, runs that did not come."""

from __future__ import annotations

import pytest

from headwater.query.coverage import first_datasets, shares
from headwater.query.run_problems import find_run_problems
from headwater.storage.memory import MemoryStore
from headwater.testing.events import EPOCH_US, SECOND_US, column_lineage, dataset, raw, run_event, run_id, whole_run

DAY = 86_400


def store_of(*events) -> MemoryStore:
    """A store in memory that holds these events."""
    store = MemoryStore.open()
    store.append(raw(events))
    return store


def at(seconds: float) -> int:
    """An instant on the clock of the events."""
    return EPOCH_US + round(seconds * SECOND_US)


def daily(count: int, job: str = "daily", lasts_s: float = 100) -> list:
    """Runs of a job, one a day."""
    return [one for day in range(count) for one in whole_run(day + 1, job, day * DAY, lasts_s=lasts_s)]


def test_a_job_is_failed_when_its_last_ended_run_is():
    """A later success clears a failure; a run that is still open does not."""
    store = store_of(
        *whole_run(1, "mended", 0, end="FAIL"),
        *whole_run(2, "mended", 100),
        *whole_run(3, "broken", 0),
        *whole_run(4, "broken", 50, end="FAIL"),
        run_event(run_id(5), "broken", "START", 90),
        *whole_run(6, "stopped", 10, end="ABORT"),
    )
    found = find_run_problems(store, at(200))
    assert [(run.job_name, run.state) for run in found.failed] == [("broken", "FAILED"), ("stopped", "ABORTED")]
    assert (found.slow, found.missing, found.looked_at, found.is_all) == ((), (), 6, True)


@pytest.mark.parametrize(("seconds", "is_slow"), [(200, False), (201, True)])
def test_a_run_is_slow_beyond_twice_the_longest(seconds, is_slow):
    """Twice the longest run that completed is still well; a second more is not."""
    start = 3 * DAY
    store = store_of(*daily(3), run_event(run_id(9), "daily", "START", start))
    found = find_run_problems(store, at(start + seconds))
    assert [(late.run.run_id, late.usual_us) for late in found.slow] == ([(run_id(9), 100 * SECOND_US)] * is_slow)


def test_a_run_without_a_usual_length_is_not_slow():
    """Where fewer than three runs completed, nothing is said; a streaming job is open for ever."""
    store = store_of(*daily(2), run_event(run_id(9), "daily", "START", 3 * DAY))
    assert find_run_problems(store, at(99 * DAY)).slow == ()


@pytest.mark.parametrize(("days", "is_missing"), [(7, False), (7.01, True)])
def test_a_run_is_missing_after_two_usual_gaps(days, is_missing):
    """A job that came daily is missed when two days have gone by since its last start."""
    found = find_run_problems(store_of(*daily(6)), at(days * DAY))
    assert [late.usual_us for late in found.missing] == [DAY * SECOND_US] * is_missing


def test_a_job_without_rhythm_is_not_missed():
    """A job that comes when it likes, or came five times only, is never missing."""
    store = store_of(
        *daily(5),
        *(one for n, when in enumerate((0, 1, 9, 11, 40, 41)) for one in whole_run(50 + n, "odd", when * DAY)),
    )
    assert find_run_problems(store, at(999 * DAY)).missing == ()


def test_it_says_when_it_looked_at_some_runs_only():
    """With a limit, the answer tells that there are more runs."""
    found = find_run_problems(store_of(*daily(6)), at(0), limit=4)
    assert (found.looked_at, found.is_all) == (4, False)


def test_shares_of_what_lasts():
    """Datasets with a producer and edges with columns are counted, those in memory are not."""
    memory = dataset("x", namespace="inmemory://p")
    mapped = dataset("b", facets={"columnLineage": column_lineage({"k": [("a", "k")]})})
    store = store_of(
        run_event(run_id(1), "j", "COMPLETE", 1, ["a"], [mapped]),
        run_event(run_id(2), "k", "COMPLETE", 2, ["b"], ["c", memory]),
        run_event(run_id(3), "only_writes", "COMPLETE", 3, [], ["d"]),
    )
    rows, is_all = first_datasets(store, limit=10)
    found = shares(store, rows, is_all=is_all)
    assert (found.datasets, found.with_producer, found.edges, found.edges_with_columns, found.is_all) == (
        4,
        3,
        2,
        1,
        True,
    )
