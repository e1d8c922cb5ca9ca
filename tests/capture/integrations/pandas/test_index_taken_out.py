"""What is taken out of an index comes from what the index was made of: as a column, an array, a list, a frame."""

from __future__ import annotations

import pandas as pd
import pytest


@pytest.fixture
def goods(follow):
    """A frame under the names of its rows, and what is known of it."""
    frame = {"name": ["a", "b", "c", "d"], "kind": ["x", "y", "x", "y"], "n": [1, 2, 3, 4], "m": [4.0, 3.0, 2.0, 1.0]}
    pd.DataFrame(frame).to_csv("goods.csv", index=False)
    followed = follow("pandas", "numpy")
    return followed, pd.read_csv("goods.csv").set_index("name")


NAME, KIND, N = ({("goods.csv", name)} for name in ("name", "kind", "n"))


def names_of(followed, *frames, column="name"):
    """What is behind that column of each frame, certain or not."""
    return [followed.columns(frame)[column] for frame in frames]


def is_inferred(followed, frame, column="name"):
    """Whether what is behind a column is a guess."""
    from headwater.capture.trace import trace

    trails = trace(followed.recorder.values.get(frame)).fields[column]
    return {trail.description == "inferred" for trail in trails.values()} == {True}


def test_arrays_and_lists_of_the_index(goods):
    """Arrays are exact, whatever they are called in between; lists are read from the code."""
    followed, df = goods
    values = df.index.values
    numbers = df["n"].values
    exact = [
        pd.DataFrame({"name": df.index.values, "n": numbers}),
        pd.DataFrame({"name": df.index.to_numpy(), "n": numbers}),
        pd.DataFrame({"name": values, "n": numbers}),
        pd.DataFrame({"name": df["n"].index.str.upper()}),
    ]
    upper = df.index.str.upper()
    later = pd.DataFrame({"name": upper, "n": numbers})
    listed = df.index.tolist()
    read = [
        pd.DataFrame({"name": list(df.index), "n": numbers}),
        pd.DataFrame({"name": [name + "!" for name in df.index], "n": numbers}),
        pd.DataFrame({"name": listed, "n": numbers}),
    ]
    assert names_of(followed, *exact, *read, later) == [NAME] * 8
    assert not any(is_inferred(followed, frame) for frame in (*exact, later))
    assert all(is_inferred(followed, frame) for frame in read)


class Box:
    """Holds a frame."""

    def __init__(self, data):
        self.data = data

    def told(self):
        """Its index beside a column, taken out of an attribute; and by a name in between."""
        names = self.data.index
        return (
            pd.DataFrame({"name": self.data.index, "n": self.data["n"].values}),
            pd.DataFrame({"name": names, "n": self.data["n"].values}),
        )


def beside(names, numbers):
    """An index that came in as an argument."""
    return pd.DataFrame({"name": names, "n": numbers})


def test_an_index_of_an_attribute_or_an_argument(goods):
    """Whose index it is, is known by its identity: no guess."""
    followed, df = goods
    found = [*Box(df).told(), beside(df.index, df["n"].values)]
    names = df[["m"]].index
    chosen = df[["n"]].reset_index(drop=True)
    chosen["name"] = names
    assert names_of(followed, *found, chosen) == [NAME] * 4
    assert not any(is_inferred(followed, frame) for frame in (*found, chosen))


def test_an_index_made_a_frame_in_the_same_expression(goods):
    """``to_frame``, ``to_series``, ``value_counts``, of one level or of several, that has no name."""
    followed, df = goods
    frames = [df.index.to_frame(), df["n"].index.to_series().str.upper().to_frame("name")]
    frames.append(df.set_index("kind", append=True).index.to_frame(index=False))
    frames.append(df.index.value_counts().reset_index())
    assert names_of(followed, *frames) == [NAME] * 4
    kinds = df.groupby("kind").agg(total=("n", "sum")).index.to_frame(index=False)
    both = df.reset_index().set_index(["name", "kind"]).index.to_frame().reset_index(drop=True)
    assert names_of(followed, kinds, both, column="kind") == [KIND, KIND]
    assert followed.columns(both)["name"] == NAME


def test_one_level_of_several(goods):
    """``get_level_values`` gives that level, by name or place."""
    followed, df = goods
    sums = df.reset_index().groupby(["kind", "name"])["n"].sum()
    frame = pd.DataFrame({"kind": sums.index.get_level_values("kind"), "n": sums.values})
    other = pd.DataFrame({"name": sums.index.get_level_values(1), "n": sums.values})
    assert followed.direct(frame, "kind").keys() == {"kind"}
    assert followed.direct(other, "name").keys() == {"name"}


def test_labels_of_rows_that_are_gone_through(goods):
    """``iterrows``, ``itertuples`` and ``items`` give labels: these come from the index, not from the columns."""
    followed, df = goods
    rows = []
    for name, row in df.iterrows():
        rows.append({"name": name, "double": row["n"] * 2})
    first = pd.DataFrame(rows)
    second = pd.DataFrame([{"name": row.Index, "n": row.n} for row in df.itertuples()])
    third = pd.DataFrame([{"name": row.name, "n": row["n"]} for _, row in df.iterrows()])
    sums = df.groupby("kind")["n"].sum()
    fourth = pd.DataFrame(list(sums.items()), columns=["kind", "total"])
    fifth = pd.DataFrame(sums.to_dict().items(), columns=["kind", "total"])
    assert names_of(followed, first, second, third) == [NAME] * 3
    assert names_of(followed, second, third, column="n") == [N, N]
    assert followed.columns(first)["double"] == N
    for frame in (fourth, fifth):
        assert followed.columns(frame) == {"kind": KIND, "total": N | KIND}
        assert followed.direct(frame, "total").keys() == {"n"}
    plain = pd.read_csv("goods.csv")
    counted = pd.DataFrame([{"place": row.Index, "n": row.n} for row in plain.itertuples()])
    assert followed.columns(counted) == {"place": set(), "n": N}


def test_a_list_that_is_made_anew_forgets_what_it_was(goods):
    """A name that a script uses for one list after another stands for the last."""
    followed, df = goods
    rows = [(kind, len(group)) for kind, group in df.groupby("kind")]
    first = pd.DataFrame(rows, columns=["kind", "count"])
    rows = [{"m": row.m} for row in df.itertuples()]
    second = pd.DataFrame(rows)
    assert followed.columns(first) == {"kind": KIND, "count": KIND}
    assert followed.columns(second) == {"m": {("goods.csv", "m")}}


def test_sizes_of_groups_come_from_the_keys_alone(goods):
    """An index that is no key has no part in them."""
    followed, df = goods
    sizes = df.groupby("kind").size().reset_index(name="count")
    assert followed.columns(sizes) == {"kind": KIND, "count": KIND}


def test_text_of_labels(follow, tmp_path):
    """What is written by hand of an index and a column comes from both, and from no other column."""
    pd.DataFrame({"name": ["a", "b"], "n": [1, 2], "m": [4.0, 3.0]}).to_csv("goods.csv", index=False)
    followed = follow("pandas", "numpy", "files")
    df = pd.read_csv("goods.csv").set_index("name")
    with open("text.txt", "w") as file:  # noqa: PTH123
        for name, number in zip(df.index, df["n"], strict=True):
            file.write(f"{name} {number}\n")
    assert len((tmp_path / "text.txt").read_text().splitlines()) == 2
    inputs = followed.entries()["text.txt"]["inputs"]
    assert {item["field"] for item in inputs if "field" in item} == {"name", "n"}


def test_the_calendar_of_dates(follow):
    """Years, weeks and days of dates come from these, of a column as well as of an index, exactly."""
    days = [str(day.date()) for day in pd.date_range("2024-01-01", periods=6)]
    pd.DataFrame({"day": days, "n": range(6)}).to_csv("days.csv", index=False)
    followed = follow("pandas", "numpy")
    df = pd.read_csv("days.csv")
    df["day"] = pd.to_datetime(df["day"])
    df["week"] = df["day"].dt.isocalendar().week
    df["year"] = df["day"].dt.isocalendar()["year"].astype(int)
    by_day = df.set_index("day")
    by_day["again"] = by_day.index.isocalendar().week
    by_day["values"] = by_day.index.isocalendar().week.values
    for name in ("week", "year", "again", "values"):
        assert followed.columns(by_day)[name] == {("days.csv", "day")}
        assert not is_inferred(followed, by_day, name)
