"""The ``Store`` contract: what every backend promises, and the rows it answers with.

A store holds the lineage of **one tenant**; the tenant is chosen when the store is opened and is never a parameter of
a question, so a question cannot cross it. Events are the truth: ``append`` writes them verbatim together with
everything that follows from them, or writes nothing. All else is a view that ``rebuild`` makes again to the same
``graph_hash``. Integers called ``id`` are the store's own and never leave the process; names do. Times are integers:
microseconds since the epoch, UTC.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import msgspec

from headwater.model.graph import FieldEdge, How, NodeKind, RunState
from headwater.storage.answer_cache import Viewed
from headwater.storage.directory import Directory
from headwater.storage.event_intake import Intake
from headwater.storage.search import Search

if TYPE_CHECKING:  # the index needs numpy; a store that is only written to does not
    from headwater.storage.index import GraphIndex
    from headwater.storage.index.edge_source import EdgeSource

Level = Literal["dataset", "run"]
"""``dataset``: datasets and jobs, edges with validity. ``run``: dataset versions and derivations, immutable."""

Side = Literal["source", "target", "job"]
"""Which end of an edge a node is at, or that it is the job of the edge."""


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a backend can do beyond the contract's minimum."""

    is_durable: bool
    """A receipt means the event survives a power cut."""
    has_online_backup: bool
    """``backup`` works while others write."""


class ReceiptStatus(StrEnum):
    """What became of one delivered event."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one event. ``seq`` is its place in the log; what is refused has a reason and a quarantine_id."""

    status: ReceiptStatus
    key: str
    seq: int | None = None
    field: str = ""
    value: str = ""
    rule: str = ""
    hint: str = ""
    quarantine_id: int | None = None


class NodeRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A dataset or a job. ``name`` is as first seen; ``type`` is the dataset type or the job's operation."""

    id: int
    kind: NodeKind
    namespace: str
    name: str
    type: str = ""
    created_at: int = 0
    updated_at: int = 0
    is_deleted: bool = False
    aliases: tuple[tuple[str, str], ...] = ()
    """Other (namespace, name) pairs that are this node."""


class RunRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A run. ``job_id`` is a node id; ``parent_run`` the run that started this one."""

    run_id: str
    job_id: int
    state: RunState
    operation: str = ""
    started_at: int | None = None
    ended_at: int | None = None
    parent_run: str = ""


class VersionRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A dataset version: a node of the run level.

    ``run_id`` is the run that wrote it, empty for a state of the dataset that no known run wrote. ``version`` is the
    name given by the producer, else the fingerprint, else the run id. ``ordinal`` counts from 1 within the dataset in
    time order. ``id`` is 0 for what a run that does not count (failed, aborted, not ended) claims to have read or
    written: there is no such state in the graph.
    """

    id: int
    dataset_id: int
    version: str
    run_id: str = ""
    created_at: int = 0
    fingerprint: str = ""
    ordinal: int = 0
    row_count: int | None = None


class DerivationRow(msgspec.Struct, frozen=True, kw_only=True):
    """One run's group of outputs that share the same inputs: the other node of the run level."""

    id: int
    run_id: str


class EdgeRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A dataset-level edge. ``source_id``/``target_id`` are nodes; one of them is the job where a job only reads or
    only writes. ``job_id`` is 0 for an edge that a dataset declares of itself. ``run_id`` is the run that last showed
    it, empty for edges declared at design time; ``valid_to`` None while it holds. ``mapping`` is 0 where no column
    lineage is known."""

    source_id: int
    target_id: int
    job_id: int
    how: How
    run_id: str
    valid_from: int
    valid_to: int | None = None
    mapping: int = 0


class FacetChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one facet of a node: the body as JSON (None where it was removed) and the event that made it."""

    name: str
    changed_at: int
    body: msgspec.Raw | None
    event_key: str
    run_id: str = ""


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the log, verbatim."""

    seq: int
    key: str
    received_at: int
    body: bytes


class Quarantined(msgspec.Struct, frozen=True, kw_only=True):
    """Something refused, kept with the reason. The store gives the ``id`` and counts the ``times`` it came."""

    received_at: int
    """When it came last."""
    body: bytes
    """What arrived; the beginning of it where ``size_bytes`` is more."""
    field: str
    value: str
    rule: str
    hint: str = ""
    kind: str = "event"
    """What it was sent as: ``event``, ``record`` or ``body`` (a whole request that could not be taken apart)."""
    size_bytes: int = 0
    times: int = 1
    id: int = 0


class QuarantineTotals(msgspec.Struct, frozen=True, kw_only=True):
    """How much is in quarantine, and how many entries had to make room for later ones."""

    entries: int
    size_bytes: int
    dropped: int


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of what is stored that cost little; ``last_seq`` is the last event that is shown."""

    events: int
    datasets: int
    jobs: int
    runs: int
    versions: int
    edges: int
    quarantined: int
    last_seq: int


class Statistics(Tally, frozen=True, kw_only=True):
    """All counts; ``size_bytes`` is what the store takes on disk (0 in memory). To count column edges every edge is
    looked at."""

    column_edges: int
    size_bytes: int


class Store(Intake, Directory, Search, Viewed):
    """The lineage of one tenant. Open it with the backend's ``open``; close it, or use it as a context manager."""

    capabilities: Capabilities
    tenant: str

    # -- writing ---------------------------------------------------------------------------------------------------
    @abstractmethod
    def rebuild(self) -> str:
        """Drop every projection, make them again from the log, and return the graph hash."""

    @abstractmethod
    def retain(self, *, before: int) -> int:
        """Forget events received before an instant, with what only they showed; return how many were forgotten."""

    # -- objects ---------------------------------------------------------------------------------------------------
    @abstractmethod
    def find(self, kind: NodeKind, namespace: str, name: str) -> NodeRow | None:
        """The dataset or job of that name, through normalisation and aliases; None when unknown."""

    @abstractmethod
    def nodes(self, ids: Sequence[int]) -> list[NodeRow]:
        """The rows of these dataset-level ids, in order; an unknown id is skipped."""

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
        """Nodes with id above ``after``, ascending: a page. A type is meant whatever the case of its ASCII letters."""

    @abstractmethod
    def facets(self, node_id: int, *, as_of: int | None = None) -> dict[str, msgspec.Raw]:
        """The facets of a dataset or job as they stood: last writer by (event time, event key) wins."""

    @abstractmethod
    def history(self, node_id: int, *, facet: str | None = None) -> list[FacetChange]:
        """Every change of a node's facets (``schema`` included), oldest first."""

    @abstractmethod
    def fields(self, dataset_id: int) -> tuple[str, ...]:
        """Every field the dataset ever had. A field's place is its position in column mappings and never changes."""

    @abstractmethod
    def run(self, run_id: str) -> RunRow | None:
        """One run; None when unknown."""

    @abstractmethod
    def run_facets(self, run_id: str) -> dict[str, msgspec.Raw]:
        """The facets of a run, accumulated over its events."""

    @abstractmethod
    def run_io(self, run_id: str) -> tuple[list[VersionRow], list[VersionRow]]:
        """What the run read and wrote (or claimed to, if it failed), as versions."""

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
        """The last run of each of these jobs that had started at an instant, by job id; none for a job without one."""

    @abstractmethod
    def versions(self, dataset_id: int, *, as_of: int | None = None, limit: int = 100) -> list[VersionRow]:
        """Versions of a dataset, latest first."""

    @abstractmethod
    def latest_versions(self, dataset_ids: Sequence[int], *, as_of: int | None = None) -> dict[int, VersionRow]:
        """The latest version of each of these datasets at an instant, by dataset id; none for a dataset without one.

        ``ordinal`` is 0: it is not counted here.
        """

    @abstractmethod
    def version_facets(self, version_id: int) -> dict[str, msgspec.Raw]:
        """The facets given for that version by the event that wrote (or first read) it: schema, statistics, model."""

    @abstractmethod
    def facets_of_versions(self, version_ids: Sequence[int]) -> dict[int, dict[str, msgspec.Raw]]:
        """``version_facets`` of each of these versions, by its id; an unknown id is left out."""

    @abstractmethod
    def run_nodes(self, ids: Sequence[int]) -> list[VersionRow | DerivationRow]:
        """The rows of these run-level ids, in order; an unknown id is skipped."""

    @abstractmethod
    def derivation_runs(self, ids: Sequence[int]) -> dict[int, RunRow]:
        """The run of each of these derivations, by derivation id; an unknown id is left out."""

    # -- graph -----------------------------------------------------------------------------------------------------
    @abstractmethod
    def edge_source(self, level: Level) -> EdgeSource:
        """The stream of integer edges that the index follows."""

    @abstractmethod
    def index(self, level: Level) -> GraphIndex:
        """The graph index of that level in the state of the view at hand, else as of the last acknowledged event."""

    @abstractmethod
    def edges(
        self, *, job_id: int | None = None, source_id: int | None = None, target_id: int | None = None
    ) -> list[EdgeRow]:
        """Dataset-level edges with these ends, past ones included."""

    @abstractmethod
    def edges_of(self, node_ids: Sequence[int], side: Side, *, as_of: int | None = None) -> list[EdgeRow]:
        """Dataset-level edges with one of these nodes at that side that hold at an instant (now when None), in the
        order of ``edges``: by source, target, job, and start."""

    @abstractmethod
    def edges_among(self, node_ids: Sequence[int], *, as_of: int | None = None) -> list[EdgeRow]:
        """Dataset-level edges that hold at an instant and whose two ends are among these nodes, in the same order.

        What it costs goes by the edges found, however many others the nodes have.
        """

    @abstractmethod
    def mappings(self, mapping_ids: Sequence[int]) -> dict[int, tuple[FieldEdge, ...]]:
        """``mapping_fields`` for the ``mapping`` of many edges, by that id; 0 gives none."""

    @abstractmethod
    def mapping_fields(self, edge: EdgeRow) -> tuple[FieldEdge, ...]:
        """The column edges of a dataset-level edge, by name; empty where none are known."""

    @abstractmethod
    def derivation_fields(self, derivation_id: int, target_version_id: int) -> tuple[tuple[int, FieldEdge], ...]:
        """The column edges of one derivation into one output: (source version id, edge) pairs."""

    # -- the whole -------------------------------------------------------------------------------------------------
    @abstractmethod
    def events(self, *, since: int = 0, limit: int | None = None) -> Iterator[StoredEvent]:
        """The log after a sequence number, verbatim."""

    @abstractmethod
    def quarantine(self, refused: Sequence[Quarantined]) -> list[int]:
        """Keep what was refused before it reached ``append``; returns the id of each.

        What is in quarantine already is counted there instead of being kept twice. The quarantine is bounded
        (``headwater.storage.quarantine``): the oldest entries make room, and are counted.
        """

    @abstractmethod
    def quarantined(self, *, limit: int = 100, before: int | None = None) -> list[Quarantined]:
        """What is in quarantine, highest id first; ``before`` is the id that a page begins below."""

    @abstractmethod
    def quarantine_entry(self, entry_id: int) -> Quarantined | None:
        """One entry of the quarantine; None when there is none of that id."""

    @abstractmethod
    def release(self, ids: Sequence[int]) -> int:
        """Take entries out of quarantine; returns how many there were."""

    @abstractmethod
    def quarantine_totals(self) -> QuarantineTotals:
        """How much is in quarantine."""

    @abstractmethod
    def tally(self) -> Tally:
        """Counts of what is stored, as often as somebody looks."""

    @abstractmethod
    def statistics(self) -> Statistics:
        """Counts of what is stored, all of them: what it costs grows with the edges."""

    @abstractmethod
    def graph_hash(self) -> str:
        """A digest of the whole graph, by name: equal for any order, duplication or splitting of the same events."""

    @abstractmethod
    def backup(self, target: Path) -> None:
        """Write a consistent copy. Raises ``StoreError`` when the target exists."""

    @abstractmethod
    def close(self) -> None:
        """Release files and locks. Idempotent."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
