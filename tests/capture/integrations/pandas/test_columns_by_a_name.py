"""Columns whose names stand in a variable: of a loop over names, a constant, a list of columns, a parameter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

SCRIPT = """
import numpy as np, pandas as pd
TARGET = "y"
FEATURES = ["a", "b"]
data = pd.read_csv("in.csv")
def described(frame, column):
    return {"column": column, "mean": float(np.round(frame[column].mean(), 3))}
def measured(features, true):
    told = features.to_numpy().sum(axis=1) > 1
    return {"right": float(np.mean(told == true)), "size": len(true)}
def main():
    rows = []
    for group in ["g", "h"]:
        for value in data[group].unique():
            part = data[data[group] == value]
            rows.append({"group": group, "value": value, "rate": float(part[TARGET].mean() * 2)})
    pd.DataFrame(rows).to_csv("groups.csv", index=False)
    rows = []
    for group in ("g", "h"):
        for value, part in data.groupby(group):
            rows.append({"group": group, "value": value, "rate": part[TARGET].mean()})
    pd.DataFrame(rows).to_csv("keys.csv", index=False)
    chosen = [name for name in data.columns if name not in ("id", "g", "h", "y")]
    rows = []
    for name in chosen:
        cells = data[name].to_numpy()
        cells = cells[~np.isnan(cells)]
        rows.append({"name": name, "total": float(np.sum(cells))})
    pd.DataFrame(rows).to_csv("totals.csv", index=False)
    pd.DataFrame([described(data, name) for name in FEATURES]).to_csv("described.csv", index=False)
    pd.DataFrame([measured(data[FEATURES], data["y"].to_numpy())]).to_csv("measured.csv", index=False)
    pd.DataFrame([measured(data[["b"]], data[TARGET].to_numpy())]).to_csv("second.csv", index=False)
    column = "a"
    rows = []
    while column:
        rows.append({"mean": float(data[column].mean() + 1)})
        column = {"a": "b", "b": ""}[column]
    pd.DataFrame(rows).to_csv("while.csv", index=False)
main()
"""


@pytest.fixture
def told(follow, tmp_path):
    """Runs the script; tells the columns behind a column of a file."""
    random = np.random.default_rng(2)
    frame = pd.DataFrame(random.random((12, 3)), columns=["a", "b", "y"])
    frame.assign(id=range(12), g=list("uv") * 6, h=list("xyz") * 4).to_csv("in.csv", index=False)
    followed = follow("pandas", "numpy")
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    exec(compile(SCRIPT, str(path), "exec"), {"__name__": "__main__"})
    return lambda name, column: {source for _, source in followed.sources(name, column)}


def test_columns_that_a_loop_names(told):
    """Of ``data[group]`` in a loop over names, these columns; keys of groups likewise; the names are none."""
    assert told("groups.csv", "value") == {"g", "h"}
    assert told("keys.csv", "value") == {"g", "h"}
    assert told("groups.csv", "rate") == {"y"}
    assert told("groups.csv", "group") == set()
    assert told("totals.csv", "total") == {"a", "b"}


def test_columns_that_a_function_is_given(told):
    """By their name, or as a frame of some of them, whose names stand in a list or a constant."""
    assert told("described.csv", "mean") == {"a", "b"}
    assert told("measured.csv", "right") == {"a", "b", "y"}
    assert told("second.csv", "right") == {"b", "y"}
    assert told("second.csv", "size") == set()


def test_a_name_that_changes_otherwise_stands_for_any_column(told):
    """What the code does not spell out is not guessed from what the name stands for in the end."""
    assert told("while.csv", "mean") >= {"a", "b"}
