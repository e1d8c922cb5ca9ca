"""Dependencies between runs: stored, pending until they arrive, never cyclic."""

from __future__ import annotations

import random
from typing import Any

import pytest

from headwater.query import Lineage
from headwater.storage.base import Store
from headwater.storage.memory import MemoryStore
from headwater.storage.row_types import Receipt, ReceiptStatus
from headwater.testing.events import facet, raw, run_event, run_id
from headwater.testing.suite.fixture import StoreFixture

_FIELD = "run.facets.headwater_record.dependencies"


def record(number: int, *on: int, seconds: float | None = None) -> bytes:
    """The event of a record: run ``number`` makes table ``t<number>`` of ``s<number>``, and builds on others."""
    at = number if seconds is None else seconds
    body = facet(lineage_id=run_id(number), dependencies=[run_id(one) for one in on])
    facets = {"headwater_record": body}
    return raw([run_event(run_id(number), "j", "COMPLETE", at, [f"s{number}"], [f"t{number}"], run_facets=facets)])[0]


def refusals(receipts: list[Receipt]) -> list[tuple[str, str]]:
    """(field, rule) of what was refused."""
    return [(one.field, one.rule) for one in receipts if one.status is ReceiptStatus.REFUSED]


def cycle(*numbers: int) -> list[tuple[str, str]]:
    """What is said of a record that closes a cycle."""
    return [(_FIELD, "must not form a cycle: " + " -> ".join(run_id(number) for number in numbers))]


class DependenciesSuite(StoreFixture):
    """What runs build on, and what builds on them."""

    def test_a_dependency_is_an_edge_between_runs(self, store: Store) -> None:
        """Both ways, many at once, those that have not arrived included; a run without any is left out."""
        assert not store.has_dependencies()
        store.append([record(3, 1, 2, 9), record(1), record(2, 1)])
        assert store.has_dependencies()
        asked = [run_id(number) for number in (1, 2, 3)]
        assert store.dependencies(asked) == {run_id(2): (run_id(1),), run_id(3): (run_id(1), run_id(2), run_id(9))}
        assert store.dependents([run_id(1), run_id(9), run_id(3)]) == {
            run_id(1): (run_id(2), run_id(3)),
            run_id(9): (run_id(3),),
        }
        assert store.dependencies([]) == store.dependents([]) == {}

    def test_the_last_word_of_a_record_counts(self, store: Store) -> None:
        """By event time, whichever arrives first; after a rebuild the same."""
        store.append([record(5, 2, 3, seconds=20)])
        store.append([record(5, 1, 2, seconds=10)])
        assert store.dependencies([run_id(5)]) == {run_id(5): (run_id(2), run_id(3))}
        store.append([record(5, seconds=30)])
        assert not store.has_dependencies()
        store.rebuild()
        assert store.dependencies([run_id(5)]) == {}

    def test_a_pending_dependency_is_resolved_when_it_arrives(self, store: Store) -> None:
        """It is shown as pending before, and the walk at run level leads through it after."""
        store.append([record(2, 1)])
        ask = Lineage(store)
        (waiting,) = ask.show(run_id(2)).dependencies
        assert (waiting.run_id, waiting.is_pending) == (run_id(1), True)
        assert self._walked(ask, "upstream", "t2") == {"t2", "s2"}
        store.append([record(1)])
        (arrived,) = ask.show(run_id(2)).dependencies
        assert (arrived.is_pending, arrived.job_name, arrived.state) == (False, "j", "COMPLETED")
        assert [one.run_id for one in ask.show(run_id(1)).dependents] == [run_id(2)]
        assert self._walked(ask, "upstream", "t2") == {"t2", "s2", "t1", "s1"}
        assert self._walked(ask, "downstream", "s1") == {"s1", "t1", "t2"}

    def test_an_edge_by_dependency_names_the_run_that_builds(self, store: Store) -> None:
        """From what the one run wrote to what the other wrote; depth and limit hold, and the total counts all."""
        store.append([record(1), record(2, 1), record(3, 2)])
        ask = Lineage(store)
        found = ask.upstream("dataset:db:t3", level="run")
        edges = {(one.source.partition("#")[0], one.target.partition("#")[0], one.run) for one in found.edges}
        assert ("dataset:db:t1", "dataset:db:t2", run_id(2)) in edges
        assert ("dataset:db:t2", "dataset:db:t3", run_id(3)) in edges
        assert len(edges) == 5
        assert self._walked(ask, "upstream", "t3", depth=1) == {"t3", "s3", "t2"}
        cut = ask.upstream("dataset:db:t3", level="run", limit=2)
        assert (cut.truncated, cut.total, len(cut.datasets())) == (True, 6, 2)

    @staticmethod
    def _walked(ask: Lineage, way: str, name: str, **options: Any) -> set[str]:
        found = getattr(ask, way)(f"dataset:db:{name}", level="run", **options)
        return {node.name for node in found.datasets()}

    def test_a_cycle_is_refused_with_the_cycle_in_the_message(self, store: Store) -> None:
        """Across commits, within one, and of a run on itself; what is refused is in quarantine and nowhere else."""
        assert refusals(store.append([record(1, 2)])) == []
        assert refusals(store.append([record(2, 3)])) == []
        assert refusals(store.append([record(3, 1), record(4)])) == cycle(3, 1, 2, 3)
        assert refusals(store.append([record(5, 6), record(6, 5)])) == cycle(6, 5, 6)
        assert refusals(store.append([record(7, 7)])) == cycle(7, 7)
        assert len(store.quarantined()) == 3
        assert [store.run(run_id(number)) is None for number in range(1, 8)] == [
            False, False, True, False, False, True, True,
        ]  # fmt: skip

    def test_what_was_corrected_closes_no_cycle(self, store: Store) -> None:
        """A dependency that a later record of the same run leaves out leads nowhere."""
        store.append([record(1, 2, seconds=1)])
        store.append([record(1, seconds=5)])
        assert refusals(store.append([record(2, 1)])) == []

    def test_a_facet_of_another_shape_names_nothing(self, store: Store) -> None:
        """The name is ours, and another emitter may use it: the event lands."""
        bodies = [facet(dependencies="x"), facet(dependencies=["no uuid"]), facet(dependencies=[{}]), facet()]
        events = [
            run_event(run_id(number), "j", "COMPLETE", number, run_facets={"headwater_record": body})
            for number, body in enumerate(bodies, 1)
        ]
        assert refusals(store.append(raw(events))) == []
        assert not store.has_dependencies()

    @pytest.mark.parametrize("seed", range(6))
    def test_a_record_is_refused_exactly_when_it_closes_a_cycle(self, store: Store, seed: int) -> None:
        """Against a naive search, in batches; what was taken is a function of its set, and can be put in order."""
        pick = random.Random(seed)  # noqa: S311 - tests, no secrets
        wanted = {number: pick.sample(range(1, 10), pick.randrange(4)) for number in range(1, 10)}
        order = pick.sample(list(wanted), len(wanted))
        taken: dict[int, list[int]] = {}
        while order:
            batch = [order.pop() for _ in range(min(len(order), pick.randrange(1, 4)))]
            receipts = store.append([record(number, *wanted[number]) for number in batch])
            for number, receipt in zip(batch, receipts, strict=True):
                is_closing = number in _reached(taken, wanted[number])
                assert (receipt.status is ReceiptStatus.REFUSED) == is_closing
                if not is_closing:
                    taken[number] = wanted[number]
        with MemoryStore.open() as other:
            again = pick.sample(list(taken), len(taken))
            assert refusals(other.append([record(number, *taken[number]) for number in again])) == []
            assert other.graph_hash() == store.graph_hash()

    def test_a_walk_ends_where_a_log_holds_a_cycle(self, store: Store) -> None:
        """What kept two records apart was forgotten: the log is taken as it is, and every question ends."""
        store.append([record(1, seconds=5)], received_at=100)
        for late in (record(1, 2, seconds=1), record(2, 1)):
            store.append([late], received_at=200)
        assert store.dependencies([run_id(1), run_id(2)]) == {run_id(2): (run_id(1),)}
        assert store.retain(before=150) == 1
        assert store.dependencies([run_id(1), run_id(2)]) == {run_id(1): (run_id(2),), run_id(2): (run_id(1),)}
        assert self._walked(Lineage(store), "upstream", "t2") == {"t2", "s2", "t1", "s1"}
        assert self._walked(Lineage(store), "downstream", "s2") == {"s2", "t2", "t1"}
        assert refusals(store.append([record(2, 1, seconds=9)])) == cycle(2, 1, 2)


def _reached(graph: dict[int, list[int]], starts: list[int]) -> set[int]:
    found, waiting = set(starts), list(starts)
    while waiting:
        for below in graph.get(waiting.pop(), ()):
            if below not in found:
                found.add(below)
                waiting.append(below)
    return found
