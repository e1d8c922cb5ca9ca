"""Tests of ``append``."""

from __future__ import annotations

import threading

import msgspec
import pytest

from headwater.errors import StoreError
from headwater.formats.nesting import MOST_LEVELS
from headwater.model.graph import NodeKind
from headwater.storage.base import Store
from headwater.storage.event_intake import Delivery
from headwater.storage.row_types import ReceiptStatus
from headwater.testing.events import dataset, raw, run_event, run_id, whole_run
from headwater.testing.suite.fixture import StoreFixture, holding


class WritingSuite(StoreFixture):
    """Receipts, duplicates, refusals, and what the log keeps."""

    def test_each_event_gets_a_receipt_in_order(self, store: Store) -> None:
        """Sequence numbers count up in the order of delivery, over batches."""
        events = raw(whole_run(1, "j", 0, ["a"], ["b"]) + whole_run(2, "j", 20, ["a"], ["b"]))
        receipts = store.append(events[:3]) + store.append(events[3:])
        assert [receipt.seq for receipt in receipts] == [1, 2, 3, 4]
        assert {receipt.status for receipt in receipts} == {ReceiptStatus.STORED}
        assert len({receipt.key for receipt in receipts}) == 4

    def test_a_duplicate_is_acknowledged_and_changes_nothing(self, store: Store) -> None:
        """A second delivery, in another formatting too, names the first one's place and leaves the graph as it was."""
        events = raw(whole_run(1, "j", 0, ["a"], ["b"]))
        first = store.append(events)
        before = store.graph_hash(), store.statistics()
        spaced = [msgspec.json.format(event, indent=3) for event in events]
        again = store.append(events) + store.append(spaced + spaced)
        assert {receipt.status for receipt in again} == {ReceiptStatus.DUPLICATE}
        assert [receipt.seq for receipt in again] == [receipt.seq for receipt in first] * 3
        assert store.graph_hash() == before[0]
        assert store.statistics().events == before[1].events

    def test_an_invalid_event_is_refused_with_its_reason_and_the_rest_lands(self, store: Store) -> None:
        """Field, value and rule stand in the receipt and in quarantine; the neighbours are stored."""
        good = whole_run(1, "j", 0, ["a"], ["b"])
        bad = run_event("not-a-uuid", "j", "START", 0)
        events = [*raw([good[0], bad]), b"{", *raw([good[1]])]
        receipts = store.append(events, received_at=7)
        assert [receipt.status.value for receipt in receipts] == ["stored", "refused", "refused", "stored"]
        assert receipts[1].field == "run.runId"
        assert "not-a-uuid" in receipts[1].value
        assert receipts[1].rule
        assert holding(store) == {("a", "b")}
        kept = store.quarantined()
        assert [(one.body, one.received_at) for one in kept] == [(events[2], 7), (events[1], 7)]
        assert kept[1].field == "run.runId"
        assert store.statistics().quarantined == 2

    def test_events_without_a_job_or_with_nothing_at_all_write_nothing(self, store: Store) -> None:
        """What would poison the graph never reaches it."""
        no_job = {key: value for key, value in whole_run(1, "j", 0, ["a"])[0].items() if key != "job"}
        receipts = store.append([*raw([no_job]), b"[]", b"null", b"", b"\xff\xfe", b'{"eventTime": 3}'])
        assert {receipt.status for receipt in receipts} == {ReceiptStatus.REFUSED}
        assert store.statistics().events == 0
        assert store.find(NodeKind.DATASET, "db", "a") is None

    def test_what_is_accepted_can_be_read_from_anywhere(self, store: Store) -> None:
        """An event as deep as is allowed is stored; deeper ones, also where decoders give up, are refused, and say why.
        What was stored is read again by a caller far down the stack."""
        (event,) = raw([run_event(run_id(1), "j", "COMPLETE", 0, [], [dataset("b", facets={"odd": "<here>"})])])
        deep = {
            levels: event.replace(b'"<here>"', b'{"[":' * (levels - 4) + b"1" + b"}" * (levels - 4))
            for levels in (MOST_LEVELS, *range(MOST_LEVELS + 1, 1100, 7), 100_000)
        }
        receipts = dict(zip(deep, store.append(list(deep.values())), strict=True))
        assert {levels for levels, receipt in receipts.items() if receipt.status is ReceiptStatus.STORED} == {
            MOST_LEVELS
        }
        assert all("nested" in receipts[levels].rule for levels in deep if levels > MOST_LEVELS)
        before = store.graph_hash()

        def down(levels: int) -> str:
            return down(levels - 1) if levels else store.rebuild()

        assert down(300) == before

    def test_a_level_more_is_refused_in_every_part_of_an_event(self, store: Store) -> None:
        """Facets of the run, of the job, of a dataset and of its use may be as deep as the event may be, and no
        deeper."""
        whole = run_event(run_id(1), "j", "COMPLETE", 0, [dataset("a")], [dataset("b")])
        (source,), (target,) = whole["inputs"], whole["outputs"]
        places = [
            (whole["run"], "facets", 3),
            (whole["job"], "facets", 3),
            (source, "facets", 4),
            (source, "inputFacets", 4),
            (target, "facets", 4),
            (target, "outputFacets", 4),
        ]
        for part, name, around in places:
            usual = part.get(name)
            part[name] = {"odd": "<here>"}
            (event,) = raw([whole])
            for levels, status in ((MOST_LEVELS, ReceiptStatus.STORED), (MOST_LEVELS + 1, ReceiptStatus.REFUSED)):
                inner = b"[" * (levels - around) + b"]" * (levels - around)
                (receipt,) = store.append([event.replace(b'"<here>"', inner)])
                assert receipt.status is status, (name, levels)
            part[name] = usual or {}

    def test_an_empty_batch_is_fine(self, store: Store) -> None:
        """No events, no receipts."""
        assert store.append([]) == []

    def test_the_log_is_verbatim_and_pages_by_sequence_number(self, store: Store) -> None:
        """Every accepted event comes back byte for byte, with its time of receipt; ``since`` and ``limit`` cut."""
        events = [msgspec.json.format(event, indent=2) for event in raw(whole_run(1, "j", 0) + whole_run(2, "j", 9))]
        store.append(events[:1], received_at=10)
        store.append(events[1:], received_at=20)
        assert [stored.body for stored in store.events()] == events
        assert [stored.received_at for stored in store.events()] == [10, 20, 20, 20]
        assert [stored.seq for stored in store.events(since=1, limit=2)] == [2, 3]
        assert list(store.events(since=4)) == []

    def test_what_is_appended_is_seen_by_the_next_question(self, store: Store) -> None:
        """A reader sees its own write, in tables and in both indexes, every time."""
        for number in range(1, 5):
            store.append(raw(whole_run(number, f"j{number}", number * 20, [f"t{number - 1}"], [f"t{number}"])))
            root = store.find(NodeKind.DATASET, "db", "t0")
            assert root is not None
            assert len(store.index("dataset").walk(root.id, direction="downstream").ids) == number + 1
            assert len(store.index("run").walk(store.versions(root.id)[0].id, direction="downstream").ids) == (
                2 * number + 1
            )

    def test_threads_that_append_together_lose_nothing(self, store: Store) -> None:
        """Each thread gets the receipts of its own events; every event is stored once."""
        receipts: dict[int, list[int | None]] = {}

        def work(place: int) -> None:
            mine = [raw(whole_run(place * 100 + one, f"j{place}", one)) for one in range(10)]
            receipts[place] = [receipt.seq for batch in mine for receipt in store.append(batch)]

        threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seqs = sorted(seq for some in receipts.values() for seq in some if seq is not None)
        assert seqs == list(range(1, 81))
        stored = {one.seq: one.body for one in store.events()}
        for place, some in receipts.items():
            for number, seq in enumerate(some):
                assert seq is not None
                assert run_id(place * 100 + number // 2).encode() in stored[seq]

    def test_a_group_is_one_commit_with_receipts_for_each_delivery(self, store: Store) -> None:
        """Prepared deliveries are numbered in order, across deliveries too; duplicates and refusals among them are told
        as for single batches, and the graph is that of the same events appended one by one."""
        one = raw(whole_run(1, "j", 0, ["a"], ["b"]))
        other = raw(whole_run(2, "k", 20, ["b"], ["c"]))
        first = store.prepare([*one, b"{"], received_at=5)
        receipts = store.append_group([first, store.prepare([], received_at=6), store.prepare([*other, one[0]])])
        assert [[receipt.seq for receipt in some] for some in receipts] == [[1, 2, None], [], [3, 4, 1]]
        assert [receipt.status.value for receipt in receipts[2]] == ["stored", "stored", "duplicate"]
        assert holding(store) == {("a", "b"), ("b", "c")}
        assert [stored.received_at for stored in store.events(limit=2)] == [5, 5]
        assert [(kept.body, kept.received_at) for kept in store.quarantined()] == [(b"{", 5)]
        assert store.rebuild() == store.graph_hash()

    def test_what_is_written_is_seen_after_its_commit_only(self, store: Store) -> None:
        """Another thread commits; questions asked meanwhile wait for it and see everything."""
        written = store.write([store.prepare(raw(whole_run(1, "j", 0, ["a"], ["b"])))])
        seen: list[int] = []
        asking = threading.Thread(target=lambda: seen.append(store.statistics().events))
        asking.start()
        asking.join(0.05)
        assert seen == []
        prepared = store.prepare(raw(whole_run(2, "k", 20, ["b"], ["c"])))
        committing = threading.Thread(target=written.commit)
        committing.start()
        for thread in (committing, asking):
            thread.join(10)
            assert not thread.is_alive()
        assert seen == [2]
        assert [receipt.seq for receipt in written.receipts[0]] == [1, 2]
        assert store.append_group([prepared])[0][1].seq == 4
        with pytest.raises(StoreError, match="already"):
            written.commit()

    def test_what_is_rolled_back_never_was(self, store: Store) -> None:
        """Leaving the context without a commit, or ``rollback`` from another thread: no event, no name, no number."""
        store.append(raw(whole_run(1, "j", 0, ["a"], ["b"])))
        before = store.graph_hash()
        events = raw(whole_run(2, "k", 20, ["b"], ["c"]))
        with store.write([store.prepare([*events, b"{"])]) as written:
            assert [receipt.seq for receipt in written.receipts[0]] == [3, 4, None]
        again = store.write([store.prepare(events)])
        letting_go = threading.Thread(target=again.rollback)
        letting_go.start()
        letting_go.join()
        again.rollback()
        assert store.graph_hash() == before
        assert store.quarantined() == []
        assert store.find(NodeKind.DATASET, "db", "c") is None
        assert [receipt.seq for receipt in store.append(events)] == [3, 4]
        assert store.rebuild() == store.graph_hash() != before

    def test_a_delivery_of_another_kind_is_an_error(self, store: Store) -> None:
        """Said at once, and the store goes on."""
        with pytest.raises(TypeError, match="prepared"):
            store.append_group([Delivery(received_at=0)])
        assert store.append(raw(whole_run(1, "j", 0)))[0].seq == 1
