"""Change logs and counts of the tables: the same statements in every backend."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

from headwater.storage import rows
from headwater.storage.cached import CachedTable
from headwater.storage.layouts import EdgeKey
from headwater.storage.projection.records import Derivation, Edge

_COUNTED = ("datasets", "jobs", "runs", "versions", "edges")


class ChangeFeedTables(ABC):
    """Tables of a backend that can run a named statement."""

    edges: CachedTable[EdgeKey, Edge]
    _edge_log: list[tuple[Any, ...]]

    @abstractmethod
    def _ask(self, name: str, *given: Any) -> Iterable[tuple[Any, ...]]:
        """The rows that the named statement returns."""

    def counts(self) -> dict[str, int]:
        """Numbers of datasets, jobs, runs, versions and edges."""
        (counted,) = self._ask("count_rows")
        return dict(zip(_COUNTED, counted, strict=True))

    def held_mappings(self) -> Iterator[tuple[int, int]]:
        """For each column mapping, (number of valid edges that use it, number of its column edges)."""
        self.edges.flush()
        for count, content in self._ask("held_mappings"):
            yield count, rows.mapping_size(rows.unpack(content))

    def edge_changed(self, edge: Edge) -> None:
        """Log a change of an edge for the followers of the dataset level."""
        times = (edge.valid_from, edge.valid_to)
        self._edge_log.append((edge.source, edge.target, edge.job, edge.kind, *times, edge.mapping))

    def edge_changes(self, since: int, limit: int) -> list[tuple[int, Edge]]:
        """(sequence number, edge) of logged changes, in order."""
        return [rows.edge_change(*columns) for columns in self._ask("edge_log_since", since, limit)]

    def derivations_after(self, step: int, limit: int) -> list[Derivation]:
        """Derivations with a higher id, ascending."""
        return [rows.derivation_row(*columns) for columns in self._ask("derivations_after", step, limit)]
