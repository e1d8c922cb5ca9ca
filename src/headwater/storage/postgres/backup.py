"""Backup of one tenant's log to a file, and restore.

The backup holds the log, from one snapshot: its frames as stored, the quarantine, and the counters, with a checksum at
the end. Everything else is rebuilt from the log when it is restored.
File format: ``MAGIC``, then msgpack items, each preceded by its length; the last is the checksum of all before it.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

import msgspec

from headwater.errors import StoreCorrupt, StoreError
from headwater.storage.file_errors import written
from headwater.storage.frames import Frame
from headwater.storage.postgres.connection import Session, queries

MAGIC = b"headwater backup 1\n"
_LENGTH = struct.Struct("<I")
_PAGE = 64
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a backup apart from its frames."""

    counters: dict[str, int]
    quarantine: list[tuple[int, int, bytes, str, str, str, str, str, int, int, bytes]]


def write(session: Session, target: Path) -> None:
    """Write a backup of a tenant's log in its current state; the file is either complete, safely on disk, or absent.

    Raises:
        StoreError: the file exists, or cannot be written.
    """
    if target.exists():
        raise StoreError(f"{target} exists", hint="name a file that does not exist yet")
    part = target.with_name(target.name + ".part")
    with written(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("xb") as file:
                _write(session, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except FileExistsError:
            raise StoreError(
                f"{part} exists", hint="another backup is being written there; if not, remove its file"
            ) from None
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def _write(session: Session, file: IO[bytes]) -> None:
    digest = blake2b(digest_size=32)

    def put(piece: Any) -> None:
        data = _encode(piece)
        for part in (_LENGTH.pack(len(data)), data):
            digest.update(part)
            file.write(part)

    file.write(MAGIC)
    started = session.begin(is_writer=False)
    try:
        if started is None:
            raise StoreError(f"there is no store of tenant {session.tenant!r}")
        put(Copy(counters=started[1], quarantine=session.rows(queries()["quarantine_all"])))
        since = 0
        while found := session.rows(queries()["frames_since"], (since, _PAGE)):
            for columns in found:
                put(columns)
            since = found[-1][0]
        put(digest.digest())
    finally:
        session.rollback()


def read(source: Path) -> tuple[Copy, Iterator[Frame]]:
    """Read a backup; its frames are read lazily.

    Raises:
        StoreError: the file does not exist. ``StoreCorrupt``: it is not a backup, or is damaged or truncated.
    """
    if not source.exists():
        raise StoreError(f"there is no backup at {source}")
    for _ in _pieces(source):
        pass
    pieces = _pieces(source)
    return msgspec.convert(next(pieces), Copy), (Frame(*piece) for piece in pieces)


def _pieces(source: Path) -> Iterator[Any]:
    """The items of a file; the checksum is verified at the end."""
    damaged = StoreCorrupt(f"{source.name} is no whole backup", hint="use another backup")
    digest = blake2b(digest_size=32)
    with source.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise damaged
        while head := file.read(_LENGTH.size):
            before = digest.copy()
            data = file.read(_LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else b""
            digest.update(head)
            digest.update(data)
            try:
                piece = _decode(data)
            except msgspec.DecodeError:
                raise damaged from None
            if isinstance(piece, bytes):
                if piece == before.digest() and not file.read(1):
                    return
                raise damaged
            yield piece
    raise damaged
