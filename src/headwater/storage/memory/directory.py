"""The directory in dictionaries: the reference for the other backends in tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from operator import attrgetter

from headwater.storage import layouts
from headwater.storage.memory.table import MemoryTable
from headwater.storage.projection.directory_tables import Span
from headwater.storage.projection.records import DATASET, JOB, Listing, Pulse, Run


class MemoryDirectory:
    """Scans all rows: a store in memory is small."""

    def __init__(self, runs: Callable[[int], list[Run]]) -> None:
        self.listings = MemoryTable(layouts.LISTINGS)
        self.pulses = MemoryTable(layouts.PULSES)
        self._runs = runs

    def namespaces(self) -> list[Span]:
        """Every namespace, by name."""
        found: dict[str, list[Listing]] = {}
        for row in self.listings.rows():
            found.setdefault(row.namespace, []).append(row)
        return [_span(found[key], lambda row: row.spelt, lambda _: "") for key in sorted(found)]

    def namespace(self, namespace: str) -> Span | None:
        """One of them."""
        rows = [row for row in self.listings.rows() if row.namespace == namespace]
        return _span(rows, lambda row: row.spelt, lambda _: "") if rows else None

    def sources(self) -> list[Span]:
        """Every source, by name."""
        found: dict[str, list[Listing]] = {}
        for row in self.listings.rows():
            if row.kind == DATASET:
                found.setdefault(_source(row), []).append(row)
        return [_span(found[key], _source, lambda row: row.source_uri) for key in sorted(found)]

    def source(self, name: str) -> Span | None:
        """One of them."""
        return next((span for span in self.sources() if span.name == name), None)

    def datasets(self, namespace: str | None, limit: int, offset: int) -> list[int]:
        """Datasets by namespace and name."""
        rows = sorted(self._live(DATASET, namespace), key=attrgetter("namespace", "name", "node"))
        return [row.node for row in rows[offset : offset + limit]]

    def jobs(self, namespace: str | None, states: Collection[int], limit: int, offset: int) -> list[int]:
        """Jobs by their last run, latest first."""
        ran: list[tuple[int, str, int]] = []
        never: list[tuple[str, str, int]] = []
        for row in self._live(JOB, namespace):
            last = self._last(row.node)
            if states and (last is None or last.state not in states):
                continue
            if last is None:
                never.append((row.namespace, row.name, row.node))
            else:
                ran.append((last.started_at, last.run_id, row.node))
        order = [node for _, _, node in sorted(ran, reverse=True)] + [node for _, _, node in sorted(never)]
        return order[offset : offset + limit]

    def recent_runs(self, limit: int) -> list[tuple[int, int]]:
        """The runs that started most recently."""
        runs = [run for row in self.listings.rows() if row.kind == JOB for run in self._runs(row.node)]
        runs.sort(key=attrgetter("started_at", "run_id"), reverse=True)
        return [(run.job, run.state) for run in runs[:limit]]

    def count(self, kind: int, namespace: str | None, states: Collection[int]) -> int:
        """The number of datasets or jobs."""
        if states:
            return len(self.jobs(namespace, states, len(self.listings), 0))
        return len(self._live(kind, namespace))

    def known_before(self, kind: int, instant: int) -> int:
        """How many were created before an instant."""
        return sum(row.kind == kind and row.created_at < instant for row in self.listings.rows())

    def runs_of(self, job: int) -> int:
        """How many runs a job has."""
        return len(self._runs(job))

    def pulses_between(self, first: int, last: int) -> list[Pulse]:
        """Pulses that start in ``[first, last)``."""
        return [row for row in self.pulses.rows() if first <= row.start < last]

    def _live(self, kind: int, namespace: str | None) -> list[Listing]:
        return [
            row
            for row in self.listings.rows()
            if row.kind == kind and not row.is_deleted and namespace in (None, row.namespace)
        ]

    def _last(self, job: int) -> Run | None:
        return max(self._runs(job), key=attrgetter("started_at", "run_id"), default=None)


def _source(row: Listing) -> str:
    return row.source


def _span(rows: Iterable[Listing], name: Callable[[Listing], str], uri: Callable[[Listing], str]) -> Span:
    ordered = sorted(rows, key=attrgetter("created_at", "spelt", "source_uri"))
    first = ordered[0]
    return Span(name(first), uri(first), first.created_at, ordered[-1].created_at)
