"""SQL in polars is followed: over frames, over files, and sent to a database."""

from __future__ import annotations

import sqlite3
import warnings

import duckdb
import pandas as pd
import polars as pl
import pytest
import sqlalchemy

from headwater.capture import context

QUERY = "SELECT shop, sum(units * price) AS revenue FROM {} WHERE units > 1 GROUP BY shop"
REVENUE = {("sales.csv", "units"), ("sales.csv", "price"), ("sales.csv", "shop")}


@pytest.fixture
def shop(tmp_path):
    """Sales as a file, and shops as a table of a database."""
    (tmp_path / "sales.csv").write_text("shop,units,price\nn,5,2.0\ns,3,3.5\nn,1,4.0\n")
    with sqlite3.connect("shop.db") as connection:
        connection.execute("CREATE TABLE shops (shop TEXT, city TEXT)")
        connection.executemany("INSERT INTO shops VALUES (?, ?)", [("n", "Oslo"), ("s", "Rome")])
    connection.close()
    return tmp_path


def of_a_variable():
    """A variable that the query names."""
    sales = pl.read_csv("sales.csv")
    assert sales.height == 3
    return pl.sql(QUERY.format("sales"), eager=True)


def of_a_callers_variable():
    """A variable of the function around the one that asks."""
    sales = pl.scan_csv("sales.csv")

    def ask():
        return pl.sql(QUERY.format("sales")).collect()

    assert sales is not None
    return ask()


def of_another_librarys_frame():
    """A frame of pandas, among all variables."""
    sales = pd.read_csv("sales.csv")
    assert len(sales) == 3
    return pl.SQLContext(eager=True).register_globals(all_compatible=True).execute(QUERY.format("sales"))


def registered():
    """A plan that a context was given."""
    context = pl.SQLContext()
    context.register("sales", pl.scan_csv("sales.csv"))
    return context.execute(QUERY.format("sales"), eager=True)


def registered_with_others():
    """A table that a context made of what it was given."""
    context = pl.SQLContext(nothing=pl.LazyFrame({"a": [1]}))
    context.register_many({"sales": pl.read_csv("sales.csv")}).execute("CREATE TABLE big AS SELECT * FROM sales")
    return context.execute(QUERY.format("big")).collect()


QUERIES = {
    "a variable": of_a_variable,
    "a variable of the caller": of_a_callers_variable,
    "a frame of pandas": of_another_librarys_frame,
    "a frame itself": lambda: pl.read_csv("sales.csv").sql(QUERY.format("self")),
    "a plan itself": lambda: pl.scan_csv("sales.csv").sql(QUERY.format("t"), table_name="t").collect(),
    "a context": registered,
    "a table of a context": registered_with_others,
    "given by name": lambda: pl.SQLContext(sales=pl.read_csv("sales.csv")).execute(QUERY.format("sales"), eager=True),
    "a file": lambda: pl.sql(QUERY.format("read_csv('sales.csv')"), eager=True),
}


@pytest.mark.parametrize("ask", QUERIES.values(), ids=QUERIES)
def test_columns_of_a_query_over(ask, follow, shop):
    """Whatever the frame was given as, the result comes from its columns, exactly."""
    followed = follow("polars", "pandas", "numpy")
    result = ask()
    assert dict(result.sort("shop").iter_rows()) == {"n": 10.0, "s": 10.5}
    assert followed.columns(result)["revenue"] == REVENUE
    result.write_csv("out")
    assert followed.sources("out") == {"sales.csv"}


def engine():
    """An engine of SQLAlchemy."""
    return sqlalchemy.create_engine("sqlite:///shop.db")


def of_bytes():
    """A connection that gives texts as bytes."""
    connection = sqlite3.connect("shop.db")
    connection.text_factory = bytes
    return connection


CONNECTIONS = {"sqlite3": lambda: sqlite3.connect("shop.db"), "texts as bytes": of_bytes, "sqlalchemy": engine}


@pytest.mark.parametrize("connect", CONNECTIONS.values(), ids=CONNECTIONS)
def test_a_frame_from_a_database(connect, follow, shop):
    """The table is the source, by column, once: what the driver does is not told again."""
    followed = follow("polars", "sqlite3", "sqlalchemy")
    connection = connect()
    pl.read_database("SELECT city AS town FROM shops WHERE shop = 'n'", connection).write_parquet("out")
    (connection.close if hasattr(connection, "close") else connection.dispose)()
    assert followed.sources("out", "town") == {("shops", "city")}
    assert [d["name"] for d in followed.event()["inputs"]] == ["shops"]


def test_a_connection_is_left_alone_while_nothing_is_recorded(follow, shop):
    """Without a run nobody is asked which database it is: the driver sees the query alone."""
    followed = follow("polars")
    context.leave(followed._token)
    asked = []
    connection = sqlite3.connect("shop.db")
    connection.set_trace_callback(asked.append)
    assert pl.read_database("SELECT city FROM shops", connection).height == 2
    connection.close()
    followed._token = context.enter(followed.recorder)
    assert asked == ["SELECT city FROM shops"]


def test_a_database_that_does_not_say_its_address(follow, shop):
    """Its own integration is told of the query, as when it is asked directly."""
    followed = follow("polars", "duckdb")
    with duckdb.connect("other.db") as connection:
        connection.execute("CREATE TABLE towns AS SELECT 1 AS id")
        pl.read_database("SELECT id FROM towns", connection).write_csv("out")
    assert "towns" in {d["name"] for d in followed.event()["inputs"]}


def test_mistakes_and_warnings_are_the_users(follow, shop):
    """A query that fails, and what polars warns of, are as without us."""

    database = engine()

    def outcome():
        seen = []
        for ask in (
            lambda: pl.sql("SELECT nothing FROM nowhere", eager=True),
            lambda: pl.DataFrame({"a": [1]}).sql("SELEC a"),
            lambda: pl.read_database("SELECT 1", object()),
            lambda: pl.read_database(query="SELECT nothing FROM shops", connection=database),
        ):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                with pytest.raises(Exception) as error:
                    ask()
            seen.append((type(error.value), str(error.value)[:60], [(w.category, w.filename) for w in caught]))
        database.dispose()
        return seen

    plain = outcome()
    follow("polars", "sqlite3", "sqlalchemy")
    assert outcome() == plain


def test_frames_of_columns_and_rows(follow, shop):
    """``pl.from_dict`` is told as ``pl.DataFrame`` is."""
    followed = follow("polars")
    sales = pl.read_csv("sales.csv")
    assert followed.columns(pl.from_dict({"n": sales["units"]})) == {"n": {("sales.csv", "units")}}
    pl.from_dicts([{"a": 1}, {"a": 2}]).write_csv("out")
    assert "out" not in followed.entries() or followed.sources("out") == set()
