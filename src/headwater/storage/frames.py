"""Frames: the events of one commit as one compressed block, with their keys and receive times."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from headwater.formats.openlineage import parse_time
from headwater.storage.compression import compress_all, decompress
from headwater.storage.row_types import StoredEvent

KEY_BYTES = 16
_KEPT = 8
_LENGTH = struct.Struct("<I")
_TIME = struct.Struct("<q")


class Frame(NamedTuple):
    """The events of a commit. ``keys`` and ``received`` are packed arrays with one item per event."""

    last_seq: int
    first_seq: int
    keys: bytes
    received: bytes
    body: bytes

    @property
    def size_bytes(self) -> int:
        """Its size in bytes."""
        return len(self.keys) + len(self.received) + len(self.body)


def frame_of(first_seq: int, keys: Sequence[bytes], received: Sequence[int], bodies: Sequence[bytes]) -> Frame:
    """A frame of events with consecutive sequence numbers."""
    pieces = [part for body in bodies for part in (_LENGTH.pack(len(body)), body)]
    times = b"".join(map(_TIME.pack, received))
    return Frame(
        first_seq + len(keys) - 1,
        first_seq,
        b"".join(keys),
        times,
        compress_all(pieces, level=1, write_checksum=True),
    )


def received_times(received: bytes) -> list[int]:
    """When each event of a frame was received."""
    return [moment for (moment,) in _TIME.iter_unpack(received)]


def unframe(data: bytes) -> list[bytes]:
    """The events of a frame."""
    plain = decompress(data)
    found, at = [], 0
    while at < len(plain):
        (length,) = _LENGTH.unpack_from(plain, at)
        found.append(plain[at + _LENGTH.size : at + _LENGTH.size + length])
        at += _LENGTH.size + length
    return found


def key_at(keys: bytes, place: int) -> bytes:
    """The key of the event at a position of a frame."""
    return keys[place * KEY_BYTES : (place + 1) * KEY_BYTES]


def events_of(frame: Frame, since: int) -> Iterator[StoredEvent]:
    """The events of a frame after a sequence number."""
    times = received_times(frame.received)
    for place, raw in enumerate(unframe(frame.body)):
        seq = frame.first_seq + place
        if seq > since:
            yield StoredEvent(seq=seq, key=key_at(frame.keys, place).hex(), received_at=times[place], body=raw)


class Unpacked:
    """Random access to events by sequence number; the last few frames are kept unpacked."""

    def __init__(self, frame_of: Callable[[int], Frame]) -> None:
        self._frame_of = frame_of
        self._frames: list[tuple[Frame, list[bytes], list[int]]] = []

    def event(self, seq: int) -> StoredEvent:
        """The event with this sequence number, which must be stored."""
        frame, bodies, received = self._frame(seq)
        place = seq - frame.first_seq
        key = key_at(frame.keys, place).hex()
        return StoredEvent(seq=seq, key=key, received_at=received[place], body=bodies[place])

    def _frame(self, seq: int) -> tuple[Frame, list[bytes], list[int]]:
        for at, found in enumerate(self._frames):
            if found[0].first_seq <= seq <= found[0].last_seq:
                self._frames.insert(0, self._frames.pop(at))
                return found
        frame = self._frame_of(seq)
        self._frames.insert(0, (frame, unframe(frame.body), received_times(frame.received)))
        del self._frames[_KEPT:]
        return self._frames[0]


class Cut(NamedTuple):
    """A frame without the events that were received too long ago."""

    kept: list[Frame]
    #: (event time, key) of the removed events
    gone: list[tuple[int, bytes]]


def cut(frame: Frame, before: int) -> Cut | None:
    """Take the events received before an instant out of a frame; None if there are none."""
    times = received_times(frame.received)
    if min(times) >= before:
        return None
    bodies = unframe(frame.body)
    kept = [
        frame_of(
            frame.first_seq + start,
            [key_at(frame.keys, at) for at in range(start, end)],
            times[start:end],
            bodies[start:end],
        )
        for start, end in _stretches([moment >= before for moment in times])
    ]
    gone = [(event_time(bodies[at]), key_at(frame.keys, at)) for at, moment in enumerate(times) if moment < before]
    return Cut(kept, gone)


class Timed(msgspec.Struct, rename="camel"):
    """The event time that an event states."""

    event_time: str


def event_time(body: bytes) -> int:
    """The event time of a stored event, in microseconds."""
    return parse_time(msgspec.json.decode(body, type=Timed).event_time)


def _stretches(kept: list[bool]) -> Iterator[tuple[int, int]]:
    """The runs of kept events, as (start, end)."""
    start: int | None = None
    for at, is_kept in enumerate([*kept, False]):
        if is_kept and start is None:
            start = at
        elif not is_kept and start is not None:
            yield start, at
            start = None
