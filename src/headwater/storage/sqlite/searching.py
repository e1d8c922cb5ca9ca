"""Finding candidates of a search in the full-text index, quickly enough for every letter that somebody types."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.storage.projection.records import SearchText
from headwater.storage.projection.searching import trigrams, words
from headwater.storage.sqlite.connection import queries
from headwater.storage.sqlite.table import SQLiteTable

_WEIGHED = 2000
"""Matches that are weighed against each other. To weigh 80,000 of a million takes 280 ms, to take some of them 1 ms."""

_ENOUGH = 50
"""Matches of all words beside which, in a large store, nothing that only comes near is looked for."""


class SearchTable(SQLiteTable[int, SearchText]):
    """The search texts, with the full-text index beside them."""

    def flush(self) -> None:
        """Write what is pending, to both."""
        if not self._pending:
            return
        changed = [(node,) for node in self._pending]
        texts = [
            (row.node, *(text.casefold() for text in _texts(row))) for row in self._pending.values() if row is not None
        ]
        self._connection.executemany(queries()["search_words_drop"], changed)
        self._connection.executemany(queries()["search_words_add"], texts)
        super().flush()

    def candidates(self, text: str, limit: int) -> Iterable[SearchText]:
        """Nodes that hold every piece of every word; where they are few, also those whose names hold some."""
        wanted = words(text)
        found: dict[int, SearchText] = {}
        long = [word for word in wanted if len(word) > 2]
        if long:
            found.update((row.node, row) for row in self._matching(_every(long), limit))
        if wanted and not long:
            found.update((row.node, row) for row in self.select("search_short", (wanted[0], limit)))
        if long and len(found) < limit:
            pieces = " OR ".join(_quoted(piece) for word in long for piece in sorted(trigrams(word)))
            some = f"{{name}} : ({pieces})"
            near = some if self._count(some, _WEIGHED + 1) <= _WEIGHED else self._near(long, len(found))
            if near:
                found.update((row.node, row) for row in self._matching(near, limit - len(found)))
        return found.values()

    def _near(self, wanted: list[str], found: int) -> str:
        """A match for a large store, where single pieces are everywhere: each word that is found nowhere may be
        misspelt. Nothing where there is no such word, or enough was found."""
        odd = [word for word in wanted if found < _ENOUGH and not self._count(_every([word]), 1)]
        return " AND ".join(_nearly(word) if word in odd else f"({_every([word])})" for word in wanted) if odd else ""

    def _matching(self, match: str, limit: int) -> Iterable[SearchText]:
        """The best nodes of a match; where very many match, the shortest names of some of them."""
        count = self._count(match, _WEIGHED + 1)
        if count > _WEIGHED:
            return self.select("search_common", (match, limit, _WEIGHED))
        return self.select("search_match", (match, limit)) if count else ()

    def _count(self, match: str, most: int) -> int:
        """How many nodes match, counted up to ``most``."""
        count: int = self._connection.execute(queries()["search_count"], (match, most)).fetchone()[0]
        return count


def _texts(row: SearchText) -> tuple[str, ...]:
    return row.namespace, row.name, row.fields, row.description, row.tags, row.owners


def _every(wanted: Iterable[str]) -> str:
    """A match of nodes that hold every piece of every word."""
    return " AND ".join(_quoted(piece) for word in wanted for piece in sorted(trigrams(word)))


def _nearly(word: str) -> str:
    """A match of names that hold a run of a word's pieces, as long as one slip of a finger may leave: a wrong letter
    spoils three pieces, and the longer part beside them stays."""
    pieces = [word[at : at + 3] for at in range(len(word) - 2)]
    size = max(2, (len(pieces) - 3) // 2)
    runs = [pieces[at : at + size] for at in range(max(1, len(pieces) - size + 1))]
    return "(" + " OR ".join(f"({{name}} : ({' AND '.join(map(_quoted, run))}))" for run in runs) + ")"


def _quoted(piece: str) -> str:
    return '"' + piece.replace('"', '""') + '"'
