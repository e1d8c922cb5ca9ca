"""Rows that functions hand to one another before they are written: extract, transform, load."""

from __future__ import annotations

import contextlib
import csv
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

INSERT = "INSERT INTO t (x, y) VALUES (?, ?)"


@pytest.fixture
def followed(follow):
    """Tables, a file of people, and one that has been read and has nothing to do with them."""
    with contextlib.closing(sqlite3.connect("base.db")) as connection:
        connection.executescript("CREATE TABLE t (x, y); CREATE TABLE towns (id INTEGER PRIMARY KEY, name UNIQUE)")
    pd.DataFrame({"name": ["A", "B"], "age": ["30", "?"], "town": ["O", "R"]}).to_csv("people.csv", index=False)
    pd.DataFrame({"z": [1, 2]}).to_csv("other.csv", index=False)
    followed = follow("sqlite3", "pandas", "files")
    pd.read_csv("other.csv")
    return followed


@pytest.fixture
def base(followed):
    """A connection to the database, closed at the end of the test."""
    with contextlib.closing(sqlite3.connect("base.db")) as connection:
        yield connection


def given(followed, column, table="t"):
    """What a column of the table comes from, beside what it held before."""
    return followed.sources(table, column) - {(table, column)}


def extracted(path):
    """The rows of a file, with keys."""
    with Path(path).open() as file:
        reader = csv.DictReader(file)
        return list(reader)


def sifted(rows):
    """Rows as tuples, and those that are not well-formed."""
    good, bad = [], []
    for row in rows:
        name = row.get("name")
        try:
            age = int(row["age"])
        except ValueError:
            bad.append({"name": name, "why": "age"})
            continue
        good.append((name.strip().title(), age))
    return good, bad


def turned(rows):
    """Rows one after another, their places exchanged."""
    for row in rows:
        yield (row["age"], row["name"])


def tidied(row):
    """A row with other keys."""
    return {"who": row["name"].lower(), "where": row["town"]}


def loaded(connection, rows):
    """Insert all rows at once."""
    connection.executemany(INSERT, rows)
    connection.commit()


def loaded_one_by_one(connection, rows):
    """Insert each row by itself."""
    cursor = connection.cursor()
    for name, age in rows:
        cursor.execute(INSERT, (name, age))
    connection.commit()


@pytest.mark.parametrize("is_at_once", [True, False])
def test_rows_through_three_functions(followed, base, is_at_once):
    """What one function returned as one of two lists, another inserts: column by column, from the file alone."""
    rows = extracted("people.csv")
    good, bad = sifted(rows)
    if is_at_once:
        loaded(base, good)
    else:
        loaded_one_by_one(base, good)
    assert len(bad) == 1
    assert given(followed, "x") == {("people.csv", "name")}
    assert given(followed, "y") == {("people.csv", "age")}
    assert followed.sources("t") == {"people.csv", "t"}


def test_rows_of_calls_within_calls(followed, base):
    """``load(base, turned(extracted(path)))``, the second of which is a generator."""
    loaded(base, turned(extracted("people.csv")))
    assert given(followed, "x") == {("people.csv", "age")}
    assert given(followed, "y") == {("people.csv", "name")}


def test_rows_with_new_keys_made_by_a_function(followed, base):
    """What stands under a key of a row that a function made comes from what the function put there."""
    rows = [tidied(row) for row in extracted("people.csv")]
    for row in rows:
        base.execute(INSERT, (row["where"], row["who"]))
    base.commit()
    assert given(followed, "x") == {("people.csv", "town")}
    assert given(followed, "y") == {("people.csv", "name")}


def looked_up(cursor, town):
    """The number of a town, which is added if it is new."""
    cursor.execute("INSERT OR IGNORE INTO towns (name) VALUES (?)", (town,))
    cursor.execute("SELECT id FROM towns WHERE name = ?", (town,))
    return cursor.fetchone()[0]


def test_a_number_that_a_function_looks_up(followed, base):
    """It comes from the table that it was looked up in, and from what it was looked up for."""
    cursor = base.cursor()
    for row in extracted("people.csv"):
        cursor.execute(INSERT, (row["name"], looked_up(cursor, row["town"])))
    base.commit()
    assert given(followed, "x") == {("people.csv", "name")}
    assert given(followed, "y") == {("people.csv", "town"), ("towns", "id")}
    assert given(followed, "name", "towns") == {("people.csv", "town")}


def test_what_a_function_writes_to_a_file(followed):
    """The rows that are written are those of the file under a computed path, not all that was read."""
    folder = Path().resolve()
    for path in sorted(folder.glob("people*.csv")):
        rows = extracted(path)
        _, bad = sifted(rows)
        with Path("bad.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, ["name", "why"])
            writer.writeheader()
            writer.writerows(bad)
    assert followed.sources("bad.csv") == {"people.csv"}


def test_a_frame_of_what_a_function_returned(followed):
    """The same rows as a frame."""
    good, _ = sifted(extracted("people.csv"))
    frame = pd.DataFrame(good, columns=["who", "old"])
    assert followed.columns(frame) == {"who": {("people.csv", "name")}, "old": {("people.csv", "age")}}


def again(rows, times):
    """Rows, several times over."""
    return again(rows + rows, times - 1) if times else rows


def test_functions_that_call_themselves_end(followed, base):
    """The analysis of a recursive function ends, and finds the file."""
    good, _ = sifted(extracted("people.csv"))
    loaded(base, again(good, 3))
    assert "people.csv" in followed.sources("t")


def timed(work):
    """Do some work, as a helper that measures time does."""
    return work()


@pytest.mark.parametrize("how", ["slice", "sum", "default", "either", "starred"])
def test_rows_of_lists_put_together(followed, base, how):
    """Parts of lists, lists one after another, and one list or another."""
    rows = []
    for row in extracted("people.csv"):
        rows.append((row["town"], row["name"]))  # noqa: PERF401 - the loop is what is tested
    if how == "slice":
        base.executemany(INSERT, rows[:1])
    elif how == "sum":
        base.executemany(INSERT, rows + rows)
    elif how == "default":
        base.executemany(INSERT, rows or [])
    elif how == "either":
        base.executemany(INSERT, rows if len(rows) > 1 else [])
    else:
        base.executemany(INSERT, [*rows, ("a", "b")])
    base.commit()
    assert given(followed, "x") == {("people.csv", "town")}
    assert given(followed, "y") == {("people.csv", "name")}


def test_rows_inserted_by_a_lambda(followed, base):
    """What a ``lambda`` inserts is read where it is written."""
    rows = [{**row, "age": 3} for row in extracted("people.csv")]
    timed(lambda: base.executemany("INSERT INTO t (x, y) VALUES (:town, :age)", rows))
    base.commit()
    assert given(followed, "x") == {("people.csv", "town")}
    assert ("other.csv", "z") not in given(followed, "y")
