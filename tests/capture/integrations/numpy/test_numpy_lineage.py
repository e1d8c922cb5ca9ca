"""numpy: arrays from files and frames, stacked, sliced and saved; seeds; and what must not change."""

from __future__ import annotations

import itertools
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.capture import context
from headwater.capture.hooks import Hooks
from headwater.capture.integrations.numpy import NumpyIntegration
from headwater.capture.recorder import Read, Recorder, Seed, Write
from headwater.capture.source_analysis.supposed_values import GUESSED
from headwater.capture.trace import trace
from headwater.capture.values import INFERRED, DatasetRef
from headwater.storage.open import open_store


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    """A recorder, with numpy hooked while the tests of this file run."""
    made = Recorder("00000000-0000-0000-0000-000000000000", "tests", "numpy")
    hooks = Hooks("numpy")
    token = context.enter(made)
    NumpyIntegration().install(hooks, np)
    try:
        yield made
    finally:
        hooks.remove()
        context.leave(token)


def source(recorder: Recorder, array: Any, name: str, columns: tuple[str, ...]) -> Any:
    """Make ``array`` known as the content of a dataset."""
    ref = DatasetRef("file", name)
    recorder.derive(array, "read", (), rule=None, columns=columns, rows=len(array), dataset=ref)
    return array


def sources(recorder: Recorder, array: Any) -> dict[str, set[str]]:
    """Per column, the dataset columns behind it."""
    found = trace(recorder.values.get(array)).fields
    return {name: {f"{s.value.dataset.name}.{s.column}" for s in trails} for name, trails in found.items()}


def test_columns_beside_and_above(recorder: Recorder) -> None:
    """Stacking keeps columns apart where their number says which is which."""
    a = source(recorder, np.arange(6.0).reshape(3, 2), "a", ("x", "y"))
    b = source(recorder, np.arange(3.0), "b", ("z",))
    expected = {"x": {"a.x"}, "y": {"a.y"}}
    assert sources(recorder, np.column_stack([a, b])) == {**expected, "z": {"b.z"}}
    assert sources(recorder, np.c_[a, b]) == {**expected, "z": {"b.z"}}
    assert sources(recorder, np.hstack([a, b[:, None]])) == {**expected, "z": {"b.z"}}
    assert sources(recorder, np.vstack([a, a])) == expected
    assert sources(recorder, np.concatenate([a, a])) == expected
    assert sources(recorder, np.where(a > 1, a, 0)) == expected


_MOVES: dict[str, Callable[[Any, Any], Any]] = {
    "delete rows": lambda a, _: np.delete(a, [0], axis=0),
    "delete columns": lambda a, _: np.delete(a, [0, -1], axis=1),
    "insert a column": lambda a, b: np.insert(a, 1, b[:, 0], axis=1),
    "insert a row": lambda a, _: np.insert(a, 0, a[-1:], axis=0),
    "append rows": lambda a, b: np.append(a, a[:1], 0),
    "append columns": lambda a, b: np.append(a, b, axis=1),
    "concatenate columns": lambda a, b: np.concatenate((a, b, a), axis=1),
    "concatenate rows": lambda a, _: np.concatenate([a, a]),
    "stack columns": lambda a, b: np.column_stack((a, b[:, 0], a[:, -1])),
    "hstack": lambda a, b: np.hstack([b, a]),
    "c_": lambda a, b: np.c_[a, b, a],
    "vstack": lambda a, _: np.vstack((a, a[:2])),
    "roll": lambda a, _: np.roll(a, 1, axis=0),
    "flip": lambda a, _: np.flip(a, 0),
    "sort": lambda a, _: np.sort(a, axis=0),
    "unique": lambda a, _: np.unique(a, axis=0),
    "repeat": lambda a, _: np.repeat(a, 2, axis=0),
    "take columns": lambda a, _: np.take(a, [2, 0], axis=1),
    "take rows": lambda a, _: np.take(a, [2, 0], axis=0),
    "clip": lambda a, _: np.clip(a, -1, 99),
    "round": lambda a, _: np.round(a, 2),
    "nan_to_num": lambda a, _: np.nan_to_num(a),
}


@given(st.sampled_from(sorted(_MOVES)), st.integers(3, 5), st.integers(6, 8), st.integers(1, 3))
@settings(max_examples=200, deadline=None)
def test_each_column_comes_from_where_its_numbers_are_from(
    recorder: Recorder, move: str, width: int, rows: int, other: int
) -> None:
    """What moves, drops and adds rows and columns of matrices tells each column's source: every number names the column
    that it was written into, so the result itself says what is right."""
    a = source(recorder, np.array([range(width)] * rows, dtype=float), "a", tuple(f"c{i}" for i in range(width)))
    b = source(
        recorder, np.array([range(10, 10 + other)] * rows, dtype=float), "b", tuple(f"c{i}" for i in range(other))
    )
    result = _MOVES[move](a, b)
    told = [f"a.c{n:.0f}" if n < 10 else f"b.c{n - 10:.0f}" for n in result[0]] if len(result) else []
    found = sources(recorder, result)
    assert [found.get(name) for name in found] == [{one} for one in told]


def test_functions_that_mix_columns_say_so(recorder: Recorder) -> None:
    """Sorting within rows, rolling a flattened matrix and differences across columns leave no column apart."""
    a = source(recorder, np.arange(6.0).reshape(3, 2), "a", ("x", "y"))
    for mixed in (np.sort(a), np.roll(a, 1), np.flip(a)):
        assert set().union(*sources(recorder, mixed).values()) == {"a.x", "a.y"}
        assert all(one == {"a.x", "a.y"} for one in sources(recorder, mixed).values())


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_view_has_the_columns_that_its_numbers_are_from(recorder: Recorder, data: st.DataObject) -> None:
    """Over random slices, in both layouts: each number says its column, and the names agree with the numbers."""
    rows, width = data.draw(st.integers(2, 7)), data.draw(st.integers(2, 7))
    names = tuple(f"c{i}" for i in range(width))
    numbers = np.tile(np.arange(width), (rows, 1))
    owner = np.array(numbers, order="C") if data.draw(st.booleans()) else np.array(numbers.T, order="C")
    ref = DatasetRef("file", "owner")
    recorder.derive(owner, "read", (), rule=None, columns=names, rows=rows, dataset=ref)
    whole = owner if owner.shape == (rows, width) else owner.T
    view = whole[data.draw(st.slices(rows)), data.draw(st.one_of(st.slices(width), st.integers(0, width - 1)))]
    if view.size == 0 or rows == width or view is owner:
        return
    columns = view[0].tolist() if view.ndim == 2 else [view.tolist()[0]]
    found = recorder.values.get(view).column_names()
    assert found in ((), tuple(names[i] for i in columns))
    assert found or len(view) == 1 or width * rows < 4


def test_views_belong_to_their_owner(recorder: Recorder) -> None:
    """A slice of a followed array is followed, by column: where it lies in memory says which."""
    a = source(recorder, np.arange(12.0).reshape(4, 3).copy(), "owner", ("x", "y", "z"))
    assert sources(recorder, a[1:3]) == {"x": {"owner.x"}, "y": {"owner.y"}, "z": {"owner.z"}}
    assert sources(recorder, a[:, 0]) == {"x": {"owner.x"}}
    assert sources(recorder, a[::2, 1:]) == {"y": {"owner.y"}, "z": {"owner.z"}}
    assert sources(recorder, a[:, 2].reshape(-1, 1)) == {"z": {"owner.z"}}
    assert sources(recorder, a[::-1, ::-2][1:]) == {"z": {"owner.z"}, "x": {"owner.x"}}
    assert sources(recorder, a.T[0]) == {"x": {"owner.x"}}
    for part in (a[1], a.T, a.ravel(), a.reshape(6, 2), a[:, :2].T):
        assert sources(recorder, part) == {"*": {"owner.x", "owner.y", "owner.z"}}
    assert recorder.values.get(np.arange(47)[1:]) is None


def test_what_a_library_turned_names_the_memory_behind_it(recorder: Recorder) -> None:
    """A result that shows all of another array's memory, turned: its columns are told apart by their place there; a
    result that shows a part of it says nothing of the rest."""
    rows = source(recorder, np.arange(9.0), "rows", ("a",))
    turned = np.zeros((2, 9)).T
    recorder.derive(turned, "library", (rows,), columns=("no", "yes"), rows=9)
    assert recorder.values.get(turned[:, 1]).column_names() == ("yes",)
    assert recorder.values.get(turned[3:, 0]).column_names() == ("no",)
    whole = np.ones((9, 3))
    part = whole[:, 0]
    recorder.derive(part, "library", (rows,), columns=("b",), rows=9)
    assert not recorder.values.knows(whole)


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_slices_of_rows_keep_every_column(recorder: Recorder, rows: int, width: int, start: int) -> None:
    """For every shape, ``array[start:]`` has the columns of ``array``, each from itself."""
    names = tuple(f"c{i}" for i in range(width))
    a = source(recorder, np.zeros((rows, width)).copy(), "s", names)
    assert sources(recorder, a[start:]) == {name: {f"s.{name}"} for name in names}


def test_files(recorder: Recorder, tmp_path: Path) -> None:
    """Every reader and writer names its file as numpy does, suffix included."""
    a = source(recorder, np.arange(4.0).reshape(2, 2), "a", ("x", "y"))
    start = len(recorder.items)
    np.save(tmp_path / "one", a)
    np.savez(tmp_path / "two", a=a)
    np.savez_compressed(str(tmp_path / "three.npz"), a)
    np.savetxt(tmp_path / "four.txt", a)
    with (tmp_path / "five.npy").open("wb") as handle:
        np.save(handle, a)
    names = [Path(item.ref.name).name for item in recorder.items[start:] if isinstance(item, Write)]
    assert names == ["one.npy", "two.npz", "three.npz", "four.txt", "five.npy"]
    assert all(item.value is not None for item in recorder.items[start:] if isinstance(item, Write))
    start = len(recorder.items)
    loaded = np.load(tmp_path / "one.npy")
    text = np.loadtxt(tmp_path / "four.txt")
    np.genfromtxt(str(tmp_path / "four.txt"))
    reads = [item for item in recorder.items[start:] if isinstance(item, Read)]
    assert [Path(item.ref.name).name for item in reads] == ["one.npy", "four.txt", "four.txt"]
    assert recorder.values.get(loaded).dataset.name == str(tmp_path / "one.npy")
    assert recorder.values.get(text).rows == 2


def test_the_header_of_a_text_file_names_its_columns(recorder: Recorder, tmp_path: Path) -> None:
    """``savetxt`` with a header of as many names as there are columns; any other header is a remark."""
    a = source(recorder, np.arange(4.0).reshape(2, 2), "a", ("x", "y"))
    start = len(recorder.items)
    np.savetxt(tmp_path / "named.csv", a, "%.3f", ",", "\n", "id, ratio", comments="")
    np.savetxt(tmp_path / "remark.csv", a, delimiter=",", header="made by us")
    named, remark = [item for item in recorder.items[start:] if isinstance(item, Write)]
    assert {
        name: {(s.value.dataset.name, s.column) for s in trails} for name, trails in trace(named.value).fields.items()
    } == {
        "id": {("a", "x")},
        "ratio": {("a", "y")},
    }
    assert named.snapshot.names == ("id", "ratio")
    assert remark.value.column_names() == remark.snapshot.names == ("x", "y")


def test_seeds(recorder: Recorder) -> None:
    """The legacy seed and generators' seeds are recorded with the line that set them, None where there was none."""
    start = len(recorder.items)
    state = np.random.get_state()
    try:
        np.random.seed(11)
    finally:
        np.random.set_state(state)
    np.random.default_rng(12)
    np.random.default_rng(np.random.SeedSequence(13))
    generator = np.random.default_rng()
    np.random.default_rng(generator)
    seeds = [item for item in recorder.items[start:] if isinstance(item, Seed)]
    assert [(item.scope, item.value) for item in seeds] == [
        ("global", 11),
        ("default_rng", 12),
        ("default_rng", 13),
        ("default_rng", None),
    ]
    assert all(item.code.co_name == "test_seeds" for item in seeds)


def test_frames_to_arrays_and_back(recorder: Recorder) -> None:
    """An array out of nowhere stays unknown, and so does what is made of it."""
    bare = np.arange(53)
    assert recorder.values.get(np.concatenate([bare, bare])) is None
    assert recorder.values.get(pd.Series(bare)) is None


def test_what_numpy_hides_is_read_from_the_code(recorder: Recorder) -> None:
    """Operators on bare arrays cannot be seen; the statements that name them can be read."""
    made = source(recorder, np.linspace(0.0, 1.0, 31), "scores", ("score",))
    score = np.clip(made, 0.0, 1.0)
    kept = np.where(score > 0.5, 1, 0)
    label = (score * 2 > 0.5).astype(int)
    label = label + 1
    noise = np.random.random(31)
    both = np.column_stack([label, noise])
    assert sources(recorder, kept) == {"*": {"scores.score"}}
    assert sources(recorder, label) == {"*": {"scores.score"}}
    assert sources(recorder, both) == {"x0": {"scores.score"}, "x1": set()}
    assert recorder.values.get(label).op == "code"
    found = trace(recorder.values.get(both)).fields["x0"]
    assert {trail.description for trail in found.values()} == {INFERRED}
    alone = np.tile(noise, 1)
    assert recorder.values.get(alone) is None or recorder.values.get(alone).op == GUESSED


def test_numpy_is_as_before_once_removed() -> None:
    """Removing the hooks leaves the very functions that were there; pickles of them are the same bytes throughout."""
    before, random = dict(vars(np)), dict(vars(np.random))
    plain = pickle.dumps([np.where, np.load, np.random.default_rng])
    hooks = Hooks("numpy")
    NumpyIntegration().install(hooks, np)
    assert np.where is not before["where"]
    assert pickle.dumps([np.where, np.load, np.random.default_rng]) == plain
    hooks.remove()
    assert [name for name, item in before.items() if vars(np)[name] is not item] == []
    assert [name for name, item in random.items() if vars(np.random)[name] is not item] == []
    assert pickle.loads(plain) == [np.where, np.load, np.random.default_rng]


def test_errors_and_results_stay() -> None:
    """A hooked function raises what it raised, with the same words."""

    def failing() -> str:
        with pytest.raises(ValueError, match="dimension") as caught:
            np.concatenate([np.zeros((2, 2)), np.zeros(3)])
        return str(caught.value)

    plain = failing()
    hooks = Hooks("numpy")
    NumpyIntegration().install(hooks, np)
    try:
        assert failing() == plain
        assert np.where(np.array([True, False]), 1, 2).tolist() == [1, 2]
    finally:
        hooks.remove()


def test_what_numpy_loads_late_is_not_loaded_to_be_hooked(tmp_path: Path) -> None:
    """A program that does without ``numpy.random`` finds it as absent as without us; one that asks for it has its seed
    recorded."""
    (tmp_path / "plain.py").write_text("import sys, numpy\nprint('numpy.random' in sys.modules)\n")
    (tmp_path / "seeds.py").write_text("import numpy\nprint(numpy.random.default_rng(12).integers(5))\n")
    captured = ("-m", "headwater", "run", "--store", "store")
    told = {}
    for script, before in itertools.product(("plain.py", "seeds.py"), ((), captured)):
        command = [sys.executable, *before, script]
        done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, encoding="utf-8", timeout=120)
        told.setdefault(script, set()).add(done.stdout + done.stderr)
    assert [len(outputs) for outputs in told.values()] == [1, 1]
    with open_store(str(tmp_path / "store")) as store:
        bodies = [event.body for event in store.events()]
    assert any(b'"default_rng"' in body and b"12" in body for body in bodies)
