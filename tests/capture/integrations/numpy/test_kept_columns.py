"""Which column is which in matrices that numpy computes out of sight: read off the expression that a call is given."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="older code has no positions")


@pytest.fixture
def followed(follow):
    """pandas and numpy followed."""
    return follow("pandas", "numpy")


@pytest.fixture
def frame(tmp_path, followed):
    """A frame read from a file, with three columns of numbers."""
    path = tmp_path / "numbers.csv"
    pd.DataFrame({"a": range(1, 9), "b": range(11, 19), "c": [0, 1] * 4}).to_csv(path, index=False)
    return pd.read_csv(path)


def apart(followed, made: pd.DataFrame) -> bool:
    """Whether each column comes from the one at its place, and from no other."""
    return [{column for _, column in found} for found in followed.columns(made).values()] == [{"a"}, {"b"}, {"c"}]


def test_cell_by_cell(followed, frame):
    """Arithmetic, functions of each cell and what each column is scaled by keep columns apart, in the very call that
    makes a frame of the result."""
    X = frame.values
    low = X.min(axis=0)
    assert apart(followed, pd.DataFrame((X - X.mean(axis=0)) / X.std(axis=0)))
    assert apart(followed, pd.DataFrame(np.log1p(np.abs(X))))
    assert apart(followed, pd.DataFrame(X.astype("float32").round(1)))
    assert apart(followed, pd.DataFrame((X - low) / (X.max(axis=0) - low)))
    assert apart(followed, pd.DataFrame(np.percentile(X, [25, 50, 75], axis=0)))
    assert apart(followed, pd.DataFrame(np.where(X > 3, X, 0)))
    assert apart(followed, pd.DataFrame(-X * 2 + 1, columns=["x", "y", "z"]))


def test_under_names(followed, frame):
    """The same for results that have a name before they are used."""
    X = frame.values
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    assert apart(followed, pd.DataFrame(scaled))
    ratio = np.sqrt(np.abs(scaled)) + 1
    assert apart(followed, pd.DataFrame(ratio))


def test_mixed_columns_stay_mixed(followed, frame):
    """A mean of all cells, a product of matrices and a difference across columns come from all of them."""
    X = frame.values
    above = X - X[:, :1] + X[:, 1:2]
    for made in (
        pd.DataFrame(X - X.mean()),
        pd.DataFrame(X @ np.ones((3, 3))),
        pd.DataFrame(X - X[:, :1]),
        pd.DataFrame(above),
    ):
        assert all({column for _, column in found} == {"a", "b", "c"} for found in followed.columns(made).values())


def solved(X, y):
    """The weights of a least-squares fit."""
    wide = np.column_stack([np.ones(X.shape[0]), X])
    weights = np.linalg.inv(wide.T.dot(wide) + np.eye(wide.shape[1])).dot(wide.T).dot(y)
    return weights[0], weights[1:]


def test_a_function_that_has_ended_was_given_all_its_arguments(followed, frame):
    """What numpy computed in a function of the script comes from each argument it was computed from, the label too,
    although the function has returned; and so does what is computed of that."""
    X, y = frame[["a", "b"]].values, np.log1p(frame["c"].values)
    constant, weights = solved(X, y)
    told = constant + X.dot(weights)
    for made in (pd.DataFrame({"w": weights}), pd.DataFrame({"w": told})):
        assert {column for _, column in followed.columns(made)["w"]} == {"a", "b", "c"}


def test_a_number_of_rows_is_no_data(followed, frame):
    """``np.arange(n)`` with ``n = len(frame)`` comes from no column."""
    n = len(frame)
    places = np.arange(n)
    made = pd.DataFrame({"place": places, "a": frame["a"]})
    assert followed.columns(made)["place"] == set()


def test_rows_that_are_there_once_and_how_often(followed, frame):
    """``np.unique`` with counts or places returns several arrays: the rows keep their columns, the rest comes from all
    of them."""
    rows, places, counts = np.unique(frame.values, axis=0, return_inverse=True, return_counts=True)
    assert apart(followed, pd.DataFrame(rows))
    for numbers in (places, counts):
        made = pd.DataFrame({"n": np.ravel(numbers)})
        assert {column for _, column in followed.columns(made)["n"]} >= {"a", "b", "c"}
    names, how_often = np.unique(frame["c"], return_counts=True)
    made = pd.DataFrame({"name": names, "how_often": how_often})
    assert {column for found in followed.columns(made).values() for _, column in found} == {"c"}
