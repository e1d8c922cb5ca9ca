"""Compression of many small pieces. A new context costs more than the work, so each thread reuses its own."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import zstandard

_TOGETHER_BYTES = 64 << 10
"""Bytes passed on at a time: small enough for the allocator to reuse memory, where a larger block would get new pages
from the operating system each time."""


class _Kept(threading.local):
    """The contexts of one thread."""

    def __init__(self) -> None:
        self.compressors: dict[tuple[int, bool], zstandard.ZstdCompressor] = {}
        self.decompressor = zstandard.ZstdDecompressor()


_kept = _Kept()


def compress(data: bytes, *, level: int, write_checksum: bool = False) -> bytes:
    """The data as one frame."""
    return _compressor(level, write_checksum).compress(data)


def compress_all(pieces: Sequence[bytes], *, level: int, write_checksum: bool = False) -> bytes:
    """Many pieces as one frame, without joining them first."""
    stream = _compressor(level, write_checksum).compressobj(size=sum(map(len, pieces)))
    done: list[bytes] = []
    first = size = 0
    for place, piece in enumerate(pieces):
        size += len(piece)
        if size >= _TOGETHER_BYTES:
            done.append(stream.compress(b"".join(pieces[first : place + 1])))
            first, size = place + 1, 0
    done += (stream.compress(b"".join(pieces[first:])), stream.flush())
    return b"".join(done)


def _compressor(level: int, write_checksum: bool) -> zstandard.ZstdCompressor:
    found = _kept.compressors.get((level, write_checksum))
    if found is None:
        found = zstandard.ZstdCompressor(level=level, write_checksum=write_checksum)
        _kept.compressors[level, write_checksum] = found
    return found


def decompress(data: bytes) -> bytes:
    """The content of one frame. Raises ``zstandard.ZstdError`` if it is damaged."""
    return _kept.decompressor.decompress(data)
