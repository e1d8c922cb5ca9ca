"""A set holds what its rows are known by: its index; and its schema calls its columns as its edges do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sklearn")


@pytest.fixture
def houses(follow):
    """A frame of forty houses under their numbers, and what is known of it."""
    random = np.random.default_rng(4)
    frame = pd.DataFrame(
        {
            "id": [f"h{i}" for i in range(40)],
            "rooms": random.integers(1, 9, 40),
            "area": random.normal(80, 20, 40).round(1),
            "price": random.normal(200, 50, 40).round(1),
        }
    )
    frame.to_csv("houses.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn")
    return followed, pd.read_csv("houses.csv").set_index("id")


def split(frame):
    """The rows of both sides, and a model of the first."""
    from sklearn.linear_model import LinearRegression
    from sklearn.model_selection import train_test_split

    X_train, X_test, y_train, y_test = train_test_split(frame[["rooms", "area"]], frame["price"], random_state=0)
    model = LinearRegression().fit(X_train, y_train)
    return X_train, X_test, y_train, y_test, model


def test_ids_out_of_the_index_of_a_set(houses):
    """They come from the set, beside predictions, as an index and after ``reset_index``; the set has them from the
    file. They decide nothing about the model."""
    followed, frame = houses
    _, X_test, _, y_test, model = split(frame)
    beside = pd.DataFrame({"id": X_test.index, "price": model.predict(X_test)})
    labels = pd.DataFrame({"id": y_test.index, "price": y_test.values})
    as_index = pd.Series(model.predict(X_test), index=X_test.index, name="price").reset_index()
    copied = X_test.copy()
    copied["price"] = model.predict(X_test)
    for made in (beside, labels, as_index, copied.reset_index()):
        assert followed.columns(made)["id"] == {("test", "id")}
    assert followed.columns(as_index)["price"] == followed.columns(beside)["price"]
    assert followed.sources("test", "id") == {("houses.csv", "id")}
    learned = followed.entries()["model"]["inputs"]
    assert {(i["name"].rpartition("/")[2], i.get("field")) for i in learned} == {("train", None), ("train", "price")}


def test_ids_of_what_a_model_learned_from(houses):
    """Rows that were never split are a set too, and hold their index."""
    from sklearn.linear_model import LinearRegression

    followed, frame = houses
    X, y = frame[["rooms", "area"]], frame["price"]
    model = LinearRegression().fit(X, y)
    made = pd.DataFrame({"id": X.index, "price": model.predict(X)})
    assert followed.columns(made)["id"] == {("model.training_data", "id")}
    assert followed.sources("model.training_data", "id") == {("houses.csv", "id")}


def test_an_index_that_is_called_as_a_column_is_not_taken_for_it(houses):
    """The column of that name stays what it was."""
    followed, frame = houses
    frame.index.name = "rooms"
    X_train, *_ = split(frame)
    assert followed.columns(X_train)["rooms"] == {("train", "rooms")}
    assert followed.sources("train", "rooms") == {("houses.csv", "rooms")}


def schema(followed, name):
    """The names of the columns in the schema of a dataset, in order, and those that have metrics and digests."""
    facets = followed.facets(name)
    fields = facets["schema"]["fields"]
    assert [field["ordinal_position"] for field in fields] == list(range(1, len(fields) + 1))
    names = [field["name"] for field in fields]
    assert set(facets["dataQualityMetrics"]["columnMetrics"]) <= set(names)
    assert set(facets["headwater_fingerprint"]["columns"]) == set(names)
    return names


def test_the_index_of_both_parts_is_one_column(houses):
    """X and y have the same index: the schema of the set names it once."""
    followed, frame = houses
    split(frame)
    assert schema(followed, "train") == ["id", "rooms", "area", "price"]
    assert set(followed.entries()["train"]["fields"]) == set(schema(followed, "train"))


def test_the_schema_of_transformed_rows_has_the_names_of_the_features(houses):
    """An array names no columns; the set that it is calls them as its edges do. Its digests are those of the array."""
    from sklearn.linear_model import LinearRegression
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    from headwater.capture import profiling

    followed, frame = houses
    X_train, _, y_train, _, _ = split(frame.reset_index(drop=True))
    scaled = StandardScaler().fit_transform(X_train)
    second = LinearRegression().fit(scaled, y_train.values)
    squares = PolynomialFeatures(2, include_bias=False).fit_transform(frame[["rooms", "area"]])
    third = LinearRegression().fit(squares, frame["price"].to_numpy())
    plain = LinearRegression().fit(np.arange(20.0).reshape(10, 2), list(range(10)))
    assert second.n_features_in_ == plain.n_features_in_ == 2
    assert third.n_features_in_ == 5
    for name in ("third.training_data", "plain.training_data"):
        assert set(schema(followed, name)) == set(followed.entries()[name]["fields"])
    assert schema(followed, "third.training_data")[:3] == ["rooms", "area", "rooms^2"]
    assert schema(followed, "plain.training_data") == ["x0", "x1", "label"]
    bare = profiling.profile(squares).fingerprint
    named = profiling.profile(profiling.snapshot(squares, tuple("abcde"))).fingerprint
    assert list(named.columns) == list("abcde")
    assert (named.exact, named.multiset, named.schema) == (bare.exact, bare.multiset, bare.schema)
    assert list(named.columns.values()) == list(bare.columns.values())


def flipped(y, share, rng):
    """The labels with some of them changed, out of sight."""
    changed = y.copy()
    classes = np.unique(y)
    for place in rng.choice(len(y), size=int(len(y) * share), replace=False):
        changed[place] = rng.choice(classes[classes != changed[place]])
    return changed


def test_splits_in_a_loop_are_not_of_one_another(follow):
    """Labels that plain Python changed come from the labels, as a guess; never from the sets of the round before."""
    followed = follow("pandas", "numpy", "sklearn")
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    data = load_breast_cancer()
    X, y = data.data, data.target
    for share in (0.0, 0.1, 0.2):
        labels = flipped(y, share, np.random.default_rng(0))
        X_train, X_test, y_train, y_test = train_test_split(X, labels, test_size=0.3, random_state=0)
        assert len(np.unique(np.concatenate([y_train, y_test]))) == 2
    for name in ("train", "test"):
        assert followed.sources(name) == {"breast_cancer"}
        assert followed.sources(name, "label") == {("breast_cancer", "target")}
        assert "inferred" in str(followed.entries()[name]["fields"]["label"])
    assert len(X_train) + len(X_test) == len(X)


def bundles():
    """Copies of what a loader gave, made out of sight."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    return [(data.data.astype(np.float32), data.target.copy())]


def test_a_guess_by_length_looks_at_the_width_too(follow):
    """A matrix that nobody saw being made is not taken for the labels, which are as long and came later."""
    followed = follow("pandas", "numpy", "sklearn")
    from sklearn.model_selection import train_test_split

    for X, y in bundles():
        X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    assert len(X_train) + len(X_test) == len(y_train) + len(y_test)
    fields = followed.entries()["train"]["fields"]
    found = {name: {item.get("field") for item in entry["inputs"]} for name, entry in fields.items()}
    assert found["target"] == {"target"}
    assert all("target" not in columns for name, columns in found.items() if name != "target")


def test_a_label_that_is_called_like_the_index(houses):
    """Both are in the set: the index, which came from nothing, has its own name there."""
    from sklearn.linear_model import LogisticRegression

    followed, frame = houses
    X = frame[["rooms", "area"]]
    y = (frame["price"] > frame["price"].median()).rename("id")
    model = LogisticRegression().fit(X, y)
    X.to_csv("x.csv")
    assert followed.sources("model.training_data", "id") == {("houses.csv", "price")}
    assert followed.sources("model.training_data", "index.id") == {("houses.csv", "id")}
    assert followed.sources("x.csv", "id") == {("model.training_data", "index.id")}
    assert followed.sources("model") == {"model.training_data"}
    del model


@pytest.mark.filterwarnings("ignore:Skipping features")
@pytest.mark.parametrize("is_empty", [False, True])
def test_marks_of_what_was_missing(houses, is_empty):
    """``SimpleImputer(add_indicator=True)``: each feature and each mark comes from its own column; an empty column has
    none."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline

    followed, frame = houses
    frame = frame.copy()
    frame.loc[frame["area"] > 80, "area"] = None
    frame["rooms"] = frame["rooms"].where(frame["rooms"] > 100 if is_empty else frame["rooms"] > 3)
    model = make_pipeline(SimpleImputer(add_indicator=True), LinearRegression()).fit(
        frame[["rooms", "area"]], frame["price"]
    )
    del model
    fields = followed.entries()["model"]["fields"]
    learned = {name: {i["field"] for i in fields[name]["inputs"]} for name in fields}
    assert learned["missingindicator_area"] == {"area"}
    assert learned["area"] == {"area"}
    assert ("rooms" in learned) != is_empty
    assert learned.get("rooms", {"rooms"}) == {"rooms"}
