"""Bulk queries give the same answers as one query per node."""

from __future__ import annotations

import pytest

from headwater.storage.base import Store
from headwater.storage.row_types import DerivationRow, EdgeRow
from headwater.testing.events import (
    History,
    column_lineage,
    dataset,
    dataset_event,
    facet,
    run_event,
    run_id,
    whole_run,
)
from headwater.testing.suite.fixture import StoreFixture, fill, moment, the, the_job

_SOME = 20


def _holds(edge: EdgeRow, as_of: int | None) -> bool:
    if as_of is None:
        return edge.valid_to is None
    return edge.valid_from <= as_of and (edge.valid_to is None or as_of < edge.valid_to)


class ManySuite(StoreFixture):
    """Bulk reads."""

    @pytest.mark.parametrize("seed", [1, 2])
    @pytest.mark.parametrize("after", [None, 40, 400])
    def test_many_answer_as_one_by_one(self, store: Store, seed: int, after: int | None) -> None:
        """Edges, runs and versions of every node of a history, now and at an instant, unknown ids among them."""
        store.append(History(seed).events(_SOME))
        as_of = None if after is None else moment(after)
        rows = store.scan_nodes(limit=10_000)
        ids = [row.id for row in rows]
        asked = [10**6, *ids, 0, *ids[:3]]
        assert store.nodes(asked) == [*rows, *rows[:3]]
        holding = [edge for edge in store.edges() if _holds(edge, as_of)]
        half = set(ids[::2])
        assert store.edges_of(asked, "source", as_of=as_of) == holding
        assert store.edges_of(list(half), "source", as_of=as_of) == [e for e in holding if e.source_id in half]
        assert store.edges_of(list(half), "target", as_of=as_of) == [e for e in holding if e.target_id in half]
        assert store.edges_of(list(half), "job", as_of=as_of) == [e for e in holding if e.job_id in half]
        inside = [edge for edge in holding if {edge.source_id, edge.target_id} <= half]
        assert store.edges_among(list(half), as_of=as_of) == inside
        assert store.mappings([edge.mapping for edge in holding]) == {
            edge.mapping: store.mapping_fields(edge) for edge in holding
        }
        before = None if as_of is None else as_of + 1
        runs = {key: store.runs(job_id=key, before=before, limit=1) for key in ids}
        assert store.latest_runs(asked, as_of=as_of) == {key: found[0] for key, found in runs.items() if found}
        versions = store.latest_versions(asked, as_of=as_of)
        alone = {key: store.versions(key, as_of=as_of, limit=1) for key in ids}
        assert {key: row.id for key, row in versions.items()} == {key: one[0].id for key, one in alone.items() if one}
        assert {row.ordinal for row in versions.values()} <= {0}
        every = [row.id for key in ids for row in store.versions(key, limit=10_000)]
        assert store.facets_of_versions([*every, 10**6]) == {key: store.version_facets(key) for key in every}
        assert store.version_facets(10**6) == {}

    def test_the_run_level_of_a_history(self, store: Store) -> None:
        """Versions come with the place that each has alone, derivations with their runs, in the order asked for."""
        store.append(History(3).events(_SOME))
        alone = {v.id: v for row in store.scan_nodes(limit=10_000) for v in store.versions(row.id, limit=10_000)}
        index = store.index("run")
        asked = [*range(index.node_count, -1, -1), next(iter(alone))]
        found = store.run_nodes(asked)
        steps = [row for row in found if isinstance(row, DerivationRow)]
        assert {row.id: row for row in found if not isinstance(row, DerivationRow)} == alone
        assert [row.id for row in found] == [one for one in asked if one in {row.id for row in found}]
        assert found[-1] == alone[asked[-1]]
        runs = store.derivation_runs(asked)
        assert runs.keys() == {row.id for row in steps}
        assert all(runs[row.id] == store.run(row.run_id) for row in steps)

    def test_a_node_of_several_names_is_one_row(self, store: Store) -> None:
        """With its aliases, as ``find`` gives it."""
        link = {"symlinks": facet(identifiers=[{"namespace": "s3://b", "name": "w/t", "type": "TABLE"}])}
        fill(store, whole_run(1, "j", 0, ["a"], ["t"]), [dataset_event("t", 40, link)])
        joined = the(store, "t")
        assert store.nodes([joined.id, the(store, "a").id]) == [joined, the(store, "a")]
        assert joined.aliases

    def test_what_holds_and_what_is_latest_are_up_to_date(self, store: Store) -> None:
        """After each commit: the run that last showed an edge, the state of a run, a mapping just seen."""
        fill(store, whole_run(1, "j", 0, ["a"], ["t"]))
        ids = [the(store, "a").id, the(store, "t").id]
        job = the_job(store, "j").id
        (edge,) = store.edges_among(ids)
        assert (edge.run_id, store.latest_runs([job])[job].run_id) == (run_id(1), run_id(1))
        columns = column_lineage({"n": [("a", "id")]})
        fill(store, whole_run(2, "j", 20, ["a"], [dataset("t", facets={"columnLineage": columns})]))
        fill(store, run_event(run_id(3), "j", "START", 40, ["a"], ["t"]))
        (edge,) = store.edges_among(ids)
        assert edge.run_id == run_id(2)
        assert store.mappings([edge.mapping, 0]) == {edge.mapping: store.mapping_fields(edge), 0: ()}
        latest = store.latest_runs([job])[job]
        assert (latest.run_id, latest.state) == (run_id(3), "RUNNING")
        assert store.latest_versions(ids)[ids[1]].run_id == run_id(2)
        assert store.latest_versions(ids, as_of=moment(15))[ids[1]].run_id == run_id(1)
        assert store.edges_among([]) == store.edges_of([], "source") == []
        assert store.nodes([]) == []
