"""Labels and cells that plain Python sets: what they were looked up in, and what decided about them, is behind them."""

from __future__ import annotations

import pandas as pd
import pytest


@pytest.fixture
def tables(follow):
    """What follows pandas, a table of sales, and one of rates."""
    followed = follow("pandas", "numpy")
    pd.DataFrame({"id": range(9), "g": list("abc") * 3, "a": range(-4, 5), "b": range(9)}).to_csv("t.csv", index=False)
    pd.DataFrame({"g": list("abc"), "rate": [1.5, 2.5, 3.5]}).to_csv("m.csv", index=False)
    return followed, pd.read_csv("t.csv"), pd.read_csv("m.csv")


def test_looked_up_in_a_dictionary(tables):
    """``[rates[x] for x in column]``: from the column, and from what the dictionary was made of."""
    followed, frame, m = tables
    rates = dict(zip(m["g"], m["rate"], strict=True))
    frame["r"] = [rates[x] for x in frame["g"]]
    frame["s"] = [rates.get(x, 0) for x in frame["g"]]
    expected = {("t.csv", "g"), ("m.csv", "g"), ("m.csv", "rate")}
    assert followed.columns(frame)["r"] == followed.columns(frame)["s"] == expected
    spelled = {"a": 1, "b": 2, "c": 3}
    frame["t"] = [spelled[x] for x in frame["g"]]
    assert followed.columns(frame)["t"] == {("t.csv", "g")}


def test_looked_up_in_a_series_and_a_set(tables):
    """The same for a series by its labels, and for a set that items are searched in."""
    followed, frame, m = tables
    by_group = m.set_index("g")["rate"]
    frame["r"] = [by_group[x] for x in frame["g"]]
    allowed = set(m["g"])
    frame["s"] = [x in allowed for x in frame["g"]]
    assert {("t.csv", "g"), ("m.csv", "rate")} <= followed.columns(frame)["r"]
    assert followed.columns(frame)["s"] == {("t.csv", "g"), ("m.csv", "g")}


def test_labels_appended_under_conditions(tables):
    """A list of texts that a loop fills comes from what the conditions are computed from, not directly."""
    followed, frame, _ = tables
    labels = []
    for v in frame["b"]:
        if v > 5:
            labels.append("high")
        else:
            labels.append("low")
    frame["level"] = labels
    assert followed.columns(frame)["level"] == {("t.csv", "b")}
    assert followed.direct(frame, "level") == {}
    marks = []
    for row in frame.itertuples():
        if row.b > 3 and row.a > 0:
            marks.append("x")
        elif row.a < 0:
            marks.append("y")
        else:
            marks.append("z")
    frame["mark"] = marks
    assert followed.columns(frame)["mark"] == {("t.csv", "a"), ("t.csv", "b")}


def test_cells_set_under_conditions(tables):
    """``if row["a"] > 0: frame.loc[i, "flag"] = 1`` in a loop over rows, by labels and by places."""
    followed, frame, _ = tables
    frame["flag"] = "no"
    for i, row in frame.iterrows():
        if row["a"] > 0:
            frame.loc[i, "flag"] = "yes"
    assert followed.columns(frame)["flag"] == {("t.csv", "a")}
    frame["other"] = 0
    for i in range(len(frame)):
        if frame["b"][i] > 3:
            frame.at[i, "other"] = 1
    assert followed.columns(frame)["other"] == {("t.csv", "b")}
    assert followed.columns(frame)["b"] == {("t.csv", "b")}


def test_a_condition_on_nothing_followed_adds_nothing(tables):
    """An option of the script decides about no cell, and a list that was literal stays without a source."""
    followed, frame, _ = tables
    verbose = True
    frame["kind"] = "a"
    for i in range(3):
        if verbose:
            frame.loc[i, "kind"] = "b"
    assert followed.columns(frame)["kind"] == set()


def _judged(frame):
    """A label for each row, by rules."""
    shares = frame[["a", "b"]] / frame[["a", "b"]].max()
    labels = []
    for _, row in shares.iterrows():
        size = row["a"]
        if size < 0.3 and row["b"] > 0.5:
            label = "best"
        elif size > 0.7:
            label = "worst"
        else:
            label = "middle"
        labels.append(label)
    return labels


def test_labels_that_rules_give_to_rows(follow):
    """``if row["a"] < 3: label = "low"`` in a loop over rows, there or in a function: the columns that the rules look
    at decide about the labels, and no others."""
    pd.DataFrame({"a": [1.0, 5, 9, 2], "b": [3.0, 8, 1, 9], "c": range(4)}).to_csv("rows.csv", index=False)
    followed = follow("pandas", "numpy")
    frame = pd.read_csv("rows.csv")
    frame["judged"] = _judged(frame)
    names = _judged(frame)
    frame["named"] = names
    here = []
    for row in frame.itertuples():
        here.append("low" if row.b < 3 else "high")  # noqa: PERF401 - what scripts write
    frame["here"] = here
    frame[["judged", "named", "here"]].to_csv("labels.csv", index=False)
    assert followed.sources("labels.csv", "judged") == {("rows.csv", "a"), ("rows.csv", "b")}
    assert followed.sources("labels.csv", "named") == {("rows.csv", "a"), ("rows.csv", "b")}
    assert followed.sources("labels.csv", "here") == {("rows.csv", "b")}
