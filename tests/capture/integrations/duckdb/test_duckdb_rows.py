"""Rows that duckdb returns as plain tuples, or is given: the source shows where they go and come from."""

from __future__ import annotations

import contextlib
import csv
import sqlite3
import warnings
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest


@pytest.fixture
def followed(follow):
    """A database with people, and a file that has been read and has nothing to do with them."""
    with duckdb.connect("base.duckdb") as connection:
        connection.execute("CREATE TABLE people (id INT, age INT, town TEXT)")
        connection.execute("INSERT INTO people VALUES (1, 30, 'Oslo'), (2, 40, 'Rome')")
    with contextlib.closing(sqlite3.connect("other.db")) as other:
        other.execute("CREATE TABLE t (x, y)")
    pd.DataFrame({"z": [1, 2], "w": [3, 4]}).to_csv("other.csv", index=False)
    followed = follow("duckdb", "pandas", "files", "sqlite3")
    pd.read_csv("other.csv")
    return followed


def test_a_frame_of_fetched_rows_has_their_columns(followed):
    """Of a connection, of a relation, in one expression and by way of a name."""
    with duckdb.connect("base.duckdb") as connection:
        connection.execute("SELECT town, age * 2 FROM people WHERE id > 0")
        pd.DataFrame(connection.fetchall(), columns=["place", "twice"]).to_csv("twice.csv", index=False)
        rows = connection.execute("SELECT id, town FROM people").fetchall()
        pd.DataFrame(rows, columns=["person", "place"]).to_csv("places.csv", index=False)
        some = connection.sql("SELECT age, id FROM people").limit(1).fetchall()
        pd.DataFrame(some, columns=["years", "person"]).to_csv("some.csv", index=False)
    assert followed.sources("twice.csv", "place") == {("people", "town")}
    assert followed.sources("twice.csv", "twice") == {("people", "age")}
    assert followed.sources("places.csv", "person") == {("people", "id")}
    assert followed.sources("places.csv", "place") == {("people", "town")}
    assert followed.sources("some.csv", "years") == {("people", "age")}
    assert followed.sources("some.csv") == {"people"}


def test_fetched_rows_are_written_by_hand(followed):
    """All at once, and one after another."""
    with duckdb.connect("base.duckdb") as connection:
        rows = connection.execute("SELECT id, town FROM people").fetchall()
        with Path("people.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerows(rows)
    assert followed.sources("people.csv") == {"people"}


def test_fetched_rows_are_inserted_elsewhere(followed):
    """Into a table of sqlite, place by place."""
    with duckdb.connect("base.duckdb") as connection, contextlib.closing(sqlite3.connect("other.db")) as other:
        rows = connection.execute("SELECT town, id FROM people").fetchall()
        other.executemany("INSERT INTO t (x, y) VALUES (?, ?)", rows)
        other.commit()
    assert followed.sources("t", "x") - {("t", "x")} == {("people", "town")}
    assert followed.sources("t", "y") - {("t", "y")} == {("people", "id")}


def test_rows_that_duckdb_is_given_come_from_their_frame(followed):
    """``executemany`` takes a place of each row for a placeholder."""
    frame = pd.read_csv("other.csv")
    with duckdb.connect("base.duckdb") as connection:
        connection.execute("CREATE TABLE t (a INT, b INT)")
        connection.executemany("INSERT INTO t (b, a) VALUES (?, ?)", frame[["z", "w"]].values.tolist())
    assert followed.sources("t", "b") == {("other.csv", "z")}
    assert followed.sources("t", "a") == {("other.csv", "w")}


def test_a_loop_that_fetches_row_by_row_is_recorded_once(followed):
    """The line is known after its first row; the rows are what they are without capture."""
    with duckdb.connect() as connection:
        connection.execute("SELECT * FROM range(1000)")
        values = followed.recorder.values
        seen = []
        while (row := connection.fetchone()) is not None:
            seen.append(row[0])
        before = len(followed.recorder.items)
    assert seen == list(range(1000))
    assert len(followed.recorder.items) == before
    assert values.get(seen) is None or values.get(seen).op != "unseen"


def test_rows_written_into_the_statement_have_no_source(follow):
    """Of a text that stands in the code as it is; not of one that the code puts together."""
    pd.DataFrame({"a": [1, 2]}).to_csv("in.csv", index=False)
    followed = follow("duckdb", "pandas")
    frame = pd.read_csv("in.csv")
    con = duckdb.connect("base.duckdb")
    con.execute("CREATE TABLE told (id INTEGER, name TEXT)")
    con.execute("CREATE TABLE built (id INTEGER, name TEXT)")
    con.execute("INSERT INTO told VALUES (1, 'x'), (2, 'y')")
    con.execute("CREATE TABLE made AS SELECT 1 AS id, 'x' AS name")
    for row in frame.itertuples():
        con.execute(f"INSERT INTO built VALUES ({row.a}, 'x')")
        con.execute(f"CREATE OR REPLACE TABLE anew AS SELECT {row.a} AS id")
    con.close()
    assert followed.sources("told") <= {"told"}
    assert followed.sources("made") == followed.sources("made", "id") == set()
    assert "in.csv" in followed.sources("built")
    assert "in.csv" in followed.sources("anew")


def test_batches_of_a_query_have_its_columns(follow):
    """Readers of arrow hand out tables by compiled methods: these come from the query, as a guess; of several with the
    same columns, from the latest."""
    followed = follow("duckdb", "pyarrow")
    for name in ("one", "two"):
        pd.DataFrame({"k": [1, 2], "v": [3, 4]}).to_csv(f"{name}.csv", index=False)
    con = duckdb.connect()
    for name in ("one", "two"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader = con.sql(f"SELECT k, v * 2 AS w FROM '{name}.csv'").fetch_record_batch()
        pq.write_table(reader.read_all(), f"{name}.parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = con.sql("SELECT v FROM 'one.csv'").fetch_record_batch()
    with pq.ParquetWriter("pieces.parquet", reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
    con.close()
    assert followed.sources("one.parquet", "w") == {("one.csv", "v")}
    assert followed.sources("two.parquet", "w") == {("two.csv", "v")}
    assert followed.sources("pieces.parquet", "v") == {("one.csv", "v")}
