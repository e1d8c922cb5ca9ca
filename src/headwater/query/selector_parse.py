"""Parses the selector language into a tree of operations, without touching a store.

::

    expression = both ( "|" both )*                 union; "or" too
    both       = one ( "&" one )*                   intersection; "and" too
    one        = ( "!" | "not" ) one | reach
    reach      = [ [hops] "+" ] item [ "+" [hops] ]   upstream before, downstream after; all of it without hops
    item       = "(" expression ")" | method ":" value | name

Names that contain spaces or operators must be quoted: ``'my table'``.
"""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from headwater.errors import InvalidSelector

METHODS = ("tag", "kind", "type", "namespace", "owner", "name", "run", "state")
"""Words that stand before a colon and filter by a property; any other ``word:`` belongs to a name."""


class Name(NamedTuple):
    """A node by name or glob, as ``resolve`` takes it."""

    text: str


class Method(NamedTuple):
    """All nodes with a property."""

    method: str
    value: str


class Reached(NamedTuple):
    """What is reached from a set: hops upstream and downstream, -1 for no limit, 0 for none."""

    of: Expression
    up: int
    down: int


class Not(NamedTuple):
    """All nodes that are not in a set."""

    of: Expression


class And(NamedTuple):
    """Nodes in both sets."""

    left: Expression
    right: Expression


class Or(NamedTuple):
    """Nodes in either set."""

    left: Expression
    right: Expression


Expression = Name | Method | Reached | Not | And | Or


class Token(NamedTuple):
    """A piece of the text: ``kind`` is a sign, ``hops+``, ``+hops`` or ``word``."""

    kind: str
    text: str
    at: int


_QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")
_BEFORE = re.compile(r"([0-9]*)\+(?=[^\s&|)])")
_AFTER = re.compile(r"\+([0-9]*)(?=$|[\s&|)])")
_WORDS = {"and": "&", "or": "|", "not": "!"}
_MAX_DEPTH = 100
_MOST_DIGITS = 18
"""Of a number of hops: no graph is deeper than that, and Python reads no number of any length."""


def parse(text: str) -> Expression:
    """Return the expression. Raises ``InvalidSelector`` that says what was expected, and where."""
    parser = _Parser(text, _tokens(text))
    found = parser.union(0)
    if parser.peek() is not None:
        parser.fail("expected & or | here")
    return found


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        char = text[at]
        is_start = not tokens or tokens[-1].kind in "&|!(" or tokens[-1].kind == "hops+"
        if char.isspace():
            at += 1
        elif char in "&|()" or (char == "!" and is_start):
            tokens.append(Token(char, char, at))
            at += 1
        elif is_start and (match := _BEFORE.match(text, at)):
            tokens.append(Token("hops+", match[1], at))
            at = match.end()
        elif not is_start and (match := _AFTER.match(text, at)):
            tokens.append(Token("+hops", match[1], at))
            at = match.end()
        else:
            word, end, is_quoted = _word(text, at)
            sign = None if is_quoted else _WORDS.get(word)
            tokens.append(Token(sign or "word", word, at))
            at = end
    return tokens


def _word(text: str, start: int) -> tuple[str, int, bool]:
    """Read a name up to a sign of the language; quotes may stand around all of it or after ``method:``."""
    at, parts, is_quoted = start, [], False
    while at < len(text):
        char = text[at]
        if char.isspace() or char in "&|()" or (at > start and _AFTER.match(text, at)):
            break
        if char in "'\"" and (at == start or text[at - 1] == ":"):
            match = _QUOTED.match(text, at)
            if match is None:
                raise InvalidSelector(
                    field=f"selector, character {at + 1}", value=text[at:], rule="must close the quote"
                )
            parts.append(match[1] or match[2] or "")
            at, is_quoted = match.end(), True
            continue
        parts.append(char)
        at += 1
    return "".join(parts), at, is_quoted


class _Parser:
    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.at = 0

    def peek(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, kind: str) -> Token | None:
        token = self.peek()
        if token is None or token.kind != kind:
            return None
        self.at += 1
        return token

    def fail(self, rule: str) -> NoReturn:
        token = self.peek()
        place = len(self.text) if token is None else token.at
        raise InvalidSelector(
            field=f"selector, character {place + 1}",
            value=self.text[place : place + 20] or "the end",
            rule=rule,
            hint="examples: +model:churn, 'tag:pii+ & kind:model', 2+orders+1",
        )

    def union(self, depth: int) -> Expression:
        left = self.both(depth)
        while self.take("|"):
            left = Or(left, self.both(depth))
        return left

    def both(self, depth: int) -> Expression:
        left = self.one(depth)
        while self.take("&"):
            left = And(left, self.one(depth))
        return left

    def one(self, depth: int) -> Expression:
        if depth > _MAX_DEPTH:
            self.fail(f"must be nested at most {_MAX_DEPTH} deep")
        if self.take("!"):
            return Not(self.one(depth + 1))
        before = self.take("hops+")
        item = self.item(depth)
        after = self.take("+hops")
        if before is None and after is None:
            return item
        return Reached(item, _hops(before), _hops(after))

    def item(self, depth: int) -> Expression:
        if self.take("("):
            found = self.union(depth + 1)
            if not self.take(")"):
                self.fail("must have a ) here")
            return found
        token = self.take("word")
        if token is None or not token.text.strip("+"):
            self.fail("must have a name here")
        method, colon, value = token.text.partition(":")
        if colon and not value and method in METHODS:
            self.fail(f"must have a value after {method}:")
        if colon and value and method in METHODS:
            return Method(method, value)
        return Name(token.text)


def _hops(token: Token | None) -> int:
    if token is None:
        return 0
    return int(token.text) if token.text and len(token.text) <= _MOST_DIGITS else -1
