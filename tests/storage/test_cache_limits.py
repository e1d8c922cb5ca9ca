"""The memory of a store that writes has a bound in bytes, however large its events are."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext

import pytest
from store_opening import NewStore

from headwater.model.names import normalise
from headwater.model.source_names import name_at_source
from headwater.storage.projection import weights
from headwater.storage.reader import EventReader
from headwater.testing.events import Event, column_lineage, dataset, facet, raw, run_event, run_id, schema

MIB = 1 << 20


def wide_lineage(number: int) -> Iterable[Event]:
    """A run of a job of its own, with column lineage of about 20 kB that no other has."""
    columns = {f"c{number}_{place}": [("in", f"column_{place}")] for place in range(250)}
    out = dataset(f"out{number}", facets={"columnLineage": column_lineage(columns)})
    return [run_event(run_id(number), f"j{number}", kind, number, ["in"], [out]) for kind in ("START", "COMPLETE")]


def wide_run(number: int) -> Iterable[Event]:
    """A run that has begun, and says 40 kB about itself."""
    said = {"plan": facet(text=f"{number} " * (40_000 // (len(str(number)) + 1)))}
    return [run_event(run_id(number), "j", "START", number, ["in"], ["out"], run_facets=said)]


def many_inputs(number: int) -> Iterable[Event]:
    """A run that reads 200 tables, most of which the run before it read too."""
    inputs = [f"in{number + one}" for one in range(200)]
    return [run_event(run_id(number), f"j{number}", "COMPLETE", number, inputs, ["t"])]


def long_names(number: int) -> Iterable[Event]:
    """A run between tables whose names have 20,000 letters."""
    source, target = (dataset(f"{side}{number}" + "x" * 20_000) for side in ("in", "out"))
    return [run_event(run_id(number), "j", "COMPLETE", number, [source], [target])]


def many_tables(number: int) -> Iterable[Event]:
    """A run between two tables that no other run knows."""
    source, target = (dataset(f"{side}{number}", facets={"schema": schema("a", f"b{number}")}) for side in ("x", "y"))
    return [run_event(run_id(number), f"j{number}", "COMPLETE", number, [source], [target])]


@contextmanager
def traced() -> Iterator[list[int]]:
    """Measures the bytes that are left of what a section takes; they are in the list after it."""
    kept: list[int] = []
    gc.collect()
    tracemalloc.start()
    try:
        yield kept
        gc.collect()
        kept.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("events_of", "count"),
    [(wide_lineage, 60), (wide_run, 160), (many_inputs, 60), (long_names, 60), (many_tables, 400)],
)
def test_what_is_kept_between_batches_has_a_bound_in_bytes(
    new_store: NewStore, monkeypatch: pytest.MonkeyPatch, events_of: Callable[[int], Iterable[Event]], count: int
) -> None:
    """Whatever makes the events of a history large, their writer keeps no more than its limits say, and the graph is
    the one that a rebuild makes."""
    limit = MIB
    monkeypatch.setattr("headwater.storage.group_commit.MOST_BYTES", limit)
    monkeypatch.setattr("headwater.storage.memory.store.MOST_BYTES", limit)
    monkeypatch.setattr("headwater.storage.cached.MOST_TABLE_BYTES", limit // 4)
    monkeypatch.setattr(weights, "READ_BYTES", dict.fromkeys(weights.READ_BYTES, MIB // 4))
    monkeypatch.setattr("headwater.storage.reader.READ_BYTES", weights.READ_BYTES)
    with new_store() as store:
        store.append(raw([one for number in range(count, count + 20) for one in events_of(number)]))
        is_memory = not store.capabilities.is_durable
        with nullcontext() if is_memory else traced() as kept:  # a store in memory keeps the history itself
            for number in range(0, count, 10):
                store.append(raw([event for run in range(number, number + 10) for event in events_of(run)]))
        if kept is not None:
            assert kept[0] < limit + 5 * MIB // 4 + 2 * MIB
        assert store._projector.weight <= limit
        assert store.graph_hash() == store.rebuild()


def test_what_is_known_of_jobs_stays_however_often_they_run(
    new_store: NewStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of runs come and go; what the runs of a job have in common fits, and is not read again and again."""
    monkeypatch.setattr("headwater.storage.group_commit.MOST_BYTES", 2 * MIB)
    monkeypatch.setattr("headwater.storage.memory.store.MOST_BYTES", 2 * MIB)
    for backend in ("sqlite", "postgres"):
        monkeypatch.setattr(f"headwater.storage.{backend}.batch.MOST_RUN_BYTES", MIB // 8)
    with new_store() as store:
        drops = 0
        clear = store._projector.clear

        def counting() -> None:
            nonlocal drops
            drops += 1
            clear()

        for number in range(60):
            if number == 5:
                monkeypatch.setattr(store._projector, "clear", counting)
            store.append(raw([one for job in range(40) for one in _again(40 * number + job, job)]))
        assert not drops
        monkeypatch.undo()
        assert store.graph_hash() == store.rebuild()


def _again(number: int, job: int) -> Iterable[Event]:
    """A run of one of some jobs."""
    out = dataset(f"out{job}", facets={"schema": schema("a", f"b{job}")})
    return [run_event(run_id(number + 1), f"j{job}", kind, number, ["in"], [out]) for kind in ("START", "COMPLETE")]


def test_a_reader_lets_go_of_what_it_has_decoded() -> None:
    """Parts of events that do not come again do not stay, and one that comes all the time does."""
    reader = EventReader()
    same = raw([run_event(run_id(0), "j", "START", 0, ["a"], ["b"])])[0]
    first = reader.read(same)[0]
    tracemalloc.start()
    try:
        for number in range(1, 600):
            out = dataset("b", facets={"documentation": facet(description=f"{number} " * 20_000)})
            reader.read(raw([run_event(run_id(number), f"j{number}", "START", number, ["a"], [out])])[0])
            again = reader.read(same)[0]
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept < sum(weights.READ_BYTES.values())
    assert again.job is first.job  # type: ignore[union-attr]


def test_long_names_do_not_stay_in_memory() -> None:
    """The normal forms of names are remembered; those of names that are too long are not."""
    tracemalloc.start()
    try:
        for number in range(300):
            name = f"{number}" + "x" * 30_000
            assert normalise("s3://lake", name).name == name
            name_at_source("warehouse", name, "jdbc:postgresql://db/shop")
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept < MIB
