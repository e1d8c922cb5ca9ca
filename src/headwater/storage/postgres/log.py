"""The event log: every event verbatim, one compressed frame per commit."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from headwater.storage.frames import (
    KEY_BYTES,
    Frame,
    Unpacked,
    cut,
    event_time,
    events_of,
    frame_of,
    key_at,
    received_times,
    unframe,
)
from headwater.storage.postgres.connection import Session, queries
from headwater.storage.postgres.table import arrays_of
from headwater.storage.row_types import StoredEvent

_PAGE = 1000
_EVENTS = 200
"""Events fetched at a time."""
_LAST_KEY = b"\xff" * 16
_FRAMES = 64
"""Frames fetched at a time."""


class EventLog:
    """Appends to and reads from the frames, within the transaction of the caller."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sql = queries()
        self._pending: dict[int, bytes] = {}
        #: bytes added to the frames in the current transaction
        self.growth = 0

    def add(self, first_seq: int, keys: Sequence[bytes], received: Sequence[int], bodies: Sequence[bytes]) -> None:
        """Write the events of a commit as one frame."""
        self._put(frame_of(first_seq, keys, received, bodies))

    def put_back(self, frame: Frame) -> None:
        """Write a frame of a backup, and index its events."""
        self._put(frame)
        self.index(
            [
                (event_time(body), key_at(frame.keys, place), frame.first_seq + place)
                for place, body in enumerate(unframe(frame.body))
            ]
        )

    def _put(self, frame: Frame) -> None:
        self.growth += frame.size_bytes
        times = received_times(frame.received)
        self._session.execute(self._sql["frames_add"], (*frame, min(times), max(times)))

    def index(self, events: Sequence[tuple[int, bytes, int]]) -> None:
        """Index new events, given as (time, key, sequence number)."""
        self._session.execute(self._sql["event_keys_add"], arrays_of(("bigint", "bytea", "bigint"), events))

    def find(self, events: list[tuple[int, bytes]]) -> dict[bytes, int]:
        """The sequence numbers, by key, of the given (time, key) events that are stored."""
        if not events:
            return {}
        return dict(self._session.rows(self._sql["event_keys_find"], arrays_of(("bigint", "bytea"), events)))

    def note(self, seq: int, key: bytes) -> None:
        """Remember the key of an event of the current batch."""
        self._pending[seq] = key

    def settled(self) -> None:
        """The current batch was committed or rolled back."""
        self._pending.clear()
        self.growth = 0

    def size_bytes(self) -> int:
        """Size of all frames, in bytes."""
        ((size,),) = self._session.rows(self._sql["log_bytes"])
        return int(size)

    def keys_of(self, seqs: Collection[int]) -> dict[int, bytes]:
        """The keys of stored events, by sequence number, in one round trip."""
        found = {seq: self._pending[seq] for seq in seqs if seq in self._pending}
        asked = [(seq,) for seq in seqs if seq not in found]
        if asked:
            rows = self._session.rows(self._sql["frames_keys"], (KEY_BYTES, KEY_BYTES, *arrays_of(("bigint",), asked)))
            found.update((seq, bytes(key)) for seq, key in rows)
        return found

    def read(self, since: int) -> Iterator[StoredEvent]:
        """The events after a sequence number, in order, fetched some frames at a time."""
        while found := self._session.rows(self._sql["frames_since"], (since, _FRAMES)):
            for columns in found:
                yield from events_of(Frame(*columns), since)
            since = found[-1][0]

    def between(self, after: int, before: int, *, newest_first: bool) -> Iterator[tuple[int, StoredEvent]]:
        """(event time, event) of the events whose time is in ``[after, before)``, by (time, key)."""
        order = "event_keys_descending" if newest_first else "event_keys_ascending"
        unpacked = Unpacked(self._frame)
        last: tuple[int, bytes] = (before, b"") if newest_first else (after - 1, _LAST_KEY)
        while found := self._session.rows(self._sql[order], (after, before, *last, _EVENTS)):
            for at, _, seq in found:
                yield at, unpacked.event(seq)
            last = found[-1][:2]

    def _frame(self, seq: int) -> Frame:
        return Frame(*self._session.rows(self._sql["frame_of"], (seq,))[0])

    def page(self, since: int) -> list[StoredEvent]:
        """The next events after a sequence number; empty at the end."""
        found: list[StoredEvent] = []
        for stored in self.read(since):
            found.append(stored)
            if len(found) >= _PAGE:
                break
        return found

    def forget(self, before: int) -> int:
        """Delete events received before an instant; returns how many. The rest keep their sequence numbers."""
        cut_off = sum(
            self._cut(Frame(*columns), before)
            for columns in self._session.rows(self._sql["frames_across"], (before, before))
        )
        ((ranges, count, size),) = self._session.rows(self._sql["frames_before"], (before,))
        if count:
            self.growth -= int(size)
            self._session.execute(self._sql["event_keys_forget"], (ranges,))
            self._session.execute(self._sql["frames_forget"], (before,))
        return cut_off + int(count)

    def _cut(self, frame: Frame, before: int) -> int:
        found = cut(frame, before)
        if found is None:
            return 0
        self.growth -= frame.size_bytes
        self._session.execute(self._sql["frames_drop"], (frame.last_seq,))
        for kept in found.kept:
            self._put(kept)
        self._session.execute(self._sql["event_keys_drop"], arrays_of(("bigint", "bytea"), found.gone))
        return len(found.gone)
