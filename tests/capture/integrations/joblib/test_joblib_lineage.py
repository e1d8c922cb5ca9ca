"""joblib: models into files and back, compressed or not, the bytes being joblib's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from headwater.capture import recorder as recording
from headwater.capture.hooks import Hooks
from headwater.capture.integrations.joblib import JoblibIntegration
from headwater.capture.recorder import Recorder


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A recorder, with joblib hooked while the test runs."""
    made = Recorder("00000000-0000-0000-0000-000000000000", "tests", "joblib")
    hooks = Hooks("joblib")
    token = recording.enter(made)
    JoblibIntegration().install(hooks, joblib)
    try:
        yield made
    finally:
        hooks.remove()
        recording.leave(token)


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3)])
def test_a_model_there_and_back(recorder: Recorder, tmp_path: Path, compress: object) -> None:
    """The model's value goes into the file, the file is read back as a model, whatever the compression."""
    model = LinearRegression()
    value = recorder.derive(model, "fit", ())
    name = str(tmp_path / "m.joblib")
    assert joblib.dump(model, name, compress=compress) == [name]
    loaded = joblib.load(name)
    write, read = recorder.items
    assert write.value is value
    assert write.ref == read.ref == ("file", name, "MODEL")
    assert recorder.values.get(loaded).dataset == read.ref


def test_handles_and_arrays(recorder: Recorder, tmp_path: Path) -> None:
    """An open file is named by its path; an array is a file, with its rows."""
    array = np.arange(12).reshape(4, 3)
    with (tmp_path / "a.joblib").open("wb") as handle:
        joblib.dump(array, handle)
    back = joblib.load(filename=tmp_path / "a.joblib")
    assert [item.ref for item in recorder.items] == [("file", str(tmp_path / "a.joblib"), "FILE")] * 2
    assert recorder.values.get(back).rows == 4


def test_the_bytes_are_joblibs(tmp_path: Path) -> None:
    """A dump under observation is the dump without it, byte for byte."""
    model = {"a": np.arange(5), "b": LinearRegression()}
    joblib.dump(model, tmp_path / "plain")
    hooks = Hooks("joblib")
    before = joblib.dump, joblib.load
    JoblibIntegration().install(hooks, joblib)
    token = recording.enter(Recorder("00000000-0000-0000-0000-000000000000", "tests", "joblib"))
    try:
        joblib.dump(model, tmp_path / "observed")
    finally:
        recording.leave(token)
        hooks.remove()
    assert (tmp_path / "plain").read_bytes() == (tmp_path / "observed").read_bytes()
    assert (joblib.dump, joblib.load) == before
