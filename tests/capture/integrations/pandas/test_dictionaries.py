"""Dictionaries that a script makes of one frame and looks up for another: an encoding of towns by what they cost; and
indexes of rows that it drops."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest

from headwater.capture.source_analysis.budget import MAX_ASKED

TRAIN = {
    "town": ["Cork", "York", "Cork", "Bonn"],
    "price": [10.5, 20.0, 5.0, 7.0],
    "sold": [0, 1, 0, 1],
    "size": [1, 2, 3, 4],
}
TEST = {"town": ["York", "Cork", "Bonn"], "id": [1, 2, 3]}
TOWN, LOOKED_UP = ("test.csv", "town"), ("train.csv", "town")


@pytest.fixture
def frames(follow):
    """A training and a test frame, each read from its file, and what is known of them."""
    pd.DataFrame(TRAIN).to_csv("train.csv", index=False)
    pd.DataFrame(TEST).to_csv("test.csv", index=False)
    followed = follow("pandas", "numpy")
    return followed, pd.read_csv("train.csv"), pd.read_csv("test.csv")


def _by_name(train, test):
    means = train.groupby("town")["price"].mean().to_dict()
    return test["town"].map(means)


def _by_series(train, test):
    means = train.groupby("town")["price"].mean()
    found = means.to_dict()
    return test["town"].map(found).fillna(0)


def _in_the_call(train, test):
    return test["town"].map(train.groupby("town")["price"].mean().to_dict())


def _of_an_index(train, test):
    return test["town"].map(train.set_index("town")["price"].to_dict())


def _zipped(train, test):
    return test["town"].map(dict(zip(train.town, train.price, strict=True)))


def _replaced(train, test):
    means = train.groupby("town").price.mean().to_dict()
    return test["town"].replace(means)


def _from_a_closure(train, test):
    means = train.groupby("town")["price"].mean().to_dict()
    return test["town"].apply(lambda town: means.get(town, 0))


@pytest.mark.parametrize(
    "make", [_by_name, _by_series, _in_the_call, _of_an_index, _zipped, _replaced, _from_a_closure]
)
def test_what_is_looked_up_comes_from_the_dictionary(frames, make):
    """The column comes from what it was looked up for, and from the columns that the dictionary was made of; no other
    column of that frame has to do with it."""
    followed, train, test = frames
    assert followed.columns(make(train, test))["town"] == {TOWN, LOOKED_UP, ("train.csv", "price")}


def test_numbers_given_to_the_items_of_a_column(frames):
    """Codes for the towns of one frame, used on another: which towns there are decides."""
    followed, train, test = frames
    codes = {town: number for number, town in enumerate(train["town"].unique())}
    assert followed.columns(test["town"].map(codes))["town"] == {TOWN, LOOKED_UP}


def _counted(train, test):
    counts = {}
    for town in train["town"]:
        if town not in counts:
            counts[town] = {"sold": False, "seen": 0}
        counts[town]["seen"] += 1
    return test["town"].map(lambda town: counts[town]["seen"])


def _counted_by_default(train, test):
    counts = defaultdict(lambda: {"seen": 0})
    for row in train.itertuples():
        counts[row.town]["seen"] += 1
    return test["town"].map(lambda town: counts[town]["seen"])


@pytest.mark.parametrize("count", [_counted, _counted_by_default])
def test_what_counts_keys_comes_from_the_keys(frames, count):
    """``counts[town] += 1``: of all that is put into such a dictionary, the keys alone are data."""
    followed, train, test = frames
    assert followed.columns(count(train, test))["town"] == {TOWN, LOOKED_UP}


def test_lines_of_a_file_counted_by_a_function(follow):
    """A dictionary of numbers, counted in one function from the lines of a file and looked up in another."""
    pd.DataFrame(TRAIN).to_csv("train.csv", index=False)
    pd.DataFrame(TEST).to_csv("test.csv", index=False)
    followed = follow("pandas", "files")
    seen = _seen_in_file()
    found = _with_seen(pd.read_csv("test.csv"), seen)
    assert followed.columns(found["seen"])["seen"] == {TOWN, ("train.csv", None)}


def _seen_in_file():
    seen = {}
    with Path("train.csv").open() as file:
        for place, line in enumerate(file):
            if place == 0:
                continue
            town, _, _, _ = line.split(",")
            if town not in seen:
                seen[town] = {"count": 0}
            seen[town]["count"] += 1
    return seen


def _with_seen(frame, seen):
    frame["seen"] = frame["town"].map(lambda town: seen.get(town, {"count": 0})["count"])
    return frame


def test_keys_of_other_objects_are_none_of_their_items(frames):
    """Places in a list, and names of settings, are not what it holds."""
    followed, train, test = frames
    marks = [0] * 3
    for place in train["sold"][:2]:
        marks[place] = 1
    settings = {}
    for name in ("York", "Cork"):
        settings[name] = 1
    assert followed.columns(test["town"].map(settings))["town"] == {TOWN}
    assert followed.columns(test["id"].map(lambda one: marks[one - 1]))["id"] == {("test.csv", "id")}


def test_dictionaries_of_literals_have_no_source(frames):
    """What is spelled out in the code adds nothing."""
    followed, _, test = frames
    names = {"York": "North", "Cork": "South"}
    for column in (test["town"].map(names), test["town"].map({"York": 1}), test["town"].replace(names)):
        assert followed.columns(column)["town"] == {TOWN}


def _dropped_in_one(train):
    return train.drop(train[train["price"] > 9].index)


def _dropped_in_place(train):
    kept = train.copy()
    kept.drop(labels=kept.loc[kept.price > 9].index, axis=0, inplace=True)
    return kept


def _dropped_by_name(train):
    dear = train[train["price"] > 9].index
    return train.drop(index=dear)


@pytest.mark.parametrize("make", [_dropped_in_one, _dropped_in_place, _dropped_by_name])
@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_rows_dropped_by_an_index(frames, make):
    """``train.drop(train[train.price > 9].index)``: what chose the rows that went decides about those that stay."""
    followed, train, _ = frames
    assert followed.indirect(make(train)) == {("price", "FILTER")}


def test_columns_and_labels_dropped_by_name(frames):
    """Labels that the code spells out, and columns, were chosen by no data."""
    followed, train, _ = frames
    assert followed.indirect(train.drop([0, 1])) == followed.indirect(train.drop(columns=["size"])) == set()


def test_a_line_that_looks_up_too_often_is_told(frames):
    """In a loop, only so many dictionaries are read from the code; the run says so of the others."""
    followed, train, test = frames
    made = []
    for _ in range(MAX_ASKED + 5):
        means = train.groupby("town")["price"].mean().to_dict()
        made.append(test["town"].map(means))
    assert followed.columns(made[0])["town"] == {TOWN, LOOKED_UP, ("train.csv", "price")}
    assert followed.columns(made[-1])["town"] == {TOWN}
    told = followed.event()["run"]["facets"]["headwater_outcome"]["unresolved"]
    (said,) = [text for text in told if text.startswith("test_dictionaries.py")]  # not what other tests have used up
    assert "dictionaries" in said
