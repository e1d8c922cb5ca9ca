"""The file that a running service leaves in the folder of its store, so that ``headwater ui`` finds it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

_NAME = "service.json"


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """The address of the service, and the secret with which its owner may request a login link."""

    url: str
    opener: str
    pid: int


@contextmanager
def noted(folder: Path | None, url: str, opener: str) -> Iterator[None]:
    """A context in which the note exists; does nothing if the stores are not in a folder."""
    if folder is None:
        yield
        return
    path = folder / _NAME
    note = Note(url=url, opener=opener, pid=os.getpid())
    fresh = path.with_suffix(f".{note.pid}")
    # Readable by the owner only: the secret in it gives access to the service.
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
    """The note in a folder; None if there is none or it is unreadable."""
    if folder is None:
        return None
    try:
        return msgspec.json.decode((folder / _NAME).read_bytes(), type=Note)
    except (OSError, msgspec.DecodeError):
        return None
