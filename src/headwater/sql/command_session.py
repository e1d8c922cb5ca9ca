"""Commands about the session: EXPLAIN, PREPARE and EXECUTE, search paths, routines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headwater.sql.lexer import lex
from headwater.sql.quoting import bare, folded, split_name, unquoted
from headwater.sql.routines import body_of, statements_in

if TYPE_CHECKING:
    from headwater.sql.context import Context

# What to analyse instead of the statement: pieces of SQL; none when there is nothing more to say.
Instead = list[str]


def explain(ctx: Context, found: re.Match[str]) -> Instead:
    """EXPLAIN ANALYZE executes, EXPLAIN does not."""
    options = (found["options"] or "") + " " + (found["flags"] or "")
    runs = re.search(r"\banaly[sz]e\b(?!\s*=?\s*'?(?:false|off|0)\b)", options, re.I)
    ctx.kind = "EXPLAIN"
    return [found["rest"]] if runs else []


def prepare(ctx: Context, found: re.Match[str]) -> Instead:
    """Keep the text for EXECUTE."""
    ctx.kind = "PREPARE"
    ctx.catalog.prepared[bare(found["name"])] = found["rest"]
    return []


def prepare_string(ctx: Context, found: re.Match[str]) -> Instead:
    """MySQL: the statement is a string."""
    ctx.kind = "PREPARE"
    ctx.catalog.prepared[bare(found["name"])] = unquoted(found["text"])
    return []


def execute(ctx: Context, found: re.Match[str]) -> Instead | None:
    """EXECUTE runs the text that was prepared."""
    ctx.kind = "EXECUTE"
    name = bare(found["name"])
    text = ctx.catalog.prepared.get(name)
    if text is None:
        if ctx.catalog.routine(split_name(found["whole"])[-1]) is not None:
            return call(ctx, found)
        if ctx.dialect in ("tsql", "oracle"):
            return None
        if name.upper() != "IMMEDIATE":
            ctx.note(name, "a prepared statement that this session has not seen")
            return []
        return immediate(ctx, found)
    return [text]


def immediate(ctx: Context, found: re.Match[str]) -> Instead:
    """EXECUTE IMMEDIATE of a string that is written out."""
    rest = found["rest"].strip()
    strings = [token.text for token in lex(rest, ctx.dialect) if token.kind == "string"]
    if rest[:1] in "'\"$" and strings:
        return [unquoted(strings[0])]
    ctx.note("EXECUTE IMMEDIATE", "runs text that is not known")
    return []


def deallocate(ctx: Context, found: re.Match[str]) -> Instead:
    """Forget a prepared statement."""
    ctx.kind = "OTHER"
    if found["name"].lower() == "all":
        ctx.catalog.prepared.clear()
    ctx.catalog.prepared.pop(bare(found["name"]), None)
    return []


def search_path(ctx: Context, found: re.Match[str]) -> Instead:
    """SET search_path, SET SCHEMA."""
    ctx.kind = "SET"
    names = [name.strip() for name in found["path"].split(",")]
    if [name.lower() for name in names] == ["default"]:
        ctx.catalog.catalog, ctx.catalog.search_path = ctx.catalog.initial[0], list(ctx.catalog.initial[1])
        return []
    parts = [[folded(ctx, part) for part in split_name(name)] for name in names if name]
    ctx.catalog.search_path = [part[-1] for part in parts]
    if len(parts) == 1 and len(parts[0]) > 1:
        ctx.catalog.catalog = parts[0][-2]
    return []


def reset_path(ctx: Context, found: re.Match[str]) -> Instead:
    """RESET search_path."""
    ctx.kind = "SET"
    ctx.catalog.catalog, ctx.catalog.search_path = ctx.catalog.initial[0], list(ctx.catalog.initial[1])
    return []


def use(ctx: Context, found: re.Match[str]) -> Instead:
    """USE names a schema, or a database where databases hold schemas."""
    ctx.kind = "USE"
    what = (found["what"] or "").lower()
    parts = [folded(ctx, part) for part in split_name(found["name"])]
    if what in ("role", "warehouse", "secondary"):
        return []
    is_database = what in ("database", "catalog") or (ctx.dialect == "tsql" and not what)
    is_database = is_database or (ctx.dialect == "duckdb" and parts[0] in ctx.catalog.attached)
    if len(parts) > 1:
        ctx.catalog.catalog, ctx.catalog.search_path = parts[-2], [parts[-1]]
    elif is_database and ctx.dialect not in ("mysql", "hive", "spark", "databricks", "clickhouse"):
        ctx.catalog.catalog, ctx.catalog.search_path = parts[0], []
    else:
        ctx.catalog.search_path = [parts[0]]
    return []


def do(ctx: Context, found: re.Match[str]) -> Instead:
    """An anonymous block."""
    ctx.kind = "DO"
    return statements_in(ctx, unquoted(found["body"]))


def call(ctx: Context, found: re.Match[str]) -> Instead:
    """CALL, and EXEC of a routine."""
    ctx.kind = "CALL"
    whole = found.groupdict().get("whole") or found["name"]
    return body_of(ctx, split_name(whole)[-1])


def create_routine(ctx: Context, found: re.Match[str]) -> Instead:
    """A routine whose body is not a string: its semicolons are its own."""
    what = found["what"].upper()
    ctx.kind = f"CREATE_{'PROCEDURE' if what == 'PROC' else what}"
    ctx.catalog.routines[bare(split_name(found["name"])[-1]).lower()] = found["body"]
    return []


def transaction(ctx: Context, found: re.Match[str]) -> Instead:
    """Begin, end and savepoints."""
    ctx.kind = "TRANSACTION"
    word, name = found["verb"].lower().split()[0], (found["savepoint"] or "").lower()
    if word in ("begin", "start") or (word == "savepoint" and name):
        ctx.catalog.begin(name)
    elif word in ("rollback", "abort"):
        ctx.catalog.roll_back(name)
    elif word in ("commit", "end"):
        ctx.catalog.commit()
    return []


def nothing(ctx: Context, found: re.Match[str]) -> Instead:
    """Statements that move no data."""
    ctx.kind = found["word"].upper()
    return []
