"""Tests of the quarantine."""

from __future__ import annotations

from json import loads

import pytest

from headwater.formats.nesting import MOST_LEVELS
from headwater.storage import quarantine, reader
from headwater.storage.base import Store
from headwater.storage.memory import MemoryStore
from headwater.storage.row_types import Quarantined
from headwater.testing.events import raw, whole_run
from headwater.testing.suite.fixture import StoreFixture


def refusal(body: bytes, *, at: int = 1, rule: str = "must be JSON") -> Quarantined:
    """A whole request that was refused."""
    return Quarantined(received_at=at, body=body, field="body", value="?", rule=rule, hint="send JSON", kind="body")


class QuarantineSuite(StoreFixture):
    """Kept with the reason, listed, released, and bounded."""

    def test_what_is_refused_outside_is_kept_with_its_reason(self, store: Store) -> None:
        """Each gets an id; it comes back as it was given, with its size."""
        first, second = store.quarantine([refusal(b"one"), refusal(b"two", at=2)])
        assert first < second
        entry = store.quarantine_entry(first)
        assert entry is not None
        assert (entry.body, entry.field, entry.value, entry.rule, entry.hint) == (
            b"one", "body", "?", "must be JSON", "send JSON"
        )  # fmt: skip
        assert (entry.id, entry.kind, entry.received_at, entry.size_bytes, entry.times) == (first, "body", 1, 3, 1)
        assert store.quarantine_entry(second + 1) is None

    def test_a_refused_event_names_its_place(self, store: Store) -> None:
        """The receipt says under which id the event is kept."""
        good, bad = store.append([b'{"eventTime": 3}', b"{"])
        assert good.quarantine_id is not None
        assert bad.quarantine_id is not None
        kept = store.quarantine_entry(bad.quarantine_id)
        assert kept is not None
        assert (kept.body, kept.kind, kept.rule) == (b"{", "event", bad.rule)

    def test_events_of_the_log_that_are_refused_today_are_set_aside(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What an earlier version accepted and this one refuses does not stop a rebuild: it is told in quarantine once,
        it stays in the log, and the graph is that of the other events. Accepted again, it is part of it again."""
        deep = {"facets": {"deep": loads("[" * 450 + "]" * 450)}}
        others = [whole_run(number, "j", number, ["a"], ["b"]) for number in (1, 2, 3)]
        old = [*whole_run(4, "k", 1.5, ["b"], ["c"]), *whole_run(5, "k", 2.5, ["b"], ["d"])]
        old[1]["run"] |= deep
        old[3]["run"] |= deep
        with monkeypatch.context() as earlier:
            earlier.setattr(reader, "is_too_deep", lambda *_: False)
            store.append(raw([*others[0], *old]), received_at=7)
            store.append(raw([*others[1], *others[2]]), received_at=9)
            whole = store.graph_hash()
        with MemoryStore.open() as oracle:
            oracle.append(raw([one for some in (*others, old[:1], old[2:3]) for one in some]))
            expected = oracle.graph_hash()
        for _ in range(2):
            assert store.rebuild() == store.graph_hash() == expected
            entries = store.quarantined()
            assert [(one.rule, one.kind, one.times, one.received_at) for one in entries] == [
                (f"must not be nested more than {MOST_LEVELS} levels deep", "event", 1, 7)
            ] * 2
            assert (store.tally().set_aside, store.statistics().events) == (2, 10)
            assert len(list(store.events())) == 10
        assert store.retain(before=1) == 0
        with monkeypatch.context() as later:
            later.setattr(reader, "is_too_deep", lambda *_: False)
            assert store.rebuild() == store.graph_hash() == whole
            assert store.tally().set_aside == 0
        assert store.rebuild() == expected
        assert store.retain(before=8) == 6
        assert store.tally().set_aside == 0

    def test_it_is_paged_from_the_latest(self, store: Store) -> None:
        """``before`` is the id that a page begins below."""
        ids = store.quarantine([refusal(b"%d" % number) for number in range(5)])
        first = store.quarantined(limit=2)
        assert [one.id for one in first] == [ids[4], ids[3]]
        assert [one.id for one in store.quarantined(limit=9, before=first[-1].id)] == [ids[2], ids[1], ids[0]]
        assert store.quarantined(limit=0) == []

    def test_what_comes_again_is_counted_where_it_is(self, store: Store) -> None:
        """A client that does not give up fills nothing; another rule makes another entry."""
        (first,) = store.quarantine([refusal(b"same", at=1)])
        again = store.quarantine([refusal(b"same", at=7), refusal(b"same", at=9, rule="is too deep")])
        assert again[0] == first
        assert again[1] != first
        entry = store.quarantine_entry(first)
        assert entry is not None
        assert (entry.times, entry.received_at) == (2, 7)
        assert store.statistics().quarantined == 2

    def test_what_is_released_is_gone(self, store: Store) -> None:
        """Only what was there is counted; ids are not given again."""
        ids = store.quarantine([refusal(b"a"), refusal(b"b")])
        assert store.release([ids[1], ids[1], 10**9]) == 1
        assert store.release([]) == 0
        assert [one.id for one in store.quarantined()] == [ids[0]]
        assert store.quarantine_totals().entries == 1
        (later,) = store.quarantine([refusal(b"c")])
        assert later > ids[0]

    def test_a_long_body_is_kept_in_part(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """The beginning, and how long it was."""
        monkeypatch.setattr(quarantine, "MOST_BODY_BYTES", 10)
        (entry_id,) = store.quarantine([refusal(b"x" * 25)])
        entry = store.quarantine_entry(entry_id)
        assert entry is not None
        assert (entry.body, entry.size_bytes) == (b"x" * 10, 25)

    def test_the_oldest_make_room(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """Number and bytes are bounded; what was dropped is counted, a rebuild does not forget the count."""
        monkeypatch.setattr(quarantine, "MOST_ENTRIES", 3)
        ids = store.quarantine([refusal(b"%d" % number) for number in range(5)])
        assert [one.id for one in store.quarantined()] == [ids[4], ids[3], ids[2]]
        monkeypatch.setattr(quarantine, "MOST_BYTES", 11)
        (last,) = store.quarantine([refusal(b"0123456789")])
        assert [one.id for one in store.quarantined()] == [last, ids[4]]
        totals = store.quarantine_totals()
        assert (totals.entries, totals.size_bytes, totals.dropped) == (2, 11, 4)
        store.rebuild()
        assert store.quarantine_totals() == totals

    def test_retention_reaches_it(self, store: Store) -> None:
        """What came last before the instant goes."""
        store.quarantine([refusal(b"old", at=1), refusal(b"new", at=5)])
        store.retain(before=3)
        assert [one.body for one in store.quarantined()] == [b"new"]
