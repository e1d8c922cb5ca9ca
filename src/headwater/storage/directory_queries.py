"""Implements the directory of a store on top of ``Tables``, the same for every backend."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from uuid import UUID

import msgspec

from headwater.model.graph import NodeKind, RunState
from headwater.storage.base import Store
from headwater.storage.contract_rows import ContractRows
from headwater.storage.directory import EventCount, NamespaceRow, SourceRow
from headwater.storage.projection.directory_tables import Span
from headwater.storage.projection.listings import EVENT_TYPES, QUARTER_US, listed_namespace
from headwater.storage.projection.records import DATASET, KIND_CODES
from headwater.storage.projection.tables import Tables
from headwater.storage.row_types import NodeRow, StoredEvent

_RECENT_RUNS = 2000
_BEGINNING, _END = -(2**62), 2**62
"""Before and after every event time, and far enough from the integer limits to be rounded."""


class _Event(msgspec.Struct):
    """The part of an event that identifies a RunEvent and its type."""

    run: msgspec.Raw = msgspec.Raw(b"null")
    event_type: str | None = msgspec.field(default=None, name="eventType")

    @property
    def is_of_run(self) -> bool:
        """Whether it is a RunEvent: recognised by its shape, as everywhere."""
        return bytes(self.run) != b"null"


_read = msgspec.json.Decoder(_Event).decode
_CODES = {kind.value if kind else None: code for code, kind in enumerate(EVENT_TYPES)}


class DirectoryStore(Store):
    """Lists and counts."""

    _tables: Tables
    _answers: ContractRows

    @abstractmethod
    def _reading(self) -> AbstractContextManager[None]:
        """A context in which the tables may be read and show the last acknowledged event."""

    @abstractmethod
    def _between(self, after: int, before: int, *, newest_first: bool) -> Iterator[tuple[int, StoredEvent]]:
        """(event time, event) of the events whose time is in ``[after, before)``, by (time, key)."""

    # -- namespaces and sources ------------------------------------------------------------------------------------
    def namespaces(self) -> list[NamespaceRow]:
        """Every namespace, by name."""
        with self._reading():
            found = [_namespace(span) for span in self._tables.directory.namespaces()]
        return sorted(found, key=lambda row: row.name)

    def namespace(self, name: str) -> NamespaceRow | None:
        """One namespace; None if nothing is in it."""
        with self._reading():
            found = self._tables.directory.namespace(listed_namespace(name))
        return None if found is None else _namespace(found)

    def sources(self) -> list[SourceRow]:
        """Every source, by name."""
        with self._reading():
            return [_source(span) for span in self._tables.directory.sources()]

    def source(self, name: str) -> SourceRow | None:
        """One source; None if no dataset names it."""
        with self._reading():
            found = self._tables.directory.source(name)
        return None if found is None else _source(found)

    # -- nodes and runs --------------------------------------------------------------------------------------------
    def list_nodes(
        self,
        kind: NodeKind,
        *,
        namespace: str | None = None,
        states: Collection[RunState] = (),
        limit: int = 100,
        offset: int = 0,
    ) -> list[NodeRow]:
        """A page of datasets by namespace and name, or of jobs by their last run, latest first."""
        code = KIND_CODES.get(kind)
        if code is None or limit <= 0 or (states and code == DATASET):
            return []
        within = None if namespace is None else listed_namespace(namespace)
        with self._reading():
            directory = self._tables.directory
            if code == DATASET:
                found = directory.datasets(within, limit, offset)
            else:
                ranks = {state.rank for state in states}
                found = self._recent_jobs(ranks, offset + limit)[offset:] if within is None else []
                found = found or directory.jobs(within, ranks, limit, offset)
            return self._answers.nodes(found)

    def _recent_jobs(self, states: Collection[int], wanted: int) -> list[int]:
        """The first ``wanted`` jobs by last run if the latest runs belong to that many, else none. Avoids sorting
        all."""
        listings = self._tables.directory.listings
        seen: set[int] = set()
        found: list[int] = []
        for job, state in self._tables.directory.recent_runs(_RECENT_RUNS):
            if job in seen:
                continue
            seen.add(job)
            row = listings.get(job) if not states or state in states else None
            if row is not None and not row.is_deleted:
                found.append(job)
                if len(found) == wanted:
                    return found
        return []

    def count_nodes(self, kind: NodeKind, *, namespace: str | None = None, states: Collection[RunState] = ()) -> int:
        """How many ``list_nodes`` lists."""
        code = KIND_CODES.get(kind)
        if code is None or (states and code == DATASET):
            return 0
        within = None if namespace is None else listed_namespace(namespace)
        with self._reading():
            return self._tables.directory.count(code, within, {state.rank for state in states})

    def count_known(self, kind: NodeKind, instants: Sequence[int]) -> list[int]:
        """How many datasets or jobs had been seen before each of these instants."""
        code = KIND_CODES.get(kind)
        if code is None:
            return [0] * len(instants)
        with self._reading():
            return [self._tables.directory.known_before(code, instant) for instant in instants]

    def count_runs(self, job_id: int) -> int:
        """How many runs of a job are known."""
        with self._reading():
            return self._tables.directory.runs_of(job_id)

    # -- dependencies of runs ----------------------------------------------------------------------------------------
    def run_ids(self, digits: str, *, limit: int = 100) -> list[str]:
        """The ids of runs that start with these hexadecimal digits, dashes left out, ascending."""
        first, last = (str(UUID(digits.ljust(32, fill))) for fill in "0f")
        with self._reading():
            return [row.run_id for row in self._tables.runs_between(first, last, limit)]

    def has_dependencies(self) -> bool:
        """Whether any run declares a dependency."""
        with self._reading():
            return self._tables.has_dependencies()

    def dependencies(self, run_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The runs that each of these depends on, by run id."""
        with self._reading():
            rows = self._tables.dependencies.where_any("run_id", list(run_ids)) if run_ids else []
        return _grouped((row.run_id, row.on_run) for row in rows)

    def dependents(self, run_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The runs that depend on each of these, by run id."""
        with self._reading():
            rows = self._tables.dependencies.where_any("on_run", list(run_ids)) if run_ids else []
        return _grouped((row.on_run, row.run_id) for row in rows)

    # -- events by time --------------------------------------------------------------------------------------------
    def run_events(
        self,
        *,
        after: int | None = None,
        before: int | None = None,
        newest_first: bool = True,
        limit: int = 100,
        offset: int = 0,
    ) -> list[StoredEvent]:
        """A page of the RunEvents of an interval, by event time."""
        if limit <= 0:
            return []
        start, end = _bounds(after, before)
        with self._reading():
            # Whole quarters of an hour are skipped by their counts, so that a late page costs little more than the
            # first.
            quarters = self._quarters(start, end)
            for first, last, count in reversed(quarters) if newest_first else quarters:
                if count > offset:
                    break
                offset -= count
                start, end = (start, first) if newest_first else (last, end)
            found: list[StoredEvent] = []
            for _, event in self._between(start, end, newest_first=newest_first):
                if not _read(event.body).is_of_run:
                    continue
                if offset:
                    offset -= 1
                    continue
                found.append(event)
                if len(found) >= limit:
                    break
            return found

    def count_run_events(self, *, after: int | None = None, before: int | None = None) -> list[EventCount]:
        """The RunEvents of an interval by type and quarter of an hour."""
        start, end = _bounds(after, before)
        with self._reading():
            found = self._counts(start, end)
        return [
            EventCount(start=quarter, type=EVENT_TYPES[code], count=count)
            for (quarter, code), count in sorted(found.items())
            if count
        ]

    def _quarters(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """(start, end, number of RunEvents) of each quarter of an hour that has any."""
        totals: Counter[int] = Counter()
        for (quarter, _), count in self._counts(start, end).items():
            totals[quarter] += count
        return [
            (max(quarter, start), min(quarter + QUARTER_US, end), count) for quarter, count in sorted(totals.items())
        ]

    def _counts(self, start: int, end: int) -> Counter[tuple[int, int]]:
        """Number of RunEvents by (start of the quarter, type code)."""
        first, last = start - start % QUARTER_US, end - end % QUARTER_US
        inner = first if first == start else first + QUARTER_US
        found: Counter[tuple[int, int]] = Counter()
        for pulse in self._tables.directory.pulses_between(inner, last):
            found[pulse.start, pulse.type] += pulse.count
        if first != start:
            found += self._counted(start, min(inner, end))
        if last != end and last >= inner:
            found += self._counted(last, end)
        return found

    def _counted(self, start: int, end: int) -> Counter[tuple[int, int]]:
        """The same for part of a quarter, counted event by event."""
        found: Counter[tuple[int, int]] = Counter()
        for at, stored in self._between(start, end, newest_first=False):
            event = _read(stored.body)
            if event.is_of_run:
                found[at - at % QUARTER_US, _CODES[event.event_type]] += 1
        return found


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for key, value in sorted(pairs):
        found.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in found.items()}


def _namespace(span: Span) -> NamespaceRow:
    return NamespaceRow(name=span.name, created_at=span.first_at, updated_at=span.last_at)


def _source(span: Span) -> SourceRow:
    return SourceRow(name=span.name, uri=span.uri, created_at=span.first_at, updated_at=span.last_at)


def _bounds(after: int | None, before: int | None) -> tuple[int, int]:
    start, end = _BEGINNING if after is None else after, _END if before is None else before
    return start, max(start, end)
