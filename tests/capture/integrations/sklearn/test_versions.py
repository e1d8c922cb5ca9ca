"""The version of a model is that of its recipe: equal in run after run, and another for another recipe."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sklearn")


@pytest.fixture
def versions(follow, tmp_path):
    """Runs a function on a training set, with everything followed, and gives the versions of the models it returns by
    name."""
    random = np.random.default_rng(1)
    data = pd.DataFrame({"a": random.random(60), "b": random.random(60)})
    data.assign(y=(data["a"] > 0.5).astype(int)).to_csv("t.csv", index=False)

    def run(fit):
        followed = follow("pandas", "numpy", "sklearn")
        from sklearn.model_selection import train_test_split

        frame = pd.read_csv("t.csv")
        X, _, y, _ = train_test_split(frame[["a", "b"]], frame["y"], random_state=0)
        models = fit(X, y)
        facets = {name: followed.facets(name)["headwater_model"] for name in models}
        assert not any("unset_seeds" in facet for facet in facets.values())
        followed.stop()
        return {name: facet["version"] for name, facet in facets.items()}

    return run


def seedless(X, y):
    """Models without a seed: those that need none, and those that do."""
    from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
    from sklearn.model_selection import GridSearchCV, KFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    linear = LinearRegression().fit(X, y)
    ridge = Ridge().fit(X, y)
    machine = SVC().fit(X, y)
    piped = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    search = GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=3).fit(X, y)
    drawn_ridge = Ridge(solver="saga").fit(X, y)
    drawn_search = GridSearchCV(Ridge(), {"solver": ["saga", "auto"]}, cv=3).fit(X, y)
    drawn_folds = GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=KFold(3, shuffle=True)).fit(X, y)
    tree = DecisionTreeClassifier().fit(X, y)
    return {name for name, item in locals().items() if hasattr(item, "n_features_in_") and not isinstance(item, type)}


def test_a_model_that_no_seed_matters_to_keeps_its_version(versions):
    """Run after run, where the solver in use does not draw numbers; a model that depends on chance has a new one."""
    first, second = versions(seedless), versions(seedless)
    assert {name for name in first if first[name] == second[name]} == {"linear", "ridge", "machine", "piped", "search"}
    assert {"drawn_ridge", "drawn_search", "drawn_folds", "tree"} <= first.keys()


def prepared(X, y):
    """Models of one class, fitted on the same rows prepared in different ways."""
    from sklearn.linear_model import LinearRegression
    from sklearn.preprocessing import StandardScaler

    plain = LinearRegression().fit(X, y)
    again = LinearRegression().fit(X, y)
    rows = StandardScaler().fit_transform(X)
    scaled = LinearRegression().fit(rows, y)
    rows = StandardScaler(with_std=False).fit_transform(X)
    shifted = LinearRegression().fit(rows, y)
    logged = LinearRegression().fit(np.log1p(X), y)
    doubled = LinearRegression().fit(X * 2, y)
    tripled = LinearRegression().fit(X * 3, y)
    return {name for name, item in locals().items() if hasattr(item, "n_features_in_")}


def test_what_was_done_to_the_rows_is_part_of_the_recipe(versions):
    """A model of scaled rows is another than one of the rows as they are; its version was the same."""
    found = versions(prepared)
    assert found["plain"] == found["again"]
    assert len(set(found.values())) == len(found) - 1
    assert found == versions(prepared)


def folds(X, y):
    """Two searches that differ in the number of folds alone."""
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV, KFold

    three = GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=KFold(3)).fit(X, y)
    four = GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=KFold(4)).fit(X, y)
    return {name for name, item in locals().items() if hasattr(item, "best_score_")}


def test_a_splitter_is_a_parameter_as_it_is_spelled(versions):
    """Its class alone does not tell how many folds it makes."""
    assert len(set(versions(folds).values())) == 2
