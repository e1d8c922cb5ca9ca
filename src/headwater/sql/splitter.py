"""Splits text into statements at semicolons, but not inside routines. Never raises on invalid SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from headwater.sql.lexer import lex

_ROUTINE = re.compile(
    r"\s*create\b(?:\s+or\s+replace\b|\s+temp(?:orary)?\b|\s+definer\b\S*)*\s+(?:trigger|procedure|function|proc)\b",
    re.I,
)
_NOT_A_BLOCK_END = frozenset({"if", "loop", "while", "repeat", "for"})
LONGEST = 2_000_000


class Piece(NamedTuple):
    """One statement: its text as written, and without comments."""

    text: str
    code: str


def split(text: str, dialect: str | None) -> Iterator[Piece]:
    """Yield the statements of a script; a semicolon in a string, comment or routine body does not end one.

    >>> [piece.code for piece in split("select ';' -- x;\\n; select 2", "postgres")]
    ["select ';'", 'select 2']
    """
    start, code, blocks, previous = 0, [""], 0, ""
    is_routine = False
    for token in lex(text, dialect):
        if token.kind == "semi" and blocks == 0:
            yield from _piece(text[start : token.start], "".join(code))
            start, code, previous, is_routine = token.end, [""], "", False
            continue
        code.append(" " if token.kind == "comment" else token.text)
        if token.kind != "word":
            continue
        word = token.text.lower()
        if not is_routine and word in ("trigger", "procedure", "function", "proc"):
            is_routine = _ROUTINE.match("".join(code)) is not None
        if is_routine:
            blocks += _opens(word, previous)
            blocks = max(0, blocks)
        previous = word
    yield from _piece(text[start:], "".join(code))


def _opens(word: str, previous: str) -> int:
    if word in ("begin", "case") and previous != "end":
        return 1
    if previous == "end" and word in _NOT_A_BLOCK_END:
        return 1  # END IF closes no BEGIN: take back what END did
    return -1 if word == "end" else 0


def _piece(text: str, code: str) -> Iterator[Piece]:
    code = code.strip()
    if code:
        yield Piece(text.strip(), code)
