"""Folders that a program fills under a passing name and puts in place as a whole, or copies."""

# ruff: noqa: PTH105 - as scripts do

from __future__ import annotations

import os
import shutil
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

WAYS = {
    "replaced": lambda: os.replace("passing", "final"),
    "renamed": lambda: Path("passing").rename("final"),
    "moved": lambda: shutil.move("passing", "final"),
    "moved into": lambda: (Path("final").mkdir(), shutil.move("passing/below", "final")),
}


@pytest.fixture
def filled(follow):
    """A folder with a model, predictions, and a number in a text below it; what follows the program."""
    numbers = np.random.default_rng(3).random((20, 2))
    pd.DataFrame(numbers, columns=["a", "y"]).to_csv("numbers.csv", index=False)
    pd.DataFrame({"b": [1]}).to_csv("other.csv", index=False)
    followed = follow("files", "pandas", "numpy", "sklearn", "joblib")
    pd.read_csv("other.csv")
    frame = pd.read_csv("numbers.csv")
    model = LinearRegression().fit(frame[["a"]], frame["y"])
    Path("passing/below/deep").mkdir(parents=True)
    joblib.dump(model, "passing/below/model.joblib")
    frame.assign(told=model.predict(frame[["a"]])).to_csv("passing/below/told.csv", index=False)
    with Path("passing/below/deep/mean.txt").open("w") as text:
        text.write(str(frame["y"].mean()))
    return followed


@pytest.mark.parametrize("way", WAYS)
def test_a_folder_that_is_put_in_place(filled, way):
    """What was written in it has its new name and its own sources, and a model read there is the one that was saved;
    the passing names are no outputs."""
    WAYS[way]()
    loaded = joblib.load("final/below/model.joblib")
    frame = pd.read_csv("numbers.csv")
    frame.assign(again=loaded.predict(frame[["a"]])).to_csv("again.csv", index=False)
    outputs = {item["name"] for item in filled.event()["outputs"]}
    ours = {name.rpartition("/final/")[2] for name in outputs if "/final/" in name}
    assert ours == {"below/model.joblib", "below/told.csv", "below/deep/mean.txt"}
    assert not [name for name in outputs if "/passing/" in name]
    assert filled.sources("model.joblib") == {"model"}
    assert {column for _, column in filled.sources("told.csv", "a")} == {"a"}
    assert filled.sources("mean.txt") == {"numbers.csv"}
    facets = filled.facets("model.joblib")
    assert facets["datasetType"]["datasetType"] == "MODEL"
    version = facets["headwater_model"]["version"]
    assert filled.facets("again.csv")["headwater_predictions"]["model"]["version"] == version


def test_a_folder_that_is_copied(filled):
    """Each file of the copy comes from the one that it is a copy of."""
    shutil.copytree("passing", "copy")
    copies = {
        name.rpartition("/copy/")[2]: [source["name"].rpartition("/passing/")[2] for source in entry["inputs"]]
        for name, entry in ((e["name"], e) for e in filled.event()["job"]["facets"]["lineage"]["entries"])
        if "/copy/" in name
    }
    assert copies == {name: [name] for name in ("below/model.joblib", "below/told.csv", "below/deep/mean.txt")}


def test_a_folder_of_very_many_files(follow):
    """Of more files than are told one by one, those that the run wrote with known sources have their new names."""
    pd.DataFrame({"a": [1, 2]}).to_csv("numbers.csv", index=False)
    Path("passing").mkdir()
    for number in range(150):
        Path(f"passing/{number}.txt").write_text("x")
    followed = follow("files", "pandas")
    pd.read_csv("numbers.csv").to_csv("passing/table.csv", index=False)
    os.replace("passing", "final")
    outputs = [item["name"] for item in followed.event()["outputs"]]
    assert [name.rpartition("/final/")[2] for name in outputs] == ["table.csv"]
    assert followed.sources("table.csv", "a") == {("numbers.csv", "a")}
