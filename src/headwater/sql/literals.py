"""Masks the literals of a statement, and computes a fingerprint that does not depend on them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from headwater.sql.dialects import dialect_name
from headwater.sql.lexer import Lexeme, lex, literals_of, needs_tokens

_COMPARES = frozenset({"=", "<", ">", "like", "ilike", "glob", "match", "regexp", "rlike"})
_LISTS = frozenset({"in", "values"})
# What decides lineage though it is a literal: file names, pivoted values, positions in GROUP BY and ORDER BY,
# arguments.
_NAMES_DATA = re.compile(
    r"\b(?:copy|attach|pivot|unpivot|execute|prepare|call|exec|use|set|load|unload|export|columns|read_\w+|\w+_scan|glob)\b"
    r"|\b(?:group|order)\s+by\b|\b(?:from|join|into|to|using|describe|summarize)\s*\(?\s*['\"]",
    re.IGNORECASE,
)
_ROW = r"\(\s*\?(?:\s*,\s*\?)*\s*\)"
_ROWS = re.compile(rf"{_ROW}(?:\s*,\s*{_ROW})+")
_ROW_OF = re.compile(r"\(\s*\?(?:\s*,\s*\?)+\s*\)")


def mask_literals(text: str, dialect: str | None = None) -> str:
    """Give ``text`` with string and number literals as ``?``, without comments, white space collapsed.

    Identifiers, keywords and placeholders (``$1``, ``:name``, ``%s``) stay. What cannot be read as tokens is hidden to
    the end. Without a dialect a double-quoted word that is compared with is taken for a string. Never raises.

    >>> mask_literals("select * from t where ssn = '078-05-1120' -- hers")
    'select * from t where ssn = ?'
    """
    name = dialect_name(dialect) or ""
    if needs_tokens(text, name):
        masked = "".join(shown for _, shown in _masked(text, name)).strip(" ")
    else:
        masked = literals_of(name).sub(_hidden, text).strip(" ")
    # where a comment begins with "-- ", what stood before one may end as another does
    return mask_literals(masked, dialect) if masked.endswith("--") and masked != text else masked


def _hidden(found: re.Match[str]) -> str:
    if found.lastgroup == "gap":
        return " "
    return found[0] if found.lastgroup == "quoted" and _is_closed(found[0]) else "?"


def fingerprint(text: str, dialect: str | None = None) -> str:
    """Give a 32-character key of the masked, normalised statement: the same for the same statement with other values.

    Lists of literals of any length are one. Where a literal decides what is read (a file name, a position, a pivoted
    value), it is part of the key, so that lineage can be cached under it.
    """
    name = dialect_name(dialect) or ""
    parts: list[str] = []
    for token, shown in _masked(text, name):
        parts.append(" " if token is None else shown.lower() if token.kind == "word" else shown)
    shape = _ROW_OF.sub("(?)", _ROWS.sub("(?)", "".join(parts))).strip(" ;")
    digest = hashlib.blake2b(f"{name}\0{shape}".encode("utf-8", "surrogatepass"), digest_size=16)
    if _NAMES_DATA.search(text):
        for token in lex(text, name):
            if token.kind in ("string", "number"):
                digest.update(b"\0" + token.text.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _masked(text: str, dialect: str) -> Iterator[tuple[Lexeme | None, str]]:
    """Yield tokens with the text to show; ``None`` for a gap (white space and comments, collapsed)."""
    doubtful = dialect in ("", "sqlite")
    previous, listing, gap = "", 0, False
    for token in lex(text, dialect):
        if token.kind in ("space", "comment"):
            gap = True
            continue
        if gap:
            yield None, " "
            gap = False
        shown = "?" if token.kind in ("string", "number") else token.text
        if token.kind == "quoted":
            shown = _shown_quoted(token, text, doubtful=doubtful, compared=previous in _COMPARES or listing > 0)
        listing = _depth(listing, token, previous)
        previous = token.text.lower()
        yield token, shown


def _depth(listing: int, token: Lexeme, previous: str) -> int:
    """Depth of brackets within an IN or VALUES list, 0 outside of one."""
    if token.text == "(" and (listing or previous in _LISTS or previous == ","):
        return listing + 1 if listing or previous in _LISTS else listing
    if token.text == ")" and listing:
        return listing - 1
    return 0 if token.text.lower() in ("select", "from") else listing


def _shown_quoted(token: Lexeme, text: str, *, doubtful: bool, compared: bool) -> str:
    if not _is_closed(token.text):
        return "?"
    follows = text[token.end : token.end + 1]
    return "?" if doubtful and token.text[0] == '"' and compared and follows != "." else token.text


def _is_closed(quoted: str) -> bool:
    """Whether a quoted name has its end: one that has not may hold anything."""
    quote = quoted.lstrip("uU&")[:1]
    return quoted[-1] == "]" if quote == "[" else quoted.count(quote) % 2 == 0  # doubled quotes count twice
