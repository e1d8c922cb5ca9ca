"""Tables as plain dictionaries: the reference for the other backends in tests."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Count
from collections import abc
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter

import msgspec

from headwater.storage import layouts
from headwater.storage.memory.directory import MemoryDirectory
from headwater.storage.memory.reads import MemoryReads
from headwater.storage.memory.rewrites import MemoryRewrites
from headwater.storage.memory.search import SearchTable
from headwater.storage.memory.table import MemoryContents, MemoryTable
from headwater.storage.projection.records import (
    DATASET,
    DERIVATION,
    JOB,
    VERSION,
    Change,
    Derivation,
    Edge,
    FacetSetRow,
    Mapping,
    Mention,
    Name,
    Node,
    Run,
    Shape,
    Version,
    change_order,
)
from headwater.storage.projection.tables import Counter, HeldEdge, Level, NamedNode, Side
from headwater.storage.projection.touches import note_touches


class MemoryTables:
    """One tenant's tables in memory. ``keys`` returns the key of a stored event by sequence number."""

    def __init__(self, keys: Callable[[int], bytes], epochs: abc.Mapping[Level, int] | None = None) -> None:
        self._keys = keys
        self.names = MemoryTable(layouts.NAMES)
        self.nodes = MemoryTable(layouts.NODES)
        self.runs = MemoryTable(layouts.RUNS, ("run_id",))
        self.versions = MemoryTable(layouts.VERSIONS)
        self.derivations = MemoryTable(layouts.DERIVATIONS)
        self.dependencies = MemoryTable(layouts.DEPENDENCIES)
        self.flows = MemoryTable(layouts.FLOWS)
        self.edges = MemoryTable(layouts.EDGES)
        self.changes = MemoryTable(layouts.CHANGES)
        self.statements = MemoryTable(layouts.STATEMENTS)
        self.fields = MemoryTable(layouts.FIELDS)
        self.search = SearchTable(layouts.SEARCH)
        self.bodies: MemoryContents[bytes] = MemoryContents()
        self.facet_sets: MemoryContents[FacetSetRow] = MemoryContents()
        self.shapes: MemoryContents[Shape] = MemoryContents()
        self.mappings: MemoryContents[Mapping] = MemoryContents()
        self.directory = MemoryDirectory(lambda job: self.runs.where(job=job))
        self.touched: set[int] = set()
        note_touches(self)
        self._counters: Count[str] = Count()
        self._mentions: dict[int, list[Mention]] = {}
        self._edge_log: list[Edge] = []
        self.reads = MemoryReads()
        self.rewrites = MemoryRewrites(lambda: self.next_id("step"))
        self._epochs: Count[Level] = Count(epochs or {})

    def event_keys(self, seqs: abc.Collection[int]) -> dict[int, bytes]:
        """The keys of stored events, by sequence number."""
        return {seq: self._keys(seq) for seq in seqs}

    def next_id(self, counter: Counter) -> int:
        """The next id of a counter, from 1."""
        self._counters[counter] += 1
        return self._counters[counter]

    def name(self, kind: int, namespace: str, name: str) -> Name | None:
        """The row of a normalised name."""
        return next(iter(self.names.where(kind=kind, namespace=namespace, name=name)), None)

    def run(self, run_id: str) -> Run | None:
        """The run with that UUID."""
        return next(iter(self.runs.where(run_id=run_id)), None)

    def has_dependencies(self) -> bool:
        """Whether any run declares a dependency."""
        return len(self.dependencies) > 0

    def version_before(self, dataset: int, at: int, *, run_id: str, tag: str = "") -> Version | None:
        """The latest version that another run wrote no later than ``at``; with ``tag``, only with that mark."""
        rows = [
            row
            for row in self.versions.where(dataset=dataset)
            if row.run and row.created_at <= at and row.run_id != run_id
            if not tag or tag in (row.tag, row.fingerprint, row.file_digest)
        ]
        return max(rows, key=lambda row: (row.created_at, row.run_id), default=None)

    def second_write_after(self, dataset: int, at: int) -> int | None:
        """The instant of the second write by a known run after an instant."""
        times = (row.created_at for row in self.versions.where(dataset=dataset) if row.run and row.created_at > at)
        return next(iter(sorted(times)[1:2]), None)

    def writes_before(self, dataset: int, job: int, order: tuple[int, str], limit: int) -> list[Version]:
        """The last versions that runs of a job wrote before a place in the order, latest first."""
        return [row for row in self._writes(dataset, job) if _write_order(row) < order][::-1][:limit]

    def writes_after(self, dataset: int, job: int, order: tuple[int, str], limit: int) -> list[Version]:
        """The first versions that runs of a job wrote after a place in the order."""
        return [row for row in self._writes(dataset, job) if _write_order(row) > order][:limit]

    def _writes(self, dataset: int, job: int) -> list[Version]:
        rows = [row for row in self.versions.where(dataset=dataset) if row.run and row.job == job]
        return sorted(rows, key=_write_order)

    def latest_versions(self, dataset: int, as_of: int | None, limit: int) -> list[Version]:
        """Versions of a dataset no later than an instant, latest first."""
        rows = [row for row in self.versions.where(dataset=dataset) if as_of is None or row.created_at <= as_of]
        return sorted(rows, key=_version_order, reverse=True)[:limit]

    def version_ordinal(self, version: Version) -> int:
        """The number of a version among those of its dataset, from 1."""
        rows = self.versions.where(dataset=version.dataset)
        return sum(_version_order(row) <= _version_order(version) for row in rows)

    def nodes_after(self, after: int, *, kind: int | None, type: str | None = None) -> Iterator[Node]:
        """Nodes with a higher id, ascending. ``type`` ignores the case of ASCII letters."""
        wanted = None if type is None else _upper(type)
        found = (row for row in self.nodes.rows() if row.id > after and kind in (None, row.kind))
        return (row for row in found if wanted is None or _upper(row.type) == wanted)

    def runs_by_start(
        self, *, job: int | None, state: int | None, parent: str | None, before: int | None, limit: int
    ) -> list[Run]:
        """Runs that started before an instant, latest first."""
        rows = [
            row
            for row in (self.runs.rows() if job is None else self.runs.where(job=job))
            if state in (None, row.state)
            if parent in (None, row.parent_run)
            if before is None or row.started_at < before
        ]
        return sorted(rows, key=attrgetter("started_at", "run_id"), reverse=True)[:limit]

    def runs_between(self, first: str, last: str, limit: int) -> list[Run]:
        """Runs with UUIDs in a range, by UUID."""
        found = (row for row in self.runs.rows() if first <= row.run_id <= last)
        return sorted(found, key=attrgetter("run_id"))[:limit]

    def latest_version_of_each(self, datasets: Iterable[int], as_of: int | None) -> list[Version]:
        """The latest version of each dataset no later than an instant."""
        return [row for dataset in set(datasets) for row in self.latest_versions(dataset, as_of, 1)]

    def version_ordinals(self, versions: Iterable[int]) -> dict[int, int]:
        """The number of each version among those of its dataset, from 1."""
        return {row.id: self.version_ordinal(row) for row in self.versions.get_many(versions)}

    def latest_run_of_each(self, jobs: Iterable[int], as_of: int | None) -> list[Run]:
        """The latest run of each job that started no later than an instant."""
        before = None if as_of is None else as_of + 1
        latest = (self.runs_by_start(job=job, state=None, parent=None, before=before, limit=1) for job in set(jobs))
        return [row for found in latest for row in found]

    def run_heads(self, runs: Iterable[int]) -> list[Run]:
        """The runs with these ids."""
        return self.runs.get_many(runs)

    def named_nodes(self, nodes: Iterable[int]) -> list[NamedNode]:
        """These nodes with their names, one row per name."""
        return [
            (
                row.id,
                row.kind,
                row.type,
                row.created_at,
                row.updated_at,
                row.is_dropped,
                name.raw_namespace,
                name.raw_name,
            )
            for row in self.nodes.get_many(nodes)
            for name in self.names.where(node=row.id)
        ]

    def edges_holding(self, side: Side, nodes: Iterable[int], as_of: int | None) -> list[HeldEdge]:
        """Valid edges with one of these nodes on that side, with the run that last reported each."""
        return self._holding(self.edges.where_any(side, nodes), as_of)

    def edges_between(self, pairs: Iterable[tuple[int, int]], as_of: int | None) -> list[HeldEdge]:
        """Valid edges between these (source, target) pairs, with the run that last reported each."""
        wanted = set(pairs)
        edges = self.edges.where_any("source", {source for source, _ in wanted})
        return self._holding([edge for edge in edges if (edge.source, edge.target) in wanted], as_of)

    def _holding(self, edges: list[Edge], as_of: int | None) -> list[HeldEdge]:
        found: list[HeldEdge] = []
        for edge in edges:
            if as_of is not None and edge.valid_from > as_of:
                continue
            if edge.valid_to is None or (as_of is not None and edge.valid_to > as_of):
                flow = self.flows.get((edge.job, edge.target, edge.kind))
                found.append((*msgspec.structs.astuple(edge), None if flow is None else flow.last_by))
        return found

    def edges_before(self, flow: tuple[int, int, int], sources: abc.Collection[int], at: int) -> list[Edge]:
        """For each of these sources, the edge of a (job, target, kind) that became valid last before an instant."""
        job, target, kind = flow
        rows = [row for row in self.edges.where(job=job, target=target, kind=kind) if row.valid_from < at]
        latest = {row.source: row for row in sorted(rows, key=lambda row: row.valid_from)}
        return [latest[source] for source in sources if source in latest]

    def latest_changes(self, node: int, as_of: int | None = None) -> list[Change]:
        """The last change of each facet of a node, up to an instant if given."""
        latest: dict[str, Change] = {}
        for row in sorted(self.changes.where(node=node), key=lambda row: (row.at, row.key)):
            if as_of is None or row.at <= as_of:
                latest[row.name] = row
        return list(latest.values())

    def changes_before(self, node: int, name: str, order: tuple[int, bytes], limit: int) -> list[Change]:
        """The last changes of a facet before a place in its order, latest first."""
        rows = sorted(self.changes.where(node=node, name=name), key=change_order)
        return rows[: bisect_left(rows, order, key=change_order)][::-1][:limit]

    def changes_from(self, node: int, name: str, order: tuple[int, bytes], limit: int) -> list[Change]:
        """The first changes of a facet from a place in its order on."""
        rows = sorted(self.changes.where(node=node, name=name), key=change_order)
        return rows[bisect_left(rows, order, key=change_order) :][:limit]

    def mention(self, mentioned: Iterable[tuple[int, int]], run: int, at: int, seq: int) -> None:
        """Add to the log of mentions."""
        for name, facets in mentioned:
            mention = Mention(name=name, run=run, facets=facets, at=at, seq=seq)
            self._mentions.setdefault(name, []).append(mention)

    def mentions_within(self, names: Iterable[int], first: int, last: int) -> Iterator[tuple[int, list[Mention]]]:
        """All mentions of these names, as if from one commit."""
        yield first, self.mentions(names)

    def mentions(self, names: Iterable[int]) -> list[Mention]:
        """All mentions of these names, in the order of the log."""
        found = [mention for name in names for mention in self._mentions.get(name, ())]
        return sorted(found, key=attrgetter("seq"))

    def counts(self) -> dict[str, int]:
        """Numbers of datasets, jobs, runs, versions and edges."""
        kinds = Count(row.kind for row in self.nodes.rows())
        return {
            "datasets": kinds[DATASET],
            "jobs": kinds[JOB],
            "runs": len(self.runs),
            "versions": len(self.versions),
            "edges": len(self.edges),
        }

    def held_mappings(self) -> Iterator[tuple[int, int]]:
        """For each column mapping, (number of valid edges that use it, number of its column edges)."""
        held = Count(row.mapping for row in self.edges.rows() if row.valid_to is None and row.mapping)
        for mapping, count in held.items():
            yield count, len(self.mappings.get(mapping).fields)

    def edge_changed(self, edge: Edge) -> None:
        """Log a change of an edge for the followers of the dataset level."""
        copied = Edge(**{name: getattr(edge, name) for name in edge.__struct_fields__})
        self._edge_log.append(copied)

    def edge_changes(self, since: int, limit: int) -> list[tuple[int, Edge]]:
        """(sequence number, edge) of logged changes, in order."""
        return list(enumerate(self._edge_log[since : since + limit], since + 1))

    def derivations_after(self, step: int, limit: int) -> list[Derivation]:
        """Derivations with a higher id, ascending."""
        return [row for row in self.derivations.rows() if row.id > step][:limit]

    def kinds(self, level: Level, first: int) -> list[tuple[int, int]]:
        """(id, kind code) of the nodes of a level from an id on, ascending."""
        if level == "dataset":
            return [(row.id, row.kind) for row in self.nodes.rows() if row.id >= first]
        found = [(row.id, VERSION) for row in self.versions.rows()]
        found += [(row.id, DERIVATION) for row in self.derivations.rows()]
        return sorted(one for one in found if one[0] >= first)

    def epoch(self, level: Level) -> int:
        """How often ids or edges of a level were rewritten."""
        return self._epochs[level]

    def rewritten(self, level: Level) -> None:
        """Count a rewrite."""
        self._epochs[level] += 1


def _version_order(row: Version) -> tuple[int, str, str]:
    return row.created_at, row.run_id, row.tag


def _upper(text: str) -> bytes:
    """The text with its ASCII letters in upper case."""
    return text.encode().upper()


def _write_order(row: Version) -> tuple[int, str]:
    return row.created_at, row.run_id
