"""The case of columns, dialect by dialect: quoted names keep it, others fold as the database folds them."""

from __future__ import annotations

import pytest

from headwater.sql import analyze

#: dialect: how ``Id`` is quoted, what unquoted ``iD`` is kept as (None: as written), whether two cases are two columns
DIALECTS = {
    "postgres": ('"Id"', str.lower, True),
    "snowflake": ('"Id"', str.upper, True),
    "oracle": ('"Id"', str.upper, True),
    "bigquery": ("`Id`", str, False),
    "mysql": ("`Id`", str, False),
    "duckdb": ('"Id"', str, False),
    "tsql": ("[Id]", str, False),
}
every_dialect = pytest.mark.parametrize("dialect", DIALECTS)
exact_dialects = pytest.mark.parametrize("dialect", [name for name, (_, _, is_exact) in DIALECTS.items() if is_exact])


def flows(sql: str, dialect: str, schema: dict[str, list[str]] | None = None, table: str = "t") -> set[tuple[str, str]]:
    """(source column, target column) of the values that flow into a table; the names of tables are of no interest."""
    found = [edge for one in analyze(sql, dialect=dialect, schema=schema or {}) for edge in one.each_edge()]
    return {
        (edge.source_column, edge.target_column)
        for edge in found
        if edge.type == "DIRECT" and edge.target_table is not None and edge.target_table.name.lower() == table
    }


@every_dialect
def test_a_quoted_column_keeps_its_case(dialect):
    """Read, written and created; an unquoted one folds."""
    quoted, fold, _ = DIALECTS[dialect]
    assert flows(f"CREATE TABLE t AS SELECT {quoted} FROM s", dialect) == {("Id", "Id")}
    assert flows("CREATE TABLE t AS SELECT iD FROM s", dialect) == {(fold("iD"), fold("iD"))}
    assert flows(f"INSERT INTO t ({quoted}) SELECT aB FROM s", dialect) == {(fold("aB"), "Id")}


@every_dialect
def test_two_cases_of_a_name_are_two_columns_where_the_database_has_both(dialect):
    """Without a schema: two spellings are one column where case makes no difference, in the spelling met first."""
    quoted, fold, is_exact = DIALECTS[dialect]
    sql = f"CREATE TABLE t AS SELECT {quoted} AS {quoted}, iD AS plain FROM s"
    other = fold("iD") if is_exact else "Id"
    assert flows(sql, dialect) == {("Id", "Id"), (other, fold("plain"))}


@exact_dialects
def test_two_cases_stay_two_through_a_query_and_a_table_of_the_script(dialect):
    """In subqueries, common tables and temporary ones, in column lists and in ORDER BY."""
    quoted, fold, _ = DIALECTS[dialect]
    a, b = fold("a"), fold("b")
    inner = f"SELECT p AS {quoted}, r AS iD FROM s"
    wanted = {(fold("p"), a), (fold("r"), b)}
    assert flows(f"CREATE TABLE t AS SELECT x.{quoted} AS a, x.iD AS b FROM ({inner}) x", dialect) == wanted
    assert flows(f"CREATE TABLE t AS WITH x AS ({inner}) SELECT {quoted} AS a, iD AS b FROM x", dialect) == wanted
    if dialect != "oracle":
        script = (
            f"CREATE TEMPORARY TABLE m ({quoted} int, iD int); INSERT INTO m ({quoted}, iD) SELECT p, r FROM s;"
            f" INSERT INTO t (a, b) SELECT {quoted}, iD FROM m"
        )
        assert flows(script, dialect) == wanted


@every_dialect
def test_an_emitters_schema_fits_in_another_case_where_it_is_clear(dialect):
    """The exact spelling first; else the only column that differs in case; nothing where two could be meant."""
    quoted, fold, _ = DIALECTS[dialect]
    sql = f"CREATE TABLE t AS SELECT {quoted} AS a FROM s"
    assert flows(sql, dialect, {"s": ["id", "Id", "ID"]}) == {("Id", fold("a"))}
    assert flows(sql, dialect, {"s": ["x", "iD"]}) == {("iD", fold("a"))}
    (statement,) = analyze(sql, dialect=dialect, schema={"s": ["id", "ID"]})
    assert [one.what for one in statement.unresolved] == ["Id"]


@every_dialect
def test_the_last_assignment_of_a_column_counts(dialect):
    """An update of two spellings: of two columns, or twice of one."""
    quoted, fold, is_exact = DIALECTS[dialect]
    sql = f"UPDATE t SET {quoted} = p, iD = r" if is_exact else f"UPDATE t SET {quoted} = p"
    wanted = {(fold("p"), "Id"), (fold("r"), fold("iD"))} if is_exact else {(fold("p"), "Id")}
    assert flows(sql, dialect) >= wanted
