"""Jobs that run again and again, delivered nearly in order: the quick paths give what the slow ones give."""

from __future__ import annotations

import random
from itertools import permutations
from typing import Any

import pytest
from dense_histories import DenseHistory
from store_opening import NewStore

from headwater.storage.base import Store
from headwater.storage.memory import MemoryStore
from headwater.testing.events import (
    column_lineage,
    dataset,
    dataset_event,
    facet,
    job_event,
    lineage,
    raw,
    run_event,
    run_id,
    schema,
    whole_run,
)
from headwater.testing.store_contents import Seen


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


@pytest.mark.parametrize("seed", range(8))
def test_whatever_meets_whatever_there_is_one_graph(new_store: NewStore, seed: int) -> None:
    """Small histories in which facets of every kind meet one another: any order, with duplicates, split anyhow, gives
    the graph of one batch in order, and of the first of them everything that can be seen is compared."""
    for number in range(seed * 4, seed * 4 + 4):
        pick, events = random.Random(number), DenseHistory(number).events()
        with MemoryStore.open() as oracle:
            oracle.append(events)
            expected, facts = oracle.graph_hash(), _facts(oracle) if number == seed * 4 else {}
        for size in (1, 3):
            delivery = [*pick.sample(events, len(events)), *pick.sample(events, len(events) // 3)]
            with new_store() as store:
                for start in range(0, len(delivery), size):
                    store.append(delivery[start : start + size])
                assert store.graph_hash() == expected, number
                if facts and size == 1:
                    assert _facts(store) == facts, number
                assert store.rebuild() == expected, number


def _facts(store: Store) -> dict[str, Any]:
    return Seen(store, instants=[], words=["a"]).facts()


def overridden() -> list[bytes]:
    """What one run claims about the columns of ``out``, and what makes the claims void: its job says that nothing flows
    into it, another event gives it other sources, and a first attempt has failed."""
    from_own_job = facet(inputs=[{"type": "JOB", "field": "p"}], fields={"c": {"inputs": [lineage_input("in", "q")]}})
    wide = {**column_lineage({}), "dataset": [{"namespace": "db", "name": "filter", "field": "f"}]}
    return raw(
        [
            run_event(
                run_id(1), "j", "COMPLETE", 3, [], [dataset("out", facets={"columnLineage": of_columns("b", "a")})]
            ),
            run_event(run_id(1), "j", None, 3, job_facets={"lineage": lineage({"out": []})}),
            run_event(run_id(1), "j", "RUNNING", 2, [], [dataset("out", facets={"lineage": from_own_job})]),
            run_event(
                run_id(1), "j", "FAIL", 1, [], [dataset("out", facets={"columnLineage": wide, "schema": schema("d")})]
            ),
            run_event(
                run_id(1), "j", "START", 0, ["in"], [dataset("out", facets={"columnLineage": of_columns("e", "r")})]
            ),
        ]
    )


def of_columns(target: str, source: str) -> dict[str, Any]:
    """Column lineage from one column of ``in``."""
    return column_lineage({target: [("in", source)]})


def lineage_input(name: str, field: str) -> dict[str, str]:
    """A source in a lineage facet."""
    return {"type": "DATASET", "namespace": "db", "name": name, "field": field}


def test_fields_of_claims_that_do_not_count_do_not_depend_on_the_order(new_store: NewStore) -> None:
    """A facet that names a field says that it exists. Which of a run's claims count is only known at the end, so what
    has a field must not depend on which of them were known when."""
    events = overridden()
    orders = list(permutations(events))
    seen = set()
    for order in random.Random(5).sample(orders, 10):
        with new_store() as store:
            for event in order:
                store.append([event])
            fields = {row.name: tuple(sorted(store.fields(row.id))) for row in store.scan_nodes()}
            seen.add((store.graph_hash(), tuple(sorted(fields.items()))))
            assert store.rebuild() == store.graph_hash()
    assert len(seen) == 1
    assert dict(seen.pop()[1]) == {
        "j": ("p",), "in": ("a", "q", "r"), "out": ("b", "c", "d", "e"), "filter": ("f",)
    }  # fmt: skip


@pytest.mark.parametrize(
    "said", [{"type": "INDIRECT"}, {"type": "DIRECT", "masking": True}, {"type": "DIRECT", "description": "cast"}]
)
def test_claims_about_two_names_of_one_dataset_that_differ_little(new_store: NewStore, said: dict[str, Any]) -> None:
    """A target comes from one column of a dataset that is named twice, once with a remark. One of the claims counts,
    and which one does not depend on the order in which names and claims arrived."""
    plain = {**lineage_input("in", "y"), "transformations": [{"type": "DIRECT"}]}
    remarked = {**lineage_input("also_in", "y"), "transformations": [said]}
    entry = {"type": "DATASET", "namespace": "db", "name": "out", "fields": {"x": {"inputs": [plain, remarked]}}}
    link = {"symlinks": facet(identifiers=[{"namespace": "db", "name": "also_in", "type": "TABLE"}])}
    events = raw(
        [
            run_event(run_id(1), "j", "COMPLETE", 1, job_facets={"lineage": facet(entries=[entry])}),
            dataset_event("in", 2, link),
            dataset_event("also_in", 0, {"documentation": facet(description="a table")}),
            job_event("j", 3, ["also_in", "in"]),
        ]
    )
    seen = set()
    for order in permutations(events):
        with new_store() as store:
            for event in order:
                store.append([event])
            seen.add(store.graph_hash())
            assert store.rebuild() in seen
    assert len(seen) == 1


@pytest.mark.parametrize("end", ["COMPLETE", "FAIL"])
def test_a_step_that_reads_what_its_script_wrote(new_store: NewStore, end: str) -> None:
    """The script ends after its step, and its write counts from then on. Still the step read that, by its content, in
    whatever order the events arrive; nobody's, if the script has failed, or if the content is another."""
    told = {
        name: dataset(name, facets={"headwater_fingerprint": facet(exact=digest)})
        for name, digest in (("mid", "d1"), ("other", "d2"))
    }
    seen = dataset("other", facets={"headwater_fingerprint": facet(exact="d3")})
    script = whole_run(1, "script", 0, ["raw"], list(told.values()), lasts_s=100, end=end)
    parent = {"parent": facet(run={"runId": run_id(1)}, job={"namespace": "jobs", "name": "script"})}
    step = whole_run(2, "step", 20, [told["mid"], seen], ["final"], run_facets=parent)
    hashes = set()
    for order in permutations(raw([*script, *step])):
        with new_store() as store:
            for event in order:
                store.append([event])
            hashes.add(store.graph_hash())
            assert store.rebuild() in hashes
            writers = sorted(version.run_id for version in store.run_io(run_id(2))[0])
            assert writers == (["", run_id(1)] if end == "COMPLETE" else ["", ""])
    assert len(hashes) == 1
