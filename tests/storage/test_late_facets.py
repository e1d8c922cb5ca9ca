"""Facets that change with every run, and arrive late: a change is placed among its neighbours, whatever the history."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from store_opening import NewStore

from headwater.storage.memory import MemoryStore
from headwater.storage.projection import history, stretches
from headwater.storage.projection.records import Change
from headwater.storage.sqlite import SQLiteStore
from headwater.storage.sqlite.table import SQLiteTable
from headwater.testing.events import dataset, facet, raw, whole_run


def runs(count: int, values: int) -> list[bytes]:
    """Runs of two jobs that write one table in turn, each of which says about it one of so many things; every third
    says nothing new, and some begin at the same instant."""
    events = []
    for number in range(1, count + 1):
        said = {"documentation": facet(description=f"as of {(number - number % 3) % values}")}
        events += whole_run(number, f"j{number % 2}", number - number % 5, ["a"], [dataset("b", facets=said)])
    return raw(events)


@pytest.mark.parametrize("length", [1, 2, 64])
@pytest.mark.parametrize("seed", range(3))
def test_any_order_gives_one_history(
    new_store: NewStore, monkeypatch: pytest.MonkeyPatch, length: int, seed: int
) -> None:
    """In order, the latest first, nearly in order or shuffled, and however much of the history is read at once."""
    for module in (history, stretches):
        monkeypatch.setattr(module, "LENGTH", length)
    pick = random.Random(seed)
    events = runs(40, 4)
    nearly = [events[at] for at in sorted(range(len(events)), key=lambda at: at + 6 * pick.random())]
    with MemoryStore.open() as first:
        first.append(events)
        expected = first.graph_hash()
    for delivery in (nearly, list(reversed(events)), pick.sample(events, len(events))):
        with new_store() as store:
            for start in range(0, len(delivery), 7):
                store.append(delivery[start : start + 7])
            assert store.graph_hash() == expected


def test_a_late_change_reads_as_much_of_a_long_history_as_of_a_short_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What concurrent runs say about their tables arrives a little late: that costs the same after a year."""
    read: list[Change] = []
    keep = SQLiteTable.keep

    def counting(table: SQLiteTable[object, object], row: object) -> object:
        if isinstance(row, Change):
            read.append(row)
        return keep(table, row)

    monkeypatch.setattr(SQLiteTable, "keep", counting)
    costs = []
    for count in (300, 1200):
        events = runs(count, count)
        before, last = events[:-80], events[-80:]
        with SQLiteStore.open(tmp_path / str(count)) as store:
            store.append(before)
        with SQLiteStore.open(tmp_path / str(count)) as store:
            read.clear()
            for start in range(0, len(last), 20):
                store.append(last[start : start + 20][::-1])
            costs.append(len(read))
    assert 0 < costs[1] <= costs[0]
