"""Rows that the user's code gives to a statement: its table's columns come from theirs, place by place."""

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
        connection.executescript("CREATE TABLE t (x, y); CREATE TABLE s (a, b, c); INSERT INTO s VALUES (1, 2, 3)")
    pd.DataFrame({"name": ["A", "B"], "age": [30, 40], "town": ["O", "R"]}).to_csv("people.csv", index=False)
    pd.DataFrame({"z": [1, 2]}).to_csv("other.csv", index=False)
    followed = follow("sqlite3", "pandas", "files")
    pd.read_csv("other.csv")
    return followed


@pytest.fixture
def base(followed):
    """A connection to the database, committed and closed at the end of the test."""
    with contextlib.closing(sqlite3.connect("base.db")) as connection:
        yield connection


def given(followed, column):
    """What a column of the table comes from, beside what it held before."""
    return followed.sources("t", column) - {("t", column)}


def test_values_of_a_frame_are_inserted_place_by_place(followed, base):
    """As nested lists, by way of a name."""
    frame = pd.read_csv("people.csv")
    rows = frame[["town", "age"]].values.tolist()
    base.executemany(INSERT, rows)
    base.commit()
    assert given(followed, "x") == {("people.csv", "town")}
    assert given(followed, "y") == {("people.csv", "age")}
    assert followed.sources("t") == {"people.csv", "t"}
    assert followed.event()["job"]["facets"]["sql"]["query"] == INSERT


@pytest.mark.parametrize(
    ("place", "source"),
    [("x", "age"), ("y", "town")],
)
@pytest.mark.parametrize("how", ["itertuples", "records", "map", "comprehension", "array", "generator", "zip", "pairs"])
def test_rows_of_a_frame_in_every_form(followed, base, how, place, source):
    """What is handed over has the columns of the frame in their order."""
    frame = pd.read_csv("people.csv")[["age", "town"]]
    if how == "itertuples":
        base.executemany(INSERT, frame.itertuples(index=False, name=None))
    elif how == "records":
        base.executemany(INSERT, frame.to_records(index=False).tolist())
    elif how == "map":
        base.executemany(INSERT, map(tuple, frame.to_numpy()))
    elif how == "comprehension":
        base.executemany(INSERT, [tuple(row) for row in frame.dropna().values])
    elif how == "array":
        base.executemany(INSERT, frame.to_numpy().tolist())
    elif how == "generator":
        base.executemany(INSERT, ((row.age, row.town) for row in frame.itertuples()))
    elif how == "zip":
        base.executemany(INSERT, zip(frame.age, frame["town"], strict=True))
    else:
        pairs = []
        for row in frame.itertuples():
            pairs.append((row.age, row.town))  # noqa: PERF401 - the loop is what is tested
        base.executemany(INSERT, pairs)
    base.commit()
    assert given(followed, place) == {("people.csv", source)}


def test_the_index_has_the_first_place(followed, base):
    """Unless it is left out; a named one is a column."""
    frame = pd.read_csv("people.csv").set_index("name")[["age"]]
    base.executemany(INSERT, list(frame.itertuples()))
    base.commit()
    assert given(followed, "x") == {("people.csv", "name")}
    assert given(followed, "y") == {("people.csv", "age")}


def test_a_frame_that_was_changed_after_its_rows_were_taken_shows_no_places(followed, base):
    """The name means other columns by then: the table comes from the file, no column is told wrongly."""
    frame = pd.read_csv("people.csv")[["age", "town"]]
    rows = frame.values.tolist()
    frame = frame[["town"]]
    base.executemany(INSERT, rows)
    base.commit()
    assert "x" not in followed.entries()["t"].get("fields", {}) or given(followed, "x") >= {("people.csv", "town")}
    assert "people.csv" in followed.sources("t")


def test_rows_of_another_cursor_are_inserted_place_by_place(followed, base):
    """Fetched, in a loop over the cursor, and a row at a time."""
    cursor = base.cursor()
    cursor.execute("SELECT a, b + c FROM s")
    base.executemany(INSERT, cursor.fetchall())
    base.commit()
    assert given(followed, "x") == {("s", "a")}
    assert given(followed, "y") == {("s", "b"), ("s", "c")}
    assert followed.sources("t") == {"s", "t"}


def test_a_row_at_a_time_is_as_many_rows(followed, base):
    """``execute`` with a tuple, in a loop over a frame; ten thousand rows are one statement."""
    frame = pd.read_csv("people.csv")
    before = len(followed.recorder.items)
    for _ in range(100):
        for row in frame.itertuples():
            base.execute(INSERT, (row.name, row.age))
    base.commit()
    assert len(followed.recorder.items) <= before + 2
    assert given(followed, "x") == {("people.csv", "name")}
    assert given(followed, "y") == {("people.csv", "age")}


def test_rows_with_keys_go_by_their_names(followed, base):
    """Named placeholders, in another order than that of the keys; from a file that plain Python reads."""
    with Path("people.csv").open() as file:
        rows = [{"age": int(row["age"]), "who": row["name"]} for row in csv.DictReader(file)]
    base.executemany("INSERT INTO t (x, y) VALUES (:who, :age)", rows)
    base.commit()
    assert given(followed, "x") == {("people.csv", "name")}
    assert given(followed, "y") == {("people.csv", "age")}


def test_rows_of_a_file_come_from_that_file(followed, base):
    """Which column a place of ``csv.reader`` is, only the file knows."""
    with Path("people.csv").open() as file:
        reader = csv.reader(file)
        next(reader)
        base.executemany(INSERT, [(row[0], row[1]) for row in reader])
    base.commit()
    assert followed.sources("t") == {"people.csv", "t"}


def test_a_table_whose_columns_are_unknown_comes_from_the_rows(followed, base):
    """Without a list of columns the statement does not tell where a value goes: no column is invented."""
    frame = pd.read_csv("people.csv")
    base.executemany("INSERT INTO t VALUES (?, ?)", frame[["age", "town"]].values.tolist())
    base.commit()
    entry = followed.entries()["t"]
    assert followed.sources("t") == {"people.csv", "t"}
    assert "fields" not in entry
    assert {item["field"] for item in entry["inputs"] if "field" in item} == {"age", "town"}


def test_rows_that_are_updated_decide_and_set(followed, base):
    """One place is what is set, the other says where."""
    frame = pd.read_csv("people.csv")
    base.executemany("UPDATE t SET y = upper(?) WHERE x = ?", list(zip(frame.town, frame.age, strict=True)))
    base.commit()
    assert ("people.csv", "town") in given(followed, "y")
    kinds = {
        (item["field"], step["type"])
        for item in followed.entries()["t"]["fields"]["y"]["inputs"]
        for step in item["transformations"]
        if item["name"].endswith("people.csv")
    }
    assert ("town", "DIRECT") in kinds
    assert ("age", "DIRECT") not in kinds


def test_the_same_statement_with_other_rows_counts_again(followed, base):
    """Both are read first, so that nothing is recorded in between."""
    people, other = pd.read_csv("people.csv"), pd.read_csv("other.csv")
    base.executemany(INSERT, people[["name", "age"]].values.tolist())
    base.executemany(INSERT, list(zip(other.z, other.z, strict=True)))
    base.commit()
    assert given(followed, "x") == {("people.csv", "name"), ("other.csv", "z")}


def test_rows_of_several_frames_at_one_place_are_all_behind_the_table(followed, base):
    """A row at a time, in a loop over frames: each is looked at, though a place is examined only a few times."""
    frames = [pd.read_csv("people.csv").rename(columns={"age": "z"}), pd.read_csv("other.csv")]
    for frame in frames:
        for _ in range(5):
            for row in frame.itertuples():
                base.execute(INSERT, (row.z, row.z))
    base.commit()
    assert given(followed, "x") == {("people.csv", "age"), ("other.csv", "z")}


def test_the_same_statement_at_another_place_is_looked_at_there(followed, base):
    """Literal rows first, then rows of a file, with one text."""
    for number in range(20):
        base.execute(INSERT, (number, "none"))
    frame = pd.read_csv("people.csv")
    for row in frame.itertuples():
        base.execute(INSERT, (row.name, row.age))
    base.commit()
    assert given(followed, "y") == {("people.csv", "age")}
    assert followed.sources("t") == {"people.csv", "t"}


def test_literal_rows_come_from_nothing(followed, base):
    """One at a time or all at once: not from whatever the run had read."""
    for number in range(20):
        base.execute(INSERT, (number, "none"))
    base.executemany(INSERT, [(1, "one"), (2, "two")])
    base.commit()
    assert followed.sources("t") == {"t"}


LITERAL = "INSERT INTO t (x, y) VALUES (5, 'six'), (7, 'eight')"


@pytest.mark.parametrize("how", ["in the line", "under a name", "script", "in a loop", "no parameters"])
def test_rows_written_into_the_statement_have_no_source(followed, base, how):
    """The text stands in the code as it is: its rows come from none of the files that were read."""
    if how == "in the line":
        base.execute("INSERT INTO t (x, y) VALUES (5, 'six'), (7, 'eight')")
    elif how == "under a name":
        base.execute(LITERAL)
    elif how == "script":
        base.executescript("INSERT INTO t (x, y) VALUES (1, 2); INSERT INTO t (x, y) VALUES (3, 4);")
    elif how == "in a loop":
        for statement in ("INSERT INTO t (x, y) VALUES (1, 2)", "INSERT INTO t (x, y) VALUES (3, 4)"):
            base.execute(statement)
    else:
        base.execute(LITERAL, ())
    base.commit()
    assert followed.sources("t") == {"t"}
    assert given(followed, "x") == given(followed, "y") == set()


def test_rows_that_the_code_puts_into_the_text_come_from_somewhere(followed, base):
    """The text that runs is not the one in the code, so that its values have a source."""
    frame = pd.read_csv("people.csv")
    for row in frame.itertuples():
        base.execute(f"INSERT INTO t (x, y) VALUES ('{row.name}', {row.age})")
    base.commit()
    assert "people.csv" in followed.sources("t")


def test_unknown_rows_for_a_written_out_statement_stay_unknown(followed, base):
    """A text with placeholders says nothing about the rows."""
    rows = [tuple(Path("people.csv").read_text().split()[:2])]
    base.executemany(INSERT, list(map(tuple, rows)))
    base.commit()
    assert "people.csv" in followed.sources("t")
