"""The lock by which one thread at a time uses a store."""

from __future__ import annotations

import threading


class StoreLock:
    """A reentrant lock that another thread may release after ``leave``."""

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
        """Give up ownership without releasing: any thread may release it, as often as it was acquired."""
        self._holder = None
