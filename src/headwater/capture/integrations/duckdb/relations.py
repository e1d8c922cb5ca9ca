"""Relations of duckdb: derived from one another, fetched as frames, written to tables and files."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Final

from headwater.capture.arrow_memory import provides, remember_table
from headwater.capture.hooks import Hooks
from headwater.capture.integrations.duckdb.connections import (
    RELATION,
    frame_value,
    home_of,
    named_frames,
    ran,
    settle,
    state_of,
)
from headwater.capture.integrations.duckdb.scope import Call
from headwater.capture.integrations.duckdb.scope import hook as hook_calls
from headwater.capture.locations import located
from headwater.capture.recorder import Recorder
from headwater.capture.sql_statements import rule_of
from headwater.capture.values import Columns, Dep, Rule, Value, opaque, same_columns

_FETCHES: Final = (
    "df", "to_df", "fetchdf", "fetch_df", "fetch_df_chunk", "pl", "arrow", "to_arrow_table", "fetch_arrow_table",
    "fetchnumpy", "to_arrow_reader", "fetch_arrow_reader", "fetch_record_batch",
)  # fmt: skip
_KEEPS: Final = (
    "limit", "head", "distinct", "unique", "union", "union_by_name", "except_", "intersect", "set_alias", "sample",
    "materialize",
)  # fmt: skip
_SAYS: Final = ("project", "select", "filter", "order", "sort", "aggregate", "join", "query")
_CHANGES: Final = (
    "map", "apply", "with_columns", "pivot", "unpivot", "rename", "cross", "describe", "value_counts", "count", "sum",
    "avg", "mean", "min", "max", "median", "mode", "std", "stddev", "var", "variance", "first", "last", "list",
    "quantile", "histogram", "select_types", "select_dtypes", "unnest",
)  # fmt: skip
_FILES: Final = ("to_parquet", "write_parquet", "to_csv", "write_csv")
_TABLES: Final = {
    "create": "CREATE TABLE {} AS SELECT * FROM {}",
    "to_table": "CREATE TABLE {} AS SELECT * FROM {}",
    "create_view": "CREATE VIEW {} AS SELECT * FROM {}",
    "to_view": "CREATE VIEW {} AS SELECT * FROM {}",
    "insert_into": "INSERT INTO {} SELECT * FROM {}",
}


def hook(hooks: Hooks, module: ModuleType) -> None:
    """Hook the methods of relations, and the module's functions of a frame that do the same."""
    relation, connection = module.DuckDBPyRelation, module.DuckDBPyConnection
    hook_calls(hooks, relation, _FETCHES, _fetched)
    hook_calls(hooks, connection, _FETCHES, _fetched)
    hook_calls(hooks, module, tuple(name for name in _FETCHES if name != "arrow"), _fetched, module=module)
    hook_calls(hooks, relation, (*_KEEPS, *_SAYS, *_CHANGES), _derived)
    hook_calls(hooks, module, ("project", "filter", "order", "aggregate", "limit", "distinct"), _derived, module=module)
    hook_calls(hooks, module, ("query_df",), _derived, module=module)
    hook_calls(hooks, relation, _FILES, _written)
    hook_calls(hooks, module, ("write_csv",), _written, module=module)
    hook_calls(hooks, relation, tuple(_TABLES), _stored)


def _fetched(recorder: Recorder, result: Any, call: Call) -> None:
    """Record fetched rows: a frame, a table, or arrays by name."""
    is_relation = hasattr(call.owner, "sql_query")
    source = recorder.values.get(call.owner) if is_relation else state_of(call.owner).last
    if source is None or result is None or hasattr(result, "sql_query"):
        return
    op = f"duckdb.{call.name}"
    if isinstance(result, dict):
        for name, array in result.items():
            recorder.derive(array, op, (source,), rule=same_columns, columns=(str(name),), rows=len(array))
        return
    names = getattr(result, "column_names", None) or getattr(getattr(result, "schema", None), "names", None)
    if not isinstance(names, list | tuple):
        names = getattr(result, "columns", None)
    columns = tuple(str(name) for name in names) if names is not None else source.columns
    rows = len(result) if hasattr(result, "__len__") else getattr(result, "num_rows", None)
    value = recorder.derive(result, op, (source,), rule=same_columns, columns=columns, rows=rows)
    if hasattr(result, "num_columns"):
        remember_table(value, result)
    elif hasattr(result, "read_next_batch"):
        provides(value)


def _derived(recorder: Recorder, result: Any, call: Call) -> None:
    """Record a relation made from others. A method that takes SQL is followed as the equivalent query."""
    if not hasattr(result, "sql_query"):
        return
    is_function = isinstance(call.owner, ModuleType)
    first, args = (call.argument(0, "df"), call.args[1:]) if is_function else (call.owner, call.args)
    inner = Call(call.name, first, args, call.kwargs, call.frame, call.local)
    others = [item for item in inner.args if hasattr(item, "sql_query")]
    sources = [frame_value(recorder, item) or item for item in (first, *others)]
    rule, frames = _rule(recorder, inner, others)
    columns = tuple(result.columns)
    settle(result, state_of(call.owner) if is_function else home_of(first))
    recorder.derive(result, f"duckdb.{call.name}", [*sources, *frames.values()], rule=rule, columns=columns)


def _rule(recorder: Recorder, call: Call, others: list[Any]) -> tuple[Rule, dict[str, Value]]:
    """The rule of an operation, and the frames that its text names in addition to its inputs."""
    if call.name in _KEEPS:
        return (_united if others else same_columns), {}
    said = _said(call)
    if said is None:
        return opaque, {}
    text, names = said
    frames = named_frames(recorder, text, home_of(call.owner), call)
    frames = {name: value for name, value in frames.items() if name not in names}
    return rule_of(text, (*names, *frames), "duckdb"), frames


def _united(value: Value) -> Columns:
    """Rows of several relations one below the other: columns by name if they have that name, otherwise by position."""
    fields: dict[str, list[Dep]] = {}
    for position, name in enumerate(value.column_names()):
        for number, item in enumerate(value.inputs):
            names = item.column_names()
            same = name if name in names or position >= len(names) else names[position]
            fields.setdefault(name, []).append(Dep(number, same, subtype="IDENTITY"))
    return Columns(fields)


def _said(call: Call) -> tuple[str, tuple[str, ...]] | None:
    """The query equivalent to an operation, and the names of its inputs in it; None if there is none."""
    one = RELATION
    alias = getattr(call.owner, "alias", None)
    source = f'{one} AS "{alias}"' if isinstance(alias, str) else one
    terms = [str(item) for item in call.args if not hasattr(item, "sql_query")]
    name = call.name
    if name in ("project", "select") and terms:
        return f"FROM {source} SELECT {', '.join(terms)}", (one,)
    if name == "filter" and terms:
        return f"FROM {source} WHERE {terms[0]}", (one,)
    if name in ("order", "sort") and terms:
        return f"FROM {source} ORDER BY {', '.join(terms)}", (one,)
    if name == "aggregate" and terms:
        group = call.argument(1, "group_expr")
        return f"FROM {source} SELECT {terms[0]}" + (f" GROUP BY {group}" if group else ""), (one,)
    if name == "join" and len(terms) >= 1 and len(call.args) >= 1:
        return _joined(call, source, terms)
    if name in ("query", "query_df") and len(terms) == 2:
        return terms[1], (terms[0],)
    return None


def _joined(call: Call, source: str, terms: list[str]) -> tuple[str, tuple[str, ...]] | None:
    other = call.args[0]
    how = str(call.argument(2, "how") or "inner")
    if how not in ("inner", "left", "right", "outer", "semi", "anti"):
        return None
    how = "full outer" if how == "outer" else how
    second = f'{RELATION}_2 AS "{other.alias}"'
    condition = terms[0]
    on = f"USING ({condition})" if condition.replace(",", "").replace(" ", "").isidentifier() else f"ON {condition}"
    return f"FROM {source} {how} JOIN {second} {on}", (RELATION, f"{RELATION}_2")


def _written(recorder: Recorder, result: Any, call: Call) -> None:
    """``relation.to_parquet(file)``, ``duckdb.write_csv(frame, file)``."""
    del result
    is_function = isinstance(call.owner, ModuleType)
    source = call.argument(0, "df") if is_function else call.owner
    ref = located(call.argument(1 if is_function else 0, "file_name", "filename"))
    if ref is not None:
        is_anew = not call.kwargs.get("partition_by")
        recorder.wrote(frame_value(recorder, source) or source, ref, is_anew=is_anew)


def _stored(recorder: Recorder, result: Any, call: Call) -> None:
    """Record a relation that became a table or a view, or was inserted into one."""
    del result
    value = recorder.values.get(call.owner)
    name = call.argument(0, "table_name", "view_name")
    if value is not None and isinstance(name, str):
        ran(recorder, home_of(call.owner), _TABLES[call.name].format(name, RELATION), {RELATION: value})
