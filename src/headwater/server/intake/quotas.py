"""Quotas of tenants: token buckets for rates, and limits on stored bytes."""

from __future__ import annotations

from collections.abc import Callable

import anyio.to_thread

from headwater.server.access.control_rows import Quota
from headwater.server.errors import Busy

BURST_S = 10.0
"""Capacity of a bucket, in seconds: what a tenant may send at once after a pause."""
KNOWN_S = 5.0
"""Seconds for which a quota is cached."""
_FULL_RETRY_S = 60.0


class _Bucket:
    """Fills at a rate. A single request may overdraw it; then it has to refill first."""

    def __init__(self, rate: float, now: float) -> None:
        self.rate = rate
        self._left = rate * BURST_S
        self._at = now

    def wait_s(self, now: float) -> float:
        """Seconds until something may be taken; 0 if it may now."""
        self._left = min(self.rate * BURST_S, self._left + (now - self._at) * self.rate)
        self._at = now
        return 0.0 if self._left > 0 else (1 - self._left) / self.rate

    def take(self, amount: float) -> None:
        """Take an amount."""
        self._left -= amount


class Quotas:
    """Enforces the quotas of all tenants. ``look_up`` returns the quota of a tenant, and may block."""

    def __init__(self, look_up: Callable[[str], Quota], clock: Callable[[], float]) -> None:
        self._look_up = look_up
        self._clock = clock
        self._known: dict[str, tuple[float, Quota]] = {}
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        #: last measured size of the store, for tenants with a quota on it
        self._stored: dict[str, int] = {}

    async def take(self, tenant: str, events: int, size: int) -> None:
        """Count a delivery.

        Raises:
            Busy: a quota is exhausted; nothing was counted.
        """
        now = self._clock()
        known = self._known.get(tenant)
        if known is None or now - known[0] > KNOWN_S:
            found = await anyio.to_thread.run_sync(self._look_up, tenant)
            known = self._known[tenant] = (now, found)
        self._take(tenant, known[1], now, events, size)

    def _take(self, tenant: str, quota: Quota, now: float, events: int, size: int) -> None:
        if quota.stored_bytes is not None and self._stored.get(tenant, 0) >= quota.stored_bytes:
            raise Busy(
                f"this tenant has stored the {quota.stored_bytes:,} bytes that it may",
                retry_after_s=_FULL_RETRY_S,
            )
        given = (("events", quota.events_per_s, events), ("bytes", quota.bytes_per_s, size))
        due = [(self._bucket(tenant, what, rate, now), amount) for what, rate, amount in given if rate is not None]
        wait_s = max((bucket.wait_s(now) for bucket, _ in due), default=0.0)
        if wait_s > 0:
            raise Busy("this tenant sends more than it may", retry_after_s=wait_s)
        for bucket, amount in due:
            bucket.take(amount)

    def _bucket(self, tenant: str, what: str, rate: int, now: float) -> _Bucket:
        found = self._buckets.get((tenant, what))
        if found is None or found.rate != rate:
            found = self._buckets[tenant, what] = _Bucket(rate, now)
        return found

    def is_measured(self, tenant: str) -> bool:
        """Whether the tenant has a quota on the size of its store."""
        known = self._known.get(tenant)
        return known is not None and known[1].stored_bytes is not None

    def measured(self, tenant: str, size_bytes: int) -> None:
        """Record the size of a tenant's store."""
        self._stored[tenant] = size_bytes
