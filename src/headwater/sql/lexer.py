"""Tokenises SQL by dialect, without a parser: for masking, splitting and fingerprints.

One regular expression a dialect. It never fails: what it cannot close (a string without its end) runs to the end of the
text and is a string, so that masking errs on the side of hiding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

# Dialects whose strings take backslash escapes, and those where double quotes make a string, not an identifier.
_BACKSLASH = frozenset(
    {"mysql", "mariadb", "bigquery", "spark", "databricks", "hive", "snowflake", "redshift", "clickhouse"}
)
_DOUBLE_IS_STRING = frozenset({"mysql", "mariadb", "bigquery", "spark", "databricks", "hive"})
_BRACKETS = frozenset({"tsql", "sqlite", "mssql"})
_HASH_COMMENT = frozenset({"mysql", "mariadb", "bigquery"})
_DASH_NEEDS_SPACE = frozenset({"mysql", "mariadb"})
_SLASH_COMMENT = frozenset({"snowflake"})
_FLAT_COMMENTS = frozenset({"mysql", "mariadb", "bigquery", "sqlite", "snowflake", "oracle", "trino", "presto"})

_PREFIX = r"(?:[uU]&|[rR][bB]|[bB][rR]|[eEbBxXnNrRuU]|_[A-Za-z][A-Za-z0-9]*)?"
_DOLLAR = r"\$(?P<tag>(?:[^\W\d]\w*)?)\$(?:.*?\$(?P=tag)\$|.*\Z)"
_PLAIN = r"'(?:[^']|'')*(?:'|\Z)"
_ESCAPED = r"'(?:[^'\\]|''|\\.)*(?:'|\\?\Z)"
_Q_QUOTED = r"[nN]?[qQ]'(?:\[.*?\]'|\{.*?\}'|\(.*?\)'|<.*?>'|(?P<q>[^\s\[{(<']).*?(?P=q)'|.*\Z)"
_TRIPLE = r"(?:'''.*?(?:'''|\Z)|\"\"\".*?(?:\"\"\"|\Z))"
_NUMBER = r"(?:0[xX][0-9a-fA-F]+|(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\w*"


class Lexeme(NamedTuple):
    """One token: its kind (``space comment string number quoted word param semi other``), text and offsets."""

    kind: str
    text: str
    start: int
    end: int


def lex(text: str, dialect: str | None) -> Iterator[Lexeme]:
    """Yield the tokens of ``text``; together they cover it without a gap.

    >>> [t.kind for t in lex("a = 'x'", "postgres")]
    ['word', 'space', 'other', 'space', 'string']
    """
    name = (dialect or "").lower()
    match = _pattern(name).match
    nested = name not in _FLAT_COMMENTS
    position, size = 0, len(text)
    while position < size:
        found = match(text, position)
        if found is None:  # pragma: no cover - the last alternative takes any character
            return
        kind, end = found.lastgroup or "other", found.end()
        if kind == "open":
            kind, end = "comment", _close_comment(text, position, nested=nested)
        elif kind == "tag":
            kind = "string"
        if kind == "string" and not name and "\\'" in text[position:end]:
            end = size  # whose escape rule? unknown: hide the rest rather than leak a part
        yield Lexeme(kind, text[position:end], position, end)
        position = end


def _close_comment(text: str, start: int, *, nested: bool) -> int:
    depth, position = 1, start + 2
    while depth:
        close = text.find("*/", position)
        if close < 0:
            return len(text)
        inner = text.find("/*", position, close) if nested else -1
        if inner >= 0:
            depth, position = depth + 1, inner + 2
        else:
            depth, position = depth - 1, close + 2
    return position


class _Parts(NamedTuple):
    """Alternatives of one dialect."""

    strings: str  # with their prefixes
    bare: str  # without
    quoted: str
    comments: str
    dollar: str


def needs_tokens(text: str, dialect: str) -> bool:
    """Whether telling literals apart takes more than one pass of :func:`literals_of`."""
    if "$" in text or "/*" in text:
        return True
    return dialect in ("", "sqlite") and ('"' in text or "\\" in text)


@cache
def literals_of(dialect: str) -> re.Pattern[str]:
    """Give a pattern of what masking changes: ``gap``, ``quoted`` (may be unclosed) and ``literal``.

    Right for texts that :func:`needs_tokens` lets pass: what is not matched is copied, several times faster than by
    tokens.
    """
    parts = _parts(dialect)
    apart = r"(?<![\w$])"
    return re.compile(
        rf"(?P<gap>(?:\s+|{parts.comments})+)|(?P<literal>{apart}(?:{parts.strings})|{parts.bare}"
        rf"|{apart}(?:0[xX][0-9a-fA-F]+|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?)\w*|\.\d+(?:[eE][+-]?\d+)?\w*)"
        rf"|(?P<quoted>{parts.quoted})",
        re.DOTALL,
    )


@cache
def _pattern(dialect: str) -> re.Pattern[str]:
    parts = _parts(dialect)
    dollar = f"|{parts.dollar}" if parts.dollar else ""
    return re.compile(
        rf"(?P<space>\s+)|(?P<comment>{parts.comments})|(?P<open>/\*){dollar}"
        rf"|(?P<string>{parts.strings})|(?P<quoted>{parts.quoted})"
        rf"|(?P<param>\$\w+|%\(\w+\)s(?!\w)|%s(?!\w))|(?P<number>{_NUMBER})|(?P<word>[^\W\d][\w$]*)|(?P<semi>;)|(?P<other>.)",
        re.DOTALL,
    )


def _parts(dialect: str) -> _Parts:
    body = _ESCAPED if dialect in _BACKSLASH else _PLAIN
    strings, bare = [_PREFIX + body], [body]
    if body is _PLAIN:
        strings.insert(0, "[eE]" + _ESCAPED)
    if dialect in ("oracle", ""):
        strings.insert(0, _Q_QUOTED)
    if dialect == "bigquery":
        strings.insert(0, "(?:[rR]?[bB]?|[bB][rR])" + _TRIPLE)
        bare.insert(0, _TRIPLE)
    quoted = [r"`(?:[^`]|``)*(?:`|\Z)"]
    double = r'"(?:[^"]|"")*(?:"|\Z)'
    if dialect in _DOUBLE_IS_STRING:
        bare.append(r'"(?:[^"\\]|""|\\.)*(?:"|\\?\Z)')
        strings.append("(?:[rRbB]{0,2})" + bare[-1])
    else:
        quoted.append(r"(?:(?<![\w$])[uU]&)?" + double)
    if dialect in _BRACKETS:
        quoted.append(r"\[[^\]]*(?:\]|\Z)")
    comments = [r"--(?=\s|\Z)[^\n]*" if dialect in _DASH_NEEDS_SPACE else r"--[^\n]*"]
    if dialect in _HASH_COMMENT:
        comments.append(r"#[^\n]*")
    if dialect in _SLASH_COMMENT:
        comments.append(r"//[^\n]*")
    dollar = "" if dialect in _DOUBLE_IS_STRING else _DOLLAR
    return _Parts("|".join(strings), "|".join(bare), "|".join(quoted), "|".join(comments), dollar)
