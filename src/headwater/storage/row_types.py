"""The rows that a store returns: receipts, nodes, runs, versions, edges, events, quarantine entries and counts.

Integers called ``id`` are private to a store and never leave the process; names do. Times are integers: microseconds
since the epoch, UTC.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

from headwater.model.graph import How, NodeKind, RunState

Level = Literal["dataset", "run"]
"""``dataset``: datasets and jobs, edges with validity. ``run``: dataset versions and derivations, immutable."""

Side = Literal["source", "target", "job"]
"""The role of a node in an edge: one of its ends, or its job."""


class ReceiptStatus(StrEnum):
    """The result of delivering one event."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one event. ``seq`` is its position in the log; a refused event has a reason and a quarantine_id."""

    status: ReceiptStatus
    key: str
    seq: int | None = None
    field: str = ""
    value: str = ""
    rule: str = ""
    hint: str = ""
    quarantine_id: int | None = None


class NodeRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A dataset or a job. ``name`` is spelled as first seen; ``type`` is the dataset type or the operation of
    the job."""

    id: int
    kind: NodeKind
    namespace: str
    name: str
    type: str = ""
    created_at: int = 0
    updated_at: int = 0
    is_deleted: bool = False
    aliases: tuple[tuple[str, str], ...] = ()
    """Other (namespace, name) pairs that refer to this node."""


class RunRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A run. ``job_id`` is a node id, ``parent_run`` the run that started this one."""

    run_id: str
    job_id: int
    state: RunState
    operation: str = ""
    started_at: int | None = None
    ended_at: int | None = None
    parent_run: str = ""


class VersionRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A dataset version: a node of the run level.

    ``run_id`` is the run that wrote it, or empty if no known run did. ``version`` is the name given by the producer,
    else the fingerprint, else the run id. ``ordinal`` counts from 1 within the dataset in time order. ``id`` is 0 for a
    version that an unfinished, failed or aborted run reports: the graph does not contain it.
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
    """A group of outputs of one run that share the same inputs: the other kind of node of the run level."""

    id: int
    run_id: str


class EdgeRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A dataset-level edge.

    ``source_id`` and ``target_id`` are nodes; one of them is the job if the job only reads or only writes. ``job_id``
    is 0 for an edge that a dataset declares itself. ``run_id`` is the run that last reported it, or empty if it was
    declared at design time. ``valid_to`` is None while it is valid. ``mapping`` is 0 if no column lineage is known.
    """

    source_id: int
    target_id: int
    job_id: int
    how: How
    run_id: str
    valid_from: int
    valid_to: int | None = None
    mapping: int = 0


class FacetChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one facet of a node: the new body as JSON (None if it was removed) and the event that
    changed it."""

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
    """Rejected input, with the reason. The store assigns the ``id`` and counts how many ``times`` it arrived."""

    received_at: int
    """When it last arrived."""
    body: bytes
    """The input, or only its beginning if ``size_bytes`` is larger."""
    field: str
    value: str
    rule: str
    hint: str = ""
    kind: str = "event"
    """``event``, ``record``, or ``body`` (a whole request that could not be parsed)."""
    size_bytes: int = 0
    times: int = 1
    id: int = 0


class QuarantineTotals(msgspec.Struct, frozen=True, kw_only=True):
    """The size of the quarantine, and how many entries were dropped to make room."""

    entries: int
    size_bytes: int
    dropped: int


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Counts that are cheap to compute. ``last_seq`` is the last visible event."""

    events: int
    set_aside: int = 0
    """Events of the log that an earlier version accepted and this one refuses: the graph was rebuilt without them, and
    they are in quarantine."""
    datasets: int
    jobs: int
    runs: int
    versions: int
    edges: int
    quarantined: int
    last_seq: int


class Statistics(Tally, frozen=True, kw_only=True):
    """All counts. Counting column edges reads every edge; ``size_bytes`` is the size on disk (0 in memory)."""

    column_edges: int
    size_bytes: int
