"""Quoting of names and strings in SQL text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.results import TableName


def unquoted(text: str) -> str:
    """Take the quotes off a string, of any kind."""
    text = text.strip()
    if text.startswith("$"):
        tag = text[: text.index("$", 1) + 1]
        return text[len(tag) : -len(tag)] if text.endswith(tag) and len(text) >= 2 * len(tag) else text[len(tag) :]
    text = re.sub(r"^[a-zA-Z]+(?=')", "", text)
    quote = text[:1]
    return (
        text[1:-1].replace(quote * 2, quote) if quote in ("'", '"') and text[-1:] == quote and len(text) > 1 else text
    )


def bare(name: str) -> str:
    """Give a name without its quotes, unquoted ones in lower case."""
    name = name.strip()
    return name[1:-1] if name[:1] in '"`[' else name.lower()


def split_name(name: str) -> list[str]:
    """Cut a dotted name into its parts, quotes kept."""
    return re.findall(r"\"[^\"]+\"|`[^`]+`|\[[^\]]+\]|'[^']+'|[^.\s]+", name)


def folded(ctx: Context, part: str) -> str:
    """Fold one part of a table name."""
    part = part.strip()
    quoted = part[:1] in "\"`['"
    return ctx.folding.table(part[1:-1] if quoted else part, quoted=quoted)


def table_of(ctx: Context, name: str) -> TableName:
    """Resolve the text of a table name."""
    from sqlglot import exp

    name = name.strip()
    name = unquoted(name) if name[:1] == "'" else name
    parts = split_name(name)[-3:]
    identifiers = [
        exp.Identifier(this=part[1:-1] if part[:1] in '"`[' else part, quoted=part[:1] in '"`[') for part in parts
    ]
    keys = ("catalog", "db", "this")[-len(identifiers) :]
    return ctx.catalog.resolve(ctx, exp.Table(**dict(zip(keys, identifiers, strict=True))))
