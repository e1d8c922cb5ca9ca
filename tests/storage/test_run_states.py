"""Where a run stands when its events contradict one another: a function of their set, and what it means for edges."""

from __future__ import annotations

from itertools import permutations

import pytest

from headwater.storage.memory import MemoryStore
from headwater.testing.events import column_lineage, dataset, raw, run_event, run_id

Told = list[tuple[str, float]]

CASES: dict[str, tuple[Told, str]] = {
    "Spark ends a query whose job failed": ([("START", 0), ("RUNNING", 1), ("FAIL", 2), ("COMPLETE", 2.1)], "FAILED"),
    "both ends in one instant": ([("START", 0), ("FAIL", 2), ("COMPLETE", 2)], "FAILED"),
    "aborted, then said to be complete": ([("START", 0), ("ABORT", 2), ("COMPLETE", 3)], "ABORTED"),
    "tried again under the same id": ([("START", 0), ("FAIL", 2), ("START", 3), ("COMPLETE", 5)], "COMPLETED"),
    "tried again, and again in vain": ([("START", 0), ("FAIL", 2), ("START", 3), ("FAIL", 5)], "FAILED"),
    "failed in a second attempt alone": ([("START", 0), ("COMPLETE", 2), ("START", 3), ("FAIL", 5)], "COMPLETED"),
    "a failure after the end": ([("START", 0), ("COMPLETE", 2), ("FAIL", 3)], "COMPLETED"),
    "tried again, but its starts are not sent": ([("FAIL", 2), ("COMPLETE", 5)], "COMPLETED"),
    "still running": ([("START", 0), ("RUNNING", 1)], "RUNNING"),
}


@pytest.mark.parametrize(("told", "state"), CASES.values(), ids=CASES)
def test_a_failure_is_not_undone_by_the_end_that_follows_it(told: Told, state: str) -> None:
    """In every order of arrival the run stands where it should, and has an edge exactly if it completed."""
    columns = column_lineage({"a": [("source", "x")]})
    events = []
    for number, (kind, seconds) in enumerate(told):
        outputs = [dataset("target", facets={"columnLineage": columns})] if number else []
        events.append(run_event(run_id(1), "write", kind, seconds, ["source"], outputs))
    hashes = set()
    for order in permutations(raw(events)):
        with MemoryStore.open() as store:
            for event in order:
                store.append([event])
            (run,) = store.runs()
            assert run.state == state
            assert bool(list(store._tables.edges.rows())) == (state == "COMPLETED")
            hashes |= {store.graph_hash(), store.rebuild()}
    assert len(hashes) == 1
