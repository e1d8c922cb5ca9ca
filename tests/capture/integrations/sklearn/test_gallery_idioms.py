"""Idioms of scikit-learn's own examples: each result comes from the model and the rows that made it."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

COLUMNS = ["a", "b", "c"]


@pytest.fixture
def followed(follow, tmp_path, monkeypatch):
    """pandas, numpy and scikit-learn, followed, beside two files of sixty rows each."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(5)
    for name in ("train", "test"):
        frame = pd.DataFrame(random.normal(size=(60, 3)).round(3), columns=COLUMNS)
        frame["y"] = (frame["a"] > 0).astype(int)
        frame.to_csv(f"{name}.csv", index=False)
    return follow("pandas", "numpy", "sklearn")


def names(followed, target, column=None):
    """The names of the sources of a target, or of one of its columns."""
    found = followed.sources(target, column) if column is not None else followed.sources(target)
    return {item[0] if isinstance(item, tuple) else item for item in found}


def test_predictions_of_each_round_come_from_the_boosted_model(followed):
    """``staged_predict`` hands out predictions one by one: from the model and the rows, and so do scores of them. What
    is handed out is what scikit-learn hands out."""
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.metrics import accuracy_score

    train, test = pd.read_csv("train.csv"), pd.read_csv("test.csv")
    model = GradientBoostingClassifier(n_estimators=4, random_state=0).fit(train[COLUMNS], train["y"])
    scores = np.zeros(4)
    rounds = []
    for i, predicted in enumerate(model.staged_predict(test[COLUMNS])):
        scores[i] = accuracy_score(test["y"], predicted)
        rounds.append(predicted)
    pd.DataFrame({"p": rounds[-1]}).to_csv("last.csv")
    pd.DataFrame({"round": range(4), "score": scores}).to_csv("scores.csv")
    assert [list(one) for one in model.staged_predict(test[COLUMNS])] == [list(one) for one in rounds]
    assert names(followed, "last.csv", "p") == {"test.csv", "model"}
    assert names(followed, "scores.csv", "score") == {"test.csv", "model"}
    assert followed.entries()["scores.csv"]["fields"]["round"]["inputs"] == []


def test_densities_and_neighbours_come_from_the_model_and_the_rows(followed):
    """``score_samples`` and both arrays of ``kneighbors``; of rows that are not given, from the model alone."""
    from sklearn.ensemble import IsolationForest
    from sklearn.neighbors import NearestNeighbors

    train, test = pd.read_csv("train.csv"), pd.read_csv("test.csv")
    forest = IsolationForest(n_estimators=4, random_state=0).fit(train[COLUMNS])
    near = NearestNeighbors(n_neighbors=2).fit(train[COLUMNS])
    pd.DataFrame({"score": forest.score_samples(test[COLUMNS])}).to_csv("density.csv")
    distances, places = near.kneighbors(test[COLUMNS])
    pd.DataFrame({"distance": distances[:, 1], "place": places[:, 1]}).to_csv("near.csv")
    own, _ = near.kneighbors()
    pd.DataFrame({"own": own[:, 0]}).to_csv("own.csv")
    assert names(followed, "density.csv", "score") == {"test.csv", "forest"}
    assert names(followed, "near.csv", "distance") == names(followed, "near.csv", "place") == {"test.csv", "near"}
    assert names(followed, "own.csv", "own") == {"near"}


def test_a_model_that_is_used_as_it_is_stands_behind_the_other(followed):
    """Frozen, ``prefit``, or given to a function transformer: the fitted model is behind what was made with it. A model
    of which a copy is fitted is not."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import StackingClassifier
    from sklearn.feature_selection import SelectFromModel
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer
    from sklearn.tree import DecisionTreeClassifier

    frozen = pytest.importorskip("sklearn.frozen")
    train, test = pd.read_csv("train.csv"), pd.read_csv("test.csv")
    tree = DecisionTreeClassifier(random_state=0)
    tree.fit(train[COLUMNS], train["y"])
    calibrated = CalibratedClassifierCV(frozen.FrozenEstimator(tree)).fit(train[COLUMNS], train["y"])
    copied = CalibratedClassifierCV(tree, cv=2).fit(train[COLUMNS], train["y"])
    stacked = StackingClassifier([("tree", tree)], cv="prefit").fit(train[COLUMNS], train["y"])
    leaves = FunctionTransformer(_leaves, kw_args={"model": tree})
    piped = make_pipeline(leaves, LogisticRegression()).fit(train[COLUMNS], train["y"])
    chosen = SelectFromModel(tree, prefit=True).fit(train[COLUMNS], train["y"])
    pd.DataFrame(chosen.transform(test[COLUMNS])).to_csv("chosen.csv")
    del calibrated, copied, stacked, piped
    for name, expected in (("calibrated", True), ("copied", False), ("stacked", True), ("piped", True)):
        assert ("tree" in names(followed, name)) is expected, name
    assert {"test.csv", "tree"} <= names(followed, "chosen.csv")


def _leaves(rows, model):
    return model.apply(rows).reshape(-1, 1)


def test_features_that_a_selection_leaves_out_are_not_behind_predictions(followed):
    """Of ``SelectKBest`` in a pipeline the chosen columns of the rows alone."""
    from sklearn.feature_selection import SelectKBest
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, test = pd.read_csv("train.csv"), pd.read_csv("test.csv")
    model = make_pipeline(StandardScaler(), SelectKBest(k=1), LogisticRegression()).fit(train[COLUMNS], train["y"])
    test["p"] = model.predict(test[COLUMNS])
    test[["p"]].to_csv("out.csv")
    assert followed.sources("out.csv", "p") == {("test.csv", "a"), ("model", "a")}


def test_what_a_comprehension_takes_out_of_a_model_comes_from_it(followed):
    """Importances of each tree, a fitted attribute that is cut, and numbers of a model that a statement of its own
    fitted: read off the code to the model, not from nothing, and not from the latest array of that length."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.semi_supervised import LabelSpreading

    train, test = pd.read_csv("train.csv"), pd.read_csv("test.csv")
    forest = RandomForestClassifier(n_estimators=3, random_state=0)
    forest.fit(train[COLUMNS], train["y"])
    spread = np.std([tree.feature_importances_ for tree in forest.estimators_], axis=0)
    pd.Series(spread).to_csv("spread.csv")
    labels = train["y"].to_numpy().copy()
    labels[40:] = -1
    model = LabelSpreading()
    model.fit(train[COLUMNS], labels)
    told = model.transduction_[np.arange(40, 60)]
    pd.DataFrame({"told": told}).to_csv("told.csv")
    np.savetxt("test.txt", test[COLUMNS].to_numpy()[0])  # a later array of as many items
    pd.DataFrame({"spread": spread}).to_csv("again.csv")
    assert names(followed, "spread.csv", "0") == names(followed, "again.csv", "spread") == {"forest"}
    assert "model" in names(followed, "told.csv", "told")


def test_pictures_laid_flat_are_the_pixels(followed):
    """``digits.images`` reshaped has a column for each pixel, exactly, and not the label; of some digits too."""
    from sklearn.datasets import load_digits

    told = {}
    for count in (10, 3):
        digits = load_digits(n_class=count)
        flat = digits.images.reshape((len(digits.images), -1))
        pd.DataFrame(flat).to_csv(f"flat_{count}.csv")
        told[count] = digits.target_names[digits.target]
    pd.DataFrame({"digit": told[3]}).to_csv("digit.csv")
    for count in told:
        assert followed.sources(f"flat_{count}.csv", "9") == {("digits", "pixel_1_1")}
        assert "INFERRED" not in str(followed.entries()[f"flat_{count}.csv"]).upper()
    assert followed.sources("digit.csv", "digit") == {("digits", "target")}


def test_rows_in_another_order_keep_their_columns(followed):
    """``shuffle`` and ``resample`` of arrays and frames: each column is unchanged, data and labels stay apart, and the
    seed is told."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.utils import resample, shuffle

    train = pd.read_csv("train.csv")
    X, y = shuffle(train[COLUMNS].to_numpy(), train["y"].to_numpy(), random_state=3)
    pd.DataFrame({"first": X[:, 0], "label": y}).to_csv("mixed.csv")
    model = LogisticRegression().fit(X, y)
    more = resample(train[train["y"] == 1], n_samples=50, random_state=4)
    more.to_csv("more.csv")
    del model
    assert followed.sources("mixed.csv", "first") == {("train.csv", "a")}
    assert followed.sources("mixed.csv", "label") == {("train.csv", "y")}
    assert followed.sources("model.training_data", "a") == {("train.csv", "a")}
    assert ("train.csv", "b") in followed.sources("more.csv", "b")
    seeds = followed.event()["run"]["facets"]["headwater_seeds"]
    assert {"3", "4"} <= set(re.findall(r"\d+", str(seeds)))


def test_drawn_numbers_in_the_call_that_fits_do_not_come_from_what_it_fits(followed):
    """``bins.fit_transform((y + noise).reshape(-1, 1))``: the statement names the estimator, which is behind its result
    and not behind its data; its lineage ends."""
    from sklearn.preprocessing import KBinsDiscretizer

    random = np.random.RandomState(2)
    y, noise = random.randn(60), random.randn(60)
    bins = KBinsDiscretizer(n_bins=3, encode="ordinal", strategy="uniform")
    found = bins.fit_transform((y + noise).reshape(-1, 1))
    found = random.permutation(3)[found.astype(int)]
    pd.DataFrame({"bin": found[:, 0]}).to_csv("bins.csv")
    assert followed.sources("bins.csv") == set()


def test_a_prediction_that_is_rounded_inside_assign_stays_a_prediction(followed):
    """``assign(p=model.predict(X).round())``: from the model and the rows, and the file is one of predictions."""
    from sklearn.linear_model import LinearRegression

    train, test = pd.read_csv("train.csv"), pd.read_csv("test.csv")
    model = LinearRegression().fit(train[COLUMNS], train["y"])
    test.assign(p=model.predict(test[COLUMNS]).round()).to_csv("rounded.csv")
    assert names(followed, "rounded.csv", "p") == {"test.csv", "model"}
    assert followed.facets("rounded.csv")["headwater_predictions"]["method"] == "predict"


def test_features_of_all_columns_share_what_they_come_from(follow):
    """A dense transformer of a thousand columns and features is a thousand pairs for capture, not a million."""
    from sklearn.decomposition import SparseCoder

    followed = follow("sklearn", "numpy", "pandas")
    names = [f"c{place}" for place in range(1000)]
    pd.DataFrame(np.eye(4, 1000), columns=names).to_csv("wide.csv", index=False)
    made = SparseCoder(np.eye(1000), transform_algorithm="threshold").transform(pd.read_csv("wide.csv").to_numpy())
    value = followed.recorder.values.get(made)
    fields = value.rule(value).fields
    assert len(fields) == 1000
    assert len({id(deps) for deps in fields.values()}) == 1
    assert {dep.column for dep in next(iter(fields.values()))} == set(names)
