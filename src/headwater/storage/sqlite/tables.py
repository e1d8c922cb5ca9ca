"""The tables of one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from headwater.storage import rows
from headwater.storage.mentions import mentions_of
from headwater.storage.projection.records import (
    Change,
    Edge,
    Mention,
    Name,
    Node,
    Run,
    Version,
)
from headwater.storage.projection.tables import HeldEdge, Level, NamedNode, Side
from headwater.storage.projection.touches import note_touches
from headwater.storage.sqlite.batch import BatchTables
from headwater.storage.sqlite.log import EventLog
from headwater.storage.sqlite.table import listed

_END_OF_TIME = 2**63 - 1
_PAGE = 1000

_held = msgspec.json.Decoder(list[HeldEdge]).decode


class SQLiteTables(BatchTables):
    """One tenant's tables."""

    def __init__(self, connection: sqlite3.Connection, log: EventLog) -> None:
        super().__init__(connection, log)
        note_touches(self)

    # -- look-ups --------------------------------------------------------------------------------------------------
    def name(self, kind: int, namespace: str, name: str) -> Name | None:
        """The row of a normalised name."""
        place = (kind, namespace, name)
        found = self._name_ids.get(place)
        if found is not None:
            return self.names.get(found)
        row = next(iter(self.names.pending(kind=kind, name=name, namespace=namespace)), None)
        if row is None:
            row = next(iter(self.names.stored_where(kind=kind, namespace=namespace, name=name)), None)
        if row is not None:
            self._name_ids[place] = row.id
        return row

    def run(self, run_id: str) -> Run | None:
        """The run with that UUID."""
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
        """Whether any run declares a dependency."""
        self.dependencies.flush()
        return self._connection.execute(self._sql["dependencies_any"]).fetchone() is not None

    def version_before(self, dataset: int, at: int, *, run_id: str, tag: str = "") -> Version | None:
        """The latest version that another run wrote no later than ``at``; with ``tag``, only with that mark."""
        given = {"dataset": dataset, "at": at, "run": rows.uuid_bytes(run_id), "tag": tag}
        return next(iter(self.versions.select("version_marked_before" if tag else "version_before", given)), None)

    def second_write_after(self, dataset: int, at: int) -> int | None:
        """The instant of the second write by a known run after an instant."""
        self.versions.flush()
        found = self._connection.execute(self._sql["second_write_after"], (dataset, at)).fetchone()
        return found[0] if found else None

    def writes_before(self, dataset: int, job: int, order: tuple[int, str], limit: int) -> list[Version]:
        """The last versions that runs of a job wrote before a place in the order, latest first."""
        return self._writes("writes_before", dataset, job, order, limit)

    def writes_after(self, dataset: int, job: int, order: tuple[int, str], limit: int) -> list[Version]:
        """The first versions that runs of a job wrote after a place in the order."""
        return self._writes("writes_after", dataset, job, order, limit)

    def _writes(self, query: str, dataset: int, job: int, order: tuple[int, str], limit: int) -> list[Version]:
        at, run_id = order
        given = {"dataset": dataset, "job": job, "at": at, "run": rows.uuid_bytes(run_id), "limit": limit}
        return self.versions.select(query, given)

    def latest_versions(self, dataset: int, as_of: int | None, limit: int) -> list[Version]:
        """Versions of a dataset no later than an instant, latest first."""
        return self.versions.select("latest_versions", (dataset, _END_OF_TIME if as_of is None else as_of, limit))

    def version_ordinal(self, version: Version) -> int:
        """The number of a version among those of its dataset, from 1."""
        self.versions.flush()
        place = {"dataset": version.dataset, "at": version.created_at}
        given = {**place, "run": rows.uuid_bytes(version.run_id), "tag": version.tag}
        return int(self._connection.execute(self._sql["version_ordinal"], given).fetchone()[0])

    def nodes_after(self, after: int, *, kind: int | None, type: str | None = None) -> Iterator[Node]:
        """Nodes with a higher id, ascending. ``type`` ignores the case of ASCII letters."""
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
        """Runs with UUIDs in a range, by UUID."""
        return self.runs.select("runs_between", (rows.uuid_bytes(first), rows.uuid_bytes(last), limit))

    def latest_version_of_each(self, datasets: Iterable[int], as_of: int | None) -> list[Version]:
        """The latest version of each dataset no later than an instant."""
        until = _END_OF_TIME if as_of is None else as_of
        return self.versions.select("latest_version_of_each", (listed(set(datasets)), until))

    def version_ordinals(self, versions: Iterable[int]) -> dict[int, int]:
        """The number of each version among those of its dataset, from 1."""
        self.versions.flush()
        return dict(self._connection.execute(self._sql["version_ordinals"], (listed(set(versions)),)))

    def latest_run_of_each(self, jobs: Iterable[int], as_of: int | None) -> list[Run]:
        """The latest run of each job that started no later than an instant, without its document."""
        return self._heads("latest_run_of_each", (listed(set(jobs)), _END_OF_TIME if as_of is None else as_of))

    def run_heads(self, runs: Iterable[int]) -> list[Run]:
        """The runs with these ids, without their documents."""
        return self._heads("run_heads", (listed(set(runs)),))

    def _heads(self, query: str, parameters: tuple[Any, ...]) -> list[Run]:
        self.runs.flush()
        return [
            rows.run_row(*columns, rows.NO_DOC) for columns in self._connection.execute(self._sql[query], parameters)
        ]

    def named_nodes(self, nodes: Iterable[int]) -> list[NamedNode]:
        """These nodes with their names, one row per name."""
        self.nodes.flush()
        self.names.flush()
        return self._connection.execute(self._sql["named_nodes"], (listed(set(nodes)),)).fetchall()

    def edges_holding(self, side: Side, nodes: Iterable[int], as_of: int | None) -> list[HeldEdge]:
        """Valid edges with one of these nodes on that side, with the run that last reported each."""
        return self._holding(f"edges_holding_{side}", {"nodes": listed(set(nodes)), "as_of": as_of})

    def edges_between(self, pairs: Iterable[tuple[int, int]], as_of: int | None) -> list[HeldEdge]:
        """Valid edges between these (source, target) pairs, with the run that last reported each."""
        joined = {source << 32 | target for source, target in pairs}
        return self._holding("edges_between", {"pairs": listed(joined), "as_of": as_of})

    def _holding(self, query: str, parameters: dict[str, Any]) -> list[HeldEdge]:
        self.edges.flush()
        self.flows.flush()
        # One row of JSON: separate rows take 1.5 times as long, and release the interpreter lock at each.
        return _held(self._connection.execute(self._sql[query], parameters).fetchone()[0])

    def edges_before(self, flow: tuple[int, int, int], sources: Collection[int], at: int) -> list[Edge]:
        """For each of these sources, the edge of a (job, target, kind) that became valid last before an instant."""
        job, target, kind = flow
        given = {"sources": listed(sources), "job": job, "target": target, "kind": kind, "at": at}
        return self.edges.select("edges_before", given) if sources else []

    def latest_changes(self, node: int, as_of: int | None = None) -> list[Change]:
        """The last change of each facet of a node, up to an instant if given."""
        return self.changes.select("latest_changes", {"node": node, "until": _END_OF_TIME if as_of is None else as_of})

    def changes_before(self, node: int, name: str, order: tuple[int, bytes], limit: int) -> list[Change]:
        """The last changes of a facet before a place in its order, latest first."""
        return self.changes.select("changes_before", (node, name, *order, limit))

    def changes_from(self, node: int, name: str, order: tuple[int, bytes], limit: int) -> list[Change]:
        """The first changes of a facet from a place in its order on."""
        return self.changes.select("changes_from", (node, name, *order, limit))

    def mention(self, mentioned: Iterable[tuple[int, int]], run: int, at: int, seq: int) -> None:
        """Add to the log of mentions."""
        self._mentions.add(mentioned, run, at, seq)

    def mentions_within(self, names: Iterable[int], first: int, last: int) -> Iterator[tuple[int, list[Mention]]]:
        """Mentions of these names by commit, with the earliest event time in it; those of the current batch come
        first."""
        wanted = frozenset(names)
        yield first, self._mentions.naming(wanted)
        for earliest, body in self._connection.execute(self._sql["mentions_within"], (first, last)):
            yield earliest, mentions_of(body, wanted)

    def mentions(self, names: Iterable[int]) -> list[Mention]:
        """All mentions of these names."""
        return [one for _, some in self.mentions_within(names, -_END_OF_TIME, _END_OF_TIME) for one in some]

    # -- followers -------------------------------------------------------------------------------------------------
    def kinds(self, level: Level, first: int) -> Sequence[tuple[int, int]]:
        """(id, kind code) of the nodes of a level from an id on, ascending."""
        return self._connection.execute(self._sql[f"{level}_kinds"], {"first": first}).fetchall()
