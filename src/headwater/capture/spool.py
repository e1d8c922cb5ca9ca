"""The spool: events on disk that could not be delivered yet.

Each process appends to its own segment, one frame per event: marker, length, CRC-32, event. The writer keeps its
segment locked while it lives; a later process delivers and deletes segments that are not locked. A torn or damaged
frame loses only itself: reading continues at the next marker and counts the bytes skipped. Events beyond the quota are
recorded as a gap frame, so that no loss is silent.
"""

from __future__ import annotations

import os
import struct
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from headwater.capture.file_lock import Lock

MAGIC: Final = b"HWSPOOL1"
_MARK: Final = b"\xf1HW\x0a"
_GAP: Final = b"\xf1HG\x0a"
_HEAD: Final = struct.Struct(">4sII")
_MAX_EVENT: Final = 256 * 1024 * 1024
DRAIN_BATCH: Final = 200


class Segment(NamedTuple):
    """The content of a segment: its events, the number of events beyond the quota, and the damaged bytes skipped."""

    events: list[bytes]
    gaps: int
    lost_bytes: int


class Drained(NamedTuple):
    """The totals of a drain: events delivered, events that the quota had refused, damaged bytes skipped."""

    events: int
    gaps: int
    lost_bytes: int


class Spool:
    """The spool in one folder. ``append`` is for one thread at a time; other processes may use the folder freely."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self.folder = folder
        self._max_bytes = max_bytes
        self._descriptor: int | None = None
        self._path: Path | None = None
        self._size = 0
        self.spooled = 0
        """Events that were appended by this process."""
        self.dropped = 0
        """Events that the quota refused."""

    # -- writing -------------------------------------------------------------------------------------------------------
    def append(self, events: Sequence[bytes]) -> int:
        """Append events. Returns how many were kept; the rest is beyond the quota.

        Raises:
            OSError: the disk is full or the folder cannot be written; nothing of the batch was kept.
        """
        if not events:
            return 0
        descriptor = self._open()
        room = self._max_bytes - self._size_of_others() - self._size
        kept: list[bytes] = []
        for event in events:
            room -= _HEAD.size + len(event)
            if room < 0:
                break
            kept.append(_frame(_MARK, event))
        refused = len(events) - len(kept)
        if refused:
            kept.append(_frame(_GAP, str(refused).encode()))
        self._write(descriptor, b"".join(kept))
        self.spooled += len(events) - refused
        self.dropped += refused
        return len(events) - refused

    def _open(self) -> int:
        while self._descriptor is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._path = self.folder / f"{time.time_ns():020d}-{os.getpid()}.segment"
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            if Lock.on(descriptor) and os.fstat(descriptor).st_nlink:
                self._descriptor, self._size = descriptor, 0
                self._write(descriptor, MAGIC)
            else:  # before we had the lock, a drain in another process locked and removed the empty file
                os.close(descriptor)
        return self._descriptor

    def _write(self, descriptor: int, data: bytes) -> None:
        """Append all of ``data`` or nothing: an incomplete write is undone."""
        start = self._size
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(descriptor, view) :]
        except OSError:
            os.ftruncate(descriptor, start)
            raise
        self._size += len(data)

    def _size_of_others(self) -> int:
        total = 0
        for path in self.folder.glob("*.segment"):
            if path != self._path:
                total += _size(path)
        return total

    def forget(self) -> None:
        """Close the segment without removing it, for the child of a fork: it belongs to the parent."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor, self._path, self._size = None, None, 0
        self.spooled = self.dropped = 0

    def close(self) -> None:
        """Release the segment for the next drain. An empty one is removed."""
        if self._descriptor is None:
            return
        if self._size <= len(MAGIC) and self._path is not None:
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor, self._path, self._size = None, None, 0

    # -- draining ------------------------------------------------------------------------------------------------------
    def has_leftovers(self) -> bool:
        """Whether there is anything to drain: segments, of this process or of others, or leases of others."""
        if self._descriptor is not None:
            return True
        return self.folder.is_dir() and any(path.suffix in (".segment", ".lease") for path in self.folder.iterdir())

    def drain(self, deliver: Callable[[list[bytes]], Any]) -> Drained:
        """Deliver the segments of ended processes and of this one; each is deleted once all of it was delivered. Does
        nothing while another process drains.

        Raises:
            TransportError, StoreError: whatever ``deliver`` raises; the segment stays.
        """
        self.close()
        total = Drained(0, 0, 0)
        if not self.folder.is_dir():
            return total
        with Lock(self.folder / "drain.lock") as lock:
            if not lock.is_held:
                return total
            for path in sorted(self.folder.glob("*.segment")):
                drained = self._drain_segment(path, deliver)
                total = Drained(*(sum(pair) for pair in zip(total, drained, strict=True)))
        return total

    def _drain_segment(self, path: Path, deliver: Callable[[list[bytes]], Any]) -> Drained:
        try:
            descriptor = os.open(path, os.O_RDWR)
        except OSError:
            return Drained(0, 0, 0)
        try:
            if not Lock.on(descriptor):
                return Drained(0, 0, 0)
            segment = read_segment(path.read_bytes())
            for start in range(0, len(segment.events), DRAIN_BATCH):
                deliver(segment.events[start : start + DRAIN_BATCH])
            path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)
        return Drained(len(segment.events), segment.gaps, segment.lost_bytes)


def _frame(mark: bytes, data: bytes) -> bytes:
    return _HEAD.pack(mark, len(data), zlib.crc32(data)) + data


def read_segment(data: bytes) -> Segment:
    """The events in the bytes of a segment. Never raises: damaged parts are skipped and counted."""
    events: list[bytes] = []
    gaps = lost = 0
    position = len(MAGIC) if data.startswith(MAGIC) else 0
    while position < len(data):
        frame = _frame_at(data, position)
        if frame is None:
            following = [at for at in (data.find(_MARK, position + 1), data.find(_GAP, position + 1)) if at >= 0]
            end = min(following, default=len(data))
            lost += end - position
            position = end
            continue
        mark, body = frame
        position += _HEAD.size + len(body)
        if mark == _MARK:
            events.append(body)
        elif body.isdigit():
            gaps += int(body)
    return Segment(events, gaps, lost)


def _frame_at(data: bytes, position: int) -> tuple[bytes, bytes] | None:
    if position + _HEAD.size > len(data):
        return None
    mark, length, checksum = _HEAD.unpack_from(data, position)
    start = position + _HEAD.size
    if mark not in (_MARK, _GAP) or length > _MAX_EVENT or start + length > len(data):
        return None
    body = data[start : start + length]
    return (mark, body) if zlib.crc32(body) == checksum else None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
