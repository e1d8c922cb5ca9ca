"""What the code spells out is saved without a source: pickled, by joblib or numpy, and made by functions of its own."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

PARAMS = {"depth": 3, "rates": [0.1, 0.2]}


@pytest.fixture
def read(follow):
    """A run that has read two files before it saves anything."""
    Path("in.csv").write_text("a,b\n1,2\n3,4\n5,7\n")
    Path("labels.json").write_text("[1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 1, 1, 1]")
    followed = follow("files", "pandas", "numpy", "pickle", "joblib", "sklearn")
    return followed, pd.read_csv("in.csv"), json.loads(Path("labels.json").read_text())


def _wave(count, scale=2.0):
    steps = np.arange(count)
    if scale > 10:
        return np.zeros(count)
    return _shift(np.sin(steps) * scale)


def _shift(values):
    moved = values + 1
    moved = moved * 2
    return moved  # noqa: RET504 - by a name that is bound twice


def _walk(count):
    place, places = 0, []
    rng = np.random.default_rng(0)
    for _ in range(count):
        place += rng.integers(2)
        places.append(place)
    return places


def _labels():
    return json.loads(Path("labels.json").read_text())


def _each():
    yield 1
    return 2


def test_literals_that_are_saved_have_no_source(read):
    """By each of the writers, by a name or in place, into a handle, a path or by keyword."""
    followed, _, _ = read
    settings = dict(PARAMS, kind="tree")
    with Path("pickled.pkl").open("wb") as handle:
        pickle.dump({"a": 1, "b": [2, 3]}, handle)
    with Path("named.pkl").open("wb") as handle:
        pickle.dump(obj=settings, file=handle, protocol=4)
    joblib.dump([1, 2, 3], "list.joblib", compress=1)
    joblib.dump(settings, filename="named.joblib")
    np.save("three.npy", np.array([1, 2, 3]))
    numbers = np.linspace(0, 1, 3)
    np.savez("several.npz", numbers, x=np.array([4, 5, 6]))
    np.savetxt("text.txt", numbers, fmt="%.3f")
    files = "pickled.pkl", "named.pkl", "list.joblib", "named.joblib", "three.npy", "several.npz", "text.txt"
    assert {name: followed.sources(name) for name in files} == {name: set() for name in files}


def test_what_was_read_is_still_behind_what_is_saved(read):
    """A document that nobody followed, alone or among literals, is behind it, as a guess; what is followed, surely."""
    followed, frame, labels = read
    with Path("labels.pkl").open("wb") as handle:
        pickle.dump({"kind": "y", "labels": labels}, handle)
    joblib.dump(labels, "labels.joblib")
    np.save("labels.npy", np.array(labels))
    joblib.dump({"frame": frame, "kind": 1}, "frame.joblib")
    joblib.dump(_labels(), "function.joblib")
    for name in ("labels.pkl", "labels.joblib", "labels.npy", "function.joblib"):
        assert "labels.json" in followed.sources(name), name
    assert followed.sources("frame.joblib") == {"in.csv"}


def test_what_functions_of_the_script_compute_of_literals_has_no_source(read):
    """Functions that call each other, with loops and branches; a frame, a saved array, a training set."""
    followed, _, _ = read
    pd.DataFrame({"wave": _wave(5), "step": range(5)}).to_csv("wave.csv")
    pd.DataFrame({"place": _walk(4)}).to_csv("walk.csv")
    pd.Series(_wave(4, scale=3.0)).to_csv("series.csv")
    np.save("wave.npy", _wave(6))
    rows, marks = _wave(10).reshape(5, 2), [0, 1, 0, 1, 1]
    LogisticRegression().fit(rows, marks)
    for name in ("wave.csv", "walk.csv", "series.csv", "wave.npy"):
        assert followed.sources(name) == set(), name
    (learnt,) = [name for name in followed.entries() if name.endswith(".training_data")]
    assert followed.sources(learnt) == set()


def test_functions_that_take_or_read_data_keep_their_sources(read):
    """What is given a number or a list out of a file, reads one itself, or hands out its items one by one."""
    followed, _, labels = read
    pd.DataFrame({"shifted": _shift(np.array(labels))}).to_csv("shifted.csv")
    pd.DataFrame({"own": _labels()}).to_csv("own.csv")
    pd.DataFrame({"each": list(_each())}).to_csv("each.csv")
    for name in ("shifted.csv", "own.csv", "each.csv"):
        assert "labels.json" in followed.sources(name), name


def test_an_array_that_is_followed_and_as_long_is_no_source(read):
    """What the code spells out is not put down to the latest array of its length."""
    followed, frame, _ = read
    kept = frame["a"].to_numpy()
    pd.DataFrame({"wave": _wave(3)}).to_csv("wave.csv")
    np.save("wave.npy", np.array([1, 2, 3]))
    assert len(kept) == 3
    assert followed.sources("wave.csv") == followed.sources("wave.npy") == set()


def test_a_name_that_is_bound_again_is_what_it_was_bound_to_last(read):
    """What a name held before an assignment under no condition is void; under a condition, or in a loop, it is not."""
    followed, frame, labels = read
    values = labels
    values = [1, 2, 3]
    pd.DataFrame({"v": values}).to_csv("again.csv")
    other = labels
    if len(frame) > 100:
        other = [1, 2, 3]
    pd.DataFrame({"v": other}).to_csv("perhaps.csv")
    assert followed.sources("again.csv") == set()
    assert "labels.json" in followed.sources("perhaps.csv")
