"""The tables of one SQLite file during a batch: changes are written together at its end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from headwater.model.events import Event, RunEvent
from headwater.storage import layouts, rows
from headwater.storage.cached import Fresh
from headwater.storage.change_feed import ChangeFeedTables
from headwater.storage.layouts import K, Layout, R
from headwater.storage.mentions import PendingMentions
from headwater.storage.projection.records import (
    Edge,
    FacetSetRow,
    Mapping,
    Shape,
)
from headwater.storage.projection.tables import LEVELS, Counter, Level
from headwater.storage.projection.weights import MOST_RUN_BYTES
from headwater.storage.sqlite.connection import queries
from headwater.storage.sqlite.directory import SQLiteDirectory
from headwater.storage.sqlite.log import EventLog
from headwater.storage.sqlite.reads import SQLiteReads
from headwater.storage.sqlite.rewrites import SQLiteRewrites
from headwater.storage.sqlite.search import SearchTable
from headwater.storage.sqlite.table import SQLiteContents, SQLiteTable
from headwater.storage.sqlite.touches import SQLiteTouches

_MOST_PARAMETERS = 500
_MOST_IDS = 50_000


class BatchTables(ChangeFeedTables):
    """The tables of a tenant between the beginning and the end of a batch. ``flush`` writes the pending rows within the
    caller's transaction."""

    def __init__(self, connection: sqlite3.Connection, log: EventLog) -> None:
        self._connection = connection
        self._sql = queries()
        self.event_keys = log.keys_of
        self._counters: dict[str, int] = {}
        self._counted: dict[str, int] = {}
        self._make_tables(connection)
        self._make_contents(connection)
        self._mentions = PendingMentions()
        self._edge_log: list[tuple[Any, ...]] = []
        self.rewrites = SQLiteRewrites(connection, self)
        self.reads = SQLiteReads(connection)
        self.touches = SQLiteTouches(connection)
        self._name_ids: dict[tuple[int, str, str], int] = {}
        self._run_ids: dict[str, int] = {}
        self._new_runs: set[str] = set()
        self._making: list[int] = []

    def _make_tables(self, one: sqlite3.Connection) -> None:
        table = self._table
        self.names = table(layouts.NAMES, cache_size=100_000)
        self.nodes = table(layouts.NODES, cache_size=100_000)
        self.runs = table(layouts.RUNS)
        self.versions = table(layouts.VERSIONS)
        self.derivations = table(layouts.DERIVATIONS)
        self.dependencies = table(layouts.DEPENDENCIES)
        self.flows = table(layouts.FLOWS)
        self.edges: SQLiteTable[layouts.EdgeKey, Edge] = table(layouts.EDGES)
        self.changes = table(layouts.CHANGES)
        self.statements = table(layouts.STATEMENTS)
        self.fields = table(layouts.FIELDS)
        self.search = SearchTable(self._connection, layouts.SEARCH, Fresh(self._counters, "search"))
        self.search.counters = self
        self.directory = SQLiteDirectory(one, self._counters)
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

    def _table(self, layout: Layout[K, R], *, cache_size: int = 20_000) -> SQLiteTable[K, R]:
        return SQLiteTable(self._connection, layout, Fresh(self._counters, layout.name), cache_size=cache_size)

    def _make_contents(self, one: sqlite3.Connection) -> None:
        self.bodies: SQLiteContents[bytes] = SQLiteContents(one, "bodies", bytes, lambda _, content: content)
        self.facet_sets: SQLiteContents[FacetSetRow] = SQLiteContents(
            one, "facet_sets", rows.facets_content, rows.facets_row
        )
        self.shapes: SQLiteContents[Shape] = SQLiteContents(one, "shapes", rows.shape_content, rows.shape_row)
        self.mappings: SQLiteContents[Mapping] = SQLiteContents(one, "mappings", rows.mapping_content, rows.mapping_row)
        self._contents: list[Any] = [self.bodies, self.facet_sets, self.shapes, self.mappings]

    # -- the batch -------------------------------------------------------------------------------------------------
    def flush(self) -> None:
        """Write everything pending."""
        self._new_runs.clear()
        self._run_ids.update([(row.run_id, row.id) for row in self.runs.put_rows()])
        self._name_ids.update([((row.kind, row.namespace, row.name), row.id) for row in self.names.put_rows()])
        for table in (*self._tables, *self._contents, self.rewrites, self.reads):
            table.flush()
        for table in self._tables:
            table.fresh.written()
        if self._mentions:
            self._connection.execute(self._sql["mentions_add"], self._mentions.packed())
            self._mentions.clear()
        if self._edge_log:
            self._connection.executemany(self._sql["edge_log_add"], self._edge_log)
            self._edge_log.clear()
        changed = [item for item in self._counters.items() if self._counted.get(item[0]) != item[1]]
        if changed:
            self._connection.executemany(self._sql["counters_put"], changed)
            self._counted.update(changed)

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
        for ids in (self._name_ids, self._run_ids):
            if len(ids) > _MOST_IDS:
                ids.clear()

    def clear(self) -> None:
        """Drop everything cached or pending."""
        self._clear_rows()
        for part in self._contents:
            part.clear()

    def catch_up(self) -> None:
        """Drop what another connection may have changed. Content never changes, except by a rebuild."""
        self._clear_rows()
        making = [self.epoch(level) for level in LEVELS]
        is_made_anew = making != self._making
        self._making = making
        for part in self._contents:
            part.clear() if is_made_anew else part.catch_up()

    def _clear_rows(self) -> None:
        self._new_runs.clear()
        for part in (*self._tables, self.rewrites, self.reads, self.touched):
            part.clear()
        for counted in (self._counters, self._counted, self._name_ids, self._run_ids):
            counted.clear()
        self._mentions.clear()
        self._edge_log.clear()

    def _ask(self, name: str, *given: Any) -> Iterable[tuple[Any, ...]]:
        return self._connection.execute(self._sql[name], given)

    def counter(self, name: str) -> int:
        """The current value of a counter."""
        if not self._counters:
            self._counters.update(self._connection.execute(self._sql["counters_get"]))
            self._counted.update(self._counters)
            for table in self._tables:
                table.fresh.written()
        return self._counters.get(name, 0)

    def next_id(self, counter: Counter) -> int:
        """The next id of a counter, from 1."""
        value = self.counter(counter) + 1
        self._counters[counter] = value
        return value

    def advance(self, counter: str, by: int) -> None:
        """Advance a counter."""
        self._counters[counter] = self.counter(counter) + by

    def expect(self, events: Sequence[Event]) -> None:
        """Prefetch which runs of a batch are stored."""
        run_ids = {event.run.run_id for event in events if isinstance(event, RunEvent)}
        unknown = [run_id for run_id in run_ids if run_id not in self._run_ids]
        for start in range(0, len(unknown), _MOST_PARAMETERS):
            some = {rows.uuid_bytes(run_id): run_id for run_id in unknown[start : start + _MOST_PARAMETERS]}
            sql = self._sql["runs_ids_of"].replace("(?)", f"({', '.join('?' * len(some))})")
            known = {some[key]: row_id for key, row_id in self._connection.execute(sql, list(map(bytearray, some)))}
            self._run_ids.update(known)
            self._new_runs.update(some.values() - known.keys())

    def epoch(self, level: Level) -> int:
        """How often ids or edges of a level were rewritten, counted from the file's random origin."""
        return self.counter("origin") + self.counter(f"{level}_epoch")

    def rewritten(self, level: Level) -> None:
        """Count a rewrite."""
        self._counters[f"{level}_epoch"] = self.counter(f"{level}_epoch") + 1

    def all_rewritten(self) -> None:
        """Count a rewrite of every level."""
        for level in LEVELS:
            self.rewritten(level)
