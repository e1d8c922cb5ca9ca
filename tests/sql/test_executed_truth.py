"""Lineage against what a real database does: what is not an input cannot change the output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings

from headwater.sql import Statement, analyze

from .queries import TABLES, queries

ROWS = 6
SOURCES = [(table, column) for table, columns in TABLES.items() for column in columns]


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB with the three tables, one thread."""
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    for table, columns in TABLES.items():
        cells = ", ".join(
            f"NULLIF((i * {2 * n + 3} + {n * n}) % 5, {n % 3}) AS {name}" for n, name in enumerate(columns)
        )
        connection.execute(f"CREATE TABLE {table} AS SELECT {cells} FROM range({ROWS}) r(i)")
    yield connection
    connection.close()


def columns_of(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Counter[object]]:
    """Run a query and give each output column as a bag of values."""
    result = connection.execute(sql)
    width = len(result.description or ())
    rows = result.fetchall()
    return [Counter(row[i] for row in rows) for i in range(width)]


def inputs_of(statement: Statement, output: str) -> set[tuple[str, str]]:
    """Every source column that lineage gives for an output column, directly or not."""
    return {
        (str(edge.source_table), edge.source_column)
        for edge in statement.columns
        if edge.target_column in (output, "*")
    }


# Other values, fewer different ones (which changes groups and partitions), and values that ignore the old ones.
CHANGES = ["NULLIF(COALESCE({}, 3) * 3 + 1, 7)", "COALESCE({}, 1) % 2", "(rowid * 7 + 3) % 4"]
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.mark.first
@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(sql=queries())
def test_a_column_that_is_no_input_changes_nothing(database: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Changing any source column outside of an output's inputs leaves that output as it was."""
    assert_no_other_input(database, sql)


@pytest.mark.long
@settings(max_examples=3000, deadline=None, suppress_health_check=SLOW)
@given(sql=queries())
def test_a_column_that_is_no_input_changes_nothing_at_length(database: duckdb.DuckDBPyConnection, sql: str) -> None:
    """The same over three thousand queries."""
    assert_no_other_input(database, sql)


def assert_no_other_input(database: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Change each column that is no input of some output, and look at those outputs."""
    (statement,) = analyze(sql, dialect="duckdb", schema=TABLES)
    assert statement.unresolved == (), sql
    before = columns_of(database, sql)
    outputs = statement.output_columns
    assert len(outputs) == len(before), sql
    for table, column in SOURCES:
        untouched = [i for i, output in enumerate(outputs) if (table, column) not in inputs_of(statement, output)]
        if not untouched:
            continue
        for change in CHANGES:
            database.execute("BEGIN")
            database.execute(f"UPDATE {table} SET {column} = {change.format(column)}")
            try:
                after = columns_of(database, sql)
            finally:
                database.execute("ROLLBACK")
            for i in untouched:
                assert after[i] == before[i], f"{outputs[i]} changed with {table}.{column}: {sql}"


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(sql=queries().filter(lambda sql: "UNION" not in sql))
def test_an_identity_column_holds_values_of_its_sources(database: duckdb.DuckDBPyConnection, sql: str) -> None:
    """An output that is nothing but identities shows no value that its source columns do not hold.

    Without UNION, where another branch may make values of nothing (``rank()``, ``count(*)``).
    """
    (statement,) = analyze(sql, dialect="duckdb", schema=TABLES)
    results = columns_of(database, sql)
    for i, output in enumerate(statement.output_columns):
        edges = [edge for edge in statement.columns if edge.target_column == output and edge.type == "DIRECT"]
        if not edges or any(edge.subtype != "IDENTITY" for edge in edges):
            continue
        held: set[object] = {None}
        for edge in edges:
            held |= {
                row[0] for row in database.execute(f"SELECT {edge.source_column} FROM {edge.source_table}").fetchall()
            }
        assert set(results[i]) <= held, sql
