"""Loops over folds or files within loops over models or submissions, and metrics that functions compute by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

MODELS = """
import numpy as np, pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold
data, new = pd.read_csv("one.csv"), pd.read_csv("two.csv")
def main(data, new, prefix):
    for name in ("plain", "other"):
        told = np.zeros(len(new))
        for train, _ in KFold(2).split(data):
            model = LinearRegression().fit(data.iloc[train][["z"]], data["t"].iloc[train])
            told += model.predict(new[["z"]]) / 2
        pd.DataFrame({"id": new["id"], "told": told}).to_csv(f"{prefix}_{name}.csv", index=False)
"""
CALLED = MODELS + 'main(data, new, "called")\n'
SPELLED = MODELS.partition("def main")[0] + MODELS.partition("prefix):\n")[2].replace("\n    ", "\n")[4:].replace(
    "{prefix}", "spelled"
)

BLENDS = """
import numpy as np, pandas as pd
FILES = {"one": "one.csv", "two": "two.csv", "three": "three.csv"}
BLENDS = {"first": {"one": 0.5, "two": 0.5}, "second": {"three": 0.2, "one": 0.8}}
def main():
    for name, weights in BLENDS.items():
        total = ids = None
        for file, weight in weights.items():
            told = pd.read_csv(FILES[file]).sort_values("id")
            if ids is None:
                ids = told["id"].to_numpy()
            values = told["t"].to_numpy()
            if name == "second":
                shown = np.log(values)
            else:
                shown = values
            total = weight * shown if total is None else total + weight * shown
        pd.DataFrame({"id": ids, "t": total / 2}).to_csv(f"{name}.csv", index=False)
main()
"""

BY_HAND = """
import numpy as np, pandas as pd
data = pd.read_csv("one.csv")
def counted(true, told, part):
    true, told = np.asarray(true), np.asarray(told)
    count = max(1, int(np.floor(part * len(true))))
    first = np.argsort(-told)[:count]
    return {"part": part, "count": count, "caught": int(true[first].sum()), "limit": float(np.quantile(told, part))}
def measured(true, told):
    true = np.asarray(true).astype(int)
    told = np.clip(np.asarray(told), 0, 1)
    if told is None:
        told = true
    return {"rate": float(true.mean()), "square": float(np.mean((told - true) ** 2))}
def drawn(frame, rounds):
    random = np.random.default_rng(1)
    rows = []
    for _ in range(rounds):
        chosen = random.integers(0, len(frame), len(frame))
        row = measured(frame.loc[chosen, "t"].to_numpy(), frame.loc[chosen, "z"].to_numpy())
        row["size"] = len(frame)
        for part in (1, 2):
            row[f"least_{part}"] = float(frame.loc[chosen, "z"].to_numpy()[:part].min())
        rows.append(row)
    return pd.DataFrame(rows)
pd.DataFrame([counted(data["t"], data["z"], part) for part in (0.1, 0.2)]).to_csv("counted.csv", index=False)
drawn(data, 4).to_csv("drawn.csv", index=False)
"""

SEARCHED = """
import gc
import numpy as np, pandas as pd
def load(paths):
    told = []
    for path in paths:
        frame = pd.read_csv(path)
        told.append(frame[frame.columns[1]].values.astype(np.float64))
    return told
def search(true):
    gc.collect()
    best, least = np.ones(2) / 2, 9.0
    for _ in range(900):
        new = best + 0.1
        error = np.abs((true * 2).to_numpy()).max()
        if error < least:
            best, least = new, error
    return best
def main():
    told = load(["one.csv", "two.csv"])
    frame = pd.read_csv("three.csv")
    weights = search(frame["z"])
    blended = sum(weight * values for weight, values in zip(weights, told))
    frame["t"] = blended
    frame.to_csv("searched.csv", index=False)
main()
"""

RESCALED = """
import numpy as np, pandas as pd
from sklearn.metrics import mean_squared_error
def rescaled(told, other):
    order = np.argsort(told)
    out = told.copy()
    for start in (0, 10, 20):
        part = order[start : start + 10]
        scale = float(np.mean(other[part]))
        out[part] = np.clip(out[part] * scale, 0, 1)
    return out
def main():
    told = pd.read_csv("one.csv")["t"].to_numpy().astype(float)
    other = pd.read_csv("two.csv")["t"].to_numpy().astype(float)
    true = pd.read_csv("three.csv")["t"].to_numpy()
    rows = []
    for name in ("a", "b"):
        error = mean_squared_error(true, rescaled(told, other))
        rows.append({"name": name, "error": error, "more": error - 0.5})
    pd.DataFrame(rows).to_csv("errors.csv", index=False)
    pd.DataFrame({"t": rescaled(told, other)}).to_csv("rescaled.csv", index=False)
main()
"""


@pytest.fixture
def run(follow):
    """Runs a script beside three files of numbers, and gives what was seen of it."""
    random = np.random.default_rng(5)
    for name in ("one", "two", "three"):
        columns = {"id": range(30), "t": random.random(30), "z": random.random(30)}
        pd.DataFrame(columns).to_csv(f"{name}.csv", index=False)
    return follow("files", "pandas", "numpy", "sklearn").run


@pytest.mark.parametrize(("prefix", "script"), [("called", CALLED), ("spelled", SPELLED)])
def test_folds_of_several_models(run, prefix, script):
    """What the folds of the second model add up comes from its own models alone: the sum began anew for it."""
    followed = run(script)
    names = {name: {one for one, _ in followed.sources(f"{prefix}_{name}.csv", "told")} for name in ("plain", "other")}
    assert names == {"plain": {"model", "model_2", "two.csv"}, "other": {"model_3", "model_4", "two.csv"}}


def test_files_that_a_loop_blends(run):
    """``total = x if total is None else total + x`` keeps what all rounds gave, of the present blend alone."""
    followed = run(BLENDS)
    assert followed.sources("first.csv", "t") == {("one.csv", "t"), ("two.csv", "t")}
    assert followed.sources("second.csv", "t") == {("one.csv", "t"), ("three.csv", "t")}
    assert followed.sources("second.csv", "id") == {("three.csv", "id")}


def test_rows_of_metrics_that_a_function_computes(run):
    """A function that first makes arrays of its parameters, under their names, computes with what it was given."""
    followed = run(BY_HAND)
    assert followed.sources("counted.csv", "caught") == {("one.csv", "t"), ("one.csv", "z")}
    assert followed.sources("counted.csv", "limit") == {("one.csv", "z")}
    assert followed.sources("counted.csv", "part") == followed.sources("counted.csv", "count") == set()
    assert followed.sources("drawn.csv", "rate") == {("one.csv", "t")}
    assert followed.sources("drawn.csv", "square") == {("one.csv", "t"), ("one.csv", "z")}
    assert followed.sources("drawn.csv", "size") == set()
    assert followed.sources("drawn.csv", "least_1") == followed.sources("drawn.csv", "least_2") == {("one.csv", "z")}


def test_what_was_loaded_before_a_long_search(run):
    """A loop of a thousand rounds does not make what was loaded before it unknown; beside that there is only the column
    that it searches by, which decides."""
    followed = run(SEARCHED)
    assert followed.sources("searched.csv", "t") - {("three.csv", "z")} == {("one.csv", "t"), ("two.csv", "t")}


def test_rows_that_are_rescaled_by_something_else(run):
    """``out[part] * scale`` comes from the scale, too; the result of a call among the arguments of a metric is not
    what the names beside it stand for."""
    followed = run(RESCALED)
    told = {("one.csv", "t"), ("two.csv", "t")}
    assert followed.sources("rescaled.csv", "t") == told
    assert followed.sources("errors.csv", "error") == told | {("three.csv", "t")}
    assert followed.sources("errors.csv", "more") == told | {("three.csv", "t")}
