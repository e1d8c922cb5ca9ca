"""The tables of one tenant on a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from headwater.storage import rows
from headwater.storage.mentions import mentions_of
from headwater.storage.postgres.arrays import column
from headwater.storage.postgres.batch import END_OF_TIME, BatchTables
from headwater.storage.postgres.connection import Session
from headwater.storage.postgres.log import EventLog
from headwater.storage.postgres.table import arrays_of
from headwater.storage.projection.records import (
    Change,
    Edge,
    Mention,
    Name,
    Node,
    Run,
    Version,
    change_order,
)
from headwater.storage.projection.tables import LEVELS, HeldEdge, Level, NamedNode, Side
from headwater.storage.projection.touches import note_touches

_PAGE = 1000
_FEW_COMMITS = 8


class PostgresTables(BatchTables):
    """One tenant's tables."""

    def __init__(self, session: Session, log: EventLog) -> None:
        super().__init__(session, log)
        note_touches(self)

    # -- look-ups --------------------------------------------------------------------------------------------------
    def name(self, kind: int, namespace: str, name: str) -> Name | None:
        """The row of a normalised name."""
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
        """The run with that UUID."""
        if run_id in self._new_runs:
            return None
        found = self._run_ids.get(run_id)
        if found is None:
            columns = self._session.execute(self._sql["runs_id_of"], (rows.uuid_bytes(run_id),)).fetchone()
            if columns is None:
                return None
            found = self._run_ids[run_id] = columns[0]
        return self.runs.get(found)

    def has_dependencies(self) -> bool:
        """Whether any run declares a dependency."""
        self.dependencies.flush()
        return bool(self._session.rows(self._sql["dependencies_any"], ()))

    def version_before(self, dataset: int, at: int, *, run_id: str, tag: str = "") -> Version | None:
        """The latest version that another run wrote no later than ``at``; with ``tag``, only with that mark."""
        given = (dataset, at, rows.uuid_bytes(run_id))
        if tag:
            return next(iter(self.versions.select(self._sql["version_marked_before"], (*given, tag))), None)
        return next(iter(self.versions.select(self._sql["version_before"], given)), None)

    def second_write_after(self, dataset: int, at: int) -> int | None:
        """The instant of the second write by a known run after an instant."""
        self.versions.flush()
        found = self._session.rows(self._sql["second_write_after"], (dataset, at))
        return int(found[0][0]) if found else None

    def writes_before(self, dataset: int, job: int, order: tuple[int, str], limit: int) -> list[Version]:
        """The last versions that runs of a job wrote before a place in the order, latest first."""
        return self._writes("writes_before", dataset, job, order, limit)

    def writes_after(self, dataset: int, job: int, order: tuple[int, str], limit: int) -> list[Version]:
        """The first versions that runs of a job wrote after a place in the order."""
        return self._writes("writes_after", dataset, job, order, limit)

    def _writes(self, query: str, dataset: int, job: int, order: tuple[int, str], limit: int) -> list[Version]:
        at, run_id = order
        return self.versions.select(self._sql[query], (dataset, job, at, at, rows.uuid_bytes(run_id), limit))

    def latest_versions(self, dataset: int, as_of: int | None, limit: int) -> list[Version]:
        """Versions of a dataset no later than an instant, latest first."""
        given = (dataset, END_OF_TIME if as_of is None else as_of, limit)
        return self.versions.select(self._sql["latest_versions"], given)

    def version_ordinal(self, version: Version) -> int:
        """The number of a version among those of its dataset, from 1."""
        self.versions.flush()
        at = version.created_at
        given = (version.dataset, at, at, rows.uuid_bytes(version.run_id), version.tag)
        return int(self._session.rows(self._sql["version_ordinal"], given)[0][0])

    def nodes_after(self, after: int, *, kind: int | None, type: str | None = None) -> Iterator[Node]:
        """Nodes with a higher id, ascending. ``type`` ignores the case of ASCII letters."""
        while page := self.nodes.select(self._sql["nodes_after"], (after, kind, kind, type, type, _PAGE)):
            yield from page
            after = page[-1].id

    def runs_by_start(
        self, *, job: int | None, state: int | None, parent: str | None, before: int | None, limit: int
    ) -> list[Run]:
        """Runs that started before an instant, latest first."""
        given: tuple[Any, ...] = (END_OF_TIME if before is None else before, state, state)
        if parent is not None and job is not None:
            return self.runs.select(self._sql["runs_of_job_and_parent_by_start"], (*given, job, parent, limit))
        if parent is not None:
            return self.runs.select(self._sql["runs_of_parent_by_start"], (*given, parent, limit))
        if job is not None:
            return self.runs.select(self._sql["runs_of_job_by_start"], (*given, job, limit))
        return self.runs.select(self._sql["runs_by_start"], (*given, limit))

    def runs_between(self, first: str, last: str, limit: int) -> list[Run]:
        """Runs with UUIDs in a range, by UUID."""
        given = (rows.uuid_bytes(first), rows.uuid_bytes(last), limit)
        return self.runs.select(self._sql["runs_between"], given)

    # -- bulk look-ups ---------------------------------------------------------------------------------------------
    def latest_version_of_each(self, datasets: Iterable[int], as_of: int | None) -> list[Version]:
        """The latest version of each dataset no later than an instant."""
        given = (column("bigint", list(set(datasets))), END_OF_TIME if as_of is None else as_of)
        return self.versions.select(self._sql["latest_version_of_each"], given)

    def version_ordinals(self, versions: Iterable[int]) -> dict[int, int]:
        """The number of each version among those of its dataset, from 1."""
        self.versions.flush()
        return dict(self._session.rows(self._sql["version_ordinals"], (column("bigint", list(set(versions))),)))

    def latest_run_of_each(self, jobs: Iterable[int], as_of: int | None) -> list[Run]:
        """The latest run of each job that started no later than an instant, without its document."""
        given = (column("bigint", list(set(jobs))), END_OF_TIME if as_of is None else as_of)
        return self._heads("latest_run_of_each", given)

    def run_heads(self, runs: Iterable[int]) -> list[Run]:
        """The runs with these ids, without their documents."""
        return self._heads("run_heads", (column("bigint", list(set(runs))),))

    def _heads(self, query: str, parameters: tuple[Any, ...]) -> list[Run]:
        self.runs.flush()
        return [rows.run_row(*columns, rows.NO_DOC) for columns in self._session.rows(self._sql[query], parameters)]

    def named_nodes(self, nodes: Iterable[int]) -> list[NamedNode]:
        """These nodes with their names, one row per name."""
        self.nodes.flush()
        self.names.flush()
        return self._session.rows(self._sql["named_nodes"], (column("bigint", list(set(nodes))),))

    def edges_holding(self, side: Side, nodes: Iterable[int], as_of: int | None) -> list[HeldEdge]:
        """Valid edges with one of these nodes on that side, with the run that last reported each."""
        given = {"nodes": column("bigint", list(set(nodes))), "as_of": as_of}
        return self._holding(self._sql["edges_holding"].replace(":side", side), given)

    def edges_between(self, pairs: Iterable[tuple[int, int]], as_of: int | None) -> list[HeldEdge]:
        """Valid edges between these (source, target) pairs, with the run that last reported each."""
        wanted = list(set(pairs))
        sources, targets = (column("bigint", [pair[end] for pair in wanted]) for end in (0, 1))
        return self._holding(self._sql["edges_between"], {"sources": sources, "targets": targets, "as_of": as_of})

    def _holding(self, statement: str, parameters: dict[str, Any]) -> list[HeldEdge]:
        self.edges.flush()
        self.flows.flush()
        return self._session.rows(statement, parameters)

    def edges_before(self, flow: tuple[int, int, int], sources: Collection[int], at: int) -> list[Edge]:
        """For each of these sources, the edge of a (job, target, kind) that became valid last before an instant."""
        job, target, kind = flow
        given = (column("bigint", list(sources)), target, job, kind, at)
        return self.edges.select(self._sql["edges_before"], given) if sources else []

    def latest_changes(self, node: int, as_of: int | None = None) -> list[Change]:
        """The last change of each facet of a node, up to an instant if given."""
        until = END_OF_TIME if as_of is None else as_of
        if self.changes.fresh("node", node):
            rows = sorted(self.changes.pending(node=node), key=change_order)
            return list({row.name: row for row in rows if row.at <= until}.values())
        found = self.changes.fetched.pop(node, None) if as_of is None else None
        if found is not None and not self.changes.touches("node", node):
            return found
        return self.changes.select(self._sql["latest_changes"], (column("bigint", [node]), until))

    def changes_before(self, node: int, name: str, order: tuple[int, bytes], limit: int) -> list[Change]:
        """The last changes of a facet before a place in its order, latest first."""
        return self.changes.select(self._sql["changes_before"], (node, name, *order, limit))

    def changes_from(self, node: int, name: str, order: tuple[int, bytes], limit: int) -> list[Change]:
        """The first changes of a facet from a place in its order on."""
        return self.changes.select(self._sql["changes_from"], (node, name, *order, limit))

    def mention(self, mentioned: Iterable[tuple[int, int]], run: int, at: int, seq: int) -> None:
        """Add to the log of mentions."""
        self._mentions.add(mentioned, run, at, seq)

    def mentions_within(self, names: Iterable[int], first: int, last: int) -> Iterator[tuple[int, list[Mention]]]:
        """Mentions of these names by commit, with the earliest event time in it; those of the current batch come
        first."""
        wanted = frozenset(names)
        yield first, self._mentions.naming(wanted)
        place = (-END_OF_TIME, 0)
        while page := self._session.rows(self._sql["mentions_within"], (first, last, *place, _FEW_COMMITS)):
            for earliest, number, body in page:
                yield earliest, mentions_of(body, wanted)
                place = (earliest, number)

    def mentions(self, names: Iterable[int]) -> list[Mention]:
        """All mentions of these names."""
        return [one for _, some in self.mentions_within(names, -END_OF_TIME, END_OF_TIME) for one in some]

    # -- followers -------------------------------------------------------------------------------------------------
    def kinds(self, level: Level, first: int) -> Sequence[tuple[int, int]]:
        """(id, kind code) of the nodes of a level from an id on, ascending."""
        given = (first,) if level == "dataset" else (first, first)
        return [(row[0], row[1]) for row in self._session.rows(self._sql[f"{level}_kinds"], given)]

    def epoch(self, level: Level) -> int:
        """How often ids or edges of a level were rewritten, counted from the store's random origin."""
        return self.counter("origin") + self.counter(f"{level}_epoch")

    def rewritten(self, level: Level) -> None:
        """Count a rewrite."""
        self.advance(f"{level}_epoch", 1)

    def all_rewritten(self) -> None:
        """Count a rewrite of every level."""
        for level in LEVELS:
            self.rewritten(level)
