"""Rebuilding projections of an earlier version: what remains to be done, and progress reports.

When the projections of a version differ from those of the one before, they are rebuilt when a store is opened for
writing, one part of the log per commit. If the process ends in between, the log is unchanged, the projections are
marked as of no version, and the next process continues after the last commit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

RENEWING_TO: Final = "renewing_to"
"""Counters of a store whose projections are being rebuilt: for which version,"""
RENEWED: Final = "renewed"
"""up to which event,"""
RENEWING_OF: Final = "renewing_of"
"""and the last event of the log at the start."""
READ: Final = ("projection", "origin", "event", RENEWING_TO, RENEWED, RENEWING_OF)
"""The counters that ``outdated`` needs."""


Progress = Callable[[int, int], None]
"""Called at the start and after each commit with the last event replayed and the last event of the log. An exception
stops the rebuild."""


def in_silence(done: int, last: int) -> None:
    """Do not report progress."""


class Outdated(msgspec.Struct, frozen=True, kw_only=True):
    """A store whose projections are of an earlier version, or were left partly rebuilt."""

    tenant: str
    done: int
    """The last event replayed so far."""
    last: int
    """The last event of the log."""

    @property
    def left(self) -> int:
        """Roughly how many events remain to be replayed."""
        return self.last - self.done


def outdated(tenant: str, counters: dict[str, int], version: int, *, unsaid: int = 0) -> Outdated | None:
    """What remains to be rebuilt according to a store's counters; None if the projections are of ``version``.

    ``unsaid`` is the version to assume for a store without that counter.
    """
    if counters.get("projection", unsaid) >= version or not counters.get("origin"):
        return None
    last = counters.get("event", 0)
    is_begun = counters.get(RENEWING_TO) == version and counters.get(RENEWING_OF) == last
    return Outdated(tenant=tenant, done=counters.get(RENEWED, 0) if is_begun else 0, last=last)
