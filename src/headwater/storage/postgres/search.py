"""Finding nodes by words: each word of each node is a row, every word stands once in a vocabulary, and each
three-letter piece of a word leads to the words that hold it.

All look-ups are by equality or order, the only comparisons that row-level security lets an index answer. Words that
begin as asked come first, then words that hold what is asked, then, for words that nothing fits, words that come near;
each step is taken only where the one before found too little.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

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
_FEW = 2000
"""Nodes that hold a word, up to which all of them are looked at."""
_WINDOW = 16_384
"""Ids among which nodes are looked for first where every word is everywhere; then among twice as many."""
_AFTER_ALL = "\U0010ffff"

Fitting = list[dict[str, int]]
"""For each word that is asked for: the stored words that fit, with how well."""


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
            added = self._session.rows(sql["vocabulary_add"], (column("text", vocabulary),))
            pieces = [(piece, word) for (word,) in added for piece in sorted(trigrams(word))]
            if pieces:
                self._session.execute(sql["pieces_add"], arrays_of(("text", "text"), pieces))
        super().flush()

    def candidates(self, text: str, limit: int) -> Iterable[SearchText]:
        """Nodes that may fit some words."""
        wanted = [word[:_STEP] for word in words(text)]
        if not wanted:
            return []
        self.flush()
        enough = max(1, limit // 4)
        found: dict[int, SearchText] = {}
        fitting: Fitting = [{} for _ in wanted]
        for step in (self._beginning, self._containing, self._near_if_none, self._near):
            if len(found) >= enough or (step == self._near and found):
                break
            wider = [{**step(word, held), **held} for word, held in zip(wanted, fitting, strict=True)]
            if wider != fitting:
                fitting = wider
                found.update(self._holding(fitting, limit, enough))
        return found.values()

    def _beginning(self, word: str, held: dict[str, int]) -> dict[str, int]:
        """Stored words that begin with a word."""
        del held
        given = (word, word + _AFTER_ALL, _MOST_WORDS)
        found = self._session.rows(queries()["vocabulary_between"], given)
        return {one: _EXACT if one == word else _BEGINNING for (one,) in found}

    def _containing(self, word: str, held: dict[str, int]) -> dict[str, int]:
        """Stored words that contain a word; the shortest where there are many."""
        del held
        if len(word) < 3:  # shorter than a piece: every word is looked at
            found = self._session.rows(queries()["vocabulary_like"], (f"%{word}%", _MOST_WORDS))
        else:
            pieces = sorted(trigrams(word))
            given = (column("text", pieces), len(pieces), _MOST_WORDS)
            found = self._session.rows(queries()["pieces_all"], given)
        return {one: _INSIDE for (one,) in found if word in one}

    def _near_if_none(self, word: str, held: dict[str, int]) -> dict[str, int]:
        """Those that come near a word that nothing fits: it may be misspelt."""
        return {} if held else self._near(word, held)

    def _near(self, word: str, held: dict[str, int]) -> dict[str, int]:
        """Stored words that share enough three-letter pieces with a word."""
        del held
        if len(word) < 4:
            return {}
        pieces = sorted(trigrams(word))
        given = (column("text", pieces), math.ceil(MIN_OVERLAP * len(pieces)), _MOST_WORDS)
        return {one: _NEAR for (one,) in self._session.rows(queries()["pieces_some"], given)}

    def _holding(self, fitting: Fitting, limit: int, enough: int) -> dict[int, SearchText]:
        """The nodes that hold, for every place, one of its words: all of them where one place has few, else as many
        as are enough, the earliest ids first."""
        if not all(fitting):
            return {}
        asked = [(place, word, fit) for place, held in enumerate(fitting) for word, fit in held.items()]
        rare = self._of_the_rarest(fitting)
        if rare is not None:
            return self._match(asked, len(fitting), limit, nodes=rare)
        found: dict[int, SearchText] = {}
        after, size = 0, _WINDOW
        ((last,),) = self._session.rows(queries()["search_last"])
        while after < last and len(found) < enough:
            found.update(self._match(asked, len(fitting), limit, after=after, upto=after + size))
            after, size = after + size, size * 2
        return found

    def _of_the_rarest(self, fitting: Fitting) -> list[int] | None:
        """The nodes of the place that has the fewest; None where all have many."""
        best: list[int] | None = None
        for held in fitting:
            most = _FEW if best is None else len(best)
            found = self._session.rows(queries()["search_nodes_of"], (column("text", list(held)), most + 1))
            if len(found) <= most:
                best = sorted({node for (node,) in found})
        return best

    def _match(
        self,
        asked: list[tuple[int, str, int]],
        places: int,
        limit: int,
        *,
        nodes: list[int] | None = None,
        after: int = 0,
        upto: int = 0,
    ) -> dict[int, SearchText]:
        fits = arrays_of(("bigint", "text", "bigint"), asked)
        if nodes is not None:
            given = (*fits, column("bigint", nodes), places, limit)
            return {row.node: row for row in self.stored(queries()["search_match"], given)}
        given = (*fits, after, upto, places, limit)
        return {row.node: row for row in self.stored(queries()["search_match_between"], given)}


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
