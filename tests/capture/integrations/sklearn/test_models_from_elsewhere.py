"""Models that were not fitted where they predict: copies, folds of a cross-validation, results of other processes,
parts of other models, and models that nobody saw being fitted."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from headwater.capture.integrations.sklearn.learned_states import sketch


@pytest.fixture
def followed(follow):
    """A run in which a training file was made; gives the run."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"a": random.random(60), "b": random.random(60)})
    frame.assign(y=(frame.a > frame.b).astype(int)).to_csv("train.csv", index=False)
    frame.head(9).to_csv("new.csv", index=False)
    return follow("pandas", "numpy", "sklearn", "joblib", "pickle", "files")


def _saved(prediction, name):
    pd.DataFrame({"p": prediction}).to_csv(name, index=False)


def _data():
    train = pd.read_csv("train.csv")
    return train[["a", "b"]], train["y"], pd.read_csv("new.csv")


def _fit(c, X, y):
    return LogisticRegression(C=c).fit(X, y)


@pytest.mark.parametrize("is_held", [False, True])
def test_a_copy_of_a_model_is_the_model(followed, is_held):
    """What a copy predicts comes from the model that was copied, as it was then: the best of a training loop is kept by
    ``copy.deepcopy``, and the model is trained on. It is the model also in a file."""
    X, y, new = _data()
    model = SGDClassifier(random_state=0).partial_fit(X, y, classes=[0, 1])
    assert followed.recorder.values.get(copy.copy(model)) is followed.recorder.values.get(model)
    best = copy.deepcopy({"m": [model]})["m"][0] if is_held else copy.deepcopy(model)
    before = followed.recorder.values.get(model)
    model.partial_fit(X, y)
    assert followed.recorder.values.get(best) is before
    joblib.dump(best, "best.joblib")
    _saved(best.predict(new), "best.csv")
    assert followed.sources("best.csv") == {"model", "new.csv"}
    assert followed.sources("best.joblib") == {"model"}


def test_the_steps_of_a_copied_pipeline_are_those_of_the_pipeline(followed):
    """The last step of a copied pipeline predicts as the pipeline's model."""
    X, y, new = _data()
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    _saved(copy.deepcopy(pipeline)[-1].predict(new.to_numpy()), "p.csv")
    assert followed.sources("p.csv") == {"pipeline", "new.csv"}


def test_a_clone_is_no_copy(followed):
    """``clone`` gives an estimator that is not fitted: fitted anew, it is a model of its own."""
    X, y, new = _data()
    model = LogisticRegression().fit(X, y)
    other = clone(model).fit(X, y)
    _saved(other.predict(new), "p.csv")
    assert followed.sources("p.csv") == {"other", "new.csv"}


@pytest.mark.parametrize("seed", range(3))
def test_a_model_goes_through_bytes_and_back(followed, seed):
    """``pickle.loads(pickle.dumps(model))`` is the model, and not another of its class that learned from other rows."""
    X, y, new = _data()
    forest = RandomForestClassifier(3, random_state=seed).fit(X, y)
    other = RandomForestClassifier(3, random_state=seed).fit(X[:40], y[:40])
    back = pickle.loads(pickle.dumps(forest))
    _saved(back.predict(new), "p.csv")
    _saved(pickle.loads(pickle.dumps(other)).predict(new), "q.csv")
    joblib.dump(back, "model.joblib")
    assert followed.sources("p.csv") == {"forest", "new.csv"}
    assert followed.sources("q.csv") == {"other", "new.csv"}
    assert followed.sources("model.joblib") == {"forest"}


class Chosen(BaseEstimator):
    """A model of the user's that learns no number."""

    def fit(self, X, y):
        """Learn the most frequent label."""
        self.label_ = str(y.mode()[0])
        return self

    def predict(self, X):
        """Say it."""
        return np.array([self.label_] * len(X))


def test_what_tells_models_apart(followed):
    """Two models have one sketch only if they learned the same; one that learned no number has none, nor has one that
    is not fitted."""
    X, y, _ = _data()
    fitted = LogisticRegression().fit(X, y)
    assert sketch(fitted) == sketch(copy.deepcopy(fitted)) is not None
    assert sketch(fitted) != sketch(LogisticRegression(C=0.1).fit(X, y))
    assert sketch(LogisticRegression()) is None
    assert sketch(Chosen().fit(X, y)) is None
    trained = SGDClassifier(random_state=0).partial_fit(X, y, classes=[0, 1])
    before = sketch(trained)
    assert sketch(trained.partial_fit(X, y)) != before
    forests = [RandomForestClassifier(5, random_state=seed).fit(X, y) for seed in range(4)]
    pipelines = [make_pipeline(StandardScaler(), LogisticRegression(C=c)).fit(X, y) for c in (0.1, 1.0)]
    assert len({sketch(model) for model in (*forests, *pipelines)}) == 6


def test_models_of_a_cross_validation(followed):
    """``return_estimator``: each model is one of its own, which learned from the rows and labels that were given."""
    X, y, new = _data()
    folds = cross_validate(LogisticRegression(), X, y, cv=2, return_estimator=True)
    for number, model in enumerate(folds["estimator"]):
        _saved(model.predict(new), f"p{number}.csv")
    assert followed.sources("p0.csv") == {"LogisticRegression", "new.csv"}
    assert followed.sources("p1.csv") == {"LogisticRegression_2", "new.csv"}
    assert followed.sources("LogisticRegression", "a") == {("train.csv", "a")}
    facets = [followed.facets(name)["headwater_model"] for name in ("LogisticRegression", "LogisticRegression_2")]
    assert facets[0]["version"] != facets[1]["version"]
    assert facets[0]["features"] == ["a", "b"]


def test_models_that_joblib_fitted_in_other_processes(followed):
    """Each comes from the arguments of its task, and predicts under its own name; a file that holds one holds no
    other."""
    X, y, new = _data()
    models = joblib.Parallel(n_jobs=2)(joblib.delayed(_fit)(c, X, y) for c in (0.1, 1.0))
    _saved(models[1].predict(new), "p.csv")
    _saved(models[0].predict(new), "q.csv")
    joblib.dump(models[0], "model.joblib")
    assert followed.sources("p.csv") == {"LogisticRegression", "new.csv"}
    assert followed.sources("model.joblib") == {"LogisticRegression_2"}
    assert followed.sources("LogisticRegression") == {"train.csv"}
    settings = [followed.facets(n)["headwater_model"]["hyper_parameters"]["C"] for n in _names(followed)]
    assert settings == [1.0, 0.1]


def _names(followed):
    names = [entry for entry in followed.entries() if entry.startswith("LogisticRegression")]
    return sorted(names)


def test_a_part_of_a_model_is_the_model_wherever_it_is_kept(followed):
    """The classifiers inside a calibration, which no attribute of an estimator names, are not taken for models that
    came from nowhere."""
    X, y, new = _data()
    calibrated = CalibratedClassifierCV(LogisticRegression(), cv=2).fit(X, y)
    _saved(calibrated.calibrated_classifiers_[0].estimator.predict(new), "p.csv")
    assert followed.sources("p.csv") == {"calibrated", "new.csv"}


def test_a_model_that_nobody_saw_being_fitted(followed):
    """One put together by hand is a model with what can be read off it; where it comes from is a guess, all that the
    run had read. It was said that predictions came from the rows alone."""
    _data()
    model = LogisticRegression()
    model.coef_, model.intercept_ = np.array([[2.0, -1.0]]), np.array([0.5])
    model.classes_, model.feature_names_in_ = np.array([0, 1]), np.array(["a", "b"], dtype=object)
    new = pd.read_csv("new.csv")
    _saved(model.predict(new), "p.csv")
    _saved(model.predict_proba(new)[:, 1], "q.csv")
    assert followed.sources("p.csv") == followed.sources("q.csv") == {"LogisticRegression", "new.csv"}
    entry = followed.entries()["LogisticRegression"]
    assert {(item["name"].rpartition("/")[2]) for item in entry["inputs"]} == {"train.csv", "new.csv"}
    assert all(item["transformations"][0]["type"] == "INFERRED" for item in entry["inputs"])
    assert followed.facets("LogisticRegression")["headwater_model"]["features"] == ["a", "b"]


def test_one_of_several_models_goes_into_a_file(followed):
    """``models[0]``, ``models[-1]`` and ``models[best]`` are one model each, not all of the list."""
    X, y, _ = _data()
    models = [LogisticRegression(C=c).fit(X, y) for c in (0.1, 1.0, 10.0)]
    best = 1
    with Path("first.pkl").open("wb") as file:
        pickle.dump(models[0], file)
    with Path("last.pkl").open("wb") as file:
        pickle.dump(models[-1], file)
    with Path("best.pkl").open("wb") as file:
        pickle.dump(models[best], file)
    assert [followed.sources(f"{name}.pkl") for name in ("first", "best", "last")] == [
        {"models"}, {"models_2"}, {"models_3"},
    ]  # fmt: skip
