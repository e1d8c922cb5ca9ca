"""Transformers of the user's own that keep columns by the places that they have learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_array, check_is_fitted

from headwater.capture.integrations.sklearn.chosen_places import places_kept

COLUMNS = ["a", "b", "c", "d"]


class Keeps(BaseEstimator, TransformerMixin):
    """Keeps the last column and the first, in this order."""

    def fit(self, X, y=None):
        """Learn the places."""
        self.kept_ = np.array([3, 0])
        self.mask_ = np.array([False, True, False, True])
        return self

    def transform(self, X):
        """The columns at the places."""
        return np.asarray(X)[:, self.kept_]


class Checks(Keeps):
    """The same, in several statements."""

    def transform(self, X):
        """The columns at the places."""
        check_is_fitted(self)
        X = check_array(X)
        chosen = X[:, self.kept_]
        return np.asarray(chosen)


class Takes(Keeps):
    """The same, by a function."""

    def transform(self, X):
        """The columns at the places."""
        return np.take(np.asarray(X), self.kept_, axis=1)


class Masks(Keeps):
    """Keeps the second and the fourth column."""

    def transform(self, X):
        """The columns under the mask."""
        return np.asarray(X)[:, self.mask_]


class Doubles(Keeps):
    """Does something else with them, too."""

    def transform(self, X):
        """Twice the columns at the places."""
        return np.asarray(X)[:, self.kept_] * 2


class Branches(Keeps):
    """Does so in some cases only."""

    def transform(self, X):
        """The columns at the places, or all."""
        X = np.asarray(X)
        if len(X) > 100:
            return X
        return X[:, self.kept_]


class Shuffles(Keeps):
    """Has something done to the rows before."""

    def transform(self, X):
        """The columns at the places of others."""
        X = np.asarray(X)[:, ::-1]
        return X[:, self.kept_]


@pytest.fixture
def table(follow):
    """What follows a frame with four columns that is read from a file."""
    rng = np.random.default_rng(1)
    pd.DataFrame(rng.random((20, 5)), columns=[*COLUMNS, "y"]).to_csv("t.csv", index=False)
    assert Path("t.csv").exists()
    return follow("pandas", "numpy", "sklearn"), pd.read_csv("t.csv")


@pytest.mark.parametrize(
    ("kind", "first", "second"), [(Keeps, "d", "a"), (Checks, "d", "a"), (Takes, "d", "a"), (Masks, "b", "d")]
)
def test_the_columns_at_learned_places(table, kind, first, second):
    """By itself, and in a pipeline behind a transformer that gives no names: each column is one of those given, and
    that is known."""
    followed, frame = table
    model = make_pipeline(StandardScaler(), kind(), Ridge()).fit(frame[COLUMNS], frame["y"])
    name = kind.__name__.lower()
    for place, column in enumerate((first, second)):
        assert followed_sources(followed, model, f"{name}{place}") == {column}
    made = pd.DataFrame(kind().fit(frame[COLUMNS]).transform(frame[COLUMNS]), columns=["p", "q"])
    assert followed.direct(made, "p") == {first: "IDENTITY"}
    assert followed.direct(made, "q") == {second: "IDENTITY"}


def followed_sources(followed, model, feature):
    """The columns of the training data behind a feature of a model."""
    del model
    entry = followed.entries()["model"]["fields"][feature]
    assert not any(how.get("description") for one in entry["inputs"] for how in one["transformations"])
    return {one["field"] for one in entry["inputs"]}


@pytest.mark.parametrize("kind", [Doubles, Branches, Shuffles])
def test_code_that_does_more_is_not_taken_for_a_choice(kind):
    """Whatever is not exactly a choice of columns says nothing."""
    made = kind().fit(None)
    assert places_kept(kind.transform, made, 4) is None
    assert places_kept(Keeps.transform, made, 4) == [3, 0]
    assert places_kept(Keeps.transform, made, 3) is None
