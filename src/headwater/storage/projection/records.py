"""The rows of the tables. They are mutable: ``put`` a row again after changing it."""

from __future__ import annotations

from typing import Final

import msgspec

from headwater.model.graph import FieldEdge, How, NodeKind

NOTHING: Final = 0
DATASET: Final = 1
JOB: Final = 2
VERSION: Final = 3
DERIVATION: Final = 4
"""Node kinds as the index stores them (one byte). ``NOTHING`` is the kind of id 0 and of ids left over by merges."""

KIND_CODES: Final = {NodeKind.DATASET: DATASET, NodeKind.JOB: JOB}
KIND_NAMES: Final = {DATASET: NodeKind.DATASET, JOB: NodeKind.JOB}
HOWS: Final = tuple(How)
"""``How`` by rank: 0 is the strongest."""

OBSERVED: Final = 0
DESIGNED: Final = 1
DESCRIBED: Final = 2
"""The origin of a flow: the runs of a job, its JobEvents, or the DatasetEvents of its target."""


class Row(msgspec.Struct, kw_only=True, gc=False):
    """Base class of all rows."""


class Name(Row):
    """A normalised name. Names are permanent; the node they belong to changes when nodes are merged."""

    id: int
    kind: int
    namespace: str
    name: str
    node: int
    #: as spelled in the earliest event that mentions it
    raw_namespace: str
    raw_name: str
    first_at: int
    first_key: bytes
    #: an event was about it, rather than only mentioning it as another name
    is_direct: bool = False
    #: an event stated that it is the former name of something
    is_renamed: bool = False


class Node(Row):
    """A dataset or a job: a set of names."""

    id: int
    kind: int
    type: str = ""
    created_at: int = 0
    updated_at: int = 0
    #: latest successful write: version id (0: none), and its sort key among versions
    head: int = 0
    head_at: int = 0
    head_run: str = ""
    #: writes no later than this instant may concern runs that have read the dataset, and rebind them
    read_until: int = 0
    #: latest statement about its life cycle
    life_at: int = 0
    life_key: bytes = b""
    life_run: str = ""
    is_dropped: bool = False


class Run(Row):
    """A run. ``doc`` holds the merged statements of its events (see ``run_documents``)."""

    id: int
    run_id: str
    job: int
    state: int
    operation: str
    started_at: int
    ended_at: int | None
    parent_run: str
    doc: bytes


class Version(Row):
    """A state of a dataset. ``run`` is 0 if no known run wrote it; ``tag`` is then the mark that its readers gave."""

    id: int
    dataset: int
    created_at: int
    run: int = 0
    run_id: str = ""
    job: int = 0
    tag: str = ""
    fingerprint: str = ""
    file_digest: str = ""
    row_count: int | None = None
    #: what flowed into it (0: unknown), see ``Shape``
    shape: int = 0


class Derivation(Row, gc=True):
    """A group of outputs of a run that share the same inputs."""

    id: int
    run: int
    job: int
    #: (version id, mapping id)
    inputs: list[tuple[int, int]]
    #: version ids
    outputs: list[int]


class Flow(Row):
    """The state of a (job, target) pair: its last step, and what flowed then."""

    job: int
    target: int
    kind: int
    last_at: int
    last_by: str
    shape: int


class Edge(Row):
    """A dataset-level edge over one interval of validity. ``run`` of an open edge is its flow's ``last_by``."""

    source: int
    target: int
    job: int
    kind: int
    valid_from: int
    valid_to: int | None
    how: int
    run: str
    mapping: int


class Change(Row):
    """The start of a facet's body (0: removed) on a node. ``is_repeated``: it was stated again later."""

    node: int
    name: str
    at: int
    key: bytes
    body: int
    run_id: str
    is_repeated: bool = False


def change_order(change: Change) -> tuple[int, bytes]:
    """Sort key of the changes of a facet."""
    return change.at, change.key


class Statement(Row, gc=True):
    """A statement about a node at an instant: a JobEvent's lineage, a DatasetEvent's lineage, or its life cycle."""

    #: a name id
    subject: int
    kind: int
    at: int
    key: bytes
    #: (target name id, shape); for the life cycle one pair (0, 1 where dropped else 0)
    says: list[tuple[int, int]]


class Mention(Row):
    """An event mentioned a name, with a facet set (0: none), in a run (0: none)."""

    name: int
    run: int
    facets: int
    at: int
    seq: int


class Dependency(Row):
    """A run depends on another, which may not have arrived yet."""

    run_id: str
    on_run: str
    #: time of the event that states it
    at: int


class Shape(Row, gc=True):
    """What flows into a target: (source name id, rank of how, mapping id), sorted. Addressed by content."""

    id: int
    sources: list[tuple[int, int, int]]


class Mapping(Row, gc=True):
    """Column edges between two names. Addressed by content."""

    id: int
    source: int
    target: int
    fields: tuple[FieldEdge, ...]


class FacetSetRow(Row, gc=True):
    """The dataset or job facets of one event: (facet name, body id; 0 removes it), sorted. Addressed by content."""

    id: int
    facets: list[tuple[str, int]]


class Fields(Row, gc=True):
    """The fields of a dataset; the position of a field never changes."""

    node: int
    names: list[str]


class Listing(Row):
    """The directory's entry of a node, under its display name."""

    node: int
    kind: int
    #: normalised by its spelling alone
    namespace: str
    name: str
    #: the namespace as displayed
    spelt: str
    created_at: int
    is_deleted: bool
    #: the data source of a dataset, from its facets or else its namespace; empty for a job
    source: str = ""
    source_uri: str = ""


class Pulse(Row):
    """How many RunEvents of a type have their event time in the quarter of an hour from ``start`` on."""

    start: int
    type: int
    count: int


class SearchText(Row):
    """The searchable text of a node; columns with several values have one per line."""

    node: int
    kind: int
    namespace: str
    name: str
    fields: str = ""
    description: str = ""
    tags: str = ""
    owners: str = ""
    type: str = ""
    is_deleted: bool = False
