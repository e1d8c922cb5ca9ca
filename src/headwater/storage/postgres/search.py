"""The search texts on a PostgreSQL server, with the index of their parts.

All look-ups use equality or order, the only comparisons for which row-level security allows an index.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter

from headwater.storage.postgres.arrays import column
from headwater.storage.postgres.connection import queries
from headwater.storage.postgres.table import PostgresTable, arrays_of
from headwater.storage.projection import node_sets
from headwater.storage.projection.records import SearchText
from headwater.storage.projection.search_index import Posting


class SearchTable(Posting, PostgresTable[int, SearchText]):
    """The search texts and their index."""

    def loose(self) -> tuple[int, list[SearchText]]:
        """(set of nodes that the index has not taken in, their current texts)."""
        nodes = [node for (node,) in self._session.rows(queries()["loose_nodes"])]
        return node_sets.of(nodes), self.among("node", nodes) if nodes else []

    def sets(self, keys: Iterable[str]) -> dict[str, int]:
        """The set of nodes under each key of the index; keys without nodes are left out."""
        found = self._session.rows(queries()["postings_of"], (column("text", sorted(keys)),))
        return {key: node_sets.joined((part, nodes) for _, part, nodes in some) for key, some in groupby(found, _first)}

    def keys_between(self, first: str, last: str) -> list[str]:
        """The keys in a range, ascending."""
        return [key for (key,) in self._session.rows(queries()["postings_keys"], (first, last, last))]

    def _loosen(self, nodes: Sequence[tuple[int, str]]) -> None:
        self._session.execute(queries()["loose_add"], arrays_of(("bigint", "text"), nodes))

    def _tighten(self) -> list[tuple[int, str]]:
        return self._session.rows(queries()["loose_clear"])

    def _parts(self, part: int, wanted: Sequence[str]) -> dict[str, bytes]:
        return dict(self._session.rows(queries()["postings_part"], (part, column("text", wanted))))

    def _write_parts(self, part: int, sets: Sequence[tuple[str, bytes]]) -> None:
        written = [(key, part, nodes) for key, nodes in sets if nodes]
        gone = [key for key, nodes in sets if not nodes]
        if written:
            self._session.execute(queries()["postings_put"], arrays_of(("text", "bigint", "bytea"), written))
        if gone:
            self._session.execute(queries()["postings_drop"], (part, column("text", gone)))


_first = itemgetter(0)
