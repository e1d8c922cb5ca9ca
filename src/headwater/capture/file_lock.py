"""File locks that are released when the process that holds them ends, however it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Self


def _try_lock(descriptor: int) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            os.lseek(descriptor, 0x7FFF0000, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks: delivering twice is harmless, never delivering is not
    return True


class Lock:
    """An exclusive lock, taken without waiting: ``with Lock(path) as lock: if lock.is_held: ...``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self.is_held = False

    @staticmethod
    def on(descriptor: int) -> bool:
        """Lock an open file until it is closed. False if another process holds the lock."""
        return _try_lock(descriptor)

    def __enter__(self) -> Self:
        # The file is empty, and in a folder that several users share any of them may have made it: whoever can open it
        # may take the lock.
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        except PermissionError:
            self._descriptor = os.open(self._path, os.O_RDONLY)
        self.is_held = _try_lock(self._descriptor)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor, self.is_held = None, False
