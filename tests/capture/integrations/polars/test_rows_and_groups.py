"""Rows and groups in polars: lists computed from a column, parts of frames, updates, and functions of groups."""

from __future__ import annotations

import pytest

pl = pytest.importorskip("polars")


@pytest.fixture
def tables(follow):
    """What follows polars, a table of sales, and one of rates."""
    followed = follow("polars")
    pl.DataFrame({"id": range(6), "g": list("abcabc"), "a": range(6), "b": range(10, 16)}).write_csv("t.csv")
    pl.DataFrame({"g": list("abc"), "rate": [1.5, 2.5, 3.5]}).write_csv("m.csv")
    return followed, pl.read_csv("t.csv"), pl.read_csv("m.csv")


def test_lists_computed_from_a_column(tables):
    """In a frame, as a column by itself, and looked up in a dictionary."""
    followed, frame, m = tables
    made = pl.DataFrame({"x": [v * 2 for v in frame["a"]]})
    assert followed.columns(made)["x"] == {("t.csv", "a")}
    made = pl.DataFrame({"x": [str(v) for v in frame["g"].to_list()]})
    assert followed.columns(made)["x"] == {("t.csv", "g")}
    made = frame.with_columns(pl.Series("z", [v + 1 for v in frame["b"]]))
    assert followed.columns(made)["z"] == {("t.csv", "b")}
    rates = dict(zip(m["g"], m["rate"], strict=True))
    made = pl.DataFrame({"r": [rates[g] for g in frame["g"]]})
    assert followed.columns(made)["r"] == {("t.csv", "g"), ("m.csv", "g"), ("m.csv", "rate")}


def test_parts_are_rows_that_a_column_chose(tables):
    """``partition_by`` keeps the columns, and its keys decide about the rows of each part."""
    followed, frame, _ = tables
    for part in (frame.partition_by("g")[0], frame.partition_by(["g"], as_dict=True)[("a",)]):
        assert followed.direct(part, "a") == {"a": "IDENTITY"}
        assert followed.indirect(part) == {("g", "FILTER")}


def test_an_update_has_the_values_of_both(tables):
    """``update`` by a key or by position: columns of the other frame, too, but not those that it lacks."""
    followed, frame, m = tables
    other = m.select("g", pl.col("rate").alias("a"))
    made = frame.with_columns(pl.col("a").cast(pl.Float64)).update(other, on="g")
    assert {("t.csv", "a"), ("m.csv", "rate"), ("t.csv", "g"), ("m.csv", "g")} == followed.columns(made)["a"]
    assert followed.direct(made, "b") == {"b": "IDENTITY"}
    made = frame.update(frame.select(pl.col("b").alias("a")))
    assert followed.columns(made)["a"] == {("t.csv", "a"), ("t.csv", "b")}
    assert followed.columns(made)["id"] == {("t.csv", "id")}


def test_a_function_of_groups_gets_nothing_but_its_frame(tables):
    """``map_groups`` is opaque, but from this frame; it came from all that had been read."""
    followed, frame, _ = tables
    made = frame.group_by("g").map_groups(lambda part: part.select("g", pl.col("a").max()))
    assert {name for name, _ in followed.columns(made)["a"]} == {"t.csv"}
