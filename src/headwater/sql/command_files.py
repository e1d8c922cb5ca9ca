"""Commands that move data between tables and files and that the parser does not support."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headwater.sql.copy import export, load
from headwater.sql.files import file_name
from headwater.sql.parser import tree_of
from headwater.sql.quoting import bare, table_of, unquoted

if TYPE_CHECKING:
    from headwater.sql.context import Context

# What to analyse instead of the statement: pieces of SQL; none when there is nothing more to say.
Instead = list[str]


def unload(ctx: Context, found: re.Match[str]) -> Instead:
    """Redshift's UNLOAD, whose query is a string."""
    export(ctx, tree_of(unquoted(found["query"]), ctx.dialect), unquoted(found["path"]))
    return []


def outfile(ctx: Context, found: re.Match[str]) -> Instead:
    """MySQL's INTO OUTFILE."""
    query = (
        found["head"]
        + " "
        + re.sub(r"^\s*(?:fields|lines|columns|character)\b.*?(?=\bfrom\b|$)", "", found["rest"], flags=re.I | re.S)
    )
    export(ctx, tree_of(query, ctx.dialect), unquoted(found["path"]))
    return []


def directory(ctx: Context, found: re.Match[str]) -> Instead:
    """``INSERT OVERWRITE DIRECTORY``."""
    export(ctx, tree_of(found["query"], ctx.dialect), unquoted(found["path"]))
    return []


def load_data(ctx: Context, found: re.Match[str]) -> Instead:
    """LOAD DATA of MySQL and Hive."""
    ctx.kind = "COPY"
    columns = re.search(r"\(([^()]*)\)\s*(?:set\b.*)?$", found["rest"], re.I | re.S)
    names = [bare(name) for name in columns[1].split(",")] if columns else None
    load(ctx, file_name(unquoted(found["path"])), table_of(ctx, found["name"]), names)
    return []


def whole_database(ctx: Context, found: re.Match[str]) -> Instead:
    """EXPORT DATABASE and its kin."""
    ctx.kind = "COPY"
    ctx.note(" ".join(found["word"].upper().split()), "copies every table of a database: which ones is not known")
    return []
