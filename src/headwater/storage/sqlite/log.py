"""The event log: every event verbatim, one compressed frame per commit."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence

from headwater.storage.frames import Frame, Unpacked, cut, events_of, frame_of, key_at
from headwater.storage.row_types import StoredEvent
from headwater.storage.sqlite.connection import queries
from headwater.storage.sqlite.table import bound

_PAGE = 1000
_MANY = 500


class EventLog:
    """Appends to and reads from the frames."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._sql = queries()
        self._pending: dict[int, bytes] = {}

    def add(self, first_seq: int, keys: Sequence[bytes], received: Sequence[int], bodies: Sequence[bytes]) -> None:
        """Write the events of a commit as one frame."""
        self._connection.execute(self._sql["frames_add"], frame_of(first_seq, keys, received, bodies))

    def index(self, events: Sequence[tuple[int, bytes, int]]) -> None:
        """Index new events, given as (time, key, sequence number)."""
        self._connection.executemany(self._sql["event_keys_add"], bound(events))

    def find(self, events: list[tuple[int, bytes]]) -> dict[bytes, int]:
        """The sequence numbers, by key, of the given (time, key) events that are stored."""
        if not events:
            return {}
        times = [at for at, _ in events]
        known: dict[bytes, int] = {}
        stored = self._connection.execute(self._sql["event_keys_between"], (min(times), max(times))).fetchmany(_MANY)
        if len(stored) < _MANY:
            known.update(stored)
            return known
        for at, key in events:
            found = self._connection.execute(self._sql["event_keys_get"], (at, key)).fetchone()
            if found is not None:
                known[key] = found[0]
        return known

    def note(self, seq: int, key: bytes) -> None:
        """Remember the key of an event of the current batch."""
        self._pending[seq] = key

    def settled(self) -> None:
        """The current batch was committed or rolled back."""
        self._pending.clear()

    def keys_of(self, seqs: Collection[int]) -> dict[int, bytes]:
        """The keys of stored events, by sequence number."""
        found: dict[int, bytes] = {}
        first, keys = 0, b""
        for seq in sorted(seqs):
            pending = self._pending.get(seq)
            if pending is not None:
                found[seq] = pending
                continue
            if not key_at(keys, seq - first):
                first, keys = self._connection.execute(self._sql["frames_of"], (seq,)).fetchone()
            found[seq] = key_at(keys, seq - first)
        return found

    def read(self, since: int) -> Iterator[StoredEvent]:
        """The events after a sequence number, in order, read frame by frame."""
        for columns in self._connection.execute(self._sql["frames_since"], (since,)):
            yield from events_of(Frame(*columns), since)

    def between(self, after: int, before: int, *, newest_first: bool) -> Iterator[tuple[int, StoredEvent]]:
        """(event time, event) of the events whose time is in ``[after, before)``, by (time, key)."""
        order = "event_keys_descending" if newest_first else "event_keys_ascending"
        unpacked = Unpacked(self._frame)
        for at, seq in self._connection.execute(self._sql[order], (after, before)):
            yield at, unpacked.event(seq)

    def _frame(self, seq: int) -> Frame:
        return Frame(*self._connection.execute(self._sql["frame_of"], (seq,)).fetchone())

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
        gone = 0
        for columns in self._connection.execute(self._sql["frames_since"], (0,)).fetchall():
            found = cut(Frame(*columns), before)
            if found is None:
                continue
            self._connection.execute(self._sql["frames_drop"], (columns[0],))
            self._connection.executemany(self._sql["frames_add"], found.kept)
            self._connection.executemany(self._sql["event_keys_drop"], found.gone)
            gone += len(found.gone)
        return gone
