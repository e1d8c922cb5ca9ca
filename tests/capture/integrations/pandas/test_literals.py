"""What the code spells out comes from no dataset, whatever the run had read before."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

RATES = {"north": 0.2, "south": 0.3}


@pytest.fixture
def read(follow):
    """A run that has read a file before it makes anything."""
    Path("in.csv").write_text("a,b\n1,2\n3,4\n5,7\n")
    Path("labels.json").write_text("[1, 0, 1]")
    followed = follow("files", "pandas", "numpy", "sklearn")
    return followed, pd.read_csv("in.csv")


def _made(n, seed=3):
    rng = np.random.default_rng(seed)
    size = n + 1
    return pd.DataFrame({"x": rng.normal(size=size), "kind": rng.choice(["a", "b"], size)})


def _from_params(values):
    return pd.DataFrame({"x": values})


def test_a_table_of_literals_has_no_source(read):
    """Written out, drawn, computed of both, by rows or by columns, in a function or not."""
    followed, _ = read
    names = ["a", "b"]
    rows = []
    for i, name in enumerate(names):
        rows.append({"name": name.upper(), "rank": i * 2})
    drawn = [random.randint(1, 9) for _ in range(3)]
    days = pd.date_range("2020-01-01", periods=3)
    frames = {
        "dict": pd.DataFrame({"x": [1, 2], "y": ["p", "q"]}),
        "rows": pd.DataFrame(rows, columns=["name", "rank"]),
        "drawn": pd.DataFrame({"day": days, "n": drawn, "z": np.linspace(0, 1, 3)}),
        "items": pd.DataFrame([(k, v * 2) for k, v in RATES.items()], columns=["k", "v"]),
        "made": _made(5),
        "given": _from_params([1.5, 2.5]),
        "series": pd.Series({"x": 1, "y": 2}, name="s").to_frame(),
    }
    frames["dict"]["z"] = [5, 6]
    frames["dict"]["noise"] = np.random.default_rng(1).normal(size=2)
    frames["later"] = frames["dict"].assign(w=frames["dict"]["x"] * 2)
    for name, frame in frames.items():
        frame.to_csv(f"{name}.csv", index=False)
    assert {name: entry["inputs"] for name, entry in followed.entries().items()} == {
        f"{name}.csv": [] for name in frames
    }


def test_a_table_that_cannot_be_read_keeps_its_fallback(read):
    """Rows out of a file that nobody followed, and what a function of elsewhere gave: from all that was read."""
    followed, _ = read
    labels = json.loads(Path("labels.json").read_text())
    pd.DataFrame({"y": labels}).to_csv("labels.csv")
    pd.DataFrame(_elsewhere()).to_csv("elsewhere.csv")
    half = pd.DataFrame({"x": [1, 2, 3]})
    half["y"] = json.loads(Path("labels.json").read_text())
    half.to_csv("half.csv")
    empty = pd.DataFrame()
    empty["y"] = labels
    empty.to_csv("empty.csv")
    for name in ("labels.csv", "elsewhere.csv", "half.csv", "empty.csv"):
        assert "labels.json" in followed.sources(name), name


def _elsewhere():
    with Path("labels.json").open() as file:
        return [{"y": int(item)} for item in file.read().strip("[]").split(",")]


def test_literals_beside_data_change_nothing(read):
    """A column of literals in a frame that was read: the others keep their source."""
    followed, df = read
    df["flag"] = [0, 1, 0]
    df.to_csv("out.csv", index=False)
    assert followed.sources("out.csv") == {"in.csv"}
    assert followed.sources("out.csv", "a") == {("in.csv", "a")}
    assert followed.entries()["out.csv"]["fields"]["flag"]["inputs"] == []


def test_drawn_numbers_beside_data_come_from_nothing(read):
    """In the middle of a statement that names data, drawn and written-out arrays have no source, whatever length they
    were told. What is drawn from data comes from it."""
    followed, df = read
    rng = np.random.default_rng(2)
    frames = {
        "join": df.join(pd.DataFrame(np.random.rand(3, 2).round(2)).add_prefix("n")),
        "concat": pd.concat([df, pd.DataFrame(rng.normal(size=(len(df), 2)), columns=["n0", "n1"])], axis=1),
        "keys": pd.DataFrame({"n0": rng.choice(["x", "y"], size=df.shape[0]), "a": df.a.values, "n1": np.ones(3) * 2}),
        "assign": df.assign(n0=rng.normal(size=len(df)), n1=np.arange(len(df))),
    }
    frames["drawn"] = df[["a", "b"]].assign(n0=rng.choice(df.b, size=len(df)), n1=df.b.to_numpy() * 2)
    for name, frame in frames.items():
        frame.to_csv(f"{name}.csv", index=False)
    for name in frames:
        expected = {("in.csv", "b")} if name == "drawn" else set()
        assert followed.sources(f"{name}.csv", "a") == {("in.csv", "a")}, name
        assert followed.sources(f"{name}.csv", "n0") == followed.sources(f"{name}.csv", "n1") == expected, name


def test_written_out_labels_are_not_the_output_of_another_model(read):
    """Labels in a plain list, of the length of a prediction that was made before, come from nowhere; labels that were
    made of that prediction come from it."""
    from sklearn.linear_model import LinearRegression, LogisticRegression

    followed, df = read
    first = LinearRegression().fit(df[["a"]], df["b"])
    guess = first.predict(df[["a"]])
    y = [0, 1, 1]
    second = LogisticRegression()
    second.fit(df[["b"]], y)
    third = LogisticRegression()
    rounded = [int(value > 3) for value in guess]
    third.fit(df[["b"]], rounded)
    entries = followed.entries()
    assert {i["name"].rpartition("/")[2] for i in entries["second.training_data"]["inputs"]} == {"in.csv"}
    assert {i["name"].rpartition("/")[2] for i in entries["third.training_data"]["inputs"]} == {"in.csv", "first"}


def test_a_training_set_of_drawn_numbers_has_no_source(read):
    """Arrays that are drawn or computed of drawn ones, under names: the set that a model learns from has no source,
    whatever was read before; of an array out of a file that cannot be followed it does not."""
    from sklearn.linear_model import LinearRegression

    followed, _ = read
    rng = np.random.RandomState(42)
    x = 10 * rng.rand(50)
    y = 2 * x - 1 + rng.randn(50)
    X = x[:, np.newaxis]
    drawn = LinearRegression()
    drawn.fit(X, y)
    labels = np.fromiter(json.loads(Path("labels.json").read_text()), dtype=float)
    loaded = LinearRegression()
    loaded.fit(labels[:, np.newaxis], labels)
    assert followed.entries()["drawn.training_data"]["inputs"] == []
    assert "labels.json" in followed.sources("loaded.training_data")
