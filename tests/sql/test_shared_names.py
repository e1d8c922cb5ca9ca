"""Columns that have the name of their table, and names of tables that mean whole rows."""

from __future__ import annotations

import pytest

from headwater.sql import analyze


def sources(sql: str, dialect: str, schema: dict[str, list[str]] | None = None) -> dict[str, set[str]]:
    """The columns that each column of the new table takes its values from."""
    found: dict[str, set[str]] = {}
    for one in analyze(sql, dialect=dialect, schema=schema or {}):
        for edge in one.each_edge():
            if edge.type == "DIRECT":
                found.setdefault(edge.target_column, set()).add(edge.source_column)
    return found


@pytest.mark.parametrize("dialect", ["sqlite", "mysql", "tsql", "mariadb", "postgres", "duckdb", "bigquery"])
@pytest.mark.parametrize("alias", ["", " WHERE store = 1", " GROUP BY store"])
def test_a_column_with_the_name_of_its_table_is_that_column(dialect, alias):
    """``SELECT sales FROM sales``, of a table whose columns nobody has told: the column, not the row."""
    assert sources(f"CREATE TABLE t AS SELECT day, sales FROM sales{alias}", dialect) == {
        "day": {"day"},
        "sales": {"sales"},
    }
    assert sources(f"CREATE TABLE t AS SELECT sum(sales) AS n, sales * 2 AS m FROM sales{alias}", dialect) == {
        "n": {"sales"},
        "m": {"sales"},
    }


@pytest.mark.parametrize("dialect", ["postgres", "duckdb"])
@pytest.mark.parametrize("query", ["SELECT s FROM sales s", "SELECT to_json(sales) AS s FROM sales"])
def test_the_name_of_a_table_is_its_row_where_a_row_is_a_value(dialect, query):
    """With an alias of its own, or in a function that takes rows; all known columns, or all of the table."""
    made = f"CREATE TABLE t AS {query}"
    assert sources(made, dialect) == {"s": {"*"}}
    assert sources(made, dialect, {"sales": ["day", "price"]}) == {"s": {"day", "price"}}


def test_full_text_search_in_sqlite_asks_the_whole_table():
    """``docs MATCH 'x'`` is a filter on all columns, not on one called docs."""
    (one,) = analyze("CREATE TABLE t AS SELECT title FROM docs WHERE docs MATCH 'x'", dialect="sqlite", schema={})
    assert {(edge.source_column, edge.type) for edge in one.each_edge()} == {("title", "DIRECT"), ("*", "INDIRECT")}


def test_dates_in_double_quotes_are_no_columns_in_sqlite():
    """SQLite takes a word in double quotes for text where no column fits, as between two dates; the columns of the
    table need not be known."""
    text = 'CREATE TABLE t AS SELECT a FROM logs WHERE day BETWEEN "2018-01-01" AND "2019-01-01"'
    (one,) = analyze(text, dialect="sqlite", schema={})
    assert {edge.source_column for edge in one.columns} == {"a", "day"}
