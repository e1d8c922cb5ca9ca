"""The streams of integer edges that the graph index follows."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal

import numpy as np

from headwater.model.graph import WHOLE
from headwater.storage.index.edge_source import OPEN_END, U8, ColumnMapping, EdgeBatch, columns
from headwater.storage.projection.records import Edge
from headwater.storage.projection.rewrites import WIDTH, WITHDRAWN, edges_of, numbers_of
from headwater.storage.projection.tables import Tables

_LAST_STEP = 2**63 - 1
Under = Callable[[], AbstractContextManager[object]]
"""Returns a context in which the tables may be read."""


def _label(edge: Edge) -> int:
    """Distinguishes edges between the same ends: the observed and the designed edges of a job have separate intervals.
    Job ids leave two bits for the kind."""
    return (edge.job << 2 | edge.kind) & 0xFFFF_FFFF


class TablesSource:
    """One level of a store's graph, as the index sees it."""

    def __init__(
        self, tables: Tables, level: Literal["dataset", "run"], reading: Under, last_seq: Callable[[], int]
    ) -> None:
        self._tables = tables
        self._level = level
        self._reading = reading
        self._last_seq = last_seq
        #: one more than the highest node id seen in an edge, including nodes that were merged since
        self._least = 0

    @property
    def epoch(self) -> int:
        """Changes when ids were merged or edges rewritten."""
        with self._reading():
            return self._tables.epoch(self._level)

    @property
    def mark(self) -> int:
        """The last event that the tables include."""
        with self._reading():
            return self._last_seq()

    def reading(self) -> AbstractContextManager[object]:
        """A transaction, or the current one."""
        return self._reading()

    @property
    def floor(self) -> int:
        """The number of the last withdrawal that was deleted from the log; 0 at the dataset level, where edges end but
        are kept."""
        if self._level == "dataset":
            return 0
        with self._reading():
            return self._tables.rewrites.floor

    @property
    def places(self) -> int:
        """Changes when nodes were merged: the fields of one then follow those of the other."""
        with self._reading():
            return self._tables.epoch("dataset")

    def edges_since(self, seq: int, limit: int) -> EdgeBatch:
        """Edges with a sequence number above ``seq``. At the run level, that is the id of the derivation, or the number
        of the log entry of its change."""
        with self._reading():
            batch = self._datasets(seq, limit) if self._level == "dataset" else self._steps(seq, limit)
        if len(batch):
            self._least = max(self._least, int(batch.source.max()) + 1, int(batch.target.max()) + 1)
        return batch

    def _datasets(self, seq: int, limit: int) -> EdgeBatch:
        found = self._tables.edge_changes(seq, limit)
        # One that joins columns of a dataset leads nowhere: walks over columns ask the store for it.
        edges = [edge for _, edge in found if edge.source != edge.target]
        return EdgeBatch(
            last_seq=found[-1][0] if found else seq,
            source=np.array([edge.source for edge in edges], np.uint32),
            target=np.array([edge.target for edge in edges], np.uint32),
            valid_from=np.array([edge.valid_from for edge in edges], np.int64),
            valid_to=np.array([OPEN_END if edge.valid_to is None else edge.valid_to for edge in edges], np.int64),
            label=np.array([_label(edge) for edge in edges], np.uint32),
            mapping=np.array([edge.mapping for edge in edges], np.uint32),
        )

    def _steps(self, seq: int, limit: int) -> EdgeBatch:
        page = max(1, limit // 4)
        found = self._tables.derivations_after(seq, page)
        last = found[-1].id if found else seq
        rewritten = self._tables.rewrites.after(seq, last if len(found) == page else _LAST_STEP)
        numbers = array(
            "q", [number for step in found for edge, mapping in edges_of(step).items() for number in (*edge, mapping)]
        )
        for _, body in rewritten:  # after the derivations, which they change
            numbers += numbers_of(body)
        edges = np.frombuffer(numbers, np.int64).reshape(-1, WIDTH)
        withdrawn = edges[:, 2] == WITHDRAWN
        return EdgeBatch(
            last_seq=max(last, rewritten[-1][0]) if rewritten else last,
            source=edges[:, 0].astype(np.uint32),
            target=edges[:, 1].astype(np.uint32),
            # no label: the derivation leads to its run and job, and a label costs four bytes per edge
            mapping=np.where(withdrawn, 0, edges[:, 2]).astype(np.uint32),
            withdrawn=withdrawn if withdrawn.any() else None,
        )

    def node_kinds_since(self, node_id: int) -> U8:
        """The kind of each node from an id on; 0 for ids that merges or late events left unused."""
        with self._reading():
            found = self._tables.kinds(self._level, node_id)
        # The newest nodes may have been merged into others while the log still has their edges. Ids are not reused.
        least = max(self._least, 1 if node_id == 0 else node_id)
        kinds = np.zeros(max(least, found[-1][0] + 1 if found else 0) - node_id, np.uint8)
        if found:
            pairs = np.array(found, np.int64)
            kinds[pairs[:, 0] - node_id] = pairs[:, 1]
        return kinds

    def mapping(self, mapping_id: int) -> ColumnMapping:
        """Field positions of a column mapping. An edge to a whole dataset leads to each of its columns."""
        with self._reading():
            row = self._tables.mappings.get(mapping_id)
            source, target = (self._places(name) for name in (row.source, row.target))
        pairs = [
            (source[edge.source_field], place)
            for edge in row.fields
            for place in (target.values() if edge.target_field == WHOLE else (target[edge.target_field],))
        ]
        return columns(pairs)

    def _places(self, name_id: int) -> dict[str, int]:
        name = self._tables.names.get(name_id)
        fields = self._tables.fields.get(name.node) if name is not None else None
        return {field: place for place, field in enumerate(fields.names if fields else ())}
