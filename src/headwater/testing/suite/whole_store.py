"""Tests of the whole store: convergence, rebuilding, retention, copies."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from headwater.errors import StoreError
from headwater.model.graph import NodeKind
from headwater.storage.base import Store
from headwater.storage.memory import MemoryStore
from headwater.storage.projection import graph_digest
from headwater.storage.row_types import ReceiptStatus
from headwater.testing.events import History, raw, whole_run
from headwater.testing.store_contents import Seen
from headwater.testing.suite.fixture import StoreFixture, fill, holding, moment


class WholeSuite(StoreFixture):
    """What holds for every history."""

    @pytest.mark.parametrize("seed", range(12))
    def test_the_graph_depends_on_the_set_of_events_alone(self, store: Store, seed: int) -> None:
        """Shuffled, duplicated and split into batches: the hash of the oracle that got them in order at once."""
        events = History(seed).events(8)
        with MemoryStore.open() as oracle:
            oracle.append(events)
            expected = oracle.graph_hash()
        pick = random.Random(seed)  # noqa: S311 - tests, no secrets
        delivery = events + pick.sample(events, len(events) // 3)
        pick.shuffle(delivery)
        while delivery:
            size = pick.randrange(1, 8)
            store.append(delivery[:size])
            del delivery[:size]
        assert store.graph_hash() == expected
        assert store.rebuild() == expected

    @pytest.mark.parametrize("seed", [3, 16, 33, 116])
    def test_all_that_is_seen_depends_on_the_set_of_events_alone(self, store: Store, seed: int) -> None:
        """Spellings, facets, histories, lists, searches, edges at several instants and every kind of answer."""
        events = History(seed).events(8)
        words = ("lake", "bucket shop", "pii", "ada", "sold")
        instants = [moment(seconds) for seconds in (5, 20, 40)]
        with MemoryStore.open() as oracle:
            oracle.append(events)
            expected = Seen(oracle, instants=instants, words=words).facts()
        pick = random.Random(seed)  # noqa: S311 - tests, no secrets
        delivery = events + pick.sample(events, len(events) // 3)
        pick.shuffle(delivery)
        while delivery:
            size = pick.randrange(1, 20)
            store.append(delivery[:size])
            del delivery[:size]
        found = Seen(store, instants=instants, words=words).facts()
        assert found.keys() == expected.keys()
        assert {key: found[key] for key in found if found[key] != expected[key]} == {}

    def test_the_hash_does_not_need_what_is_cached(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever is let go between two facts of it, the hash is the same, and the store goes on after it."""
        store.append(History(9).events(12))
        expected, forgotten = store.graph_hash(), []
        if store.capabilities.is_durable:
            forget = store._forget  # type: ignore[attr-defined]
            monkeypatch.setattr(graph_digest, "_PAGE", 1)
            monkeypatch.setattr(store, "_stay_small", lambda: forgotten.append(forget()))
        assert store.graph_hash() == expected
        assert bool(forgotten) == store.capabilities.is_durable
        store.append(raw(whole_run(99, "j", 900, ["a"], ["b"])))
        assert store.graph_hash() == store.rebuild() != expected

    def test_different_histories_have_different_hashes(self, store: Store) -> None:
        """The hash is not blind: another event, and it is another."""
        seen = {store.graph_hash()}
        for number in range(1, 6):
            fill(store, whole_run(number, "j", number, ["a"], ["b"]))
            seen.add(store.graph_hash())
        assert len(seen) == 6

    def test_rebuilding_keeps_log_and_answers(self, store: Store) -> None:
        """Names, edges, the log and the indexes answer as before."""
        store.append(History(3).events(10))
        before = [(one.seq, one.body) for one in store.events()], holding(store), store.statistics().events
        assert store.rebuild() == store.graph_hash()
        after = [(one.seq, one.body) for one in store.events()], holding(store), store.statistics().events
        assert after == before
        row = store.scan_nodes(kind=NodeKind.DATASET, limit=1)[0]
        assert row.id in store.index("dataset").walk(row.id, direction="downstream").ids
        assert store.append(raw(whole_run(99, "j", 900, ["a"], ["b"])))[0].seq == before[2] + 1

    def test_retention_forgets_what_only_old_events_showed(self, store: Store) -> None:
        """What newer events show stays; the forgotten may be delivered again."""
        old, new = raw(whole_run(1, "j", 0, ["a"], ["b"])), raw(whole_run(2, "k", 20, ["c"], ["d"]))
        store.append(old, received_at=100)
        store.append([*new, b"{"], received_at=200)
        assert store.retain(before=50) == 0
        assert store.retain(before=200) == 2
        assert holding(store) == {("c", "d")}
        assert store.find(NodeKind.DATASET, "db", "a") is None
        assert [one.body for one in store.events()] == new
        assert [one.seq for one in store.events()] == [3, 4]
        assert {receipt.status.value for receipt in store.append(new)} == {"duplicate"}
        assert {receipt.status.value for receipt in store.append(old)} == {"stored"}
        assert holding(store) == {("a", "b"), ("c", "d")}

    def test_statistics_count(self, store: Store) -> None:
        """What is stored, by kind."""
        fill(store, whole_run(1, "j", 0, ["a", "b"], ["t"]))
        found = store.statistics()
        assert (found.events, found.datasets, found.jobs, found.runs) == (2, 3, 1, 1)
        assert (found.versions, found.edges, found.last_seq, found.quarantined) == (3, 2, 2, 0)
        tally = store.tally()
        assert all(getattr(tally, name) == getattr(found, name) for name in tally.__struct_fields__)
        with store.view() as view:
            assert view.state[1] == tally.last_seq

    def test_the_log_carries_the_graph(self, store: Store, tmp_path: Path) -> None:
        """Its events, appended to an empty store, give an equal hash; appended again they change nothing."""
        events = History(5).events(10)
        store.append(events)
        log = [event.body for event in store.events()]
        with self.open_store(tmp_path / "other") as other:
            assert {receipt.status for receipt in other.append(log)} == {ReceiptStatus.STORED}
            assert len(log) == len(set(events))
            assert other.graph_hash() == store.graph_hash()
            assert {receipt.status for receipt in other.append(log)} == {ReceiptStatus.DUPLICATE}
            assert other.graph_hash() == store.graph_hash()

    def test_a_backup_is_a_copy_or_says_that_it_cannot_be(self, store: Store, tmp_path: Path) -> None:
        """Never over an existing file."""
        fill(store, whole_run(1, "j", 0, ["a"], ["b"]))
        if not store.capabilities.has_online_backup:
            with pytest.raises(StoreError):
                store.backup(tmp_path / "copy.db")
            return
        store.backup(tmp_path / "copy.db")
        assert (tmp_path / "copy.db").stat().st_size > 0
        with pytest.raises(StoreError):
            store.backup(tmp_path / "copy.db")

    def test_the_size_is_known_at_once(self, store: Store, tmp_path: Path) -> None:
        """``size_bytes`` is that of the statistics, whatever was written, rebuilt or forgotten; 0 in memory."""
        events = History(11).events(8)
        sizes = [store.size_bytes()]
        store.append(events[:4], received_at=1_000)
        store.append([*events, b"{"], received_at=2_000)
        sizes.append(store.size_bytes())
        assert store.statistics().size_bytes == sizes[1]
        store.rebuild()
        assert store.size_bytes() == store.statistics().size_bytes
        store.retain(before=1_500)
        assert store.size_bytes() == store.statistics().size_bytes
        if not store.capabilities.is_durable:
            assert sizes == [0, 0]
            return
        assert sizes[1] > sizes[0]
        with self.open_store(tmp_path / "store") as again:
            assert again.size_bytes() == again.statistics().size_bytes

    def test_what_was_acknowledged_is_there_after_reopening(self, store: Store, tmp_path: Path) -> None:
        """Graph, log and quarantine of a durable store."""
        if not store.capabilities.is_durable:
            assert store.statistics().size_bytes == 0
            return
        store.append([*History(7).events(6), b"{"])
        expected = store.graph_hash(), store.statistics().events, len(store.quarantined())
        store.close()
        with self.open_store(tmp_path / "store") as again:
            assert (again.graph_hash(), again.statistics().events, len(again.quarantined())) == expected
            assert again.rebuild() == expected[0]

    def test_closing_twice_is_fine(self, store: Store) -> None:
        """``close`` is idempotent."""
        store.close()
        store.close()
