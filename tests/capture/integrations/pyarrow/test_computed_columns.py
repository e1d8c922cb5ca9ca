"""What pyarrow computes: columns by functions, and tables by compiled methods."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

SHOPS = {"id": [1, 2, 3, 4], "shop": ["n", "s", "n", "w"], "units": [5, 3, 2, 8], "price": [2.0, 3.5, 1.0, 4.0]}
FEES = {"shop": ["n", "s", "w"], "fee": [0.5, 0.7, 0.1], "units": [1, 2, 3]}


@pytest.fixture
def tables(follow):
    """What follows pyarrow, a table of sales and one of fees."""
    pyarrow.csv.write_csv(pa.table(SHOPS), "t.csv")
    pyarrow.csv.write_csv(pa.table(FEES), "u.csv")
    followed = follow("pyarrow")
    return followed, pyarrow.csv.read_csv("t.csv"), pyarrow.csv.read_csv("u.csv")


def _written(followed, *tables):
    """For each table that is written: per column the direct sources; and for the whole the indirect ones with their
    kind. Nothing is a guess."""
    for number, table in enumerate(tables):
        pq.write_table(table, f"out{number}.parquet")
    entries = followed.entries()
    return [_told(entries[f"out{number}.parquet"]) for number in range(len(tables))]


def _told(entry):
    inputs = [item for field in entry["fields"].values() for item in field["inputs"]]
    assert not any(step.get("description") for item in inputs for step in item.get("transformations", []))
    fields = {
        name: {(item["name"].rpartition("/")[2], item["field"]) for item in field["inputs"]}
        for name, field in entry["fields"].items()
    }
    whole = {
        (item["name"].rpartition("/")[2], item["field"], item["transformations"][0]["subtype"])
        for item in entry["inputs"]
        if item.get("field")
    }
    return fields, whole


OWN = {name: {("t.csv", name)} for name in SHOPS}


def test_columns_by_functions(tables):
    """A column comes from the columns that its function was given, through several functions, and is put into a table
    that is made, added to or changed."""
    followed, t, u = tables
    total = pc.round(pc.multiply(t["units"], t["price"]), 1)
    added, changed, chosen, others = _written(
        followed,
        t.append_column("total", total),
        t.set_column(1, "shop", pc.utf8_upper(t["shop"])),
        pa.table({"a": pc.if_else(pc.greater(t["units"], 2), t["price"], 0.0)}),
        pa.table({"u": t["shop"].unique(), "f": u["fee"].cast("string")}),
    )
    both = {("t.csv", "units"), ("t.csv", "price")}
    assert added[0] == OWN | {"total": both}
    assert changed[0] == OWN
    assert chosen[0] == {"a": both}
    assert others[0] == {"u": {("t.csv", "shop")}, "f": {("u.csv", "fee")}}


def test_rows_that_are_chosen_or_put_in_order(tables):
    """``filter`` by an expression or a mask, ``take``, ``sort_by``: the same columns; what decides is told."""
    followed, t, _ = tables
    assert _written(
        followed,
        t.filter(pc.field("units") > 2),
        t.filter(pc.greater(t["price"], 1.5)),
        t.take([2, 0]),
        t.sort_by([("price", "descending")]),
        t.take(pc.sort_indices(t["units"])),
    ) == [
        (OWN, {("t.csv", "units", "FILTER")}),
        (OWN, {("t.csv", "price", "FILTER")}),
        (OWN, set()),
        (OWN, {("t.csv", "price", "SORT")}),
        (OWN, {("t.csv", "units", "SORT")}),
    ]


ODD = ["a b", "a", "b", "city", "Name", "string", "ASC", "1", "%", "true", "f(x"]


def _decided_by(followed, table):
    """The columns that decide about the rows of a table, each with whether it is a guess."""
    pq.write_table(table, "out.parquet")
    told = [(item["field"], item["transformations"][0]) for item in followed.entries()["out.parquet"]["inputs"]
            if item.get("field")]  # fmt: skip
    return {name: how.get("description", "") for name, how in told}


def _id(given):
    """The name of an argument, the same in every process: a set has another order in each."""
    return "-".join(sorted(given)) if isinstance(given, set) else str(given)


@pytest.mark.parametrize(
    ("expression", "sure", "guessed"),
    [
        (pc.field("a b") > 0, {"a b"}, set()),
        ((pc.field("a") > 0) & (pc.field("b") < 9), {"a", "b"}, set()),
        (pc.field("city") == "a", {"city"}, set()),
        (pc.field("city") == 'say "b" and \\', {"city"}, set()),
        (pc.field("city").isin(["a", "b"]), {"city"}, set()),
        (pc.match_substring(pc.field("city"), "Name"), {"city"}, set()),
        (pc.field("a").cast("string") == "b", {"a"}, set()),
        (pc.field(1) > 0, {"a"}, set()),
        (pc.field("a") > 1, {"a"}, {"1"}),
        (pc.field("f(x") > 0, set(), {"f(x"}),
    ],
    ids=_id,
)
def test_what_an_expression_names_decides_and_nothing_else(follow, expression, sure, guessed):
    """Not a name that is part of another, nor one that stands in a text, a list of values or an option. What may be a
    name or a number is a guess."""
    columns = {name: ["1", "a"] if name == "city" else [1, 2] for name in ODD}
    pq.write_table(pa.table(columns), "t.parquet")
    followed = follow("pyarrow")
    names = _decided_by(followed, pq.read_table("t.parquet").filter(expression))
    assert {name for name, how in names.items() if how != "inferred"} == sure
    assert {name for name, how in names.items() if how == "inferred"} == guessed


@pytest.mark.parametrize(
    ("how", "keys"),
    [
        ({"sort_keys": [("a b", "ascending")]}, {"a b"}),
        ({"options": pc.SortOptions([("a", "descending"), ("b", "ascending")])}, {"a", "b"}),
        ({"options": pc.SortOptions([(pc.field(3), "ascending")])}, {"city"}),
    ],
    ids=_id,
)
def test_rows_are_in_the_order_of_the_keys_alone(follow, how, keys):
    """A column that is called as a word in what pyarrow prints of the keys is none of them."""
    pq.write_table(pa.table({name: [2, 1] for name in ODD}), "t.parquet")
    followed = follow("pyarrow")
    table = pq.read_table("t.parquet")
    assert _decided_by(followed, table.take(pc.sort_indices(table, **how))).keys() == keys


def test_groups_and_joins(tables):
    """Aggregates under the names that pyarrow gives them; a join has the columns of both, the keys decide."""
    followed, t, u = tables
    groups = t.group_by("shop").aggregate([("units", "sum"), ("price", "max"), ([], "count_all")])
    grouped, joined, full, nearest = _written(
        followed,
        groups.sort_by("units_sum"),
        t.join(u, "shop", right_suffix="_u"),
        t.select(["id", "shop"]).join(u.select(["shop", "fee"]), "shop", join_type="full outer"),
        t.select(["id", "price"]).join_asof(u.select(["units", "fee"]), "id", [], 1, "units", []),
    )
    assert grouped[0] == {
        "shop": {("t.csv", "shop")},
        "units_sum": {("t.csv", "units")},
        "price_max": {("t.csv", "price")},
        "count_all": set(),
    }
    assert ("t.csv", "shop", "GROUP_BY") in grouped[1]
    assert joined[0] == OWN | {"fee": {("u.csv", "fee")}, "units_u": {("u.csv", "units")}}
    assert joined[1] == {("t.csv", "shop", "JOIN"), ("u.csv", "shop", "JOIN")}
    assert full[0]["shop"] == {("t.csv", "shop"), ("u.csv", "shop")}
    assert nearest[0] == {"id": {("t.csv", "id")}, "price": {("t.csv", "price")}, "fee": {("u.csv", "fee")}}


def test_tables_below_each_other(tables):
    """``concat_tables``: each column comes from the columns of all; those of the second were forgotten."""
    followed, t, u = tables
    both = pa.concat_tables([t.select(["shop", "units"]), u.select(["shop", "units"])])
    whole, computed = _written(followed, both, pa.table({"v": pc.add(both["units"], 1)}))
    assert whole[0] == {name: {("t.csv", name), ("u.csv", name)} for name in ("shop", "units")}
    assert computed[0] == {"v": {("t.csv", "units"), ("u.csv", "units")}}


def test_tables_that_other_libraries_hand_over(follow):
    """What polars and duckdb give as arrow is known by its memory, too: computed with, and handed back."""
    pl, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    pyarrow.csv.write_csv(pa.table(SHOPS), "t.csv")
    followed = follow("pyarrow", "polars", "duckdb")
    given = pl.read_csv("t.csv").select("shop", "price").to_arrow()
    changed = given.set_column(1, "price", pc.max_element_wise(given["price"], 2))
    pl.from_arrow(changed).write_csv("back.csv")
    asked = duckdb.sql("SELECT shop, units FROM 't.csv'").to_arrow_table()
    fields, series = _written(
        followed,
        asked.append_column("twice", pc.multiply(asked["units"], 2)),
        pa.table({"v": pl.read_csv("t.csv")["units"].to_arrow()}),
    )
    assert fields[0] == {"shop": OWN["shop"], "units": OWN["units"], "twice": OWN["units"]}
    assert series[0] == {"v": OWN["units"]}
    back = followed.entries()["back.csv"]["fields"]
    assert {name: {item["field"] for item in field["inputs"]} for name, field in back.items()} == {
        "shop": {"shop"},
        "price": {"price"},
    }
