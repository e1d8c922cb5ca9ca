"""Search texts in a SQLite file, with their index."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter

from headwater.storage.projection import node_sets
from headwater.storage.projection.records import SearchText
from headwater.storage.projection.search_index import Posting
from headwater.storage.sqlite.connection import queries
from headwater.storage.sqlite.table import SQLiteTable


class SearchTable(Posting, SQLiteTable[int, SearchText]):
    """The search texts and their index."""

    def loose(self) -> tuple[int, list[SearchText]]:
        """(set of nodes that the index has not taken in, their current texts)."""
        nodes = [node for (node,) in self._connection.execute(queries()["loose_nodes"])]
        return node_sets.of(nodes), self.select("loose_rows", ()) if nodes else []

    def sets(self, keys: Iterable[str]) -> dict[str, int]:
        """The set of nodes under each key of the index; keys without nodes are left out."""
        found = self._connection.execute(queries()["postings_of"], (json.dumps(sorted(keys)),))
        return {key: node_sets.joined((part, nodes) for _, part, nodes in some) for key, some in groupby(found, _first)}

    def keys_between(self, first: str, last: str) -> list[str]:
        """The keys in a range, ascending."""
        return [key for (key,) in self._connection.execute(queries()["postings_keys"], {"first": first, "last": last})]

    def _loosen(self, nodes: Sequence[tuple[int, str]]) -> None:
        self._connection.executemany(queries()["loose_add"], nodes)

    def _tighten(self) -> list[tuple[int, str]]:
        found = self._connection.execute(queries()["loose_keys"]).fetchall()
        self._connection.execute(queries()["loose_clear"])
        return found

    def _parts(self, part: int, wanted: Sequence[str]) -> dict[str, bytes]:
        return dict(self._connection.execute(queries()["postings_part"], (json.dumps(wanted), part)))

    def _write_parts(self, part: int, sets: Sequence[tuple[str, bytes]]) -> None:
        written = [(key, part, nodes) for key, nodes in sets if nodes]
        gone = [(key, part) for key, nodes in sets if not nodes]
        self._connection.executemany(queries()["postings_put"], written)
        if gone:
            self._connection.executemany(queries()["postings_drop"], gone)


_first = itemgetter(0)
