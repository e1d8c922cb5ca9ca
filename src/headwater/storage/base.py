"""The ``Store`` contract that every storage backend implements; ``row_types`` has the rows it returns.

A store holds the lineage of **one tenant**. The tenant is chosen when the store is opened and is never a parameter, so
no query can cross tenants. Events are the source of truth: ``append`` writes them verbatim together with everything
derived from them, or writes nothing. Everything else is a view that ``rebuild`` recreates with the same ``graph_hash``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from headwater.model.graph import FieldEdge, NodeKind, RunState
from headwater.storage.answer_cache import Viewed
from headwater.storage.directory import Directory
from headwater.storage.event_intake import Intake
from headwater.storage.row_types import (
    DerivationRow,
    EdgeRow,
    FacetChange,
    Level,
    NodeRow,
    Quarantined,
    QuarantineTotals,
    RunRow,
    Side,
    Statistics,
    StoredEvent,
    Tally,
    VersionRow,
)
from headwater.storage.search import Search

if TYPE_CHECKING:  # the index needs numpy; a store that is only written to does not
    from headwater.storage.index import GraphIndex
    from headwater.storage.index.edge_source import EdgeSource


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """Optional features of a backend."""

    is_durable: bool
    """An event with a receipt survives a power failure."""
    has_online_backup: bool
    """``backup`` works while others write."""


class Store(Intake, Directory, Search, Viewed):
    """The lineage of one tenant. Opened with a backend's ``open``; close it, or use it as a context manager."""

    capabilities: Capabilities
    tenant: str

    # -- writing ---------------------------------------------------------------------------------------------------
    @abstractmethod
    def rebuild(self) -> str:
        """Drop all projections, rebuild them from the log, and return the graph hash."""

    @abstractmethod
    def retain(self, *, before: int) -> int:
        """Delete events received before an instant, and all lineage known from them alone. Return their number."""

    # -- objects ---------------------------------------------------------------------------------------------------
    @abstractmethod
    def find(self, kind: NodeKind, namespace: str, name: str) -> NodeRow | None:
        """The dataset or job with that name, after normalisation and aliases; None if unknown."""

    @abstractmethod
    def nodes(self, ids: Sequence[int]) -> list[NodeRow]:
        """The rows of these dataset-level ids, in order. Unknown ids are skipped."""

    @abstractmethod
    def scan_nodes(
        self,
        *,
        kind: NodeKind | None = None,
        type: str | None = None,
        namespace: str | None = None,
        after: int = 0,
        limit: int = 1000,
    ) -> list[NodeRow]:
        """One page of nodes with an id above ``after``, ascending. ``type`` ignores the case of ASCII letters."""

    @abstractmethod
    def facets(self, node_id: int, *, as_of: int | None = None) -> dict[str, msgspec.Raw]:
        """The facets of a dataset or job at an instant: the last writer by (event time, event key) wins."""

    @abstractmethod
    def history(self, node_id: int, *, facet: str | None = None, limit: int | None = None) -> list[FacetChange]:
        """All changes of a node's facets, including ``schema``, oldest first.

        With ``limit`` the last ones, and before them, for each of their facets, the one that they followed: what it was
        changed from.
        """

    @abstractmethod
    def fields(self, dataset_id: int) -> tuple[str, ...]:
        """Every field that the dataset ever had. Positions in this tuple are used in column mappings and never
        change."""

    @abstractmethod
    def run(self, run_id: str) -> RunRow | None:
        """One run, or None if it is unknown."""

    @abstractmethod
    def run_facets(self, run_id: str) -> dict[str, msgspec.Raw]:
        """The facets of a run, accumulated over its events."""

    @abstractmethod
    def run_io(self, run_id: str) -> tuple[list[VersionRow], list[VersionRow]]:
        """The versions that the run read and wrote (or claimed to, if it failed)."""

    @abstractmethod
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

    @abstractmethod
    def latest_runs(self, job_ids: Sequence[int], *, as_of: int | None = None) -> dict[int, RunRow]:
        """The latest run of each of these jobs that had started by an instant, by job id; jobs without one are
        left out."""

    @abstractmethod
    def versions(self, dataset_id: int, *, as_of: int | None = None, limit: int = 100) -> list[VersionRow]:
        """Versions of a dataset, latest first."""

    @abstractmethod
    def latest_versions(self, dataset_ids: Sequence[int], *, as_of: int | None = None) -> dict[int, VersionRow]:
        """The latest version of each of these datasets at an instant, by dataset id; datasets without one are left out.

        ``ordinal`` is not computed here and is 0.
        """

    @abstractmethod
    def version_facets(self, version_id: int) -> dict[str, msgspec.Raw]:
        """The facets of a version from the event that wrote (or first read) it: schema, statistics, model."""

    @abstractmethod
    def facets_of_versions(self, version_ids: Sequence[int]) -> dict[int, dict[str, msgspec.Raw]]:
        """``version_facets`` of each of these versions, by id. Unknown ids are left out."""

    @abstractmethod
    def run_nodes(self, ids: Sequence[int]) -> list[VersionRow | DerivationRow]:
        """The rows of these run-level ids, in order. Unknown ids are skipped."""

    @abstractmethod
    def derivation_runs(self, ids: Sequence[int]) -> dict[int, RunRow]:
        """The run of each of these derivations, by derivation id. Unknown ids are left out."""

    # -- graph -----------------------------------------------------------------------------------------------------
    @abstractmethod
    def edge_source(self, level: Level) -> EdgeSource:
        """The stream of integer edges that the graph index reads."""

    @abstractmethod
    def index(self, level: Level) -> GraphIndex:
        """The graph index of a level in the state of the open view, or else of the last acknowledged event."""

    @abstractmethod
    def edges(
        self, *, job_id: int | None = None, source_id: int | None = None, target_id: int | None = None
    ) -> list[EdgeRow]:
        """Dataset-level edges with these ends, including those that are no longer valid."""

    @abstractmethod
    def edges_of(self, node_ids: Sequence[int], side: Side, *, as_of: int | None = None) -> list[EdgeRow]:
        """Dataset-level edges with one of these nodes on that side that are valid at an instant (now if None).

        In the order of ``edges``: by source, target, job, and start.
        """

    @abstractmethod
    def edges_among(self, node_ids: Sequence[int], *, as_of: int | None = None) -> list[EdgeRow]:
        """Dataset-level edges valid at an instant whose two ends are among these nodes, in the same order.

        The cost depends on the edges found, not on how many other edges the nodes have.
        """

    @abstractmethod
    def mappings(self, mapping_ids: Sequence[int]) -> dict[int, tuple[FieldEdge, ...]]:
        """``mapping_fields`` for the ``mapping`` of many edges, by mapping id; 0 has none."""

    @abstractmethod
    def mapping_fields(self, edge: EdgeRow) -> tuple[FieldEdge, ...]:
        """The column edges of a dataset-level edge, by name; empty if none are known."""

    @abstractmethod
    def derivation_fields(self, derivation_id: int, target_version_id: int) -> tuple[tuple[int, FieldEdge], ...]:
        """The column edges of one derivation into one output: (source version id, edge) pairs."""

    # -- the whole store -----------------------------------------------------------------------------------------------
    @abstractmethod
    def events(self, *, since: int = 0, limit: int | None = None) -> Iterator[StoredEvent]:
        """The events of the log after a sequence number, verbatim."""

    @abstractmethod
    def quarantine(self, refused: Sequence[Quarantined]) -> list[int]:
        """Store what was rejected before it reached ``append``; returns the id of each entry.

        Something that is already in quarantine is counted there and not stored twice. The quarantine is bounded
        (``headwater.storage.quarantine``): the oldest entries are dropped, and counted.
        """

    @abstractmethod
    def quarantined(self, *, limit: int = 100, before: int | None = None) -> list[Quarantined]:
        """Quarantine entries, highest id first. A page has only ids below ``before``."""

    @abstractmethod
    def quarantine_entry(self, entry_id: int) -> Quarantined | None:
        """One quarantine entry, or None if there is none with that id."""

    @abstractmethod
    def release(self, ids: Sequence[int]) -> int:
        """Remove entries from quarantine; returns how many there were."""

    @abstractmethod
    def quarantine_totals(self) -> QuarantineTotals:
        """The size of the quarantine."""

    @abstractmethod
    def tally(self) -> Tally:
        """The counts that are cheap enough to be queried at any time."""

    @abstractmethod
    def statistics(self) -> Statistics:
        """All counts. The cost grows with the number of edges."""

    @abstractmethod
    def graph_hash(self) -> str:
        """A digest of the whole graph, by name: equal for any order, duplication or splitting of the same events."""

    @abstractmethod
    def backup(self, target: Path) -> None:
        """Write a consistent copy. Raises ``StoreError`` if the target exists."""

    @abstractmethod
    def close(self) -> None:
        """Release files and locks. Idempotent."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
