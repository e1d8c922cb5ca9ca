"""An index without a name, made of columns: what is made of it, grouped by it or written with it comes from them."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pytest

from headwater.capture.source_analysis import budget


@pytest.fixture
def frame(follow):
    """A frame whose index is a date computed of two of its columns, and what is known of it."""
    days = {
        "day": ["2020-01-01", "2020-01-02", "2020-02-01", "2021-01-05"],
        "time": ["01:00", "02:00", "03:00", "04:00"],
    }
    pd.DataFrame({**days, "n": [1, 2, 3, 4], "m": [4.0, 3.0, 2.0, 1.0]}).to_csv("in.csv", index=False)
    followed = follow("pandas", "numpy")
    df = pd.read_csv("in.csv")
    df.index = pd.to_datetime(df["day"] + " " + df["time"])
    return followed, df


DATE = {("in.csv", "day"), ("in.csv", "time")}
N = ("in.csv", "n")


def test_columns_made_of_the_index(frame):
    """Parts of the date, also of a copy, a filtered and a sorted frame, and of one that chooses columns."""
    followed, df = frame
    df["weekday"] = df.index.day_of_week
    kept = df[df["n"] > 1].sort_values("m")[["n"]].copy()
    kept["year"] = kept.index.year
    assert followed.columns(df)["weekday"] == DATE
    assert followed.columns(df)["m"] == {("in.csv", "m")}
    assert followed.columns(kept)["year"] >= DATE
    assert followed.direct(kept, "year") == {"day": "TRANSFORMATION", "time": "TRANSFORMATION"}


def test_the_index_becomes_a_column(frame):
    """Under the name that pandas gives it, one that is asked for, or one given to the index before."""
    followed, df = frame
    plain, named = df[["n"]].reset_index(), df[["n"]].reset_index(names="when")
    renamed = df[["n"]].rename_axis("when").reset_index()
    series = df["n"].reset_index()
    df.index.name = "when"
    later = df[["n"]].reset_index()
    assert followed.columns(plain) == {"index": DATE, "n": {N}}
    assert followed.columns(series) == {"index": DATE, "n": {N}}
    assert followed.columns(named) == followed.columns(renamed) == followed.columns(later) == {"when": DATE, "n": {N}}
    assert followed.direct(plain, "index").keys() == {"day", "time"}


def test_groups_and_windows_by_the_index(frame):
    """``resample``, ``groupby`` of a part of the date, of a level, a ``Grouper`` and among other keys, ``rolling``."""
    followed, df = frame
    months = df[["n"]].resample("MS").sum()
    hours = df.groupby(df.index.hour)["n"].mean()
    both = df.groupby(["m", df.index.hour])[["n"]].sum()
    level = df[["n"]].groupby(level=0).sum()
    grouper = df[["n"]].groupby(pd.Grouper(freq="D")).sum()
    window = df[["n"]].rolling("2D").mean()
    for result in (months, hours, both, level, grouper, window):
        assert followed.columns(result)["n"] >= DATE | {N}, result
    assert followed.columns(months.reset_index())["index"] == DATE
    assert followed.columns(hours.reset_index())["index"] == DATE


def test_rows_chosen_by_the_index(frame):
    """By a comparison of its parts, and by label; which rows came out depends on the columns behind it."""
    followed, df = frame
    year = df[df.index.year == 2020][["n"]]
    located = df.loc[df.index.month == 1, ["n"]]
    labelled = df.loc["2020-01"][["n"]]
    for result in (year, located, labelled):
        assert followed.columns(result)["n"] == DATE | {N}
    assert {name for name, _ in followed.indirect(year)} == {"day", "time"}


def test_an_index_that_is_given(follow):
    """``set_index`` with a computed series, an index out of a variable, ``index=`` of a new frame or series."""
    pd.DataFrame({"a": ["x", "y"], "b": ["u", "v"], "n": [1, 2]}).to_csv("in.csv", index=False)
    followed = follow("pandas", "numpy")
    df = pd.read_csv("in.csv")
    keyed = df.set_index(df["a"] + df["b"])[["n"]]
    named = df.set_index((df["a"] + df["b"]).rename("key"))[["n"]]
    labelled = df[["n"]].set_axis(df["a"] + df["b"])
    index = pd.Index(df["a"] + df["b"])
    other = df[["n"]]
    other.index = index
    made = pd.DataFrame({"n": df["n"].to_numpy()}, index=df["a"] + df["b"])
    series = pd.Series(df["n"].to_numpy(), index=keyed.index, name="n")
    both = {("in.csv", "a"), ("in.csv", "b")}
    assert followed.columns(keyed.reset_index()) == {"index": both, "n": {("in.csv", "n")}}
    assert followed.columns(named.reset_index()) == {"key": both, "n": {("in.csv", "n")}}
    for result in (labelled, other, made, series):
        assert followed.columns(result.reset_index())["index"] == both
        assert followed.columns(result.reset_index())["n"] == {("in.csv", "n")}


def test_lines_are_read_however_many_were_read_before(frame):
    """An index out of a variable is read from the code, in a program that has thousands of such lines too."""
    followed, df = frame[0], pd.read_csv("in.csv")
    for number in range(budget.MAX_LINES + 10):
        budget.BUDGET.may_read(compile("x", f"{number}.py", "exec"), 1)
    index = pd.Index(df["day"] + df["time"])
    late = df[["n"]]
    late.index = index
    assert followed.columns(late.reset_index())["index"] == {("in.csv", "day"), ("in.csv", "time")}


def test_a_line_that_gives_an_index_too_often_is_told(frame):
    """After many rounds of a loop the line is not read any more, and the run says which."""
    followed, df = frame[0], pd.read_csv("in.csv")
    for _ in range(budget.MAX_ASKED + 5):
        index = pd.Index(df["day"] + df["time"])
        again = df[["n"]]
        again.index = index
    (said,) = followed.event()["run"]["facets"]["headwater_outcome"]["unresolved"]
    assert said.startswith("test_unnamed_index.py:")


def test_an_index_that_is_changed(frame):
    """A part, another time zone, or arithmetic of the index set as the index; of another frame's too."""
    followed, df = frame
    other = df[["m"]].copy()
    df.index = df.index.tz_localize("UTC")
    other.index = df.index + pd.Timedelta("1h")
    assert followed.columns(df[["n"]].reset_index())["index"] == DATE
    assert followed.columns(other.reset_index())["index"] == DATE


def test_what_is_no_data_of_the_index(frame):
    """Labels that the code spells out, a counted index, summaries and transposed frames have nothing of the date."""
    followed, df = frame
    counted, spelled = df[["n"]].reset_index(drop=True), df[["n"]].copy()
    spelled.index = ["p", "q", "r", "s"]
    summary = df[["n", "m"]].mean()
    turned = df[["n", "m"]].T
    zeros = df[["n"]].copy()
    zeros["zero"] = np.zeros(len(df.index))
    assert followed.columns(counted.reset_index())["index"] == set()
    assert followed.columns(spelled.reset_index())["index"] == set()
    assert followed.columns(summary.reset_index())["index"] == set()
    assert followed.columns(turned.reset_index())["index"] == set()
    assert followed.columns(zeros)["zero"] == set()


def test_frames_joined_by_their_index(frame):
    """Which rows met depends on the columns behind both; the index of the result comes from them."""
    followed, df = frame
    joined = df[["n"]].join(df[["m"]].copy())
    merged = df[["n"]].merge(df[["m"]], left_index=True, right_index=True)
    stacked = pd.concat([df[["n"]], df[["n"]]])
    for result in (joined, merged, stacked):
        assert followed.columns(result.reset_index())["index"] >= DATE
    assert followed.columns(joined)["n"] == followed.columns(merged)["m"] - {("in.csv", "m")} | {N}


def test_a_file_that_is_written_with_it(frame):
    """The file comes from the columns behind the index as well, unless it is left out; its columns have their own."""
    followed, df = frame
    pd.DataFrame({"k": [5, 6, 7, 8]}).to_csv("other.csv", index=False)
    other = pd.read_csv("other.csv")
    other.index = df.index
    other.to_csv("with.csv")
    other.to_csv("without.csv", index=False)
    assert followed.sources("with.csv") == {"in.csv", "other.csv"}
    assert followed.sources("without.csv") == {"other.csv"}
    assert followed.sources("with.csv", "k") == {("other.csv", "k")}


def test_an_index_of_several_columns_level_by_level(follow):
    """A frame that is given the index of another: each level from its own column."""
    pd.DataFrame({"k": [1, 2], "day": ["a", "b"], "n": [3.0, 4.0]}).to_csv("in.csv", index=False)
    followed = follow("pandas", "numpy")
    keyed = pd.read_csv("in.csv", index_col=[0, 1])
    made = pd.DataFrame(keyed.to_numpy() * 2, index=keyed.index, columns=["twice"]).reset_index()
    columns = followed.columns(made)
    assert columns["k"] == {("in.csv", "k")}
    assert columns["day"] == {("in.csv", "day")}


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (lambda df: df.to_csv("out.csv", index=False), ["n", "m"]),
        (lambda df: df.to_csv("out.csv", index=None), ["n", "m"]),
        (lambda df: df.to_csv("out.csv"), ["day", "time", "n", "m"]),
        (lambda df: df.to_csv("out.csv", columns=["m"]), ["day", "time", "m"]),
        (lambda df: df.to_csv("out.csv", columns=["m"], index=False), ["m"]),
        (lambda df: df["n"].to_csv("out.csv", index=False), ["n"]),
        (lambda df: df.to_json("out.csv", orient="records"), ["n", "m"]),
        (lambda df: df.to_json("out.csv", orient="table"), ["day", "time", "n", "m"]),
        (lambda df: df.to_parquet("out.csv", index=False), ["n", "m"]),
        (lambda df: df.to_parquet("out.csv", index=None), ["day", "time", "n", "m"]),
    ],
)
def test_the_schema_of_a_file_has_what_was_written(follow, write, expected):
    """A named index that was left out, and columns that were not chosen, are in neither schema nor fields of a file."""
    days = {"day": ["a", "b", "c"], "time": ["u", "v", "w"], "n": [1, 2, 3], "m": [4.0, 3.0, 2.0]}
    pd.DataFrame(days).to_csv("in.csv", index=False)
    followed = follow("pandas", "numpy")
    frame = pd.read_csv("in.csv").set_index(["day", "time"])
    write(frame)
    assert [field["name"] for field in followed.facets("out.csv")["schema"]["fields"]] == expected
    assert sorted(followed.entries()["out.csv"]["fields"]) == sorted(expected)
    assert frame.index.names == ["day", "time"]


@pytest.mark.parametrize(
    "write",
    [
        lambda df, made: made.to_csv("out.csv", index=False),
        lambda df, made: made.to_frame().to_csv("out.csv", index=False),
        lambda df, made: made[made > 2].to_csv("out.csv", index=False),
        lambda df, made: made.sort_values().to_frame().to_csv("out.csv", index=False),
        lambda df, made: df.join(made).to_csv("out.csv", index=False),
        lambda df, made: pd.concat([df, made], axis=1).to_csv("out.csv", index=False),
        lambda df, made: df.merge(made, left_index=True, right_index=True).to_csv("out.csv", index=False),
    ],
)
def test_a_column_that_was_given_another_name(follow, write):
    """``series.name = "twice"``: what is made of it has a column of that name, from the same source."""
    pd.DataFrame({"n": [1, 2, 3]}).to_csv("in.csv", index=False)
    followed = follow("pandas", "numpy")
    frame = pd.read_csv("in.csv")
    made = frame["n"] * 2
    made.name = "twice"
    write(frame, made)
    assert followed.sources("out.csv", "twice") == {("in.csv", "n")}


def test_an_index_that_was_given_another_name(follow):
    """``series.index.name = "group"``: the index that is written by that name is still made of the keys."""
    pd.DataFrame({"kind": ["a", "b", "a"], "n": [1, 2, 3]}).to_csv("in.csv", index=False)
    followed = follow("pandas", "numpy")
    means = pd.read_csv("in.csv").groupby("kind")["n"].mean()
    means.name = "mean"
    means.index.name = "group"
    means.to_csv("out.csv")
    assert followed.sources("out.csv", "group") == {("in.csv", "kind")}
    assert ("in.csv", "n") in followed.sources("out.csv", "mean")


@pytest.fixture
def days(follow):
    """A file whose first column has no name, as pandas writes an index, and what is known of it."""
    index = ["2020-01-01", "2020-02-02", "2020-03-03"]
    pd.DataFrame({"n": [1, 2, 3], "m": [4.0, 3.0, 2.0]}, index=index).to_csv("days.csv")
    return follow("pandas", "numpy", "pyarrow", "sqlite3"), pd.read_csv("days.csv", index_col=0, parse_dates=True)


DAY = {("days.csv", "__index_level_0__")}


def test_an_index_read_from_a_column_without_a_name(days):
    """What is made of it comes from that column of the file, which is named as Arrow names it."""
    followed, df = days
    df["month"] = df.index.month
    plain = df[["n"]].reset_index()
    df.index = pd.to_datetime(df.index)
    later = df.shift(1).dropna()
    later["year"] = later.index.year
    assert followed.columns(df)["month"] == DAY
    assert followed.columns(plain) == {"index": DAY, "n": {("days.csv", "n")}}
    assert followed.direct(later, "year") == {"__index_level_0__": "TRANSFORMATION"}


def test_an_index_without_a_name_is_a_column_of_what_is_written(days):
    """Of a file under that name, of a table under the name that SQL gives it; its schema and its sources agree. Not if
    it is left out; nor is it a source of the other columns."""
    followed, df = days
    df.to_csv("copy.csv")
    df.to_csv("without.csv", index=False)
    df["n"].to_csv("series.csv")
    with closing(sqlite3.connect("days.db")) as connection:
        df.to_sql("days", connection)
        df.to_sql("labelled", connection, index_label="day")
    pd.read_csv("copy.csv", index_col=0).reset_index(names="day").to_csv("again.csv", index=False)
    own = {("days.csv", "__index_level_0__")}
    assert followed.sources("copy.csv", "__index_level_0__") == own
    assert followed.sources("copy.csv", "n") == {("days.csv", "n")}
    assert followed.sources("series.csv", "__index_level_0__") == own
    assert followed.entries()["without.csv"]["fields"].keys() == {"n", "m"}
    assert followed.sources("days", "index") == followed.sources("labelled", "day") == own
    assert followed.sources("again.csv", "day") == {("copy.csv", "__index_level_0__")}
    for name, shown in (("copy.csv", "__index_level_0__"), ("days", "index"), ("labelled", "day")):
        assert {field["name"] for field in followed.facets(name)["schema"]["fields"]} == {shown, "n", "m"}


def test_a_series_without_a_name_is_the_column_that_pandas_writes(days):
    """``to_csv`` heads it ``0``: so does its schema."""
    followed, df = days
    df["n"].rename(None).to_csv("plain.csv", index=False)
    assert [field["name"] for field in followed.facets("plain.csv")["schema"]["fields"]] == ["0"]
    assert followed.sources("plain.csv", "0") == {("days.csv", "n")}


def test_numbers_that_count_the_rows_are_no_column(follow):
    """The first column of what ``to_csv`` wrote of a frame without an index of its own, read back as the index."""
    pd.DataFrame({"n": [1, 2, 3]}).to_csv("counted.csv")
    followed = follow("pandas")
    frame = pd.read_csv("counted.csv", index_col=0)
    frame.to_csv("copy.csv")
    assert followed.entries()["copy.csv"]["fields"].keys() == {"n"}
