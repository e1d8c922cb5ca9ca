"""Jobs that run again and again, delivered nearly in order: the quick paths give what the slow ones give."""

from __future__ import annotations

import random

import pytest

from headwater.storage.memory import MemoryStore
from headwater.testing.events import (
    column_lineage,
    dataset,
    dataset_event,
    facet,
    raw,
    schema,
    whole_run,
)


def _history(pick: random.Random) -> list[bytes]:
    """Three jobs with a few shapes, whose events repeat each other's parts to the byte."""
    events = []
    for number in range(1, 50):
        job, wide = pick.randrange(3), pick.randrange(2)
        columns = column_lineage({"a": [(f"i{job}", "x")], "b": [(f"z{job}", "y")]})
        counted = {"outputStatistics": facet(rowCount=number)} if pick.random() < 0.5 else {}
        facets = {"schema": schema("a", "b", *(["c"] if wide else [])), "columnLineage": columns}
        inputs = [dataset(f"i{job}", facets={"schema": schema("x")})]
        inputs.append(dataset(pick.choice([f"o{(job + 1) % 3}", "w"]), facets={"schema": schema("a", "b")}))
        start, end = number * 2 + pick.randrange(3), pick.choice(["COMPLETE"] * 5 + ["FAIL"])
        outputs = [dataset(f"o{job}", facets=facets, outputFacets=counted)]
        events += whole_run(number, f"j{job}", start, inputs, outputs, end=end, job_facets={"sql": facet(query="s")})
    if pick.random() < 0.5:
        link = facet(identifiers=[{"namespace": "db", "name": "w", "type": "TABLE"}])
        events.append(dataset_event("o1", pick.randrange(100), {"symlinks": link}))
    return raw(sorted(events, key=lambda event: str(event["eventTime"])))


def _nearly_in_order(events: list[bytes], pick: random.Random) -> list[bytes]:
    """A few events a little too late, as concurrent senders deliver them."""
    found = list(events)
    for _ in range(25):
        at = pick.randrange(len(found) - 4)
        to = at + pick.randrange(1, 4)
        found[at], found[to] = found[to], found[at]
    return found


@pytest.mark.parametrize("seed", range(10))
def test_recurring_jobs_converge(seed: int) -> None:
    """In order, nearly in order, shuffled, one by one or in batches: one hash, also after a rebuild."""
    pick = random.Random(seed)
    events = _history(pick)
    hashes = set()
    for delivery in (events, _nearly_in_order(events, pick), pick.sample(events, len(events))):
        for size in (1, 7, len(events)):
            with MemoryStore.open() as store:
                for start in range(0, len(delivery), size):
                    store.append(delivery[start : start + size])
                hashes |= {store.graph_hash(), store.rebuild()}
    assert len(hashes) == 1
