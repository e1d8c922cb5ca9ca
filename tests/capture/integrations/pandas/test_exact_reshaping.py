"""Reshaping and filling that keeps each column apart, and functions of the user that do not."""

from __future__ import annotations

import pandas as pd
import pytest


@pytest.fixture
def table(follow):
    """A frame of groups and numbers, and what followed it."""
    rows = {"k": list("aabb"), "y": [0, 1, 0, 1], "A": [1.5, 2, 3, 4], "B": [5.5, 6, 7, None], "C": [1.5, None, 2, 3]}
    pd.DataFrame(rows).to_csv("in.csv", index=False)
    return follow("pandas"), pd.read_csv("in.csv")


def names(found):
    """The columns among (dataset, column) pairs."""
    return {column for _, column in found}


def test_columns_that_were_stacked_are_themselves_again(table):
    """``unstack`` undoes ``stack``; what was done to each number in between is a change of it."""
    followed, frame = table
    plain = frame[["A", "B"]].stack().unstack()
    changed = (frame[["A", "B"]].stack().dropna() * 2).round(1).unstack(level=-1)
    assert followed.direct(plain, "A") == {"A": "IDENTITY"}
    assert followed.direct(plain, "B") == {"B": "IDENTITY"}
    assert followed.direct(changed, "B") == {"B": "TRANSFORMATION"}


def test_other_levels_that_are_put_side_by_side_come_from_all(table):
    """Of a group by two keys the columns are values of one of them, not columns of the frame."""
    followed, frame = table
    sums = frame.groupby(["k", "y"])["A"].sum().unstack()
    assert names(followed.columns(sums)["0"]) >= {"A"}
    turned = frame.set_index(["k", "y"])[["A", "B"]].stack().unstack(level=0)
    assert names(followed.columns(turned)["a"]) >= {"A", "B"}


def test_columns_are_filled_from_the_numbers_that_are_chosen(table):
    """``frame.mean()["B":"C"]`` has two of them; the other columns come from themselves alone."""
    followed, frame = table
    means = frame[["A", "B", "C"]].mean()
    for some in (frame.fillna(means["B":"C"]), frame.fillna(means[["B", "C"]]), frame.fillna(means.loc["B":"C"])):
        assert followed.direct(some, "A") == {"A": "TRANSFORMATION"}
        assert followed.direct(some, "B") == {"B": "AGGREGATION"}
        assert followed.direct(some, "C") == {"C": "AGGREGATION"}
        assert followed.direct(some, "k") == {"k": "TRANSFORMATION"}
    centred = frame[["A", "B"]] - means[["B"]]
    assert followed.direct(centred, "B") == {"B": "AGGREGATION"}


def test_a_pivot_of_sizes_comes_from_its_keys(table):
    """It counts rows: no other column is in it."""
    followed, frame = table
    wide = frame.pivot_table(index="k", columns="y", aggfunc="size")
    long = pd.pivot_table(frame, index=["k", "y"], aggfunc="size")
    assert names(followed.columns(wide)["0"]) == {"k", "y"}
    assert followed.direct(wide, "0") == {"k": "AGGREGATION", "y": "AGGREGATION"}
    assert set.union(*map(names, followed.columns(long).values())) == {"k", "y"}
    assert names(followed.columns(frame.pivot_table(index="k", values="A", aggfunc="sum"))["A"]) == {"A", "k"}


def _described(group):
    return group.describe().iloc[1]


def _spread(group, column):
    return group[column].max() - group[column].min()


def test_a_function_of_a_group_comes_from_all_columns_and_says_so(table):
    """Unless what it returned was followed; an argument that names a column changes nothing."""
    followed, frame = table
    groups = frame.groupby("k")
    groups.apply(_described).to_csv("first.csv")
    groups.apply(_spread, "B").to_csv("spread.csv")
    groups["A"].apply(lambda numbers: numbers.sum()).to_csv("sums.csv")
    first = followed.entries()["first.csv"]["fields"]["B"]["inputs"]
    assert {item["field"] for item in first} >= {"A", "B", "C", "y"}
    assert {step["description"] for item in first for step in item["transformations"]} == {"opaque"}
    spread = followed.entries()["spread.csv"]["fields"]
    columns = {item["field"] for name, field in spread.items() if name != "k" for item in field["inputs"]}
    assert columns >= {"A", "B", "C", "y"}
    assert followed.sources("sums.csv", "A") == {("in.csv", "A")}
