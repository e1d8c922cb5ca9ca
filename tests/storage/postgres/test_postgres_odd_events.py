"""Events that are valid and odd: what a server's limits are must not decide what is stored."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from postgres_opening import Opener

from headwater.model.graph import NodeKind
from headwater.storage.memory import MemoryStore
from headwater.storage.postgres import PostgresStore
from headwater.storage.row_types import ReceiptStatus
from headwater.testing.events import column_lineage, dataset, facet, raw, run_event, run_id, schema, whole_run


def _letters(count: int, seed: int = 1) -> str:
    """Letters that do not compress."""
    pick = random.Random(seed)
    return "".join(pick.choice(string.ascii_lowercase) for _ in range(count))


def test_names_longer_than_an_index_entry(opened: Opener) -> None:
    """Names, namespaces, facet names, columns and words of many kilobytes are stored, found, and found by a piece."""
    long = _letters(30_000)
    facets = {long: facet(v=1), "schema": schema(_letters(9_000, 2), "id"), "version": facet(datasetVersion=long)}
    columns = column_lineage({"id": [(long, _letters(9_000, 3))]})
    target = dataset("t" + long, facets={**facets, "columnLineage": columns})
    target["namespace"] = "ns" + long
    events = raw(
        whole_run(1, "job" + long, 0, [long], [target], job_facets={"jobType": facet(jobType=long)})
        + whole_run(2, "job" + long, 20, ["t" + long], [target])
    )
    store = opened()
    with MemoryStore.open() as oracle:
        for event in events:
            assert store.append([event])[0].status is ReceiptStatus.STORED
            oracle.append([event])
        assert store.graph_hash() == oracle.graph_hash()
        assert store.namespaces() == oracle.namespaces()
    found = store.find(NodeKind.DATASET, "ns" + long, "t" + long)
    assert found is not None
    assert found.id in {hit.node.id for hit in store.search(long[15_000:15_020])}
    assert store.facets(found.id).keys() >= {long}
    assert store.rebuild() == store.graph_hash()


@pytest.mark.parametrize("count", [2**63 - 1, 2**63, 2**64, -(2**70), 10**400, 1.5e300])
def test_counts_that_no_column_holds(opened: Opener, count: float) -> None:
    """What a column cannot hold is left out of it; the facet is kept as it came, as in memory."""
    out = [dataset("t", outputFacets={"outputStatistics": facet(rowCount=count, size=count)})]
    (event,) = raw([run_event(run_id(1), "j", "COMPLETE", 0, ["a"], out)])
    store = opened()
    with MemoryStore.open() as oracle:
        assert [one.status for one in store.append([event])] == [one.status for one in oracle.append([event])]
        assert store.graph_hash() == oracle.graph_hash()


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"])
def test_times_at_the_ends(opened: Opener, time: str) -> None:
    """Times of events choose no partition."""
    event = {**run_event(run_id(1), "j", "COMPLETE", 0, ["a"], ["b"]), "eventTime": time}
    store = opened()
    with MemoryStore.open() as oracle:
        assert [one.status for one in store.append(raw([event]))] == [one.status for one in oracle.append(raw([event]))]
        assert store.graph_hash() == oracle.graph_hash()


@contextmanager
def counted(store: PostgresStore) -> Iterator[list[str]]:
    """What a store asks its server."""
    statements: list[str] = []
    execute = store._session.execute

    def counting(statement: str, *given: object, **named: object) -> object:
        statements.append(statement)
        return execute(statement, *given, **named)  # type: ignore[arg-type]

    store._session.execute = counting  # type: ignore[method-assign,assignment]
    try:
        yield statements
    finally:
        store._session.execute = execute  # type: ignore[method-assign]


def test_many_names_in_one_batch(opened: Opener) -> None:
    """A batch that brings thousands of names at once is written in a bounded number of statements."""
    store = opened()
    events = raw(
        [
            event
            for number in range(1, 301)
            for event in whole_run(number, f"job{number}", number, [f"in{number}", "shared"], [f"out{number}"])
        ]
    )
    with counted(store) as statements:
        assert {one.status for one in store.append(events)} == {ReceiptStatus.STORED}
    assert len(statements) < 60
    with MemoryStore.open() as oracle:
        oracle.append(events)
        assert store.graph_hash() == oracle.graph_hash()


def test_an_event_that_is_late_in_a_long_history(opened: Opener) -> None:
    """How much was said of a dataset does not decide how many statements it takes to put one more into its history."""
    told = [
        event
        for number in range(1, 121)
        for event in whole_run(
            number, "j", 20 * number, [], [dataset("t", facets={"documentation": facet(description=f"{number % 3}")})]
        )
    ]
    late = whole_run(200, "j", 1205, [], [dataset("t", facets={"documentation": facet(description="late")})])
    joined = whole_run(
        201,
        "j",
        1215,
        [],
        [dataset("u", facets={"symlinks": facet(identifiers=[{"namespace": "db", "name": "t", "type": "TABLE"}])})],
    )
    store = opened()
    store.append(raw(told))
    with counted(store) as statements:
        store.append(raw(late))
        store.append(raw(joined))
    assert sum("held.keys" in statement for statement in statements) < 12
    with MemoryStore.open() as oracle:
        oracle.append(raw([*told, *late, *joined]))
        assert store.graph_hash() == oracle.graph_hash()
