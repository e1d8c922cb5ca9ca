"""Commands on tables: renames, refreshes, and forms of INSERT that the parser does not support."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from headwater.sql.alter import rename
from headwater.sql.quoting import folded, split_name, table_of
from headwater.sql.routines import body_of
from headwater.sql.write_edges import Write, write_relation

if TYPE_CHECKING:
    from headwater.sql.context import Context

# What to analyse instead of the statement: pieces of SQL; none when there is nothing more to say.
Instead = list[str]


def rename_table(ctx: Context, found: re.Match[str]) -> Instead:
    """MySQL renames several tables in one statement, which is how they are swapped."""
    for pair in found["pairs"].split(","):
        old, _, new = re.sub(r"\s+to\s+", "\0", pair.strip(), flags=re.I).partition("\0")
        rename(ctx, table_of(ctx, old), table_of(ctx, new))
    return []


def set_schema(ctx: Context, found: re.Match[str]) -> Instead:
    """``ALTER TABLE a SET SCHEMA s``."""
    old = table_of(ctx, found["name"])
    rename(ctx, old, msgspec.structs.replace(old, schema=folded(ctx, found["schema"])))
    return []


def sp_rename(ctx: Context, found: re.Match[str]) -> Instead:
    """SQL Server renames by a procedure."""
    if found["column"]:
        ctx.kind = "ALTER"
        return []
    rename(ctx, table_of(ctx, found["old"]), table_of(ctx, found["new"]))
    return []


def refresh(ctx: Context, found: re.Match[str]) -> Instead:
    """A refreshed view takes its data again from what it was made of."""
    ctx.kind = "REFRESH"
    table = table_of(ctx, found["name"])
    definition = ctx.catalog.definition(table)
    if definition is None or definition.relation is None:
        ctx.writes.append(Write(table))
        ctx.note(str(table), "a materialised view whose definition this session has not seen")
        return []
    ctx.reads.update(dict.fromkeys(definition.sources))
    ctx.catalog.definitions.pop(table)
    write_relation(ctx, table, definition.relation)
    ctx.catalog.definitions[table] = definition
    return []


def append(ctx: Context, found: re.Match[str]) -> Instead:
    """Redshift moves the rows of one table into another."""
    ctx.kind = "INSERT"
    write_relation(ctx, table_of(ctx, found["name"]), ctx.base(table_of(ctx, found["source"])))
    return []


def insert_from_routine(ctx: Context, found: re.Match[str]) -> Instead:
    """``INSERT INTO t EXEC routine``."""
    ctx.kind = "CALL"
    ctx.writes.append(Write(table_of(ctx, found["name"])))
    routine = split_name(found["routine"])[-1]
    ctx.note(routine, "what this routine returns is inserted; its columns are not known")
    return body_of(ctx, routine) if ctx.catalog.routine(routine) is not None else []


def replace_into(ctx: Context, found: re.Match[str]) -> Instead:
    """REPLACE INTO is an INSERT that removes the row in its way first."""
    ctx.kind = "INSERT"
    return ["INSERT INTO " + found["rest"]]


def without(ctx: Context, found: re.Match[str]) -> Instead:
    """Leave out words that the parser does not know and that change nothing here."""
    return [found["head"] + " " + found["rest"]]


def table_statement(ctx: Context, found: re.Match[str]) -> Instead:
    """``TABLE t``."""
    return ["SELECT * FROM " + found["rest"]]  # noqa: S608 - it is analysed, never executed
