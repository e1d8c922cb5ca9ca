"""The tables of one SQLite file."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from headwater.model.events import Event, RunEvent
from headwater.storage import rows
from headwater.storage.projection.records import (
    Change,
    Dependency,
    Derivation,
    Edge,
    FacetSetRow,
    Fields,
    Flow,
    Mapping,
    Mention,
    Name,
    Node,
    Run,
    SearchText,
    Shape,
    Statement,
    Version,
)
from headwater.storage.projection.tables import LEVELS, Counter, HeldEdge, Level, NamedNode, Side
from headwater.storage.projection.touches import note_touches
from headwater.storage.sqlite.connection import queries
from headwater.storage.sqlite.directory import SQLiteDirectory
from headwater.storage.sqlite.log import EventLog
from headwater.storage.sqlite.reads import SQLiteReads
from headwater.storage.sqlite.rewrites import SQLiteRewrites
from headwater.storage.sqlite.searching import SearchTable
from headwater.storage.sqlite.table import SQLiteContents, SQLiteTable, listed
from headwater.storage.sqlite.touches import SQLiteTouches

_END_OF_TIME = 2**63 - 1
_PAGE = 1000
_MOST_PARAMETERS = 500
_MOST_NODES = 400_000
_MOST_CONTENTS = 50_000

_held = msgspec.json.Decoder(list[HeldEdge]).decode


class SQLiteTables:
    """One tenant's tables. What is put is written by ``flush``, within the transaction of the caller."""

    def __init__(self, connection: sqlite3.Connection, log: EventLog) -> None:
        self._connection = connection
        self._sql = queries()
        self.event_keys = log.keys_of
        self._make_tables(connection)
        self._make_contents(connection)
        self._counters: dict[str, int] = {}
        self._counted: dict[str, int] = {}
        self._mentions = array("q")
        self._edge_log: list[tuple[Any, ...]] = []
        self.rewrites = SQLiteRewrites(connection, self)
        self.reads = SQLiteReads(connection)
        self.touches = SQLiteTouches(connection)
        self._name_ids: dict[tuple[int, str, str], int] = {}
        self._run_ids: dict[str, int] = {}
        self._new_runs: set[str] = set()
        self._making: list[int] = []

    def _make_tables(self, one: sqlite3.Connection) -> None:
        self.names: SQLiteTable[int, Name] = SQLiteTable(
            one, "names", attrgetter("id"), rows.astuple, rows.name_row, cache_size=100_000
        )
        self.nodes: SQLiteTable[int, Node] = SQLiteTable(
            one, "nodes", attrgetter("id"), rows.astuple, rows.node_row, cache_size=100_000
        )
        self.runs: SQLiteTable[int, Run] = SQLiteTable(one, "runs", attrgetter("id"), rows.run_columns, rows.run_row)
        self.versions: SQLiteTable[int, Version] = SQLiteTable(
            one, "versions", attrgetter("id"), rows.version_columns, rows.version_row
        )
        self.derivations: SQLiteTable[int, Derivation] = SQLiteTable(
            one, "derivations", attrgetter("id"), rows.derivation_columns, rows.derivation_row
        )
        self.dependencies: SQLiteTable[tuple[str, str], Dependency] = SQLiteTable(
            one, "dependencies", attrgetter("run_id", "on_run"), rows.astuple, rows.plain(Dependency)
        )
        self.flows: SQLiteTable[tuple[int, int, int], Flow] = SQLiteTable(
            one, "flows", attrgetter("job", "target", "kind"), rows.astuple, rows.plain(Flow)
        )
        self.edges: SQLiteTable[tuple[int, int, int, int, int], Edge] = SQLiteTable(
            one, "edges", attrgetter("source", "target", "job", "kind", "valid_from"), rows.astuple, rows.plain(Edge)
        )
        self.changes: SQLiteTable[tuple[int, str, int, bytes], Change] = SQLiteTable(
            one, "changes", attrgetter("node", "name", "at", "key"), rows.astuple, rows.plain(Change, "is_repeated")
        )
        self.statements: SQLiteTable[tuple[int, int, int, bytes], Statement] = SQLiteTable(
            one, "statements", attrgetter("subject", "kind", "at", "key"), rows.statement_columns, rows.statement_row
        )
        self.fields: SQLiteTable[int, Fields] = SQLiteTable(
            one, "fields", attrgetter("node"), rows.fields_columns, rows.fields_row
        )
        self.search = SearchTable(one, "search", attrgetter("node"), rows.astuple, rows.plain(SearchText, "is_deleted"))
        self.search.counters = self
        self.directory = SQLiteDirectory(one)
        self._tables: list[Any] = [
            self.names, self.nodes, self.runs, self.versions, self.derivations, self.flows, self.edges, self.changes,
            self.statements, self.fields, self.search, self.directory, self.dependencies,
        ]  # fmt: skip
        self._trimmed: list[Any] = [
            self.runs, self.versions, self.derivations, self.flows, self.edges, self.changes, self.directory,
            self.dependencies,
        ]  # fmt: skip
        self.touched: set[int] = set()
        note_touches(self)

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
        """Write everything that is pending."""
        self._new_runs.clear()
        self._run_ids.update([(row.run_id, row.id) for row in self.runs.pending()])
        for table in (*self._tables, self.rewrites, self.reads):
            table.flush()
        if self._mentions:
            times = self._mentions[rows.MENTIONED_AT :: rows.MENTION_WIDTH]
            given = (min(times), max(times), rows.pack(self._mentions.tobytes()))
            self._connection.execute(self._sql["mentions_add"], given)
            del self._mentions[:]
        if self._edge_log:
            self._connection.executemany(self._sql["edge_log_add"], self._edge_log)
            self._edge_log.clear()
        changed = [item for item in self._counters.items() if self._counted.get(item[0]) != item[1]]
        if changed:
            self._connection.executemany(self._sql["counters_put"], changed)
            self._counted.update(changed)

    def is_crowded(self) -> bool:
        """Whether so much is cached that everything should be forgotten."""
        rows_ = len(self.names) + len(self.nodes)
        return rows_ > _MOST_NODES or any(len(part) > _MOST_CONTENTS for part in self._contents)

    def trim(self) -> None:
        """Keep small the caches of rows that nobody else holds, between batches."""
        for part in self._trimmed:
            part.trim()
        for ids in (self._name_ids, self._run_ids):
            if len(ids) > 200_000:
                ids.clear()

    def clear(self) -> None:
        """Forget everything that is cached or pending."""
        self._clear_rows()
        for part in self._contents:
            part.clear()

    def catch_up(self) -> None:
        """Forget what another connection may have changed. Content does not change, unless all was made anew."""
        self._clear_rows()
        making = [self.epoch(level) for level in LEVELS]
        if making != self._making:
            self._making = making
            for part in self._contents:
                part.clear()

    def _clear_rows(self) -> None:
        self._new_runs.clear()
        for part in (*self._tables, self.rewrites, self.reads, self.touched):
            part.clear()
        for counted in (self._counters, self._counted, self._name_ids, self._run_ids):
            counted.clear()
        del self._mentions[:]
        self._edge_log.clear()

    def counter(self, name: str) -> int:
        """The present value of a counter."""
        if not self._counters:
            self._counters.update(self._connection.execute(self._sql["counters_get"]))
            self._counted.update(self._counters)
        return self._counters.get(name, 0)

    def next_id(self, counter: Counter) -> int:
        """The next id of a counter, from 1."""
        value = self.counter(counter) + 1
        self._counters[counter] = value
        return value

    def advance(self, counter: str, by: int) -> None:
        """Count on."""
        self._counters[counter] = self.counter(counter) + by

    # -- look-ups --------------------------------------------------------------------------------------------------
    def name(self, kind: int, namespace: str, name: str) -> Name | None:
        """The name in its normalised form."""
        found = self._name_ids.get((kind, namespace, name))
        if found is not None:
            return self.names.get(found)
        row = next(iter(self.names.where(kind=kind, namespace=namespace, name=name)), None)
        if row is not None:
            self._name_ids[kind, namespace, name] = row.id
        return row

    def expect(self, events: Sequence[Event]) -> None:
        """Find at once which of the runs that a batch speaks of are stored."""
        run_ids = {event.run.run_id for event in events if isinstance(event, RunEvent)}
        unknown = [run_id for run_id in run_ids if run_id not in self._run_ids]
        for start in range(0, len(unknown), _MOST_PARAMETERS):
            some = {rows.uuid_bytes(run_id): run_id for run_id in unknown[start : start + _MOST_PARAMETERS]}
            sql = self._sql["runs_ids_of"].replace("(?)", f"({', '.join('?' * len(some))})")
            known = {some[key]: row_id for key, row_id in self._connection.execute(sql, tuple(some))}
            self._run_ids.update(known)
            self._new_runs.update(some.values() - known.keys())

    def run(self, run_id: str) -> Run | None:
        """The run of that UUID."""
        if run_id in self._new_runs:
            return None
        found = self._run_ids.get(run_id)
        if found is None:
            columns = self._connection.execute(self._sql["runs_id_of"], (rows.uuid_bytes(run_id),)).fetchone()
            if columns is None:
                return None
            found = self._run_ids[run_id] = columns[0]
        return self.runs.get(found)

    def has_dependencies(self) -> bool:
        """Whether any run builds on another."""
        self.dependencies.flush()
        return self._connection.execute(self._sql["dependencies_any"]).fetchone() is not None

    def version_before(self, dataset: int, at: int, *, run_id: str, tag: str = "") -> Version | None:
        """The latest version written by another run no later than ``at``; with ``tag`` only one of that mark."""
        given = {"dataset": dataset, "at": at, "run": rows.uuid_bytes(run_id), "tag": tag}
        return next(iter(self.versions.select("version_marked_before" if tag else "version_before", given)), None)

    def second_write_after(self, dataset: int, at: int) -> int | None:
        """The instant of the second write by a known run after an instant."""
        self.versions.flush()
        found = self._connection.execute(self._sql["second_write_after"], (dataset, at)).fetchone()
        return found[0] if found else None

    def latest_versions(self, dataset: int, as_of: int | None, limit: int) -> list[Version]:
        """Versions of a dataset no later than an instant, latest first."""
        return self.versions.select("latest_versions", (dataset, _END_OF_TIME if as_of is None else as_of, limit))

    def version_ordinal(self, version: Version) -> int:
        """The place of a version among those of its dataset, from 1."""
        self.versions.flush()
        place = {"dataset": version.dataset, "at": version.created_at}
        given = {**place, "run": rows.uuid_bytes(version.run_id), "tag": version.tag}
        return int(self._connection.execute(self._sql["version_ordinal"], given).fetchone()[0])

    def nodes_after(self, after: int, *, kind: int | None, type: str | None = None) -> Iterator[Node]:
        """Nodes with a higher id, ascending; of a type, where one is given, whatever the case of its ASCII letters."""
        given = {"kind": kind, "type": type, "limit": _PAGE}
        while page := self.nodes.select("nodes_after", {**given, "after": after}):
            yield from page
            after = page[-1].id

    def runs_by_start(
        self, *, job: int | None, state: int | None, parent: str | None, before: int | None, limit: int
    ) -> list[Run]:
        """Runs that started before an instant, latest first."""
        given = {
            "before": _END_OF_TIME if before is None else before,
            "state": state,
            "limit": limit,
            "parent": parent,
            "job": job,
        }
        owners = "_and_".join(name for name, one in (("job", job), ("parent", parent)) if one is not None)
        return self.runs.select(f"runs_of_{owners}_by_start" if owners else "runs_by_start", given)

    def runs_between(self, first: str, last: str, limit: int) -> list[Run]:
        """Runs by UUID, from one to another."""
        return self.runs.select("runs_between", (rows.uuid_bytes(first), rows.uuid_bytes(last), limit))

    def latest_version_of_each(self, datasets: Iterable[int], as_of: int | None) -> list[Version]:
        """For each of these datasets its latest version no later than an instant."""
        until = _END_OF_TIME if as_of is None else as_of
        return self.versions.select("latest_version_of_each", (listed(set(datasets)), until))

    def version_ordinals(self, versions: Iterable[int]) -> dict[int, int]:
        """The place of these versions among those of their dataset, from 1."""
        self.versions.flush()
        return dict(self._connection.execute(self._sql["version_ordinals"], (listed(set(versions)),)))

    def latest_run_of_each(self, jobs: Iterable[int], as_of: int | None) -> list[Run]:
        """For each of these jobs its last run that started no later than an instant, without the document."""
        return self._heads("latest_run_of_each", (listed(set(jobs)), _END_OF_TIME if as_of is None else as_of))

    def run_heads(self, runs: Iterable[int]) -> list[Run]:
        """The runs of these ids, without the document."""
        return self._heads("run_heads", (listed(set(runs)),))

    def _heads(self, query: str, parameters: tuple[Any, ...]) -> list[Run]:
        self.runs.flush()
        return [
            rows.run_row(*columns, rows.NO_DOC) for columns in self._connection.execute(self._sql[query], parameters)
        ]

    def named_nodes(self, nodes: Iterable[int]) -> list[NamedNode]:
        """These nodes with their names, one a name."""
        self.nodes.flush()
        self.names.flush()
        return self._connection.execute(self._sql["named_nodes"], (listed(set(nodes)),)).fetchall()

    def edges_holding(self, side: Side, nodes: Iterable[int], as_of: int | None) -> list[HeldEdge]:
        """Edges with one of these nodes at that side that hold, with the run that last showed their flow."""
        return self._holding(f"edges_holding_{side}", {"nodes": listed(set(nodes)), "as_of": as_of})

    def edges_between(self, pairs: Iterable[tuple[int, int]], as_of: int | None) -> list[HeldEdge]:
        """Edges between these sources and targets that hold, with the run that last showed their flow."""
        joined = {source << 32 | target for source, target in pairs}
        return self._holding("edges_between", {"pairs": listed(joined), "as_of": as_of})

    def _holding(self, query: str, parameters: dict[str, Any]) -> list[HeldEdge]:
        self.edges.flush()
        self.flows.flush()
        # One row of JSON: a row each takes half as long again, and hands the interpreter over at every one.
        return _held(self._connection.execute(self._sql[query], parameters).fetchone()[0])

    def latest_changes(self, node: int) -> list[Change]:
        """The last change of each facet of a node."""
        return self.changes.select("latest_changes", {"node": node})

    def mention(self, said: Iterable[tuple[int, int]], run: int, at: int, seq: int) -> None:
        """Add to the log of mentions."""
        self._mentions.extend([value for name, facets in said for value in (name, run, facets, at, seq)])

    def mentions_within(self, names: Iterable[int], first: int, last: int) -> Iterator[tuple[int, list[Mention]]]:
        """Mentions of these names a commit, with the earliest event time in it; of the batch at hand before all."""
        wanted = frozenset(names)
        yield first, rows.mentions_in(self._mentions, wanted)
        for earliest, body in self._connection.execute(self._sql["mentions_within"], (first, last)):
            yield earliest, rows.mentions_of(body, wanted)

    def mentions(self, names: Iterable[int]) -> list[Mention]:
        """Every mention of these names."""
        return [one for _, some in self.mentions_within(names, -_END_OF_TIME, _END_OF_TIME) for one in some]

    def counts(self) -> dict[str, int]:
        """Numbers of datasets, jobs, runs, versions and edges."""
        counted = self._connection.execute(self._sql["count_rows"]).fetchone()
        return dict(zip(("datasets", "jobs", "runs", "versions", "edges"), counted, strict=True))

    def held_mappings(self) -> Iterator[tuple[int, int]]:
        """For each column mapping of edges that hold, how many have it, and how many column edges it has."""
        self.edges.flush()
        for count, content in self._connection.execute(self._sql["held_mappings"]):
            yield count, rows.mapping_size(rows.unpack(content))

    # -- followers -------------------------------------------------------------------------------------------------
    def edge_changed(self, edge: Edge) -> None:
        """Tell the followers of the dataset level about an edge."""
        times = (edge.valid_from, edge.valid_to)
        self._edge_log.append((edge.source, edge.target, edge.job, edge.kind, *times, edge.mapping))

    def edge_changes(self, since: int, limit: int) -> list[tuple[int, Edge]]:
        """(sequence number, edge) of what was told, in order."""
        found = self._connection.execute(self._sql["edge_log_since"], (since, limit))
        return [rows.edge_change(*columns) for columns in found]

    def derivations_after(self, step: int, limit: int) -> list[Derivation]:
        """Derivations with a higher id, ascending."""
        found = self._connection.execute(self._sql["derivations_after"], (step, limit))
        return [rows.derivation_row(*columns) for columns in found]

    def kinds(self, level: Level, first: int) -> Sequence[tuple[int, int]]:
        """(id, kind code) of the nodes of a level from an id on, ascending."""
        return self._connection.execute(self._sql[f"{level}_kinds"], {"first": first}).fetchall()

    def epoch(self, level: Level) -> int:
        """How often ids or edges of a level were rewritten, counted from a number of this file's own."""
        return self.counter("origin") + self.counter(f"{level}_epoch")

    def rewritten(self, level: Level) -> None:
        """Count a rewrite."""
        self._counters[f"{level}_epoch"] = self.counter(f"{level}_epoch") + 1

    def all_rewritten(self) -> None:
        """Count a rewrite of every level."""
        for level in LEVELS:
            self.rewritten(level)
