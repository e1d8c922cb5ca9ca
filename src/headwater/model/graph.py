"""The lineage graph as plain data: nodes, edges, and the answer to a question.

An edge always points in the direction in which data flows. A dataset-level edge joins two datasets and carries the
job that moves the data; a job that only reads, or only writes, has an edge to or from the job itself. That keeps the
outputs of one job apart: ``a -> x`` and ``b -> y`` of the same job never suggest ``a -> y``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec


class NodeKind(StrEnum):
    """What a node is."""

    DATASET = "dataset"
    JOB = "job"
    RUN = "run"
    DATASET_VERSION = "dataset_version"
    FIELD = "field"


class How(StrEnum):
    """How an edge is known, strongest first."""

    #: the producer names source and target as such, or a job only reads or only writes
    DECLARED = "declared"
    #: columns of the target are said to come from columns of the source
    COLUMN = "column"
    #: the run read the one and wrote the other, and nothing says what it used for what
    PRODUCT = "product"
    #: a guess of the producer, from code or from timing alone
    INFERRED = "inferred"


class RunState(StrEnum):
    """The state of a run, in life-cycle order: the furthest one its events report, except that a failed run has not
    completed."""

    NEW = "NEW"
    RUNNING = "RUNNING"
    ABORTED = "ABORTED"
    FAILED = "FAILED"
    COMPLETED = "COMPLETED"

    @property
    def rank(self) -> int:
        """Position in the life cycle."""
        return _RANKS[self]


_RANKS = {state: rank for rank, state in enumerate(RunState)}


class Direction(StrEnum):
    """``upstream`` is towards the origin of the data, ``downstream`` towards its consumers."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"


WHOLE = ""
"""In the place of a column: the dataset as a whole, of which no columns are known (a picture, a text), or each of its
columns."""


class FieldEdge(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One column edge inside a dataset edge.

    ``type`` is DIRECT (the value flows) or INDIRECT (it decides: filter, join, group), ``subtype`` as in the
    OpenLineage columnLineage facet: IDENTITY, TRANSFORMATION, AGGREGATION, JOIN, GROUP_BY, FILTER, SORT, WINDOW,
    CONDITIONAL. ``target_field`` is ``WHOLE`` where the source field is behind all of the target.
    """

    source_field: str
    target_field: str
    type: str = "DIRECT"
    subtype: str = ""
    masking: bool = False
    description: str = ""

    def as_text(self) -> str:
        """``source -> target``, with ``*`` for the whole of the target."""
        return f"{self.source_field} -> {self.target_field or '*'}"


class Node(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One node of an answer.

    ``id`` is the public name (``dataset:{namespace}:{name}``, ``job:...``, ``run:{uuid}``,
    ``dataset:{namespace}:{name}#{version}``, ``datasetField:{namespace}:{name}:{field}``), ``type`` the dataset type
    (TABLE, FILE, MODEL, ...) or the operation of a job or run, ``state`` the state of a run or of the latest run of a
    job, ``level`` the smallest number of hops from a root.

    Nodes and edges are not followed by the garbage collector: an answer has thousands, and none refers to itself.
    """

    id: str
    kind: NodeKind
    namespace: str
    name: str
    type: str = ""
    state: str = ""
    level: int = 0
    properties: dict[str, Any] = {}


class Edge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One edge of an answer. ``source``, ``target`` and ``job`` are node ids; times are microseconds since the epoch,
    UTC. ``run`` is the UUID of the run that showed the edge: between versions the one that made the target, else the
    last one, which may be later than the instant asked about."""

    source: str
    target: str
    job: str = ""
    run: str = ""
    how: How = How.DECLARED
    valid_from: int = 0
    valid_to: int | None = None
    fields: tuple[FieldEdge, ...] = ()


class Graph(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A lineage graph that answers a question, and says what it leaves out.

    ``truncated`` is true when a limit cut the walk; ``gaps`` lists edges and nodes beyond which nothing is known
    (an edge without column lineage in a column walk, a job whose run failed); ``hidden`` counts, per node id, the
    neighbours that exist and are not shown.
    """

    roots: tuple[str, ...] = ()
    direction: str = ""
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    as_of: int | None = None
    truncated: bool = False
    gaps: tuple[str, ...] = ()
    hidden: dict[str, int] = {}
