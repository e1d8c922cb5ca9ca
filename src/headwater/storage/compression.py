"""Compressing small pieces often: the contexts are dearer than the work, so each thread keeps its own."""

from __future__ import annotations

import threading

import zstandard


class _Kept(threading.local):
    """What one thread compresses and decompresses with."""

    def __init__(self) -> None:
        self.compressors: dict[tuple[int, bool], zstandard.ZstdCompressor] = {}
        self.decompressor = zstandard.ZstdDecompressor()


_kept = _Kept()


def compress(data: bytes, *, level: int, write_checksum: bool = False) -> bytes:
    """The data as one frame."""
    found = _kept.compressors.get((level, write_checksum))
    if found is None:
        found = zstandard.ZstdCompressor(level=level, write_checksum=write_checksum)
        _kept.compressors[level, write_checksum] = found
    return found.compress(data)


def decompress(data: bytes) -> bytes:
    """What one frame holds. Raises ``zstandard.ZstdError`` where it is damaged."""
    return _kept.decompressor.decompress(data)
