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


def _spread(frame):
    return frame.select("id", *frame.select("a", "b"))


def _unpacked(frame):
    a, b = frame.select("a", "b")
    return pl.DataFrame({"a": a, "b": b})


def _in_a_list(frame):
    return pl.DataFrame([column for column in frame if column.name in ("a", "b")])


def _all_at_once(frame):
    return frame.select(frame.select("a", "b").get_columns())


def _in_turn(frame):
    return frame.select([column.alias(column.name) for column in frame.iter_columns()])


@pytest.mark.parametrize("make", [_spread, _unpacked, _in_a_list, _all_at_once, _in_turn])
def test_columns_that_a_frame_gives_one_by_one(tables, make):
    """``*frame``, ``for column in frame``, ``get_columns()``: each is the column of its name, also in another frame.
    They came from nothing."""
    followed, frame, _ = tables
    made = make(frame)
    assert followed.columns(made)["a"] == {("t.csv", "a")}
    assert followed.columns(made)["b"] == {("t.csv", "b")}


def test_columns_made_of_texts_are_given_one_by_one(tables):
    """Each column of ``to_dummies`` comes from the column that it was made of."""
    followed, frame, _ = tables
    made = frame.select("id", *frame.select("g").to_dummies())
    assert [followed.columns(made)[name] for name in ("g_a", "g_b", "g_c")] == [{("t.csv", "g")}] * 3


def test_the_generator_of_columns_is_one(tables):
    """``iter_columns()`` draws nothing before it is asked, and ends where the columns end."""
    _, frame, _ = tables
    columns = frame.iter_columns()
    assert next(columns).name == "id"
    assert [column.name for column in columns] == ["g", "a", "b"]
    columns = frame.iter_columns()
    columns.close()
    assert list(columns) == []


@pytest.mark.parametrize(
    ("expression", "direct", "indirect"),
    [
        ("pl.col('a').sum().over('g') / pl.col('b')", {"a", "b"}, {"g"}),
        ("pl.col('b') / pl.col('a').sum().over('g', order_by='id')", {"a", "b"}, {"g", "id"}),
        ("pl.col('a').sum().over('g') - pl.col('a').sum().over(pl.col('id') * pl.col('b'))", {"a"}, {"g", "id", "b"}),
        ("pl.col('a').sum().over('g') / pl.col('g').str.len_chars()", {"a", "g"}, set()),
        ("pl.col('a').sort_by('b', descending=True) + pl.col('id')", {"a", "id"}, {"b"}),
    ],
)  # fmt: skip
def test_keys_of_windows_end_where_their_call_ends(tables, expression, direct, indirect):
    """What stands behind ``.over(...)`` in an expression is data like what stands before it; what a column is sorted
    by is none."""
    followed, frame, _ = tables
    made = frame.select(eval(expression).alias("z"))
    assert set(followed.direct(made, "z")) == direct
    assert followed.columns(made)["z"] == {("t.csv", name) for name in direct | indirect}


def test_a_selector_stands_for_the_key_of_its_window_too(tables):
    """``pl.all().sort_by("a")``: the other columns come from themselves, and so does ``a``."""
    followed, frame, _ = tables
    for made in (frame.select(pl.all().sort_by("a")), frame.select(pl.all().max().over("a"))):
        assert {name: set(followed.direct(made, name)) for name in "abg"} == {name: {name} for name in "abg"}
