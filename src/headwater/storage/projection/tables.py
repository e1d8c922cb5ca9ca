"""What a backend provides: tables of rows with look-up by key and by an indexed column, and a few ordered questions.

Everything a projector writes goes through here and becomes visible at once to its own reads; it becomes durable, or
vanishes, with the commit that the backend wraps around a batch.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any, Literal, Protocol, TypeVar

from headwater.storage.projection.records import (
    Change,
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

K_contra = TypeVar("K_contra", bound=Hashable, contravariant=True)
R = TypeVar("R")
Level = Literal["dataset", "run"]
LEVELS: tuple[Level, ...] = ("dataset", "run")
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


class Contents(Protocol[R]):
    """Rows addressed by a digest of their content; written once, never changed."""

    def id_of(self, digest: bytes) -> int | None:
        """The id under which that content is stored."""

    def add(self, content_id: int, digest: bytes, row: R) -> None:
        """Store content that is new."""

    def get(self, content_id: int) -> R:
        """The content of that id. Raises ``KeyError`` when there is none."""


class Tables(Protocol):
    """One tenant's tables."""

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
    def search(self) -> Table[int, SearchText]:
        """Search."""

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

    def next_id(self, counter: Counter) -> int:
        """The next id of a counter, from 1."""

    def name(self, kind: int, namespace: str, name: str) -> Name | None:
        """The name, given in its normalised form."""

    def run(self, run_id: str) -> Run | None:
        """The run of that UUID."""

    def version_before(self, dataset: int, at: int, *, run_id: str, tag: str = "") -> Version | None:
        """The latest version by (created_at, run id) that a run other than ``run_id`` wrote no later than ``at``; with
        ``tag`` only one whose version, fingerprint or file digest is that."""

    def latest_versions(self, dataset: int, as_of: int | None, limit: int) -> list[Version]:
        """Versions of a dataset no later than an instant, latest first by (created_at, run id, tag)."""

    def version_ordinal(self, version: Version) -> int:
        """The place of a version among those of its dataset in that order, from 1."""

    def nodes_after(self, after: int, *, kind: int | None) -> Iterator[Node]:
        """Nodes with a higher id, ascending."""

    def runs_by_start(
        self, *, job: int | None, state: int | None, parent: str | None, before: int | None, limit: int
    ) -> list[Run]:
        """Runs that started before an instant, latest first by (started_at, run id)."""

    def latest_changes(self, node: int) -> list[Change]:
        """The last change of each facet of a node."""

    def mention(self, name: int, run: int, facets: int, at: int, seq: int) -> None:
        """Add to the log of mentions (see ``Mention``)."""

    def mentions(self, names: Iterable[int], *, since: int) -> list[Mention]:
        """Mentions of these names whose commit holds an event of that instant or later, and perhaps some others."""

    def search_candidates(self, text: str, limit: int) -> Iterable[SearchText]:
        """Nodes that may fit some words: every one that does, as far as ``limit`` allows."""

    def counts(self) -> dict[str, int]:
        """Numbers of ``datasets``, ``jobs``, ``runs``, ``versions`` and ``edges``."""

    def event_key(self, seq: int) -> bytes:
        """The key of a stored event."""

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
