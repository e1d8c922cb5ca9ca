"""How much each feature matters to a model: what scikit-learn itself says, under the names that the model takes."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sklearn")

COLUMNS = ["income", "debt", "age"]


@pytest.fixture
def people():
    """Features and labels of eighty people: two numbers that matter and one that does not, a region, three classes."""
    random = np.random.default_rng(11)
    frame = pd.DataFrame(
        {
            "income": random.normal(0, 1, 80),
            "debt": random.normal(0, 1, 80),
            "age": random.normal(0, 1, 80),
            "region": random.choice(["north", "south", "west"], 80),
        }
    )
    score = 2 * frame["income"] - frame["debt"] + (frame["region"] == "west")
    frame["late"] = (score > 0).astype(int)
    frame["class"] = pd.cut(score, [-99, -1, 1, 99], labels=False)
    frame["amount"] = score
    return frame


def told(follow, fit, name="model"):
    """The model facet of what ``fit`` fits while scikit-learn is followed."""
    followed = follow("pandas", "numpy", "sklearn")
    model = fit()
    return model, followed.facets(name)["headwater_model"]


def near(expected):
    """Within the six digits that are kept."""
    return pytest.approx(expected, rel=1e-5, abs=1e-12)


def trees():
    """Models of trees, as scikit-learn has them."""
    from sklearn import ensemble, tree

    return {
        "tree": tree.DecisionTreeClassifier(random_state=1),
        "extra tree": tree.ExtraTreeRegressor(random_state=1),
        "forest": ensemble.RandomForestClassifier(12, random_state=1),
        "forest in threads": ensemble.RandomForestRegressor(12, random_state=1, n_jobs=2),
        "extra trees": ensemble.ExtraTreesClassifier(12, random_state=1),
        "boosting": ensemble.GradientBoostingClassifier(n_estimators=9, random_state=1),
        "ada": ensemble.AdaBoostClassifier(n_estimators=9, random_state=1),
        "stump that splits nothing": tree.DecisionTreeClassifier(max_depth=1, min_samples_leaf=79),
        "forest that splits nothing": ensemble.RandomForestClassifier(3, random_state=1, min_samples_leaf=79),
    }


@pytest.mark.parametrize("name", trees())
@pytest.mark.parametrize("label", ["late", "class"])
def test_trees_tell_the_impurity_that_scikit_learn_tells(name, label, follow, people):
    """Worked out from the trees themselves, the numbers are those of ``feature_importances_``."""
    model = trees()[name]
    _, facet = told(follow, lambda: model.fit(people[COLUMNS], people[label]))
    assert facet["importances"] == near(dict(zip(COLUMNS, model.feature_importances_, strict=True)))
    assert facet["importance_details"] == {"kind": "impurity", "left_out": 0}


def linear():
    """Models with coefficients, and what they learn."""
    from sklearn import discriminant_analysis, linear_model, svm

    return {
        "regression": (linear_model.LinearRegression(), "amount"),
        "lasso": (linear_model.Lasso(0.2), "amount"),
        "logistic": (linear_model.LogisticRegression(), "late"),
        "multi-class": (linear_model.LogisticRegression(), "class"),
        "descent": (linear_model.SGDClassifier(random_state=1), "class"),
        "discriminant": (discriminant_analysis.LinearDiscriminantAnalysis(), "class"),
        "linear machine": (svm.SVC(kernel="linear"), "class"),
        "many targets": (linear_model.Ridge(), ["amount", "late"]),
    }


@pytest.mark.parametrize("name", linear())
def test_linear_models_tell_the_size_of_their_coefficients(name, follow, people):
    """The absolute value, and of several classes or targets the mean of the absolute values."""
    model, label = linear()[name]
    _, facet = told(follow, lambda: model.fit(people[COLUMNS], people[label]))
    sizes = np.abs(np.atleast_2d(model.coef_)).mean(axis=0)
    assert facet["importances"] == near(dict(zip(COLUMNS, sizes, strict=True)))
    assert facet["importance_details"] == {"kind": "coefficient", "left_out": 0}


def mixed_pipeline():
    """Scaled numbers, a region as columns of 0 and 1, then a forest."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    prepare = ColumnTransformer([("num", StandardScaler(), COLUMNS), ("cat", OneHotEncoder(), ["region"])])
    return Pipeline([("prepare", prepare), ("forest", RandomForestClassifier(20, random_state=2))])


def test_a_pipeline_tells_its_features_and_adds_them_up_by_column(follow, people):
    """Each derived feature has its own importance under the name that the forest takes; each column their sum."""
    pipeline = mixed_pipeline()
    _, facet = told(follow, lambda: pipeline.fit(people[[*COLUMNS, "region"]], people["late"]), "pipeline")
    names = pipeline[:-1].get_feature_names_out()
    weights = dict(zip(names, pipeline[-1].feature_importances_, strict=True))
    assert facet["importances"] == near(weights)
    assert set(facet["importances"]) == set(facet["features"])
    regions = sum(weight for name, weight in weights.items() if name.startswith("cat__region_"))
    numbers = {column: weights[f"num__{column}"] for column in COLUMNS}
    details = facet["importance_details"]
    assert details.pop("columns") == near({**numbers, "region": regions})
    assert details == {"kind": "impurity", "left_out": 0, "mixed": 0.0}


def test_features_of_several_columns_credit_none_of_them(follow, people):
    """What components of all columns weigh is one number beside the columns, so nothing is claimed of any."""
    from sklearn.compose import ColumnTransformer
    from sklearn.decomposition import PCA
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline

    prepare = ColumnTransformer([("parts", PCA(2), ["income", "debt"])], remainder="passthrough")
    pipeline = make_pipeline(prepare, Ridge())
    _, facet = told(follow, lambda: pipeline.fit(people[COLUMNS], people["amount"]), "pipeline")
    first, second, age = np.abs(pipeline[-1].coef_)
    assert facet["importance_details"]["columns"] == near({"age": age})
    assert facet["importance_details"]["mixed"] == near(first + second)


def test_a_search_tells_what_its_best_model_learned(follow, people):
    """Through ``best_estimator_`` into the pipeline."""
    from sklearn.model_selection import GridSearchCV

    rows, labels = people[[*COLUMNS, "region"]], people["late"]
    grid = {"forest__max_depth": [1, 3]}
    followed = follow("pandas", "numpy", "sklearn")
    search = GridSearchCV(mixed_pipeline(), grid, cv=2).fit(rows, labels)
    best = search.best_estimator_
    weights = dict(zip(best[:-1].get_feature_names_out(), best[-1].feature_importances_, strict=True))
    assert followed.facets("search")["headwater_model"]["importances"] == near(weights)


def test_a_transformed_target_hides_no_coefficients(follow, people):
    """Of a regression on a transformed target the inner regressor, its pipeline included, is asked."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures

    inner = make_pipeline(PolynomialFeatures(2, include_bias=False), LinearRegression())
    outer = TransformedTargetRegressor(inner, func=np.sinh, inverse_func=np.arcsinh)
    model, facet = told(follow, lambda: outer.fit(people[["income", "debt"]], people["amount"]), "outer")
    regressor = model.regressor_
    names = list(regressor[:-1].get_feature_names_out())
    assert facet["importances"] == near(dict(zip(names, np.abs(regressor[-1].coef_), strict=True)))
    assert set(facet["importance_details"]["columns"]) == {"income", "debt"}


def silent():
    """Models that say nothing about their features."""
    from sklearn import ensemble, naive_bayes, neighbors, neural_network, svm

    return {
        "neighbours": neighbors.KNeighborsClassifier(),
        "bayes": naive_bayes.GaussianNB(),
        "curved machine": svm.SVC(kernel="rbf"),
        "histograms": ensemble.HistGradientBoostingClassifier(max_iter=3),
        "bag": ensemble.BaggingClassifier(n_estimators=3, random_state=1),
        "isolation": ensemble.IsolationForest(n_estimators=3, random_state=1),
        "network": neural_network.MLPClassifier((3,), max_iter=500, random_state=1, tol=0.1),
    }


@pytest.mark.parametrize("name", silent())
def test_a_model_without_importances_records_none(name, follow, people):
    """Nothing is made up for it, and nothing goes wrong."""
    _, facet = told_as(follow, silent()[name], people)
    assert facet["feature_count"] == 3
    assert "importances" not in facet
    assert "importance_details" not in facet


def told_as(follow, model, people):
    """The facet of a model that is fitted here, on everybody."""
    return told(follow, lambda: model.fit(people[COLUMNS], people["late"]))


def test_only_the_heaviest_are_listed_and_the_others_counted(follow):
    """Of 260 features the 200 heaviest have a line, and the count says that 60 have none."""
    from sklearn.linear_model import Ridge

    random = np.random.default_rng(1)
    rows = pd.DataFrame(random.normal(size=(40, 260)), columns=[f"f{i}" for i in range(260)])
    model, facet = told(follow, lambda: wide_fit(Ridge(), rows), "model")
    sizes = sorted(np.abs(model.coef_), reverse=True)
    assert sorted(facet["importances"].values(), reverse=True) == near(sizes[:200])
    assert facet["importance_details"] == {"kind": "coefficient", "left_out": 60}


def wide_fit(model, rows):
    """Fit a model on its first column."""
    return model.fit(rows, rows["f0"])


def test_work_beyond_the_budget_is_left_out_and_counted(follow, people, monkeypatch):
    """With no time left the facet says that none is listed, and of which kind they would be."""
    from headwater.capture.integrations.sklearn import importances

    monkeypatch.setattr(importances, "BUDGET_S", -1.0)
    _, facet = told_as(follow, trees()["forest"], people)
    assert facet["importances"] == {}
    assert facet["importance_details"] == {"kind": "impurity", "left_out": 3}


def test_the_estimator_and_chance_stay_as_they_were(follow, people):
    """The pickled model and numpy's random state are the same with capture and without it."""
    from sklearn.ensemble import RandomForestClassifier

    def fitted():
        np.random.seed(4)
        model = RandomForestClassifier(8).fit(people[COLUMNS], people["late"])
        return model, np.random.get_state()[1].tolist()

    plain, after_plain = fitted()
    followed = follow("pandas", "numpy", "sklearn")
    model, after_followed = fitted()
    followed.event()
    assert pickle.dumps(model) == pickle.dumps(plain)
    assert after_followed == after_plain


def test_a_later_fit_does_not_change_what_an_earlier_one_learned(follow, people):
    """``partial_fit`` writes into the same array: each checkpoint keeps the coefficients that it was saved with."""
    from sklearn.linear_model import SGDClassifier

    followed = follow("pandas", "numpy", "sklearn", "pickle")
    model = SGDClassifier(random_state=1)
    sizes = []
    for step in range(2):
        half = people.iloc[40 * step : 40 * step + 40]
        model.partial_fit(half[COLUMNS], half["late"], classes=[0, 1])
        sizes.append(np.abs(model.coef_[0]).tolist())
        with open(f"model_{step}.pkl", "wb") as file:  # noqa: PTH123 - what a script does
            pickle.dump(model, file)
    assert sizes[0] != sizes[1]
    for step in range(2):
        facet = followed.facets(f"model_{step}.pkl")["headwater_model"]
        assert facet["importances"] == near(dict(zip(COLUMNS, sizes[step], strict=True)))


def test_importances_are_no_part_of_the_version(follow, people, monkeypatch):
    """The recipe names the version: whether there was time for the importances does not."""
    from headwater.capture.integrations.sklearn import importances

    _, facet = told_as(follow, trees()["forest"], people)
    monkeypatch.setattr(importances, "BUDGET_S", -1.0)
    _, again = told_as(follow, trees()["forest"], people)
    assert facet["importances"] != again["importances"]
    assert facet["version"] == again["version"]


HOSTILE = """
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin


class Hostile(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return np.zeros(len(X))

    @property
    def feature_importances_(self):
        print("asked")
        raise RuntimeError("never ask")

    coef_ = feature_importances_


class Honest(Hostile):
    feature_importances_ = None

    def fit(self, X, y):
        self.feature_importances_ = np.array([0.25, 0.75])
        return super().fit(X, y)


rows = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [3.0, 1.0, 2.0]})
hostile = Hostile().fit(rows, [0, 1, 1])
honest = Honest().fit(rows, [0, 1, 1])
print(hostile.predict(rows).sum())
"""


def test_a_hostile_estimator_is_not_asked(project):
    """A property of the user's own is not looked into, so it cannot raise or print; a plain attribute is believed."""
    project.write("hostile.py", HOSTILE)
    plain, captured = project.plain("hostile.py"), project.captured("hostile.py")
    assert (captured.code, captured.out, captured.err) == (plain.code, plain.out, plain.err) == (0, "0.0\n", "")
    last = project.events[-1]
    models = {d["name"].rpartition("/")[2]: d["facets"].get("headwater_model") for d in last["outputs"]}
    assert "importances" not in models["hostile"]
    assert models["honest"]["importances"] == {"b": 0.75, "a": 0.25}
    assert models["honest"]["importance_details"] == {"kind": "given", "left_out": 0}
    assert "capture_errors" not in json.dumps(last)
