"""What a backend provides: tables of rows with look-up by key and by an indexed column, and a few ordered questions.

Everything a projector writes goes through here and becomes visible at once to its own reads; it becomes durable, or
vanishes, with the commit that the backend wraps around a batch.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from headwater.storage.projection.records import (
    Change,
    Dependency,
    Derivation,
    Edge,
    FacetSetRow,
    Fields,
    Flow,
    Listing,
    Mapping,
    Mention,
    Name,
    Node,
    Pulse,
    Run,
    SearchText,
    Shape,
    Statement,
    Version,
)

K_contra = TypeVar("K_contra", bound=Hashable, contravariant=True)
R = TypeVar("R")
Level = Literal["dataset", "run"]
LEVELS: tuple[Level, ...] = ("dataset", "run")
Side = Literal["source", "target", "job"]
"""A column of ``edges`` that names a node."""
NamedNode = tuple[int, int, str, int, int, bool | int, str, str]
"""Id, kind, type, created_at, updated_at and is_dropped of a node, then raw namespace and name of one of its names."""

HeldEdge = tuple[int, int, int, int, int, int | None, int, str, int, str | None]
"""The members of an ``Edge`` in their order, then the run that last showed its flow: an answer takes thousands."""

Counter = Literal["name", "node", "run", "step", "content", "mapping"]
"""Who hands out ids: names, nodes, runs, the run level
(versions and derivations), content, and column mappings."""


class Table(Protocol[K_contra, R]):
    """Rows by key."""

    def get(self, key: K_contra) -> R | None:
        """The row of that key. The same object until it is dropped: change it and ``put`` it."""

    def put(self, row: R) -> None:
        """Insert the row, or write it again after a change."""

    def drop(self, key: K_contra) -> None:
        """Remove the row if it is there."""

    def where(self, **equal: Any) -> list[R]:
        """Rows whose columns have these values, in no particular order. The columns must be indexed together."""

    def rows(self) -> Iterator[R]:
        """Every row, by key."""

    def get_many(self, keys: Iterable[K_contra]) -> list[R]:
        """The rows of these keys, each once, in no particular order; a key without a row is left out.

        For tables whose key is one integer. Few statements, however many keys; the objects are those of ``get``.
        """

    def where_any(self, column: str, values: Iterable[int] | Iterable[str]) -> list[R]:
        """Rows whose indexed integer ``column`` has one of these values, each once, in no particular order."""


class Contents(Protocol[R]):
    """Rows addressed by a digest of their content; written once, never changed."""

    def id_of(self, digest: bytes) -> int | None:
        """The id under which that content is stored."""

    def add(self, content_id: int, digest: bytes, row: R) -> None:
        """Store content that is new."""

    def get(self, content_id: int) -> R:
        """The content of that id. Raises ``KeyError`` when there is none."""

    def get_many(self, content_ids: Iterable[int]) -> dict[int, R]:
        """The content of these ids, by id. Raises ``KeyError`` when one of them has none."""


class SearchTable(Table[int, SearchText], Protocol):
    """What nodes are found by, with an index of it; sets of nodes are numbers, see ``node_sets``."""

    def loose(self) -> tuple[int, list[SearchText]]:
        """(the set of nodes that the index does not know as they are, what they are now)."""

    def sets(self, keys: Iterable[str]) -> dict[str, int]:
        """The nodes that the index has under each key; a key that has none is left out."""

    def keys_between(self, first: str, last: str) -> list[str]:
        """The keys of the index from one to another, ascending."""


class Span(NamedTuple):
    """A namespace or source: how it is spelt, and when its first and its last object were first heard of."""

    name: str
    uri: str
    first_at: int
    last_at: int


class DirectoryTables(Protocol):
    """What the directory lists, and the ordered questions about it. Namespaces are given in normal form."""

    @property
    def listings(self) -> Table[int, Listing]:
        """A row a node."""

    @property
    def pulses(self) -> Table[tuple[int, int], Pulse]:
        """RunEvents by quarter of an hour and type."""

    def namespaces(self) -> list[Span]:
        """Every namespace of a listing, by name, those of both kinds; in the spelling of its first listing."""

    def namespace(self, namespace: str) -> Span | None:
        """One of them."""

    def sources(self) -> list[Span]:
        """Every source of a listing, by name, with the URI of its first listing."""

    def source(self, name: str) -> Span | None:
        """One of them."""

    def datasets(self, namespace: str | None, limit: int, offset: int) -> list[int]:
        """Datasets that are not deleted, by namespace and name."""

    def jobs(self, namespace: str | None, states: Collection[int], limit: int, offset: int) -> list[int]:
        """Jobs that are not deleted, by (started_at, run id) of their last run, latest first, those without one at
        the end by name; with ``states`` only those whose last run has one of these ranks."""

    def recent_runs(self, limit: int) -> list[tuple[int, int]]:
        """(job, rank of the state) of the runs that started last, latest first by (started_at, run id)."""

    def count(self, kind: int, namespace: str | None, states: Collection[int]) -> int:
        """How many ``datasets`` or ``jobs`` there are."""

    def known_before(self, kind: int, instant: int) -> int:
        """How many listings were created before an instant, deleted ones included."""

    def runs_of(self, job: int) -> int:
        """How many runs a job has."""

    def pulses_between(self, first: int, last: int) -> list[Pulse]:
        """Pulses that start in ``[first, last)``, by start and type."""


class RewriteTable(Protocol):
    """What the followers of the run level are told of derivations that changed, see ``rewrites``."""

    @property
    def floor(self) -> int:
        """The last number that is told no more; 0 while all are."""

    def changed(self, old: Derivation, new: Derivation | None) -> None:
        """Tell that a derivation became another one of the same id, or went."""

    def after(self, step: int, until: int) -> list[tuple[int, bytes]]:
        """(number, what was told), by number from above ``step`` up to ``until``; numbers are ids of the run level."""


class ReadTable(Protocol):
    """Which runs read a dataset when: where a late write looks for those that it concerns. Nothing is taken out of it,
    so it can name runs that read something else by now.

    A run that says which version or fingerprint it saw is there under each of these marks, at its end; any other under
    the mark 0, at its start.
    """

    def add(self, dataset: int, mark: int, at: int, run: int) -> None:
        """A run read a dataset under a mark, at an instant."""

    def between(self, dataset: int, mark: int, first: int, last: int) -> list[int]:
        """Runs that read a dataset under a mark in ``[first, last]``, and perhaps some others."""

    def earliest(self, dataset: int, mark: int, first: int, limit: int) -> list[tuple[int, int]]:
        """(instant, run) of those that read a dataset under a mark from ``first`` on, the earliest first."""

    def earliest_of_each(self, wanted: Sequence[tuple[int, int, int]], limit: int) -> list[list[tuple[int, int]]]:
        """``earliest`` of each of these (dataset, mark, first), in order."""


class Tables(Protocol):
    """One tenant's tables."""

    @property
    def dependencies(self) -> Table[tuple[str, str], Dependency]:
        """What runs build on."""

    def has_dependencies(self) -> bool:
        """Whether any run builds on another."""

    @property
    def directory(self) -> DirectoryTables:
        """What the directory lists."""

    @property
    def names(self) -> Table[int, Name]:
        """Names."""

    @property
    def nodes(self) -> Table[int, Node]:
        """Nodes."""

    @property
    def runs(self) -> Table[int, Run]:
        """Runs."""

    @property
    def versions(self) -> Table[int, Version]:
        """Versions."""

    @property
    def derivations(self) -> Table[int, Derivation]:
        """Derivations."""

    @property
    def rewrites(self) -> RewriteTable:
        """How derivations changed."""

    @property
    def reads(self) -> ReadTable:
        """Who read what when."""

    @property
    def flows(self) -> Table[tuple[int, int, int], Flow]:
        """Flows."""

    @property
    def edges(self) -> Table[tuple[int, int, int, int, int], Edge]:
        """Edges."""

    @property
    def changes(self) -> Table[tuple[int, str, int, bytes], Change]:
        """Changes."""

    @property
    def statements(self) -> Table[tuple[int, int, int, bytes], Statement]:
        """Statements."""

    @property
    def fields(self) -> Table[int, Fields]:
        """Fields."""

    @property
    def search(self) -> SearchTable:
        """What nodes are found by."""

    @property
    def bodies(self) -> Contents[bytes]:
        """Bodies."""

    @property
    def facet_sets(self) -> Contents[FacetSetRow]:
        """Facet sets."""

    @property
    def shapes(self) -> Contents[Shape]:
        """Shapes."""

    @property
    def mappings(self) -> Contents[Mapping]:
        """Mappings."""

    @property
    def touched(self) -> set[int]:
        """Nodes of which an answer may show something else than before what was put and dropped.

        Rows of nodes, names, runs, versions, flows and edges count, for the node that they are shown with: the job of
        a run, the target of a flow or an edge. What is put counts when it is flushed. The one who announces the
        commit empties it.
        """

    def next_id(self, counter: Counter) -> int:
        """The next id of a counter, from 1."""

    def name(self, kind: int, namespace: str, name: str) -> Name | None:
        """The name, given in its normalised form."""

    def run(self, run_id: str) -> Run | None:
        """The run of that UUID."""

    def version_before(self, dataset: int, at: int, *, run_id: str, tag: str = "") -> Version | None:
        """The latest version by (created_at, run id) that a run other than ``run_id`` wrote no later than ``at``; with
        ``tag`` only one whose version, fingerprint or file digest is that."""

    def second_write_after(self, dataset: int, at: int) -> int | None:
        """The instant of the second write by a known run after an instant; None where there are not two."""

    def latest_versions(self, dataset: int, as_of: int | None, limit: int) -> list[Version]:
        """Versions of a dataset no later than an instant, latest first by (created_at, run id, tag)."""

    def version_ordinal(self, version: Version) -> int:
        """The place of a version among those of its dataset in that order, from 1."""

    def nodes_after(self, after: int, *, kind: int | None, type: str | None = None) -> Iterator[Node]:
        """Nodes with a higher id, ascending."""

    def runs_by_start(
        self, *, job: int | None, state: int | None, parent: str | None, before: int | None, limit: int
    ) -> list[Run]:
        """Runs that started before an instant, latest first by (started_at, run id)."""

    def runs_between(self, first: str, last: str, limit: int) -> list[Run]:
        """Runs by UUID, ascending, from ``first`` to ``last``, both included."""

    # -- for many at once: a few statements, however many are asked for ------------------------------------------------
    def latest_version_of_each(self, datasets: Iterable[int], as_of: int | None) -> list[Version]:
        """For each of these datasets the first of ``latest_versions``; none for one that has no version by then."""

    def version_ordinals(self, versions: Iterable[int]) -> dict[int, int]:
        """``version_ordinal`` of the versions of these ids, by id; an unknown id is left out."""

    def latest_run_of_each(self, jobs: Iterable[int], as_of: int | None) -> list[Run]:
        """For each of these jobs its last run by (started_at, run id) that started no later than an instant.

        For reading only: ``doc`` may be left empty, as it is large and not asked for.
        """

    def run_heads(self, runs: Iterable[int]) -> list[Run]:
        """The runs of these ids, in no particular order; for reading only, ``doc`` may be left empty."""

    def named_nodes(self, nodes: Iterable[int]) -> list[NamedNode]:
        """These nodes with their names, one a name, in no particular order; an unknown node is skipped."""

    def edges_holding(self, side: Side, nodes: Iterable[int], as_of: int | None) -> list[HeldEdge]:
        """Edges with one of these nodes at that side that hold at an instant, each once, in no particular order.

        An edge holds at ``as_of`` when ``valid_from <= as_of`` and it ends later or never; it holds now (``as_of``
        None) when it has no end. ``last_by`` is that of the flow of its (job, target, kind), None for none.
        """

    def edges_between(self, pairs: Iterable[tuple[int, int]], as_of: int | None) -> list[HeldEdge]:
        """The same for edges whose (source, target) is one of these pairs."""

    def latest_changes(self, node: int) -> list[Change]:
        """The last change of each facet of a node."""

    def mention(self, said: Iterable[tuple[int, int]], run: int, at: int, seq: int) -> None:
        """Add (name, facet set) pairs that one event spoke of to the log of mentions (see ``Mention``)."""

    def mentions(self, names: Iterable[int]) -> list[Mention]:
        """Every mention of these names."""

    def mentions_within(self, names: Iterable[int], first: int, last: int) -> Iterator[tuple[int, list[Mention]]]:
        """Mentions of these names a commit, of the commits that may hold an event in ``[first, last]``: each with an
        instant before which it holds none, by that. An event's mentions are all in one commit."""

    def counts(self) -> dict[str, int]:
        """Numbers of ``datasets``, ``jobs``, ``runs``, ``versions`` and ``edges``."""

    def held_mappings(self) -> Iterator[tuple[int, int]]:
        """For each column mapping of edges that hold, how many have it, and how many column edges it has."""

    def event_keys(self, seqs: Collection[int]) -> dict[int, bytes]:
        """The keys of stored events, by their numbers."""

    def edge_changed(self, edge: Edge) -> None:
        """Tell the followers of the dataset level about an edge; one with an empty interval is gone."""

    def edge_changes(self, since: int, limit: int) -> list[tuple[int, Edge]]:
        """(sequence number, edge) of what was told, in order."""

    def derivations_after(self, step: int, limit: int) -> list[Derivation]:
        """Derivations with a higher id, ascending."""

    def kinds(self, level: Level, first: int) -> Sequence[tuple[int, int]]:
        """(id, kind code) of the nodes of a level from an id on, ascending; ids may be missing."""

    def epoch(self, level: Level) -> int:
        """How often ids or edges of a level were rewritten."""

    def rewritten(self, level: Level) -> None:
        """Count a rewrite: what followers know of the level is void."""
