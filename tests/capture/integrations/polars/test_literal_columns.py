"""Columns and lists of other frames inside expressions of polars are among the sources of what is made of them."""

from __future__ import annotations

import sys

import pytest

pl = pytest.importorskip("polars")


@pytest.fixture
def tables(follow):
    """What follows polars, a table of sales, and one of rates."""
    followed = follow("polars")
    pl.DataFrame({"id": range(6), "g": list("abcabc"), "a": range(6), "b": range(10, 16)}).write_csv("t.csv")
    pl.DataFrame({"g": list("abc"), "rate": [1.5, 2.5, 3.5], "label": ["x", "y", "z"]}).write_csv("m.csv")
    return followed, pl.read_csv("t.csv"), pl.read_csv("m.csv")


@pytest.mark.filterwarnings("ignore:`is_in`")
def test_rows_chosen_by_a_column_of_another_frame(tables):
    """``filter`` with ``is_in``, negated too, lazily, and on a column that was itself filtered: it decides about the
    rows, and flows into no column."""
    followed, frame, other = tables
    for made in (
        frame.filter(pl.col("g").is_in(other["g"])),
        frame.filter(~pl.col("g").is_in(other["g"].implode())),
        frame.lazy().filter(pl.col("g").is_in(other["g"].implode())).collect(),
        frame.remove(pl.col("g").is_in(other.filter(pl.col("rate") > 2)["g"])),
    ):
        assert followed.direct(made, "a") == {"a": "IDENTITY"}
        assert {("t.csv", "g"), ("m.csv", "g")} <= followed.columns(made)["a"]
        assert not {("m.csv", "label")} & followed.columns(made)["a"]


def test_columns_computed_with_a_column_of_another_frame(tables):
    """Arithmetic, conditions, and values replaced by those of a table."""
    followed, frame, other = tables
    made = frame.head(3).with_columns(q=pl.col("a") * other["rate"], w=pl.when(other["rate"] > 2).then("a"))
    assert followed.columns(made)["q"] == {("t.csv", "a"), ("m.csv", "rate")}
    assert followed.columns(made)["w"] == {("t.csv", "a"), ("m.csv", "rate")}
    assert followed.columns(made)["b"] == {("t.csv", "b")}
    made = frame.with_columns(pl.col("g").replace_strict(other["g"], other["label"]).alias("l"))
    assert followed.columns(made)["l"] == {("t.csv", "g"), ("m.csv", "g"), ("m.csv", "label")}
    made = frame.group_by("g").agg(known=pl.col("g").is_in(other["label"].implode()).any())
    assert ("m.csv", "label") in followed.columns(made)["known"]


def test_columns_of_one_name_are_told_apart(tables):
    """By their content, where expressions with both are made before either is used."""
    followed, frame, other = tables
    one, two = pl.col("a") + frame["b"], pl.col("a") + other["rate"].rename("b").extend(other["rate"])
    assert followed.columns(frame.select(one))["a"] == {("t.csv", "a"), ("t.csv", "b")}
    assert followed.columns(frame.select(two))["a"] == {("t.csv", "a"), ("m.csv", "rate")}


def test_lists_and_dictionaries_made_of_columns(tables):
    """What the code made them of counts, as a guess; those that it spells out have no source."""
    followed, frame, other = tables
    wanted = other.filter(pl.col("rate") > 2)["g"].to_list()
    made = frame.filter(pl.col("g").is_in(wanted))
    assert {("t.csv", "g"), ("m.csv", "g")} <= followed.columns(made)["a"]
    labels = dict(zip(other["g"], other["label"], strict=True))
    made = frame.with_columns(l=pl.col("g").replace_strict(labels))
    assert {("t.csv", "g"), ("m.csv", "g"), ("m.csv", "label")} == followed.columns(made)["l"]
    made = frame.filter(pl.col("g").is_in(["a", "b"])).with_columns(pl.col("g").replace({"a": "A"}).alias("n"))
    assert {name for name, _ in followed.columns(made)["n"]} == {"t.csv"}


def test_literals_are_noted_wherever_polars_makes_them(tables):
    """Its own modules have the function under the name, too, and get it back."""
    followed, _, _ = tables
    owners = [sys.modules["polars.functions"], pl]
    assert {owner.lit.__module__ for owner in owners} == {"polars.functions.lit"}
    assert len({owner.lit for owner in owners}) == 1
    assert hasattr(pl.lit, "__wrapped__")
    followed.registry.remove()
    assert not any(hasattr(owner.lit, "__wrapped__") for owner in owners)
