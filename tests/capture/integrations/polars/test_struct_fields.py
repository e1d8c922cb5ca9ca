"""Struct columns of polars: a field comes from what was put into it, and not from all that its column holds."""

from __future__ import annotations

import pytest

from headwater.capture.trace import trace

pl = pytest.importorskip("polars")

PRICE, QTY, CITY, ID = (("t.csv", name) for name in ("price", "qty", "city", "id"))


@pytest.fixture
def sales(follow):
    """What follows polars, and a table with four columns, of which two are in a struct."""
    followed = follow("polars")
    pl.DataFrame({"id": [1, 2], "price": [2.5, 4], "qty": [3, 1], "city": ["u", "b"]}).write_csv("t.csv")
    frame = pl.read_csv("t.csv")
    return followed, frame.with_columns(s=pl.struct(x=pl.col("price") * 2, y="city"))


FIELDS = {
    "field": lambda f: f.select("id", pl.col("s").struct.field("x"), pl.col("s").struct.field("y").alias("town")),
    "lazy": lambda f: f.lazy().select("id", pl.col("s").struct.field("x"), town=pl.col("s").struct["y"]).collect(),
    "unnest": lambda f: f.select("id", "s").unnest("s").rename({"y": "town"}),
    "after filter and sort": lambda f: (
        f.select("id", "s").filter(pl.col("id") > 0).sort("id").unnest("s").rename({"y": "town"})
    ),
    "another name": lambda f: f.select("id", r="s").unnest("r").rename({"y": "town"}),
    "rename_fields": lambda f: f.select("id", pl.col("s").struct.rename_fields(["x", "town"])).unnest("s"),
    "all fields": lambda f: f.select("id", pl.col("s").struct.field("*")).rename({"y": "town"}),
    "some fields": lambda f: f.select("id", pl.col("s").struct.field("y", "x")).rename({"y": "town"}),
    "joined": lambda f: f.select("id").join(f.select("id", "s"), on="id", how="left").unnest("s").rename({"y": "town"}),
}


@pytest.mark.parametrize("way", FIELDS)
def test_a_field_is_taken_out_of_a_struct(sales, way):
    """However it is taken out, a field comes from the columns that were put into it."""
    followed, frame = sales
    made = FIELDS[way](frame)
    assert followed.direct(made, "x") == {"price": "TRANSFORMATION"}
    assert followed.direct(made, "town").keys() == {"city"}


def test_a_field_that_is_a_column_stays_that(sales):
    """What nothing computes on the way is the column itself."""
    followed, frame = sales
    made = frame.select(pl.struct("price", "qty").alias("p")).unnest("p")
    assert followed.direct(made, "qty") == {"qty": "IDENTITY"}
    made = frame.select(pl.struct(pl.all().exclude("s")).alias("p")).select(pl.col("p").struct.field("city"))
    assert followed.direct(made, "city") == {"city": "IDENTITY"}


def test_fields_in_computations_and_conditions(sales):
    """An expression comes from the fields that it uses; a condition from those that it looks at."""
    followed, frame = sales
    total = frame.select(pl.struct("price", "qty", "city").alias("p")).select(
        total=pl.col("p").struct.field("price") * pl.col("p").struct.field("qty")
    )
    assert followed.columns(total) == {"total": {PRICE, QTY}}
    kept = frame.select("id", "s").filter(pl.col("s").struct.field("y") == "u").select("id")
    assert followed.indirect(kept) == {("city", "FILTER")}


def test_structs_in_structs_and_changed_ones(sales):
    """Fields of fields, and those that ``with_fields`` adds."""
    followed, frame = sales
    nested = frame.select(pl.struct(a="id", i=pl.struct(p="price", q="qty")).alias("n"))
    assert followed.direct(nested.unnest("n").unnest("i"), "q") == {"qty": "IDENTITY"}
    made = nested.select(pl.col("n").struct.field("i").struct.field("p").alias("P"))
    assert followed.direct(made, "P") == {"price": "IDENTITY"}
    more = frame.select(pl.col("s").struct.with_fields((pl.field("x") + 1).alias("z"))).unnest("s")
    assert followed.columns(more) == {"x": {PRICE}, "y": {CITY}, "z": {PRICE}}


def test_fields_of_columns_by_themselves(sales):
    """The same of a Series, and of a whole frame in one."""
    followed, frame = sales
    assert followed.columns(frame["s"].struct.unnest()) == {"x": {PRICE}, "y": {CITY}}
    assert followed.columns(frame["s"].struct.field("x")) == {"x": {PRICE}}
    assert followed.columns(frame.drop("s").to_struct("z").struct.field("qty")) == {"qty": {QTY}}


def test_a_struct_in_a_file_is_a_column_of_it(sales):
    """A field of a struct that was read comes from its column; of one that nobody knows the fields of, as a guess from
    what was put into it."""
    followed, frame = sales
    frame.select("s").write_parquet("s.parquet")
    back = pl.read_parquet("s.parquet").unnest("s")
    assert followed.columns(back)["x"] == {("s.parquet", "s")}
    mixed = frame.select(pl.concat_list(pl.struct("price", "qty")).list.first().alias("m")).unnest("m")
    found = trace(followed.recorder.values.get(mixed)).fields["qty"]
    assert {trail.description for trail in found.values()} == {"inferred"}
