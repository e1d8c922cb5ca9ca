"""Dataset-level edges: which exist, their evidence, and their validity."""

from __future__ import annotations

from itertools import permutations

import pytest

from headwater.model.graph import FieldEdge, How, NodeKind
from headwater.storage.base import Store
from headwater.testing.events import (
    Event,
    column_lineage,
    dataset,
    dataset_event,
    facet,
    job_event,
    lineage,
    run_event,
    run_id,
    schema,
    whole_run,
)
from headwater.testing.suite.fixture import StoreFixture, fill, holding, moment, names, the, the_job

DROP = {"lifecycleStateChange": facet(lifecycleStateChange="DROP")}
STREAMING = {"jobType": facet(processingType="STREAMING", integration="FLINK", jobType="JOB")}


class GraphSuite(StoreFixture):
    """Edges and their validity."""

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    def test_the_address_of_a_source_joins_its_nickname(self, store: Store, order: tuple[int, ...]) -> None:
        """Written under a nickname and read under its address is one dataset, in whatever order that is learnt."""
        source = {"dataSource": facet(name="shop", uri="jdbc:postgresql://me@pg/shop")}
        runs = [
            whole_run(1, "load", 0, ["a"], [dataset("public.orders", "warehouse", source)]),
            whole_run(2, "use", 20, [dataset("shop.public.orders", "postgres://pg:5432")], ["b"]),
            whole_run(3, "other", 40, ["c"], [dataset("public.users", "warehouse", source)]),
        ]
        for place in order:
            fill(store, runs[place])
        found = the(store, "public.orders", "warehouse")
        assert found == the(store, "shop.public.orders", "postgres://pg:5432")
        assert found.aliases == (("postgres://pg:5432", "shop.public.orders"),)
        assert holding(store) == {("a", "public.orders"), ("public.orders", "b"), ("c", "public.users")}

    def test_a_nickname_without_a_certain_address_joins_nothing(self, store: Store) -> None:
        """A database on the machine of the emitter, and a table whose schema is not said."""
        for number, (name, uri) in enumerate(
            [("public.orders", "postgresql://localhost/shop"), ("orders", "postgresql://pg/shop")], 1
        ):
            source = {"dataSource": facet(name="shop", uri=uri)}
            fill(store, whole_run(number, "load", number, ["a"], [dataset(name, f"team{number}", source)]))
        for namespace in ("postgres://localhost:5432", "postgres://pg:5432"):
            assert store.find(NodeKind.DATASET, namespace, "shop.public.orders") is None
        assert store.count_nodes(NodeKind.DATASET) == 3

    def test_an_edge_holds_from_the_end_of_the_first_run_that_showed_it(self, store: Store) -> None:
        """Later runs that show it too change nothing but the run that is named."""
        fill(store, whole_run(1, "j", 0, ["a"], ["b"]), whole_run(2, "j", 50, ["a"], ["b"]))
        assert names(store, store.edges()) == [("a", "b", 10, None)]
        (edge,) = store.edges(source_id=the(store, "a").id)
        assert (edge.run_id, edge.how, edge.job_id) == (run_id(2), How.PRODUCT, the_job(store, "j").id)

    def test_a_large_cross_product_leads_through_its_job(self, store: Store) -> None:
        """Without claims every input feeds every output: above 10,000 pairs by way of the job, so that what is stored
        grows with the event and not with its square. Walks find the same nodes; a run has one derivation for all."""
        inputs, outputs = [f"a{n}" for n in range(101)], [f"c{n}" for n in range(100)]
        fill(store, *reversed(whole_run(1, "j", 0, inputs, outputs)))
        assert len(store.edges()) == len(inputs) + len(outputs)
        assert {edge.how for edge in store.edges()} == {How.PRODUCT}
        target = the(store, "c7")
        assert len(store.index("dataset").walk(target.id, direction="upstream")) == 1 + 1 + len(inputs)
        (version,) = store.versions(target.id)
        assert len(store.index("run").walk(version.id, direction="upstream")) == 1 + 1 + len(inputs)
        fill(store, whole_run(2, "j", 20, ["a0"], ["c7"]))
        assert {source for source, other in holding(store) if other == "c7"} == {"a0"}
        assert len(store.index("run").walk(version.id, direction="upstream")) == 1 + 1 + len(inputs)

    def test_a_job_that_changes_sheds_its_old_edges(self, store: Store) -> None:
        """The edge ends when the job writes the target without it, and may come back as a new interval."""
        fill(store, whole_run(1, "j", 0, ["a"], ["t"]), whole_run(2, "j", 20, ["b"], ["t"]))
        fill(store, whole_run(3, "j", 40, ["a", "b"], ["t"]))
        assert names(store, store.edges()) == [("a", "t", 10, 30), ("a", "t", 50, None), ("b", "t", 30, None)]
        closed = next(edge for edge in store.edges() if edge.valid_to is not None)
        assert closed.run_id == run_id(1)

    def test_a_run_that_arrives_late_takes_its_place_in_time(self, store: Store) -> None:
        """The oldest run last: the same intervals as in order."""
        runs = [whole_run(3, "j", 40, ["a", "b"], ["t"]), whole_run(1, "j", 0, ["a"], ["t"])]
        fill(store, *runs)
        fill(store, whole_run(2, "j", 20, ["b"], ["t"]))
        assert names(store, store.edges()) == [("a", "t", 10, 30), ("a", "t", 50, None), ("b", "t", 30, None)]

    def test_a_job_with_dynamic_outputs_keeps_the_inputs_of_each(self, store: Store) -> None:
        """Writing another target says nothing about this one."""
        fill(store, whole_run(1, "j", 0, ["a"], ["x"]), whole_run(2, "j", 20, ["b"], ["y"]))
        assert holding(store) == {("a", "x"), ("b", "y")}

    @pytest.mark.parametrize("end", ["FAIL", "ABORT"])
    def test_a_run_that_did_not_succeed_neither_adds_nor_removes(self, store: Store, end: str) -> None:
        """Its claim stays visible on the run."""
        fill(store, whole_run(1, "j", 0, ["a"], ["t"]), whole_run(2, "j", 20, ["b"], ["t", "u"], end=end))
        assert holding(store) == {("a", "t")}
        read, written = store.run_io(run_id(2))
        assert {row.name for row in store.nodes([version.dataset_id for version in (*read, *written)])} == {
            "b",
            "t",
            "u",
        }

    def test_a_run_that_has_not_ended_does_not_count_yet(self, store: Store) -> None:
        """START alone shows nothing; COMPLETE with nothing in it counts what START said."""
        fill(store, run_event(run_id(1), "j", "START", 0, ["a"], ["t"]))
        assert store.edges() == []
        fill(store, run_event(run_id(1), "j", "COMPLETE", 9))
        assert names(store, store.edges()) == [("a", "t", 9, None)]

    def test_inputs_and_outputs_are_unions_over_a_run(self, store: Store) -> None:
        """Inputs on START only, outputs on COMPLETE only, in either order of arrival."""
        start = run_event(run_id(1), "j", "START", 0, ["a", "b"])
        complete = run_event(run_id(1), "j", "COMPLETE", 9, [], ["t"])
        fill(store, complete)
        fill(store, start)
        assert holding(store) == {("a", "t"), ("b", "t")}

    def test_the_running_events_of_a_streaming_job_count(self, store: Store) -> None:
        """Lineage that is only on RUNNING is there while the job runs, and stays when it is stopped."""
        run = run_id(1)
        fill(store, run_event(run, "s", "START", 0, job_facets=STREAMING))
        fill(store, run_event(run, "s", "RUNNING", 5, ["topic"], ["sink"], job_facets=STREAMING))
        assert holding(store) == {("topic", "sink")}
        fill(store, run_event(run, "s", "ABORT", 500, job_facets=STREAMING))
        assert holding(store) == {("topic", "sink")}

    def test_a_deleted_job_stops_connecting_its_neighbours(self, store: Store) -> None:
        """From then on; it connects them again when it runs again."""
        fill(store, whole_run(1, "j", 0, ["a"], ["b"]), whole_run(2, "k", 0, ["b"], ["c"]))
        fill(store, job_event("j", 40, facets=DROP))
        assert holding(store) == {("b", "c")}
        assert names(store, store.edges())[0] == ("a", "b", 10, 40)
        walk = store.index("dataset").walk(the(store, "a").id, direction="downstream", as_of=moment(50))
        assert [row.name for row in store.nodes([int(node) for node in walk.ids])] == ["a"]
        fill(store, whole_run(3, "j", 60, ["a"], ["b"]))
        assert holding(store) == {("a", "b"), ("b", "c")}

    def test_jobs_that_only_read_or_only_write_hang_on_their_datasets(self, store: Store) -> None:
        """The job itself is the other end."""
        fill(store, whole_run(1, "reader", 0, ["a"]), whole_run(2, "writer", 0, [], ["b"]))
        assert holding(store) == {("a", "reader"), ("writer", "b")}

    def test_a_reader_that_stops_reading_sheds_the_edge(self, store: Store) -> None:
        """Every successful run of the job is a step for what it only reads, whatever came first."""
        fill(store, whole_run(2, "j", 40))
        fill(store, whole_run(1, "j", 0, ["a"]))
        assert names(store, store.edges()) == [("a", "j", 10, 50)]

    def test_an_explicit_lineage_facet_beats_the_cross_product(self, store: Store) -> None:
        """Two of four pairs are declared, and only those become edges."""
        facets = {"lineage": lineage({"x": ["a"], "y": ["b"]})}
        fill(store, whole_run(1, "j", 0, ["a", "b"], ["x", "y"], job_facets=facets))
        assert holding(store) == {("a", "x"), ("b", "y")}
        assert {edge.how for edge in store.edges()} == {How.DECLARED}

    def test_column_lineage_gives_edges_with_columns(self, store: Store) -> None:
        """Sources come from the facet, though they are not among the inputs; fields go by name."""
        columns = column_lineage({"n": [("a", "id"), ("b", "k")], "m": [("a", "v")]})
        out = dataset("t", facets={"schema": schema("n", "m"), "columnLineage": columns})
        fill(store, whole_run(1, "j", 0, [], [out]))
        edges = {row.source_id: row for row in store.edges()}
        found = store.mapping_fields(edges[the(store, "a").id])
        assert found == (
            FieldEdge(source_field="id", target_field="n"),
            FieldEdge(source_field="v", target_field="m"),
        )
        assert {edge.how for edge in edges.values()} == {How.COLUMN}
        assert store.fields(the(store, "t").id) == ("n", "m")
        assert store.statistics().column_edges == 3

    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
    def test_a_column_may_come_from_another_of_its_dataset(self, store: Store, order: tuple[int, ...]) -> None:
        """An edge from the dataset to itself carries the columns, beside that of the job that has no other source. No
        walk over datasets goes along it, and columns that only stay what they are make none."""
        fills = column_lineage({"x": [("a", "x")]})
        adds = column_lineage({"y": [("t", "x")], "x": [("t", "x")]})
        keeps = column_lineage({"x": [("t", "x"), ("b", "x")]})
        runs = [
            whole_run(1, "fill", 0, ["a"], [dataset("t", facets={"columnLineage": fills})]),
            whole_run(2, "add", 20, ["t"], [dataset("t", facets={"columnLineage": adds})]),
            whole_run(3, "append", 40, ["b"], [dataset("t", facets={"columnLineage": keeps})]),
        ]
        for place in order:
            fill(store, runs[place])
        a, b, t = (the(store, name).id for name in "abt")
        add = the_job(store, "add")
        edges = {(row.source_id, row.target_id): row for row in store.edges()}
        assert edges.keys() == {(a, t), (t, t), (add.id, t), (b, t)}
        assert FieldEdge(source_field="x", target_field="y") in store.mapping_fields(edges[t, t])
        index = store.index("dataset")
        assert set(index.walk(t, direction="upstream").ids.tolist()) == {a, b, t, add.id}
        assert set(index.walk(t, direction="downstream").ids.tolist()) == {t}
        assert t not in index.neighbours(t, "upstream")
        assert (t, t) in {(row.source_id, row.target_id) for row in store.edges_of([t], "source")}
        assert not [row for row in store.edges_among([a, b, t]) if row.source_id == row.target_id]

    def test_columns_are_walked(self, store: Store) -> None:
        """A walk of one field through the index follows only what it feeds."""
        first = column_lineage({"x": [("a", "p")], "y": [("a", "q")]})
        second = column_lineage({"out": [("b", "x")]})
        fill(store, whole_run(1, "j", 0, ["a"], [dataset("b", facets={"columnLineage": first})]))
        fill(store, whole_run(2, "k", 20, ["b"], [dataset("c", facets={"columnLineage": second})]))
        a, b, c = (the(store, name).id for name in "abc")
        place = store.fields(a).index("p")
        for level, root, ends in (("dataset", a, (b, c)), ("run", store.versions(a)[0].id, ())):
            assert level in ("dataset", "run")
            reach = store.index("dataset" if level == "dataset" else "run").walk_columns(
                {root: [place]}, direction="downstream"
            )
            assert len(reach.ids) == (3 if level == "dataset" else 5)
            for end in ends:
                assert end in reach.ids

    def test_a_job_event_declares_edges_until_the_next_one(self, store: Store) -> None:
        """From its event time; a later JobEvent of the job replaces it, runs of the job do not."""
        fill(store, job_event("j", 10, ["a"], ["t"]), whole_run(1, "j", 20, ["z"], ["t"]))
        fill(store, job_event("j", 50, ["b"], ["t"]))
        assert names(store, store.edges()) == [("a", "t", 10, 50), ("b", "t", 50, None), ("z", "t", 30, None)]

    def test_a_dataset_event_declares_edges_into_its_dataset(self, store: Store) -> None:
        """A view's lineage without a job; replaced by the next, removed by ``_deleted``."""

        def told(*sources: str) -> dict[str, Event]:
            return {"lineage": facet(inputs=[{"type": "DATASET", "namespace": "db", "name": one} for one in sources])}

        fill(store, dataset_event("view", 10, told("a", "b")), dataset_event("view", 20, told("b")))
        assert names(store, store.edges()) == [("a", "view", 10, 20), ("b", "view", 10, None)]
        assert {edge.job_id for edge in store.edges()} == {0}
        fill(store, dataset_event("view", 30, {"lineage": facet(_deleted=True)}))
        assert holding(store) == set()

    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
    def test_a_symlink_joins_two_names_whenever_it_comes(self, store: Store, order: tuple[int, ...]) -> None:
        """The path ``a -> (location | table) -> c`` is whole, before and after either name was known."""
        link = {"symlinks": facet(identifiers=[{"namespace": "s3://b", "name": "w/t", "type": "LOCATION"}])}
        events = [
            whole_run(1, "j", 0, ["a"], [dataset("w/t", "s3://b")]),
            whole_run(2, "k", 20, ["t"], ["c"]),
            [dataset_event("t", 40, link)],
        ]
        for place in order:
            fill(store, events[place])
        joined = the(store, "t")
        assert joined.id == the(store, "w/t", "s3://b").id
        assert joined.aliases
        walk = store.index("dataset").walk(the(store, "a").id, direction="downstream")
        assert the(store, "c").id in walk.ids
        (read,), _ = store.run_io(run_id(2))
        assert read.run_id == run_id(1)

    @pytest.mark.parametrize("blank", ["", " ", "\t\n"])
    def test_a_facet_that_names_nothing_makes_no_node(self, store: Store, blank: str) -> None:
        """A source without a name would be a node that nobody can ask for or delete."""
        columns = column_lineage({"x": [("a", "x")]})
        columns["fields"]["x"]["inputFields"][0]["name"] = blank
        fill(store, *whole_run(1, "j", 0, ["a"], [dataset("b", facets={"columnLineage": columns})]))
        entries = facet(entries=[{"type": "DATASET", "namespace": "db", "name": blank, "inputs": []}])
        fill(store, job_event("j", 30, ["a"], ["b"], facets={"lineage": entries}))
        assert {row.name for row in store.scan_nodes(limit=100)} == {"j", "a", "b"}

    def test_a_run_that_moves_to_another_job_leaves_nothing_behind(self, store: Store) -> None:
        """One batch or many: the job that a run belonged to at first has no step of it."""
        fill(store, run_event(run_id(1), "j", "COMPLETE", 10, ["a"]))
        fill(store, run_event(run_id(1), "k", "COMPLETE", 30, ["b"]))
        fill(store, run_event(run_id(2), "j", "COMPLETE", 20, ["c"]))
        found = holding(store)
        assert ("c", "j") in found
        digest = store.graph_hash()
        assert store.rebuild() == digest
        assert holding(store) == found

    @pytest.mark.parametrize("is_asked_before", [False, True])
    def test_the_newest_node_can_be_joined_with_another(self, store: Store, is_asked_before: bool) -> None:
        """Its edges are still in the log that the index follows, and lead to a node that is no more."""
        fill(store, whole_run(1, "j", 0, ["a"], ["t"]), whole_run(2, "k", 20, ["a"], ["alias"]))
        if is_asked_before:
            store.index("dataset").walk(the(store, "a").id, direction="downstream")
        link = {"symlinks": facet(identifiers=[{"namespace": "db", "name": "t"}])}
        fill(store, dataset_event("alias", 40, link))
        assert the(store, "alias").id == the(store, "t").id
        walk = store.index("dataset").walk(the(store, "a").id, direction="downstream")
        assert {row.name for row in store.nodes(walk.ids.tolist()) if row.kind is NodeKind.DATASET} == {"a", "t"}

    def test_a_rename_keeps_the_lineage_and_shows_the_new_name(self, store: Store) -> None:
        """Both names lead to one node."""
        fill(store, whole_run(1, "j", 0, ["a"], ["old"]))
        change = facet(lifecycleStateChange="RENAME", previousIdentifier={"namespace": "db", "name": "old"})
        fill(store, whole_run(2, "mover", 20, [], [dataset("new", facets={"lifecycleStateChange": change})]))
        assert the(store, "old") == the(store, "new")
        assert the(store, "old").name == "new"
        assert ("a", "new") in holding(store)

    def test_walks_take_an_instant(self, store: Store) -> None:
        """``as_of`` follows the edges that held then."""
        fill(store, whole_run(1, "j", 0, ["a"], ["t"]), whole_run(2, "j", 20, ["b"], ["t"]))
        index = store.index("dataset")
        a, b, t = (the(store, name).id for name in "abt")
        assert set(index.walk(t, direction="upstream", as_of=moment(15)).ids.tolist()) == {a, t}
        assert set(index.walk(t, direction="upstream", as_of=moment(35)).ids.tolist()) == {b, t}
        assert set(index.walk(t, direction="upstream").ids.tolist()) == {a, b, t}
