"""Tables that are dropped, as Spark and databases tell it: among the outputs of a run, with a change of their life."""

from __future__ import annotations

from itertools import permutations

from headwater.query.lineage import Lineage
from headwater.storage.memory import MemoryStore
from headwater.testing.events import dataset, facet, raw, run_event, run_id, whole_run

WAREHOUSE = "/lake/warehouse/shop.db"
ORDERS, CUSTOMERS = (f"dataset:file:{WAREHOUSE}/{name}" for name in ("orders", "customers"))


def _dropped(number: int, seconds: float, name: str) -> list[dict[str, object]]:
    """What Spark's listener sends of ``DROP TABLE``: the folder of the database twice."""
    gone = {"lifecycleStateChange": facet(lifecycleStateChange="DROP")}
    table = dataset(f"{WAREHOUSE}/shop.db/{name}", "file", facets=gone)
    return [run_event(run_id(number), "drop_table", kind, seconds, [], [table]) for kind in ("START", "COMPLETE")]


def _table(name: str) -> dict[str, object]:
    return dataset(f"{WAREHOUSE}/{name}", "file")


def test_who_drops_a_table_did_not_make_it() -> None:
    """The dropping run leaves no version and is no maker, in whatever order it is heard of; the table is gone."""
    events = raw([*whole_run(1, "make", 0, ["raw"], [_table("orders")]), *_dropped(2, 20, "orders")])
    hashes = set()
    for order in permutations(events):
        with MemoryStore.open() as store:
            for event in order:
                store.append([event])
            lineage = Lineage(store)
            assert [version.run_id for version in lineage.history(ORDERS).versions] == [run_id(1)]
            found = lineage.upstream(ORDERS)
            assert {node.name for node in found.jobs()} == {"make"}
            assert lineage.show(ORDERS).is_deleted
            hashes |= {store.graph_hash(), store.rebuild()}
    assert len(hashes) == 1


def test_a_table_that_is_made_again_is_there() -> None:
    """``DROP TABLE IF EXISTS`` before ``CREATE TABLE``, every night: the table is there, and only its maker made it."""
    nights = [
        event
        for night in range(3)
        for event in (
            *_dropped(10 * night, 1000 * night, "orders"),
            *whole_run(10 * night + 1, "make", 1000 * night + 5, ["raw"], [_table("orders")]),
        )
    ]
    with MemoryStore.open() as store:
        store.append(raw(nights))
        lineage = Lineage(store)
        assert not lineage.show(ORDERS).is_deleted
        assert lineage.show(ORDERS).id == ORDERS  # the path that leads there is shown, though the other came first
        assert [one.run_id for one in lineage.history(ORDERS).versions] == [run_id(21), run_id(11), run_id(1)]
        assert {node.name for node in lineage.upstream(ORDERS).jobs()} == {"make"}


def test_tables_that_were_dropped_stay_apart() -> None:
    """Two tables of one database: that one is dropped says nothing of the other."""
    with MemoryStore.open() as store:
        store.append(raw([*_dropped(1, 0, "customers"), *_dropped(2, 20, "orders")]))
        store.append(raw(whole_run(3, "make", 5, ["raw"], [_table("customers")])))
        lineage = Lineage(store)
        assert lineage.show(ORDERS).is_deleted
        assert not lineage.show(CUSTOMERS).is_deleted
