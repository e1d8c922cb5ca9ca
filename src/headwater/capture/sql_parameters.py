"""Statements with placeholders, for which the user's code gives rows: which place of a row goes into which column.

``INSERT INTO people (id, age) VALUES (?, ?)`` with rows from elsewhere does to the table what
``INSERT INTO people (id, age) SELECT headwater_1, headwater_2 FROM headwater_rows`` would do. So a statement is
rewritten in that way, to be parsed like any other. The rows themselves are never looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from headwater.model.patterns import lazy_pattern

ROWS: Final = "headwater_rows"
"""The name of the given rows in a rewritten statement."""
_PLACE: Final = "headwater_"
"""The beginning of the names of their columns, which their numbers follow, counted from 1."""
_MOST_PLACES: Final = 1_000

_TOKEN: Final = lazy_pattern(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | --[^\n]* | /\*.*?\*/ | ::
    | %\((?P<key>\w+)\)s | [:@$](?P<name>[^\W\d]\w*) | [?:$](?P<number>[1-9]\d*) | (?P<next>\?|%s\b)
    | (?P<word>[^\W\d]\w*) | (?P<mark>[(),;])""",
    re.VERBOSE | re.DOTALL,
)
_TAKES: Final = frozenset(("INSERT", "REPLACE", "UPDATE"))


class _Token(NamedTuple):
    """A word in capitals, a mark, or a placeholder."""

    start: int
    end: int
    text: str
    """The name of a placeholder; empty if it has none."""
    place: int
    """The place in a row that a placeholder takes, from 1; 0 if it is none."""
    depth: int


def _tokens(text: str) -> Iterator[_Token]:
    count, depth = 0, 0
    names: dict[str, int] = {}
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup
        if kind is None:
            continue
        part, place = found[kind], 0
        depth -= part == ")"
        if kind == "next":
            part, place = "", (count := count + 1)
        elif kind == "number":
            part, place = "", int(part)
        elif kind in ("key", "name"):
            place = names.setdefault(part, len(names) + 1)
        yield _Token(*found.span(), part.upper() if kind == "word" else part, place, depth)
        depth += part == "("


def columns_given(text: str) -> tuple[str, ...]:
    """The keys of the rows that a statement takes, or names for their places, in order; empty if it takes none, or if
    its placeholders cannot be told."""
    tokens = list(_tokens(text)) if "$$" not in text else []
    if not tokens or tokens[0].text not in _TAKES:
        return ()
    given = [token for token in tokens if token.place]
    names = tuple(dict.fromkeys(token.text for token in given if token.text))
    if names:
        return names if all(token.text for token in given) else ()
    last = max((token.place for token in given), default=0)
    return tuple(map(place_name, range(1, last + 1))) if last <= _MOST_PLACES else ()


def place_name(place: int) -> str:
    """The name of the column at a place of the rows, from 1, in a rewritten statement."""
    return f"{_PLACE}{place}"


def is_place(name: str) -> bool:
    """Whether a column was named by ``place_name``."""
    return name.startswith(_PLACE) and name.removeprefix(_PLACE).isdecimal()


def with_rows(text: str) -> str | None:
    """The statement that takes its values from ``ROWS``; None if it cannot be written so."""
    tokens = list(_tokens(text))
    if any(token.text == ";" and text[token.end :].strip() for token in tokens) or not tokens:
        return None
    words = {token.text: place for place, token in reversed(list(enumerate(tokens))) if token.depth == 0}
    if tokens[0].text == "UPDATE":
        return None if "FROM" in words or "SET" not in words else _updated(text, tokens, words)
    return None if "VALUES" not in words or "SELECT" in words else _inserted(text, tokens, words["VALUES"])


def _inserted(text: str, tokens: list[_Token], values: int) -> str | None:
    ends = [place for place, token in enumerate(tokens) if place > values and token.depth == 0 and token.text == ")"]
    if not ends or tokens[values + 1].text != "(":
        return None
    end = ends[0]
    if end + 1 < len(tokens) and tokens[end + 1].text == ",":  # more rows than one
        return None
    opening, closing = tokens[values + 1], tokens[end]
    given = _replaced(text, tokens, opening.end, closing.start)
    rest = _replaced(text, tokens, closing.end, len(text)).rstrip().removesuffix(";")
    return f"{text[: tokens[values].start]}SELECT {given} FROM {ROWS} WHERE TRUE{rest}"  # noqa: S608 - only parsed


def _updated(text: str, tokens: list[_Token], words: dict[str, int]) -> str:
    after = [tokens[words[word]].start for word in ("WHERE", "RETURNING") if word in words]
    end = min(after, default=len(text))
    head = _replaced(text, tokens, 0, end).rstrip().removesuffix(";")
    return f"{head} FROM {ROWS} {_replaced(text, tokens, end, len(text))}"


def _replaced(text: str, tokens: list[_Token], start: int, end: int) -> str:
    """A part of the text, with columns in place of the placeholders."""
    pieces, done = [], start
    for token in tokens:
        if token.start >= start and token.end <= end and (token.place or token.text == "DEFAULT"):
            name = f"{ROWS}.{place_name(token.place)}" if token.place else "NULL"
            pieces += [text[done : token.start], name]
            done = token.end
    return "".join([*pieces, text[done:end]])
