"""Reads the event log of a damaged file: by SQLite as far as it can, and page by page where it cannot.

SQLite finds a row from the first page down; if a page on the way is lost, or the file was cut short, it reads nothing.
But the leaf pages describe themselves, and a frame proves itself: it has a checksum, and a key for each event. So every
page that looks like a leaf is read, and what is no frame is left out. The layout of the file is documented at
https://www.sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import zstandard

from headwater.storage.frames import KEY_BYTES, Frame, received_times, unframe
from headwater.storage.sqlite.connection import PAGE_SIZE_BYTES

_FRAME = "SELECT last_seq, first_seq, keys, received, body FROM frames "
_TABLE_LEAF: Final = 13
_FILE_HEADER: Final = 100
"""Bytes before the content of the first page."""
_INTEGERS: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""Bytes of an integer by its type in a row."""
_ZERO, _ONE = 8, 9
"""The types of the integers that take no bytes."""
_WAL_HEADER: Final = 32
_WAL_FRAME: Final = struct.Struct(">II8s8x")
"""Page number, size of the file after a commit (0 before it), and the salt that is the log's own."""


class Salvage:
    """Reads frames from both ends of a damaged log, tries each number in between, and then searches the pages."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.read = 0
        self.lost = 0
        """Places of the log from which nothing could be read."""
        self.is_end_known = False
        """Whether the file still tells how many events there were; otherwise more than ``lost`` may be missing."""

    def frames(self) -> Iterator[list[tuple[int, bytes]]]:
        """(receive time, body) pairs of each frame that can be read."""
        connection = sqlite3.connect(self._path, isolation_level=None)
        try:
            found, is_whole = self._found(connection)
            last = _last_seq(connection)
        finally:
            connection.close()
        if not is_whole:
            for frame in _carved(self._path):
                found.setdefault(frame.last_seq, frame)
        self.is_end_known = last is not None
        yield from self._events(found, last or 0)

    def _found(self, connection: sqlite3.Connection) -> tuple[dict[int, Frame], bool]:
        """The frames that SQLite can read, by their last number, and whether it reached the end of the log."""
        found: dict[int, Frame] = {}
        low, is_whole = _scan(connection, found, "ORDER BY last_seq")
        if not is_whole:
            high, _ = _scan(connection, found, "ORDER BY last_seq DESC")
            for seq in range(low + 1, high or (_last_seq(connection) or 0) + 1):
                _scan(connection, found, f"WHERE last_seq = {seq}")
        return found, is_whole

    def _events(self, found: dict[int, Frame], last: int) -> Iterator[list[tuple[int, bytes]]]:
        expected = 1
        for last_seq in sorted(found):
            frame = found[last_seq]
            self.lost += frame.first_seq > expected
            expected = last_seq + 1
            events = _content(frame)
            if events is None:
                self.lost += 1
                continue
            self.read += 1
            yield events
        self.lost += last >= expected


def _scan(connection: sqlite3.Connection, found: dict[int, Frame], how: str) -> tuple[int, bool]:
    """Collect frames until one cannot be read; returns (number of the last one, whether the end was reached)."""
    last = 0
    try:
        for row in connection.execute(_FRAME + how):
            last = row[0]
            found[last] = Frame(*row)
    except sqlite3.DatabaseError:
        return last, False
    return last, True


def _last_seq(connection: sqlite3.Connection) -> int | None:
    """The number of the last event ever stored; None if the file no longer tells."""
    try:
        row = connection.execute("SELECT value FROM counters WHERE name = 'event'").fetchone()
    except sqlite3.DatabaseError:
        return None
    return 0 if row is None else int(row[0])


def _content(frame: Frame) -> list[tuple[int, bytes]] | None:
    """(receive time, body) of each event of a frame; None if it is damaged."""
    try:
        return list(zip(received_times(frame.received), unframe(frame.body), strict=True))
    except (zstandard.ZstdError, ValueError, IndexError, struct.error):
        return None


# -- page by page ------------------------------------------------------------------------------------------------------
def _carved(path: Path) -> Iterator[Frame]:
    """The frames on all pages of a file that look like leaves of a table."""
    pages = _Pages(path)
    for number in range(1, pages.count + 1):
        for row in pages.rows(number):
            frame = _as_frame(row)
            if frame is not None and _content(frame) is not None:
                yield frame


def _as_frame(row: list[Any]) -> Frame | None:
    """A row as a frame; None if its columns are those of another table."""
    match row:
        case [int(last), None, int(first), bytes(keys), bytes(received), bytes(body)]:
            count = last - first + 1
            if count > 0 and len(keys) == count * KEY_BYTES and len(received) == count * 8:
                return Frame(last, first, keys, received, body)
    return None


class _Pages:
    """The pages of a file, in the state of its write-ahead log."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        self._size = PAGE_SIZE_BYTES
        stated = int.from_bytes(self._data[16:18], "big")
        if self._data.startswith(b"SQLite format 3\0") and stated >= 512:
            self._size = stated
        self._newer = self._logged(path.with_name(path.name + "-wal"))
        self.count = max(-(-len(self._data) // self._size), *self._newer, 0)

    def _logged(self, path: Path) -> dict[int, bytes]:
        """The last committed state of each page in the log."""
        data = path.read_bytes() if path.exists() else b""
        committed: dict[int, bytes] = {}
        pending: dict[int, bytes] = {}
        for at in range(_WAL_HEADER, len(data) - _WAL_FRAME.size - self._size + 1, _WAL_FRAME.size + self._size):
            number, size_after, salt = _WAL_FRAME.unpack_from(data, at)
            if salt != data[16:24]:
                break
            start = at + _WAL_FRAME.size
            pending[number] = data[start : start + self._size]
            if size_after:
                committed.update(pending)
                pending.clear()
        return committed

    def _page(self, number: int) -> bytes:
        return self._newer.get(number) or self._data[(number - 1) * self._size : number * self._size]

    def rows(self, number: int) -> Iterator[list[Any]]:
        """The rows on a page, each with its row id before its columns; those that make no sense are left out."""
        page = self._page(number)
        start = _FILE_HEADER if number == 1 else 0
        if len(page) < start + 8 or page[start] != _TABLE_LEAF:
            return
        cells = int.from_bytes(page[start + 3 : start + 5], "big")
        for place in range(min(cells, self._size // 4)):
            pointer = start + 8 + 2 * place
            try:
                yield self._row(page, int.from_bytes(page[pointer : pointer + 2], "big"))
            except (IndexError, ValueError):
                continue

    def _row(self, page: bytes, at: int) -> list[Any]:
        size, at = _varint(page, at)
        row_id, at = _varint(page, at)
        return [row_id, *_columns(self._payload(page, at, size))]

    def _payload(self, page: bytes, at: int, size: int) -> bytes:
        """The bytes of a row, with those on overflow pages. Raises ``ValueError`` if some are missing."""
        most, least = self._size - 35, (self._size - 12) * 32 // 255 - 23
        local = size
        if size > most:
            local = least + (size - least) % (self._size - 4)
            local = local if local <= most else least
        parts, missing = [page[at : at + local]], size - local
        following = int.from_bytes(page[at + local : at + local + 4], "big") if missing else 0
        while missing > 0 and 0 < following <= self.count:
            more = self._page(following)
            parts.append(more[4 : 4 + missing])
            missing -= self._size - 4
            following = int.from_bytes(more[:4], "big")
        payload = b"".join(parts)
        if len(payload) != size:
            raise ValueError("a part of the row is missing")
        return payload


def _columns(payload: bytes) -> Iterator[Any]:
    """The columns of a row: None, integers and blobs. Raises ``ValueError`` for any other, which no frame has."""
    header, at = _varint(payload, 0)
    place = header
    while at < header:
        kind, at = _varint(payload, at)
        size = _INTEGERS.get(kind, 0)
        if kind == 0:
            yield None
        elif kind in (_ZERO, _ONE):
            yield kind - _ZERO
        elif size:
            yield int.from_bytes(payload[place : place + size], "big", signed=True)
        elif kind >= 12 and kind % 2 == 0:
            size = (kind - 12) // 2
            yield payload[place : place + size]
        else:
            raise ValueError("not a column of a frame")
        place += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that starts at a position, and the position after it. Raises ``IndexError`` at the end of the data."""
    value = 0
    for place in range(at, at + 8):
        value = value << 7 | data[place] & 0x7F
        if data[place] < 0x80:
            return value, place + 1
    return value << 8 | data[at + 8], at + 9
