"""The tables of one tenant on a PostgreSQL server."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from headwater.model.events import Event, JobEvent, RunEvent
from headwater.storage import rows
from headwater.storage.postgres.arrays import column
from headwater.storage.postgres.connection import Session, queries
from headwater.storage.postgres.directory import PostgresDirectory
from headwater.storage.postgres.log import EventLog
from headwater.storage.postgres.search import SearchTable
from headwater.storage.postgres.table import Fresh, Layout, PostgresContents, PostgresTable, arrays_of
from headwater.storage.projection.names import normal_form
from headwater.storage.projection.records import (
    DATASET,
    JOB,
    Change,
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
from headwater.storage.projection.tables import LEVELS, Counter, Level, Side

_END_OF_TIME = 2**63 - 1
_PAGE = 1000
_MOST_NODES = 400_000
_MOST_CONTENTS = 50_000
_MOST_IDS = 200_000

LAYOUTS = {
    layout.table: layout
    for layout in (
        Layout(
            "names",
            "id bigint, kind smallint, namespace text, name text, node bigint, raw_namespace text, raw_name text,"
            " first_at bigint, first_key bytea, is_direct boolean, is_renamed boolean",
            key=1,
        ),
        Layout(
            "nodes",
            "id bigint, kind smallint, type text, created_at bigint, updated_at bigint, head bigint, head_at bigint,"
            " head_run text, read_until bigint, life_at bigint, life_key bytea, life_run text, is_dropped boolean",
            key=1,
        ),
        Layout(
            "runs",
            "id bigint, run_id bytea, job bigint, state smallint, operation text, started_at bigint, ended_at bigint,"
            " parent_run text, doc bytea",
            key=1,
        ),
        Layout(
            "versions",
            "id bigint, dataset bigint, created_at bigint, run bigint, run_id bytea, job bigint, tag text,"
            " fingerprint text, file_digest text, row_count bigint, shape bigint",
            key=1,
        ),
        Layout("derivations", "id bigint, run bigint, job bigint, edges bytea", key=1),
        Layout("flows", "job bigint, target bigint, kind smallint, last_at bigint, last_by text, shape bigint", key=3),
        Layout(
            "edges",
            "source bigint, target bigint, job bigint, kind smallint, valid_from bigint, valid_to bigint,"
            " how smallint, run text, mapping bigint",
            key=5,
        ),
        Layout(
            "changes",
            "node bigint, name text, at bigint, key bytea, body bigint, run_id text, is_repeated boolean",
            key=4,
        ),
        Layout("statements", "subject bigint, kind smallint, at bigint, key bytea, says bytea", key=4),
        Layout("fields", "node bigint, names bytea", key=1),
        Layout(
            "search",
            "node bigint, kind smallint, namespace text, name text, fields text, description text, tags text,"
            " owners text",
            key=1,
        ),
    )
}
_HANDED_OUT: dict[str, Counter] = {
    "id": "node", "node": "node", "job": "node", "target": "node", "source": "node", "dataset": "node",
    "subject": "name",
}  # fmt: skip
"""Which counter hands out the ids of a column; ``id`` is each table's own."""
_OWN: dict[str, Counter] = {"names": "name", "runs": "run", "versions": "step", "derivations": "step"}


class PostgresTables:
    """One tenant's tables. What is put is written by ``flush``, within the transaction of the caller."""

    def __init__(self, session: Session, log: EventLog) -> None:
        self._session = session
        self._sql = queries()
        self._counters: dict[str, int] = {}
        self.event_key = log.key_of
        self.names: PostgresTable[int, Name] = PostgresTable(
            session,
            LAYOUTS["names"],
            attrgetter("id"),
            rows.astuple,
            rows.plain(Name),
            self._fresh("names"),
            cache_size=100_000,
        )
        self.nodes: PostgresTable[int, Node] = PostgresTable(
            session,
            LAYOUTS["nodes"],
            attrgetter("id"),
            rows.astuple,
            rows.plain(Node),
            self._fresh("nodes"),
            cache_size=100_000,
        )
        self.runs: PostgresTable[int, Run] = self._table("runs", attrgetter("id"), rows.run_columns, rows.run_row)
        self.versions: PostgresTable[int, Version] = self._table(
            "versions", attrgetter("id"), rows.version_columns, rows.version_row
        )
        self.derivations: PostgresTable[int, Derivation] = self._table(
            "derivations", attrgetter("id"), rows.derivation_columns, rows.derivation_row
        )
        self.flows: PostgresTable[tuple[int, int, int], Flow] = self._table(
            "flows", attrgetter("job", "target", "kind"), rows.astuple, rows.plain(Flow)
        )
        self.edges: PostgresTable[tuple[int, int, int, int, int], Edge] = self._table(
            "edges", attrgetter("source", "target", "job", "kind", "valid_from"), rows.astuple, rows.plain(Edge)
        )
        self.changes: PostgresTable[tuple[int, str, int, bytes], Change] = self._table(
            "changes", attrgetter("node", "name", "at", "key"), rows.astuple, rows.plain(Change)
        )
        self.statements: PostgresTable[tuple[int, int, int, bytes], Statement] = self._table(
            "statements", attrgetter("subject", "kind", "at", "key"), rows.statement_columns, rows.statement_row
        )
        self.fields: PostgresTable[int, Fields] = self._table(
            "fields", attrgetter("node"), rows.fields_columns, rows.fields_row
        )
        self.search = SearchTable(
            session,
            LAYOUTS["search"],
            attrgetter("node"),
            rows.astuple,
            rows.plain(SearchText),
            self._fresh("search"),
        )
        self.directory = PostgresDirectory(session, self._fresh)
        self.bodies: PostgresContents[bytes] = PostgresContents(session, "bodies", bytes, lambda _, content: content)
        self.facet_sets: PostgresContents[FacetSetRow] = PostgresContents(
            session, "facet_sets", rows.facets_content, rows.facets_row
        )
        self.shapes: PostgresContents[Shape] = PostgresContents(session, "shapes", rows.shape_content, rows.shape_row)
        self.mappings: PostgresContents[Mapping] = PostgresContents(
            session, "mappings", rows.mapping_content, rows.mapping_row
        )
        self._tables: list[Any] = [
            self.names, self.nodes, self.runs, self.versions, self.derivations, self.flows, self.edges, self.changes,
            self.statements, self.fields, self.search, self.directory.listings, self.directory.pulses,
        ]  # fmt: skip
        self._trimmed: list[Any] = [self.runs, self.versions, self.derivations, self.flows, self.edges, self.changes]
        self._contents: list[Any] = [self.bodies, self.facet_sets, self.shapes, self.mappings]
        self._mentions = array("q")
        self._edge_log: list[tuple[Any, ...]] = []
        self._name_ids: dict[tuple[int, str, str], int] = {}
        self._no_names: set[tuple[int, str, str]] = set()
        self._spelt: set[tuple[int, str, str]] = set()
        self._run_ids: dict[str, int] = {}
        self._new_runs: set[str] = set()
        self._latest: dict[int, list[Change]] = {}
        self._making: list[int] = []

    def _table(self, name: str, key: Any, encode: Any, decode: Any) -> PostgresTable[Any, Any]:
        return PostgresTable(self._session, LAYOUTS[name], key, encode, decode, self._fresh(name))

    def _fresh(self, table: str) -> Fresh:
        return Fresh(self._counters, {**_HANDED_OUT, "id": _OWN.get(table, "node")})

    # -- the batch -------------------------------------------------------------------------------------------------
    def begin(self, counters: dict[str, int]) -> None:
        """Start from the counters of the tenant's row, which this transaction holds."""
        self._count(counters)
        for table in self._tables:
            table.fresh.written()

    def read(self, counters: dict[str, int]) -> None:
        """Answer by the counters of the tenant's row; no id is handed out."""
        self._count(counters)
        for table in self._tables:
            table.fresh.unknown()

    def _count(self, counters: dict[str, int]) -> None:
        self._counters.clear()
        self._counters.update(counters)

    def counters(self) -> dict[str, int]:
        """The present value of every counter."""
        return self._counters

    def flush(self) -> None:
        """Write everything that is pending, in one round trip."""
        with self._session.pipeline():
            for part in (*self._tables, *self._contents):
                part.flush()
            self._flush_logs()
        for table in self._tables:
            table.written()
            table.fresh.written()
        self._new_runs.clear()
        self._no_names.clear()
        self._latest.clear()

    def _flush_logs(self) -> None:
        if self._mentions:
            latest = max(self._mentions[rows.MENTIONED_AT :: rows.MENTION_WIDTH])
            self.advance("mentions", 1)
            given = (latest, self.counter("mentions"), rows.pack(self._mentions.tobytes()))
            self._session.execute(self._sql["mentions_add"], given)
            del self._mentions[:]
        if self._edge_log:
            first = self.counter("edge_log") + 1
            self.advance("edge_log", len(self._edge_log))
            told = [(seq, *columns) for seq, columns in enumerate(self._edge_log, first)]
            self._session.execute(self._sql["edge_log_add"], arrays_of(["bigint"] * 8, told))
            self._edge_log.clear()

    def is_crowded(self) -> bool:
        """Whether so much is cached that everything should be forgotten."""
        rows_ = len(self.names) + len(self.nodes)
        return rows_ > _MOST_NODES or any(len(part) > _MOST_CONTENTS for part in self._contents)

    def trim(self) -> None:
        """Keep small the caches of rows that nobody else holds, between batches."""
        for part in self._trimmed:
            part.trim()
        for ids in (self._name_ids, self._run_ids, self._spelt):
            if len(ids) > _MOST_IDS:
                ids.clear()

    def clear(self) -> None:
        """Forget everything that is cached or pending."""
        self._clear_rows()
        for part in self._contents:
            part.clear()

    def catch_up(self, counters: dict[str, int]) -> None:
        """Forget what another process may have changed. Content does not change, unless all was made anew."""
        self._clear_rows()
        making = [counters.get(f"{level}_epoch", 0) for level in LEVELS]
        is_made_anew = making != self._making
        self._making = making
        for part in self._contents:
            part.clear() if is_made_anew else part.catch_up()

    def _clear_rows(self) -> None:
        for part in self._tables:
            part.clear()
        for known in (self._name_ids, self._no_names, self._spelt, self._run_ids, self._new_runs, self._latest):
            known.clear()
        del self._mentions[:]
        self._edge_log.clear()

    def counter(self, name: str) -> int:
        """The present value of a counter."""
        return self._counters.get(name, 0)

    def next_id(self, counter: Counter) -> int:
        """The next id of a counter, from 1."""
        value = self._counters.get(counter, 0) + 1
        self._counters[counter] = value
        return value

    def count_on(self, counter: str) -> int:
        """The next number of a counter that is none of the projections'."""
        self.advance(counter, 1)
        return self.counter(counter)

    def advance(self, counter: str, by: int) -> None:
        """Count on."""
        self._counters[counter] = self.counter(counter) + by

    # -- what a batch will ask for ---------------------------------------------------------------------------------
    def expect(self, events: Sequence[Event]) -> None:
        """Fetch at once the names, nodes, runs, flows and facets that a batch will ask for one by one."""
        self._expect_runs({event.run.run_id for event in events if isinstance(event, RunEvent)})
        fresh = self._expect_names(events)
        if not fresh:
            return
        nodes = [name.node for name in fresh]
        self.nodes.expect(nodes)
        jobs = [name.node for name in fresh if name.kind == JOB]
        if jobs:
            self.flows.expect_all("job", jobs)
        known = [node for node in nodes if node not in self._latest]
        if known:
            self._latest.update((node, []) for node in known)
            for change in self.changes.stored(self._sql["latest_changes"], (column("bigint", known),)):
                self._latest[change.node].append(change)
        heads = {row.head for node in nodes if (row := self.nodes.get(node)) is not None and row.head}
        if heads:
            self.versions.expect(heads)

    def _expect_names(self, events: Sequence[Event]) -> list[Name]:
        """Fetch the names that events use and that are not cached; returns those that are stored."""
        spelt = {(kind, thing.namespace, thing.name) for event in events for kind, thing in _things(event)}
        spelt -= self._spelt
        self._spelt |= spelt
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

    # -- look-ups --------------------------------------------------------------------------------------------------
    def name(self, kind: int, namespace: str, name: str) -> Name | None:
        """The name in its normalised form."""
        place = (kind, namespace, name)
        found = self._name_ids.get(place)
        if found is not None:
            return self.names.get(found)
        row = next(iter(self.names.pending(kind=kind, name=name, namespace=namespace)), None)
        if row is None and place not in self._no_names:
            wanted = arrays_of(("bigint", "text", "text"), [place])
            row = next(iter(self.names.stored(self._sql["names_named"], tuple(wanted))), None)
        if row is not None:
            self._name_ids[place] = row.id
        return row

    def run(self, run_id: str) -> Run | None:
        """The run of that UUID."""
        if run_id in self._new_runs:
            return None
        found = self._run_ids.get(run_id)
        if found is None:
            columns = self._session.execute(self._sql["runs_id_of"], (rows.uuid_bytes(run_id),)).fetchone()
            if columns is None:
                return None
            found = self._run_ids[run_id] = columns[0]
        return self.runs.get(found)

    def version_before(self, dataset: int, at: int, *, run_id: str, tag: str = "") -> Version | None:
        """The latest version written by another run no later than ``at``; with ``tag`` only one of that mark."""
        given = (dataset, at, rows.uuid_bytes(run_id))
        if tag:
            return next(iter(self.versions.select(self._sql["version_marked_before"], (*given, tag))), None)
        return next(iter(self.versions.select(self._sql["version_before"], given)), None)

    def latest_versions(self, dataset: int, as_of: int | None, limit: int) -> list[Version]:
        """Versions of a dataset no later than an instant, latest first."""
        given = (dataset, _END_OF_TIME if as_of is None else as_of, limit)
        return self.versions.select(self._sql["latest_versions"], given)

    def version_ordinal(self, version: Version) -> int:
        """The place of a version among those of its dataset, from 1."""
        self.versions.flush()
        at = version.created_at
        given = (version.dataset, at, at, rows.uuid_bytes(version.run_id), version.tag)
        return int(self._session.rows(self._sql["version_ordinal"], given)[0][0])

    def nodes_after(self, after: int, *, kind: int | None) -> Iterator[Node]:
        """Nodes with a higher id, ascending."""
        while page := self.nodes.select(self._sql["nodes_after"], (after, kind, kind, _PAGE)):
            yield from page
            after = page[-1].id

    def runs_by_start(
        self, *, job: int | None, state: int | None, parent: str | None, before: int | None, limit: int
    ) -> list[Run]:
        """Runs that started before an instant, latest first."""
        given: tuple[Any, ...] = (_END_OF_TIME if before is None else before, state, state)
        if parent is not None and job is not None:
            return self.runs.select(self._sql["runs_of_job_and_parent_by_start"], (*given, job, parent, limit))
        if parent is not None:
            return self.runs.select(self._sql["runs_of_parent_by_start"], (*given, parent, limit))
        if job is not None:
            return self.runs.select(self._sql["runs_of_job_by_start"], (*given, job, limit))
        return self.runs.select(self._sql["runs_by_start"], (*given, limit))

    # -- for many at once ------------------------------------------------------------------------------------------
    def latest_version_of_each(self, datasets: Iterable[int], as_of: int | None) -> list[Version]:
        """For each of these datasets its latest version no later than an instant."""
        given = (column("bigint", list(set(datasets))), _END_OF_TIME if as_of is None else as_of)
        return self.versions.select(self._sql["latest_version_of_each"], given)

    def version_ordinals(self, versions: Iterable[int]) -> dict[int, int]:
        """The place of these versions among those of their dataset, from 1."""
        self.versions.flush()
        return dict(self._session.rows(self._sql["version_ordinals"], (column("bigint", list(set(versions))),)))

    def latest_run_of_each(self, jobs: Iterable[int], as_of: int | None) -> list[Run]:
        """For each of these jobs its last run that started no later than an instant, without the document."""
        given = (column("bigint", list(set(jobs))), _END_OF_TIME if as_of is None else as_of)
        return self._heads("latest_run_of_each", given)

    def run_heads(self, runs: Iterable[int]) -> list[Run]:
        """The runs of these ids, without the document."""
        return self._heads("run_heads", (column("bigint", list(set(runs))),))

    def _heads(self, query: str, parameters: tuple[Any, ...]) -> list[Run]:
        self.runs.flush()
        return [rows.run_row(*columns, rows.NO_DOC) for columns in self._session.rows(self._sql[query], parameters)]

    def edges_holding(self, side: Side, nodes: Iterable[int], as_of: int | None) -> list[tuple[Edge, str]]:
        """Edges with one of these nodes at that side that hold, with the run that last showed their flow."""
        given = {"nodes": column("bigint", list(set(nodes))), "as_of": as_of}
        return self._holding(self._sql["edges_holding"].replace(":side", side), given)

    def edges_between(self, pairs: Iterable[tuple[int, int]], as_of: int | None) -> list[tuple[Edge, str]]:
        """Edges between these sources and targets that hold, with the run that last showed their flow."""
        wanted = list(set(pairs))
        sources, targets = (column("bigint", [pair[end] for pair in wanted]) for end in (0, 1))
        return self._holding(self._sql["edges_between"], {"sources": sources, "targets": targets, "as_of": as_of})

    def _holding(self, statement: str, parameters: dict[str, Any]) -> list[tuple[Edge, str]]:
        self.edges.flush()
        self.flows.flush()
        return rows.edges_with_flows(self._session.rows(statement, parameters))

    def latest_changes(self, node: int) -> list[Change]:
        """The last change of each facet of a node."""
        found = self._latest.pop(node, None)
        if found is not None and not self.changes.touches("node", node):
            return found
        return self.changes.select(self._sql["latest_changes"], (column("bigint", [node]),))

    def mention(self, said: Iterable[tuple[int, int]], run: int, at: int, seq: int) -> None:
        """Add to the log of mentions."""
        self._mentions.extend([value for name, facets in said for value in (name, run, facets, at, seq)])

    def mentions(self, names: Iterable[int], *, since: int) -> list[Mention]:
        """Mentions of these names whose commit holds an event of that instant or later."""
        wanted = frozenset(names)
        stored = self._session.rows(self._sql["mentions_since"], (since,))
        found = [one for (body,) in stored for one in rows.mentions_of(body, wanted)]
        return found + rows.mentions_in(self._mentions, wanted)

    def search_candidates(self, text: str, limit: int) -> Iterable[SearchText]:
        """Nodes that hold every word, or a piece of it; where they are few, also those whose names come near."""
        return self.search.candidates(text, limit)

    def counts(self) -> dict[str, int]:
        """Numbers of datasets, jobs, runs, versions and edges."""
        counted = self._session.rows(self._sql["count_rows"])[0]
        return dict(zip(("datasets", "jobs", "runs", "versions", "edges"), counted, strict=True))

    # -- followers -------------------------------------------------------------------------------------------------
    def edge_changed(self, edge: Edge) -> None:
        """Tell the followers of the dataset level about an edge."""
        times = (edge.valid_from, edge.valid_to)
        self._edge_log.append((edge.source, edge.target, edge.job, edge.kind, *times, edge.mapping))

    def edge_changes(self, since: int, limit: int) -> list[tuple[int, Edge]]:
        """(sequence number, edge) of what was told, in order."""
        names = ("source", "target", "job", "kind", "valid_from", "valid_to", "mapping")
        found = self._session.rows(self._sql["edge_log_since"], (since, limit))
        return [(seq, Edge(how=0, run="", **dict(zip(names, columns, strict=True)))) for seq, *columns in found]

    def derivations_after(self, step: int, limit: int) -> list[Derivation]:
        """Derivations with a higher id, ascending."""
        found = self._session.rows(self._sql["derivations_after"], (step, limit))
        return [rows.derivation_row(*columns) for columns in found]

    def kinds(self, level: Level, first: int) -> Sequence[tuple[int, int]]:
        """(id, kind code) of the nodes of a level from an id on, ascending."""
        given = (first,) if level == "dataset" else (first, first)
        return [(row[0], row[1]) for row in self._session.rows(self._sql[f"{level}_kinds"], given)]

    def epoch(self, level: Level) -> int:
        """How often ids or edges of a level were rewritten, counted from a number of this store's own."""
        return self.counter("origin") + self.counter(f"{level}_epoch")

    def rewritten(self, level: Level) -> None:
        """Count a rewrite."""
        self.advance(f"{level}_epoch", 1)

    def all_rewritten(self) -> None:
        """Count a rewrite of every level."""
        for level in LEVELS:
            self.rewritten(level)


def _things(event: Event) -> Iterator[tuple[int, Any]]:
    """(kind, object) of every job and dataset that an event lists."""
    if isinstance(event, RunEvent | JobEvent):
        yield JOB, event.job
        for dataset in (*event.inputs, *event.outputs):
            yield DATASET, dataset
    else:
        yield DATASET, event.dataset


def encoded(counters: dict[str, int]) -> str:
    """Counters as they are stored."""
    return msgspec.json.encode(counters).decode()
