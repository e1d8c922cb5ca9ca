"""A number or text taken from one frame and used on another: the edge goes through it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

NUMBERS = {"age": [20.0, None, 40.0, 33.0], "fare": [7.5, 8.25, None, 30.0], "town": ["Cork", None, "Cork", "York"]}


@pytest.fixture
def frames(follow):
    """A training and a test frame, each read from its file, and what is known of them."""
    pd.DataFrame(NUMBERS).to_csv("train.csv", index=False)
    pd.DataFrame(NUMBERS).to_csv("test.csv", index=False)
    followed = follow("pandas", "numpy")
    return followed, pd.read_csv("train.csv"), pd.read_csv("test.csv")


AGE, TRAINED = ("test.csv", "age"), ("train.csv", "age")


@pytest.mark.parametrize(
    "use",
    [
        lambda train, test: test.age.fillna(train.age.median()),
        lambda train, test: test.age - train.age.mean(),
        lambda train, test: train.age.mean() - test.age,
        lambda train, test: test.age.sub(train.age.mean()),
        lambda train, test: test.age > train.age.quantile(0.5),
        lambda train, test: test.age.clip(upper=train.age.max()),
        lambda train, test: test.age.where(test.age > 25, train.age.mean()),
        lambda train, test: test.age.fillna(np.mean(train.age)),
        lambda train, test: test.age.fillna(train.mean(numeric_only=True)["age"]),
        lambda train, test: test.age.fillna(train.describe().loc["50%", "age"]),
        lambda train, test: test.age.fillna(train.age.mode()[0]),
        lambda train, test: test.age.fillna(train.age.mode().iloc[0]),
        lambda train, test: test.age.fillna(train.groupby("town").age.mean()["Cork"]),
        lambda train, test: np.maximum(test.age, train.age.mean()),
        lambda train, test: test.age.map(lambda age, mean=None: age - (mean or 0)) * train.age.std(),
    ],
)
def test_a_number_of_one_frame_is_behind_a_column_of_another(frames, use):
    """Filling, scaling, comparing and clipping by what was taken from the training frame, in every spelling."""
    followed, train, test = frames
    result = use(train, test)
    sources = followed.columns(result)["age"]
    assert {AGE, TRAINED} <= sources
    assert sources <= {AGE, TRAINED, ("train.csv", "town")}  # the last where rows were grouped by it
    assert ("train.csv", "town") not in sources or followed.direct(result, "age").keys() == {"age"}


def test_a_number_is_an_exact_source(frames):
    """What came by a number is an aggregation, not a guess."""
    followed, train, test = frames
    test["age"] = test["age"].fillna(train["age"].median())
    test.to_csv("out.csv", index=False)
    edges = {
        (edge["name"].rpartition("/")[2], edge["field"]): edge["transformations"][0]
        for edge in followed.entries()["out.csv"]["fields"]["age"]["inputs"]
    }
    assert edges.keys() == {AGE, TRAINED}
    assert edges[TRAINED] == {"type": "DIRECT", "subtype": "AGGREGATION", "masking": False}


def test_a_text_is_followed_too(frames):
    """The most frequent town fills the gaps of the other frame."""
    followed, train, test = frames
    test["town"] = test["town"].fillna(train["town"].mode()[0])
    assert followed.columns(test)["town"] == {("test.csv", "town"), ("train.csv", "town")}


def test_each_column_is_filled_with_its_own_number(frames):
    """``fillna({...})`` of a frame: a column comes from the number under its name alone."""
    followed, train, test = frames
    filled = test.fillna({"age": train.age.median(), "fare": train.fare.mean()})
    assert followed.columns(filled)["age"] == {AGE, TRAINED}
    assert followed.columns(filled)["fare"] == {("test.csv", "fare"), ("train.csv", "fare")}
    assert followed.columns(filled)["town"] == {("test.csv", "town")}


def test_a_number_decides_about_rows(frames):
    """Rows kept by a threshold of another frame depend on that frame."""
    followed, train, test = frames
    old = test[test.age > train.age.mean()]
    assert followed.indirect(old) == {("age", "FILTER")}
    assert TRAINED in followed.columns(old)["fare"]


def test_a_column_set_to_a_number(frames):
    """A column that holds one number of another frame comes from there."""
    followed, train, test = frames
    test["mean"] = train["age"].mean()
    test.loc[test.fare > 8, "top"] = train["age"].max()
    assert followed.columns(test)["mean"] == {TRAINED}
    assert followed.columns(test)["top"] == {TRAINED, ("test.csv", "fare")}


def test_equal_numbers_are_not_taken_for_one_another(frames):
    """Identity decides, never value: constants, counts and equal numbers from elsewhere are no source."""
    followed, train, test = frames
    median = train.age.median()
    assert followed.columns(test.age.fillna(33.0))["age"] == {AGE}
    assert followed.columns(test.age + float(str(median)))["age"] == {AGE}
    test["n"] = train.age.count()  # a small integer is one object wherever it comes up
    assert followed.columns(test.age + 3)["age"] == {AGE}


def test_a_threshold_used_in_a_user_function(frames):
    """A number in the closure of a function of rows is behind what the function makes."""
    followed, train, test = frames
    mean = train.age.mean()
    assert followed.columns(test.age.apply(lambda age: age - mean))["age"] == {AGE, TRAINED}


def test_a_loop_of_numbers_is_bounded(frames):
    """However many numbers a loop takes, the latest alone are kept; what is kept still works."""
    from headwater.capture.recorder import SCALARS

    followed, train, test = frames
    for _ in range(1_000):
        train.age.mean()
    assert len(SCALARS) == 512
    assert TRAINED in followed.columns(test.age - train.age.mean())["age"]
