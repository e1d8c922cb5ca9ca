"""Finding nodes by words: each word of each node is a row, and every word stands once in a vocabulary.

A piece of a word, or a misspelling, is looked up in the vocabulary, which is small; the nodes that hold the words found
there come from an index by equality, the only comparison that row-level security lets an index answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from headwater.storage.postgres.arrays import column
from headwater.storage.postgres.connection import queries
from headwater.storage.postgres.table import PostgresTable, arrays_of
from headwater.storage.projection.records import SearchText
from headwater.storage.projection.searching import MIN_OVERLAP, trigrams, words

_LONGEST = 256
_STEP = 192
_WEIGHTS = (("name", 8), ("tags", 4), ("owners", 3), ("fields", 3), ("namespace", 2), ("description", 1))
_EXACT, _BEGINNING, _INSIDE, _NEAR = 20, 14, 8, 1
"""How well a stored word fits one that is asked for."""
_MOST_WORDS = 2000


class SearchTable(PostgresTable[int, SearchText]):
    """The search texts, with the words of each beside them."""

    def flush(self) -> None:
        """Write what is pending, to both."""
        if not self._pending:
            return
        sql = queries()
        known = [node for node in self._pending if not self.fresh("node", node)]
        if known:
            self._session.execute(sql["search_words_drop"], (column("bigint", known),))
        held = [
            (word, node, weight)
            for node, row in self._pending.items()
            if row is not None
            for word, weight in _words_of(row).items()
        ]
        if held:
            self._session.execute(sql["search_words_add"], arrays_of(("text", "bigint", "bigint"), held))
            vocabulary = sorted({word for word, _, _ in held})
            self._session.execute(sql["vocabulary_add"], (column("text", vocabulary),))
        super().flush()

    def candidates(self, text: str, limit: int) -> Iterable[SearchText]:
        """Nodes that may fit some words."""
        wanted = [word[:_STEP] for word in words(text)]
        if not wanted:
            return []
        self.flush()
        fitting = [self._containing(word) for word in wanted]
        found = self._holding(fitting, limit)
        if len(found) < limit:
            nearly = [
                {**self._near(word), **held} if len(word) > 3 else held
                for word, held in zip(wanted, fitting, strict=True)
            ]
            found.update(self._holding(nearly, limit - len(found)))
        return found.values()

    def _containing(self, word: str) -> dict[str, int]:
        """Stored words that contain a word, with how well each fits; the best where there are many."""
        found = {one: _fit(word, one) for one in self._vocabulary([f"%{word}%"])}
        best = sorted(found, key=lambda one: (-found[one], len(one), one))[:_MOST_WORDS]
        return {one: found[one] for one in best}

    def _near(self, word: str) -> dict[str, int]:
        """Stored words that share enough three-letter pieces with a word."""
        pieces = trigrams(word)
        shared = {
            one: len(pieces & trigrams(one)) / len(pieces)
            for one in self._vocabulary([f"%{piece}%" for piece in sorted(pieces)])
        }
        best = sorted((one for one in shared if shared[one] >= MIN_OVERLAP), key=lambda one: (-shared[one], one))
        return dict.fromkeys(best[:_MOST_WORDS], _NEAR)

    def _vocabulary(self, patterns: list[str]) -> Iterator[str]:
        """Stored words that match one of some patterns. Words hold letters and digits, so nothing needs escaping."""
        found = self._session.rows(queries()["vocabulary_like"], (column("text", patterns),))
        return (word for (word,) in found)

    def _holding(self, fitting: list[dict[str, int]], limit: int) -> dict[int, SearchText]:
        """The nodes that hold, for every place, one of its words."""
        if not all(fitting):
            return {}
        asked = [(place, word, fit) for place, held in enumerate(fitting) for word, fit in held.items()]
        given = (*arrays_of(("bigint", "text", "bigint"), asked), len(fitting), limit)
        return {row.node: row for row in self.stored(queries()["search_match"], given)}


def _fit(word: str, stored: str) -> int:
    if stored == word:
        return _EXACT
    return _BEGINNING if stored.startswith(word) else _INSIDE


def _words_of(row: SearchText) -> dict[str, int]:
    """The words of a node with the weight of the best place where each stands; long ones in overlapping pieces."""
    found: dict[str, int] = {}
    for place, weight in reversed(_WEIGHTS):
        for word in words(getattr(row, place)):
            if len(word) <= _LONGEST:
                found[word] = weight
            else:
                found.update((word[at : at + _LONGEST], weight) for at in range(0, len(word), _STEP))
    return found
