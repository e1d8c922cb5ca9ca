"""Implements the ``Store`` contract on top of ``Tables``, shared by all backends."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from headwater.model.graph import FieldEdge, NodeKind, RunState
from headwater.storage.answer_cache import Commit, State, View, never_elsewhere
from headwater.storage.contract_rows import ContractRows
from headwater.storage.directory_queries import DirectoryStore
from headwater.storage.event_intake import Delivery
from headwater.storage.indexes import SharedIndexes
from headwater.storage.ingest import Checked, Checker
from headwater.storage.projection.graph_digest import GraphDigest
from headwater.storage.projection.names import normal_form
from headwater.storage.projection.projector import Projector
from headwater.storage.projection.records import KIND_CODES
from headwater.storage.projection.tables import Tables
from headwater.storage.row_types import (
    DerivationRow,
    EdgeRow,
    FacetChange,
    Level,
    NodeRow,
    RunRow,
    Side,
    Statistics,
    Tally,
    VersionRow,
)
from headwater.storage.search_queries import SearchStore

if TYPE_CHECKING:  # the index needs numpy; a store that is only written to does not
    from headwater.storage.index import GraphIndex
    from headwater.storage.index.edge_source import EdgeSource
    from headwater.storage.index.log_follower import State as Latest

_PAGE = 1000
_LAST_INSTANT = 2**63 - 2
"""The instant at which exactly the edges without an end are valid: ``as_of`` for walks in the present."""


class LogCounts(NamedTuple):
    """The part of a ``Tally`` that is about the log."""

    events: int
    set_aside: int
    quarantined: int
    last_seq: int


class TableStore(DirectoryStore, SearchStore):
    """Shared by all backends: everything but the log, the commit and the files."""

    def __init__(self, tables: Tables, tenant: str, indexes: SharedIndexes) -> None:
        self.tenant = tenant
        self._check = Checker()
        self._follow(tables)
        self._indexes = indexes
        self._indexes.join()
        self._is_closed = False
        #: the open view, its indexes, and their states from before it began
        self._view: View | None = None
        self._viewed: dict[Level, GraphIndex] = {}
        self._before: dict[Level, Latest] = {}

    def _follow(self, tables: Tables) -> None:
        """Use these tables from now on."""
        self._tables = tables
        self._projector = Projector(tables)
        self._answers = ContractRows(tables, self._projector)

    @abstractmethod
    def _reading(self) -> AbstractContextManager[None]:
        """A context in which the tables may be read and show the last acknowledged event."""

    @abstractmethod
    def _last_seq(self) -> int:
        """The last event that the tables include."""

    def _state(self) -> State:
        """The state of the tables; answers change only with it."""
        return self._tables.epoch("dataset"), self._last_seq()

    def _commits_after(self, seq: int) -> Sequence[Commit]:
        """The recorded commits after an event, in order, up to the state of the tables."""
        return never_elsewhere(seq)

    @contextmanager
    def view(self) -> Iterator[View]:
        """A context in which the store answers from one state; yields the cached entries for it."""
        before = self._indexes.latest()
        with self._reading():
            if self._view is not None:
                yield self._view
                return
            self._view, self._before = self._indexes.answers.at(self._state(), self._commits_after), before
            try:
                yield self._view
            finally:
                self._view, self._viewed, self._before = None, {}, {}

    @abstractmethod
    def _log_counts(self) -> LogCounts:
        """What a ``Tally`` says about the log."""

    def prepare(self, events: Sequence[bytes], *, received_at: int | None = None) -> Delivery:
        """Parse and check a batch without storing it."""
        return self._check(events, received_at)

    @staticmethod
    def checked(delivery: Delivery) -> Checked:
        """A delivery of ``prepare``. Raises ``TypeError`` for one that another kind of store prepared."""
        if not isinstance(delivery, Checked):
            raise TypeError(f"{type(delivery).__name__} was not prepared by this store")
        return delivery

    # -- objects ---------------------------------------------------------------------------------------------------
    def find(self, kind: NodeKind, namespace: str, name: str) -> NodeRow | None:
        """The dataset or job with that name, after normalisation and aliases; None if unknown."""
        code = KIND_CODES.get(kind)
        if code is None:
            return None
        with self._reading():
            found = self._tables.name(code, *normal_form(code, namespace, name))
            return self._answers.node(found.node) if found is not None else None

    def nodes(self, ids: Sequence[int]) -> list[NodeRow]:
        """The rows of these dataset-level ids, in order; unknown ids are skipped."""
        with self._reading():
            return self._answers.nodes([int(node_id) for node_id in ids])

    def scan_nodes(
        self,
        *,
        kind: NodeKind | None = None,
        type: str | None = None,
        namespace: str | None = None,
        after: int = 0,
        limit: int = 1000,
    ) -> list[NodeRow]:
        """One page of nodes with an id above ``after``, ascending."""
        found: list[NodeRow] = []
        code = KIND_CODES.get(kind) if kind is not None else None
        if kind is not None and code is None:
            return found
        with self._reading():
            nodes = self._tables.nodes_after(after, kind=code, type=type)
            while some := list(islice(nodes, min(_PAGE, limit - len(found)))):
                rows = self._answers.node_rows(some)
                found += rows if namespace is None else [row for row in rows if row.namespace == namespace]
        return found

    def facets(self, node_id: int, *, as_of: int | None = None) -> dict[str, msgspec.Raw]:
        """The facets of a dataset or job at an instant."""
        with self._reading():
            return self._answers.facets(node_id, as_of)

    def history(self, node_id: int, *, facet: str | None = None, limit: int | None = None) -> list[FacetChange]:
        """Every change of a node's facets, oldest first, or the last ones and what they changed."""
        with self._reading():
            return self._answers.history(node_id, facet, limit)

    def fields(self, dataset_id: int) -> tuple[str, ...]:
        """Every field the dataset ever had."""
        with self._reading():
            row = self._tables.fields.get(dataset_id)
            return tuple(row.names) if row else ()

    # -- runs and versions -----------------------------------------------------------------------------------------
    def run(self, run_id: str) -> RunRow | None:
        """One run; None if unknown."""
        with self._reading():
            return self._answers.run(run_id)

    def run_facets(self, run_id: str) -> dict[str, msgspec.Raw]:
        """The facets of a run, accumulated over its events."""
        with self._reading():
            return self._answers.run_facets(run_id)

    def run_io(self, run_id: str) -> tuple[list[VersionRow], list[VersionRow]]:
        """The versions that the run read and wrote (or claimed to, if it failed; then their id is 0)."""
        with self._reading():
            return self._answers.run_io(run_id)

    def runs(
        self,
        *,
        job_id: int | None = None,
        state: RunState | None = None,
        parent_run: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[RunRow]:
        """Runs, latest start first; ``before`` pages by start time."""
        with self._reading():
            rank_ = None if state is None else state.rank
            rows = self._tables.runs_by_start(job=job_id, state=rank_, parent=parent_run, before=before, limit=limit)
            return [self._answers.run_row(row) for row in rows]

    def latest_runs(self, job_ids: Sequence[int], *, as_of: int | None = None) -> dict[int, RunRow]:
        """The latest run of each of these jobs that had started by an instant."""
        with self._reading():
            return self._answers.latest_runs(job_ids, as_of)

    def latest_versions(self, dataset_ids: Sequence[int], *, as_of: int | None = None) -> dict[int, VersionRow]:
        """The latest version of each of these datasets at an instant; ``ordinal`` is 0."""
        with self._reading():
            return self._answers.latest_versions(dataset_ids, as_of)

    def versions(self, dataset_id: int, *, as_of: int | None = None, limit: int = 100) -> list[VersionRow]:
        """Versions of a dataset, latest first."""
        with self._reading():
            return self._answers.versions(dataset_id, as_of, limit)

    def version_facets(self, version_id: int) -> dict[str, msgspec.Raw]:
        """The facets of a version from the event that wrote (or first read) it."""
        return self.facets_of_versions([version_id]).get(version_id, {})

    def facets_of_versions(self, version_ids: Sequence[int]) -> dict[int, dict[str, msgspec.Raw]]:
        """``version_facets`` of each of these versions, by id; unknown ids are left out."""
        with self._reading():
            return self._answers.version_facets([int(version) for version in version_ids])

    def run_nodes(self, ids: Sequence[int]) -> list[VersionRow | DerivationRow]:
        """The rows of these run-level ids, in order."""
        with self._reading():
            return self._answers.run_nodes([int(step) for step in ids])

    def derivation_runs(self, ids: Sequence[int]) -> dict[int, RunRow]:
        """The run of each of these derivations."""
        with self._reading():
            return self._answers.derivation_runs(ids)

    # -- graph -----------------------------------------------------------------------------------------------------
    def edge_source(self, level: Level) -> EdgeSource:
        """The stream of integer edges that the index reads."""
        from headwater.storage.projection.sources import TablesSource

        return TablesSource(self._tables, level, self._reading, self._last_seq)

    def index(self, level: Level) -> GraphIndex:
        """The graph index of a level in the state of the open view, or else of the last acknowledged event."""
        with self.view():
            found = self._viewed.get(level)
            if found is None:
                source = self.edge_source(level)
                found = self._viewed[level] = self._indexes.index(level, source, self._before.get(level))
            return found

    def edges(
        self, *, job_id: int | None = None, source_id: int | None = None, target_id: int | None = None
    ) -> list[EdgeRow]:
        """Dataset-level edges with these ends, including those that are no longer valid."""
        with self._reading():
            return self._answers.edges(job_id, source_id, target_id)

    def edges_of(self, node_ids: Sequence[int], side: Side, *, as_of: int | None = None) -> list[EdgeRow]:
        """Dataset-level edges valid at an instant, with one of these nodes on that side."""
        with self._reading():
            return self._answers.edges_of(node_ids, side, as_of)

    def edges_among(self, node_ids: Sequence[int], *, as_of: int | None = None) -> list[EdgeRow]:
        """Dataset-level edges valid at an instant with both ends among these nodes, found through the index."""
        if not len(node_ids):
            return []
        with self.view():
            inside = self.index("dataset").edges_among(node_ids, as_of=_LAST_INSTANT if as_of is None else as_of)
            pairs = zip(inside.source.tolist(), inside.target.tolist(), strict=True)
            return self._answers.edges_between(pairs, as_of)

    def edges_between(self, pairs: Collection[tuple[int, int]]) -> list[EdgeRow]:
        """Dataset-level edges valid now between these (source, target) pairs."""
        with self._reading():
            return self._answers.edges_between(pairs, None)

    def mappings(self, mapping_ids: Sequence[int]) -> dict[int, tuple[FieldEdge, ...]]:
        """The column edges of these mappings, by id."""
        found: dict[int, tuple[FieldEdge, ...]] = {0: ()} if 0 in mapping_ids else {}
        with self._reading():
            rows = self._tables.mappings.get_many([one for one in mapping_ids if one])
        found.update((key, row.fields) for key, row in rows.items())
        return found

    def mapping_fields(self, edge: EdgeRow) -> tuple[FieldEdge, ...]:
        """The column edges of a dataset-level edge, by name; empty if none are known."""
        if not edge.mapping:
            return ()
        with self._reading():
            return self._tables.mappings.get(edge.mapping).fields

    def derivation_fields(self, derivation_id: int, target_version_id: int) -> tuple[tuple[int, FieldEdge], ...]:
        """The column edges of one derivation into one output: (source version id, edge) pairs."""
        with self._reading():
            return self._answers.derivation_fields(derivation_id, target_version_id)

    # -- the whole store -------------------------------------------------------------------------------------------
    def tally(self) -> Tally:
        """The counts that are cheap enough to be queried at any time."""
        with self._reading():
            return Tally(**self._log_counts()._asdict(), **self._tables.counts())

    def statistics(self) -> Statistics:
        """All counts. The cost grows with the number of edges."""
        with self._reading():
            counts = msgspec.structs.asdict(self.tally())
            return Statistics(**counts, size_bytes=self.size_bytes(), column_edges=self._answers.column_edges())

    def graph_hash(self) -> str:
        """A digest of the whole graph, by name."""
        with self._reading():
            return GraphDigest(self._tables, self._stay_small).digest()

    def _stay_small(self) -> None:
        """Drop caches that have grown large; nothing may be pending."""

    def _leave_indexes(self) -> None:
        """Release the indexes, once."""
        if not self._is_closed:
            self._is_closed = True
            self._indexes.leave()
