"""Determines which nodes a batch touches, so that their cached pieces are dropped with its commit."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from headwater.storage.projection.tables import Tables

_SHOWN_WITH = {
    "nodes": "id",
    "names": "node",
    "runs": "job",
    "versions": "dataset",
    "flows": "target",
    "edges": "target",
}
"""The column that names the node with which answers show a row, by table; no answer shows rows of the others."""


class TouchNotes:
    """Notes the nodes that rows are shown with, when the rows are put or dropped."""

    def __init__(self, touched: set[int], column: str) -> None:
        self._touched = touched
        self._node_of = attrgetter(column)

    def __call__(self, rows: Iterable[object]) -> None:
        """Note rows; None stands for one that was noted when it was dropped."""
        node_of = self._node_of
        self._touched.update([node_of(row) for row in rows if row is not None])


def note_touches(tables: Tables) -> None:
    """Have the tables whose rows answers show note in ``tables.touched`` what is put and dropped."""
    for name, column in _SHOWN_WITH.items():
        getattr(tables, name).notes = TouchNotes(tables.touched, column)
