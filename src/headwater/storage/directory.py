"""The listing part of the ``Store`` contract: objects by namespace and by time, in pages, and which
runs build on which.

A page costs what it shows and what it skips, never the whole store. Deleted objects are neither listed nor counted.
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
    """A namespace that datasets or jobs are named in, spelled as it first was.

    ``created_at`` is when the first object in it was first heard of, ``updated_at`` when the last one was.
    """

    name: str
    created_at: int
    updated_at: int


class SourceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A data source: what datasets name in their ``dataSource`` facet, the namespace of those that do not.

    The times are those of a namespace.
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
        """The namespace of that name, in any spelling that datasets are found under; None if nothing is in it."""

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

        With ``states`` only jobs whose last run stands there.
        """

    @abstractmethod
    def count_nodes(self, kind: NodeKind, *, namespace: str | None = None, states: Collection[RunState] = ()) -> int:
        """How many ``list_nodes`` lists."""

    @abstractmethod
    def count_known(self, kind: NodeKind, instants: Sequence[int]) -> list[int]:
        """How many datasets or jobs had been heard of before each of these instants, those deleted since included."""

    @abstractmethod
    def count_runs(self, job_id: int) -> int:
        """How many runs of a job are known."""

    @abstractmethod
    def run_ids(self, digits: str, *, limit: int = 100) -> list[str]:
        """The ids of runs that start with these hexadecimal digits, dashes left out, ascending."""

    @abstractmethod
    def has_dependencies(self) -> bool:
        """Whether any run says that it builds on another: most stores have no such run, and need not be asked more."""

    @abstractmethod
    def dependencies(self, run_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The ids of the runs that each of these runs says it builds on, by run id, those that have not arrived yet
        included, in order; a run that names none is left out."""

    @abstractmethod
    def dependents(self, run_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The ids of the runs that say that they build on each of these runs, known or not, in order."""

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
        """The RunEvents of that stretch by type and by quarter of an hour, earliest first; none is left out."""
