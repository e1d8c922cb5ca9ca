"""What real programs once sent, kept: their histories converge, with nothing installed.

A corpus is written by the tests of its program: ``just interop-record``.
"""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from headwater.query.lineage import Lineage
from headwater.storage.memory import MemoryStore
from headwater.storage.row_types import ReceiptStatus
from headwater.storage.sqlite import SQLiteStore
from headwater.testing.events import dataset, raw, whole_run
from interop.histories import CORPORA

NAMES = ("airflow", "dagster", "dbt", "feast", "flink", "openlineage-python", "spark")


def _events(name: str) -> list[bytes]:
    return (CORPORA / f"{name}.ndjson").read_bytes().splitlines()


def _hash(events: list[bytes], size: int) -> str:
    with MemoryStore.open() as store:
        for start in range(0, len(events), size):
            receipts = store.append(events[start : start + size])
            assert all(receipt.status is not ReceiptStatus.REFUSED for receipt in receipts)
        found = store.graph_hash()
        assert store.rebuild() == found
        return found


@pytest.mark.parametrize("name", NAMES)
def test_a_history_converges(name: str) -> None:
    """As sent, backwards, shuffled, doubled, one by one and in batches: one graph."""
    events, pick = _events(name), random.Random(name)
    deliveries = [events, events[::-1], *(pick.sample(events * 2, 2 * len(events)) for _ in range(6))]
    assert len({_hash(delivery, size) for delivery in deliveries for size in (1, 5, len(delivery))}) == 1


@pytest.mark.parametrize("seed", range(3))
def test_all_programs_together_converge(seed: int) -> None:
    """Their histories interleaved by chance give the graph that one after the other gives."""
    whole = [event for name in NAMES for event in _events(name)]
    mixed = random.Random(seed).sample(whole, len(whole))
    assert _hash(mixed, 7) == _hash(whole, len(whole))


def test_on_disk_as_in_memory(tmp_path: Path) -> None:
    """SQLite makes of all of them what memory makes."""
    whole = [event for name in NAMES for event in _events(name)]
    with SQLiteStore.open(tmp_path) as store:
        store.append(whole)
        assert store.graph_hash() == _hash(whole, 11)


@pytest.mark.parametrize("seed", range(5))
def test_programs_meet_in_a_file(seed: int) -> None:
    """Another program writes the file that Feast calls ``profiles``: one node, whichever is heard of first."""
    events = _events("feast")
    sources = [one for event in events for one in msgspec.json.decode(event)["inputs"]]
    path = next(one["facets"]["dataSource"]["uri"] for one in sources if one["name"] == "profiles")
    files = [dataset("raw/customers.csv", "s3://lake")], [dataset(path, "file")]
    both = [*events, *raw(whole_run(1, "export", 1, *files))]
    with MemoryStore.open() as store:
        store.append(random.Random(seed).sample(both, len(both)))
        reached = Lineage(store).downstream("dataset:s3://lake:raw/customers.csv")
    assert {node.name for node in reached.datasets()} >= {"age", "churn", "online_store_age"}


@pytest.mark.parametrize("name", NAMES)
def test_a_corpus_is_of_its_program(name: str) -> None:
    """Each names its producer in every event, and holds a run that ended."""
    events = [msgspec.json.decode(event) for event in _events(name)]
    producers = {"openlineage-python": "https://example.com/shop", "feast": "feast"}
    part = producers.get(name, f"{name}")
    assert all(part in event["producer"] for event in events)
    assert any(event.get("eventType") == "COMPLETE" for event in events)
