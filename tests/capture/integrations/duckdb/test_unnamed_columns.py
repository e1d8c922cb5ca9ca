"""Columns of a result that the statement gives no name, or that have no source."""

from __future__ import annotations

import duckdb
import pandas as pd
import pytest


@pytest.fixture
def table(follow):
    """What follows duckdb, and a connection with a table read from a file."""
    pd.DataFrame({"a": [1, 2], "b": [3, 4], "c": ["x", "y"]}).to_csv("t.csv", index=False)
    followed = follow("duckdb", "pandas")
    connection = duckdb.connect("base.db")
    connection.execute("CREATE TABLE t AS SELECT * FROM 't.csv'")
    yield followed, connection
    connection.close()


def test_columns_that_duckdb_names_are_found_by_their_place(table):
    """``avg(a + b)`` is called ``avg((a + b))`` by duckdb; that a count beside it has no source changes nothing."""
    followed, connection = table
    connection.execute("SELECT count(*), avg(a+b), sum(a*2) AS twice FROM t").df().to_csv("one.csv", index=False)
    connection.sql("SELECT * FROM t").aggregate("count(*), max(b - a)").df().to_csv("two.csv", index=False)
    entries = followed.entries()
    found = {
        name: [{item["field"] for item in field["inputs"]} for field in entries[name]["fields"].values()]
        for name in ("one.csv", "two.csv")
    }
    assert sorted(map(sorted, found["one.csv"])) == [[], ["a"], ["a", "b"]]
    assert sorted(map(sorted, found["two.csv"])) == [[], ["a", "b"]]


def test_a_count_alone_comes_from_no_column(table):
    """It came from all columns, opaque; the table is still behind it."""
    followed, connection = table
    for statement in ("SELECT count(*) FROM t", "SELECT row_number() OVER () FROM t"):
        connection.execute(statement).df().to_csv("count.csv", index=False)
    connection.execute("CREATE TABLE n AS SELECT count(*) AS n FROM t")
    entries = followed.entries()
    for name in ("count.csv", "n"):
        assert not any(field["inputs"] for field in entries[name]["fields"].values())
        assert {item["name"].rpartition("/")[2] for item in entries[name]["inputs"]} == {"t"}
