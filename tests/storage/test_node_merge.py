"""Names that turn out to be one dataset, many at once."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.model.graph import NodeKind
from headwater.storage.memory import MemoryStore
from headwater.storage.projection.history import History
from headwater.storage.projection.node_merge import Joining, together
from headwater.testing.events import dataset, facet, run_event, run_id

PAIRS = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)))


@given(PAIRS, st.randoms(use_true_random=False))
def test_groups_are_what_pairs_connect(pairs, random):
    """Whatever the order of the pairs and of their ends: each node that is another is in one list with it, the least
    first, and no node is in two."""
    groups = together(pairs)
    turned = [pair if random.random() < 0.5 else pair[::-1] for pair in pairs]
    random.shuffle(turned)
    assert together(turned) == groups
    assert all(group == sorted(group) and len(group) > 1 for group in groups)
    place = {node: index for index, group in enumerate(groups) for node in group}
    assert len(place) == sum(map(len, groups))
    for left, right in pairs:
        assert left == right or place[left] == place[right]
    for group in groups:  # nothing holds a group together but its pairs
        reached, before = {group[0]}, set()
        while reached != before:
            before = set(reached)
            reached |= {end for pair in pairs if reached.intersection(pair) for end in pair}
        assert reached >= set(group)


def test_a_name_that_hundreds_share_makes_one_dataset_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One event joins hundreds of datasets: what is known about the result is read once, not once for each of them."""
    rebuilt: list[int] = []
    rebuild = History.rebuild
    monkeypatch.setattr(History, "rebuild", lambda self, node: rebuilt.append(node.id) or rebuild(self, node))
    shared = {"symlinks": facet(identifiers=[{"namespace": "x", "name": "shared", "type": "TABLE"}])}
    outputs = [dataset(f"t{number}", "db", shared) for number in range(300)]
    store = MemoryStore.open()
    store.append([json.dumps(run_event(run_id(1), "j", "COMPLETE", 1, ["a"], outputs)).encode()])
    assert len(rebuilt) == 1
    found = store.find(NodeKind.DATASET, "x", "shared")
    assert found is not None
    assert len(found.aliases) == 300
    assert [(edge.source_id, edge.target_id) for edge in store.edges()] == [
        (store.find(NodeKind.DATASET, *_named("a")).id, found.id)
    ]
    store.close()


def test_another_name_that_nobody_knew_is_no_merge(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that gets a new name with each run: nothing that is known about it is gone through again, and no index
    has to be built anew, as neither is when the names are those of its runs before."""
    monkeypatch.setattr(Joining, "join", lambda *_: pytest.fail("merged"))
    with MemoryStore.open() as store:
        epoch = store._tables.epoch("dataset")
        for number in range(1, 30):
            link = {"symlinks": facet(identifiers=[{"namespace": "x", "name": f"n{number % 20}", "type": "TABLE"}])}
            run = run_event(run_id(number), "j", "COMPLETE", number, ["a"], [dataset("t", "db", link)])
            store.append([json.dumps(run).encode()])
        assert store._tables.epoch("dataset") == epoch
        found = store.find(NodeKind.DATASET, "x", "n7")
        assert found is not None
        assert (found.name, len(found.aliases)) == ("t", 20)
        monkeypatch.undo()
        before = store.graph_hash()
        assert store.rebuild() == before


def _named(name: str) -> tuple[str, str]:
    made = dataset(name)
    return made["namespace"], made["name"]
