"""The directory of one tenant on a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from headwater.storage import layouts
from headwater.storage.cached import Fresh
from headwater.storage.postgres.arrays import column
from headwater.storage.postgres.connection import Session, queries
from headwater.storage.postgres.table import PostgresTable
from headwater.storage.projection.directory_tables import Span
from headwater.storage.projection.records import JOB, Pulse

_INDEXED = 160
"""Number of characters of a namespace or source that are in its index."""


class PostgresDirectory:
    """Answers every query from an index: the cost grows with the rows shown and skipped, or counted."""

    def __init__(self, session: Session, fresh: Callable[[str], Fresh]) -> None:
        self._session = session
        self._sql = queries()
        self.listings = PostgresTable(session, layouts.LISTINGS, fresh("listings"))
        self.pulses = PostgresTable(session, layouts.PULSES, fresh("pulses"))

    def _all(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._session.rows(self._sql[statement], values)

    def _by(self, statement: str, name: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._session.rows(self._sql[statement].replace(":column", name), values)

    def _spans(self, name: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        for row in self._by("listed_spans", name):
            if len(row[0]) < _INDEXED:
                found.append(row)
                continue
            whole = self._by("listed_long_spans", name, row[0][:_INDEXED])
            found += [one for (key,) in sorted(whole) for one in self._one(name, key)]
        return found

    def _one(self, name: str, key: str) -> list[tuple[Any, ...]]:
        return self._by("listed_span", name, key, key, key, key)

    def namespaces(self) -> list[Span]:
        """Every namespace, by name."""
        return [_namespace(*row) for row in self._spans("namespace")]

    def namespace(self, namespace: str) -> Span | None:
        """One of them."""
        return next((_namespace(*row) for row in self._one("namespace", namespace)), None)

    def sources(self) -> list[Span]:
        """Every source, by name."""
        return [_source(*row) for row in self._spans("source")]

    def source(self, name: str) -> Span | None:
        """One of them."""
        return next((_source(*row) for row in self._one("source", name) if name), None)

    def datasets(self, namespace: str | None, limit: int, offset: int) -> list[int]:
        """Datasets by namespace and name."""
        if namespace is None:
            return [node for (node,) in self._all("listed_datasets", limit, offset)]
        return [node for (node,) in self._all("listed_datasets_in", namespace, namespace, limit, offset)]

    def jobs(self, namespace: str | None, states: Collection[int], limit: int, offset: int) -> list[int]:
        """Jobs by their last run, latest first."""
        wanted = column("bigint", sorted(states))
        if namespace is None:
            return [node for (node,) in self._all("listed_jobs", wanted, wanted, limit, offset)]
        given = (wanted, wanted, namespace, namespace, limit, offset)
        return [node for (node,) in self._all("listed_jobs_in", *given)]

    def recent_runs(self, limit: int) -> list[tuple[int, int]]:
        """The runs that started most recently."""
        return [(job, state) for job, state in self._all("runs_recent", limit)]

    def count(self, kind: int, namespace: str | None, states: Collection[int]) -> int:
        """The number of datasets or jobs."""
        if states and kind != JOB:
            return 0
        if states:
            found = self._all("listed_count_states", column("bigint", sorted(states)), namespace, namespace)
        elif namespace is None:
            found = self._all("listed_count", kind)
        else:
            found = self._all("listed_count_in", kind, namespace, namespace)
        return int(found[0][0])

    def known_before(self, kind: int, instant: int) -> int:
        """How many were created before an instant."""
        return int(self._all("listed_before", kind, instant)[0][0])

    def runs_of(self, job: int) -> int:
        """How many runs a job has."""
        return int(self._all("runs_count_of_job", job)[0][0])

    def pulses_between(self, first: int, last: int) -> list[Pulse]:
        """Pulses that start in ``[first, last)``."""
        return self.pulses.select(self._sql["pulses_between"], (first, last))


def _namespace(_: str, spelt: str, __: str, first_at: int, last_at: int) -> Span:
    return Span(spelt, "", first_at, last_at)


def _source(name: str, _: str, uri: str, first_at: int, last_at: int) -> Span:
    return Span(name, uri, first_at, last_at)
