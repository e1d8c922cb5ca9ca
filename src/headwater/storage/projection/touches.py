"""Determines which nodes a batch touches, so that their cached entries are dropped with its commit."""

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
"""By table, the column with the node whose answers show the row; rows of other tables appear in no answer."""


class TouchNotes:
    """Records the nodes whose answers show the rows that are put or dropped."""

    def __init__(self, touched: set[int], column: str) -> None:
        self._touched = touched
        self._node_of = attrgetter(column)

    def __call__(self, rows: Iterable[object]) -> None:
        """Record rows; None stands for a dropped row, which was recorded then."""
        node_of = self._node_of
        self._touched.update([node_of(row) for row in rows if row is not None])


def note_touches(tables: Tables) -> None:
    """Make the tables whose rows appear in answers record puts and drops in ``tables.touched``."""
    for name, column in _SHOWN_WITH.items():
        getattr(tables, name).notes = TouchNotes(tables.touched, column)
