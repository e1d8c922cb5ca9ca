"""Reads event files, plain or compressed, as lines of bytes, and recognises files that contain no events."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from typing import IO

import zstandard

from headwater.errors import InvalidInput

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BOM = b"\xef\xbb\xbf"
_PEEK = 4096
_CHUNK = 1 << 20
_FOREIGN = (
    (b"\xff\xfe", "text in UTF-16", "save it in UTF-8; PowerShell: Set-Content -Encoding utf8"),
    (b"\xfe\xff", "text in UTF-16", "save it in UTF-8"),
    (b"PAR1", "Parquet", ""),
    (
        b"SQLite format 3\x00",
        "a SQLite database",
        "--store names a store; 'store restore' takes a copy of one",
    ),
    (b"PK\x03\x04", "a zip archive", "unpack it first"),
    (b"BZh", "compressed by bzip2", "unpack it first, or use gzip or zstd"),
    (b"\xfd7zXZ", "compressed by xz", "unpack it first, or use gzip or zstd"),
)
"""Signatures of files that people pass by mistake: what they are, and what to do."""
TAKEN = "files contain OpenLineage events or flat records as JSON: one per line, an array, or one; gzip or zstd"


class Damaged(Exception):
    """A compressed file is truncated or damaged. The lines before that have been yielded."""


def is_compressed(stream: IO[bytes]) -> bool:
    """Whether a stream starts like gzip or zstd data. Its position does not change."""
    return _beginning(stream).startswith((_GZIP, _ZSTD))


def lines_of(name: str, stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the decompressed lines of a stream, without a byte order mark.

    Raises:
        InvalidInput: it is another kind of file.
        Damaged: what is compressed cannot be unpacked to its end.
    """
    beginning = _beginning(stream)
    if beginning.startswith(_GZIP):
        yield from _unpacked(gzip.GzipFile(fileobj=stream))
    elif beginning.startswith(_ZSTD):
        yield from _unpacked(io.BufferedReader(_Zstd(stream), _CHUNK))
    else:
        for magic, what, hint in _FOREIGN:
            if beginning.startswith(magic):
                raise InvalidInput(f"{name} is {what}, no file of events", hint=hint or TAKEN)
        if b"\x00" in beginning:
            raise InvalidInput(f"{name} is a binary file, no file of events", hint=TAKEN)
        yield from _without_mark(stream)


def _beginning(stream: IO[bytes]) -> bytes:
    if isinstance(stream, io.BufferedReader):
        return stream.peek(_PEEK)[:_PEEK]
    if not stream.seekable():
        return b""
    start = stream.tell()
    found = stream.read(_PEEK)
    stream.seek(start)
    return found


def _unpacked(stream: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    try:
        yield from _without_mark(stream)
    except (EOFError, OSError, zlib.error, zstandard.ZstdError) as error:
        raise Damaged(str(error)) from error


def _without_mark(stream: Iterable[bytes]) -> Iterator[bytes]:
    lines = iter(stream)
    for first in lines:
        yield first.removeprefix(_BOM)
        break
    yield from lines


class _Zstd(io.RawIOBase):
    """Reads consecutive frames of a zstd stream and detects a truncated one, which the library does not."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._is_begun = False
        self._plain = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        """Read the next bytes into the buffer; 0 at the end."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        while not self._plain:
            packed = self._frame.unused_data if self._frame.eof else self._stream.read(_CHUNK)
            if self._frame.eof:
                packed = packed or self._stream.read(_CHUNK)
                self._frame = zstandard.ZstdDecompressor().decompressobj()
                self._is_begun = False
            if not packed:
                if self._is_begun:
                    raise EOFError("zstd: the file breaks off")
                return 0
            self._is_begun = True
            self._plain = self._frame.decompress(packed)
        size = min(len(view), len(self._plain))
        view[:size] = self._plain[:size]
        self._plain = self._plain[size:]
        return size
