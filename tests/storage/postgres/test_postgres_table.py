"""A table behind its cache answers as a dictionary does, whatever is cached, pending, expected or written."""

from __future__ import annotations

import random

import pytest
from postgres_opening import Opener

from headwater.formats.openlineage import decode
from headwater.model.graph import NodeKind
from headwater.storage.memory.tables import MemoryTables
from headwater.storage.projection.records import Change, Flow
from headwater.testing.events import dataset_event, facet, raw


def _plain(row: Flow) -> tuple:
    return (row.job, row.target, row.kind, row.last_at, row.last_by, row.shape)


@pytest.mark.parametrize("seed", range(6))
def test_any_sequence_of_changes_and_questions(opened: Opener, seed: int) -> None:
    """Rows put, changed, dropped and asked for within and over transactions, some of them expected beforehand."""
    pick = random.Random(seed)
    store, oracle = opened(), MemoryTables(lambda seq: b"").flows
    for _ in range(6):
        store._tables.clear() if pick.random() < 0.3 else None
        with store._writing():
            for _ in range(3):
                store._tables.next_id("node")
            top = store._tables.counter("node")
            table = store._tables.flows
            if pick.random() < 0.6:
                table.expect_all("job", [pick.randrange(1, top + 1) for _ in range(3)])
            for _ in range(40):
                key = (pick.randrange(1, top + 1), pick.randrange(1, top + 1), pick.randrange(2))
                what = pick.random()
                if what < 0.35:
                    shape = pick.randrange(99)
                    for one in (table, oracle):
                        one.put(Flow(job=key[0], target=key[1], kind=key[2], last_at=1, last_by="r", shape=shape))
                elif what < 0.45:
                    table.drop(key)
                    oracle.drop(key)
                elif what < 0.5:
                    table.flush()
                elif what < 0.7:
                    found, expected = table.get(key), oracle.get(key)
                    assert (found and _plain(found)) == (expected and _plain(expected))
                else:
                    equal = dict(zip(("job", "target", "kind"), key, strict=True))
                    names = pick.choice([("job",), ("target",)])
                    given = {name: equal[name] for name in names}
                    assert sorted(map(_plain, table.where(**given))) == sorted(map(_plain, oracle.where(**given)))
                    both = [row for row in oracle.where(job=key[0]) if row.target == key[1]]
                    found_both = table.where(job=key[0], target=key[1])
                    assert sorted(map(_plain, found_both)) == sorted(map(_plain, both))
        with store._reading():
            assert sorted(map(_plain, table.rows())) == sorted(map(_plain, oracle.rows()))


def test_what_was_fetched_for_a_batch_gives_way_to_what_it_writes(opened: Opener) -> None:
    """The last changes of two datasets are fetched before a batch, and one of them changes, and is written, within it:
    that one's are read again."""
    store = opened()
    facets = {"documentation": facet(description="old")}
    store.append(raw([dataset_event(name, 10, facets) for name in ("a", "b")]))
    changed, other = (store.find(NodeKind.DATASET, "db", name).id for name in ("a", "b"))
    with store._writing():
        tables = store._tables
        tables.clear()
        tables.expect([decode(raw([dataset_event(name, 20, facets)])[0]) for name in ("a", "b")])
        assert set(tables.changes.fetched) == {changed, other}
        (old,) = tables.changes.fetched[changed]
        tables.changes.put(Change(node=changed, name="tags", at=old.at + 1, key=old.key, body=old.body, run_id=""))
        tables.changes.flush()
        assert {one.name for one in tables.latest_changes(changed)} == {"documentation", "tags"}
        assert {one.name for one in tables.latest_changes(other)} == {"documentation"}
