"""Statements inside the body of a routine: SQL functions, PL/pgSQL blocks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headwater.sql.splitter import split

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.relation import Relation

_START = r"(?:insert|update|delete|merge|select|with|truncate|create|copy|drop|alter|perform|table|refresh|execute)\b"
# A statement stands at the start, or behind the words that open a branch, loop or block.
_OPENERS = re.compile(rf"^.*?\b(?:then|else|loop|begin|do)\s+(?={_START})", re.I | re.S)
_STATEMENT = re.compile(rf"\s*{_START}", re.I)
_FOR_LOOP = re.compile(r"^\s*for\s+[\w,\s]+?\s+in\s+(?P<query>(?:select|with)\b.*?)\s+loop\b(?P<rest>.*)$", re.I | re.S)
_SELECT_INTO = re.compile(
    r"^(\s*select\b.*?)\binto\s+(?:strict\s+)?(?:[a-z_]\w*(?:\.\w+)?)(?:\s*,\s*[a-z_]\w*)*", re.I | re.S
)


def statements_in(ctx: Context, body: str) -> list[str]:
    """Give the SQL statements of a routine's body, without the control flow around them."""
    found: list[str] = []
    for piece in split(body, ctx.dialect):
        code = piece.code
        loop = _FOR_LOOP.match(re.sub(r"^\s*(?:declare\b.*?\bbegin|begin)\b", "", code, flags=re.I | re.S))
        if loop is not None:
            found.append(loop["query"])
            code = loop["rest"]
        if not _STATEMENT.match(code):
            code = _OPENERS.sub("", code, count=1)
        if not _STATEMENT.match(code):
            continue
        if re.match(r"\s*execute\b", code, re.I):
            ctx.note("EXECUTE", "runs text that is put together at run time")
            continue
        code = re.sub(r"^\s*perform\b", "SELECT", code, flags=re.I)
        found.append(_SELECT_INTO.sub(r"\1 ", code, count=1))
    return found


def relation_of_routine(ctx: Context, name: str) -> Relation | None:
    """Give the relation of a table function or macro of this session whose body is one query."""
    from sqlglot import exp

    from headwater.sql.parser import tree_of
    from headwater.sql.queries import relation_of

    body = ctx.catalog.routine(name)
    if body is None or name in ctx.entered:
        return None
    found = statements_in(ctx, body)
    tree = tree_of(found[0], ctx.dialect) if len(found) == 1 else None
    if not isinstance(tree, exp.Query):
        ctx.calls[name] = None
        return None
    ctx.entered.add(name)
    relation = relation_of(ctx, tree, None, None)
    ctx.entered.discard(name)
    return relation


def body_of(ctx: Context, name: str) -> list[str]:
    """Give the statements that a call of a routine executes, as far as this session has seen its definition."""
    body = ctx.catalog.routine(name)
    if body is None:
        ctx.note(name, "a routine whose body this session has not seen")
        return []
    return statements_in(ctx, body)
