"""Functions of groups and rows that return several numbers under names: each comes from what it was computed from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def frame(follow, tmp_path):
    """What follows pandas, and a frame read from a file."""
    followed = follow("pandas", "numpy")
    data = {"g": ["x", "y"] * 4, "a": range(8), "b": range(10, 18), "c": [1, 2, 3, 4] * 2}
    pd.DataFrame(data).to_csv("t.csv", index=False)
    return followed, pd.read_csv("t.csv")


def read(followed, made):
    """The columns behind each column of a frame, without the keys of its groups."""
    return {name: set(followed.direct(made, name)) for name in map(str, made.columns)}


def weighted(group):
    """A weighted mean and a count."""
    weights = group["c"] + 1
    return pd.Series({"mean": np.average(group["a"], weights=weights), "rows": len(group)})


def ratio(group):
    """Two numbers under names that are given apart, from local names."""
    total = group["b"].sum()
    if len(group) > 100:
        return pd.Series([0, 0], index=["share", "mixed"])
    return pd.Series([total / len(group), group.a.mean() * total], index=["share", "mixed"])


def test_each_number_of_a_group_from_its_own_columns(frame):
    """By the name it is returned under, through local names, in functions and lambdas; a count comes from the keys."""
    followed, data = frame
    assert read(followed, data.groupby("g").apply(weighted)) == {"mean": {"a", "c"}, "rows": {"g"}}
    assert read(followed, data.groupby("g").apply(ratio)) == {"share": {"b"}, "mixed": {"a", "b"}}
    made = data.groupby("g").apply(lambda s: pd.Series({"low": s["a"].min(), "high": s["b"].max()}))
    assert read(followed, made) == {"low": {"a"}, "high": {"b"}}
    assert read(followed, made.reset_index()) == {"g": {"g"}, "low": {"a"}, "high": {"b"}}


def test_each_number_of_a_row_from_its_own_columns(frame):
    """The same for functions of rows."""
    followed, data = frame
    made = data.apply(lambda r: pd.Series({"x": r["a"] + 1, "y": r["b"] * r["c"]}), axis=1)
    assert read(followed, made) == {"x": {"a"}, "y": {"b", "c"}}


def test_a_group_that_gets_away_may_have_given_anything(frame):
    """A part computed from the group as a whole, or a series put together elsewhere, comes from all columns."""
    followed, data = frame

    def whole(group):
        return pd.Series({"x": group.describe().iloc[0, 0], "y": group["a"].sum()})

    def elsewhere(group):
        made = pd.Series({"x": group["a"].sum()})
        made["y"] = group.iloc[0, 1]
        return made

    for function in (whole, elsewhere):
        made = data.groupby("g").apply(function)
        assert all(None in found or found >= {"a", "b", "c"} for found in read(followed, made).values())


def test_what_a_function_of_groups_is_given_and_decides(frame):
    """Numbers handed to ``apply`` count, ``filter`` tells what its function reads, a correlation has both columns."""
    followed, data = frame
    more = data["a"].apply(lambda v, n: v + n, n=data["b"].mean())
    assert {column for _, column in followed.columns(more)["a"]} == {"a", "b"}
    more = data["a"].apply(lambda v, n: v + n, args=(data["c"].max(),))
    assert {column for _, column in followed.columns(more)["a"]} == {"a", "c"}
    kept = data.groupby("g").filter(lambda s: s["b"].mean() > 13)
    assert ("b", "FILTER") in followed.indirect(kept)
    assert followed.direct(kept, "a") == {"a": "IDENTITY"}
    both = data.groupby("g")[["a", "b"]].corr()
    assert set(followed.direct(both, "a")) == set(followed.direct(both, "b")) == {"a", "b"}
    assert set(followed.direct(data["a"].rolling(3).corr(data["b"]).to_frame("x"), "x")) == {"a", "b"}


def test_a_series_of_a_dictionary_made_of_columns(frame):
    """``pd.Series(dict(zip(keys, numbers)))`` comes from both columns, not from all that was read."""
    followed, data = frame
    made = pd.Series(dict(zip(data["a"], data["c"], strict=True)))
    assert {column for _, column in followed.columns(made).popitem()[1]} == {"a", "c"}
