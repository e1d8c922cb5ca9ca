"""Rows that are chosen or put in order by the labels of another frame, which then count."""

from __future__ import annotations

import pandas as pd
import pytest


@pytest.fixture
def days(follow):
    """What follows pandas, and two files of numbers by day."""
    dates = pd.date_range("2024-01-01", periods=12)
    pd.DataFrame({"date": dates, "open": range(12), "low": range(12), "size": ["low", "high"] * 6}).to_csv("all.csv")
    pd.DataFrame({"date": dates[::2], "fee": range(6)}).to_csv("some.csv", index=False)
    followed = follow("pandas")
    every = pd.read_csv("all.csv", index_col="date", parse_dates=True)
    return followed, every, pd.read_csv("some.csv", index_col="date", parse_dates=True)


BOTH = {("date", "JOIN")}


@pytest.mark.parametrize("how", ["index", "keyword", "like", "series"])
def test_rows_of_another_index(days, how):
    """``some.reindex(every.index)``: the index is that of the other frame, and both decide which row is where."""
    followed, every, some = days
    if how == "index":
        made = some.reindex(every.index)
    elif how == "keyword":
        made = some.assign(n=1).reindex(index=every.index, method="ffill")[["fee"]]
    elif how == "like":
        made = some.reindex_like(every[["open"]].rename(columns={"open": "fee"}))
    else:
        made = some["fee"].reindex(every.index).to_frame()
    made.reset_index().to_csv("made.csv", index=False)
    assert followed.direct(made, "fee") == {"fee": "IDENTITY"}
    assert followed.indirect(made) == BOTH
    assert followed.sources("made.csv", "date") == {("all.csv", "date")}
    assert followed.sources("made.csv") == {"all.csv", "some.csv"}


def test_columns_of_a_list_have_no_other_source(days):
    """``reindex`` of columns, or by labels that are spelled out, adds no source."""
    followed, every, some = days
    assert followed.indirect(every.reindex(columns=["low", "open"])) == set()
    assert followed.indirect(some.reindex(["fee"], axis=1)) == set()
    chosen = some.reindex(pd.to_datetime(["2024-01-03", "2024-01-04"]))
    assert {name for name, _ in followed.columns(chosen)["fee"]} == {"some.csv"}


def test_rows_chosen_by_labels(days):
    """``every.loc[some.index]``: the other frame says which rows there are; its own index, too."""
    followed, every, some = days
    for made in (
        every.loc[some.index],
        every.loc[some.index, ["open"]],
        every.loc[every.index.intersection(some.index)],
    ):
        assert {("some.csv", "date"), ("all.csv", "date"), ("all.csv", "open")} == followed.columns(made)["open"]


def test_labels_out_of_a_column(days):
    """``every.loc[wanted]`` with a column of labels."""
    followed, every, some = days
    wanted = some.reset_index()["date"]
    assert ("some.csv", "date") in followed.columns(every.loc[wanted])["open"]


def test_a_pivot_table_without_an_index_has_a_row_for_each_value(days):
    """Its columns are the groups: each comes from all values, whatever it is called."""
    followed, every, _ = days
    made = every.pivot_table(columns="size", values=["open", "low"])
    for group in ("low", "high"):
        assert followed.columns(made)[group] == {("all.csv", name) for name in ("open", "low", "size")}
