"""sqlite3 is followed statement by statement, what was not committed aside, and does what it does without us."""

from __future__ import annotations

import gc
import sqlite3
import warnings
from pathlib import Path

import pandas as pd
import pytest
from sqlite3_snippets import SNIPPETS, Loud, Named, run_snippet


@pytest.fixture(scope="module", autouse=True)
def _quick_collection():
    """What earlier tests left is collected once, and then left alone by the collections that follow."""
    gc.collect()
    gc.freeze()


def outcome(code):
    """Result or error of a snippet, and its warnings with the file and line they name."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            result = run_snippet(code)
        except (sqlite3.Error, ArithmeticError, TypeError, AttributeError) as error:
            result = (type(error), str(error))
        gc.collect()
    return result, [(str(w.message).partition(" object at")[0], w.category, w.filename, w.lineno) for w in seen]


@pytest.mark.parametrize("name", SNIPPETS)
def test_results_errors_and_warnings_are_the_same(name, follow, tmp_path, monkeypatch):
    """Each use gives the same result or error and the same warnings with and without hooks."""
    monkeypatch.chdir(tmp_path)
    plain = outcome(SNIPPETS[name])
    follow("sqlite3")
    assert outcome(SNIPPETS[name]) == plain


@pytest.fixture
def shop(tmp_path):
    """A database of orders, made before anything is followed."""
    with sqlite3.connect(tmp_path / "shop.db") as con:
        con.execute("create table orders(id, product, amount)")
        con.executemany("insert into orders values (?, ?, ?)", [(1, "tea", 3.5), (2, "milk", 1.25)])
    con.close()
    return f"sqlite://{tmp_path}/shop.db"


def test_a_table_made_of_a_table_is_known_by_column(follow, shop):
    """CREATE TABLE AS and INSERT ... SELECT: columns exact, filters indirect, names under the file's namespace."""
    followed = follow("sqlite3")
    con = sqlite3.connect("shop.db")
    con.execute("create table totals as select product, sum(amount) as total from orders where id > 0 group by product")
    con.execute("create table top(name, total)")
    con.execute("insert into top(name, total) select product, total from totals")
    con.commit()
    con.close()
    entries = followed.entries()
    assert set(entries) == {"totals", "top"}
    assert {entry["namespace"] for entry in entries.values()} == {shop}
    assert ("orders", "amount") in followed.sources("totals", "total")
    assert followed.sources("top", "name") == {("totals", "product")}
    assert {t["subtype"] for i in entries["totals"]["inputs"] for t in i.get("transformations", [])} == {
        "FILTER", "GROUP_BY",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("end", "is_written"),
    [
        ("con.commit()", True),
        ("con.rollback()", False),
        ("con.close()", False),
        ("pass", False),
        ("con.execute('commit')", True),
        ("con.execute('rollback')", False),
        ("con.executescript('select 1')", True),
        ("con.commit(); con.execute('delete from copy'); con.rollback()", True),
    ],
)
def test_what_is_not_committed_was_not_written(end, is_written, follow, shop):
    """A write is credited when its transaction is committed; reads always are."""
    followed = follow("sqlite3")
    con = sqlite3.connect("shop.db")
    con.execute("create table copy(id, product, amount)")
    con.execute("insert into copy select * from orders")
    exec(end)
    con.close()
    assert ("copy" in followed.entries()) is is_written


def test_a_with_block_commits_or_rolls_back(follow, shop):
    """``with con:`` that ends well writes; one that raises does not."""
    followed = follow("sqlite3")
    con = sqlite3.connect("shop.db")
    con.executescript("create table good(id); create table bad(id);")
    with con:
        con.execute("insert into good select id from orders")
    with pytest.raises(KeyError), con:
        con.execute("insert into bad select id from orders")
        raise KeyError
    con.close()
    assert set(followed.entries()) == {"good"}


def test_definitions_and_deletions_bring_no_data(follow, shop, tmp_path):
    """CREATE TABLE, DROP, DELETE and indices make no edges, whatever the run has read before."""
    (tmp_path / "a.csv").write_text("x\n1\n")
    followed = follow("sqlite3", "pandas", "files")
    pd.read_csv("a.csv")
    con = sqlite3.connect("shop.db", isolation_level=None)
    for text in ("create table t(a)", "create index i on t(a)", "delete from orders", "drop table t"):
        con.execute(text)
    con.close()
    assert followed.entries() == {}


def test_rows_that_came_from_nowhere_known_are_inferred(follow, tmp_path):
    """Rows bound as parameters have no lineage of their own: the run's reads stand for it, marked so."""
    (tmp_path / "a.csv").write_text("x\n1\n")
    followed = follow("sqlite3", "pandas", "files")
    rows = pd.read_csv("a.csv").to_numpy().tolist()
    con = sqlite3.connect("new.db", isolation_level=None)
    con.execute("create table t(x)")
    con.executemany("insert into t values (?)", rows)
    con.close()
    (source,) = followed.entries()["t"]["inputs"]
    assert source["name"].endswith("a.csv")
    assert source["transformations"][0]["type"] == "INFERRED"


def test_temporary_tables_and_views_are_seen_through_and_kept(follow, shop):
    """A temporary table is a value in memory; a view is a dataset of its own."""
    followed = follow("sqlite3")
    con = sqlite3.connect("shop.db", isolation_level=None)
    con.execute("create temp table work as select id as n, amount * 2 as twice from orders")
    con.execute("create view teas as select id, amount from orders where product = 'tea'")
    con.execute("create table out as select w.twice, t.id from work w join teas t on t.id = w.n")
    con.close()
    assert set(followed.entries()) == {"teas", "out"}
    assert followed.sources("out") == {"orders", "teas"}
    assert ("orders", "amount") in followed.sources("out", "twice")
    assert followed.facets("teas")["datasetType"]["datasetType"] == "VIEW"


def test_attached_files_are_databases_of_their_own(follow, shop, tmp_path):
    """A table of an attached file is named by that file."""
    followed = follow("sqlite3")
    con = sqlite3.connect("shop.db", isolation_level=None)
    con.execute("attach 'other.db' as o")
    con.execute("create table o.orders as select * from main.orders")
    con.close()
    entry = followed.entries()["orders"]
    assert entry["namespace"] == f"sqlite://{tmp_path}/other.db"
    assert [item["namespace"] for item in entry["inputs"]] == [shop]


@pytest.mark.parametrize(
    "database",
    [
        "shop.db",
        "./shop.db",
        "{tmp}/shop.db",
        "file:shop.db",
        "file:{tmp}/shop.db?mode=rw",
        b"shop.db",
        Path("shop.db"),
    ],
)
def test_one_file_has_one_name(database, follow, shop, tmp_path):
    """However the file is addressed, its tables have the same namespace."""
    followed = follow("sqlite3")
    if isinstance(database, str):
        database = database.format(tmp=tmp_path)
    con = sqlite3.connect(database, uri=str(database).startswith("file:"))
    con.execute("select id from orders")
    con.close()
    (read,) = followed.event()["inputs"]
    assert (read["namespace"], read["name"]) == (shop, "orders")


@pytest.mark.parametrize("database", [":memory:", "", "file::memory:", "file:x?mode=memory&cache=shared"])
def test_memory_is_the_runs_own(database, follow):
    """Tables in memory are named by the job, the same from run to run."""
    followed = follow("sqlite3")
    con = sqlite3.connect(database, uri=True, isolation_level=None)
    con.executescript("create table a(x); create table b as select x from a;")
    con.close()
    entry = followed.entries()["b"]
    assert (entry["namespace"], entry["name"]) == ("inmemory://tests", "job/sqlite/b")


def test_each_database_in_memory_has_tables_of_its_own(follow):
    """Two connections to ``:memory:`` are two databases: tables of one name are not one table, through statements and
    through pandas."""
    followed = follow("sqlite3", "pandas")
    frames = []
    for source in ("a", "b"):
        with sqlite3.connect(f"{source}.db") as con:
            con.execute(f"create table {source}(x)")
        frames.append(pd.read_sql(f"select x from {source}", con))
        con.close()
    one, two = sqlite3.connect(":memory:"), sqlite3.connect(":memory:")
    for con, frame in zip((one, two), frames, strict=True):
        frame.to_sql("t", con, index=False)
        con.execute("create table u as select x from t")
        con.commit()
    back = pd.read_sql("select x from u", two)
    one.close()
    two.close()
    names = {(entry["name"], item["name"]) for entry in followed.all_entries() for item in entry["inputs"]}
    inside = {(target, source) for target, source in names if target.endswith("/u")}
    assert inside == {("job/sqlite/u", "job/sqlite/t"), ("job/sqlite_2/u", "job/sqlite_2/t")}
    outside = {(target, Path(source).name) for target, source in names if target.endswith("/t")}
    assert outside == {("job/sqlite/t", "a"), ("job/sqlite_2/t", "b")}
    assert followed.columns(back) == {"x": {("u", "x")}}


def test_connections_that_share_their_memory_are_one_database(follow):
    """``cache=shared``: what one connection makes, another reads; a database in memory of its own is another."""
    followed = follow("sqlite3")
    alone = sqlite3.connect(":memory:", isolation_level=None)
    alone.execute("create table v(x)")
    shared = "file:both?mode=memory&cache=shared"
    left, right = (sqlite3.connect(shared, uri=True, isolation_level=None) for _ in range(2))
    left.execute("create table v(x)")
    right.execute("create table w as select x from v")
    for con in (alone, left, right):
        con.close()
    names = {(entry["name"], item["name"]) for entry in followed.all_entries() for item in entry["inputs"]}
    assert names == {("job/sqlite_2/w", "job/sqlite_2/v")}


def test_classes_of_the_users_own_are_followed_once(follow, shop):
    """Sub-classes of connection and cursor record each statement one time."""
    followed = follow("sqlite3")
    con = sqlite3.connect("shop.db", factory=Named, isolation_level=None)
    con.count("orders")
    con.cursor(Loud).executemany("insert into orders values (?, ?, ?)", [(7, "a", 1), (8, "b", 2)])
    con.close()
    texts = [item.text for item in followed.recorder.items]
    assert texts == ["select count(*) from orders", "insert into orders values (?, ?, ?)"]


def test_a_loop_of_statements_is_one_fact(follow, shop):
    """A thousand rows inserted one by one are not parsed a thousand times; what is read in between is not lost."""
    followed = follow("sqlite3")
    con = sqlite3.connect("shop.db", isolation_level=None)
    con.execute("create table log(a)")
    for number in range(300):
        con.execute("select count(*) from orders")
        con.execute("insert into log values (?)", (number,))
    assert len(followed.recorder.items) <= 5
    con.execute("create table log2 as select * from log")
    con.execute("insert into log values (?)", (1,))
    con.close()
    assert followed.sources("log2") == {"log"}


def test_a_run_says_how_many_statements_it_does_not_list(follow):
    """The SQL facet holds the first hundred statements; all are followed, and the outcome tells how many more ran."""
    followed = follow("sqlite3")
    with sqlite3.connect("wide.db", isolation_level=None) as con:
        con.execute("create table t0(a)")
        for number in range(129):
            con.execute(f"create table t{number + 1} as select a from t{number}")
    con.close()
    event = followed.event()
    assert event["job"]["facets"]["sql"]["query"].count(";") == 99
    assert event["run"]["facets"]["headwater_outcome"]["unlisted_statements"] == 30
    assert followed.sources("t129", "a") == {("t128", "a")}


def test_parameters_are_never_looked_at(follow, shop):
    """The text of a statement is kept with its literals masked; parameters are not kept at all."""
    followed = follow("sqlite3")
    con = sqlite3.connect("shop.db", isolation_level=None)
    con.execute("insert into orders values (?, ?, 'tea-secret')", (7, "milk-secret"))
    con.close()
    assert "secret" not in str(followed.event())


def test_pandas_reads_and_writes_once(follow, shop, tmp_path):
    """read_sql and to_sql are pandas' own edges, column by column, under the same names as plain statements."""
    followed = follow("sqlite3", "pandas")
    con = sqlite3.connect("shop.db")
    frame = pd.read_sql("select id, amount * 2 as twice from orders", con)
    frame.assign(more=frame["twice"] + 1).to_sql("better", con, index=False)
    con.execute("create table best as select more from better")
    con.commit()
    con.close()
    assert set(followed.entries()) == {"better", "best"}
    assert followed.sources("better") == {"orders"}
    assert followed.sources("better", "more") == {("orders", "amount")}
    assert followed.sources("best", "more") == {("better", "more")}
    assert {(d["namespace"], d["name"]) for d in followed.event()["inputs"]} == {(shop, "orders"), (shop, "better")}


def test_pandas_names_tables_in_memory_alike(follow):
    """A table in memory has one name, through pandas and through statements."""
    followed = follow("sqlite3", "pandas")
    con = sqlite3.connect(":memory:")
    pd.DataFrame({"a": [1]}).to_sql("t", con, index=False)
    con.execute("create table u as select a from t")
    back = pd.read_sql("select * from u", con)
    con.close()
    assert followed.sources("u", "a") == {("t", "a")}
    assert followed.columns(back) == {"a": {("u", "a")}}


def test_the_hooks_leave_no_trace():
    """After removal ``connect`` is the identical function, in all its places."""
    from sqlite3 import dbapi2

    from headwater.capture.hooks import Hooks
    from headwater.capture.integrations.sqlite3 import Sqlite3Integration

    before = sqlite3.connect
    hooks = Hooks("sqlite3")
    Sqlite3Integration().install(hooks, sqlite3)
    hooks.settle()
    assert sqlite3.connect is not before
    assert dbapi2.connect is sqlite3.connect
    hooks.remove()
    assert sqlite3.connect is before
    assert dbapi2.connect is before
