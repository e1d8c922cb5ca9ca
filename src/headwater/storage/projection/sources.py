"""The streams of integers that the graph index follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from headwater.storage.index.source import IDENTITY_MAPPING, OPEN_END, U8, ColumnMapping, EdgeBatch, columns
from headwater.storage.projection.records import Derivation
from headwater.storage.projection.tables import Tables

Under = Callable[[], Any]
"""Makes a context in which the tables may be read."""


class TablesSource:
    """One level of a store's graph, as the index sees it."""

    def __init__(self, tables: Tables, level: Literal["dataset", "run"], reading: Under) -> None:
        self._tables = tables
        self._level = level
        self._reading = reading
        #: nodes up to the highest that an edge was seen to lead to, those that have been joined with others included
        self._least = 0

    @property
    def epoch(self) -> int:
        """Changes when ids were merged or edges rewritten."""
        with self._reading():
            return self._tables.epoch(self._level)

    def edges_since(self, seq: int, limit: int) -> EdgeBatch:
        """Edges with a sequence number above ``seq``; that of a run-level edge is the id of its derivation."""
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
            label=np.array([edge.job for edge in edges], np.uint32),
            mapping=np.array([edge.mapping for edge in edges], np.uint32),
        )

    def _steps(self, seq: int, limit: int) -> EdgeBatch:
        found = self._tables.derivations_after(seq, max(1, limit // 4))
        rows = [edge for step in found for edge in edges_of(step)]
        array = np.array(rows, np.uint32).reshape(-1, 4)
        return EdgeBatch(
            last_seq=found[-1].id if found else seq,
            source=array[:, 0].copy(),
            target=array[:, 1].copy(),
            # no label: the derivation itself leads to its run and job, and a label costs four bytes an edge
            mapping=array[:, 3].copy(),
        )

    def node_kinds_since(self, node_id: int) -> U8:
        """The kind of each node from an id on; 0 where joining or late events left nothing."""
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
        """Field positions of a column mapping."""
        with self._reading():
            row = self._tables.mappings.get(mapping_id)
            source, target = (self._places(name) for name in (row.source, row.target))
        return columns([(source[edge.source_field], target[edge.target_field]) for edge in row.fields])

    def _places(self, name_id: int) -> dict[str, int]:
        name = self._tables.names.get(name_id)
        fields = self._tables.fields.get(name.node) if name is not None else None
        return {field: place for place, field in enumerate(fields.names if fields else ())}


def edges_of(step: Derivation) -> list[tuple[int, int, int, int]]:
    """(source, target, job, mapping) of a derivation's edges.

    Where columns are known the derivation has the fields of its one output: they are handed on as they are.
    """
    onward = IDENTITY_MAPPING if any(mapping for _, mapping in step.inputs) else 0
    into = [(version, step.id, step.job, mapping) for version, mapping in step.inputs]
    return into + [(step.id, version, step.job, onward) for version in step.outputs]
