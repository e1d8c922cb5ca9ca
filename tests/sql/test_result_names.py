"""Output columns against the names that a database gives its result."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import duckdb
import pytest

from headwater.sql import analyze

TABLES = {"t": ["a", "b", "c", "k"], "u": ["k", "d", "E"]}
EVERYWHERE = [
    "SELECT * FROM t JOIN u USING (k)",
    "SELECT * FROM t NATURAL JOIN u",
    "SELECT * FROM t LEFT JOIN u ON t.k = u.k",
    "SELECT t.*, u.d FROM t, u",
    "SELECT A, e FROM t, u",
    "SELECT a AS x, b y FROM t",
    "SELECT max(a) FROM t",
    "SELECT * FROM (SELECT a, b FROM t) UNION ALL SELECT k, d FROM u",
    "WITH w(p, q) AS (SELECT a, b FROM t) SELECT * FROM w",
    "SELECT * FROM t JOIN u USING (k) JOIN t t2 USING (k)",
    "SELECT * FROM u u1, u u2",
    "SELECT (a), t.b FROM t",
]
DUCKDB = [
    *EVERYWHERE,
    "SELECT * FROM t SEMI JOIN u USING (k)",
    "SELECT * FROM t FULL JOIN u USING (k)",
    "SELECT * EXCLUDE (a) REPLACE (b + 1 AS b) RENAME (c AS z) FROM t",
    "PIVOT t ON c IN (0, 1) USING sum(a) GROUP BY b",
    "PIVOT t ON c IN (0, 1) USING sum(a), max(k) GROUP BY b",
    "PIVOT t ON c IN (0, 1) USING sum(a) AS s GROUP BY b",
    "UNPIVOT t ON a, b INTO NAME n VALUE v",
    "SELECT * FROM t PIVOT (sum(a) FOR c IN (0, 1))",
    "SELECT * FROM t UNPIVOT (v FOR n IN (a, b))",
    "FROM t",
    "VALUES (1, 2)",
    "SELECT * FROM (VALUES (1, 2)) v",
    "SELECT * FROM generate_series(1, 2)",
    "SELECT * FROM range(3) r(i)",
    "SELECT COLUMNS('[ab]') FROM t",
    "SELECT min(COLUMNS('[ab]')) FROM t",
    "SELECT * LIKE 'a%' FROM t",
    "SELECT * FROM t POSITIONAL JOIN u",
    "SELECT * FROM t, LATERAL (SELECT a + 1 AS z)",
    "SELECT DISTINCT ON (a) * FROM t",
]


@pytest.fixture(scope="module")
def databases() -> Iterator[dict[str, duckdb.DuckDBPyConnection | sqlite3.Connection]]:
    """Both databases with the same two tables."""
    both = {"duckdb": duckdb.connect(), "sqlite": sqlite3.connect(":memory:")}
    for connection in both.values():
        for table, columns in TABLES.items():
            connection.execute(f"CREATE TABLE {table} ({', '.join(f'{column} INT' for column in columns)})")
    yield both
    for connection in both.values():
        connection.close()


@pytest.mark.parametrize(
    ("dialect", "sql"), [*(("duckdb", sql) for sql in DUCKDB), *(("sqlite", sql) for sql in EVERYWHERE)]
)
def test_names_are_those_of_the_result(
    databases: dict[str, duckdb.DuckDBPyConnection | sqlite3.Connection], dialect: str, sql: str
) -> None:
    """Number, order and spelling of the output columns are what the database itself says."""
    (statement,) = analyze(sql, dialect=dialect, schema=TABLES)
    described = databases[dialect].execute(sql).description or ()
    assert list(statement.output_columns) == [column[0] for column in described]
