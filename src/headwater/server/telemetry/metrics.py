"""Counters and histograms in the Prometheus text format."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Folder in which worker processes share counters; set by the supervisor before they start."""

Readings = Callable[[], Iterable[Metric]]
"""Metrics that are read on request, from the process that serves the request."""


class Metrics:
    """The metrics of one process, or of all worker processes together."""

    def __init__(self, readings: Readings) -> None:
        self._registry = CollectorRegistry()
        self._readings = readings
        labels = ("method", "path", "status")
        self._requests = Counter("headwater_requests", "Requests answered.", labels, registry=self._registry)
        self._duration = Histogram(
            "headwater_request_seconds",
            "From the request to the end of its answer.",
            ("method", "path"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._errors = Counter("headwater_internal_errors", "Failures that nobody foresaw.", registry=self._registry)

    def request(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count a request; ``path`` is the template of its route, to keep names out of the labels."""
        key = (method, path, status)
        known = self._known.get(key)
        if known is None:
            known = (self._requests.labels(method, path, str(status)), self._duration.labels(method, path))
            self._known[key] = known
        known[0].inc()
        known[1].observe(seconds)

    def internal_error(self) -> None:
        """Count an internal error."""
        self._errors.inc()

    def text(self) -> bytes:
        """All metrics in the text format."""
        now = CollectorRegistry()
        now.register(_Now(self._readings))
        if SHARED not in os.environ:
            return generate_latest(self._registry) + generate_latest(now)
        together = CollectorRegistry()
        multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together) + generate_latest(now)


class _Now(Collector):
    """Collects the metrics that are read on request."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        """The readings, and the memory of the process."""
        yield GaugeMetricFamily("headwater_resident_bytes", "Memory of this process.", value=resident_bytes())
        yield from self._readings()


def resident_bytes() -> int:
    """The current memory of this process, or its peak if the system does not tell."""
    try:
        with open("/proc/self/statm") as file:  # noqa: PTH123 - read often, so avoid creating a path object
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
