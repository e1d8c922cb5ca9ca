"""xgboost and lightgbm: the native interface, the estimators' boosters, and model files across programs."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pandas as pd
import pytest

FEATURES = ["income", "debt"]


def library(name: str) -> Any:
    """The library, or a skip where it cannot be loaded (lightgbm needs the OpenMP library of the system)."""
    try:
        return importlib.import_module(name)
    except (ImportError, OSError) as error:
        pytest.skip(f"{name} cannot be loaded: {error}")


def loans() -> pd.DataFrame:
    """Eighty loans, read from a file."""
    random = np.random.default_rng(5)
    frame = pd.DataFrame({"income": random.normal(50, 9, 80), "debt": random.normal(20, 5, 80)})
    frame["late"] = (frame.debt > 20).astype(int)
    frame.to_csv("loans.csv", index=False)
    return pd.read_csv("loans.csv")


def train_natively(name: str, module: Any, frame: pd.DataFrame) -> Any:
    """A booster named ``risk``, trained beside scikit-learn's interface."""
    if name == "xgboost":
        rows = module.DMatrix(frame[FEATURES], label=frame.late)
        risk = module.train({"max_depth": 2, "seed": 3}, rows, num_boost_round=4)
    else:
        rows = module.Dataset(frame[FEATURES], frame.late)
        risk = module.train({"verbose": -1, "objective": "binary", "min_data_in_leaf": 2, "seed": 3}, rows, 4)
    return risk


def predicted(name: str, module: Any, booster: Any, frame: pd.DataFrame) -> Any:
    """What a booster says of the frame's rows."""
    return booster.predict(module.DMatrix(frame[FEATURES]) if name == "xgboost" else frame[FEATURES])


@pytest.mark.parametrize("name", ["xgboost", "lightgbm"])
def test_a_native_model_from_file_to_predictions(follow, name):
    """Raw file, training data, model with parameters and seed, saved model, predictions: each edge and column."""
    module = library(name)
    followed = follow("pandas", "numpy", "sklearn", name)
    frame = loans()
    risk = train_natively(name, module, frame)
    risk.save_model("risk.json")
    frame[[]].assign(late=predicted(name, module, risk, frame)).to_csv("predictions.csv", index=False)
    assert followed.sources("risk.training_data") == {"loans.csv"}
    assert followed.sources("risk") == {"risk.training_data"}
    assert followed.sources("risk", "debt") == {("risk.training_data", "debt")}
    assert followed.sources("risk.json") == {"risk"}
    assert {("loans.csv", "income"), ("loans.csv", "debt")} <= followed.sources("predictions.csv", "late")
    assert "risk" in followed.sources("predictions.csv")
    facet = followed.facets("risk.json")["headwater_model"]
    assert facet["framework"] == name
    assert facet["features"] == FEATURES
    assert facet["hyper_parameters"]["num_boost_round"] == 4
    assert facet == {**followed.facets("risk")["headwater_model"]}
    assert followed.facets("predictions.csv")["headwater_predictions"]["model"]["version"] == facet["version"]
    seeds = followed.event()["run"]["facets"]["headwater_seeds"]["seeds"]
    assert {"library": name, "scope": "train.seed", "value": 3} in [
        {key: seed[key] for key in ("library", "scope", "value")} for seed in seeds
    ]


@pytest.mark.parametrize("name", ["xgboost", "lightgbm"])
def test_training_goes_on_from_an_earlier_model(follow, name):
    """A model that another was trained on from is its parent."""
    module = library(name)
    followed = follow("pandas", "numpy", "sklearn", name)
    frame = loans()
    risk = train_natively(name, module, frame)
    if name == "xgboost":
        more = module.train({"max_depth": 2}, module.DMatrix(frame[FEATURES], frame.late), 2, xgb_model=risk)
    else:
        rows = module.Dataset(frame[FEATURES], frame.late)
        more = module.train({"verbose": -1, "min_data_in_leaf": 2}, rows, 2, init_model=risk)
    assert more is not risk
    assert followed.sources("more") >= {"risk", "more.training_data"}


@pytest.mark.parametrize("name", ["xgboost", "lightgbm"])
def test_a_saved_model_is_read_back_in_another_program(follow, name):
    """Predictions of a booster that came from a file come from that file and from the rows they were made of."""
    module = library(name)
    train_natively(name, module, loans()).save_model("risk.json")
    followed = follow("pandas", "numpy", "sklearn", name)
    frame = pd.read_csv("loans.csv")
    risk = module.Booster(model_file="risk.json")
    frame[[]].assign(late=predicted(name, module, risk, frame)).to_csv("scored.csv", index=False)
    assert followed.sources("scored.csv") == {"risk.json", "loans.csv"}
    assert followed.sources("scored.csv", "late") >= {("loans.csv", "income"), ("loans.csv", "debt")}


def test_the_booster_of_an_estimator_is_the_estimator(follow):
    """Both ways to save an xgboost estimator write the same model, and an estimator is loaded from either."""
    module = library("xgboost")
    followed = follow("pandas", "numpy", "sklearn", "xgboost")
    frame = loans()
    model = module.XGBClassifier(n_estimators=3, random_state=1).fit(frame[FEATURES], frame.late)
    model.save_model("whole.json")
    model.get_booster().save_model("inner.json")
    again = module.XGBClassifier()
    again.load_model("whole.json")
    frame[[]].assign(late=again.predict(frame[FEATURES])).to_csv("scored.csv", index=False)
    assert followed.sources("whole.json") == followed.sources("inner.json") == {"model"}
    assert followed.sources("scored.csv") == {"whole.json", "loans.csv"}


def test_the_booster_of_a_lightgbm_estimator_is_the_estimator(follow):
    """``estimator.booster_.save_model`` writes the estimator's model."""
    module = library("lightgbm")
    followed = follow("pandas", "numpy", "sklearn", "lightgbm")
    frame = loans()
    model = module.LGBMClassifier(n_estimators=3, min_child_samples=2, verbose=-1).fit(frame[FEATURES], frame.late)
    model.booster_.save_model("risk.txt")
    assert followed.sources("risk.txt") == {"model"}
    assert followed.facets("risk.txt")["headwater_model"]["class"].endswith("LGBMClassifier")


def test_two_models_on_the_same_rows_keep_their_own_predictions(follow):
    """lightgbm turns its probabilities before it hands them over: a column of them is that model's, not another's."""
    module = library("lightgbm")
    from sklearn.linear_model import LogisticRegression

    followed = follow("pandas", "numpy", "sklearn", "lightgbm")
    frame = loans()
    first = LogisticRegression().fit(frame[FEATURES], frame.late)
    p = first.predict_proba(frame[FEATURES])[:, 1]
    second = module.LGBMClassifier(n_estimators=3, min_child_samples=2, verbose=-1).fit(frame[FEATURES], frame.late)
    frame[[]].assign(p=p, q=second.predict_proba(frame[FEATURES])[:, 1]).to_csv("both.csv", index=False)
    models = {source for source, _ in followed.sources("both.csv", "q")} & {"first", "second"}
    assert models == {"second"}
    assert {source for source, _ in followed.sources("both.csv", "p")} & {"first", "second"} == {"first"}


@pytest.mark.parametrize("name", ["xgboost", "lightgbm"])
def test_how_much_features_matter_to_a_booster(follow, name):
    """``feature_importance()`` and ``get_score()``, put into a table, come from the model."""
    module = library(name)
    followed = follow("pandas", "numpy", "sklearn", name)
    risk = train_natively(name, module, loans())
    if name == "xgboost":
        table = pd.DataFrame([{"feature": k, "gain": v} for k, v in risk.get_score(importance_type="gain").items()])
    else:
        table = pd.DataFrame({"feature": FEATURES, "gain": risk.feature_importance("gain")})
    table.to_csv("gain.csv", index=False)
    assert followed.sources("gain.csv", "gain") == {("risk", feature) for feature in FEATURES}


@pytest.mark.parametrize("name", ["xgboost", "lightgbm"])
def test_an_estimator_that_goes_on_with_another(follow, name):
    """``fit(..., xgb_model=first)``, ``init_model=first``: the second model has the first as its parent."""
    module = library(name)
    followed = follow("pandas", "numpy", "sklearn", name)
    frame = loans()
    make, given = (module.XGBClassifier, "xgb_model") if name == "xgboost" else (module.LGBMClassifier, "init_model")
    first = make(n_estimators=2).fit(frame[FEATURES], frame.late)
    second = make(n_estimators=2).fit(frame[FEATURES], frame.late, **{given: first})
    del second
    told = followed.facets("second")["headwater_model"]
    assert told["parent"]["name"].endswith("/first")
    assert told["features"] == FEATURES
    assert followed.sources("second") == {"first", "second.training_data"}


@pytest.mark.filterwarnings("ignore:.*Text file input:UserWarning")
def test_a_booster_that_begins_with_what_another_said(follow):
    """``set_base_margin(first.predict(...))``: the second booster comes from the first too; ``inplace_predict`` is a
    prediction; a file is called by its path, without the hints after it."""
    module = library("xgboost")
    followed = follow("pandas", "numpy", "sklearn", "xgboost")
    with open("rows.txt", "w") as file:  # noqa: PTH123 - what a script does
        file.writelines(f"{i % 2} 0:{i / 7} 1:{i % 5}\n" for i in range(40))
    rows = module.DMatrix("rows.txt?format=libsvm")
    first = module.train({}, rows, 2)
    rows.set_base_margin(first.predict(rows, output_margin=True))
    second = module.train({}, rows, 2)
    pd.DataFrame({"told": second.inplace_predict(np.ones((3, 2)))}).to_csv("told.csv")
    assert followed.sources("first") == {"rows.txt"}
    assert followed.sources("second.training_data") == {"rows.txt", "first"}
    assert "second" in followed.sources("told.csv")


@pytest.mark.parametrize("name", ["xgboost", "lightgbm"])
def test_a_booster_that_goes_on_with_a_file(follow, name):
    """``init_model="first.txt"``, ``xgb_model="first.json"``: the file is the parent."""
    module = library(name)
    followed = follow("pandas", "numpy", "sklearn", name)
    frame = loans()
    first = train_natively(name, module, frame)
    first.save_model("first.json")
    if name == "xgboost":
        second = module.train({}, module.DMatrix(frame[FEATURES], label=frame.late), 2, xgb_model="first.json")
    else:
        given = {"verbose": -1, "min_data_in_leaf": 2}
        second = module.train(given, module.Dataset(frame[FEATURES], frame.late), 2, init_model="first.json")
    del second
    assert followed.sources("second") == {"second.training_data", "first.json"}
    assert followed.facets("second")["headwater_model"]["parent"]["name"].endswith("first.json")


def test_predictions_of_a_booster_without_names(follow):
    """A booster that was trained on an array has no names of columns: what it predicts comes from all columns of the
    matrix that it is given, not from the first alone."""
    module = pytest.importorskip("xgboost")
    rng = np.random.default_rng(0)
    pd.DataFrame(rng.normal(size=(40, 4)), columns=list("abcy")).to_csv("in.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn", "xgboost")
    frame = pd.read_csv("in.csv")
    features = frame[["a", "b", "c"]].values
    booster = module.train({"nthread": 1}, module.DMatrix(features, label=frame["y"].values), 2)
    told = booster.predict(module.DMatrix(features))
    pd.DataFrame({"told": told}).to_csv("told.csv", index=False)
    rows = ("in.csv", "booster.training_data")
    columns = {column for name, column in followed.sources("told.csv", "told") if name in rows}
    assert columns == {"a", "b", "c"}
