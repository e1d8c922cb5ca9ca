"""Gauges: values read from the parts of the service when its metrics are requested."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from headwater.server.intake.counters import BOUNDS_S, Histogram, TenantCounters
from headwater.server.intake.intake import Intake
from headwater.server.live.hub import Hub
from headwater.server.tenants.stores import TenantStores

_OF_TENANTS = (
    ("events", "New events that were stored."),
    ("bytes", "Bytes of events that were taken to a store, new or not."),
    ("duplicates", "Events that were stored before."),
    ("refused", "What broke a rule."),
    ("busy", "Requests answered 503: too much was waiting, or a quota was used up."),
    ("unkept", "Refusals that could not be put in quarantine."),
)


def readings(intake: Intake, hub: Hub, stores: TenantStores) -> Iterator[Metric]:
    """The numbers of this process, now."""
    yield GaugeMetricFamily("headwater_followers", "Open streams of changes.", value=hub.followers)
    yield GaugeMetricFamily("headwater_open_stores", "Tenants whose stores are open.", value=stores.open_count)
    yield GaugeMetricFamily("headwater_intake_waiting", "Deliveries that wait for a commit.", value=intake.depth)
    counters = intake.counters
    yield CounterMetricFamily("headwater_commits", "Commits.", value=counters.commits)
    yield CounterMetricFamily("headwater_failed_commits", "Commits that failed.", value=counters.failed_commits)
    yield _histogram("headwater_commit_seconds", "From the begin of a commit to its end.", counters.commit_s)
    yield _histogram("headwater_wait_seconds", "From the arrival of events to their answer.", counters.wait_s)
    for name, what in _OF_TENANTS:
        family = CounterMetricFamily(f"headwater_intake_{name}", what, labels=("tenant",))
        for tenant, one in sorted(counters.tenants.items()):
            family.add_metric((tenant,), _value(one, name))
        yield family


def _value(counters: TenantCounters, name: str) -> float:
    return float(getattr(counters, name))


def _histogram(name: str, what: str, found: Histogram) -> HistogramMetricFamily:
    bounds = [*(str(bound) for bound in BOUNDS_S), "+Inf"]
    buckets = list(zip(bounds, map(float, accumulate(found.counts)), strict=True))
    return HistogramMetricFamily(name, what, buckets=buckets, sum_value=found.total_s)
