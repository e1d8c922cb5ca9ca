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
