"""Transformers of the user's own, which give frames and tell no names of what they make."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

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


def how_known(followed, name):
    """What the column edges into a dataset say of how they are known: nothing for those that were observed."""
    edges = [edge for field in followed.entries()[name]["fields"].values() for edge in field["inputs"]]
    return {how["description"] for edge in edges for how in edge["transformations"] if how.get("description")}


@pytest.mark.parametrize("is_nested", [False, True])
def test_a_column_transformer_behind_a_transformer_without_names(follow, is_nested):
    """Columns are chosen by name of what the user's class made: the model is there, and each feature comes from the
    columns that the user's code made it of."""
    pd.DataFrame(HOMES).to_csv("homes.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn")
    homes = pd.read_csv("homes.csv")
    columns = ColumnTransformer([("n", StandardScaler(), ["area", "ratio"]), ("c", OneHotEncoder(), ["town"])])
    steps = [("adds", AddsRatio()), ("columns", columns)]
    model = Pipeline([("made", Pipeline(steps)), ("ridge", Ridge())] if is_nested else [*steps, ("ridge", Ridge())])
    model.fit(homes[["area", "rooms", "town"]], homes["price"])
    assert set(followed.entries()["model"]["fields"]) == {"n__area", "n__ratio", "c__town_a", "c__town_b"}
    both = {("model.training_data", "area"), ("model.training_data", "rooms")}
    assert followed.sources("model", "n__ratio") == both
    assert followed.sources("model", "n__area") == {("model.training_data", "area")}
    assert followed.sources("model", "c__town_a") == {("model.training_data", "town")}
    assert not how_known(followed, "model")
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
    """What it makes has the names that it gives, each from its column; nothing fails inside."""
    pd.DataFrame(HOMES).to_csv("homes.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn")
    homes = pd.read_csv("homes.csv")
    made = NamesItsOutputs().fit(homes[["area", "rooms"]]).transform(homes[["area", "rooms"]])
    assert set(followed.columns(made)) == {"first", "second"}
    assert followed.columns(made) == {"first": {("homes.csv", "area")}, "second": {("homes.csv", "rooms")}}


class TellsWhenAsked(NamesItsOutputs):
    """Prints a line whenever it is asked for its names."""

    def get_feature_names_out(self, names=None):
        """The names, and a line."""
        print("asked for names")
        return ["first", "second"]


def test_names_that_print_something_are_not_asked_for(follow, capsys):
    """The program's output stays what it is, alone and in a pipeline; the features have numbers then."""
    pd.DataFrame(HOMES).assign(y=range(len(HOMES["area"]))).to_csv("homes.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn")
    homes = pd.read_csv("homes.csv")
    made = TellsWhenAsked().fit(homes[["area", "rooms"]]).transform(homes[["area", "rooms"]])
    model = Pipeline([("own", TellsWhenAsked()), ("ridge", Ridge())])
    model.fit(homes[["area", "rooms"]], homes["y"])
    homes["told"] = model.predict(homes[["area", "rooms"]])
    homes[["told"]].to_csv("told.csv", index=False)
    assert "homes.csv" in {name for found in followed.columns(made).values() for name, _ in found}
    assert "model" in followed.sources("told.csv")
    assert capsys.readouterr().out == ""


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


class AddsSpending(BaseEstimator, TransformerMixin):
    """Adds what each town spends, learned from the rows it is fitted on, and what a list of prices says."""

    def __init__(self, prices=None):
        self.prices = prices

    def fit(self, X, y=None):
        """Learn the mean of each town."""
        self.means_ = X.groupby("town")["area"].mean().rename("mean_area").reset_index()
        return self

    def transform(self, X):
        """Two columns more, by joins."""
        X = X.copy()
        X["double"] = X["rooms"] * 2
        return X.merge(self.prices, on="town", how="left")


def test_a_transformer_that_is_called_by_itself(follow):
    """What the user's class makes of a frame comes from what its code made it of, other frames included, influenced by
    what it was fitted on."""
    pd.DataFrame(HOMES).to_csv("homes.csv", index=False)
    pd.DataFrame({"town": ["a", "b"], "cost": [3.0, 4.0]}).to_csv("prices.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn")
    homes, prices = pd.read_csv("homes.csv"), pd.read_csv("prices.csv")
    adds = AddsSpending(prices).fit(homes)
    made = adds.transform(homes)
    made.to_csv("made.csv", index=False)
    fitted = AddsRatio().fit_transform(homes)
    fitted.to_csv("fitted.csv", index=False)
    assert followed.sources("made.csv", "double") == {("homes.csv", "rooms")}
    assert followed.sources("made.csv", "cost") == {("prices.csv", "cost")}
    assert followed.sources("made.csv", "area") == {("homes.csv", "area")}
    assert followed.sources("fitted.csv", "ratio") == {("homes.csv", "area"), ("homes.csv", "rooms")}
    assert not how_known(followed, "made.csv") | how_known(followed, "fitted.csv")


class NamesNothing(AddsRatio):
    """Gives frames, and has a method for names that was never written."""

    def get_feature_names_out(self, names=None):
        """Nothing."""


def test_a_transformer_whose_method_for_names_returns_nothing(follow):
    """The model and its prediction are there: nothing fails inside for want of names."""
    pd.DataFrame(HOMES).to_csv("homes.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn")
    homes = pd.read_csv("homes.csv")
    model = Pipeline([("adds", NamesNothing()), ("ridge", Ridge())])
    model.fit(homes[["area", "rooms"]], homes["price"])
    homes.assign(told=model.predict(homes[["area", "rooms"]]))[["told"]].to_csv("told.csv", index=False)
    assert {name for name, _ in followed.sources("told.csv", "told")} == {"model", "homes.csv"}
    assert set(followed.entries()["model"]["fields"]) == {"area", "rooms", "ratio"}


def test_functions_of_the_user_in_a_transformer(follow):
    """``FunctionTransformer`` with a function on frames: each feature from what the function made it of, alone and in a
    pipeline."""

    def adds(frame):
        return frame.assign(ratio=frame["area"] / frame["rooms"])

    pd.DataFrame(HOMES).to_csv("homes.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn")
    homes = pd.read_csv("homes.csv")
    FunctionTransformer(adds).fit_transform(homes).to_csv("made.csv", index=False)
    model = Pipeline([("adds", FunctionTransformer(adds)), ("scales", StandardScaler()), ("ridge", Ridge())])
    model.fit(homes[["area", "rooms"]], homes["price"])
    assert followed.sources("made.csv", "ratio") == {("homes.csv", "area"), ("homes.csv", "rooms")}
    assert followed.sources("made.csv", "town") == {("homes.csv", "town")}
    assert followed.sources("model", "rooms") == {("model.training_data", "rooms")}
    assert not how_known(followed, "model")
