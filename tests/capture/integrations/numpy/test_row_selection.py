"""Rows chosen out of an array by places or by a mask: the columns stay what they are, data and labels apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

COLUMNS = ["a", "b", "c"]


@pytest.fixture
def matrices(follow, tmp_path, monkeypatch):
    """What follows the libraries, and X and y of a file as arrays."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(5)
    frame = pd.DataFrame(random.normal(size=(60, 3)).round(3), columns=COLUMNS)
    frame["y"] = (frame["a"] > 0).astype(int)
    frame.to_csv("numbers.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn")
    data = pd.read_csv("numbers.csv")
    return followed, data[COLUMNS].to_numpy(), data["y"].to_numpy()


def is_right(followed, name):
    """Whether a model learned each feature from its own column, and its labels from theirs."""
    assert followed.sources(f"{name}.training_data") == {"numbers.csv"}
    for column in (*COLUMNS, "y"):
        assert followed.sources(f"{name}.training_data", column) == {("numbers.csv", column)}
    return followed.facets(name)["headwater_model"]["features"] == COLUMNS


def test_folds_in_the_call(matrices):
    """``model.fit(X[train], y[train])`` in a loop over folds."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import KFold

    followed, X, y = matrices
    for train, test in KFold(2).split(X):
        model = LogisticRegression().fit(X[train], y[train])
        told = model.predict(X[test])
        pd.DataFrame({"told": told}).to_csv("told.csv")
    assert is_right(followed, "model") and is_right(followed, "model_2")
    told = followed.sources("told.csv", "told")  # the last round wrote it
    assert {("model_2", c) for c in COLUMNS} < told
    assert "model" not in {name for name, _ in told}
    assert ("numbers.csv", "y") not in followed.sources("told.csv", "told")


def test_folds_with_names(matrices):
    """``X_train, y_train = X[train], y[train]`` first, and a mask."""
    from sklearn.linear_model import LogisticRegression

    followed, X, y = matrices
    chosen = np.arange(60) % 3 != 0
    X_train, y_train = X[chosen], y[chosen]
    model = LogisticRegression().fit(X_train, y_train)
    del model
    assert is_right(followed, "model")


def test_two_that_look_alike_are_not_told_apart(matrices):
    """Rows of one of two matrices of one shape: from both, as the code says no more; a guess."""
    followed, X, _ = matrices
    other = np.asarray(pd.read_csv("numbers.csv")[["c", "b", "a"]].to_numpy())
    chosen = np.arange(60) % 2 == 0
    pd.DataFrame(np.where(chosen[0], X[chosen], other[chosen]), columns=COLUMNS).to_csv("either.csv")
    assert len(followed.sources("either.csv", "a")) > 1


def chosen(X, y):
    """Rows chosen by a mask in the call, by one with a name, by the order of a column, and by places."""
    mask = y > 0
    places = np.arange(10)
    return (
        pd.DataFrame(X[y == 1]),
        pd.DataFrame(X[mask]),
        pd.DataFrame(X[np.argsort(X[:, 1])]),
        pd.DataFrame(X[places]),
    )


def test_what_chose_the_rows_decides(matrices):
    """``X[y == 1]``, a mask with a name and an order by one column tell what chose the rows; places that are
    only counted tell nothing. The columns stay what they are."""
    followed, X, y = matrices
    made = chosen(X, y)
    told = [followed.indirect(one) for one in made]
    assert told == [{("y", "FILTER")}, {("y", "FILTER")}, {("b", "FILTER")}, set()]
    for one in made:
        assert [set(followed.direct(one, name)) for name in map(str, one.columns)] == [{"a"}, {"b"}, {"c"}]


def test_what_stands_beside_a_call_is_no_source_of_what_it_is_given(matrices):
    """``{"id": data.b, "label": np.where(score > 0, ...)}``: the condition comes from the score, not also from the
    column that the same statement takes out of a frame of the same length."""
    followed, _, _ = matrices
    data = pd.read_csv("numbers.csv")
    score = data["a"].to_numpy()
    made = pd.DataFrame({"id": data.b, "label": np.where(score >= 0.5, "high", "low")})
    assert followed.columns(made) == {"id": {("numbers.csv", "b")}, "label": {("numbers.csv", "a")}}
    cut = score.mean()
    made = pd.DataFrame({"id": data["b"], "label": np.where(score >= cut, score * 2, -score)})
    assert followed.columns(made)["label"] == {("numbers.csv", "a")}
