"""Runs of a job that end in another order than they arrive: each changes the edges between its neighbours alone."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from store_opening import NewStore

from headwater.storage.base import Store
from headwater.storage.memory import MemoryStore
from headwater.storage.projection import flows, stretches
from headwater.storage.projection.flows import Flows
from headwater.storage.row_types import EdgeRow
from headwater.storage.sqlite import SQLiteStore
from headwater.testing.events import column_lineage, dataset_event, job_event, raw, run_event, run_id


def completed(number: int, job: str, second: float, inputs: list[str], outputs: list[str]) -> bytes:
    """The last event of a run."""
    return raw([run_event(run_id(number), job, "COMPLETE", second, inputs, outputs)])[0]


def runs(pick: random.Random, count: int) -> list[bytes]:
    """Runs of two jobs that both write ``t``, from some of four sources, from ``t`` itself or from nothing; some end at
    the same instant."""
    return [
        completed(
            number,
            pick.choice(["j", "j", "k"]),
            number if pick.random() < 0.8 else number - 1,
            pick.sample(["a", "b", "c", "t"], pick.choice([0, 1, 1, 2, 3])),
            pick.choice([["t"], ["t"], ["t", "u"]]),
        )
        for number in range(1, count + 1)
    ]


def edges_of(store: Store) -> list[tuple[Any, ...]]:
    """Every edge, by name, with its interval and the run that last told of it."""
    ids = {row.id: row.name for row in store.scan_nodes()}

    def named(edge: EdgeRow) -> tuple[Any, ...]:
        ends = (ids[edge.source_id], ids[edge.target_id], ids.get(edge.job_id or 0, ""))
        return (*ends, edge.valid_from, edge.valid_to or 0, str(edge.how), edge.run_id or "")

    return sorted(map(named, store.edges()))


@pytest.mark.parametrize("seed", range(6))
def test_late_runs_leave_the_edges_that_they_leave_in_order(
    new_store: NewStore, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Whatever the order, one by one or in batches, and however much of the history is read at once: the edges, their
    intervals and their runs are the same."""
    for module in (flows, stretches):
        monkeypatch.setattr(module, "LENGTH", (2, 3, 64)[seed % 3])
    pick = random.Random(seed)
    events = runs(pick, 30)
    with MemoryStore.open() as first:
        first.append(events)
        expected = edges_of(first)
    for size in (1, 4):
        delivery = pick.sample(events, len(events))
        with new_store() as store:
            for start in range(0, len(delivery), size):
                store.append(delivery[start : start + size])
            assert edges_of(store) == expected
            again = pick.sample(events, 5)
            store.append([*again, *again])
            assert edges_of(store) == expected
            store.rebuild()
            assert edges_of(store) == expected


def test_a_backfill_does_not_go_through_the_history_of_its_job(
    new_store: NewStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hundred daily runs, told of afterwards with the latest first, each from a file of its own: no flow is made
    again, and each edge holds for its day."""
    made_again: list[object] = []
    make_again = Flows._remake
    monkeypatch.setattr(Flows, "_remake", lambda self, key: made_again.append(key) or make_again(self, key))
    with new_store() as store:
        days = list(range(1, 201))
        for start in range(0, 200, 20):
            some = days[::-1][start : start + 20]
            store.append([completed(day, "daily", day, [f"file{day}"], ["t"]) for day in some])
        assert not made_again
        edges = sorted(store.edges(), key=lambda edge: edge.valid_from)
        assert len(edges) == 200
        assert [edge.valid_to for edge in edges] == [*[edge.valid_from for edge in edges[1:]], None]
        store.append([completed(500, "daily", 300, ["file200"], ["t"])])
        assert len(store.edges()) == 200


@pytest.mark.parametrize("seed", range(4))
def test_late_runs_that_only_read_leave_the_edges_that_they_leave_in_order(new_store: NewStore, seed: int) -> None:
    """A job that reads, and now and then writes or does nothing: what flows into it is the same in any order."""
    pick = random.Random(seed)
    events = [
        completed(
            number,
            "j",
            number if pick.random() < 0.9 else number - 1,
            pick.sample(["a", "b", "c"], pick.choice([0, 1, 1, 2])),
            pick.choice([[], [], [], ["t"]]),
        )
        for number in range(1, 40)
    ]
    with MemoryStore.open() as first:
        first.append(events)
        expected = edges_of(first), first.graph_hash()
    for size in (1, 3):
        delivery = pick.sample(events, len(events))
        with new_store() as store:
            for start in range(0, len(delivery), size):
                store.append(delivery[start : start + size])
            assert (edges_of(store), store.graph_hash()) == expected
            assert store.rebuild() == expected[1]


def test_a_backfill_of_a_job_that_only_reads_makes_its_flow_once(
    new_store: NewStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its history is read for the first run that is late, and not for each of those that follow."""
    made_again: list[object] = []
    read: list[object] = []
    make_again, observed = Flows._remake, Flows._observed
    monkeypatch.setattr(Flows, "_remake", lambda self, key: made_again.append(key) or make_again(self, key))
    monkeypatch.setattr(Flows, "_observed", lambda self, *given: read.append(given) or observed(self, *given))
    with new_store() as store:
        store.append([completed(day, "report", day, [f"s{day % 3}"], []) for day in range(100, 150)])
        assert len(made_again) == 1
        for start in range(90, 0, -10):
            store.append([completed(day, "report", day, [f"s{day % 4}"], []) for day in range(start, start + 10)])
        store.append([completed(500, "report", 200, ["s1"], [])])
        store.append([completed(501, "report", 199.5, ["s2"], [])])
        assert len(made_again) == 1
        assert len(read) == 2
        expected = store.graph_hash()
        assert store.rebuild() == expected


def test_a_late_run_costs_the_same_however_long_the_history_is(tmp_path: Path) -> None:
    """The file is asked for the edges around the run, not for all that the flow ever had: what SQLite does for it does
    not grow with the history."""
    steps = []
    for length in (200, 2000):
        with SQLiteStore.open(tmp_path / str(length)) as store:
            store.append([completed(day, "j", day, [f"s{day % 3}"], ["t"]) for day in range(length)])
            store.append([completed(length + 1, "j", length / 2 + 0.2, ["s1"], ["t"])])
            count = [0]
            store._connection.set_progress_handler(lambda count=count: count.__setitem__(0, count[0] + 1), 10)
            store.append([completed(length + 2, "j", length / 2 + 0.4, ["s2"], ["t"])])
            store._connection.set_progress_handler(None, 0)
            steps.append(count[0])
    assert steps[1] < 1.5 * steps[0]


def test_a_run_between_two_that_agree_splits_their_edge(new_store: NewStore) -> None:
    """The edge ends with the first of them, and begins again with the second."""
    with new_store() as store:
        store.append([completed(1, "j", 0, ["a"], ["t"]), completed(3, "j", 20, ["a"], ["t"])])
        (whole,) = edges_of(store)
        assert whole[4] == 0
        store.append([completed(2, "j", 10, ["b"], ["t"])])
        first, second, other = edges_of(store)
        assert (first[0], first[4], first[6]) == ("a", other[3], run_id(1))
        assert (second[0], second[3:5], second[6]) == ("a", (other[4], 0), run_id(3))
        assert (other[0], other[6]) == ("b", run_id(2))


def designs(pick: random.Random, count: int) -> list[bytes]:
    """What JobEvents and DatasetEvents say about two jobs and their tables, which changes now and then."""
    events = []
    for number in range(count):
        second = number if pick.random() < 0.8 else number - 1
        sources = pick.sample(["a", "b", "c"], pick.choice([1, 1, 2]))
        if pick.random() < 0.6:
            events.append(job_event(pick.choice("jk"), second, sources, pick.choice([["t"], ["u"], ["t", "u"]])))
        else:
            events.append(dataset_event("t", second, {"columnLineage": column_lineage({"x": [(sources[0], "y")]})}))
    return raw(events)


@pytest.mark.parametrize("seed", range(4))
def test_statements_leave_the_edges_that_they_leave_in_order(new_store: NewStore, seed: int) -> None:
    """Designs and descriptions, in any order, one by one or in batches: the same edges with the same intervals."""
    pick = random.Random(seed)
    events = designs(pick, 30)
    with MemoryStore.open() as first:
        first.append(events)
        expected = edges_of(first)
    for delivery in (events, pick.sample(events, len(events))):
        for size in (1, 4):
            with new_store() as store:
                for start in range(0, len(delivery), size):
                    store.append(delivery[start : start + size])
                assert edges_of(store) == expected


def test_a_job_that_is_described_each_day_does_not_have_its_history_read(
    new_store: NewStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A catalogue states daily what a job does, and each time something else: its flows are made once."""
    made: list[object] = []
    make = Flows._remake
    monkeypatch.setattr(Flows, "_remake", lambda self, key: made.append(key) or make(self, key))
    with new_store() as store:
        for day in range(60):
            store.append(raw([job_event("j", day, [f"s{day % 3}"], ["t"])]))
        assert len(made) == 1
        edges = sorted(store.edges(), key=lambda edge: edge.valid_from)
        assert len(edges) == 60
        assert [edge.valid_to for edge in edges] == [*[edge.valid_from for edge in edges[1:]], None]
