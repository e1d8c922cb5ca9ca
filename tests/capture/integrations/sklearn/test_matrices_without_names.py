"""Matrices that numpy computed from others: which column is which, and what the labels are called."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sklearn")

COLUMNS = ["a", "b", "c"]


@pytest.fixture
def numbers(follow):
    """What follows the libraries, and a file of three columns and a price."""
    random = np.random.default_rng(5)
    frame = pd.DataFrame(random.uniform(1, 2, size=(60, 4)).round(3), columns=[*COLUMNS, "price"])
    frame.to_csv("numbers.csv", index=False)
    return follow("pandas", "numpy", "sklearn", "pickle"), pd.read_csv("numbers.csv")


def prepared(frame):
    """Data and labels as matrices, as scripts prepare them."""
    chosen = frame.columns.tolist()
    chosen.remove("price")
    X = frame[chosen]
    X = X.values.astype(np.float64)
    y = frame["price"].values.astype(np.float64)
    y = y.reshape(y.shape[0], 1)
    return X, y


def test_labels_in_a_matrix_are_not_called_like_the_data(numbers):
    """``y.reshape(-1, 1)`` has no name; it was called ``x0``, and took the place of the first column of the data."""
    from sklearn.linear_model import Ridge

    followed, frame = numbers
    X, y = prepared(frame)
    y = np.log(y)
    model = Ridge().fit(X, y)
    del model
    assert followed.sources("model.training_data", "label") == {("numbers.csv", "price")}
    assert {name for _, name in followed.sources("model.training_data", "a")} == {"a"}


def test_several_labels(numbers):
    """Each has a name of its own, beside the data."""
    from sklearn.linear_model import Ridge

    followed, frame = numbers
    X = np.abs(frame[["a", "b"]].to_numpy())
    y = np.sort(frame[["c", "price"]].to_numpy())  # within rows: no column is one of the file any more
    model = Ridge().fit(X, y)
    del model
    fields = followed.entries()["model.training_data"]["fields"]
    assert set(fields) == {"a", "b", "label0", "label1"}


def test_column_by_column(numbers):
    """A cast, functions element by element and sums with a row keep the columns, out of a function, too."""
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    followed, frame = numbers
    low = np.array([1.0, 2.0, 3.0])
    X, y = prepared(frame)
    X = (np.log1p(X) - low[0]) / 2
    scaled = StandardScaler().fit_transform(X)
    for name in COLUMNS:
        assert followed.columns(scaled)[name] == {("numbers.csv", name)}
    model = Ridge().fit(X, y)
    del model
    for name in COLUMNS:
        assert followed.sources("model.training_data", name) == {("numbers.csv", name)}


@pytest.mark.parametrize("how", ["X[:, ::-1]", "X @ np.eye(3)", "X - X.mean()", "np.sort(X, axis=1)"])
def test_columns_that_are_not_kept(numbers, how):
    """Of these, each column may come from any other."""
    followed, frame = numbers
    X = frame[COLUMNS].to_numpy().astype(float)
    space = {"X": X, "np": np}
    exec(compile(f"X = {how}", __file__, "exec"), space)
    X = space["X"]
    made = pd.DataFrame(X, columns=COLUMNS)
    assert all(followed.columns(made)[name] != {("numbers.csv", name)} for name in COLUMNS)


def test_a_row_of_another_matrix_is_no_choice_of_rows(numbers):
    """``(X - scale[0]) / scale[1]``: ``scale`` has as many columns as ``X``, but X was not cut out of it."""
    from sklearn.linear_model import Ridge

    followed, frame = numbers
    with open("model.p", "wb") as file:  # noqa: PTH123 - as scripts write it
        pickle.dump(Ridge().fit(frame[COLUMNS].values, frame["price"]), file)
    np.save("scale.npy", np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]))
    with open("model.p", "rb") as file:  # noqa: PTH123
        model = pickle.load(file)
    scale = np.load("scale.npy")
    X, _ = prepared(frame)
    X = (X - scale[0]) / scale[1]
    told = model.predict(X)
    told = np.exp(told)
    pd.DataFrame(told, columns=["price"]).to_csv("told.csv")
    found = followed.sources("told.csv", "price")
    assert {("numbers.csv", name) for name in COLUMNS} < found


def test_what_is_computed_of_a_model_that_a_statement_fitted_on_the_way(numbers):
    """``transformed = pca.fit_transform(X)`` fits ``pca``, which its own line only makes: numbers computed of its
    attributes come from it, not from nothing."""
    from sklearn.decomposition import PCA

    followed, frame = numbers
    pca = PCA(n_components=2)
    transformed = pca.fit_transform(frame[COLUMNS].to_numpy())
    loadings = pca.components_.T * np.sqrt(pca.explained_variance_)
    pd.DataFrame(loadings).to_csv("loadings.csv")
    assert len(transformed) == len(frame)
    assert followed.sources("loadings.csv") == {"pca"}
