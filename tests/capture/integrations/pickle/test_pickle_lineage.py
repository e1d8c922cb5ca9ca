"""pickle: objects with their values into files, and back."""

from __future__ import annotations

import importlib
import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from headwater.capture import context
from headwater.capture.hooks import Hooks
from headwater.capture.integrations.pickle import PickleIntegration
from headwater.capture.recorder import Read, Recorder, Write
from headwater.capture.values import DatasetRef


class Thing:
    """Something to pickle."""

    def __init__(self, size: int) -> None:
        self.size = size


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A recorder, with pickle hooked while the test runs."""
    made = Recorder("00000000-0000-0000-0000-000000000000", "tests", "pickle")
    hooks = Hooks("pickle")
    token = context.enter(made)
    PickleIntegration().install(hooks, pickle)
    try:
        yield made
    finally:
        hooks.remove()
        context.leave(token)


def test_a_value_goes_into_the_file(recorder: Recorder, tmp_path: Path) -> None:
    """What is known of the object is what the file was written from; a load is a read of the file."""
    thing = Thing(3)
    value = recorder.derive(thing, "made", ())
    with (tmp_path / "thing.pkl").open("wb") as handle:
        pickle.dump(thing, handle)
    with (tmp_path / "thing.pkl").open("rb") as handle:
        back = pickle.load(handle)
    write, read = recorder.items
    assert isinstance(write, Write)
    assert write.value is value
    assert write.ref == ("file", str(tmp_path / "thing.pkl"), "FILE")
    assert isinstance(read, Read)
    assert read.ref == write.ref
    assert recorder.values.get(back).dataset == write.ref


def test_an_estimator_is_a_model(recorder: Recorder, tmp_path: Path) -> None:
    """Both ways, by what the object can do."""
    with (tmp_path / "m.pkl").open("wb") as handle:
        pickle.dump(LinearRegression(), handle)
    with (tmp_path / "m.pkl").open("rb") as handle:
        pickle.load(handle)
    assert [item.ref.type for item in recorder.items] == ["MODEL", "MODEL"]


def test_buffers_and_strings_are_no_files(recorder: Recorder) -> None:
    """Nothing is recorded of what stays in memory."""
    buffer = io.BytesIO()
    pickle.dump([1], buffer)
    buffer.seek(0)
    assert pickle.load(buffer) == [1]
    assert pickle.loads(pickle.dumps([1])) == [1]
    assert recorder.items == []


def test_bytes_errors_and_keywords_stay(recorder: Recorder, tmp_path: Path) -> None:
    """The file has the bytes that ``dumps`` gives, for every protocol, however the arguments come."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with (tmp_path / "x").open("wb") as handle:
            pickle.dump(obj={"a": [1, 2]}, file=handle, protocol=protocol)
        assert (tmp_path / "x").read_bytes() == pickle.dumps({"a": [1, 2]}, protocol)
    with (tmp_path / "x").open("wb") as handle, pytest.raises((AttributeError, pickle.PicklingError)):
        pickle.dump(lambda: 1, handle)
    assert len(recorder.items) == pickle.HIGHEST_PROTOCOL + 1


def test_removal_restores() -> None:
    """The functions are the very ones that were there."""
    before = pickle.dump, pickle.load
    hooks = Hooks("pickle")
    PickleIntegration().install(hooks, pickle)
    assert pickle.dump is not before[0]
    hooks.remove()
    assert (pickle.dump, pickle.load) == before


def test_other_bytes_of_the_same_length_are_not_the_file(recorder: Recorder, tmp_path: Path) -> None:
    """The ends of the file are compared, and the file is looked at as it is now."""
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(Thing(3)))
    ref = DatasetRef("file", str(tmp_path / "a.pkl"), "FILE")
    data = (tmp_path / "a.pkl").read_bytes()
    recorder.binaries[len(data)] = ref
    assert recorder.values.get(pickle.loads(pickle.dumps(Thing(4)))) is None
    assert recorder.values.get(pickle.loads(data)).dataset == ref
    (tmp_path / "a.pkl").unlink()
    assert recorder.values.get(pickle.loads(data)) is None


def test_the_bytes_of_a_file_are_the_file(project: Any) -> None:
    """``pickle.loads(Path(...).read_bytes())`` is a read of the file, also in a function and of several parts. One who
    only reads a file of unknown content does not say what it is: its writer may know better."""
    project.write(
        "train.py",
        """
import pickle
from pathlib import Path
import pandas as pd
from sklearn.linear_model import LinearRegression
frame = pd.DataFrame({"a": [1.0, 2.0, 4.0], "y": [1.0, 2.0, 3.0]})
frame.to_csv("raw.csv", index=False)
frame = pd.read_csv("raw.csv")
with open("m.pkl", "wb") as file:
    pickle.dump({"model": LinearRegression().fit(frame[["a"]], frame["y"])}, file)
""",
    )
    project.write(
        "score.py",
        """
import pickle
from pathlib import Path
import pandas as pd

def loaded(path):
    return pickle.loads(Path(path).read_bytes())["model"]

frame = pd.read_csv("raw.csv")
frame.assign(p=loaded("m.pkl").predict(frame[["a"]])).to_csv("scored.csv", index=False)
assert pickle.loads(pickle.dumps(pickle.loads)) is pickle.loads
""",
    )
    assert project.captured("train.py").code == 0
    assert project.captured("score.py").code == 0
    last = [event for event in project.events if event["job"]["name"] == "score.py"][-1]
    entries = {Path(entry["name"]).name: entry for entry in last["job"]["facets"]["lineage"]["entries"]}
    assert {Path(item["name"]).name for item in entries["scored.csv"]["inputs"]} == {"raw.csv", "m.pkl"}
    types = {Path(item["name"]).name: item["facets"].get("datasetType") for item in last["inputs"]}
    assert types["m.pkl"]["datasetType"] == "MODEL"
    assert types["raw.csv"] is None


@pytest.mark.parametrize("library", ["pickle", "joblib"])
def test_a_column_by_itself_keeps_its_name(follow, library):
    """A series that is dumped and loaded again is the column of its name in the file."""
    pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}).to_csv("raw.csv", index=False)
    followed = follow("files", "pandas", "pickle", "joblib")
    module = importlib.import_module(library)
    with Path("a.pkl").open("wb") as file:
        module.dump(pd.read_csv("raw.csv")["a"], file)
    with Path("a.pkl").open("rb") as file:
        loaded = module.load(file)
    assert followed.columns(pd.DataFrame({"twice": loaded * 2}))["twice"] == {("a.pkl", "a")}


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_a_booster_in_a_file_is_a_model(project: Any, library: str) -> None:
    """What it predicts is a log of predictions, as of an estimator."""
    pytest.importorskip(library)
    matrix = {"xgboost": "DMatrix(x, label=x['a'])", "lightgbm": "Dataset(x, x['a'])"}[library]
    project.write(
        "train.py",
        f"""
import joblib, pandas as pd, {library} as lib
pd.DataFrame({{"a": range(40), "b": range(40)}}).to_csv("raw.csv", index=False)
x = pd.read_csv("raw.csv")
joblib.dump({{"model": lib.train({{}}, lib.{matrix}, 2)}}, "kept.joblib")
joblib.dump(lib.train({{}}, lib.{matrix}, 2), "alone.joblib")
""",
    )
    given = {"xgboost": "lib.DMatrix(x)", "lightgbm": "x"}[library]
    project.write(
        "score.py",
        f"""
import joblib, pandas as pd, {library} as lib
x = pd.read_csv("raw.csv")
x.assign(p=joblib.load("kept.joblib")["model"].predict({given})).to_csv("scored.csv", index=False)
x.assign(p=joblib.load("alone.joblib").predict({given})).to_csv("too.csv", index=False)
""",
    )
    assert project.captured("train.py").code == 0
    assert project.captured("score.py").code == 0
    last = [event for event in project.events if event["job"]["name"] == "score.py"][-1]
    types = {Path(item["name"]).name: item["facets"].get("datasetType") for item in last["inputs"] + last["outputs"]}
    found = {name: kind["datasetType"] for name, kind in types.items() if kind is not None}
    assert found["kept.joblib"] == found["alone.joblib"] == "MODEL"
    assert found["too.csv"] == "PREDICTIONS"
