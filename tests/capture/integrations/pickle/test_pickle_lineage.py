"""pickle: objects with their values into files, and back."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from sklearn.linear_model import LinearRegression

from headwater.capture import recorder as recording
from headwater.capture.hooks import Hooks
from headwater.capture.integrations.pickle import PickleIntegration
from headwater.capture.recorder import Read, Recorder, Write


class Thing:
    """Something to pickle."""

    def __init__(self, size: int) -> None:
        self.size = size


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A recorder, with pickle hooked while the test runs."""
    made = Recorder("00000000-0000-0000-0000-000000000000", "tests", "pickle")
    hooks = Hooks("pickle")
    token = recording.enter(made)
    PickleIntegration().install(hooks, pickle)
    try:
        yield made
    finally:
        hooks.remove()
        recording.leave(token)


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
