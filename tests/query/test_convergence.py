"""Answers are a function of the set of events: which of two things came in first is not seen."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from headwater.query import Lineage
from headwater.query.models import read_model
from headwater.storage.memory import MemoryStore
from headwater.testing.events import Event, column_lineage, dataset, facet, job_event, raw, run_id, whole_run

both_orders = pytest.mark.parametrize("order", [1, -1], ids=["in order", "backwards"])


def ask(events: Iterable[Event], order: int) -> Lineage:
    """Questions to a store that got events one by one, the first or the last of them first."""
    store = MemoryStore.open()
    for event in raw(list(events)[::order]):
        store.append([event])
    return Lineage(store)


@both_orders
def test_impact_names_every_job_that_reads_it_and_one_path(order: int) -> None:
    """Two jobs that make one table of another are both affected; of ways of one length the first by name is shown."""
    events = [*whole_run(1, "j1", 0, ["a"], ["b"]), *whole_run(2, "j2", 0, ["a"], ["b"])]
    impact = ask(events, order).impact("dataset:db:a")
    assert [(item.node.name, item.reason) for item in impact.items] == [
        ("b", "is made from it"),
        ("j1", "reads a"),
        ("j2", "reads a"),
    ]
    assert [step.job for step in impact.items[0].path] == ["", "job:jobs:j1"]


@both_orders
def test_a_job_that_writes_back_is_affected(order: int) -> None:
    """What it makes of the data is the data itself, and it reads it all the same."""
    events = [*whole_run(1, "j1", 0, ["a"], ["b"]), *whole_run(2, "back", 20, ["b"], ["a"])]
    impact = ask(events, order).impact("dataset:db:a")
    assert [(item.node.name, item.distance) for item in impact.items] == [("b", 1), ("j1", 1), ("back", 2)]


@both_orders
def test_the_best_known_edge_of_a_job_stands_for_all(order: int) -> None:
    """A run's edge before one that was only designed, whichever became known first."""
    events = [*whole_run(1, "j", 0, ["a"], ["b", "c"]), job_event("j", 30, ["a"], ["d"])]
    found = ask(events, order).upstream("job:jobs:j").edges
    assert [(edge.source, edge.target, edge.run) for edge in found] == [("dataset:db:a", "job:jobs:j", run_id(1))]


@both_orders
def test_columns_without_a_schema_come_by_name(order: int) -> None:
    """Edges alone speak of them, in no order of their own."""
    first, second = ({"columnLineage": column_lineage({field: [("a", field)]})} for field in "zb")
    events = [
        *whole_run(1, "j", 0, ["a"], [dataset("t", facets=first)]),
        *whole_run(2, "k", 20, ["a"], [dataset("t", facets=second)]),
    ]
    details = ask(events, order).show("dataset:db:t")
    assert [column.name for column in details.columns] == ["b", "z"]


@both_orders
def test_a_record_lists_both_ends_by_name(order: int) -> None:
    """Of a run that came in as events: its sources and destinations do not change places."""
    events = [*whole_run(1, "j", 0, ["z", "b"], ["y", "c"]), *whole_run(2, "k", 20, ["c"], ["z"])]
    record = ask(events, order).record(run_id(1))
    assert [end["identifier"] for end in record["source"]] == ["db://b", "db://z"]
    assert [end["identifier"] for end in record["destination"]] == ["db://c", "db://y"]


@both_orders
def test_why_and_claims_go_by_name(order: int) -> None:
    """Versions of one distance, and what a job says it reads and writes."""
    sql = {"sql": facet(query="INSERT INTO t SELECT * FROM a JOIN b USING (x)")}
    events = whole_run(1, "j", 30, ["b", "a"], ["t"], job_facets=sql)
    events += [*whole_run(2, "k", 0, [], ["b"]), *whole_run(3, "l", 0, [], ["a"])]
    lineage = ask(events, order)
    assert [made.version.name for made in lineage.why("dataset:db:t").history] == ["t", "a", "b"]
    assert [claim.name for claim in lineage.claims("job:jobs:j").reads] == ["a", "b"]


def test_claims_compare_columns_with_regard_to_case() -> None:
    """Shown as the emitter spells them: what differs in case alone is agreed where one claim can be meant, and no
    other."""
    sql = {"sql": facet(query='CREATE TABLE t AS SELECT "Id", id AS other FROM a', dialect="postgres")}
    columns = column_lineage({"Id": [("a", "Id")], "OTHER": [("a", "ID")]})
    events = whole_run(1, "j", 0, ["a"], [dataset("t", facets={"columnLineage": columns})], job_facets=sql)
    claims = ask(events, 1).claims("job:jobs:j").columns
    assert [(one.source_field, one.target_field, one.verdict.value) for one in claims] == [
        ("Id", "Id", "agreed"),
        ("ID", "OTHER", "agreed"),
    ]


def _typed(name: str, kind: str, **more: object) -> Event:
    facets = {"datasetType": facet(datasetType=kind)}
    return dataset(name, facets=facets | ({"headwater_model": facet(**more)} if more else {}))


@both_orders
def test_of_several_ways_through_what_is_left_out_one_is_shown(order: int) -> None:
    """Which one must not depend on the order of arrival: it gives the edge its evidence and its time."""
    events = [
        *whole_run(1, "j1", 0, [_typed("s", "MODEL")], ["x"]),
        *whole_run(2, "j2", 20, ["s", "q"], ["y"]),
        *whole_run(3, "j3", 40, ["x"], [_typed("m", "MODEL")]),
        *whole_run(4, "j4", 60, ["y"], [_typed("m", "MODEL")]),
    ]
    graph = ask(events, order).upstream("m", kinds=["model"])
    (third,) = (edge.valid_from for edge in ask(events, order).upstream("m").edges if edge.source == "dataset:db:x")
    assert [(edge.source, edge.valid_from) for edge in graph.edges] == [("dataset:db:s", third)]


@both_orders
def test_a_model_stands_below_the_one_that_it_continues(order: int) -> None:
    """Also where what came first was heard of last, and where one run made both."""
    both = [_typed("a-saved", "MODEL", version="r2"), _typed("m3", "MODEL", version="r3")]
    events = [
        *whole_run(1, "t1", 0, ["raw"], [_typed("m1", "MODEL", version="r1")]),
        *whole_run(2, "t2", 20, ["m1"], [_typed("m2", "MODEL", version="r2")]),
        *whole_run(3, "t3", 40, ["m2"], both),
    ]
    lineage = ask(events, order)
    row = lineage.resolver.node("m2")
    (first,) = read_model(lineage.store, row, lineage.store.versions(row.id, limit=1)[0]).family
    (second,) = first.children
    assert (first.version.name, second.version.name) == ("m1", "m2")
    assert [one.version.name for one in second.children] == ["a-saved", "m3"]
