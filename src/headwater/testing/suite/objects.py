"""Nodes, their facets and their history; runs; search."""

from __future__ import annotations

import pytest

from headwater.model.graph import NodeKind, RunState
from headwater.storage.base import Store
from headwater.testing.events import (
    column_lineage,
    dataset,
    dataset_event,
    facet,
    job_event,
    run_event,
    run_id,
    schema,
    whole_run,
)
from headwater.testing.suite.fixture import StoreFixture, body, fill, moment, seconds, the, the_job


class ObjectsSuite(StoreFixture):
    """What is known of a dataset, a job, a run."""

    def test_a_dataset_is_found_under_every_spelling(self, store: Store) -> None:
        """Scheme variants, slashes and default ports are one dataset; it shows the earliest spelling."""
        late = dataset("/raw/orders/", "s3a://lake")
        early = dataset("raw/orders", "s3://lake")
        fill(store, whole_run(1, "j", 50, [late]), whole_run(2, "j", 5, [early]))
        found = the(store, "raw//orders", "s3n://lake/")
        assert (found.namespace, found.name) == ("s3://lake", "raw/orders")
        assert store.statistics().datasets == 1
        assert seconds(found.created_at) == 5
        assert seconds(found.updated_at) == 60

    def test_unknown_names_are_none(self, store: Store) -> None:
        """A name nobody mentioned is not there, of either kind; a run and ids neither."""
        fill(store, whole_run(1, "j", 0, ["a"]))
        assert store.find(NodeKind.DATASET, "db", "zz") is None
        assert store.find(NodeKind.JOB, "db", "a") is None
        assert store.find(NodeKind.FIELD, "db", "a") is None
        assert store.run(run_id(9)) is None
        assert store.run("10000-01-01") is None
        assert store.run("no run") is None
        assert store.nodes([999]) == []
        assert store.run_nodes([999]) == []
        assert store.facets(999) == {}
        assert store.versions(999) == []
        assert store.run_io(run_id(9)) == ([], [])

    def test_the_last_writer_of_a_facet_wins_by_event_time(self, store: Store) -> None:
        """An earlier statement that arrives later does not win; ``as_of`` and the history know both."""
        new = dataset_event("a", 30, {"schema": schema("x", "y")})
        old = dataset_event("a", 10, {"schema": schema("x")})
        fill(store, new)
        fill(store, old)
        a = the(store, "a").id
        assert [field["name"] for field in body(store.facets(a)["schema"])["fields"]] == ["x", "y"]
        assert [field["name"] for field in body(store.facets(a, as_of=moment(29))["schema"])["fields"]] == ["x"]
        assert store.facets(a, as_of=moment(9)) == {}
        assert [seconds(change.changed_at) for change in store.history(a, facet="schema")] == [10, 30]

    def test_a_late_statement_splits_a_period_exactly(self, store: Store) -> None:
        """A, A, A with a late B between the second and the third: the history says A, B, A at the right instants."""
        a_facet, b_facet = {"schema": schema("x")}, {"schema": schema("y")}
        fill(store, *(dataset_event("a", at, a_facet) for at in (10, 20, 30, 40)))
        fill(store, dataset_event("a", 25, b_facet))
        a = the(store, "a").id
        assert [seconds(change.changed_at) for change in store.history(a)] == [10, 25, 30]
        assert [field["name"] for field in body(store.facets(a, as_of=moment(27))["schema"])["fields"]] == ["y"]
        assert [field["name"] for field in body(store.facets(a, as_of=moment(35))["schema"])["fields"]] == ["x"]

    def test_the_last_changes_tell_what_they_were_made_from(self, store: Store) -> None:
        """A limit leaves the last changes of all facets together, after the one before them of each of their facets."""
        for at in range(10, 60, 10):
            fill(store, dataset_event("a", at, {"documentation": facet(description=f"at {at}")}))
        fill(store, dataset_event("a", 5, {"tags": facet(tags=[{"key": "k", "value": "v"}])}))
        fill(store, dataset_event("a", 45, {"schema": schema("x")}))
        a = the(store, "a").id

        def last(limit: int, name: str | None = None) -> list[tuple[str, float]]:
            return [(one.name, seconds(one.changed_at)) for one in store.history(a, facet=name, limit=limit)]

        assert last(1) == [("documentation", 40), ("documentation", 50)]
        assert last(2) == [("documentation", 40), ("schema", 45), ("documentation", 50)]
        assert last(3) == [("documentation", at) for at in (30, 40)] + [("schema", 45), ("documentation", 50)]
        assert last(1, "schema") == [("schema", 45)]
        assert last(2, "documentation") == [("documentation", at) for at in (30, 40, 50)]
        assert store.history(a, limit=100) == store.history(a)
        assert last(3, "nothing") == []

    def test_a_removed_facet_is_gone_and_its_history_stays(self, store: Store) -> None:
        """``_deleted`` takes the facet away from then on."""
        fill(store, dataset_event("a", 10, {"documentation": facet(description="first")}))
        fill(store, dataset_event("a", 20, {"documentation": facet(_deleted=True)}))
        a = the(store, "a").id
        assert store.facets(a) == {}
        assert "documentation" in store.facets(a, as_of=moment(15))
        assert [change.body is None for change in store.history(a)] == [False, True]

    def test_a_facet_that_nobody_knows_survives_to_the_letter(self, store: Store) -> None:
        """Foreign facets come back as they were sent, on datasets, jobs and runs."""
        foreign = {"odd name": {"deep": [{"ünïcode": 1.50, "n": None}], "_producer": "p", "_schemaURL": "s"}}
        event = run_event(
            run_id(1), "j", "COMPLETE", 0, [dataset("a", facets=foreign)], job_facets=foreign, run_facets=foreign
        )
        fill(store, event)
        expected = b'{"deep":[{"\xc3\xbcn\xc3\xafcode":1.5,"n":null}],"_producer":"p","_schemaURL":"s"}'
        assert bytes(store.facets(the(store, "a").id)["odd name"]) == expected
        assert bytes(store.facets(the_job(store, "j").id)["odd name"]) == expected
        assert bytes(store.run_facets(run_id(1))["odd name"]) == expected

    def test_fields_keep_their_place(self, store: Store) -> None:
        """A column that comes later stands behind, one that goes leaves its place, nested ones are dotted."""
        nested = facet(fields=[{"name": "z", "fields": [{"name": "inner"}]}])
        fill(store, dataset_event("a", 10, {"schema": schema("x", "y")}))
        fill(store, dataset_event("a", 20, {"schema": schema("y", "w")}))
        fill(store, dataset_event("a", 30, {"schema": nested}))
        assert store.fields(the(store, "a").id) == ("x", "y", "w", "z", "z.inner")

    def test_types_come_from_facets(self, store: Store) -> None:
        """A dataset has its dataset type, a job and its runs what kind of work they are."""
        kind = {"jobType": facet(processingType="BATCH", integration="HEADWATER", jobType="MODEL_TRAINING")}
        model = dataset("m", facets={"datasetType": facet(datasetType="MODEL")})
        fill(store, whole_run(1, "j", 0, ["a"], [model], job_facets=kind))
        assert the(store, "m").type == "MODEL"
        assert the_job(store, "j").type == "MODEL_TRAINING"
        run = store.run(run_id(1))
        assert run is not None
        assert run.operation == "MODEL_TRAINING"
        assert [row.name for row in store.scan_nodes(type="MODEL")] == ["m"]
        assert [row.name for row in store.scan_nodes(type="model_Training")] == ["j"]
        assert store.scan_nodes(type="MODELS") == store.scan_nodes(type="MODEL", kind=NodeKind.JOB) == []

    def test_a_local_file_is_a_file_unless_it_is_said_to_be_something_else(self, store: Store) -> None:
        """A reader need not know: what the writer said holds, and without any word a path is a file."""
        model = dataset("/m.pkl", "file", facets={"datasetType": facet(datasetType="MODEL")})
        link = {"symlinks": facet(identifiers=[{"namespace": "file", "name": "/lake/t", "type": "TABLE"}])}
        fill(store, whole_run(1, "train", 0, [dataset("/raw.csv", "file"), "t"], [model]))
        fill(store, whole_run(2, "score", 10, [dataset("/m.pkl", "file"), "u"], ["scores"]))
        assert [row.name for row in store.scan_nodes(type="MODEL")] == ["/m.pkl"]
        assert [row.name for row in store.scan_nodes(type="FILE")] == ["/raw.csv"]
        gone = {"datasetType": {**facet(), "_deleted": True}}
        fill(store, dataset_event("t", 20, link), dataset_event("/m.pkl", 30, gone, namespace="file"))
        assert {row.name for row in store.scan_nodes(type="FILE")} == {"/raw.csv", "/m.pkl", "t"}

    def test_nodes_are_scanned_in_pages(self, store: Store) -> None:
        """Pages by id, cut by kind and namespace, see every node once."""
        fill(store, whole_run(1, "j", 0, [f"t{number}" for number in range(7)], [dataset("o", "other")]))
        seen: list[str] = []
        after = 0
        while page := store.scan_nodes(kind=NodeKind.DATASET, after=after, limit=3):
            assert len(page) <= 3
            seen += [row.name for row in page]
            after = page[-1].id
        assert sorted(seen) == ["o", *(f"t{number}" for number in range(7))]
        assert [row.name for row in store.scan_nodes(namespace="other")] == ["o"]
        assert [row.name for row in store.scan_nodes(kind=NodeKind.JOB)] == ["j"]

    # -- runs --------------------------------------------------------------------------------------------------------
    @pytest.mark.parametrize(
        ("kinds", "state"),
        [
            (["START"], RunState.RUNNING),
            (["COMPLETE", "START"], RunState.COMPLETED),
            (["START", "FAIL", "RUNNING"], RunState.FAILED),
            (["ABORT", "FAIL"], RunState.FAILED),
            (["FAIL", "COMPLETE"], RunState.COMPLETED),
            (["OTHER"], RunState.NEW),
            ([None], RunState.NEW),
        ],
    )
    def test_the_state_of_a_run_is_the_furthest_it_got(
        self, store: Store, kinds: list[str | None], state: RunState
    ) -> None:
        """In the order of delivery and in the opposite one."""
        events = [run_event(run_id(1), "j", kind, at) for at, kind in enumerate(kinds)]
        fill(store, *events)
        twin = [run_event(run_id(2), "j", kind, at) for at, kind in enumerate(kinds)]
        fill(store, *reversed(twin))
        rows = [store.run(run_id(number)) for number in (1, 2)]
        assert [row.state for row in rows if row is not None] == [state, state]

    def test_run_facets_accumulate(self, store: Store) -> None:
        """Facets of all events of the run, the last writer of each by event time, whatever came first."""
        early = run_event(run_id(1), "j", "START", 0, run_facets={"one": facet(v=1), "two": facet(v=1)})
        late = run_event(run_id(1), "j", "COMPLETE", 9, run_facets={"two": facet(v=2), "three": facet(v=3)})
        fill(store, late)
        fill(store, early)
        found = store.run_facets(run_id(1))
        assert {name: body(value)["v"] for name, value in found.items()} == {"one": 1, "two": 2, "three": 3}

    def test_runs_are_listed_latest_first_and_filtered(self, store: Store) -> None:
        """By job, state, parent and start."""
        parent = {"parent": facet(run={"runId": run_id(1)}, job={"namespace": "jobs", "name": "j"})}
        fill(store, whole_run(1, "j", 0), whole_run(2, "j", 20, end="FAIL"), whole_run(3, "k", 40, run_facets=parent))
        assert [run.run_id for run in store.runs()] == [run_id(3), run_id(2), run_id(1)]
        assert [run.run_id for run in store.runs(job_id=the_job(store, "j").id)] == [run_id(2), run_id(1)]
        assert [run.run_id for run in store.runs(state=RunState.FAILED)] == [run_id(2)]
        assert [run.run_id for run in store.runs(parent_run=run_id(1))] == [run_id(3)]
        assert [run.run_id for run in store.runs(parent_run=run_id(1), job_id=the_job(store, "k").id)] == [run_id(3)]
        assert [run.run_id for run in store.runs(before=moment(40), limit=1)] == [run_id(2)]
        assert [seconds(run.ended_at or 0) for run in store.runs(limit=2)] == [50, 30]

    # -- search ------------------------------------------------------------------------------------------------------
    def test_search_finds_names_columns_words_tags_and_owners(self, store: Store) -> None:
        """Parts of names split at punctuation, substrings, columns (and which), descriptions, tags, owners."""
        facets = {
            "schema": schema("customer_id", "churn_score"),
            "documentation": facet(description="Everybody who cancelled"),
            "tags": facet(tags=[{"key": "pii", "value": "yes"}]),
            "ownership": facet(owners=[{"name": "team:growth"}]),
        }
        fill(store, dataset_event("mart.churned_customers", 0, facets), whole_run(1, "nightly-load", 0, ["other"]))
        for text in ("mart.churned_customers", "churned", "CUSTOMERS", "urned_cust", "cancelled", "pii", "growth"):
            hits = store.search(text)
            assert [hit.node.name for hit in hits][:1] == ["mart.churned_customers"], text
        assert store.search("churn_score")[0].field == "churn_score"
        assert [hit.node.name for hit in store.search("nightly")] == ["nightly-load"]
        assert [hit.node.kind for hit in store.search("load", kind=NodeKind.JOB)] == [NodeKind.JOB]
        assert store.search("load", kind=NodeKind.DATASET) == []

    def test_search_finds_a_column_that_only_an_edge_speaks_of(self, store: Store) -> None:
        """Also where the dataset was found by its other words before."""
        fill(store, whole_run(1, "j", 0, ["source"], ["target"]))
        columns = {"columnLineage": column_lineage({"score": [("source", "churned")]})}
        fill(store, whole_run(2, "j", 50, ["source"], [dataset("target", facets=columns)]))
        assert [(hit.node.name, hit.field) for hit in store.search("churned")] == [("source", "churned")]
        assert [(hit.node.name, hit.field) for hit in store.search("score")] == [("target", "score")]

    def test_search_finds_misspelt_names(self, store: Store) -> None:
        """A letter too few, too many or swapped still leads to the name."""
        fill(store, whole_run(1, "j", 0, ["transactions", "weather"]))
        for text in ("trasactions", "transacctions", "tranasctions"):
            assert [hit.node.name for hit in store.search(text)][:1] == ["transactions"], text

    @pytest.mark.parametrize(
        "text",
        [
            '"',
            "a AND",
            "NOT (",
            "name:x",
            "*",
            "-",
            "'; DROP TABLE names; --",
            "\0",
            "",
            "  ",
            "日本",
            "%_",
            "a" * 5000,
        ],
    )
    def test_search_takes_any_text(self, store: Store, text: str) -> None:
        """The text is words, not a query language: nothing raises."""
        fill(store, whole_run(1, "j", 0, ["a"]))
        assert isinstance(store.search(text), list)

    def test_search_follows_changes(self, store: Store) -> None:
        """A removed description no longer finds, a new one does."""
        fill(store, dataset_event("a", 10, {"documentation": facet(description="gammaray")}))
        fill(store, dataset_event("a", 20, {"documentation": facet(description="neutrino")}))
        assert store.search("gammaray") == []
        assert [hit.node.name for hit in store.search("neutrino")] == ["a"]

    def test_a_dropped_dataset_or_job_says_so(self, store: Store) -> None:
        """Until another run writes the dataset, or the job is heard of again."""
        drop = {"lifecycleStateChange": facet(lifecycleStateChange="DROP")}
        fill(store, whole_run(1, "j", 0, ["a"], ["b"]))
        fill(store, whole_run(2, "cleaner", 20, [], [dataset("b", facets=drop)]), job_event("j", 40, facets=drop))
        assert the(store, "b").is_deleted
        assert the_job(store, "j").is_deleted
        fill(store, whole_run(3, "j", 60, ["a"], ["b"]))
        assert not the(store, "b").is_deleted
        assert not the_job(store, "j").is_deleted
