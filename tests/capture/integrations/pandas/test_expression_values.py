"""Frames of what plain Python took out of a model or an array: by zip, by dictionary, in a loop."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

COLUMNS = ["a", "b", "c"]


@pytest.fixture
def trained(follow, tmp_path, monkeypatch):
    """A file and a model of it; what follows them, X, and the model."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(5)
    frame = pd.DataFrame(random.normal(size=(60, 3)).round(3), columns=COLUMNS)
    frame["y"] = (frame["a"] > 0).astype(int)
    frame.to_csv("numbers.csv", index=False)
    followed = follow("pandas", "numpy", "sklearn")
    from sklearn.linear_model import LogisticRegression

    data = pd.read_csv("numbers.csv")
    X = data[COLUMNS]
    model = LogisticRegression().fit(X, data["y"])
    return followed, X, model


def test_names_and_weights_in_a_zip(trained):
    """``zip(X.columns, model.coef_[0])``, in a list or as it is: the weights from the model, the names from nothing."""
    followed, X, model = trained
    pd.DataFrame(list(zip(X.columns, model.coef_[0], strict=True)), columns=["name", "weight"]).to_csv("listed.csv")
    pd.DataFrame(zip(X.columns, np.abs(model.coef_[0]), strict=True), columns=["name", "weight"]).to_csv("passing.csv")
    for name in ("listed.csv", "passing.csv"):
        assert followed.sources(name) == {"model"}
        assert followed.sources(name, "weight") == {("model", column) for column in COLUMNS}
        assert followed.sources(name, "name") == set()


def test_rows_that_a_loop_over_weights_appends(trained):
    """A dictionary a row, appended while names and weights are gone through together."""
    followed, X, model = trained
    rows = []
    for name, weight in zip(X.columns, model.coef_[0], strict=True):
        rows.append({"name": name, "weight": weight})
    pd.DataFrame(rows).to_csv("rows.csv")
    assert followed.sources("rows.csv", "weight") == {("model", column) for column in COLUMNS}
    assert followed.sources("rows.csv", "name") == set()


def test_items_of_a_dictionary(trained):
    """``pd.DataFrame(d.items())``, sorted too, of a dictionary of names and weights: from the model."""
    followed, X, model = trained
    weights = dict(zip(X.columns, model.coef_[0], strict=True))
    pd.DataFrame(weights.items(), columns=["name", "weight"]).to_csv("items.csv")
    pd.DataFrame(sorted(weights.items()), columns=["name", "weight"]).to_csv("sorted.csv")
    assert followed.sources("items.csv") == followed.sources("sorted.csv") == {"model"}


def test_a_count_of_rows_is_no_data(trained):
    """``len(X)`` in a table comes from nothing."""
    followed, X, _ = trained
    size = len(X)
    pd.DataFrame([{"rows": len(X), "twice": 2 * size}]).to_csv("sizes.csv")
    assert followed.sources("sizes.csv", "rows") == set()
