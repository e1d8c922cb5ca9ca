"""Rebuilding of views that an earlier version made: what has to be done, and progress reports.

A version that keeps more beside the log than the one before makes the views again when it opens a store for writing,
a commit for each stretch of the log. A process that ends in the middle leaves the log as it was and the views marked as
those of no version at all; the next one goes on behind the last commit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

RENEWING_TO: Final = "renewing_to"
"""Counters of a store whose views are being rebuilt: for which version,"""
RENEWED: Final = "renewed"
"""up to which event,"""
RENEWING_OF: Final = "renewing_of"
"""and of how many: the last event of the log when it was begun."""
READ: Final = ("projection", "origin", "event", RENEWING_TO, RENEWED, RENEWING_OF)
"""What ``outdated`` looks at."""


Progress = Callable[[int, int], None]
"""Told at the beginning and after each commit how far it is: the last event that was read again, and the last one of
the log. What it raises ends the renewal there."""


def in_silence(done: int, last: int) -> None:
    """Tell nobody."""


class Outdated(msgspec.Struct, frozen=True, kw_only=True):
    """A store whose views an earlier version made, or that were left in the middle of being rebuilt."""

    tenant: str
    done: int
    """The last event that was read again already."""
    last: int
    """The last event of the log."""

    @property
    def left(self) -> int:
        """About how many events there are to be read again."""
        return self.last - self.done


def outdated(tenant: str, counters: dict[str, int], version: int, *, unsaid: int = 0) -> Outdated | None:
    """What a store's counters say of its views; None if they are those of ``version``.

    ``unsaid`` is the version of a store that does not say one.
    """
    if counters.get("projection", unsaid) >= version or not counters.get("origin"):
        return None
    last = counters.get("event", 0)
    is_begun = counters.get(RENEWING_TO) == version and counters.get(RENEWING_OF) == last
    return Outdated(tenant=tenant, done=counters.get(RENEWED, 0) if is_begun else 0, last=last)
