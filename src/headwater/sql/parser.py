"""Parses the text of one statement into the parser's tree."""

from __future__ import annotations

import re
from typing import Any

from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, TokenError
from sqlglot.parser import Parser

from headwater.sql.lexer import lex
from headwater.sql.literals import mask_literals
from headwater.sql.parser_errors import PARSER_FAULTS


class NotParsed(Exception):
    """The parser does not understand a statement; the message holds no literal."""


def tree_of(code: str, dialect: str | None) -> Any:
    """Give the tree of one statement. Raises :class:`NotParsed` and nothing else."""
    try:
        return _parsed(code, dialect)
    except RecursionError:
        pass
    # Generated SQL wraps brackets in brackets; without the idle ones it may fit.
    try:
        return _parsed(without_idle_brackets(code, dialect), dialect)
    except RecursionError:
        raise NotParsed("nested too deeply for the parser") from None


def without_idle_brackets(code: str, dialect: str | None) -> str:
    """Take out brackets that hold nothing but brackets.

    >>> without_idle_brackets("select (((a + 1))) * ((b)), f((c))", None)
    'select (a + 1) * (b), f(c)'
    """
    tokens = [token for token in lex(code, dialect) if token.kind != "comment"]
    marks = [i for i, token in enumerate(tokens) if token.kind != "space"]
    closing: dict[int, int] = {}
    opened: list[int] = []
    for place, i in enumerate(marks):
        if tokens[i].text == "(":
            opened.append(place)
        elif tokens[i].text == ")" and opened:
            closing[opened.pop()] = place
    gone = {
        marks[edge]
        for start, end in closing.items()
        if closing.get(start + 1) == end - 1
        for edge in (start + 1, end - 1)
    }
    return "".join(token.text for i, token in enumerate(tokens) if i not in gone)


def _parsed(code: str, dialect: str | None) -> Any:
    try:
        speaks = Dialect.get_or_raise(dialect)
        tokens = speaks.tokenize(code)
        parser = speaks.parser()
        _silence(parser)
        trees = [tree for tree in parser.parse(tokens, code) if tree is not None]
    except ParseError as error:
        raise NotParsed(_reason(error)) from None
    except TokenError:
        raise NotParsed("cannot be read as tokens") from None
    except RecursionError:
        raise
    except PARSER_FAULTS as error:
        raise NotParsed(f"the parser failed with {type(error).__name__}") from None
    if len(trees) != 1:
        raise NotParsed("not one statement")
    return trees[0]


def _silence(parser: Any) -> None:
    """Keep the parser, and those that it hands statements to (Athena's has two), from logging the statement: a host's
    stderr is not ours, and the text may hold secrets."""
    for inner in vars(parser).values() if hasattr(parser, "__dict__") else ():
        if isinstance(inner, Parser):
            _silence(inner)
    try:
        parser._warn_unsupported = lambda: None
    except AttributeError:  # a compiled parser takes no new attributes
        import logging

        logging.getLogger("sqlglot").addFilter(_is_not_fallback)


def _is_not_fallback(record: Any) -> bool:
    return "Falling back to parsing as a 'Command'" not in str(record.msg)


def _reason(error: ParseError) -> str:
    """Say where and what, without the text around it."""
    first = error.errors[0] if error.errors else {}
    what = re.sub(r"['\"`].*['\"`]", "?", mask_literals(str(first.get("description") or "invalid syntax")))
    what = re.sub(r"<class \?>", "expression", what)
    what = re.sub(r" but got\b.*|<Token\b.*", "", what, flags=re.S)
    return f"{what[:120]} (line {first.get('line', '?')}, column {first.get('col', '?')})"
