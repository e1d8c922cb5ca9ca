"""Finding candidates of a search in the full-text index, quickly enough for every letter that somebody types."""

from __future__ import annotations

import json
from collections.abc import Iterable

from headwater.storage.projection.records import SearchText
from headwater.storage.projection.searching import trigrams, words
from headwater.storage.sqlite.connection import queries
from headwater.storage.sqlite.table import SQLiteTable

_WEIGHED = 2000
"""Matches that are weighed against each other. To weigh 80,000 of a million takes 280 ms, to take some of them 1 ms.
Of several words fewer: a match of them all is rarer and says more, and is come upon later."""

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
            self._add(found, self._holding(long, limit), limit)
        if wanted and not long:
            short = self.select("search_short", {"word": wanted[0], "limit": limit})
            found.update((row.node, row) for row in short)
        if long and len(found) < limit:
            pieces = " OR ".join(_quoted(piece) for word in long for piece in sorted(trigrams(word)))
            near = self._matching(f"{{name}} : ({pieces})", limit + 1)
            if len(near) > limit:
                near = self._matching(match) if (match := self._near(long, len(found))) else []
            self._add(found, near, limit - len(found))
        return found.values()

    def _holding(self, wanted: list[str], limit: int) -> list[int]:
        """Nodes that hold every word. Where the longest is rare they are all among those that hold it, and whoever
        ranks them looks at the others; to go through the pieces of every word takes longer."""
        if len(wanted) > 1:
            rare = self._matching(_every([max(wanted, key=len)]), limit + 1)
            if len(rare) <= limit:
                return rare
        return self._matching(_covering(wanted), _WEIGHED // len(wanted) + 1)

    def _matching(self, match: str, most: int = _WEIGHED + 1) -> list[int]:
        """Nodes that match, as the index comes upon them, up to ``most``."""
        return [node for (node,) in self._connection.execute(queries()["search_match"], (match, most))]

    def _add(self, found: dict[int, SearchText], nodes: list[int], most: int) -> None:
        """Add the nodes with the shortest names: what is called so stands before what only holds the word."""
        if nodes:
            shortest = self.select("search_shortest", (json.dumps(nodes), most))
            found.update((row.node, row) for row in shortest)

    def _near(self, wanted: list[str], found: int) -> str:
        """A match for a store where single pieces are everywhere: each word that is found nowhere may be
        misspelt. Nothing where there is no such word, or enough was found."""
        odd = [word for word in wanted if found < _ENOUGH and not self._matching(_every([word]), 1)]
        return " AND ".join(_nearly(word) if word in odd else f"({_every([word])})" for word in wanted) if odd else ""


def _texts(row: SearchText) -> tuple[str, ...]:
    return row.namespace, row.name, row.fields, row.description, row.tags, row.owners


def _every(wanted: Iterable[str]) -> str:
    """A match of nodes that hold every piece of every word."""
    return " AND ".join(_quoted(piece) for word in wanted for piece in sorted(trigrams(word)))


def _covering(wanted: Iterable[str]) -> str:
    """A match of nodes that hold pieces which cover every word: a third of them all, so a third of the lists to go
    through. The few that hold the pieces apart are left to whoever ranks."""
    return " AND ".join(_quoted(piece) for word in wanted for piece in sorted(_cover(word)))


def _cover(word: str) -> set[str]:
    return {word[at : at + 3] for at in range(0, len(word) - 2, 3)} | {word[-3:]}


def _nearly(word: str) -> str:
    """A match of names that hold a run of a word's pieces, as long as one slip of a finger may leave: a wrong letter
    spoils three pieces, and the longer part beside them stays."""
    pieces = [word[at : at + 3] for at in range(len(word) - 2)]
    size = max(2, (len(pieces) - 3) // 2)
    runs = [pieces[at : at + size] for at in range(max(1, len(pieces) - size + 1))]
    return "(" + " OR ".join(f"({{name}} : ({' AND '.join(map(_quoted, run))}))" for run in runs) + ")"


def _quoted(piece: str) -> str:
    return '"' + piece.replace('"', '""') + '"'
