"""Counters of the intake, for the metrics of the service."""

from __future__ import annotations

from bisect import bisect_left

import msgspec

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Histogram(msgspec.Struct):
    """Durations by upper bound: ``counts`` has one item more than ``BOUNDS_S``, for durations beyond the last bound."""

    counts: list[int] = msgspec.field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    total_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.total_s += seconds


class TenantCounters(msgspec.Struct):
    """Counters of a tenant's requests since the service started."""

    events: int = 0
    """New events that were stored."""
    bytes: int = 0
    """Size of the events that were passed to a store, new or not."""
    duplicates: int = 0
    refused: int = 0
    busy: int = 0
    """Requests answered with 503: too much was waiting, or a quota was exhausted."""
    unkept: int = 0
    """Refused documents that could not be quarantined."""


class IntakeCounters(msgspec.Struct):
    """Counters of the intake for all tenants since the service started."""

    commits: int = 0
    failed_commits: int = 0
    commit_s: Histogram = msgspec.field(default_factory=Histogram)
    wait_s: Histogram = msgspec.field(default_factory=Histogram)
    """From the arrival of a delivery to its acknowledgement."""
    tenants: dict[str, TenantCounters] = msgspec.field(default_factory=dict)

    def of(self, tenant: str) -> TenantCounters:
        """The counters of a tenant."""
        found = self.tenants.get(tenant)
        if found is None:
            found = self.tenants[tenant] = TenantCounters()
        return found
