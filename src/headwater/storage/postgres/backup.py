"""Backup of one tenant's log to a file, and restore.

The log is the truth, so the copy holds the log: its frames as they are stored, the quarantine, and where the counting
stood, out of one snapshot, with a checksum at the end. What follows from the log is made again when it is put back.

The file: ``MAGIC``, then pieces of msgpack, each with its length before it, the last of which is the checksum of all
before it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

import msgspec

from headwater.errors import StoreCorrupt, StoreError
from headwater.storage.frames import Frame
from headwater.storage.postgres.connection import Session, queries

MAGIC = b"headwater backup 1\n"
_LENGTH = struct.Struct("<I")
_PAGE = 64
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds beside its frames."""

    counters: dict[str, int]
    quarantine: list[tuple[int, int, bytes, str, str, str, str, str, int, int, bytes]]


def write(session: Session, target: Path) -> None:
    """Write the copy of a tenant's log, as it is at this instant; the file is whole or not there."""
    if target.exists():
        raise StoreError(f"{target} exists", hint="name a file that does not exist yet")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    try:
        with part.open("xb") as file:
            _write(session, file)
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
    """What a backup holds; its frames are read as they are asked for.

    Raises:
        StoreError: there is none. ``StoreCorrupt``: it is no backup, or it was damaged or cut off.
    """
    if not source.exists():
        raise StoreError(f"there is no backup at {source}")
    for _ in _pieces(source):
        pass
    pieces = _pieces(source)
    return msgspec.convert(next(pieces), Copy), (Frame(*piece) for piece in pieces)


def _pieces(source: Path) -> Iterator[Any]:
    """The pieces of a file, and a check of the last at the end."""
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
