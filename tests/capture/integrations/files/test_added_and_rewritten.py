"""Files and tables that hold something before a run: added to, rewritten in place, or begun anew."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pandas as pd
import pytest


@pytest.fixture
def tables():
    """A file to read and a file that holds a row."""
    pd.DataFrame({"a": [1, 2]}).to_csv("in.csv", index=False)
    pd.DataFrame({"a": [7]}).to_csv("all.csv", index=False)


def test_a_file_that_is_added_to_comes_from_what_it_held(follow, tables):
    """It is no input: nothing of it was read. How many rows it has now is not known."""
    followed = follow("files", "pandas")
    pd.read_csv("in.csv").to_csv("all.csv", mode="a", header=False, index=False)
    assert followed.sources("all.csv") == {"in.csv", "all.csv"}
    assert [Path(item["name"]).name for item in followed.event()["inputs"]] == ["in.csv"]
    (output,) = followed.event()["outputs"]
    assert "rowCount" not in output["outputFacets"]["outputStatistics"]


def test_a_file_that_is_begun_by_adding_comes_from_what_is_added(follow, tables):
    """Where it is not there, holds nothing, or was removed, adding to it is writing it."""
    Path("empty.csv").touch()
    followed = follow("files", "pandas")
    rows = pd.read_csv("in.csv")
    Path("all.csv").unlink()
    for name in ("all.csv", "empty.csv", "new.csv"):
        for _ in range(2):
            rows.to_csv(name, mode="a", header=False, index=False)
    with Path("log.txt").open("a") as log:
        log.write(str(rows.a.sum()))
    for name in ("all.csv", "empty.csv", "new.csv", "log.txt"):
        assert followed.sources(name) == {"in.csv"}


@pytest.mark.parametrize("mode", ["a", "r+"])
def test_a_text_that_is_added_to_comes_from_what_it_held(follow, tables, mode):
    """So does one that is opened to be changed."""
    Path("notes.txt").write_text("begun\n")
    followed = follow("files", "pandas")
    total = pd.read_csv("in.csv").a.sum()
    with Path("notes.txt").open(mode) as notes:
        notes.write(f"{total}\n")
    assert followed.sources("notes.txt") == {"in.csv", "notes.txt"}


def test_rows_that_are_written_to_an_open_file_are_no_profile_of_it(follow, tables):
    """pandas is given a handle that adds: it is told as adding by name is."""
    followed = follow("files", "pandas")
    with Path("all.csv").open("a", newline="") as target:
        pd.read_csv("in.csv").to_csv(target, header=False, index=False)
    assert followed.sources("all.csv") == {"in.csv", "all.csv"}
    assert "dataQualityMetrics" not in followed.facets("all.csv")


def test_a_file_that_is_rewritten_in_place_comes_from_the_state_that_was_read(follow, tables):
    """Column by column. The state that was read is told by its own fingerprint, not by that of the new content, though
    all of it is worked out at the end."""
    before = pd.read_csv("all.csv")
    followed = follow("files", "pandas")
    frame = pd.read_csv("all.csv")
    frame["b"] = frame["a"] * 2
    frame.to_csv("all.csv", index=False)
    assert followed.sources("all.csv", "b") == {("all.csv", "a")}
    (read,), (written,) = followed.event()["inputs"], followed.event()["outputs"]
    state = read["inputFacets"]["headwater_fingerprint"]
    assert "file" not in state
    assert "headwater_fingerprint" not in read["facets"]
    assert state["exact"] != written["facets"]["headwater_fingerprint"]["exact"]
    again = follow("files", "pandas")
    before.to_csv("copy.csv", index=False)
    assert again.facets("copy.csv")["headwater_fingerprint"]["exact"] == state["exact"]


def test_a_file_that_a_run_wrote_and_reads_back_is_no_source_of_itself(follow, tables):
    """What it was before the run is gone."""
    followed = follow("files", "pandas")
    pd.read_csv("in.csv").to_csv("all.csv", index=False)
    frame = pd.read_csv("all.csv")
    frame["b"] = frame["a"] * 2
    frame.to_csv("all.csv", index=False)
    assert followed.sources("all.csv") == {"in.csv"}


@pytest.mark.parametrize(
    ("before", "is_kept"),
    [
        ("SELECT 1", True),
        ("CREATE TABLE IF NOT EXISTS t (a INT)", True),
        ("DELETE FROM t WHERE a = 1", True),
        ("DELETE FROM t", False),
        ("DROP TABLE t; CREATE TABLE t (a INT)", False),
    ],
)
def test_a_table_that_rows_are_inserted_into_keeps_what_it_held(follow, before, is_kept):
    """Unless it was emptied or made by the same run; ``s`` is behind it either way."""
    with contextlib.closing(sqlite3.connect("base.db")) as connection:
        connection.executescript("CREATE TABLE s (a INT); CREATE TABLE t (a INT); INSERT INTO t VALUES (1)")
    followed = follow("sqlite3")
    with contextlib.closing(sqlite3.connect("base.db")) as connection:
        connection.executescript(before)
        connection.execute("INSERT INTO t SELECT a FROM s")
        connection.commit()
    assert followed.sources("t") == ({"s", "t"} if is_kept else {"s"})


def test_a_table_that_is_updated_keeps_what_it_held(follow):
    """The column that is set comes from those in the expression; the table as a whole from its last state."""
    with contextlib.closing(sqlite3.connect("base.db")) as connection:
        connection.executescript("CREATE TABLE t (a INT, b INT); INSERT INTO t VALUES (1, 2)")
    followed = follow("sqlite3")
    with contextlib.closing(sqlite3.connect("base.db")) as connection:
        connection.execute("UPDATE t SET b = a + 1")
        connection.commit()
    assert followed.sources("t") == {"t"}
    assert ("t", "a") in followed.sources("t", "b")
