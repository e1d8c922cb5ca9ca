"""Cases that broke other stores."""

from __future__ import annotations

import msgspec

from headwater.model.graph import WHOLE, NodeKind
from headwater.query import Lineage
from headwater.storage.base import Store
from headwater.storage.row_types import ReceiptStatus
from headwater.testing.events import (
    column_lineage,
    dataset,
    facet,
    job_event,
    raw,
    run_event,
    run_id,
    schema,
    whole_run,
)
from headwater.testing.suite.fixture import StoreFixture, fill, holding, moment, the

_DIRECT = [{"type": "DIRECT", "subtype": "IDENTITY"}]


class TrapsSuite(StoreFixture):
    """One test a trap."""

    def test_a_dataset_with_thousands_of_column_edges(self, store: Store) -> None:
        """3,581 column edges into one dataset come back whole."""
        columns = column_lineage({f"c{number}": [("wide", f"s{number}")] for number in range(3581)})
        fill(store, whole_run(1, "j", 0, ["wide"], [dataset("t", facets={"columnLineage": columns})]))
        (edge,) = store.edges(target_id=the(store, "t").id)
        assert len(store.mapping_fields(edge)) == 3581
        assert len(store.fields(the(store, "t").id)) == 3581
        reach = store.index("dataset").walk_columns({edge.source_id: [3580]}, direction="downstream")
        assert edge.target_id in reach.ids

    def test_an_event_of_ten_megabytes(self, store: Store) -> None:
        """It is stored and read back to the byte."""
        big = run_event(run_id(1), "j", "COMPLETE", 0, [], ["t"], run_facets={"big": facet(text="x\n" * 5_000_000)})
        (event,) = raw([big])
        assert len(event) > 10_000_000
        (receipt,) = store.append([event])
        assert receipt.status is ReceiptStatus.STORED
        assert next(iter(store.events())).body == event
        assert len(store.run_facets(run_id(1))["big"]) > 10_000_000

    def test_names_in_any_script(self, store: Store) -> None:
        """Names are kept and found as they are, however odd."""
        odd = ["таблица", "顧客", "naïve café", "a'b\"c", "x:y:z", "arn:aws:glue:eu:1:table/db/t", "🦆", "a\tb", "-- x"]
        fill(store, whole_run(1, "дело", 0, odd, ["t"]))
        for name in odd:
            assert the(store, name).name == name
        assert {source for source, _ in holding(store)} == set(odd)
        assert store.find(NodeKind.JOB, "jobs", "дело") is not None
        assert [hit.node.name for hit in store.search("顧客")][:1] == ["顧客"]

    def test_times_of_every_form(self, store: Store) -> None:
        """Nanoseconds, offsets, no zone and no fraction are the same instant."""
        forms = ["2026-01-01T00:00:09.000000999Z", "2026-01-01T02:00:09+02:00", "2026-01-01T00:00:09"]
        for number, form in enumerate(forms, 1):
            event = {**run_event(run_id(number), "j", "COMPLETE", 0), "eventTime": form}
            assert store.append(raw([event]))[0].status is ReceiptStatus.STORED
        assert {run.ended_at for run in store.runs()} == {moment(9)}

    def test_a_design_outlives_a_run_that_began_with_it(self, store: Store) -> None:
        """A job that was said to write a table, at the very instant at which a run of it did, is still said to when a
        later run made it of something: in the graph as in the table of edges."""
        fill(store, job_event("j", 10, outputs=["t"]))
        fill(store, *whole_run(1, "j", 0, [], ["t"]), *whole_run(2, "j", 20, ["a"], ["t"]))
        job, target = store.find(NodeKind.JOB, "jobs", "j"), the(store, "t")
        assert job is not None
        ends = [(edge.valid_from, edge.valid_to) for edge in store.edges(source_id=job.id)]
        assert sorted(ends, key=str) == [(moment(10), moment(30)), (moment(10), None)]
        assert job.id in store.index("dataset").walk(target.id, direction="upstream", as_of=moment(40)).ids

    def test_columns_behind_data_without_columns(self, store: Store) -> None:
        """A picture comes, as a whole, from the columns that its entry names; each column of a table does."""
        inputs = [{"namespace": "db", "name": "a", "type": "DATASET", "field": "x", "transformations": _DIRECT}]
        own = {"namespace": "db", "type": "DATASET", "inputs": inputs}
        told = facet(entries=[{"name": "chart", **own}, {"name": "table", **own}])
        source = dataset("a", facets={"schema": schema("x", "y")})
        table = dataset("table", facets={"schema": schema("p", "q")})
        fill(store, run_event(run_id(1), "j", "COMPLETE", 0, [source], ["chart", table], job_facets={"lineage": told}))
        (edge,) = store.edges(target_id=the(store, "chart").id)
        assert [(one.source_field, one.target_field) for one in store.mapping_fields(edge)] == [("x", WHOLE)]
        assert list(store.fields(edge.target_id)) == []
        reach = store.index("dataset").walk_columns({edge.source_id: [0]}, direction="downstream")
        assert the(store, "table").id in reach.ids
        found = Lineage(store).downstream("datasetField:db:a:x")
        shown = {node.name: list(node.properties.get("fields", ())) for node in found.nodes if node.namespace == "db"}
        assert shown == {"a": ["x"], "chart": [], "table": ["p", "q"]}
        assert [row["columns"] for row in found.rows() if row["target"] == "dataset:db:chart"] == [["x -> *"]]
        impact = Lineage(store).impact("datasetField:db:a:x")
        assert {"chart", "table"} <= {one.node.name for one in impact.items if one.severity == "breaks"}

    def test_an_event_without_a_type(self, store: Store) -> None:
        """It says nothing of the run's state, and what it says else counts once the run completes."""
        fill(store, run_event(run_id(1), "j", None, 0, ["a"], ["t"]))
        assert store.edges() == []
        fill(store, run_event(run_id(1), "j", "COMPLETE", 5))
        assert holding(store) == {("a", "t")}

    def test_a_read_right_after_a_delete(self, store: Store) -> None:
        """Nothing cached answers for a job that is gone."""
        fill(store, whole_run(1, "j", 0, ["a"], ["b"]))
        a, b = the(store, "a").id, the(store, "b").id
        assert b in store.index("dataset").walk(a, direction="downstream", as_of=moment(15)).ids
        fill(store, job_event("j", 20, facets={"lifecycleStateChange": facet(lifecycleStateChange="DROP")}))
        assert b not in store.index("dataset").walk(a, direction="downstream", as_of=moment(25)).ids
        assert holding(store) == set()

    def test_a_terminal_event_before_the_first(self, store: Store) -> None:
        """Retries deliver COMPLETE before START; the run starts when START says."""
        start, complete = whole_run(1, "j", 0, ["a"], ["b"])
        fill(store, complete)
        fill(store, start)
        run = store.run(run_id(1))
        assert run is not None
        assert (run.started_at, run.ended_at) == (moment(0), moment(10))

    def test_one_dataset_listed_twice_with_different_facets(self, store: Store) -> None:
        """As input and output of one event, and twice among the inputs: one node, no error."""
        twice = [dataset("t", facets={"one": facet(v=1)}), dataset("t", facets={"one": facet(v=2), "two": facet(v=2)})]
        fill(store, whole_run(1, "j", 0, twice, [dataset("t", facets={"three": facet(v=3)})]))
        assert set(store.facets(the(store, "t").id)) == {"one", "two", "three"}

    def test_a_name_that_is_sql(self, store: Store) -> None:
        """Names are values."""
        name = "t'; DELETE FROM nodes; --"
        fill(store, whole_run(1, name, 0, [name], ["t"]))
        assert the(store, name).name == name
        assert store.statistics().datasets == 2

    def test_facets_that_do_not_follow_their_schema(self, store: Store) -> None:
        """They are kept; what cannot be read of them is not made up."""
        broken = {
            "schema": facet(fields="none"),
            "columnLineage": facet(fields=[1, 2]),
            "symlinks": facet(identifiers=[{"namespace": 1}]),
            "version": [1],
            "datasetType": None,
            "lifecycleStateChange": "DROP",
            "headwater_fingerprint": 7,
        }
        fill(
            store, whole_run(1, "j", 0, ["a"], [dataset("t", facets=broken)], job_facets={"jobType": 3, "lineage": "x"})
        )
        assert holding(store) == {("a", "t")}
        assert msgspec.json.decode(store.facets(the(store, "t").id)["version"]) == [1]

    def test_numbers_keep_their_digits(self, store: Store) -> None:
        """Integers beyond 64 bits in foreign facets are returned as they came."""
        event = raw([run_event(run_id(1), "j", "COMPLETE", 0, run_facets={"n": facet(v="@")})])[0]
        event = event.replace(b'"@"', b"123456789012345678901234567890")
        assert store.append([event])[0].status is ReceiptStatus.STORED
        assert b"123456789012345678901234567890" in bytes(store.run_facets(run_id(1))["n"])
        table = raw([run_event(run_id(2), "j", "COMPLETE", 0, [], [dataset("t", facets={"n": facet(v="@")})])])[0]
        assert store.append([table.replace(b'"@"', b"-9" + b"9" * 400)])[0].status is ReceiptStatus.STORED
        assert store.graph_hash() == store.rebuild()
