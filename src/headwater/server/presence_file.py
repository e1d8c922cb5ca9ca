"""The file that a running service leaves in the folder of its store, so that ``headwater ui`` finds it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

_NAME = "service.json"


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Where the service is, and the secret by which its owner may ask it for a login link."""

    url: str
    opener: str
    pid: int


@contextmanager
def noted(folder: Path | None, url: str, opener: str) -> Iterator[None]:
    """Leave a note for the duration of a service; nothing where the stores are in no folder."""
    if folder is None:
        yield
        return
    path = folder / _NAME
    note = Note(url=url, opener=opener, pid=os.getpid())
    fresh = path.with_suffix(f".{note.pid}")
    # Only the owner may read it: the secret in it opens the service.
    with suppress(FileNotFoundError):
        fresh.unlink()
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(note))
    fresh.replace(path)
    try:
        yield
    finally:
        if read_note(folder) == note:
            path.unlink(missing_ok=True)


def read_note(folder: Path | None) -> Note | None:
    """The note in a folder; None if there is none, or none that can be read."""
    if folder is None:
        return None
    try:
        return msgspec.json.decode((folder / _NAME).read_bytes(), type=Note)
    except (OSError, msgspec.DecodeError):
        return None
