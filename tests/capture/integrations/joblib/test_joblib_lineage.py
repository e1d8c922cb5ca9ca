"""joblib: models into files and back, compressed or not, the bytes being joblib's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

from headwater.capture import context
from headwater.capture import recorder as recording
from headwater.capture.hooks import Hooks
from headwater.capture.integrations.joblib import JoblibIntegration
from headwater.capture.recorder import Recorder
from headwater.capture.values import Dep, opaque


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A recorder, with joblib hooked while the test runs."""
    made = Recorder("00000000-0000-0000-0000-000000000000", "tests", "joblib")
    hooks = Hooks("joblib")
    token = context.enter(made)
    JoblibIntegration().install(hooks, joblib)
    try:
        yield made
    finally:
        hooks.remove()
        context.leave(token)


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
    token = context.enter(Recorder("00000000-0000-0000-0000-000000000000", "tests", "joblib"))
    try:
        joblib.dump(model, tmp_path / "observed")
    finally:
        context.leave(token)
        hooks.remove()
    assert (tmp_path / "plain").read_bytes() == (tmp_path / "observed").read_bytes()
    assert (joblib.dump, joblib.load) == before


def doubled(part: np.ndarray, unused: int = 0) -> np.ndarray:
    """A task."""
    return part * 2


@pytest.mark.parametrize("kind", [list, iter])
def test_results_from_other_processes(recorder: Recorder, kind: object) -> None:
    """A result comes from the arguments of its own task, opaquely. joblib's own workers tell what they do."""
    parts = [np.arange(4.0), np.arange(5.0)]
    values = [recorder.derive(part, "read", (), columns=("x",), rows=len(part)) for part in parts]
    tasks = [joblib.delayed(doubled)(part, unused=1) for part in parts]
    results = joblib.Parallel(n_jobs=2)(kind(tasks))
    assert [result.tolist() for result in results] == [(part * 2).tolist() for part in parts]
    assert [recorder.values.get(result).inputs for result in results] == [(values[0],), (values[1],)]
    columns = opaque(recorder.values.get(results[0]))
    assert columns.fields == {"*": [Dep(0, None, description="opaque")]}
    assert recorder.items == []


def test_workers_of_another_scheduler_are_not_seen(recorder: Recorder) -> None:
    """The run says so."""

    class Elsewhere(joblib._parallel_backends.ThreadingBackend):
        supports_sharedmem = False

    joblib.register_parallel_backend("elsewhere", Elsewhere)
    part = np.arange(4.0)
    with joblib.parallel_config(backend="elsewhere"):
        joblib.Parallel(n_jobs=2)([joblib.delayed(doubled)(part)])
    assert [item.text for item in recorder.items] == [
        "joblib.Parallel: what its tasks read and wrote in other processes was not seen"
    ]


def test_tasks_in_this_process_are_observed_as_ever(recorder: Recorder) -> None:
    """Threads and a single job run here: nothing is said, and nothing is guessed."""
    part = np.arange(4.0)
    recorder.derive(part, "read", (), columns=("x",), rows=4)
    for options in ({"n_jobs": 1}, {"n_jobs": 2, "prefer": "threads"}):
        results = joblib.Parallel(**options)(joblib.delayed(doubled)(part) for _ in range(3))
        assert len(results) == 3
    assert recorder.items == []


def test_tasks_in_threads_within_an_observed_call_are_part_of_it(recorder: Recorder) -> None:
    """A search that fits its candidates in threads is one fit, as without threads: no candidate is told by itself, nor
    are the trees that a forest asks one by one. Afterwards the same threads' work is observed again."""
    import sklearn

    from headwater.capture.integrations.sklearn import SklearnIntegration

    hooks = Hooks("sklearn")
    SklearnIntegration().install(hooks, sklearn)
    context.PROCESS.root = recorder  # threads have no context of ours
    try:
        told = []
        for options in ({"n_jobs": 1}, {"n_jobs": 2}):
            x, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
            with joblib.parallel_config(backend="threading"):
                GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2, 3]}, cv=2, **options).fit(x, y)
                RandomForestClassifier(4, **options).fit(x, y).predict(x)
            told.append([type(item).__name__ for item in recorder.items])
            recorder.items.clear()
        assert told[0] == told[1]
        tasks = (joblib.delayed(DecisionTreeClassifier().fit)(x, y) for _ in range(2))
        joblib.Parallel(n_jobs=2, backend="threading")(tasks)
        assert [item.ref.type for item in recorder.items if isinstance(item, recording.Named)].count("MODEL") == 2
    finally:
        context.PROCESS.root = None
        hooks.remove()


def test_an_error_in_such_a_task_is_the_same(recorder: Recorder) -> None:
    """The error of a task within an observed call, and what a program prints of it, is as without observation."""
    import traceback

    from headwater.capture.hooks import unobserved
    from headwater.capture.traceback_frames import hide_ours

    def fails(number: int) -> None:
        raise ValueError(f"no {number}")

    def printed() -> str:
        with pytest.raises(ValueError, match="no 1") as caught:
            joblib.Parallel(n_jobs=2, backend="threading")([joblib.delayed(fails)(1)])
        return "".join(traceback.format_exception(caught.value))

    undo = hide_ours()
    try:
        plain = printed()
        with unobserved():
            assert printed() == plain
    finally:
        undo()
