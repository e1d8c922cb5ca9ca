"""Rows that a cursor returns are plain tuples; the source shows where they go."""

from __future__ import annotations

import contextlib
import csv
import sqlite3
from pathlib import Path

import pandas as pd
import pytest


@pytest.fixture
def followed(follow):
    """A table of people, and a file that has been read and has nothing to do with it."""
    with contextlib.closing(sqlite3.connect("base.db")) as connection:
        connection.executescript(
            "CREATE TABLE people (id INT, age INT, town TEXT);"
            "INSERT INTO people VALUES (1, 30, 'Oslo'), (2, 40, 'Rome')"
        )
    pd.DataFrame({"x": [1, 2]}).to_csv("other.csv", index=False)
    followed = follow("sqlite3", "pandas", "files")
    pd.read_csv("other.csv")
    return followed


def test_a_frame_of_fetched_rows_has_their_columns(followed):
    """By place, whatever the frame calls them; of the statement that was executed last, or in the same expression."""
    with contextlib.closing(sqlite3.connect("base.db")) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT town FROM people")
        cursor.execute("SELECT id, age * 2 FROM people WHERE town <> ''")
        frame = pd.DataFrame(cursor.fetchall(), columns=["number", "twice"])
        frame.to_csv("twice.csv", index=False)
        rows = connection.execute("SELECT town, id FROM people").fetchall()
        pd.DataFrame(rows, columns=["place", "person"]).to_csv("places.csv", index=False)
    assert followed.sources("twice.csv", "number") == {("people", "id")}
    assert followed.sources("twice.csv", "twice") == {("people", "age")}
    assert ("people", "town") in {(i["name"], i.get("field")) for i in followed.entries()["twice.csv"]["inputs"]}
    assert followed.sources("places.csv", "place") == {("people", "town")}
    assert followed.sources("places.csv", "person") == {("people", "id")}


def test_rows_of_a_cursor_are_followed_through_a_list(followed):
    """By key where a dictionary is made of each row; else all columns of the statement, and of no other."""
    with contextlib.closing(sqlite3.connect("base.db")) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT id, age FROM people")
        keyed = [dict(zip(["id", "age"], row, strict=True)) for row in cursor]
        pd.DataFrame(keyed).to_csv("keyed.csv", index=False)
        doubled = []
        for row in connection.execute("SELECT age FROM people"):
            doubled.append({"twice": row[0] * 2})  # noqa: PERF401 - the loop is what is tested
        pd.DataFrame(doubled).to_csv("doubled.csv", index=False)
    assert ("people", "age") in followed.sources("keyed.csv", "age")
    assert followed.sources("keyed.csv") == {"people"}
    assert followed.sources("doubled.csv", "twice") == {("people", "age")}


def test_rows_that_are_written_by_hand_come_from_their_table(followed):
    """A CSV that plain Python writes: from the columns of the statement, not from all that was read."""
    with contextlib.closing(sqlite3.connect("base.db")) as connection:
        rows = connection.execute("SELECT id, town FROM people").fetchall()
        with Path("people.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "town"])
            writer.writerows(rows)
    fields = {item["field"] for item in followed.entries()["people.csv"]["inputs"] if "field" in item}
    assert fields == {"id", "town"}
    assert followed.sources("people.csv") == {"people"}


def test_a_statement_of_a_loop_is_recorded_once(followed):
    """Ten thousand look-ups by key are one statement and one value."""
    with contextlib.closing(sqlite3.connect("base.db")) as connection:
        before = len(followed.recorder.items)
        for number in range(10_000):
            connection.execute("SELECT age FROM people WHERE id = ?", (number,)).fetchone()
    assert len(followed.recorder.items) == before + 1


@pytest.mark.parametrize(
    ("body", "columns"),
    [
        ("for row in cursor:\n    writer.writerow(row)", {"id", "town"}),
        (
            "writer.writerow([part[0] for part in cursor.description])\nfor row in cursor:\n    writer.writerow(row)",
            {"id", "town"},
        ),
        ("for row in cursor:\n    file.write(f'{row[1]}\\n')", {"town"}),
        ("for number, town in cursor:\n    file.write(town + ',')", {"town"}),
        ("for row in connection.execute('SELECT age FROM people'):\n    file.write(str(row[0]))", {"age"}),
        ("for n, row in enumerate(cursor):\n    print(row[0], file=file)", {"id"}),
        ("rows = cursor.fetchall()\nfor row in rows:\n    file.write(','.join(map(str, row)))", {"id", "town"}),
        ("row = cursor.fetchone()\nwhile row:\n    file.write(str(row))\n    row = cursor.fetchone()", {"id", "town"}),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_file_written_in_a_loop_over_rows_comes_from_their_columns(followed, tmp_path, body, columns, is_first):
    """Whether the statement ran before the file was opened or after, whichever way the rows are taken."""
    run = "cursor.execute('SELECT id, town FROM people')\n"
    inner = body if is_first else run + body
    script = (
        "import csv, sqlite3\nconnection = sqlite3.connect('base.db')\ncursor = connection.cursor()\n"
        + (run if is_first else "")
        + "with open('rows.csv', 'w', newline='') as file:\n    writer = csv.writer(file)\n    "
        + inner.replace("\n", "\n    ")
        + "\nconnection.close()\n"
    )
    path = tmp_path / "script.py"
    path.write_text(script)
    exec(compile(script, str(path), "exec"), {"__name__": "__main__"})
    assert followed.sources("rows.csv") == {"people"}
    fields = {item["field"] for item in followed.entries()["rows.csv"]["inputs"] if "field" in item}
    assert fields == columns


def test_what_a_catalogue_says_is_no_data(follow):
    """Scripts ask ``sqlite_master`` which tables there are: it is no dataset, and names of tables come from none."""
    with contextlib.closing(sqlite3.connect("base.db")) as connection:
        connection.executescript("CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 2)")
    followed = follow("sqlite3", "pandas", "files")
    with contextlib.closing(sqlite3.connect("base.db")) as connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        pd.DataFrame(found, columns=["name"]).to_csv("names.csv", index=False)
        pd.DataFrame(connection.execute("SELECT a, b FROM t").fetchall(), columns=["a", "b"]).to_csv(
            "t.csv", index=False
        )
    assert [one["name"] for one in followed.event()["inputs"]] == ["t"]
    assert followed.sources("names.csv") == set()
    assert followed.sources("t.csv", "a") == {("t", "a")}
