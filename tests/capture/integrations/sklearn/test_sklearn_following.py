"""scikit-learn is followed: sets, features, models, predictions, metrics; and does what it does without us."""

from __future__ import annotations

import inspect
import pickle
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sklearn")


@pytest.fixture
def loans(tmp_path):
    """A CSV file of sixty loans."""
    random = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "income": random.normal(50, 9, 60).round(2),
            "debt": random.normal(20, 5, 60).round(2),
            "region": random.choice(["a", "b", "c"], 60),
            "late": random.integers(0, 2, 60),
        }
    )
    frame.to_csv(tmp_path / "loans.csv", index=False)
    return tmp_path


def libraries(follow):
    """The libraries of a usual training script, followed."""
    return follow("pandas", "numpy", "sklearn", "joblib", "pickle")


def fitted_pipeline():
    """Split, preprocess, fit: the everyday script."""
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = pd.read_csv("loans.csv")
    X, y = frame[["income", "debt", "region"]], frame["late"]
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=5)
    prepare = ColumnTransformer([("num", StandardScaler(), ["income", "debt"]), ("cat", OneHotEncoder(), ["region"])])
    risk = Pipeline([("prepare", prepare), ("fit", LogisticRegression(C=0.5, random_state=1))])
    risk.fit(X_train, y_train)
    return risk, X_train, X_test, y_train, y_test


def test_the_chain_from_file_to_predictions(follow, loans):
    """Raw file, training set, model, test set, predictions: each edge, and the features by column."""
    followed = libraries(follow)
    risk, _, X_test, _, _ = fitted_pipeline()
    pd.DataFrame({"late": risk.predict(X_test)}).to_csv("predictions.csv", index=False)
    assert followed.sources("train") == {"loans.csv"}
    assert followed.sources("train", "debt") == {("loans.csv", "debt")}
    assert followed.sources("risk") == {"train"}
    assert followed.sources("risk", "num__income") == {("train", "income")}
    assert followed.sources("risk", "cat__region_b") == {("train", "region")}
    assert {"risk", "test"} <= followed.sources("predictions.csv")
    assert ("test", "debt") in followed.sources("predictions.csv", "late")
    predicted = followed.facets("predictions.csv")["headwater_predictions"]
    model = followed.facets("risk")["headwater_model"]
    assert predicted["model"]["version"] == model["version"]
    assert predicted["method"] == "predict"


@pytest.mark.parametrize("remainder", ["drop", "passthrough"])
@pytest.mark.parametrize("is_searched", [False, True])
def test_columns_that_a_pipeline_leaves_out_are_not_behind_its_predictions(remainder, is_searched, follow, loans):
    """Of what it is given, a prediction comes from the columns that the transformer in front lets through."""
    from sklearn.compose import make_column_transformer
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    followed = libraries(follow)
    frame = pd.read_csv("loans.csv").drop(columns="region")
    prepare = make_column_transformer((StandardScaler(), ["income"]), remainder=remainder)
    risk = make_pipeline(prepare, DecisionTreeClassifier(max_depth=2, random_state=0))
    if is_searched:
        risk = GridSearchCV(risk, {"decisiontreeclassifier__max_depth": [1, 2]}, cv=2)
    risk.fit(frame, frame["late"])
    predicted = risk.predict(frame)
    behind = {column for _, column in followed.columns(predicted)["prediction"]}
    assert "income" in behind
    assert ("debt" in behind) == (remainder == "passthrough")


def test_a_model_tells_parameters_features_and_training_data(follow, loans):
    """The model's facet holds what a rebuild needs, seeds included."""
    followed = libraries(follow)
    fitted_pipeline()
    model = followed.facets("risk")["headwater_model"]
    assert model["hyper_parameters"]["fit__C"] == 0.5
    assert model["features"] == [
        "num__income", "num__debt", "cat__region_a", "cat__region_b", "cat__region_c",
    ]  # fmt: skip
    assert model["training"]["name"] == "job/train"
    assert model["training"]["version"] == followed.facets("train")["headwater_fingerprint"]["exact"]
    assert model["preprocessing"][0]["parts"][1] == {"name": "cat", "class": "OneHotEncoder"}
    split = followed.facets("test")["headwater_split"]
    assert (split["role"], split["seed"], split["fraction"], split["rows"]) == ("test", 5, 0.25, 15)
    seeds = {(s["scope"], s["value"]) for s in followed.event()["run"]["facets"]["headwater_seeds"]["seeds"]}
    assert seeds == {("train_test_split.random_state", 5), ("Pipeline.fit__random_state", 1)}


def test_the_version_is_that_of_the_recipe(follow, loans):
    """Trained alike on the same data a model has one version; another parameter gives another."""
    from sklearn.linear_model import LogisticRegression

    followed = libraries(follow)
    risk, X_train, _, y_train, _ = fitted_pipeline()
    numbers = X_train[["income", "debt"]]
    first = LogisticRegression(random_state=1).fit(numbers, y_train)
    second = LogisticRegression(random_state=1).fit(numbers, y_train)
    third = LogisticRegression(random_state=1, C=0.1).fit(numbers, y_train)
    del risk, first, second, third
    versions = [followed.facets(name)["headwater_model"]["version"] for name in ("first", "second", "third")]
    assert versions[0] == versions[1] != versions[2]


def test_checkpoints_and_their_ancestry(follow, loans):
    """A model saved between two steps of training is a checkpoint; steps count; each knows the one before."""
    import joblib
    from sklearn.linear_model import SGDClassifier

    followed = libraries(follow)
    frame = pd.read_csv("loans.csv")
    X, y = frame[["income", "debt"]], frame["late"]
    learner = SGDClassifier(random_state=2)
    for epoch in range(3):
        learner.partial_fit(X, y, classes=[0, 1])
        joblib.dump(learner, f"epoch-{epoch}.joblib")
    kinds = [followed.facets(f"epoch-{e}.joblib")["datasetType"]["datasetType"] for e in range(3)]
    assert kinds == ["CHECKPOINT", "CHECKPOINT", "MODEL"]
    models = [followed.facets(f"epoch-{e}.joblib")["headwater_model"] for e in range(3)]
    assert [m.get("step", 1) for m in models] == [1, 2, 3]
    assert [m.get("parent", {}).get("version") for m in models] == [None, models[0]["version"], models[1]["version"]]


def test_metrics_know_what_they_were_measured_on(follow, loans):
    """accuracy_score, score and cross_val_score are results of the run."""
    followed = libraries(follow)
    from sklearn.metrics import accuracy_score
    from sklearn.model_selection import cross_val_score

    risk, X_train, X_test, y_train, y_test = fitted_pipeline()
    accuracy = accuracy_score(y_test, risk.predict(X_test))
    score = risk.score(X_test, y_test)
    folds = cross_val_score(risk, X_train, y_train, cv=3)
    metrics = followed.event()["run"]["facets"]["headwater_metrics"]["metrics"]
    found = {m["name"]: (m["value"], m.get("dataset", {}).get("name")) for m in metrics}
    assert found["accuracy_score"] == (accuracy, "job/test")
    assert found["Pipeline.score"] == (score, "job/test")
    assert found["cross_val_score.mean"] == (pytest.approx(folds.mean()), "job/train")


def test_search_tells_its_best(follow, loans):
    """A grid search is a model whose best parameters and score are kept."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    followed = libraries(follow)
    _, X_train, _, y_train, _ = fitted_pipeline()
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=3).fit(X_train[["income", "debt"]], y_train)
    facet = followed.facets("search")["headwater_model"]
    assert facet["best_parameters"] == search.best_params_
    assert facet["features"] == ["income", "debt"]


def test_a_saved_model_carries_its_lineage_to_the_next_script(follow, loans):
    """What is predicted with a loaded model comes from the model's file."""
    import joblib

    risk, _, X_test, _, _ = fitted_pipeline()
    joblib.dump(risk, "risk.joblib")
    X_test.to_csv("new.csv", index=False)
    followed = libraries(follow)
    loaded = joblib.load("risk.joblib")
    new = pd.read_csv("new.csv")
    new.assign(p=loaded.predict(new)).to_csv("scored.csv", index=False)
    assert {"risk.joblib", "new.csv"} <= followed.sources("scored.csv")
    assert followed.facets("risk.joblib")["datasetType"]["datasetType"] == "MODEL"


def test_shipped_and_generated_data_are_sources(follow):
    """load_* and make_* are where data comes from; a generator's seed is a fact."""
    followed = libraries(follow)
    from sklearn.datasets import load_iris, make_classification
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(random_state=0).fit(*load_iris(return_X_y=True))
    X, y = make_classification(n_samples=40, random_state=9)
    forest = DecisionTreeClassifier(random_state=0).fit(X, y)
    del tree, forest
    assert followed.sources("tree.training_data") == {"iris"}
    assert followed.sources("forest.training_data") == {"make_classification"}
    scopes = {s["scope"]: s["value"] for s in followed.event()["run"]["facets"]["headwater_seeds"]["seeds"]}
    assert scopes["make_classification.random_state"] == 9


def transformers():
    """Fitted transformers with what they make of two numbers and a category, by name of the output."""
    from sklearn.compose import make_column_transformer
    from sklearn.decomposition import PCA
    from sklearn.feature_selection import VarianceThreshold
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, OneHotEncoder, PolynomialFeatures, StandardScaler

    numbers = ["income", "debt"]
    return {
        "scaler": (StandardScaler(), numbers),
        "imputer": (SimpleImputer(), numbers),
        "polynomial": (PolynomialFeatures(2), numbers),
        "one_hot": (OneHotEncoder(sparse_output=False), ["region"]),
        "bins": (KBinsDiscretizer(3, encode="onehot-dense", quantile_method="averaged_inverted_cdf"), numbers),
        "selector": (VarianceThreshold(30.0), numbers),
        "pca": (PCA(2), numbers),
        "pipeline": (make_pipeline(SimpleImputer(), PolynomialFeatures(2), StandardScaler()), numbers),
        "union": (make_union(StandardScaler(), PolynomialFeatures(2)), numbers),
        "columns": (
            make_column_transformer((MinMaxScaler(), ["debt"]), ("passthrough", ["income"]), (OneHotEncoder(), [2])),
            ["income", "debt", "region"],
        ),
    }


@pytest.mark.parametrize("name", list(transformers()))
def test_features_come_from_their_columns_and_no_others(name, follow, loans):
    """Changing a column that is not behind a feature leaves the feature as it was."""
    followed = libraries(follow)
    transformer, columns = transformers()[name]
    frame = pd.read_csv("loans.csv")
    transformer.fit(frame[columns])
    made = transformer.transform(frame[columns])
    found = followed.columns(made)
    assert len(found) == made.shape[1]
    before = np.asarray(made.todense() if hasattr(made, "todense") else made, dtype=float)
    for column in columns:
        changed = frame.copy()
        changed[column] = (
            changed[column].map({"a": "b", "b": "c", "c": "a"}) if column == "region" else changed[column] + 3
        )
        after = transformer.transform(changed[columns])
        after = np.asarray(after.todense() if hasattr(after, "todense") else after, dtype=float)
        for position, (feature, sources) in enumerate(found.items()):
            if ("loans.csv", column) not in sources:
                assert np.array_equal(before[:, position], after[:, position]), f"{feature} changed with {column}"


def snippets():
    """Fits and predictions that must give the same with and without hooks."""
    from sklearn.cluster import KMeans
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.metrics import precision_score
    from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_validate
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    return {
        "forest": lambda X, y: RandomForestClassifier(5, random_state=0).fit(X, y).predict_proba(X),
        "linear": lambda X, y: LinearRegression().fit(X, y).predict(X),
        "bayes": lambda X, y: GaussianNB().fit(X, y).predict_log_proba(X),
        "neighbours": lambda X, y: KNeighborsClassifier(3).fit(X, y).score(X, y),
        "kmeans": lambda X, y: KMeans(2, random_state=0, n_init=1).fit_predict(X),
        "pandas_out": lambda X, y: StandardScaler().set_output(transform="pandas").fit_transform(X),
        "function": lambda X, y: FunctionTransformer(np.log1p).fit_transform(X),
        "grid": lambda X, y: GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=3).fit(X, y).predict(X),
        "cross": lambda X, y: cross_validate(LogisticRegression(), X, y, cv=3)["test_score"],
        "cross_predict": lambda X, y: cross_val_predict(LogisticRegression(), X, y, cv=3),
        "parameters": lambda X, y: sorted(LogisticRegression(C=3).get_params().items(), key=str),
        "names_differ": lambda X, y: LogisticRegression().fit(X, y).predict(X.to_numpy()),
        "not_converged": lambda X, y: LogisticRegression(max_iter=1).fit(X * 100, y).predict(X),
        "undefined_metric": lambda X, y: precision_score(y, y * 0),
        "deprecated": lambda X, y: (
            LogisticRegression(penalty="l1", solver="saga", random_state=1, max_iter=5).fit(X, y).coef_
        ),
        "unfitted": lambda X, y: LogisticRegression().predict(X),
        "wrong": lambda X, y: LogisticRegression(C=-1).fit(X, y),
    }


def outcome(snippet):
    """Result or error, and warnings with the line they point at."""
    random = np.random.default_rng(1)
    X, y = pd.DataFrame(random.random((30, 3)), columns=["a", "b", "c"]), random.integers(0, 2, 30)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            result = snippet(X, y)
        except (TypeError, ValueError) as error:
            result = (type(error), str(error))
    return result, [(str(w.message), w.category, w.filename, w.lineno) for w in seen]


@pytest.mark.parametrize("name", list(snippets()))
def test_results_errors_and_warnings_are_the_same(name, follow):
    """With hooks each call gives what it gives without."""
    plain, plain_warnings = outcome(snippets()[name])
    libraries(follow)
    seen, seen_warnings = outcome(snippets()[name])
    assert type(plain) is type(seen)
    assert np.array_equal(np.asarray(plain, dtype=object), np.asarray(seen, dtype=object))
    assert plain_warnings == seen_warnings


def test_pickles_and_signatures_are_the_same(follow, loans):
    """A fitted model's bytes, its methods' signatures and metadata routing do not know of the hooks."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    plain = pickle.dumps(fitted_pipeline()[0])
    signature = inspect.signature(LogisticRegression.fit)
    libraries(follow)
    assert pickle.dumps(fitted_pipeline()[0]) == plain
    assert inspect.signature(LogisticRegression.fit) == signature
    assert not hasattr(Pipeline([("m", LogisticRegression())]), "transform")


def test_an_estimator_of_the_users_own_is_followed(follow, loans):
    """A class made after the hooks, as a script makes it, is hooked when it is made."""
    from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin

    followed = libraries(follow)

    class Majority(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.value_ = int(pd.Series(y).mode()[0])
            return self

        def predict(self, X):
            return np.full(len(X), self.value_)

    class Halved(TransformerMixin, BaseEstimator):
        def fit(self, X, y=None):
            return self

        def transform(self, X):
            return X / 2

    frame = pd.read_csv("loans.csv")
    halves = Halved().fit_transform(frame[["income", "debt"]])
    majority = Majority().fit(halves, frame["late"])
    majority.predict(halves)
    assert followed.sources("majority") == {"majority.training_data"}
    assert followed.sources("majority.training_data") == {"loans.csv"}


def test_the_hooks_leave_no_trace():
    """After removal the methods of estimators are the identical objects they were."""
    import sklearn
    from sklearn.base import BaseEstimator
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    from headwater.capture.hooks import Hooks
    from headwater.capture.integrations.sklearn import SklearnIntegration

    owners = (BaseEstimator, LogisticRegression, Pipeline)
    before = [dict(vars(owner)) for owner in owners]
    hooks = Hooks("sklearn")
    SklearnIntegration().install(hooks, sklearn)
    assert dict(vars(LogisticRegression)) != before[1]
    hooks.remove()
    assert [dict(vars(owner)) for owner in owners] == before


def test_a_long_loop_of_fits_is_not_a_thousand_sets(follow, loans):
    """Beyond ten models of one line the name is shared; the latest of them is described, with its own training set."""
    from sklearn.linear_model import LinearRegression

    followed = libraries(follow)
    frame = pd.read_csv("loans.csv")
    for size in range(20, 50):
        part = frame.head(size)
        model = LinearRegression().fit(part[["debt"]], part["income"])
    assert model.coef_.shape == (1,)
    names = {item.ref.name for item in followed.recorder.items if hasattr(item, "facets")}
    assert len(names) == 20
    profiled = [item for item in followed.recorder.items if hasattr(item, "facets") and item.snapshot is not None]
    assert len(profiled) == 10
    last = followed.facets("model_10")["headwater_model"]["training"]
    data = followed.facets("model_10.training_data")
    assert last["version"] == data["headwater_fingerprint"]["exact"]
    assert followed.sources("model_10.training_data", "debt") == {("loans.csv", "debt")}


@pytest.mark.parametrize(
    "name", ["make_spd_matrix", "make_low_rank_matrix", "make_biclusters", "make_moons", "load_iris"]
)
def test_what_scikit_learn_ships_or_makes_is_a_source(name, follow):
    """A loader or generator is a source by its name, whatever it gives: one matrix, a tuple, a bunch."""
    from sklearn import datasets

    arguments = {"make_spd_matrix": (4,), "make_low_rank_matrix": (4, 3), "make_biclusters": ((6, 4), 2)}
    followed = follow("numpy", "sklearn")
    result = getattr(datasets, name)(*arguments.get(name, ()))
    data = result[0] if isinstance(result, tuple) else result if isinstance(result, np.ndarray) else result.data
    assert followed.columns(data)
    (source,) = followed.event()["inputs"]
    assert (source["namespace"], source["name"]) == ("sklearn", name.removeprefix("load_"))


def test_methods_lent_by_mixins_of_late_modules(project):
    """``predict`` of a linear classifier stands in a mixin that is loaded after scikit-learn's base: seen all the same,
    as is every method of every estimator."""
    project.write(
        "train.py",
        "import pandas as pd\n"
        "from sklearn.utils import all_estimators\n"
        "from sklearn.linear_model import RidgeClassifier\n"
        "names = ('fit', 'predict', 'predict_proba', 'transform', 'score', 'fit_transform', 'decision_function')\n"
        "for _, cls in all_estimators():\n"
        "    for name in names:\n"
        "        owner = next((part for part in cls.__mro__ if name in vars(part)), None)\n"
        "        if owner is not None and not hasattr(vars(owner)[name], '_headwater_hook'):\n"
        "            print(owner.__name__, name)\n"
        "frame = pd.DataFrame({'a': [1.0, 2, 3, 4], 'y': [0, 0, 1, 1]})\n"
        "frame.to_csv('raw.csv', index=False)\n"
        "frame = pd.read_csv('raw.csv')\n"
        "model = RidgeClassifier().fit(frame[['a']], frame['y'])\n"
        "pd.DataFrame({'p': model.predict(frame[['a']])}).to_csv('predictions.csv', index=False)\n",
    )
    assert project.captured("train.py") == (0, "", "")
    entries = project.events[-1]["job"]["facets"]["lineage"]["entries"]
    made = next(entry for entry in entries if entry["name"].endswith("predictions.csv"))
    assert {item["name"].rpartition("/")[2] for item in made["inputs"]} == {"model", "raw.csv"}
    assert {item["field"] for item in made["fields"]["p"]["inputs"]} == {"a"}


def test_the_table_of_a_search_comes_from_the_search(follow, loans):
    """What was tried, written to a file, is made by the search."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    followed = libraries(follow)
    _, X_train, _, y_train, _ = fitted_pipeline()
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=3).fit(X_train[["income", "debt"]], y_train)
    tried = {name: column for name, column in search.cv_results_.items() if name.startswith("mean_")}
    pd.DataFrame(tried).to_csv("tried.csv", index=False)
    assert followed.sources("tried.csv") == {"search"}


def test_what_a_transformer_learnt_decides_about_what_it_makes(follow, loans):
    """Rows scaled by statistics of other rows: their values are their own, column by column, the others' decided; a
    score on them is a score on their set, not on the one that the scaler learnt from."""
    followed = libraries(follow)
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    frame = pd.read_csv("loans.csv")
    X_train, X_test, y_train, y_test = train_test_split(frame[["income", "debt"]], frame["late"], random_state=5)
    scaler = StandardScaler().fit(X_train)
    model = LogisticRegression().fit(scaler.transform(X_train), y_train)
    model.score(scaler.transform(X_test), y_test)
    scaled = scaler.transform(X_test)
    assert followed.direct(scaled, "debt") == {"debt": "TRANSFORMATION"}
    assert followed.columns(scaled)["debt"] == {("test", "debt"), ("train", "debt")}
    (metric,) = followed.event()["run"]["facets"]["headwater_metrics"]["metrics"]
    assert metric["dataset"]["name"].endswith("/test")


def test_a_transformer_of_one_column_is_exact(follow, loans):
    """Labels encoded as numbers come from their column and from nothing else; neither does a frame that only once
    held a prediction come from the model."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import LabelEncoder

    followed = libraries(follow)
    frame = pd.read_csv("loans.csv")
    frame["region"] = LabelEncoder().fit_transform(frame["region"])
    model = LogisticRegression().fit(frame[["income", "debt"]], frame["late"])
    frame["guess"] = model.predict(frame[["income", "debt"]])
    frame[["region", "debt"]].to_csv("out.csv", index=False)
    assert followed.direct(frame, "region") == {"region": "TRANSFORMATION"}
    assert followed.sources("out.csv") == {"loans.csv"}


def test_text_features_too_many_to_name_come_from_their_column(follow, tmp_path):
    """A vectoriser of text: the model has no names for its thousands of features, and is made of the text."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB

    pd.DataFrame(
        {"text": [f"w{i} w{i + 1} and a word" for i in range(6_000)], "spam": [0, 1] * 3_000, "id": range(6_000)}
    ).to_csv("mail.csv", index=False)
    followed = libraries(follow)
    frame = pd.read_csv("mail.csv")
    counts = CountVectorizer().fit_transform(frame["text"])
    assert followed.columns(counts)["*"] == {("mail.csv", "text")}
    model = MultinomialNB()
    model.fit(counts, frame["spam"])
    assert followed.sources("model.training_data", "x17") == {("mail.csv", "text")}
    inputs = followed.entries()["model"]["inputs"]
    decided = {(item["field"], item["transformations"][0]["type"]) for item in inputs if "field" in item}
    assert {("spam", "INDIRECT"), ("x17", "DIRECT")} <= decided


class Bundle:
    """A model with its scaler, as an application keeps them."""

    def __init__(self, model, scaler):
        self.model, self.scaler = model, scaler


@pytest.mark.parametrize("form", ["tuple", "dictionary", "instance"])
@pytest.mark.parametrize("library", ["pickle", "joblib"])
def test_a_model_saved_with_what_goes_with_it(follow, loans, form, library):
    """A tuple, a dictionary or an instance that holds a model is a model file: it comes from what it holds, and what is
    made with its parts after loading comes from the file."""
    import joblib
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    followed = libraries(follow)
    frame = pd.read_csv("loans.csv")
    scaler = StandardScaler().fit(frame[["income", "debt"]])
    risk = LogisticRegression()
    risk.fit(scaler.transform(frame[["income", "debt"]]), frame["late"])
    held = {"tuple": (risk, scaler), "dictionary": {"m": [risk], "s": scaler}, "instance": Bundle(risk, scaler)}[form]
    dump, load = (joblib.dump, joblib.load) if library == "joblib" else (_dump, _load)
    dump(held, "held.bin")
    back = load("held.bin")
    model, scaler = {"tuple": lambda: back, "dictionary": lambda: (back["m"][0], back["s"])}.get(
        form, lambda: (back.model, back.scaler)
    )()
    pd.DataFrame({"late": model.predict(scaler.transform(frame[["income", "debt"]]))}).to_csv("out.csv", index=False)
    assert followed.sources("held.bin") == {"risk", "loans.csv"}
    assert ("risk", "income") in followed.sources("held.bin", "income")
    assert followed.facets("held.bin")["datasetType"]["datasetType"] == "MODEL"
    assert followed.facets("held.bin")["headwater_model"]["class"].endswith("LogisticRegression")
    assert followed.sources("out.csv") == {"held.bin", "loans.csv"}
    made = followed.facets("out.csv")["headwater_predictions"]
    assert (made["model"]["name"].rpartition("/")[2], made["method"]) == ("held.bin", "predict")


def _dump(held, name):
    with Path(name).open("wb") as handle:
        pickle.dump(held, handle)


def _load(name):
    with Path(name).open("rb") as handle:
        return pickle.load(handle)


def test_data_pickled_together_keeps_its_columns(follow, loans):
    """A tuple of a frame and a column in one file: both come out as what went in, by column."""
    followed = libraries(follow)
    frame = pd.read_csv("loans.csv")
    _dump((frame[["income"]], frame["late"], ["names"]), "data.pkl")
    X, y, _ = _load("data.pkl")
    pd.DataFrame({"i": X["income"], "y": y}).to_csv("out.csv", index=False)
    assert followed.sources("data.pkl", "income") == {("loans.csv", "income")}
    assert followed.sources("out.csv", "y") == {("data.pkl", "late")}
    assert followed.sources("out.csv", "i") == {("data.pkl", "income")}


def test_the_best_of_a_search_is_the_model(follow, loans):
    """``best_estimator_``, saved by itself, comes from the model that the search is; a prediction of it too. Columns
    filled with their own means come each from itself."""
    import joblib
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    followed = libraries(follow)
    frame = pd.read_csv("loans.csv")
    numbers = ["income", "debt"]
    frame[numbers] = frame[numbers].fillna(frame[numbers].mean())
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=3)
    search.fit(frame[numbers], frame["late"])
    joblib.dump(search.best_estimator_, "best.joblib")
    pd.DataFrame({"late": search.best_estimator_.predict(frame[numbers])}).to_csv("out.csv", index=False)
    assert followed.columns(frame)["debt"] == {("loans.csv", "debt")}
    assert followed.sources("best.joblib") == {"search"}
    assert followed.sources("out.csv") == {"search", "loans.csv"}
    assert followed.facets("out.csv")["headwater_predictions"]["method"] == "predict"


def test_a_file_of_sparse_rows(follow, tmp_path, monkeypatch):
    """``load_svmlight_file``: X and y come from that file, feature by feature."""
    monkeypatch.chdir(tmp_path)
    Path("rows.txt").write_text("".join(f"{i % 2} 1:{i / 7} 2:{i % 5}\n" for i in range(40)))
    followed = libraries(follow)
    from sklearn.datasets import load_svmlight_file
    from sklearn.linear_model import LogisticRegression

    X, y = load_svmlight_file("rows.txt")
    model = LogisticRegression().fit(X, y)
    del model
    assert followed.sources("model.training_data", "x1") == {("rows.txt", "x1")}
    assert followed.sources("model.training_data", "target") == {("rows.txt", "target")}
