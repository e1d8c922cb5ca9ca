"""The listing part of the ``Store`` contract: pages of objects by namespace and by time, and dependencies of runs.
The cost of a page grows with the rows shown and skipped, never with the store. Deleted objects are neither listed nor
counted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import msgspec

from headwater.model.events import EventType
from headwater.model.graph import NodeKind, RunState

if TYPE_CHECKING:
    from headwater.storage.row_types import NodeRow, StoredEvent


class NamespaceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A namespace of datasets or jobs, in its first spelling.

    ``created_at`` is when its first object was first seen, ``updated_at`` when its last one was.
    """

    name: str
    created_at: int
    updated_at: int


class SourceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A data source: the one that datasets name in their ``dataSource`` facet, or else their namespace.

    The times are as for a namespace.
    """

    name: str
    uri: str
    created_at: int
    updated_at: int


class EventCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many RunEvents of one type have their event time in an interval that starts at ``start``."""

    start: int
    type: EventType | None
    count: int


class Directory(ABC):
    """Lists and counts."""

    @abstractmethod
    def namespaces(self) -> list[NamespaceRow]:
        """Every namespace, by name."""

    @abstractmethod
    def namespace(self, name: str) -> NamespaceRow | None:
        """The namespace of that name, in any equivalent spelling; None if nothing is in it."""

    @abstractmethod
    def sources(self) -> list[SourceRow]:
        """Every source, by name."""

    @abstractmethod
    def source(self, name: str) -> SourceRow | None:
        """The source of that name; None if no dataset names it."""

    @abstractmethod
    def list_nodes(
        self,
        kind: NodeKind,
        *,
        namespace: str | None = None,
        states: Collection[RunState] = (),
        limit: int = 100,
        offset: int = 0,
    ) -> list[NodeRow]:
        """A page of datasets by namespace and name, or of jobs by their last run, latest first.

        With ``states``, only jobs whose last run is in one of them.
        """

    @abstractmethod
    def count_nodes(self, kind: NodeKind, *, namespace: str | None = None, states: Collection[RunState] = ()) -> int:
        """How many ``list_nodes`` lists."""

    @abstractmethod
    def count_known(self, kind: NodeKind, instants: Sequence[int]) -> list[int]:
        """How many datasets or jobs had been seen before each of these instants, including those deleted since."""

    @abstractmethod
    def count_runs(self, job_id: int) -> int:
        """How many runs of a job are known."""

    @abstractmethod
    def run_ids(self, digits: str, *, limit: int = 100) -> list[str]:
        """The ids of runs that start with these hexadecimal digits, dashes left out, ascending."""

    @abstractmethod
    def has_dependencies(self) -> bool:
        """Whether any run declares a dependency: most stores have none, which spares further queries."""

    @abstractmethod
    def dependencies(self, run_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The ids of the runs that each of these runs depends on, by run id, in order, including runs that have not
        arrived yet; runs without dependencies are left out."""

    @abstractmethod
    def dependents(self, run_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The ids of the runs that depend on each of these runs, known or not, in order."""

    @abstractmethod
    def run_events(
        self,
        *,
        after: int | None = None,
        before: int | None = None,
        newest_first: bool = True,
        limit: int = 100,
        offset: int = 0,
    ) -> list[StoredEvent]:
        """A page of the RunEvents whose event time is at ``after`` or later and earlier than ``before``, by time."""

    @abstractmethod
    def count_run_events(self, *, after: int | None = None, before: int | None = None) -> list[EventCount]:
        """All RunEvents of that interval, counted by type and quarter of an hour, earliest first."""
