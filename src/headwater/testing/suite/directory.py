"""The directory: lists and counts equal those of a full scan."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest

from headwater.formats.times import parse_time
from headwater.model.events import EventType
from headwater.model.graph import NodeKind, RunState
from headwater.storage.base import Store
from headwater.storage.row_types import StoredEvent
from headwater.testing.events import History, dataset, dataset_event, facet, job_event, run_event, run_id, whole_run
from headwater.testing.suite.fixture import StoreFixture, fill, moment, the, the_job

_QUARTER_US = 900_000_000
_BOUNDS = [(None, None), (0, 60), (7, 33), (-500, 20), (20, 20), (40, 9000)]


def _names(store: Store, kind: NodeKind, **options: Any) -> list[str]:
    return [row.name for row in store.list_nodes(kind, **options)]


def _run_events(store: Store, after: float | None, before: float | None) -> list[tuple[int, StoredEvent, str | None]]:
    """(event time, event, type) of the RunEvents of a stretch, by time, found by reading the whole log."""
    found = []
    for stored in store.events():
        event = msgspec.json.decode(stored.body)
        at = parse_time(event["eventTime"])
        if "run" in event and (after is None or at >= moment(after)) and (before is None or at < moment(before)):
            found.append((at, stored, event.get("eventType")))
    return sorted(found, key=lambda one: (one[0], one[1].key))


class DirectorySuite(StoreFixture):
    """Namespaces, sources, pages of datasets and jobs, events by time."""

    def test_datasets_come_by_name_a_page_at_a_time(self, store: Store) -> None:
        """Those of a namespace in any of its spellings, by name; a page and the number of all."""
        fill(store, whole_run(1, "j", 0, ["c", "a"], ["b", dataset("x", "s3a://lake/")]))
        assert _names(store, NodeKind.DATASET, namespace="db") == ["a", "b", "c"]
        assert _names(store, NodeKind.DATASET, namespace="db", limit=1, offset=1) == ["b"]
        assert _names(store, NodeKind.DATASET, namespace="s3://lake") == ["x"]
        assert _names(store, NodeKind.DATASET) == ["a", "b", "c", "x"]
        assert _names(store, NodeKind.DATASET, namespace="nowhere") == []
        assert _names(store, NodeKind.DATASET, limit=0) == []
        assert store.count_nodes(NodeKind.DATASET, namespace="db") == 3
        assert store.count_nodes(NodeKind.DATASET) == 4
        assert store.list_nodes(NodeKind.RUN) == []

    def test_jobs_come_by_their_last_run(self, store: Store) -> None:
        """The job that ran last stands first, those that never ran at the end; a state picks by the last run."""
        fill(store, whole_run(1, "old", 0), whole_run(2, "new", 100, end="FAIL"), whole_run(3, "new", 50))
        fill(store, job_event("never", 500), job_event("alone", 400))
        assert _names(store, NodeKind.JOB) == ["new", "old", "alone", "never"]
        assert _names(store, NodeKind.JOB, namespace="jobs", offset=1, limit=2) == ["old", "alone"]
        assert _names(store, NodeKind.JOB, states=[RunState.FAILED]) == ["new"]
        assert _names(store, NodeKind.JOB, namespace="jobs", states=[RunState.COMPLETED, RunState.NEW]) == ["old"]
        assert store.count_nodes(NodeKind.JOB) == 4
        assert store.count_nodes(NodeKind.JOB, states=[RunState.FAILED, RunState.COMPLETED]) == 2
        assert store.count_nodes(NodeKind.JOB, namespace="x", states=[RunState.FAILED]) == 0
        assert store.count_runs(the_job(store, "new").id) == 2
        assert store.count_runs(the_job(store, "never").id) == 0

    def test_run_ids_by_how_they_start(self, store: Store) -> None:
        """In order, as many as asked for, whatever else there is between the first and the last digit."""
        fill(store, *(one for number in (1, 2, 0xA3, 0xAF) for one in whole_run(number, "j", number, ["a"], ["b"])))
        ids = [run_id(number) for number in (1, 2, 0xA3, 0xAF)]
        digits = [one.replace("-", "") for one in ids]
        assert store.run_ids(digits[0][:8]) == sorted(ids)
        assert store.run_ids(digits[0][:8], limit=3) == sorted(ids)[:3]
        for one, its in zip(ids, digits, strict=True):
            assert store.run_ids(its) == [one]
        assert store.run_ids(digits[2][:11]) == ids[2:]
        assert store.run_ids("f" * 6) == []

    def test_what_is_deleted_is_not_listed_until_it_is_there_again(self, store: Store) -> None:
        """A dropped dataset and a dropped job are gone from lists and counts, not from what was ever known."""
        drop = {"lifecycleStateChange": facet(lifecycleStateChange="DROP")}
        fill(store, whole_run(1, "j", 0, ["a"], ["b"]))
        fill(store, dataset_event("b", 20, drop), job_event("j", 20, facets=drop))
        assert _names(store, NodeKind.DATASET) == ["a"]
        assert _names(store, NodeKind.JOB) == []
        assert store.count_nodes(NodeKind.DATASET) == 1
        assert store.count_known(NodeKind.DATASET, [moment(0), moment(1), moment(99)]) == [0, 1, 2]
        fill(store, whole_run(2, "j", 30, ["a"], ["b"]))
        assert _names(store, NodeKind.DATASET) == ["a", "b"]
        assert _names(store, NodeKind.JOB) == ["j"]

    def test_namespaces_know_their_first_and_last_object(self, store: Store) -> None:
        """Every namespace once, spelled as it first was, with when objects in it were first heard of."""
        fill(store, whole_run(1, "j", 10, [dataset("a", "postgresql://db")], [dataset("b", "postgres://db:5432")]))
        fill(store, whole_run(2, "k", 50))
        found = {row.name: (row.created_at, row.updated_at) for row in store.namespaces()}
        assert found == {"jobs": (moment(10), moment(50)), "postgresql://db": (moment(10), moment(20))}
        assert store.namespace("postgres://db") == store.namespaces()[1]
        assert store.namespace("nowhere") is None

    @pytest.mark.parametrize("order", [1, -1])
    def test_two_first_objects_spell_their_place_the_same_in_any_order(self, store: Store, order: int) -> None:
        """Of objects first heard of at one instant the spelling counts, not which of them came in first."""
        source = [facet(name="shop", uri=uri) for uri in ("postgres://w", "postgres://v")]
        events = [
            dataset_event("a", 10, {"dataSource": source[0]}, namespace="s3a://lake"),
            dataset_event("b", 10, {"dataSource": source[1]}, namespace="s3://lake"),
        ]
        for event in events[::order]:
            fill(store, event)
        assert [row.name for row in store.namespaces()] == ["s3://lake"]
        assert store.namespace("s3n://lake") == store.namespaces()[0]
        assert store.sources() == [store.source("shop")]
        assert {row.uri for row in store.sources()} == {"postgres://v"}

    def test_a_dataset_that_moves_is_listed_where_it_is(self, store: Store) -> None:
        """An alias, a rename and an earlier spelling change the list with the name that is shown."""
        links = facet(identifiers=[{"namespace": "lake", "name": "aa", "type": "LOCATION"}])
        fill(store, dataset_event("a", 10, {}), dataset_event("aa", 20, {}, namespace="lake"))
        assert _names(store, NodeKind.DATASET, namespace="lake") == ["aa"]
        fill(store, dataset_event("a", 30, {"symlinks": links}))
        assert _names(store, NodeKind.DATASET, namespace="lake") == []
        assert _names(store, NodeKind.DATASET, namespace="db") == ["a"]
        fill(store, dataset_event("aa", 5, {}, namespace="lake"))
        assert _names(store, NodeKind.DATASET, namespace="lake") == ["aa"]
        assert store.count_known(NodeKind.DATASET, [moment(5), moment(6)]) == [0, 1]

    def test_sources_are_those_that_datasets_name(self, store: Store) -> None:
        """The name and URI of the facet, else the namespace; the last word of a dataset counts."""
        source = {"dataSource": facet(name="warehouse", uri="postgres://w")}
        fill(store, dataset_event("a", 10, source), dataset_event("b", 20, {}), dataset_event("c", 30, source))
        found = [(row.name, row.uri, row.created_at, row.updated_at) for row in store.sources()]
        assert found == [("db", "", moment(20), moment(20)), ("warehouse", "postgres://w", moment(10), moment(30))]
        assert store.source("warehouse") == store.sources()[1]
        fill(store, dataset_event("a", 40, {"dataSource": facet(_deleted=True)}))
        assert [row.created_at for row in store.sources()] == [moment(10), moment(30)]
        assert store.source("nowhere") is None
        assert store.source("") is None

    def test_names_longer_than_an_index_can_hold_are_listed(self, store: Store) -> None:
        """Long namespaces and names that differ at the end alone."""
        spaces = ["n" * 5000 + end for end in "ab"]
        fill(store, *(dataset_event("d" * 5000 + end, 10, {}, namespace=space) for space in spaces for end in "yx"))
        assert [row.name for row in store.namespaces()] == spaces
        assert [row.name for row in store.sources()] == spaces
        assert [name[-1] for name in _names(store, NodeKind.DATASET, namespace=spaces[1])] == ["x", "y"]
        assert store.namespace(spaces[1]) == store.namespaces()[1]

    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_lists_are_what_a_scan_finds(self, store: Store, seed: int) -> None:
        """Over a history with joins, renames and drops, whatever the order of delivery, and after a rebuild."""
        events = History(seed).events(40)
        for part in (events[1::2], events[::2]):
            store.append(part)
        for _ in range(2):
            for kind in (NodeKind.DATASET, NodeKind.JOB):
                scanned = [row for row in store.scan_nodes(kind=kind, limit=10_000) if not row.is_deleted]
                listed = store.list_nodes(kind, limit=10_000)
                assert sorted(row.id for row in listed) == [row.id for row in scanned]
                assert store.count_nodes(kind) == len(scanned)
                by_place = [row for space in store.namespaces() for row in store.list_nodes(kind, namespace=space.name)]
                assert sorted(row.id for row in by_place) == [row.id for row in scanned]
            store.rebuild()

    @pytest.mark.parametrize("newest_first", [True, False])
    def test_events_by_time_are_what_the_log_holds(self, store: Store, newest_first: bool) -> None:
        """Every page of every stretch, and the counts by quarter, against the whole log."""
        store.append(History(5).events(30))
        fill(store, run_event(run_id(99), "late", None, 8000), run_event(run_id(98), "late", "START", 1000))
        for after, before in _BOUNDS:
            bounds = {
                "after": None if after is None else moment(after),
                "before": None if before is None else moment(before),
            }
            expected = _run_events(store, after, before)
            keys = [stored.key for _, stored, _ in expected]
            wanted = keys[::-1] if newest_first else keys
            for offset in (0, 1, 7, len(keys)):
                page = store.run_events(**bounds, newest_first=newest_first, limit=5, offset=offset)
                assert [one.key for one in page] == wanted[offset : offset + 5]
            counts = Counter((at - at % _QUARTER_US, kind) for at, _, kind in expected)
            found = store.count_run_events(**bounds)
            assert {(one.start, one.type.value if one.type else None): one.count for one in found} == counts
            assert [one.start for one in found] == sorted(one.start for one in found)

    def test_counts_of_events_survive_a_rebuild_and_a_retention(self, store: Store) -> None:
        """What was forgotten is counted no more; a duplicate never was."""
        event = run_event(run_id(1), "j", "START", 0)
        store.append([msgspec.json.encode(event)], received_at=moment(0))
        fill(store, event, run_event(run_id(1), "j", "COMPLETE", 5))
        assert {one.type: one.count for one in store.count_run_events()} == {EventType.START: 1, EventType.COMPLETE: 1}
        store.rebuild()
        assert sum(one.count for one in store.count_run_events()) == 2
        store.retain(before=moment(1))
        assert [one.type for one in store.count_run_events()] == [EventType.COMPLETE]
        assert the_job(store, "j").name == "j"
        fill(store, dataset_event("a", 3, {}))
        assert the(store, "a").name == "a"
        assert sum(one.count for one in store.count_run_events()) == 1
