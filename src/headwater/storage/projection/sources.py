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
"""Makes a context in which the tables may be read."""


def _label(edge: Edge) -> int:
    """What tells an edge from others between the same ends: what was observed of a job, and what it was designed to do,
    begin and end by themselves. The numbers of jobs leave two bits."""
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
        #: nodes up to the highest that an edge was seen to lead to, those that have been joined with others included
        self._least = 0

    @property
    def epoch(self) -> int:
        """Changes when ids were merged or edges rewritten."""
        with self._reading():
            return self._tables.epoch(self._level)

    @property
    def mark(self) -> int:
        """The last event that the tables show."""
        with self._reading():
            return self._last_seq()

    def reading(self) -> AbstractContextManager[object]:
        """A transaction, or the one at hand."""
        return self._reading()

    @property
    def floor(self) -> int:
        """The number of the last withdrawal that was deleted from the log; edges of the dataset level end, and
        are kept."""
        if self._level == "dataset":
            return 0
        with self._reading():
            return self._tables.rewrites.floor

    @property
    def places(self) -> int:
        """Changes when nodes were joined: the fields of one have then places behind those of the other."""
        with self._reading():
            return self._tables.epoch("dataset")

    def edges_since(self, seq: int, limit: int) -> EdgeBatch:
        """Edges with a sequence number above ``seq``: of a run-level edge the id of its derivation, or the number under
        which a change of that was told."""
        with self._reading():
            batch = self._datasets(seq, limit) if self._level == "dataset" else self._steps(seq, limit)
        if len(batch):
            self._least = max(self._least, int(batch.source.max()) + 1, int(batch.target.max()) + 1)
        return batch

    def _datasets(self, seq: int, limit: int) -> EdgeBatch:
        found = self._tables.edge_changes(seq, limit)
        edges = [edge for _, edge in found]
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
        told = self._tables.rewrites.after(seq, last if len(found) == page else _LAST_STEP)
        numbers = array(
            "q", [number for step in found for edge, mapping in edges_of(step).items() for number in (*edge, mapping)]
        )
        for _, body in told:  # behind the derivations: a change is told after what it changes
            numbers += numbers_of(body)
        edges = np.frombuffer(numbers, np.int64).reshape(-1, WIDTH)
        withdrawn = edges[:, 2] == WITHDRAWN
        return EdgeBatch(
            last_seq=max(last, told[-1][0]) if told else last,
            source=edges[:, 0].astype(np.uint32),
            target=edges[:, 1].astype(np.uint32),
            # no label: the derivation itself leads to its run and job, and a label costs four bytes an edge
            mapping=np.where(withdrawn, 0, edges[:, 2]).astype(np.uint32),
            withdrawn=withdrawn if withdrawn.any() else None,
        )

    def node_kinds_since(self, node_id: int) -> U8:
        """The kind of each node from an id on; 0 if joining or late events left nothing."""
        with self._reading():
            found = self._tables.kinds(self._level, node_id)
        # The newest nodes can be gone, joined with others, while the log still tells of their edges. Ids do not return.
        least = max(self._least, 1 if node_id == 0 else node_id)
        kinds = np.zeros(max(least, found[-1][0] + 1 if found else 0) - node_id, np.uint8)
        if found:
            pairs = np.array(found, np.int64)
            kinds[pairs[:, 0] - node_id] = pairs[:, 1]
        return kinds

    def mapping(self, mapping_id: int) -> ColumnMapping:
        """Field positions of a column mapping. An edge to the whole of a dataset leads to each column that it has."""
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
