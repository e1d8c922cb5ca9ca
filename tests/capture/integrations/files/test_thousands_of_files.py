"""Scripts over thousands of files: the lineage that is kept grows with their number, not with its square."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from headwater.capture.assembler import Assembler
from headwater.capture.datasets import DatasetRef
from headwater.model.graph import How, NodeKind
from headwater.storage.memory import MemoryStore


class Box:
    """Hands text on where nothing follows it."""

    def __init__(self) -> None:
        self._held: dict[int, str] = {}

    def take(self, key: int, text: str) -> None:
        """Keep a text."""
        self._held[key] = text

    def give(self, key: int) -> str:
        """Hand it back, turned round."""
        return "".join(reversed(self._held.pop(key)))


@pytest.fixture
def copied(follow):
    """Each of so many files is read, turned round out of sight, and written under another name."""

    def copy(count: int):
        for number in range(count):
            Path(f"{number}.in").write_text(f"{number}")
        followed = follow("files")
        _turn_round(count)
        return followed

    return copy


def _turn_round(count: int) -> None:
    box = Box()
    for number in range(count):
        with open(f"{number}.in") as source:  # noqa: PTH123 - as scripts do
            box.take(number, source.read())
        with open(f"{number}.out", "w") as target:  # noqa: PTH123 - as above
            target.write(box.give(number))


@pytest.mark.parametrize("count", [20, 200])
def test_guesses_about_very_many_files_lead_through_the_job(copied, count):
    """A file of unknown origin may come from all that was read before it. Of a few files each such pair is told; many
    files come from the job, and the job from what it read, which a walk crosses just the same."""
    followed = copied(count)
    event = followed.event()
    entries = event["job"]["facets"]["lineage"]["entries"]
    outputs = [entry for entry in entries if entry["name"].endswith(".out")]
    assert len(outputs) == count
    is_large = count > 100
    kinds = Counter(source["type"] for entry in outputs for source in entry["inputs"])
    assert set(kinds) == ({"JOB"} if is_large else {"DATASET"})
    assert sum(len(entry["inputs"]) for entry in entries) <= 4 * count or not is_large
    store = MemoryStore("default")
    store.append([json.dumps(event).encode()])
    assert {edge.how for edge in store.edges()} == {How.INFERRED}
    last = next(node for node in store.scan_nodes() if node.name.endswith(f"/{count - 1}.out"))
    for level, start in (("dataset", last.id), ("run", store.versions(last.id)[0].id)):
        reached = store.index(level).walk(start, direction="upstream")
        assert sum(reached.counts_by_kind) >= 1 + count, level
    assert store.count_nodes(NodeKind.DATASET) >= 2 * count


def test_files_are_looked_for_once_each(copied, monkeypatch: pytest.MonkeyPatch):
    """At the end of a run each file is looked at a few times, however many were read before another was written."""
    followed = copied(60)
    looked_at: Counter[DatasetRef] = Counter()
    look = Assembler._is_passing
    monkeypatch.setattr(Assembler, "_is_passing", lambda self, ref: looked_at.update([ref]) or look(self, ref))
    followed.event()
    assert len(looked_at) >= 120
    assert max(looked_at.values()) <= 4
