"""The tables of the directory that a backend provides: listings, counts of RunEvents, and ordered queries on them."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple, Protocol

from headwater.storage.projection.records import Listing, Pulse
from headwater.storage.projection.table import Table


class Span(NamedTuple):
    """A namespace or source: its spelling, and when its first and its latest object appeared."""

    name: str
    uri: str
    first_at: int
    last_at: int


class DirectoryTables(Protocol):
    """The rows of the directory and ordered queries on them. Namespaces are given in normal form."""

    @property
    def listings(self) -> Table[int, Listing]:
        """One row per node."""

    @property
    def pulses(self) -> Table[tuple[int, int], Pulse]:
        """Counts of RunEvents per quarter of an hour and type."""

    def namespaces(self) -> list[Span]:
        """All namespaces of datasets and jobs, by name, spelled as in their first listing."""

    def namespace(self, namespace: str) -> Span | None:
        """One of them."""

    def sources(self) -> list[Span]:
        """All sources, by name, with the URI of their first listing."""

    def source(self, name: str) -> Span | None:
        """One of them."""

    def datasets(self, namespace: str | None, limit: int, offset: int) -> list[int]:
        """Datasets that are not deleted, by namespace and name."""

    def jobs(self, namespace: str | None, states: Collection[int], limit: int, offset: int) -> list[int]:
        """Jobs that are not deleted, by (started_at, run id) of their latest run, latest first.

        Jobs without runs come last, by name. With ``states``, only jobs whose latest run has one of these ranks.
        """

    def recent_runs(self, limit: int) -> list[tuple[int, int]]:
        """(job, rank of the state) of the runs that started most recently, latest first by (started_at, run id)."""

    def count(self, kind: int, namespace: str | None, states: Collection[int]) -> int:
        """The number of ``datasets`` or ``jobs``."""

    def known_before(self, kind: int, instant: int) -> int:
        """The number of listings created before an instant, including deleted ones."""

    def runs_of(self, job: int) -> int:
        """The number of runs of a job."""

    def pulses_between(self, first: int, last: int) -> list[Pulse]:
        """Pulses that start in ``[first, last)``, by start and type."""
