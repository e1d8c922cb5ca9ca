"""What is taken out of a fitted model comes from it: coefficients, importances, labels, tables of searches."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

COLUMNS = ["a", "b", "c"]
EACH = {("model", name) for name in COLUMNS}


@pytest.fixture
def numbers(tmp_path, monkeypatch):
    """Sixty rows of three columns and a label, in a file."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(5)
    frame = pd.DataFrame(random.normal(size=(60, 3)).round(3), columns=COLUMNS)
    frame["y"] = (frame["a"] > 0).astype(int)
    frame.to_csv("numbers.csv", index=False)
    return tmp_path


@pytest.fixture
def followed(follow, numbers):
    """pandas, numpy and scikit-learn, followed."""
    return follow("pandas", "numpy", "sklearn")


def is_exact(followed, target):
    """Whether no edge into a target is a guess."""
    return "inferred" not in str(followed.entries()[target]) and "INFERRED" not in str(followed.entries()[target])


def test_what_is_changed_in_place_stays_of_the_model(followed):
    """A row of ``coef_`` that is divided by its sum, and put into a series, comes from the model, exactly."""
    from sklearn.linear_model import LogisticRegression

    data = pd.read_csv("numbers.csv")
    model = LogisticRegression().fit(data[COLUMNS], data["y"])
    weights = model.coef_[0]
    weights /= weights.sum()
    pd.Series(weights, COLUMNS).to_csv("weights.csv")
    assert followed.sources("weights.csv", "0") == EACH
    assert is_exact(followed, "weights.csv")


def test_importances_are_a_property(followed):
    """``feature_importances_`` is computed at every read: it comes from the model as it was then."""
    from sklearn.ensemble import RandomForestClassifier

    data = pd.read_csv("numbers.csv")
    model = RandomForestClassifier(n_estimators=3, random_state=0).fit(data[COLUMNS], data["y"])
    table = pd.DataFrame({"feature": COLUMNS, "importance": model.feature_importances_})
    table.sort_values("importance", ascending=False).to_csv("importances.csv")
    assert followed.sources("importances.csv", "importance") == EACH
    assert followed.sources("importances.csv", "feature") == set()
    assert is_exact(followed, "importances.csv")


def test_a_tree_of_a_forest_is_of_the_forest(followed):
    """Estimators inside another are of it, and so is what they hand out."""
    from sklearn.ensemble import RandomForestClassifier

    data = pd.read_csv("numbers.csv")
    model = RandomForestClassifier(n_estimators=3, random_state=0).fit(data[COLUMNS], data["y"])
    pd.DataFrame({"first": model.estimators_[0].feature_importances_}).to_csv("tree.csv")
    assert followed.sources("tree.csv", "first") == EACH
    assert is_exact(followed, "tree.csv")


def test_labels_of_clusters_come_from_the_model_and_its_rows(followed):
    """``labels_`` put beside the data comes from the model and the columns it was fitted on; the file is a log of what
    it said."""
    from sklearn.cluster import KMeans

    data = pd.read_csv("numbers.csv")
    model = KMeans(2, n_init=1, random_state=0).fit(data[COLUMNS])
    data["cluster"] = model.labels_
    data.to_csv("clusters.csv", index=False)
    rows = {("model.training_data", name) for name in COLUMNS}
    assert followed.sources("clusters.csv", "cluster") == EACH | rows
    assert followed.sources("clusters.csv", "a") == {("numbers.csv", "a")}
    assert followed.facets("clusters.csv")["datasetType"]["datasetType"] == "PREDICTIONS"


def test_centres_and_components_have_a_column_for_each_feature(followed):
    """``cluster_centers_`` and ``components_``: each column is of its feature; the others decided with it."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    data = pd.read_csv("numbers.csv")
    model = KMeans(2, n_init=1, random_state=0).fit(data[COLUMNS])
    pd.DataFrame(model.cluster_centers_, columns=COLUMNS).to_csv("centres.csv")
    pca = PCA(2).fit(data[COLUMNS])
    pd.DataFrame(pca.components_, columns=COLUMNS).to_csv("components.csv")
    assert followed.sources("centres.csv", "b") == {("model", "b")}
    assert followed.sources("components.csv", "b") == {("pca", "b")}
    assert is_exact(followed, "centres.csv") and is_exact(followed, "components.csv")


def test_the_table_of_a_search(followed):
    """``pd.DataFrame(search.cv_results_)``: every column of numbers comes from the search."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    data = pd.read_csv("numbers.csv")
    model = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2).fit(data[COLUMNS], data["y"])
    pd.DataFrame(model.cv_results_)[["param_C", "mean_test_score"]].to_csv("tried.csv")
    assert followed.sources("tried.csv", "mean_test_score") == EACH
    assert followed.sources("tried.csv", "param_C") == EACH
    assert is_exact(followed, "tried.csv")


@pytest.mark.parametrize("way", ["named_steps", "best_estimator_"])
def test_the_last_step_of_a_pipeline_is_the_pipeline(followed, way):
    """Coefficients of the last step, of a pipeline alone or the best of a search, come from the whole."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = pd.read_csv("numbers.csv")
    model = make_pipeline(StandardScaler(), LogisticRegression())
    if way == "best_estimator_":
        model = GridSearchCV(model, {"logisticregression__C": [0.1, 1.0]}, cv=2)
    model.fit(data[COLUMNS], data["y"])
    chosen = model.best_estimator_ if way == "best_estimator_" else model
    coefficients = chosen.named_steps["logisticregression"].coef_
    pd.DataFrame(coefficients, columns=COLUMNS).to_csv("coefficients.csv")
    assert followed.sources("coefficients.csv", "c") == {("model", "c")}
    assert is_exact(followed, "coefficients.csv")


def test_numbers_of_a_model_in_a_table(followed):
    """An elbow table: one ``inertia_`` a model, appended in a loop, each from its own model."""
    from sklearn.cluster import KMeans

    data = pd.read_csv("numbers.csv")
    rows = []
    for count in (2, 3):
        model = KMeans(count, n_init=1, random_state=0).fit(data[COLUMNS])
        rows.append({"count": count, "inertia": model.inertia_})
    pd.DataFrame(rows).to_csv("elbow.csv", index=False)
    each = {(name, column) for name in ("model", "model_2") for column in COLUMNS}
    assert followed.sources("elbow.csv", "inertia") == each
    assert followed.sources("elbow.csv", "count") == set()


def test_what_a_user_gave_is_not_learned(followed):
    """An estimator that keeps its training data (``X_train_``) has not made it: what is cut out of the data afterwards
    comes from the file."""
    from sklearn.gaussian_process import GaussianProcessRegressor

    data = pd.read_csv("numbers.csv")
    X = data[COLUMNS].to_numpy()
    model = GaussianProcessRegressor(copy_X_train=False).fit(X, data["y"].to_numpy())
    assert model.X_train_ is X
    pd.DataFrame(X[:, 1:], columns=["b", "c"]).to_csv("part.csv")
    assert not {name for name, _ in followed.sources("part.csv", "b")} & {"model"}


def test_a_model_that_is_fitted_again_keeps_what_it_gave_before(followed):
    """Coefficients of two fits of one object, kept in a list, come from one model each."""
    from sklearn.linear_model import LogisticRegression

    data = pd.read_csv("numbers.csv")
    model = LogisticRegression()
    kept = []
    for strength in (0.1, 10.0):
        model.set_params(C=strength).fit(data[COLUMNS], data["y"])
        kept.append(model.coef_[0])
    pd.DataFrame({"weak": kept[0], "strong": kept[1]}).to_csv("path.csv")
    assert {name for name, _ in followed.sources("path.csv", "weak")} == {"model"}
    assert {name for name, _ in followed.sources("path.csv", "strong")} == {"model_2"}


MEASURES = {
    "confusion": "pd.DataFrame(metrics.confusion_matrix(y, told), columns=['no', 'yes'])",
    "report": "pd.DataFrame(metrics.classification_report(y, told, output_dict=True)).T[['recall']]",
    "curve": "pd.DataFrame({'rate': metrics.roc_curve(y, model.predict_proba(X)[:, 1])[1]})",
    "permuted": "pd.DataFrame({'mean': permutation_importance(model, X, y, n_repeats=2).importances_mean})",
}


@pytest.mark.parametrize("measure", MEASURES)
def test_what_is_measured_comes_from_model_and_rows(followed, measure):
    """Matrices, reports, curves and permutation importances come from the labels, the rows and the model."""
    from sklearn import metrics
    from sklearn.inspection import permutation_importance
    from sklearn.tree import DecisionTreeClassifier

    data = pd.read_csv("numbers.csv")
    X, y = data[COLUMNS], data["y"]
    model = DecisionTreeClassifier(max_depth=1, random_state=0).fit(X, y)
    told = model.predict(X)
    names = {"pd": pd, "metrics": metrics, "permutation_importance": permutation_importance}
    eval(MEASURES[measure], {**names, "X": X, "y": y, "told": told, "model": model}).to_csv("measured.csv")
    fields = followed.entries()["measured.csv"]["fields"]
    for name in fields:
        assert {("model", "a"), ("model.training_data", "y")} <= followed.sources("measured.csv", name), name
    assert is_exact(followed, "measured.csv")


def test_similarities_of_rows(followed):
    """A matrix of similarities, of rows and of text, comes from the columns of these rows, and is no guess."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.metrics.pairwise import cosine_similarity

    data = pd.read_csv("numbers.csv")
    pd.DataFrame(cosine_similarity(data[["a", "b"]])).to_csv("alike.csv")
    words = CountVectorizer().fit_transform(data["c"].astype(str) + " word")
    pd.DataFrame(cosine_similarity(words, words)).to_csv("texts.csv")
    assert followed.sources("alike.csv", "0") == {("numbers.csv", "a"), ("numbers.csv", "b")}
    assert followed.sources("texts.csv", "0") == {("numbers.csv", "c")}
    assert is_exact(followed, "alike.csv")
    assert is_exact(followed, "texts.csv")


def test_mutual_information_by_column(followed):
    """A score for each column, of the columns and the label."""
    from sklearn.feature_selection import mutual_info_classif

    data = pd.read_csv("numbers.csv")
    found = mutual_info_classif(data[COLUMNS], data["y"], random_state=0)
    pd.Series(found, index=COLUMNS).to_csv("scores.csv")
    assert followed.sources("scores.csv", "0") == {("numbers.csv", name) for name in (*COLUMNS, "y")}
