"""What a run is said to be and to do where its events contradict one another: a function of their set."""

from __future__ import annotations

from itertools import permutations

import pytest

from headwater.storage.memory import MemoryStore
from headwater.testing.events import column_lineage, dataset, facet, raw, run_event, run_id

Told = list[tuple[str, float]]

CASES: dict[str, tuple[Told, str]] = {
    "Spark ends a query whose job failed": ([("START", 0), ("RUNNING", 1), ("FAIL", 2), ("COMPLETE", 2.1)], "FAILED"),
    "both ends in one instant": ([("START", 0), ("FAIL", 2), ("COMPLETE", 2)], "FAILED"),
    "taken for dead, but it was not": ([("START", 0), ("ABORT", 2), ("COMPLETE", 3)], "COMPLETED"),
    "failed, and then taken for dead": ([("START", 0), ("FAIL", 2), ("ABORT", 3), ("COMPLETE", 4)], "FAILED"),
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


def test_a_dataset_that_an_event_lists_twice() -> None:
    """Spark does so for a table that it drops, with and without its catalog: of both, whichever event comes first."""
    plain, more = facet(name="file"), facet(name="hive")
    twice = [dataset("t", facets={"dataSource": plain}), dataset("t", facets={"dataSource": plain, "catalog": more})]
    events = [
        run_event(run_id(1), "drop", kind, at, [], twice) for at, kind in enumerate(("START", "RUNNING", "COMPLETE"))
    ]
    hashes = set()
    for order in permutations(raw(events)):
        with MemoryStore.open() as store:
            for event in order:
                store.append([event])
            hashes |= {store.graph_hash(), store.rebuild()}
    assert len(hashes) == 1
