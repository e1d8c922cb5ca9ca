"""The event log: every event verbatim, one compressed frame a commit."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator, Sequence

import msgspec
import zstandard

from headwater.formats.openlineage import parse_time
from headwater.storage.base import StoredEvent
from headwater.storage.sqlite.connection import queries

_KEY_BYTES = 16
_PAGE = 1000
_MANY = 500
_LENGTH = struct.Struct("<I")
_TIME = struct.Struct("<q")


class EventLog:
    """Appends to and reads from the frames."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._sql = queries()
        self._pending: dict[int, bytes] = {}
        self._compress = zstandard.ZstdCompressor(level=1, write_checksum=True).compress

    def add(self, first_seq: int, keys: Sequence[bytes], received: Sequence[int], bodies: Sequence[bytes]) -> None:
        """Write the events of a commit as one frame."""
        self._connection.execute(
            self._sql["frames_add"],
            (
                first_seq + len(keys) - 1,
                first_seq,
                b"".join(keys),
                b"".join(map(_TIME.pack, received)),
                self._compress(_joined(bodies)),
            ),
        )

    def find(self, events: list[tuple[int, bytes]]) -> dict[bytes, int]:
        """The sequence numbers, by key, of those events that are stored, given by time and key."""
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
        """Know the key of an event of the batch at hand."""
        self._pending[seq] = key

    def settled(self) -> None:
        """The batch at hand is written, or rolled back."""
        self._pending.clear()

    def key_of(self, seq: int) -> bytes:
        """The key of a stored event."""
        pending = self._pending.get(seq)
        if pending is not None:
            return pending
        first, keys = self._connection.execute(self._sql["frames_of"], (seq,)).fetchone()
        start = (seq - first) * _KEY_BYTES
        return bytes(keys[start : start + _KEY_BYTES])

    def read(self, since: int) -> Iterator[StoredEvent]:
        """The events after a sequence number, in order; a frame is read when it is reached."""
        for _, first, keys, received, body in self._connection.execute(self._sql["frames_since"], (since,)):
            for place, raw in enumerate(unframe(body)):
                if first + place > since:
                    yield StoredEvent(
                        seq=first + place,
                        key=keys[place * _KEY_BYTES : (place + 1) * _KEY_BYTES].hex(),
                        received_at=_TIME.unpack_from(received, place * _TIME.size)[0],
                        body=raw,
                    )

    def page(self, since: int) -> list[StoredEvent]:
        """The next events after a sequence number; empty at the end."""
        found: list[StoredEvent] = []
        for stored in self.read(since):
            found.append(stored)
            if len(found) >= _PAGE:
                break
        return found

    def forget(self, before: int) -> int:
        """Drop events received before an instant; returns how many. What stays keeps its sequence number."""
        gone = 0
        frames = self._connection.execute(self._sql["frames_since"], (0,)).fetchall()
        for last, first, keys, received, body in frames:
            times = received_times(received)
            if min(times) >= before:
                continue
            bodies = unframe(body)
            self._connection.execute(self._sql["frames_drop"], (last,))
            for start, end in _runs([moment >= before for moment in times]):
                some = [keys[at * _KEY_BYTES : (at + 1) * _KEY_BYTES] for at in range(start, end)]
                self.add(first + start, some, times[start:end], bodies[start:end])
            for at, moment in enumerate(times):
                if moment < before:
                    gone += 1
                    key = keys[at * _KEY_BYTES : (at + 1) * _KEY_BYTES]
                    self._connection.execute(self._sql["event_keys_drop"], (parse_time(_time_of(bodies[at])), key))
        return gone


def _time_of(body: bytes) -> str:
    return msgspec.json.decode(body, type=_Timed).event_time


class _Timed(msgspec.Struct, rename="camel"):
    event_time: str


def _runs(kept: list[bool]) -> Iterator[tuple[int, int]]:
    """The stretches of what is kept, as (start, end)."""
    start: int | None = None
    for at, is_kept in enumerate([*kept, False]):
        if is_kept and start is None:
            start = at
        elif not is_kept and start is not None:
            yield start, at
            start = None


def received_times(received: bytes) -> list[int]:
    """When each event of a frame was received."""
    return [moment for (moment,) in _TIME.iter_unpack(received)]


def _joined(bodies: Sequence[bytes]) -> bytes:
    """Events as one piece: each with its length before it."""
    return b"".join([part for body in bodies for part in (_LENGTH.pack(len(body)), body)])


def unframe(data: bytes) -> list[bytes]:
    """The events of a frame."""
    plain = zstandard.ZstdDecompressor().decompress(data)
    found, at = [], 0
    while at < len(plain):
        (length,) = _LENGTH.unpack_from(plain, at)
        found.append(plain[at + _LENGTH.size : at + _LENGTH.size + length])
        at += _LENGTH.size + length
    return found
