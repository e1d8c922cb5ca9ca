"""Methods of pandas that take another frame, column or matrix: which column of the result comes from which of both."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def tables(follow):
    """What follows pandas, a table of three numbers, and one of two."""
    followed = follow("pandas", "numpy")
    pd.DataFrame({"g": list("aabb"), "a": [1, 2, 3, 5], "b": [4, 6, 1, 9], "c": [7, 8, 2, 1]}).to_csv(
        "t.csv", index=False
    )
    pd.DataFrame({"a": [2, 1, 5, 3], "b": [3, 3, 8, 0]}).to_csv("u.csv", index=False)
    return followed, pd.read_csv("t.csv"), pd.read_csv("u.csv")


def test_aligned_frames_stay_what_they_are(tables):
    """``align`` gives both frames the labels of both; their columns are not mixed."""
    followed, t, u = tables
    left, right = t.align(u, join="outer")
    assert followed.columns(left)["a"] == {("t.csv", "a")}
    assert followed.columns(right)["a"] == {("u.csv", "a")}
    assert not followed.columns(right)["c"]


def test_a_matrix_as_wide_is_taken_column_by_column(tables):
    """``frame + matrix`` and ``frame.where(mask, matrix)``: the matrix has one column for each of the frame's."""
    followed, t, _ = tables
    numbers = t[["a", "b"]]
    made = numbers + numbers.to_numpy()
    assert followed.direct(made, "a").keys() == {"a"}
    made = numbers == np.where(numbers > 2, numbers, -numbers)
    assert followed.direct(made, "a").keys() == {"a"}
    made = numbers.mask(numbers > 2, numbers.to_numpy())
    assert followed.direct(made, "b").keys() == {"b"}
    made = numbers * t[["b", "c"]].to_numpy()
    assert followed.direct(made, "a").keys() == {"a", "b"}
    assert followed.direct(made, "b").keys() == {"b", "c"}


def test_a_function_of_two_frames_gets_one_column_of_each(tables):
    """``combine`` calls its function with the columns of one name; a number that the function uses counts, too."""
    followed, t, u = tables
    made = t[["a", "b", "c"]].combine(u, np.minimum)
    assert followed.columns(made)["a"] == {("t.csv", "a"), ("u.csv", "a")}
    assert followed.columns(made)["c"] == {("t.csv", "c")}
    made = t["a"].combine(u["b"], max)
    assert followed.columns(made.to_frame("v"))["v"] == {("t.csv", "a"), ("u.csv", "b")}
    limits = u["b"]
    made = t["a"].combine(u["a"], lambda one, other: one if one < limits.max() else other)
    assert followed.columns(made.to_frame("v"))["v"] == {("t.csv", "a"), ("u.csv", "a"), ("u.csv", "b")}


def test_correlations_with_another_frame_come_from_both(tables):
    """``corrwith`` a frame or a column."""
    followed, t, u = tables
    made = t[["a", "b"]].corrwith(u)
    assert followed.columns(made.to_frame("v"))["v"] == {(f, c) for f in ("t.csv", "u.csv") for c in "ab"}
    made = t[["a", "b"]].corrwith(u["b"])
    assert followed.columns(made.to_frame("v"))["v"] == {("t.csv", "a"), ("t.csv", "b"), ("u.csv", "b")}


def test_some_columns_alone_count(tables):
    """``duplicated`` of some columns, and summaries of those that are numbers, say nothing about the others."""
    followed, t, _ = tables
    assert followed.columns(t.duplicated(subset=["g", "a"]).to_frame("v"))["v"] == {("t.csv", "g"), ("t.csv", "a")}
    means = t.mean(numeric_only=True)
    assert followed.columns(means.to_frame("v"))["v"] == {("t.csv", name) for name in "abc"}
    assert followed.columns(t.assign(z=t["b"] - means["a"]))["z"] == {("t.csv", "b"), ("t.csv", "a")}


def test_places_in_a_column(tables):
    """``searchsorted`` and ``argsort`` come from the column; so do the values whose places are looked for."""
    followed, t, u = tables
    made = pd.DataFrame({"v": t["a"].searchsorted(u["b"])})
    assert followed.columns(made)["v"] == {("t.csv", "a"), ("u.csv", "b")}
    assert followed.direct(t["a"].argsort().to_frame("v"), "v") == {"a": "TRANSFORMATION"}


def test_columns_chosen_along_their_axis(tables):
    """``frame.loc(axis=1)[...]`` chooses columns, not rows."""
    followed, t, _ = tables
    assert followed.direct(t.loc(axis=1)["a"].to_frame(), "a") == {"a": "IDENTITY"}
    assert followed.direct(t.iloc(axis=1)[[1, 2]], "b") == {"b": "IDENTITY"}


def test_how_far_columns_are_rounded(tables):
    """The numbers of places may be data, too."""
    followed, t, u = tables
    places = u.min()
    assert ("u.csv", "a") in followed.columns(t[["a", "b"]].round(places))["a"]
    assert followed.direct(t[["a", "b"]].round(1), "a") == {"a": "TRANSFORMATION"}


def test_columns_put_below_each_other(tables):
    """``lreshape``: a new column comes from those of its list alone, and the others stay what they are."""
    followed, t, _ = tables
    made = pd.lreshape(t, {"number": ["a", "b"]})
    assert followed.direct(made, "number").keys() == {"a", "b"}
    assert followed.direct(made, "g") == {"g": "IDENTITY"}
