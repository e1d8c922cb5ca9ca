"""The tables of a tenant during a batch: allocating ids, prefetching rows, and writing at its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from headwater.model.events import Event, JobEvent, RunEvent
from headwater.storage import layouts, rows
from headwater.storage.cached import Fresh
from headwater.storage.change_feed import ChangeFeedTables
from headwater.storage.layouts import K, Layout, R
from headwater.storage.mentions import PendingMentions
from headwater.storage.postgres.arrays import column
from headwater.storage.postgres.connection import Session, queries
from headwater.storage.postgres.directory import PostgresDirectory
from headwater.storage.postgres.log import EventLog
from headwater.storage.postgres.reads import PostgresReads
from headwater.storage.postgres.rewrites import PostgresRewrites
from headwater.storage.postgres.search import SearchTable
from headwater.storage.postgres.table import PostgresContents, PostgresTable, arrays_of
from headwater.storage.postgres.touches import PostgresTouches
from headwater.storage.projection.names import normal_form
from headwater.storage.projection.records import (
    DATASET,
    JOB,
    Edge,
    FacetSetRow,
    Mapping,
    Name,
    Shape,
)
from headwater.storage.projection.tables import LEVELS, Counter
from headwater.storage.projection.weights import ENTRY, MOST_RUN_BYTES

END_OF_TIME = 2**63 - 1
_MOST_IDS = 50_000


class BatchTables(ChangeFeedTables):
    """The tables of a tenant between the beginning and the end of a batch; ``flush`` writes the pending rows."""

    def __init__(self, session: Session, log: EventLog) -> None:
        self._session = session
        self._sql = queries()
        self._counters: dict[str, int] = {}
        self.event_keys = log.keys_of
        self._make_tables()
        self._make_contents()
        self._mentions = PendingMentions()
        self._edge_log: list[tuple[Any, ...]] = []
        self.rewrites = PostgresRewrites(session, self)
        self.reads = PostgresReads(session)
        self.touches = PostgresTouches(session)
        self._name_ids: dict[tuple[int, str, str], int] = {}
        self._no_names: set[tuple[int, str, str]] = set()
        self._spelt: set[tuple[int, str, str]] = set()
        self._run_ids: dict[str, int] = {}
        self._new_runs: set[str] = set()
        self._making: list[int] = []

    def _make_tables(self) -> None:
        table = self._table
        self.names = table(layouts.NAMES, cache_size=100_000)
        self.nodes = table(layouts.NODES, cache_size=100_000)
        self.runs = table(layouts.RUNS)
        self.versions = table(layouts.VERSIONS)
        self.derivations = table(layouts.DERIVATIONS)
        self.dependencies = table(layouts.DEPENDENCIES)
        self.flows = table(layouts.FLOWS)
        self.edges: PostgresTable[layouts.EdgeKey, Edge] = table(layouts.EDGES)
        self.changes = table(layouts.CHANGES)
        self.statements = table(layouts.STATEMENTS)
        self.fields = table(layouts.FIELDS)
        self.search = SearchTable(self._session, layouts.SEARCH, self._fresh("search"))
        self.search.counters = self
        self.directory = PostgresDirectory(self._session, self._fresh)
        self._tables: list[Any] = [
            self.names, self.nodes, self.runs, self.versions, self.derivations, self.flows, self.edges, self.changes,
            self.statements, self.fields, self.search, self.directory.listings, self.directory.pulses,
            self.dependencies,
        ]  # fmt: skip
        #: others refer to the rows of the first two
        self._trimmed = self._tables[2:]
        #: their rows are as many as the runs, and few are looked at again
        self._of_runs: list[Any] = [self.runs, self.versions, self.derivations, self.changes]
        self.touched: set[int] = set()

    def _table(self, layout: Layout[K, R], *, cache_size: int = 20_000) -> PostgresTable[K, R]:
        return PostgresTable(self._session, layout, self._fresh(layout.name), cache_size=cache_size)

    def _make_contents(self) -> None:
        one = self._session
        self.bodies: PostgresContents[bytes] = PostgresContents(one, "bodies", bytes, lambda _, content: content)
        self.facet_sets: PostgresContents[FacetSetRow] = PostgresContents(
            one, "facet_sets", rows.facets_content, rows.facets_row
        )
        self.shapes: PostgresContents[Shape] = PostgresContents(one, "shapes", rows.shape_content, rows.shape_row)
        self.mappings: PostgresContents[Mapping] = PostgresContents(
            one, "mappings", rows.mapping_content, rows.mapping_row
        )
        self._contents: list[Any] = [self.bodies, self.facet_sets, self.shapes, self.mappings]

    def _fresh(self, table: str) -> Fresh:
        return Fresh(self._counters, table)

    # -- the batch -------------------------------------------------------------------------------------------------
    def begin(self, counters: dict[str, int]) -> None:
        """Start with the counters of the tenant's row, which this transaction has locked."""
        self._count(counters)
        for table in self._tables:
            table.fresh.written()

    def read(self, counters: dict[str, int]) -> None:
        """Read with the counters of the tenant's row; no ids are allocated."""
        self._count(counters)
        for table in self._tables:
            table.fresh.unknown()

    def _count(self, counters: dict[str, int]) -> None:
        self._counters.clear()
        self._counters.update(counters)

    def counters(self) -> dict[str, int]:
        """The current value of every counter."""
        return self._counters

    def flush(self) -> None:
        """Write everything pending, in one round trip."""
        self.rewrites.shed()
        logs = (self._mentions, self._edge_log, self.rewrites, self.reads)
        if any(logs) or any(one.is_pending for one in (*self._tables, *self._contents)):
            with self._session.pipeline():
                for part in (*self._tables, *self._contents):
                    part.flush()
                self._flush_logs()
        for table in self._tables:
            table.written()
            table.fresh.written()
        self._new_runs.clear()
        self._no_names.clear()

    def _flush_logs(self) -> None:
        if self._mentions:
            self.advance("mentions", 1)
            first, last, packed = self._mentions.packed()
            self._session.execute(self._sql["mentions_add"], (first, last, self.counter("mentions"), packed))
            self._mentions.clear()
        if self._edge_log:
            first = self.counter("edge_log") + 1
            self.advance("edge_log", len(self._edge_log))
            changes = [(seq, *columns) for seq, columns in enumerate(self._edge_log, first)]
            self._session.execute(self._sql["edge_log_add"], arrays_of(["bigint"] * 8, changes))
            self._edge_log.clear()
        self.rewrites.flush()
        self.reads.flush()

    @property
    def weight(self) -> int:
        """The bytes that the caches take, by estimate, without the rows of runs."""
        weights: list[int] = [part.weight for part in (*self._tables, *self._contents)]
        return sum(weights) - self._weight_of_runs()

    def _weight_of_runs(self) -> int:
        return sum([part.weight for part in self._of_runs])

    def trim(self) -> None:
        """Keep the caches of rows small, between batches."""
        for part in self._trimmed:
            part.trim()
        if self._weight_of_runs() > MOST_RUN_BYTES:
            for part in self._of_runs:
                part.let_go()
        for ids in (self._name_ids, self._run_ids, self._spelt):
            if len(ids) > _MOST_IDS:
                ids.clear()

    def clear(self) -> None:
        """Drop everything cached or pending."""
        self._clear_rows()
        for part in self._contents:
            part.clear()

    def catch_up(self, counters: dict[str, int]) -> None:
        """Drop what another process may have changed. Content never changes, except by a rebuild."""
        self._clear_rows()
        making = [counters.get(f"{level}_epoch", 0) for level in LEVELS]
        is_made_anew = making != self._making
        self._making = making
        for part in self._contents:
            part.clear() if is_made_anew else part.catch_up()

    def _clear_rows(self) -> None:
        for part in self._tables:
            part.clear()
        for known in (self._name_ids, self._no_names, self._spelt, self._run_ids, self._new_runs):
            known.clear()
        self._mentions.clear()
        self._edge_log.clear()
        self.rewrites.clear()
        self.reads.clear()
        self.touched.clear()

    def _ask(self, name: str, *given: Any) -> Iterable[tuple[Any, ...]]:
        return self._session.rows(self._sql[name], given)

    def counter(self, name: str) -> int:
        """The current value of a counter."""
        return self._counters.get(name, 0)

    def next_id(self, counter: Counter) -> int:
        """The next id of a counter, from 1."""
        value = self._counters.get(counter, 0) + 1
        self._counters[counter] = value
        return value

    def count_on(self, counter: str) -> int:
        """The next number of a counter that does not belong to a projection."""
        self.advance(counter, 1)
        return self.counter(counter)

    def advance(self, counter: str, by: int) -> None:
        """Advance a counter."""
        self._counters[counter] = self.counter(counter) + by

    # -- prefetching -----------------------------------------------------------------------------------------------
    def expect(self, events: Sequence[Event]) -> None:
        """Prefetch the names, nodes, runs, flows and facets that a batch will need."""
        self._expect_runs({event.run.run_id for event in events if isinstance(event, RunEvent)})
        fresh = self._expect_names(events)
        if not fresh:
            return
        nodes = [name.node for name in fresh]
        self.nodes.expect(nodes)
        jobs = [name.node for name in fresh if name.kind == JOB]
        if jobs:
            self.flows.expect_all("job", jobs)
        known = [node for node in nodes if node not in self.changes.fetched]
        if known:
            self.changes.fetched.update((node, []) for node in known)
            for change in self.changes.stored(self._sql["latest_changes"], (column("bigint", known), END_OF_TIME)):
                self.changes.fetched[change.node].append(change)
        heads = {row.head for node in nodes if (row := self.nodes.get(node)) is not None and row.head}
        if heads:
            self.versions.expect(heads)

    def _expect_names(self, events: Sequence[Event]) -> list[Name]:
        """Fetch the names in these events that are not cached; returns those that are stored."""
        spelt = {(kind, thing.namespace, thing.name) for event in events for kind, thing in _things(event)}
        spelt -= self._spelt
        self._spelt |= spelt
        self.names.weight += sum(ENTRY + len(namespace) + len(name) for _, namespace, name in spelt)
        normal = {(kind, *normal_form(kind, namespace, name)) for kind, namespace, name in spelt}
        unknown = sorted(normal.difference(self._name_ids, self._no_names))
        if not unknown:
            return []
        wanted = arrays_of(("bigint", "text", "text"), unknown)
        found = self.names.stored(self._sql["names_named"], tuple(wanted))
        self._name_ids.update(((row.kind, row.namespace, row.name), row.id) for row in found)
        self._no_names.update(normal.difference(self._name_ids))
        return found

    def _expect_runs(self, run_ids: set[str]) -> None:
        unknown = [run_id for run_id in run_ids if run_id not in self._run_ids]
        if not unknown:
            return
        ids = {rows.uuid_bytes(run_id): run_id for run_id in unknown}
        stored = self.runs.among("run_id", list(ids))
        known = {row.run_id: row.id for row in stored}
        self._run_ids.update(known)
        self._new_runs.update(set(unknown) - known.keys())


def _things(event: Event) -> Iterator[tuple[int, Any]]:
    """(kind, object) of every job and dataset in an event."""
    if isinstance(event, RunEvent | JobEvent):
        yield JOB, event.job
        for dataset in (*event.inputs, *event.outputs):
            yield DATASET, dataset
    else:
        yield DATASET, event.dataset


def encoded(counters: dict[str, int]) -> str:
    """Counters in their stored form."""
    return msgspec.json.encode(counters).decode()
