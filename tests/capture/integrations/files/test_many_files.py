"""Readers that are given several files, or a pattern, have read each of them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from headwater.capture.locations import MOST_FILES, located_all, matching

LIBRARIES = ("duckdb", "polars", "pyarrow", "pandas", "numpy")


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """Three files of one table, as CSV and as Parquet, and one that no pattern here names."""
    (tmp_path / "in").mkdir()
    for number in range(3):
        frame = pd.DataFrame({"id": [number], "v": [number * 10]})
        frame.to_csv(tmp_path / "in" / f"p{number}.csv", index=False)
        frame.to_parquet(tmp_path / "in" / f"p{number}.parquet")
    (tmp_path / "in" / "notes.txt").write_text("id,v\n7,7\n")
    return tmp_path


TWICE = pl.col("v") * 2
SQL = "SELECT id, v * 2 AS w FROM"
READ = {
    "polars scans a pattern": lambda: pl.scan_csv("in/*.csv").with_columns(w=TWICE).collect().write_csv("out"),
    "polars reads a list": lambda: (
        pl.read_csv([f"in/p{i}.csv" for i in range(3)]).with_columns(w=TWICE).write_csv("out")
    ),
    "duckdb reads a pattern": lambda: duckdb.read_csv("in/p?.csv").project("id, v * 2 AS w").to_csv("out"),
    "duckdb asks of a pattern": lambda: duckdb.sql(f"{SQL} 'in/*.csv'").df().to_csv("out"),
    "duckdb asks of a list": lambda: duckdb.sql(f"{SQL} read_csv(['in/p[01].csv', 'in/p2.csv'])").to_csv("out"),
    "duckdb copies": lambda: duckdb.sql(f"COPY ({SQL} read_csv('in/*.csv')) TO 'out' (FORMAT csv)"),
}


@pytest.mark.parametrize("read", READ.values(), ids=READ)
def test_each_file_is_a_source(read, follow, parts):
    """Not the pattern, nor the folder: each file feeds what was written, column by column."""
    followed = follow(*LIBRARIES)
    read()
    files = {f"p{number}.csv" for number in range(3)}
    assert followed.sources("out") == files
    assert followed.sources("out", "w") == {(file, "v") for file in files}
    assert {d["name"].rpartition("/")[2] for d in followed.event()["inputs"]} == files


def test_tables_of_several_files(follow, parts):
    """pyarrow is given a list; what its compiled dataset gives is known by its columns, as a guess."""
    followed = follow(*LIBRARIES)
    files = [f"in/p{number}.parquet" for number in range(3)]
    pq.write_table(pyarrow.dataset.dataset(files).to_table(columns=["v"]), "out")
    assert followed.sources("out", "v") == {(Path(file).name, "v") for file in files}
    steps = [step for source in followed.entries()["out"]["inputs"] for step in source["transformations"]]
    assert {step["type"] for step in steps} == {"INFERRED"}


def test_a_table_of_two_likely_datasets_is_of_neither(follow, parts):
    """Where two datasets have the columns of a table, nothing says which of them it was read from."""
    followed = follow(*LIBRARIES)
    one, other = pyarrow.dataset.dataset("in/p0.parquet"), pyarrow.dataset.dataset("in/p1.parquet")
    pq.write_table(one.to_table(), "out")
    assert other is not None
    assert followed.sources("out") == {"p0.parquet", "p1.parquet"}
    assert "fields" not in followed.entries()["out"]


def test_a_statement_does_not_read_what_it_writes(follow, parts):
    """A file that a statement leaves beside those it read was not there when it read them."""
    followed = follow(*LIBRARIES)
    duckdb.sql("COPY (SELECT id, v FROM 'in/*.csv') TO 'in/all.csv'")
    assert followed.sources("all.csv", "v") == {(f"p{number}.csv", "v") for number in range(3)}


def test_files_are_those_of_the_moment(follow, parts):
    """Statements are parsed later: what is there by then does not matter."""
    followed = follow(*LIBRARIES)
    result = duckdb.sql("SELECT sum(v) AS total FROM 'in/*.csv'").df()
    (parts / "in" / "p0.csv").unlink()
    (parts / "in" / "p9.csv").write_text("id,v\n9,9\n")
    result.to_csv("out", index=False)
    assert followed.sources("out", "total") == {(f"p{number}.csv", "v") for number in range(3)}


def test_a_statement_in_a_transaction_reads_when_it_runs(follow, parts):
    """It counts when it is committed, and read what was there before."""
    followed = follow(*LIBRARIES)
    with duckdb.connect("shop.db") as connection:
        connection.begin()
        connection.execute("CREATE TABLE t AS SELECT v FROM 'in/*.csv'")
        (parts / "in" / "p0.csv").unlink()
        connection.commit()
    entry = next(entry for name, entry in followed.entries().items() if name.endswith("t"))
    assert len(entry["inputs"]) == 3


def test_words_that_look_like_patterns_name_no_file(follow, parts):
    """Only what stands where a table does is looked for among the files."""
    followed = follow(*LIBRARIES)
    frame = pd.read_csv("in/p1.csv")
    assert len(frame) == 1
    duckdb.sql("SELECT v FROM frame WHERE NOT regexp_matches(CAST(v AS VARCHAR), 'in/*')").df().to_csv(
        "out", index=False
    )
    assert followed.sources("out") == {"p1.csv"}


def test_what_a_pattern_names(tmp_path, monkeypatch):
    """Local files, sorted, in folders below as well; of too many, of none and of an address it is one dataset."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "below").mkdir()
    for name in ("b.csv", "a.csv", "below/c.csv", "odd[1].csv"):
        (tmp_path / name).touch()
    assert matching("*.csv") == ["a.csv", "b.csv", "odd[1].csv"]
    assert matching("**/*.csv") == ["a.csv", "b.csv", "below/c.csv", "odd[1].csv"]
    assert matching("odd[1].csv") == []
    assert [Path(ref.name).name for ref in located_all("odd[1].csv")] == ["odd[1].csv"]
    assert [Path(ref.name).name for ref in located_all("*.parquet")] == ["*.parquet"]
    assert [ref.name for ref in located_all("s3://bucket/*.csv")] == ["*.csv"]
    assert located_all([object()]) == []
    assert located_all([]) == []
    for number in range(MOST_FILES):
        (tmp_path / "below" / f"{number}.csv").touch()
    assert [Path(ref.name).name for ref in located_all("below/*.csv")] == ["*.csv"]
    assert [Path(ref.name).name for ref in located_all([f"below/{n}.csv" for n in range(MOST_FILES + 1)])] == ["below"]
    assert len(located_all([f"below/{number}.csv" for number in range(MOST_FILES)])) == MOST_FILES


def test_a_list_of_files_that_pandas_reads(follow):
    """Each file of the list is a dataset, so that what wrote them is behind what is made of them."""
    Path("parts/day=1").mkdir(parents=True)
    Path("parts/day=2").mkdir()
    paths = ["parts/day=1/part.parquet", "parts/day=2/part.parquet"]
    for number, path in enumerate(paths):
        pd.DataFrame({"a": [number], "b": [1]}).to_parquet(path)
    followed = follow("files", "pandas")
    pd.read_parquet(paths, columns=["a"]).to_csv("both.csv", index=False)
    pd.read_parquet(paths[:1]).to_csv("one.csv", index=False)
    inputs = {i["name"].rpartition("/parts/")[2] for i in followed.entries()["both.csv"]["fields"]["a"]["inputs"]}
    assert inputs == {"day=1/part.parquet", "day=2/part.parquet"}
    assert followed.sources("one.csv", "b") == {("part.parquet", "b")}
