"""Transformers of the user's own, which give frames and tell no names of what they make."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

HOMES = {"area": [50.0, 80.0, 65.0, 90.0], "rooms": [2, 3, 3, 4], "town": list("abab"), "price": [1.0, 2.0, 1.5, 2.5]}


class AddsRatio(BaseEstimator, TransformerMixin):
    """Adds a column, as feature engineering in a pipeline does; says nothing of names."""

    def fit(self, X, y=None):
        """Learn nothing."""
        self.fitted_ = True
        return self

    def transform(self, X):
        """The frame with one column more."""
        return X.assign(ratio=X["area"] / X["rooms"])


@pytest.mark.parametrize("is_nested", [False, True])
def test_a_column_transformer_behind_a_transformer_without_names(follow, is_nested):
    """Columns are chosen by name of what the user's class made: the model is there. A feature with
    the name of a column is guessed to come from it, a new one comes from all."""
    pd.DataFrame(HOMES).to_csv("homes.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn")
    homes = pd.read_csv("homes.csv")
    columns = ColumnTransformer([("n", StandardScaler(), ["area", "ratio"]), ("c", OneHotEncoder(), ["town"])])
    steps = [("adds", AddsRatio()), ("columns", columns)]
    model = Pipeline([("made", Pipeline(steps)), ("ridge", Ridge())] if is_nested else [*steps, ("ridge", Ridge())])
    model.fit(homes[["area", "rooms", "town"]], homes["price"])
    assert set(followed.entries()["model"]["fields"]) == {"n__area", "n__ratio", "c__town_a", "c__town_b"}
    every = {("model.training_data", name) for name in ("area", "rooms", "town")}
    assert followed.sources("model", "n__ratio") == every
    assert followed.sources("model", "n__area") == {("model.training_data", "area")}
    edge = followed.entries()["model"]["fields"]["n__area"]["inputs"][0]
    assert edge["transformations"][0]["description"] == "inferred"
    assert {i["name"].rpartition("/")[2] for i in followed.entries()["model.training_data"]["inputs"]} == {"homes.csv"}


class NamesItsOutputs(AddsRatio):
    """Gives an array, and names of its own that depend on no names of inputs."""

    def transform(self, X):
        """Both numbers, as they are."""
        return X.to_numpy(dtype=float)

    def get_feature_names_out(self):
        """The names, of a method without arguments, as some libraries write it."""
        return ["first", "second"]


def test_a_transformer_whose_names_take_no_arguments(follow):
    """What it makes has the names that it gives, from all columns; nothing fails inside."""
    pd.DataFrame(HOMES).to_csv("homes.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn")
    homes = pd.read_csv("homes.csv")
    made = NamesItsOutputs().fit(homes[["area", "rooms"]]).transform(homes[["area", "rooms"]])
    assert set(followed.columns(made)) == {"first", "second"}
    assert followed.columns(made)["first"] >= {("homes.csv", "area"), ("homes.csv", "rooms")}


class NamesAHundred(BaseEstimator, TransformerMixin):
    """Makes a hundred features of its own, whose columns nobody can tell."""

    def fit(self, X, y=None):
        """Learn nothing."""
        self.fitted_ = True
        return self

    def transform(self, X):
        """The same array, a few times over, up to a hundred columns."""
        return np.tile(np.asarray(X, dtype=float), 2)[:, :100]

    def get_feature_names_out(self, names=None):
        """A hundred names."""
        return [f"made{place}" for place in range(100)]


def test_many_features_that_may_come_from_any_column(follow):
    """A hundred features of sixty columns would be six thousand edges that say no more than that the model comes from
    the columns: it says that. The model still tells the names of its features."""
    columns = [f"c{place}" for place in range(60)]
    frame = pd.DataFrame(np.random.default_rng(3).normal(size=(12, 60)), columns=columns).assign(y=range(12))
    frame.to_csv("wide.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn")
    wide = pd.read_csv("wide.csv")
    model = Pipeline([("made", NamesAHundred()), ("ridge", Ridge())])
    model.fit(wide[columns], wide["y"])
    wide["told"] = model.predict(wide[columns])
    wide[["told"]].to_csv("told.csv", index=False)
    entry = followed.entries()["model"]
    edges = [item for item in entry["inputs"] if item.get("field") in columns]
    assert entry.get("fields", {}) == {}
    assert {item["field"] for item in edges} == set(columns)
    assert {how["description"] for item in edges for how in item["transformations"]} == {"opaque"}
    assert len(followed.facets("model")["headwater_model"]["features"]) == 100
    assert {name for name, _ in followed.sources("told.csv", "told")} == {"model", "wide.csv"}
