"""Fixtures for the suite: a fresh store, and short ways to fill and query it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.model.graph import NodeKind
from headwater.storage.base import Store
from headwater.storage.row_types import EdgeRow, NodeRow, ReceiptStatus
from headwater.testing.events import EPOCH_US, SECOND_US, Event, raw


class StoreFixture(ABC):
    """Base of the suite: a backend's tests say how to open one."""

    @abstractmethod
    def open_store(self, folder: Path) -> Store:
        """A store that is empty when the folder is. Opening the folder again finds what was stored, if durable."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        """An empty store, closed after the test."""
        with self.open_store(tmp_path / "store") as store:
            yield store


def fill(store: Store, *events: Event | Iterable[Event]) -> None:
    """Append events, given singly or in lists, in one batch; every one must be taken."""
    batch: list[Event] = []
    for one in events:
        batch.extend([one] if isinstance(one, dict) else one)
    receipts = store.append(raw(batch))
    assert all(receipt.status is not ReceiptStatus.REFUSED for receipt in receipts), receipts


def moment(seconds: float) -> int:
    """An instant of the test clock in microseconds since the epoch."""
    return EPOCH_US + round(seconds * SECOND_US)


def the(store: Store, name: str, namespace: str = "db") -> NodeRow:
    """A dataset that must be there."""
    found = store.find(NodeKind.DATASET, namespace, name)
    assert found is not None, f"no dataset {name}"
    return found


def the_job(store: Store, name: str) -> NodeRow:
    """A job that must be there."""
    found = store.find(NodeKind.JOB, "jobs", name)
    assert found is not None, f"no job {name}"
    return found


def names(store: Store, rows: Iterable[EdgeRow]) -> list[tuple[str, str, float, float | None]]:
    """(source, target, valid from, valid to) of edges, by name and in seconds of the test clock."""
    rows = list(rows)
    known = {row.id: row.name for row in store.nodes([end for row in rows for end in (row.source_id, row.target_id)])}
    return sorted(
        (known[row.source_id], known[row.target_id], seconds(row.valid_from), _until(row.valid_to)) for row in rows
    )


def seconds(instant: int) -> float:
    """An instant on the test clock."""
    return (instant - EPOCH_US) / SECOND_US


def _until(instant: int | None) -> float | None:
    return None if instant is None else seconds(instant)


def holding(store: Store) -> set[tuple[str, str]]:
    """(source, target) names of the dataset-level edges that hold."""
    return {(source, target) for source, target, _, until in names(store, store.edges()) if until is None}


def body(value: Any) -> dict[str, Any]:
    """A facet as it was given, without the members of every facet."""
    import msgspec

    decoded = msgspec.json.decode(value)
    return {key: item for key, item in decoded.items() if not key.startswith("_")}
