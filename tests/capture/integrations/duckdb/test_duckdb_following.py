"""duckdb is followed through SQL, relations and files, and does what it does without us."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest

SNIPPETS = {
    part.partition("\n")[0]: part.partition("\n")[2]
    for part in Path(__file__).with_name("snippets.txt").read_text().split("#### ")[1:]
}
"""Uses of duckdb by name; each defines ``result``, or fails."""


def outcome(code, folder):
    """Result or error of a snippet, and its warnings with the file and line they name."""
    for file in folder.iterdir():
        file.unlink()
    scope = {"duckdb": duckdb, "pd": pd, "con": duckdb.connect(), "__name__": "snippet"}
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            exec(compile(code, "snippet.py", "exec"), scope)
            result = scope["result"]
        except (duckdb.Error, TypeError, ValueError) as error:
            result = (type(error), re.sub(r"0x[0-9a-f]+|_[0-9a-f]{8,}", "", str(error)))
    if isinstance(result, pd.DataFrame | pl.DataFrame):
        result = result.to_dict()
        result = {name: list(values) for name, values in result.items()}
    return result, [(str(w.message), w.category, w.filename, w.lineno) for w in seen]


@pytest.mark.parametrize("name", SNIPPETS)
def test_results_errors_and_warnings_are_the_same(name, follow, tmp_path, monkeypatch, capsys):
    """Each use gives the same result, error, output and warnings with and without hooks."""
    monkeypatch.chdir(tmp_path)
    plain = outcome(SNIPPETS[name], tmp_path), capsys.readouterr()
    follow("duckdb")
    assert (outcome(SNIPPETS[name], tmp_path), capsys.readouterr()) == plain


@pytest.fixture
def sales(tmp_path):
    """A CSV file of sales."""
    (tmp_path / "sales.csv").write_text("shop,units,price\nn,5,2.0\ns,3,3.5\nn,1,4.0\n")
    (tmp_path / "shops.csv").write_text("shop,city\nn,Oslo\ns,Rome\n")
    return tmp_path


REVENUE = "select shop, sum(units * price) as revenue from frame where units > 1 group by shop"


def test_a_frame_in_a_variable_is_found_by_column(follow, sales):
    """From a CSV through pandas and SQL to a file: exact columns, filter and grouping indirect."""
    followed = follow("pandas", "duckdb")

    def inside():
        frame = pd.read_csv("sales.csv")
        assert len(frame) == 3
        return duckdb.sql(REVENUE).df()

    result = inside()
    result.to_csv("out.csv", index=False)
    followed.event()
    assert followed.direct(result, "revenue") == {"units": "AGGREGATION", "price": "AGGREGATION"}
    assert followed.direct(result, "shop") == {"shop": "IDENTITY"}
    assert followed.indirect(result) == {("units", "FILTER"), ("shop", "GROUP_BY")}
    assert followed.sources("out.csv") >= {"sales.csv"}


@pytest.mark.parametrize("name", ["df", "fetchdf", "to_df", "pl", "to_arrow_table"])
def test_every_way_to_fetch_keeps_the_columns(name, follow, sales):
    """pandas, polars and Arrow results know their columns, from relations and from connections."""
    followed = follow("pandas", "polars", "pyarrow", "duckdb")
    results = []
    with duckdb.connect() as con:
        frame = pd.read_csv("sales.csv")
        results.append(getattr(con.sql(REVENUE), name)())
        if name in ("df", "fetchdf"):
            results.append(getattr(con.execute(REVENUE), name)())
        assert len(frame) == 3
    followed.event()
    for result in results:
        assert followed.direct(result, "revenue") == {"units": "AGGREGATION", "price": "AGGREGATION"}


def test_arrays_by_name(follow, sales):
    """``fetchnumpy`` gives arrays that are followed one by one."""
    followed = follow("duckdb")
    arrays = duckdb.sql("select units, price * 2 as twice from 'sales.csv'").fetchnumpy()
    followed.event()
    assert followed.columns(arrays["twice"]) == {"twice": {("sales.csv", "price")}}


@pytest.mark.parametrize(
    "text",
    [
        "select shop, units * price as revenue from 'sales.csv'",
        "select shop, units * price as revenue from read_csv('sales.csv')",
        "select shop, units * price as revenue from read_csv_auto('sales.csv', header=true)",
        "from read_csv(['sales.csv']) select shop, units * price as revenue",
        "with s as (from 'sales.csv') select shop, (units * price) as revenue from s",
    ],
)
def test_files_in_sql(text, follow, sales):
    """Files that a statement reads are datasets, and their columns are told apart."""
    followed = follow("duckdb")
    duckdb.sql(f"copy ({text}) to 'out.parquet' (format parquet)")
    assert followed.sources("out.parquet") == {"sales.csv"}
    assert followed.sources("out.parquet", "revenue") == {("sales.csv", "units"), ("sales.csv", "price")}


def test_relations_are_followed_operation_by_operation(follow, sales):
    """filter, project, aggregate, join, order, limit: each is the query that it is."""
    followed = follow("duckdb")
    relation = duckdb.read_csv("sales.csv").set_alias("s")
    shops = duckdb.read_csv("shops.csv").set_alias("c")
    joined = relation.filter("units > 1").join(shops, "shop").project("city, units * price as revenue")
    totals = joined.aggregate("city, sum(revenue) as total", "city").order("total").limit(5)
    totals.to_parquet("totals.parquet")
    assert followed.direct(totals, "total") == {"units": "AGGREGATION", "price": "AGGREGATION"}
    assert followed.direct(totals, "city") == {"city": "IDENTITY"}
    assert {("shop", "JOIN"), ("city", "GROUP_BY")} <= followed.indirect(totals)
    assert followed.sources("totals.parquet") == {"sales.csv", "shops.csv"}


def test_a_relation_stored_as_table_and_view(follow, sales):
    """create, insert_into and create_view write tables of their own connection."""
    followed = follow("duckdb")
    with duckdb.connect("shop.duckdb") as con:
        con.sql("select shop, units from 'sales.csv'").create("first")
        con.table("first").filter("units > 1").create("second")
        con.table("second").insert_into("first")
        con.sql("select units from first").create_view("seen")
    entries = followed.entries()
    assert {entry["namespace"] for entry in entries.values()} == {f"duckdb://{sales}/shop.duckdb"}
    assert followed.sources("second", "units") == {("first", "units")}
    assert followed.sources("seen", "units") == {("first", "units")}


def test_registered_frames_are_not_tables(follow, sales):
    """A registered frame is the frame, whatever it is called; unregistered it is nothing."""
    followed = follow("pandas", "duckdb")
    with duckdb.connect() as con:
        con.register("view_name", pd.read_csv("sales.csv"))
        con.execute("create table t as select units as n from view_name")
        con.execute("create table u as select n + 1 as m from t")
    assert followed.sources("t", "n") == {("sales.csv", "units")}
    assert followed.sources("u", "m") == {("t", "n")}
    assert followed.entries()["t"]["namespace"] == "inmemory://tests"


def test_each_database_in_memory_has_tables_of_its_own(follow, sales):
    """Two connections to memory are two databases, of which tables of one name come from different columns; a cursor
    belongs to the database of its connection, and connections to one named memory share it."""
    followed = follow("duckdb")
    one, two = duckdb.connect(), duckdb.connect(":memory:")
    one.execute("create table t as select units as n from 'sales.csv'")
    two.execute("create table t as select price as n from 'sales.csv'")
    one.cursor().execute("create table u as select n from t")
    two.cursor().execute("create table w as select n from t")
    left, right = duckdb.connect(":memory:shared"), duckdb.connect(":memory:shared")
    left.execute("create table s as select units as n from 'sales.csv'")
    right.execute("create table r as select n from s")
    told = {
        entry["name"]: {(item["name"].removeprefix(f"{sales}/"), item["field"]) for item in column["inputs"]}
        for entry in followed.all_entries()
        for column in entry["fields"].values()
    }
    assert told == {
        "job/duckdb/t": {("sales.csv", "units")},
        "job/duckdb_2/t": {("sales.csv", "price")},
        "job/duckdb/u": {("job/duckdb/t", "n")},
        "job/duckdb_2/w": {("job/duckdb_2/t", "n")},
        "job/duckdb_3/s": {("sales.csv", "units")},
        "job/duckdb_3/r": {("job/duckdb_3/s", "n")},
    }


def test_a_table_hides_a_variable_of_its_name(follow, sales):
    """``create table frame as select * from frame`` reads the variable; what follows reads the table."""
    followed = follow("pandas", "duckdb")
    with duckdb.connect("x.duckdb") as con:
        frame = pd.read_csv("sales.csv")
        con.execute("create table frame as select * from frame")
        con.execute("create table after as select units from frame")
        assert len(frame) == 3
    assert followed.sources("frame", "units") == {("sales.csv", "units")}
    assert followed.sources("after") == {"frame"}


def test_temporary_tables_are_values(follow, sales):
    """A temporary table made of a frame, filled further, is seen through."""
    followed = follow("pandas", "duckdb")
    with duckdb.connect("x.duckdb") as con:
        frame = pd.read_csv("sales.csv")
        con.execute("create temp table work as select shop, units from frame")
        con.execute("insert into work select shop, 0 from 'shops.csv'")
        con.execute("create table final as select units from work")
        assert len(frame) == 3
    assert set(followed.entries()) == {"final"}
    assert ("sales.csv", "units") in followed.sources("final", "units")


@pytest.mark.parametrize(
    ("begin", "end", "is_written"),
    [
        ("con.begin()", "con.commit()", True),
        ("con.begin()", "con.rollback()", False),
        ("con.execute('begin transaction')", "con.execute('commit')", True),
        ("con.sql('begin')", "con.sql('rollback')", False),
        ("con.execute('begin')", "pass", False),
    ],
)
def test_what_is_rolled_back_was_not_written(begin, end, is_written, follow, sales):
    """A transaction counts when it is committed."""
    followed = follow("duckdb")
    with duckdb.connect("x.duckdb") as con:
        exec(begin)
        con.execute("create table t as select * from 'sales.csv'")
        exec(end)
    assert ("t" in followed.entries()) is is_written


def test_two_scripts_join_at_the_table(project):
    """One script fills a database file, another reads it by another path: the names are the same."""
    project.write("sales.csv", "shop,units\nn,1\n")
    project.write(
        "fill.py",
        "import duckdb\nwith duckdb.connect('shop.duckdb') as con:\n"
        "    con.execute(\"create table sales as select * from 'sales.csv'\")\n",
    )
    project.write(
        "deep/use.py",
        "import duckdb\nfrom pathlib import Path\n"
        "with duckdb.connect(str(Path(__file__).parent.parent / 'shop.duckdb'), read_only=True) as con:\n"
        "    con.sql('select shop, units * 2 as twice from sales').df().to_csv('out.csv', index=False)\n",
    )
    for script in ("fill.py", "deep/use.py"):
        ended = project.captured(script)
        assert (ended.code, ended.err) == (0, "")
    entries = {
        e["name"]: e for event in project.events for e in event["job"]["facets"].get("lineage", {}).get("entries", [])
    }
    (out,) = [entry for name, entry in entries.items() if name.endswith("out.csv")]
    assert (out["inputs"][0]["namespace"], out["inputs"][0]["name"]) == (entries["sales"]["namespace"], "sales")
    assert [item["field"] for item in out["fields"]["twice"]["inputs"]] == ["units"]


def test_parameters_and_literals_are_not_kept(follow, sales):
    """The text of a statement is kept with literals masked; parameters not at all."""
    followed = follow("duckdb")
    with duckdb.connect() as con:
        con.execute(
            "create table t as select * from 'sales.csv' where shop = ? and shop <> 'hidden-literal'", ["hidden"]
        )
    assert "hidden" not in str(followed.event())


def test_memory_is_let_go(follow, sales):
    """Neither frames nor connections nor relations live longer for being followed."""
    import gc
    import weakref

    def used():
        frame = pd.read_csv("sales.csv")
        con = duckdb.connect()
        relation = con.sql("select * from frame")
        result = relation.df()
        return [weakref.ref(item) for item in (frame, con, relation, result)]

    follow("pandas", "duckdb")
    alive = used()
    gc.collect()
    assert [item() is None for item in alive] == [True] * 4


def test_the_hooks_leave_no_trace():
    """After removal each method is the identical object it was."""
    from headwater.capture.hooks import Hooks
    from headwater.capture.integrations.duckdb import DuckdbIntegration

    owners = (duckdb, duckdb.DuckDBPyConnection, duckdb.DuckDBPyRelation)
    before = [dict(vars(owner)) for owner in owners]
    hooks = Hooks("duckdb")
    DuckdbIntegration().install(hooks, duckdb)
    assert any(dict(vars(owner)) != was for owner, was in zip(owners, before, strict=True))
    hooks.remove()
    for owner, was in zip(owners, before, strict=True):
        assert dict(vars(owner)) == was


def test_a_file_without_quotes(follow, tmp_path, monkeypatch):
    """``FROM shirts.parquet`` reads the file of that name, where there is one; a table of a schema stays a table."""
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"size": [1, 2], "price": [3, 4]}).to_parquet("shirts.parquet")
    followed = follow("pandas", "duckdb")
    duckdb.sql("SELECT size, price * 2 AS twice FROM shirts.parquet").df().to_csv("out.csv", index=False)
    duckdb.sql("CREATE SCHEMA other; CREATE TABLE other.csv AS SELECT 7 AS n")
    duckdb.sql("SELECT n FROM other.csv").df().to_csv("table.csv", index=False)
    duckdb.sql("DROP SCHEMA other CASCADE")
    assert followed.sources("out.csv") == {"shirts.parquet"}
    assert all(i["namespace"] == "file" for i in followed.entries()["out.csv"]["inputs"])
    assert all(i["namespace"] != "file" for i in followed.entries()["table.csv"]["inputs"])


def test_a_file_in_double_quotes(follow, tmp_path, monkeypatch):
    """``read_csv("sales.csv")``, with options: duckdb takes the name for a text."""
    monkeypatch.chdir(tmp_path)
    Path("sales.csv").write_text("day;sum\nmon;1\ntue;2\n")
    followed = follow("duckdb", "pandas")
    result = duckdb.sql("""SELECT day, max(sum) AS top FROM read_csv("sales.csv", sep=';') GROUP BY day""")
    result.write_parquet("top.parquet")
    assert followed.sources("top.parquet") == {"sales.csv"}
    assert ("sales.csv", "sum") in followed.sources("top.parquet", "top")


def test_a_file_that_is_given_as_a_parameter(follow, tmp_path, monkeypatch):
    """``read_parquet(?)`` reads the file that was given for it; no other value of a parameter is looked at."""
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"size": [1, 2], "price": [3, 4]}).to_parquet("shirts.parquet")
    followed = follow("pandas", "duckdb")
    con = duckdb.connect("shop.duckdb")
    con.execute(
        "create table cheap as select price, '?' as mark from read_parquet(?) where price < ? and size < ?",
        [str(tmp_path / "shirts.parquet"), 4, 77],
    )
    con.execute("select price from read_parquet($file)", {"file": ["shirts.parquet"]}).df().to_csv("out.csv")
    con.close()
    (table,) = [name for name in followed.entries() if name.endswith("cheap")]
    assert followed.sources(table, "price") == {("shirts.parquet", "price")}
    assert followed.sources("out.csv", "price") == {("shirts.parquet", "price")}
    assert "77" not in str(followed.event()["job"]["facets"])


def test_a_file_in_between_that_is_gone(project):
    """A table made of a temporary file, which the run wrote and removed, comes from what the file was made of."""
    project.write("in.csv", "size,price\n1,2\n3,4\n")
    project.write(
        "script.py",
        "import tempfile, duckdb, pandas as pd\nframe = pd.read_csv('in.csv').assign(twice=lambda d: d.price * 2)\n"
        "with tempfile.TemporaryDirectory() as folder:\n    path = folder + '/part.parquet'\n"
        "    frame.to_parquet(path)\n    con = duckdb.connect('shop.duckdb')\n"
        "    con.execute('create table t as select size, twice from read_parquet(?)', [path])\n    con.close()\n",
    )
    project.captured("script.py")
    event = project.events[-1]
    (entry,) = event["job"]["facets"]["lineage"]["entries"]
    assert {source["name"].rpartition("/")[2] for source in entry["inputs"]} == {"in.csv"}
    assert [(source["field"]) for source in entry["fields"]["twice"]["inputs"]] == ["price"]
    assert {output["name"].rpartition(".")[2] for output in event["outputs"]} == {"t"}
