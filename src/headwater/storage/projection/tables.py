"""The tables that a backend provides: look-up by key or by indexed columns, and a few ordered queries.

The projector writes only through these tables, and reads its own writes at once. They become durable, or are discarded,
with the transaction that the backend wraps around a batch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Literal, Protocol

from headwater.storage.projection.directory_tables import DirectoryTables
from headwater.storage.projection.records import (
    Change,
    Dependency,
    Derivation,
    Edge,
    FacetSetRow,
    Fields,
    Flow,
    Mapping,
    Mention,
    Name,
    Node,
    Run,
    SearchText,
    Shape,
    Statement,
    Version,
)
from headwater.storage.projection.table import Contents, Table

Level = Literal["dataset", "run"]
LEVELS: tuple[Level, ...] = ("dataset", "run")
Side = Literal["source", "target", "job"]
"""A column of ``edges`` that names a node."""
NamedNode = tuple[int, int, str, int, int, bool | int, str, str]
"""Id, kind, type, created_at, updated_at and is_dropped of a node, then raw namespace and name of one of its names."""

HeldEdge = tuple[int, int, int, int, int, int | None, int, str, int, str | None]
"""The fields of an ``Edge`` in order, then the run that last reported it. A tuple, because an answer needs
thousands."""

Counter = Literal["name", "node", "run", "step", "content", "mapping"]
"""The counters that allocate ids: for names, nodes, runs, the run level (versions and derivations), content, and column
mappings."""


class SearchTable(Table[int, SearchText], Protocol):
    """The search texts of nodes, with an index. Sets of nodes are integers, see ``node_sets``."""

    def loose(self) -> tuple[int, list[SearchText]]:
        """The set of nodes whose current text is not in the index yet, and their search texts."""

    def sets(self, keys: Iterable[str]) -> dict[str, int]:
        """The set of nodes of each key in the index. Keys without nodes are left out."""

    def keys_between(self, first: str, last: str) -> list[str]:
        """The keys of the index in a closed range, ascending."""


class RewriteTable(Protocol):
    """The log of changed derivations for followers of the run level, see ``rewrites``."""

    @property
    def floor(self) -> int:
        """The last number that has been deleted from the log; 0 if none has."""

    def changed(self, old: Derivation, new: Derivation | None) -> None:
        """Log that a derivation was replaced by another with the same id, or removed."""

    def after(self, step: int, until: int) -> list[tuple[int, bytes]]:
        """(number, entry) pairs by number, above ``step`` and up to ``until``. Numbers are ids of the run level."""


class ReadTable(Protocol):
    """Which runs read a dataset at which time. A late write looks up the affected runs here.

    Rows are never deleted, so some may refer to runs that have been bound to another version since. A run that
    reported a version or fingerprint is recorded under each of these marks, at its end; any other run under mark 0, at
    its start.
    """

    def add(self, dataset: int, mark: int, at: int, run: int) -> None:
        """Record that a run read a dataset under a mark, at an instant."""

    def between(self, dataset: int, mark: int, first: int, last: int) -> list[int]:
        """Runs that read a dataset under a mark in ``[first, last]``, possibly with some others."""

    def earliest(self, dataset: int, mark: int, first: int, limit: int) -> list[tuple[int, int]]:
        """(instant, run) of the runs that read a dataset under a mark from ``first`` on, earliest first."""

    def earliest_of_each(self, wanted: Sequence[tuple[int, int, int]], limit: int) -> list[list[tuple[int, int]]]:
        """``earliest`` of each of these (dataset, mark, first), in order."""


class Tables(Protocol):
    """One tenant's tables."""

    @property
    def dependencies(self) -> Table[tuple[str, str], Dependency]:
        """Dependencies between runs."""

    def has_dependencies(self) -> bool:
        """Whether any run depends on another."""

    @property
    def directory(self) -> DirectoryTables:
        """The directory."""

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
        """Changes of derivations."""

    @property
    def reads(self) -> ReadTable:
        """Reads of datasets by runs."""

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
        """Search texts."""

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
        """Nodes whose answers may have changed through rows that were put or dropped.

        Rows of nodes, names, runs, versions, flows and edges count for the node that answers show them with: the job
        of a run, the target of a flow or an edge. Rows that were put count once they are flushed. The code that
        announces the commit clears the set.
        """

    def next_id(self, counter: Counter) -> int:
        """The next id of a counter, from 1."""

    def name(self, kind: int, namespace: str, name: str) -> Name | None:
        """The name with this normalised form."""

    def run(self, run_id: str) -> Run | None:
        """The run with that UUID."""

    def version_before(self, dataset: int, at: int, *, run_id: str, tag: str = "") -> Version | None:
        """The latest version by (created_at, run id) that a run other than ``run_id`` wrote no later than ``at``; with
        ``tag`` only one whose version, fingerprint or file digest is that."""

    def second_write_after(self, dataset: int, at: int) -> int | None:
        """The instant of the second write by a known run after an instant, or None if there are fewer than two."""

    def writes_before(self, dataset: int, job: int, order: tuple[int, str], limit: int) -> list[Version]:
        """The last versions that runs of a job wrote before a place in the order by (created_at, run id), latest
        first."""

    def writes_after(self, dataset: int, job: int, order: tuple[int, str], limit: int) -> list[Version]:
        """The first versions that runs of a job wrote after a place in that order, ascending."""

    def latest_versions(self, dataset: int, as_of: int | None, limit: int) -> list[Version]:
        """Versions of a dataset no later than an instant, latest first by (created_at, run id, tag)."""

    def version_ordinal(self, version: Version) -> int:
        """The position of a version among those of its dataset in that order, from 1."""

    def nodes_after(self, after: int, *, kind: int | None, type: str | None = None) -> Iterator[Node]:
        """Nodes with a higher id, ascending."""

    def runs_by_start(
        self, *, job: int | None, state: int | None, parent: str | None, before: int | None, limit: int
    ) -> list[Run]:
        """Runs that started before an instant, latest first by (started_at, run id)."""

    def runs_between(self, first: str, last: str, limit: int) -> list[Run]:
        """Runs by UUID, ascending, from ``first`` to ``last``, both included."""

    # -- bulk queries: a few statements for any number of keys ---------------------------------------------------------
    def latest_version_of_each(self, datasets: Iterable[int], as_of: int | None) -> list[Version]:
        """For each of these datasets the first of ``latest_versions``. Datasets without a version by then are
        left out."""

    def version_ordinals(self, versions: Iterable[int]) -> dict[int, int]:
        """``version_ordinal`` of the versions with these ids, by id. Unknown ids are left out."""

    def latest_run_of_each(self, jobs: Iterable[int], as_of: int | None) -> list[Run]:
        """For each of these jobs its latest run by (started_at, run id) that started no later than an instant.

        Read-only: ``doc`` may be empty, because it is large and not needed.
        """

    def run_heads(self, runs: Iterable[int]) -> list[Run]:
        """The runs with these ids, in no particular order. Read-only: ``doc`` may be empty."""

    def named_nodes(self, nodes: Iterable[int]) -> list[NamedNode]:
        """These nodes with their names, one row per name, in no particular order. Unknown nodes are skipped."""

    def edges_holding(self, side: Side, nodes: Iterable[int], as_of: int | None) -> list[HeldEdge]:
        """Edges with one of these nodes on that side that are valid at an instant, each once, in no particular order.

        An edge is valid at ``as_of`` if ``valid_from <= as_of`` and it ends later or never. It is valid now (``as_of``
        None) if it has no end. ``last_by`` comes from the flow of its (job, target, kind), or is None without one.
        """

    def edges_between(self, pairs: Iterable[tuple[int, int]], as_of: int | None) -> list[HeldEdge]:
        """The same for edges whose (source, target) is one of these pairs."""

    def edges_before(self, flow: tuple[int, int, int], sources: Collection[int], at: int) -> list[Edge]:
        """For each of these sources, the edge of a (job, target, kind) that became valid last before an instant, if it
        has one."""

    def latest_changes(self, node: int, as_of: int | None = None) -> list[Change]:
        """The last change of each facet of a node, up to an instant if given."""

    def changes_before(self, node: int, name: str, order: tuple[int, bytes], limit: int) -> list[Change]:
        """The last changes of a facet before a place in its order (see ``change_order``), latest first."""

    def changes_from(self, node: int, name: str, order: tuple[int, bytes], limit: int) -> list[Change]:
        """The first changes of a facet from a place in its order on, ascending."""

    def mention(self, mentioned: Iterable[tuple[int, int]], run: int, at: int, seq: int) -> None:
        """Add the (name, facet set) pairs of an event to the log of mentions (see ``Mention``)."""

    def mentions(self, names: Iterable[int]) -> list[Mention]:
        """All mentions of these names."""

    def mentions_within(self, names: Iterable[int], first: int, last: int) -> Iterator[tuple[int, list[Mention]]]:
        """(instant, mentions of these names) of each commit that may have an event in ``[first, last]``, ascending; no
        event of the commit is earlier than the instant. The mentions of an event are all in one commit."""

    def counts(self) -> dict[str, int]:
        """Numbers of ``datasets``, ``jobs``, ``runs``, ``versions`` and ``edges``."""

    def held_mappings(self) -> Iterator[tuple[int, int]]:
        """For each column mapping of valid edges, the number of edges that use it and the number of its
        column edges."""

    def event_keys(self, seqs: Collection[int]) -> dict[int, bytes]:
        """The keys of stored events, by sequence number."""

    def edge_changed(self, edge: Edge) -> None:
        """Log a changed edge for followers of the dataset level. An edge with an empty interval was removed."""

    def edge_changes(self, since: int, limit: int) -> list[tuple[int, Edge]]:
        """(sequence number, edge) of logged changes, in order."""

    def derivations_after(self, step: int, limit: int) -> list[Derivation]:
        """Derivations with a higher id, ascending."""

    def kinds(self, level: Level, first: int) -> Sequence[tuple[int, int]]:
        """(id, kind code) of the nodes of a level from an id on, ascending; ids may be missing."""

    def epoch(self, level: Level) -> int:
        """How often ids or edges of a level were rewritten."""

    def rewritten(self, level: Level) -> None:
        """Count a rewrite, after which followers must read the level again."""
