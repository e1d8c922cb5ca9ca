"""How well a node fits some words. Backends find candidates; this ranks them, the same for all."""

from __future__ import annotations

import re
from collections.abc import Iterable

from headwater.storage.projection.records import SearchText

_MOST_WORDS = 64
"""Of a query; the rest is not looked for: each costs a reading of the whole text."""
_WORD = re.compile(r"[^\W_]+")
_WEIGHTS = (("name", 8.0), ("namespace", 2.0), ("tags", 4.0), ("owners", 3.0), ("fields", 3.0), ("description", 1.0))
MIN_OVERLAP = 0.34
"""Share of a query word's trigrams that a misspelt name must have."""


def words(text: str) -> list[str]:
    """The words of a query or a name: split at everything that is no letter or digit, in lower case."""
    return _WORD.findall(text.casefold())


def trigrams(text: str) -> set[str]:
    """The three-letter pieces of a text; the text itself when it is shorter."""
    text = text.casefold()
    return {text[at : at + 3] for at in range(len(text) - 2)} if len(text) > 2 else {text}


def score(query: str, row: SearchText) -> tuple[float, str]:
    """(score, matching field) of a node; 0 where it does not fit. Every word must be found somewhere, or nearly."""
    wanted = words(query)[:_MOST_WORDS]
    if not wanted:
        return 0.0, ""
    total, field = 0.0, ""
    columns = [(getattr(row, column).casefold(), weight, column) for column, weight in _WEIGHTS]
    whole = query.strip().casefold()
    if whole in row.name.casefold().split("\n"):
        total += 32.0
    elif whole and whole in columns[0][0]:
        total += 8.0
    for word in wanted:
        best, best_column = 0.0, ""
        for text, weight, column in columns:
            found = weight * _fit(word, text)
            if found > best:
                best, best_column = found, column
        if not best:
            best = 4.0 * _nearly(word, columns[0][0])
        if not best:
            return 0.0, ""
        total += best
        if best_column == "fields" and not field:
            field = _field(word, row.fields)
    return total / (1.0 + len(row.name) / 400.0), field


def _fit(word: str, text: str) -> float:
    if word not in text:
        return 0.0
    parts = set(_WORD.findall(text))
    if word in parts:
        return 1.0
    return 0.7 if any(part.startswith(word) for part in parts) else 0.4


def _nearly(word: str, text: str) -> float:
    """How much of a word's trigrams the best part of a name has; 0 when too little."""
    if len(word) < 4:
        return 0.0
    pieces = trigrams(word)
    best = max((len(pieces & trigrams(part)) / len(pieces) for part in set(_WORD.findall(text))), default=0.0)
    return 0.25 * best if best >= MIN_OVERLAP else 0.0


def _field(word: str, fields: str) -> str:
    names = fields.split("\n")
    exact = (name for name in names if name.casefold() == word)
    return next(exact, "") or next((name for name in names if word in name.casefold()), "")


def rank(query: str, rows: Iterable[SearchText], limit: int) -> list[tuple[SearchText, float, str]]:
    """The best rows first; ties by name, so that the answer does not depend on the backend."""
    scored = [(row, *score(query, row)) for row in rows]
    fitting = [one for one in scored if one[1] > 0]
    return sorted(fitting, key=lambda one: (-one[1], one[0].name, one[0].namespace))[:limit]
