"""A job that reads another dataset with each run: its history grows, and what a run costs does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headwater.storage.projection.flows import Flows
from headwater.storage.sqlite import SQLiteStore
from headwater.testing.events import run_event, run_id

RUNS = 60


def test_a_run_does_not_read_the_history_of_its_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The edges of a target are looked up once, not with each run whose inputs differ; each holds until the next. A
    store that is opened again, or that went through the runs in another order, shows the same."""
    looked_up: list[object] = []
    look_up = Flows._edges_of
    monkeypatch.setattr(Flows, "_edges_of", lambda self, key: looked_up.append(key) or look_up(self, key))
    runs = [
        json.dumps(run_event(run_id(n + 1), "daily", "COMPLETE", n, [f"part{n}"], ["total"])).encode()
        for n in range(RUNS)
    ]
    with SQLiteStore.open(tmp_path / "one") as store:
        for run in runs[: RUNS // 2]:
            store.append([run])
        assert len(looked_up) == 1
    with SQLiteStore.open(tmp_path / "one") as store:
        for run in runs[RUNS // 2 :]:
            store.append([run])
        assert len(looked_up) == 2
        edges = sorted(store.edges(), key=lambda edge: edge.valid_from)
        assert [edge.valid_to for edge in edges] == [*[edge.valid_from for edge in edges[1:]], None]
        assert len(edges) == RUNS
        first = store.graph_hash()
    with SQLiteStore.open(tmp_path / "two") as other:
        for run in reversed(runs):
            other.append([run])
        assert other.graph_hash() == first
