"""Files in the place of tables: their columns are those that duckdb's readers give them."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from headwater.capture.sql_file_columns import FileColumns
from headwater.capture.sql_files import quoted_files, readers


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A file with a header, one without, and one of the same columns in another order."""
    monkeypatch.chdir(tmp_path)
    Path("sales.csv").write_text("shop,units,price\nn,5,2.0\ns,3,3.5\n")
    Path("bare.txt").write_text("n;5\ns;3\n")
    Path("more.csv").write_text("price,units,shop,day\n2.5,1,n,mon\n")


@pytest.mark.parametrize(
    ("statement", "sources"),
    [
        ("CREATE TABLE t AS SELECT * FROM 'sales.csv'", {"shop": "shop", "units": "units", "price": "price"}),
        ("CREATE TABLE t AS FROM 'sales.csv'", {"shop": "shop", "units": "units", "price": "price"}),
        (
            "CREATE TABLE t AS SELECT * EXCLUDE (price), units * 2 AS twice FROM read_csv('sales.csv', header = true)",
            {"shop": "shop", "units": "units", "twice": "units"},
        ),
        (
            "CREATE TABLE t AS SELECT * FROM read_csv('bare.txt', header = false)",
            {"column0": "column0", "column1": "column1"},
        ),
        (
            "CREATE TABLE t AS SELECT * FROM read_csv('bare.txt', names = ['shop (new)', 'n'])",
            {"shop (new)": "shop (new)", "n": "n"},
        ),
    ],
)
def test_a_star_over_a_file_is_its_columns(follow, files, statement, sources):
    """One by one, as the reader calls them; what is left out of the star comes from nowhere."""
    followed = follow("duckdb")
    connection = duckdb.connect("base.db")
    connection.execute(statement)
    connection.close()
    found = {
        name: {item["field"] for item in field["inputs"]} for name, field in followed.entries()["t"]["fields"].items()
    }
    assert found == {name: {column} for name, column in sources.items()}


def test_columns_go_on_through_tables(follow, files):
    """From the file through a table that is changed to a file; the update reads what the table was made of."""
    followed = follow("duckdb")
    connection = duckdb.connect("base.db")
    connection.execute("CREATE TABLE t AS SELECT * FROM 'sales.csv'")
    connection.execute("ALTER TABLE t ADD COLUMN total DOUBLE")
    connection.execute("UPDATE t SET total = units * price")
    connection.execute("COPY t TO 'out.csv'")
    connection.close()
    assert followed.sources("out.csv", "total") == {("t", "total")}
    assert followed.sources("t", "total") == {("sales.csv", "units"), ("sales.csv", "price")}


def test_each_reader_is_asked_about_once(files, monkeypatch):
    """Again only for other options; never about what is far away, or is no file."""
    asked = []
    monkeypatch.setattr(FileColumns, "_ask", lambda _self, reader: asked.append(reader) or ("a",))
    columns = FileColumns()
    for _ in range(3):
        assert list(columns.of("SELECT * FROM 'sales.csv' s JOIN read_csv('more.csv') USING (shop)")) == [
            ("sales.csv", ("a",)),
            ("more.csv", ("a",)),
        ]
    assert list(columns.of("FROM 's3://bucket/x.parquet'")) == []
    assert list(columns.of("SELECT 'sales.csv' FROM t")) == []
    assert asked == ["'sales.csv'", "read_csv('more.csv')"]


def test_a_pattern_of_readers_and_a_file_that_is_gone(files):
    """Several files have the columns that the reader makes of them together; what cannot be read has none."""
    assert list(FileColumns().of("FROM 'gone.csv'")) == []
    assert dict(FileColumns().of("FROM read_csv(['sales.csv', 'more.csv'], union_by_name = true)")) == {
        "sales.csv": ("shop", "units", "price", "day"),
        "more.csv": ("shop", "units", "price", "day"),
    }


def test_what_can_be_read_only_once_is_left_alone(files, monkeypatch):
    """A pipe would be waited for, or drained before the program's own next look at it."""
    asked = []
    monkeypatch.setattr(FileColumns, "_ask", lambda _self, reader: asked.append(reader) or ("a",))
    os.mkfifo("pipe.csv")
    for statement in (
        "FROM 'pipe.csv'",
        "FROM read_csv(['sales.csv', 'pipe.csv'])",
        "FROM 'p*.csv'",
        "FROM 'none*.csv'",
    ):
        assert list(FileColumns().of(statement)) == []
    assert asked == []
    assert list(FileColumns().of("FROM '*es.csv'")) == [("*es.csv", ("a",))]


def test_readers_end_where_their_parentheses_do():
    """Parentheses, quotes and words in texts do not count."""
    text = (
        "select * from read_csv(['a).csv', 'it''s.csv'], columns = {'x': 'int'}) r join 'b.csv' on x = 'from ''c.csv'''"
    )
    assert list(readers(text)) == ["read_csv(['a).csv', 'it''s.csv'], columns = {'x': 'int'})", "'b.csv'"]
    assert list(readers("select read_csv('never closed")) == []


def test_files_in_a_list_of_tables(follow, files):
    """``FROM 'a.csv', 'b.csv'``: the columns of each are known, so that a name alone says which file it is of."""
    followed = follow("duckdb")
    connection = duckdb.connect("base.db")
    connection.execute(
        "CREATE TABLE w AS SELECT s.units, day FROM 'sales.csv' s, 'more.csv' AS m WHERE s.shop = m.shop"
    )
    connection.execute("CREATE TABLE v AS SELECT price, column1 FROM 'sales.csv', read_csv('bare.txt', header = false)")
    connection.execute("CREATE TABLE x AS SELECT day FROM w, 'sales.csv'")
    connection.close()
    entries = followed.entries()
    found = {
        (table, name): {(item["name"].rpartition("/")[2], item["field"]) for item in field["inputs"]}
        for table in ("w", "v", "x")
        for name, field in entries[table]["fields"].items()
    }
    assert found["w", "day"] == {("more.csv", "day")}
    assert found["v", "price"] == {("sales.csv", "price")}
    assert found["v", "column1"] == {("bare.txt", "column1")}
    assert found["x", "day"] == {("w", "day")}


def test_files_in_a_list_of_tables_are_found_in_the_text():
    """With and without names of their own, beside tables and readers; other literals are none."""
    text = "SELECT 'x', 'y' FROM t, 'a.csv' one, 'b.csv', read_csv('c.csv', sep = ',') c, 'd.csv' WHERE z IN ('e', 'f')"
    assert quoted_files(text) == ["a.csv", "b.csv", "c.csv", "d.csv"]
    assert quoted_files("SELECT 1 FROM 'a.csv' JOIN 'b.csv' USING (k)") == ["a.csv", "b.csv"]
    assert quoted_files("FROM read_csv(['a.csv', 'b.csv'])") == ["a.csv", "b.csv"]
