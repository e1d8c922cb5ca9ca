"""The directory of one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from headwater.storage import layouts
from headwater.storage.cached import Fresh
from headwater.storage.projection.directory_tables import Span
from headwater.storage.projection.records import JOB, Pulse
from headwater.storage.sqlite.connection import queries
from headwater.storage.sqlite.table import SQLiteTable


class SQLiteDirectory:
    """Answers every query from an index: the cost grows with the rows shown and skipped, or counted."""

    def __init__(self, connection: sqlite3.Connection, counters: Mapping[str, int]) -> None:
        self._connection = connection
        self._sql = queries()
        self.listings = SQLiteTable(connection, layouts.LISTINGS, Fresh(counters, "listings"))
        self.pulses = SQLiteTable(connection, layouts.PULSES, Fresh(counters, "pulses"))

    def _all(self, statement: str, *values: Any, **named: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(self._sql[statement], named or values).fetchall()

    def _spans(self, statement: str, *values: Any) -> list[Span]:
        return [Span(*columns) for columns in self._all(statement, *values)]

    def namespaces(self) -> list[Span]:
        """Every namespace, by name."""
        return self._spans("listed_namespaces")

    def namespace(self, namespace: str) -> Span | None:
        """One of them."""
        return next(iter(self._spans("listed_namespace", namespace)), None)

    def sources(self) -> list[Span]:
        """Every source, by name."""
        return self._spans("listed_sources")

    def source(self, name: str) -> Span | None:
        """One of them."""
        return next(iter(self._spans("listed_source", name)), None)

    def datasets(self, namespace: str | None, limit: int, offset: int) -> list[int]:
        """Datasets by namespace and name."""
        if namespace is None:
            return [node for (node,) in self._all("listed_datasets", limit, offset)]
        return [node for (node,) in self._all("listed_datasets_in", namespace, limit, offset)]

    def jobs(self, namespace: str | None, states: Collection[int], limit: int, offset: int) -> list[int]:
        """Jobs by their last run, latest first."""
        given = {"states": _json(states), "limit": limit, "offset": offset}
        if namespace is None:
            return [node for (node,) in self._all("listed_jobs", **given)]
        return [node for (node,) in self._all("listed_jobs_in", **given, namespace=namespace)]

    def recent_runs(self, limit: int) -> list[tuple[int, int]]:
        """The runs that started most recently."""
        return [(job, state) for job, state in self._all("runs_recent", limit)]

    def count(self, kind: int, namespace: str | None, states: Collection[int]) -> int:
        """The number of datasets or jobs."""
        if states and kind != JOB:
            return 0
        if states:
            found = self._all("listed_count_states", states=_json(states), namespace=namespace)
        elif namespace is None:
            found = self._all("listed_count", kind)
        else:
            found = self._all("listed_count_in", kind, namespace)
        return int(found[0][0])

    def known_before(self, kind: int, instant: int) -> int:
        """How many were created before an instant."""
        return int(self._all("listed_before", kind, instant)[0][0])

    def runs_of(self, job: int) -> int:
        """How many runs a job has."""
        return int(self._all("runs_count_of_job", job)[0][0])

    def pulses_between(self, first: int, last: int) -> list[Pulse]:
        """Pulses that start in ``[first, last)``."""
        return self.pulses.select("pulses_between", (first, last))


def _json(states: Collection[int]) -> str:
    return msgspec.json.encode(sorted(states)).decode()
