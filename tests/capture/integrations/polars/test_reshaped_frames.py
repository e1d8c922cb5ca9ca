"""Methods of polars that give a frame another shape: which column of the result comes from which."""

from __future__ import annotations

import pytest

pl = pytest.importorskip("polars")


@pytest.fixture
def scores(follow):
    """What follows polars, and a table of two numbers by name and subject."""
    followed = follow("polars")
    columns = {"name": list("xxyy"), "subject": ["art", "law"] * 2, "one": [1, 2, 3, 4], "two": [5, 6, 7, 9]}
    pl.DataFrame(columns).write_csv("t.csv")
    return followed, pl.read_csv("t.csv")


@pytest.mark.parametrize("is_lazy", [False, True])
def test_a_pivot_of_several_values_keeps_them_apart(scores, is_lazy):
    """polars puts the name of the value in front: ``one_art`` comes from ``one``, not from ``two``."""
    followed, frame = scores
    if is_lazy:
        made = frame.lazy().pivot("subject", on_columns=["art", "law"], index="name", values=["one", "two"]).collect()
    else:
        made = frame.pivot("subject", index="name", values=["one", "two"])
    assert followed.direct(made, "one_art") == {"one": "AGGREGATION"}
    assert followed.direct(made, "two_law") == {"two": "AGGREGATION"}
    assert followed.direct(made, "name") == {"name": "IDENTITY"}
    made = frame.pivot("subject", index="name", values=["one", "two"], separator="/")
    assert followed.direct(made, "two/art") == {"two": "AGGREGATION"}
    made = frame.pivot("subject", index="name", values="one")
    assert followed.direct(made, "art") == {"one": "AGGREGATION"}


def test_an_unstacked_column_comes_from_one(scores):
    """``unstack`` spreads each column over several, which keep its name in front."""
    followed, frame = scores
    made = frame.select("one", "two").unstack(step=2)
    assert followed.columns(made)["one_1"] == {("t.csv", "one")}
    assert followed.columns(made)["two_0"] == {("t.csv", "two")}


def test_a_function_of_some_columns_leaves_the_others(scores):
    """``map_columns``: a function of the user makes each of the named columns from itself."""
    followed, frame = scores
    made = frame.map_columns(["one"], lambda column: column * 2)
    assert followed.columns(made)["one"] == {("t.csv", "one")}
    assert followed.direct(made, "two") == {"two": "IDENTITY"}


def test_what_mixes_all_columns_is_known_to(scores):
    """``corr``, ``transpose``, ``hash_rows`` and ``to_struct`` use every column; names alone come from nothing."""
    followed, frame = scores
    numbers = frame.select("one", "two")
    both = {"one": "TRANSFORMATION", "two": "TRANSFORMATION"}
    made = numbers.corr(label="of")
    assert followed.direct(made, "one") == both
    assert followed.direct(made, "of") == {}
    made = numbers.transpose(include_header=True)
    assert followed.direct(made, "column_0") == both
    assert followed.direct(made, "column") == {}
    made = frame.select("name", "one").unique("name").transpose(column_names="name")
    assert followed.direct(made, "x") == {"one": "TRANSFORMATION"}
    for column in (numbers.hash_rows(), numbers.to_struct("s")):
        made = column.to_frame("v")
        assert followed.columns(made)["v"] == {("t.csv", "one"), ("t.csv", "two")}


def test_a_default_column_is_not_of_the_frame(scores):
    """``get_column(name, default=other)`` returned another column, which keeps its own origin."""
    followed, frame = scores
    made = frame.select("one").get_column("none", default=frame["two"])
    assert followed.columns(made.to_frame("v"))["v"] == {("t.csv", "two")}
