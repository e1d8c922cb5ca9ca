"""Exports and imports the log of a store as a file with one event per line, readable by any OpenLineage tool."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec
import zstandard

from headwater.errors import StoreError
from headwater.storage.base import Store
from headwater.storage.row_types import ReceiptStatus

_BATCH = 500
_BATCH_BYTES = 16 << 20


class Transferred(msgspec.Struct, frozen=True, kw_only=True):
    """How many events of a file were stored, known or refused."""

    stored: int = 0
    duplicates: int = 0
    refused: int = 0


def export(store: Store, path: Path) -> int:
    """Write all events to a file, one per line, compressed if the name ends in ``.zst``; returns how many.

    Raises:
        StoreError: the file exists.
    """
    path = Path(path)
    if path.exists():
        raise StoreError(f"{path} exists", hint="name a file that does not exist yet")
    count = 0
    with path.open("xb") as file, _writing(file, path) as out:
        for stored in store.events():
            out.write(msgspec.json.format(stored.body, indent=-1) + b"\n")
            count += 1
    return count


def import_(store: Store, path: Path) -> Transferred:
    """Append each line of a file, plain or compressed (``.zst``), as an event. Invalid lines are quarantined."""
    counts = dict.fromkeys(ReceiptStatus, 0)
    path = Path(path)
    with path.open("rb") as file, _reading(file, path) as lines:
        for batch in _batches(lines):
            for receipt in store.append(batch):
                counts[receipt.status] += 1
    return Transferred(
        stored=counts[ReceiptStatus.STORED],
        duplicates=counts[ReceiptStatus.DUPLICATE],
        refused=counts[ReceiptStatus.REFUSED],
    )


def _writing(file: IO[bytes], path: Path) -> IO[bytes]:
    if path.suffix != ".zst":
        return file
    return zstandard.ZstdCompressor(level=3).stream_writer(file, closefd=False)


def _reading(file: IO[bytes], path: Path) -> IO[bytes]:
    if path.suffix != ".zst":
        return file
    return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True))


def _batches(lines: IO[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for line in lines:
        text = line.strip()
        if not text:
            continue
        batch.append(text)
        size += len(text)
        if len(batch) >= _BATCH or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
