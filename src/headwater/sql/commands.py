"""Statements that the parser leaves as text: EXPLAIN, PREPARE, EXECUTE, search paths, RENAME TABLE, UNLOAD, LOAD
DATA, DO.

Each is a pattern and a rule; a rule gives the text to go on with, or has done all there is to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from headwater.sql.lex import lex

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.results import TableName

# What to analyse instead of the statement: pieces of SQL; none when there is nothing more to say.
Instead = list[str]
_NAME = r"(?:\"[^\"]+\"|`[^`]+`|\[[^\]]+\]|[\w$#]+)"
_DOTTED = rf"{_NAME}(?:\s*\.\s*{_NAME})*"


def rewritten(ctx: Context, code: str) -> Instead | None:
    """Give what to analyse instead of ``code``, or ``None`` when the parser takes it as it is."""
    for pattern, rule in _RULES:
        found = pattern.match(code)
        if found is not None:
            return rule(ctx, found)
    return None


def _explain(ctx: Context, found: re.Match[str]) -> Instead:
    """EXPLAIN ANALYZE executes, EXPLAIN does not."""
    options = (found["options"] or "") + " " + (found["flags"] or "")
    runs = re.search(r"\banaly[sz]e\b(?!\s*=?\s*'?(?:false|off|0)\b)", options, re.I)
    ctx.kind = "EXPLAIN"
    return [found["rest"]] if runs else []


def _prepare(ctx: Context, found: re.Match[str]) -> Instead:
    ctx.kind = "PREPARE"
    ctx.catalog.prepared[_bare(found["name"])] = found["rest"]
    return []


def _prepare_string(ctx: Context, found: re.Match[str]) -> Instead:
    """MySQL: the statement is a string."""
    ctx.kind = "PREPARE"
    ctx.catalog.prepared[_bare(found["name"])] = unquoted(found["text"])
    return []


def _execute(ctx: Context, found: re.Match[str]) -> Instead | None:
    ctx.kind = "EXECUTE"
    name = _bare(found["name"])
    text = ctx.catalog.prepared.get(name)
    if text is None:
        if ctx.dialect in ("tsql", "oracle"):
            return None
        if name.upper() != "IMMEDIATE":
            ctx.note(name, "a prepared statement that this session has not seen")
            return []
        return _immediate(ctx, found)
    return [text]


def _immediate(ctx: Context, found: re.Match[str]) -> Instead:
    rest = found["rest"].strip()
    strings = [token.text for token in lex(rest, ctx.dialect) if token.kind == "string"]
    if rest[:1] in "'\"$" and strings:
        return [unquoted(strings[0])]
    ctx.note("EXECUTE IMMEDIATE", "runs text that is not known")
    return []


def _deallocate(ctx: Context, found: re.Match[str]) -> Instead:
    ctx.kind = "OTHER"
    if found["name"].lower() == "all":
        ctx.catalog.prepared.clear()
    ctx.catalog.prepared.pop(_bare(found["name"]), None)
    return []


def _search_path(ctx: Context, found: re.Match[str]) -> Instead:
    ctx.kind = "SET"
    names = [name.strip() for name in found["path"].split(",")]
    if [name.lower() for name in names] == ["default"]:
        ctx.catalog.catalog, ctx.catalog.search_path = ctx.catalog.initial[0], list(ctx.catalog.initial[1])
        return []
    parts = [[_folded(ctx, part) for part in _split_name(name)] for name in names if name]
    ctx.catalog.search_path = [part[-1] for part in parts]
    if len(parts) == 1 and len(parts[0]) > 1:
        ctx.catalog.catalog = parts[0][-2]
    return []


def _reset_path(ctx: Context, found: re.Match[str]) -> Instead:
    ctx.kind = "SET"
    ctx.catalog.catalog, ctx.catalog.search_path = ctx.catalog.initial[0], list(ctx.catalog.initial[1])
    return []


def _use(ctx: Context, found: re.Match[str]) -> Instead:
    """USE names a schema, or a database where databases hold schemas."""
    ctx.kind = "USE"
    what = (found["what"] or "").lower()
    parts = [_folded(ctx, part) for part in _split_name(found["name"])]
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


def _rename_table(ctx: Context, found: re.Match[str]) -> Instead:
    """MySQL renames several tables in one statement, which is how they are swapped."""
    from headwater.sql.altering import rename

    for pair in found["pairs"].split(","):
        old, _, new = re.sub(r"\s+to\s+", "\0", pair.strip(), flags=re.I).partition("\0")
        rename(ctx, _table(ctx, old), _table(ctx, new))
    return []


def _set_schema(ctx: Context, found: re.Match[str]) -> Instead:
    """``ALTER TABLE a SET SCHEMA s``."""
    import msgspec

    from headwater.sql.altering import rename

    old = _table(ctx, found["name"])
    rename(ctx, old, msgspec.structs.replace(old, schema=_folded(ctx, found["schema"])))
    return []


def _sp_rename(ctx: Context, found: re.Match[str]) -> Instead:
    from headwater.sql.altering import rename

    if found["column"]:
        ctx.kind = "ALTER"
        return []
    rename(ctx, _table(ctx, found["old"]), _table(ctx, found["new"]))
    return []


def _refresh(ctx: Context, found: re.Match[str]) -> Instead:
    """A refreshed view takes its data anew from what it was made of."""
    from headwater.sql.writing import write_relation

    ctx.kind = "REFRESH"
    table = _table(ctx, found["name"])
    definition = ctx.catalog.definition(table)
    if definition is None or definition.relation is None:
        from headwater.sql.writing import Write

        ctx.writes.append(Write(table))
        ctx.note(str(table), "a materialised view whose definition this session has not seen")
        return []
    ctx.reads.update(dict.fromkeys(definition.sources))
    ctx.catalog.definitions.pop(table)
    write_relation(ctx, table, definition.relation)
    ctx.catalog.definitions[table] = definition
    return []


def _unload(ctx: Context, found: re.Match[str]) -> Instead:
    from headwater.sql.copying import export
    from headwater.sql.trees import tree_of

    export(ctx, tree_of(unquoted(found["query"]), ctx.dialect), unquoted(found["path"]))
    return []


def _outfile(ctx: Context, found: re.Match[str]) -> Instead:
    from headwater.sql.copying import export
    from headwater.sql.trees import tree_of

    query = (
        found["head"]
        + " "
        + re.sub(r"^\s*(?:fields|lines|columns|character)\b.*?(?=\bfrom\b|$)", "", found["rest"], flags=re.I | re.S)
    )
    export(ctx, tree_of(query, ctx.dialect), unquoted(found["path"]))
    return []


def _directory(ctx: Context, found: re.Match[str]) -> Instead:
    from headwater.sql.copying import export
    from headwater.sql.trees import tree_of

    export(ctx, tree_of(found["query"], ctx.dialect), unquoted(found["path"]))
    return []


def _load_data(ctx: Context, found: re.Match[str]) -> Instead:
    from headwater.sql.copying import load
    from headwater.sql.files import file_name

    ctx.kind = "COPY"
    columns = re.search(r"\(([^()]*)\)\s*(?:set\b.*)?$", found["rest"], re.I | re.S)
    names = [_bare(name) for name in columns[1].split(",")] if columns else None
    load(ctx, file_name(unquoted(found["path"])), _table(ctx, found["name"]), names)
    return []


def _replace_into(ctx: Context, found: re.Match[str]) -> Instead:
    """REPLACE INTO is an INSERT that removes the row in its way first."""
    ctx.kind = "INSERT"
    return ["INSERT INTO " + found["rest"]]


def _table_statement(ctx: Context, found: re.Match[str]) -> Instead:
    return ["SELECT * FROM " + found["rest"]]  # noqa: S608 - it is analysed, never executed


def _do(ctx: Context, found: re.Match[str]) -> Instead:
    from headwater.sql.routines import statements_in

    ctx.kind = "DO"
    return statements_in(ctx, unquoted(found["body"]))


def _call(ctx: Context, found: re.Match[str]) -> Instead:
    from headwater.sql.routines import body_of

    ctx.kind = "CALL"
    return body_of(ctx, _split_name(found["name"])[-1])


def _transaction(ctx: Context, found: re.Match[str]) -> Instead:
    ctx.kind = "TRANSACTION"
    return []


def _nothing(ctx: Context, found: re.Match[str]) -> Instead:
    ctx.kind = found["word"].upper()
    return []


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


def _bare(name: str) -> str:
    name = name.strip()
    return name[1:-1] if name[:1] in '"`[' else name.lower()


def _split_name(name: str) -> list[str]:
    return re.findall(r"\"[^\"]+\"|`[^`]+`|\[[^\]]+\]|'[^']+'|[^.\s]+", name)


def _folded(ctx: Context, part: str) -> str:
    part = part.strip()
    quoted = part[:1] in "\"`['"
    return ctx.folding.table(part[1:-1] if quoted else part, quoted=quoted)


def _table(ctx: Context, name: str) -> TableName:
    from sqlglot import exp

    name = name.strip()
    name = unquoted(name) if name[:1] == "'" else name
    parts = _split_name(name)[-3:]
    identifiers = [
        exp.Identifier(this=part[1:-1] if part[:1] in '"`[' else part, quoted=part[:1] in '"`[') for part in parts
    ]
    keys = ("catalog", "db", "this")[-len(identifiers) :]
    return ctx.catalog.resolve(ctx, exp.Table(**dict(zip(keys, identifiers, strict=True))))


_STRING = r"(?:'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
_PATTERNS: list[tuple[str, Callable[[Context, re.Match[str]], Instead | None]]] = [
    (
        r"explain\b\s*(?:\((?P<options>[^()]*)\))?\s*(?P<flags>(?:(?:analy[sz]e|verbose|extended|plan\s+for|query\s+plan)\b\s*)*)(?P<rest>.*)",
        _explain,
    ),
    (rf"prepare\s+(?P<name>{_NAME})\s+from\s+(?P<text>{_STRING})", _prepare_string),
    (rf"prepare\s+(?P<name>{_NAME})\s*(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?\s*(?:as|from)\s+(?P<rest>.*)", _prepare),
    (
        rf"exec(?:ute)?\s+sp_rename\s+(?:@\w+\s*=\s*)?(?P<old>{_STRING})\s*,\s*(?:@\w+\s*=\s*)?(?P<new>'[^']*'|\"[^\"]*\")(?P<column>\s*,.*)?",
        _sp_rename,
    ),
    (rf"execute\s+(?P<name>{_NAME})(?P<rest>.*)", _execute),
    (rf"(?:deallocate(?:\s+prepare)?|drop\s+prepare)\s+(?P<name>{_NAME})", _deallocate),
    (
        r"set\s+(?:session\s+|local\s+)?(?:search_path|schema|current_schema)\s*(?:=|\bto\b)?\s*(?P<path>[^=].*)",
        _search_path,
    ),
    (r"reset\s+(?:search_path|all)\b", _reset_path),
    (
        rf"use\s+(?:(?P<what>role|warehouse|secondary|database|catalog|schema|namespace)\s+)?(?P<name>{_DOTTED})\s*$",
        _use,
    ),
    (r"rename\s+tables?\s+(?P<pairs>.*)", _rename_table),
    (
        rf"alter\s+(?:table|view|materialized\s+view)\s+(?:if\s+exists\s+)?(?P<name>{_DOTTED})\s+set\s+schema\s+(?P<schema>{_NAME})",
        _set_schema,
    ),
    (rf"refresh\s+(?:materialized\s+view|dynamic\s+table|table)?\s*(?:concurrently\s+)?(?P<name>{_DOTTED})", _refresh),
    (rf"unload\s*\(\s*(?P<query>{_STRING})\s*\)\s*to\s+(?P<path>'[^']*')", _unload),
    (r"(?P<head>select\b.*?)\binto\s+(?:out|dump)file\s+(?P<path>'[^']*')(?P<rest>.*)", _outfile),
    (
        rf"load\s+data\b.*?\b(?:infile|inpath)\s+(?P<path>'[^']*'|\"[^\"]*\")\s+.*?\binto\s+table\s+(?P<name>{_DOTTED})(?P<rest>.*)",
        _load_data,
    ),
    (
        r"insert\s+overwrite\s+(?:local\s+)?directory\s+(?P<path>'[^']*'|\"[^\"]*\").*?(?P<query>\b(?:select|with|table)\b.*)",
        _directory,
    ),
    (r"replace\s+into\s+(?P<rest>.*)", _replace_into),
    (rf"table\s+(?P<rest>{_DOTTED}\s*(?:(?:order|limit|offset|fetch)\b.*)?)$", _table_statement),
    (rf"do\s+(?:language\s+\w+\s+)?(?P<body>{_STRING})", _do),
    (rf"call\s+(?P<name>{_DOTTED})", _call),
    (
        r"(?:begin|start\s+transaction|commit|rollback|savepoint|release|abort|end)\b(?!.*\b(?:select|insert|update|delete)\b)",
        _transaction,
    ),
    (
        r"(?P<word>vacuum|analyze|grant|revoke|checkpoint|listen|notify|show|discard|lock|cluster|reindex|set|pragma|install|load|kill|optimize)\b",
        _nothing,
    ),
]
_RULES = [(re.compile(r"\s*" + pattern, re.I | re.S), rule) for pattern, rule in _PATTERNS]
