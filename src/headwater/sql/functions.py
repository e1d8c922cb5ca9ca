"""Table functions: generate_series, unnest, flatten, explode, and unknown ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.column_uses import JOIN, TRANSFORMATION, Uses, merge
from headwater.sql.expressions import uses_of
from headwater.sql.relation import Out, Relation
from headwater.sql.routines import relation_of_routine
from headwater.sql.syntax_tree import function_name

if TYPE_CHECKING:
    from headwater.sql.context import Context
    from headwater.sql.scope import Scope

# Functions that make rows of their operands alone; of any other it is not known what tables it reads.
_NAMES = """
generate_series range unnest explode explode_outer posexplode posexplode_outer inline inline_outer stack flatten
json_each json_each_text json_array_elements json_array_elements_text jsonb_each jsonb_each_text
jsonb_array_elements jsonb_array_elements_text json_to_recordset jsonb_to_recordset json_populate_recordset
jsonb_populate_recordset json_object_keys jsonb_object_keys jsonb_path_query json_tree json_table xmltable
openjson string_split split_to_table strtok_split_to_table regexp_split_to_table regexp_matches string_to_table
generate_subscripts generate_date_array generate_timestamp_array generate_array generator sequence repeat_row
numbers pragma_table_info pragma_database_list pragma_show duckdb_tables duckdb_columns duckdb_settings
result_scan pg_ls_dir pg_show_all_settings current_setting table
"""
_SELF_CONTAINED = frozenset(_NAMES.split())


def function_relation(ctx: Context, scope: Scope, function: exp.Expr, alias: str) -> Relation:
    """Give the relation of a function in FROM: any column of it comes from its operands, which also decide how many
    rows."""
    made = relation_of_routine(ctx, function_name(function))
    if made is not None:
        return made
    uses: Uses = {}
    name = function_name(function) or function.key
    for operand in _operands(function):
        merge(uses, uses_of(ctx, scope, operand, TRANSFORMATION))
    if name not in _SELF_CONTAINED and isinstance(function, exp.Anonymous):
        ctx.note(f"{function.name}()", "a table function: what it reads is not known")
    rows: Uses = {}
    merge(rows, uses, JOIN)
    column = alias or name or "value"
    columns = [Out(ctx.identifier(column), dict(uses))]
    offset = function.args.get("offset")
    if isinstance(offset, exp.Identifier):
        columns.append(Out(ctx.identifier(offset), dict(uses)))
    return Relation(columns, rows, fallback=uses)


def _operands(function: exp.Expr) -> list[exp.Expr]:
    """Operands without the alias, and of ``name => value`` and ``name = value`` the value."""
    found: list[exp.Expr] = []
    for key, value in function.args.items():
        if key in ("alias", "offset"):
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, exp.EQ) and isinstance(item.this, exp.Column) and isinstance(function, exp.Anonymous):
                found.append(item.expression)
            elif isinstance(item, exp.Expression):
                found.append(item)
    return found
