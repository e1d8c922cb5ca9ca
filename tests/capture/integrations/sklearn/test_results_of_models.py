"""Tables of what several models achieved, filled in a loop over them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, r2_score
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier


@pytest.fixture
def data(follow):
    """Numbers to learn from, and what followed them."""
    rng = np.random.default_rng(0)
    numbers = pd.DataFrame(rng.normal(size=(30, 2)), columns=["a", "b"])
    numbers.assign(y=[0, 1] * 15).to_csv("in.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn")
    return followed, pd.read_csv("in.csv")


def models_behind(followed, name):
    """The models that a table comes from."""
    return {item for item in followed.sources(name) if not item.endswith(".csv") and "." not in item}


@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("how", ["score", "metric"])
def test_a_table_of_scores_comes_from_all_models_of_the_loop(data, how, rounded):
    """Not from the last one only, and not from whatever else was read; also if the numbers are rounded first."""
    followed, frame = data
    features, label = frame[["a", "b"]], frame["y"]
    results, rows = [], []
    for name, model in {"tree": DecisionTreeClassifier(random_state=0), "bayes": GaussianNB()}.items():
        model.fit(features, label)
        if how == "score":  # noqa: SIM108 - each is what scripts write
            score = model.score(features, label)
        else:
            score = accuracy_score(label, model.predict(features))
        if rounded:
            results.append({"model": name, "score": round(score, 3)})
        else:
            results.append({"model": name, "score": score})
        rows.append([name, score])
    pd.DataFrame(results).to_csv("results.csv", index=False)
    pd.DataFrame(rows, columns=["model", "score"]).to_csv("rows.csv", index=False)
    assert models_behind(followed, "results.csv") == {"model", "model_2"}
    assert models_behind(followed, "rows.csv") == {"model", "model_2"}
    assert {name for name, _ in followed.sources("results.csv", "score")} >= {"model", "model_2"}


def test_scores_in_dictionaries_come_from_all_models(data):
    """Of numbers, and of dictionaries of numbers, made a series or a frame."""
    followed, frame = data
    features, label = frame[["a", "b"]], frame["y"]
    scores, details = {}, {}
    for name, model in [("tree", DecisionTreeClassifier(random_state=0)), ("bayes", GaussianNB())]:
        model.fit(features, label)
        scores[name] = model.score(features, label)
        details[name] = {"accuracy": accuracy_score(label, model.predict(features)), "rows": len(frame)}
    pd.Series(scores, name="score").to_csv("scores.csv")
    pd.DataFrame(details).to_csv("wide.csv")
    pd.DataFrame.from_dict(details, orient="index").to_csv("long.csv")
    for name in ("scores.csv", "wide.csv", "long.csv"):
        assert models_behind(followed, name) == {"model", "model_2"}
    assert {name for name, _ in followed.sources("long.csv", "accuracy")} >= {"model", "model_2"}


def test_rows_that_are_picked_by_an_index_array_are_rows_of_their_matrix(data):
    """``X[indices[:20]]``: the array of places is no candidate for what the rows were taken from."""
    followed, frame = data
    X, y = frame[["a", "b"]].to_numpy(), frame["y"].to_numpy()
    indices = np.arange(30)
    np.random.default_rng(1).shuffle(indices)
    learner = LogisticRegression().fit(X[indices[:20]], y[indices[:20]])
    told = learner.predict(X[indices[20:]])
    pd.DataFrame({"told": told}).to_csv("told.csv", index=False)
    training = followed.entries()["learner.training_data"]["fields"]
    found = {name: {item["field"] for item in field["inputs"]} for name, field in training.items()}
    assert found == {"a": {"a"}, "b": {"b"}, "y": {"y"}}
    assert {column for name, column in followed.sources("told.csv", "told") if name == "in.csv"} == {"a", "b"}


TARGET = "price"


def _write(predicted, path):
    """Write what was predicted beside the names of the homes, under a key that is a name."""
    names = pd.read_csv("homes.csv")["town"]
    pd.DataFrame(data={"town": names, TARGET: predicted[TARGET]}).to_csv(path, index=False)


def test_an_array_under_a_key_that_is_a_name(follow):
    """``{"town": names, TARGET: predicted[TARGET]}`` in a function: what was predicted comes from the model and its
    rows, not from the names beside it."""
    pd.DataFrame({"area": [50.0, 80.0, 65.0, 90.0], "town": list("abab"), "price": [1.0, 2.0, 1.5, 2.5]}).to_csv(
        "homes.csv", index=False
    )
    followed = follow("pandas", "numpy", "sklearn")
    homes = pd.read_csv("homes.csv")
    model = LinearRegression().fit(homes[["area"]], homes["price"])
    predicted = {TARGET: np.zeros(len(homes))}
    predicted[TARGET] += np.exp(model.predict(homes[["area"]])) - 1
    _write(predicted, "told.csv")
    assert followed.sources("told.csv", "price") == {("model", "area"), ("homes.csv", "area")}
    assert followed.sources("told.csv", "town") == {("homes.csv", "town")}


def test_predictions_put_into_another_table_are_of_the_rows_that_were_given(follow):
    """A model is applied to joined tables, and its predictions are put into a prepared one: what they are of, and what
    a metric was measured on, is the table that its column is from, not the one it was joined with or put into."""
    numbers = pd.DataFrame({"key": list("uvuv"), "a": [1.0, 2.0, 3.0, 4.0], "y": [0, 1, 0, 1]})
    numbers.to_csv("in.csv", index=False)
    numbers.to_csv("new.csv", index=False)
    pd.DataFrame({"key": ["u", "v"], "size": [1.0, 5.0]}).to_csv("keys.csv", index=False)
    pd.DataFrame({"id": range(4), "told": 0.0}).to_csv("sample.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn")
    keys = pd.read_csv("keys.csv")
    known, new = (pd.merge(pd.read_csv(name), keys, on="key", how="left") for name in ("in.csv", "new.csv"))
    model = LogisticRegression().fit(known[["a", "size"]], known["y"])
    accuracy_score(known["y"], model.predict(known[["a", "size"]]))
    model.score(known[["a", "size"]], known["y"])
    sample = pd.read_csv("sample.csv")
    sample["told"] = model.predict_proba(new[["a", "size"]])[:, 1]
    sample.to_csv("out.csv", index=False)
    assert followed.facets("out.csv")["headwater_predictions"]["input"]["name"].endswith("new.csv")
    measured = followed.event()["run"]["facets"]["headwater_metrics"]["metrics"]
    assert {item["dataset"]["name"].rpartition("/")[2] for item in measured} == {"in.csv"}


def test_predictions_are_of_the_rows_that_the_model_did_not_learn_from(follow):
    """The features of the new rows are means of the known ones, which the model learned from, too; and a metric of
    which the first argument is a prediction was measured on the rows, not on the model."""
    numbers = pd.DataFrame({"key": list("uvuv"), "a": [1.0, 2.0, 3.0, 4.0], "y": [0.0, 1.0, 0.0, 1.0]})
    numbers.to_csv("in.csv", index=False)
    numbers[["key"]].to_csv("new.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn")
    known, new = pd.read_csv("in.csv"), pd.read_csv("new.csv")
    means = known.groupby("key", as_index=False)["a"].mean()
    model = LinearRegression().fit(pd.merge(known[["key", "y"]], means, on="key")[["a"]], known["y"])
    new["told"] = model.predict(pd.merge(new, means, on="key", how="left")[["a"]])
    new.to_csv("out.csv", index=False)
    r2_score(model.predict(known[["a"]]), known["y"])
    assert followed.facets("out.csv")["headwater_predictions"]["input"]["name"].endswith("new.csv")
    (measured,) = followed.event()["run"]["facets"]["headwater_metrics"]["metrics"]
    assert measured["dataset"]["name"].endswith("in.csv")
