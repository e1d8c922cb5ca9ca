"""Files that are either whole or absent: a copy that was interrupted is not mistaken for one that was not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A context that gives a path beside ``target`` to write to. At its end that file gets the name ``target``, safely
    on disk; whatever ends it earlier, Ctrl-C included, leaves nothing behind. A device or pipe is written to itself.

    Raises:
        OSError: it cannot be written.
    """
    target = target.resolve()
    if target.exists() and not target.is_file():
        yield target
        return
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(target)
    except BaseException:
        for left in (part, *(part.with_name(part.name + end) for end in ("-journal", "-wal", "-shm"))):
            left.unlink(missing_ok=True)
        raise
