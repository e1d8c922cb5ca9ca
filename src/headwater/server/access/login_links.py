"""Login links for a browser: valid once, for a short time, so that no key appears in an address bar."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable

import msgspec

GOOD_FOR_US = 60 * 60 * 1_000_000
"""Lifetime of an unopened link: one hour."""
_MOST = 1000


class _Waiting(msgspec.Struct, frozen=True):
    issue: Callable[[], str]
    ends_at: int


class Links:
    """The links that were issued and not used yet. Kept in memory only."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: dict[str, _Waiting] = {}
        #: whoever can read this secret from the local disk may request links
        self.opener = secrets.token_urlsafe(32)

    def new(self, issue: Callable[[], str]) -> str:
        """A token for a link; ``issue`` creates the session's key when the link is opened."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            now = self._clock()
            self._waiting = {key: one for key, one in self._waiting.items() if now < one.ends_at}
            while len(self._waiting) >= _MOST:
                del self._waiting[next(iter(self._waiting))]
            self._waiting[token] = _Waiting(issue, now + GOOD_FOR_US)
        return token

    def take(self, token: str) -> str | None:
        """The session key for a link; None if the link was used, has expired or never existed."""
        with self._lock:
            one = self._waiting.pop(token, None)
        return one.issue() if one is not None and self._clock() < one.ends_at else None

    def may_open(self, opener: str) -> bool:
        """Whether this is the secret of this process."""
        return secrets.compare_digest(opener.encode(), self.opener.encode())
