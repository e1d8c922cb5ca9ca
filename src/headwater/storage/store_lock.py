"""The lock that gives one thread at a time the use of a store."""

from __future__ import annotations

import threading


class StoreLock:
    """A lock that the thread which holds it may take again, and that may be left for another thread to give back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder: int | None = None
        self._depth = 0

    def __enter__(self) -> None:
        me = threading.get_ident()
        if self._holder != me:
            self._lock.acquire()
            self._holder = me
        self._depth += 1

    def __exit__(self, *exc: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._holder = None
            self._lock.release()

    def leave(self) -> None:
        """No thread holds it from now on, but nobody gets it before it was given back as often as it was taken."""
        self._holder = None
