"""Observed or not, a program does the same: results, warnings with their lines, errors, signatures, pickles."""

from __future__ import annotations

import inspect
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.core import common, indexing
from pandas.core.generic import NDFrame
from pandas.core.groupby.generic import DataFrameGroupBy, SeriesGroupBy
from pandas.core.groupby.groupby import GroupBy
from pandas.core.strings.accessor import StringMethods
from pandas.util import _exceptions
from pandas_snippets import REGIONS, SALES, SNIPPETS, run_snippet

from headwater.capture import context
from headwater.capture import recorder as recording
from headwater.capture.hooks import Hooks
from headwater.capture.integrations.numpy import NumpyIntegration
from headwater.capture.integrations.pandas import PandasIntegration
from headwater.capture.recorder import Recorder

OWNERS = (
    *(pd, pd.DataFrame, pd.Series, NDFrame, GroupBy, DataFrameGroupBy, SeriesGroupBy, StringMethods, common),
    *(indexing._LocationIndexer, indexing._ScalarAccessIndexer, pd.core.generic, pd.core.frame, pd.core.series),
)


def outcome(folder: Path, snippet: str) -> tuple[str, Any, list[tuple[Any, ...]]]:
    """What running the snippet did: how it ended, with what, and the warnings on the way."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            ended, result = "result", run_snippet(folder, snippet)
        except Exception as error:  # noqa: BLE001 - the snippet's own error is what is compared
            ended, result = "error", f"{type(error).__name__}: {error}"
    return ended, result, [(item.category, str(item.message), item.filename, item.lineno) for item in caught]


def assert_same(plain: Any, observed: Any) -> None:
    """Equal in every respect that pandas' own comparison knows, and in attributes."""
    assert type(plain) is type(observed)
    if isinstance(plain, pd.DataFrame):
        pd.testing.assert_frame_equal(plain, observed)
    elif isinstance(plain, pd.Series):
        pd.testing.assert_series_equal(plain, observed)
    elif isinstance(plain, np.ndarray):
        np.testing.assert_array_equal(plain, observed)
    else:
        assert plain == observed
    if isinstance(plain, NDFrame):
        assert plain.attrs == observed.attrs
        assert vars(plain).keys() == vars(observed).keys()
        assert pickle.dumps(plain) == pickle.dumps(observed)


class Watching:
    """pandas and numpy, observed, inside a ``with``."""

    def __enter__(self) -> Recorder:
        self.recorder = Recorder("00000000-0000-0000-0000-000000000000", "tests", "pandas")
        self.hooks = [Hooks("pandas"), Hooks("numpy")]
        self.token = context.enter(self.recorder)
        PandasIntegration().install(self.hooks[0], pd)
        NumpyIntegration().install(self.hooks[1], np)
        return self.recorder

    def __exit__(self, *exc: object) -> None:
        for item in self.hooks:
            item.remove()
        context.leave(self.token)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, Any, list[tuple[Any, ...]]]]]:
    """Per snippet, what it did without hooks and with them."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "sales.csv").write_text(SALES)
    (folder / "regions.csv").write_text(REGIONS)
    found = {snippet: [outcome(folder, snippet)] for snippet in SNIPPETS}
    with Watching():
        for snippet in SNIPPETS:
            found[snippet].append(outcome(folder, snippet))
    return found


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_a_snippet_does_the_same(
    snippet: str, outcomes: dict[str, list[tuple[str, Any, list[tuple[Any, ...]]]]]
) -> None:
    """Same result, same warnings blamed on the same lines, same error, with hooks as without."""
    plain, observed = outcomes[snippet]
    assert plain[0] == observed[0]
    assert plain[2] == observed[2]
    assert_same(plain[1], observed[1])


def test_everything_is_as_before_once_removed() -> None:
    """Removing the hooks leaves the very objects that were there, under every name that was there, and no other."""
    before = [dict(vars(owner)) for owner in OWNERS]
    code = _exceptions.find_stack_level.__code__
    with Watching():
        assert pd.DataFrame.__dict__["merge"] is not before[1]["merge"]
        assert _exceptions.find_stack_level.__code__ is not code
    for owner, known in zip(OWNERS, before, strict=True):
        now = vars(owner)
        assert now.keys() == known.keys()
        assert [name for name in known if now[name] is not known[name]] == []
    assert _exceptions.find_stack_level.__code__ is code


def test_signatures_names_and_docs_stay() -> None:
    """A hooked function tells ``inspect`` and ``help`` what it told before."""
    before = {
        (owner, name): (str(inspect.signature(item)), item.__doc__, item.__qualname__, item.__module__)
        for owner in (pd.DataFrame, pd.Series, pd)
        for name, item in vars(owner).items()
        if inspect.isfunction(item)
    }
    with Watching():
        after = {
            key: (str(inspect.signature(item)), item.__doc__, item.__qualname__, item.__module__)
            for key in before
            for item in (vars(key[0])[key[1]],)
        }
    assert before == after


def test_functions_pickle_by_name() -> None:
    """A pickled reference to a hooked function is the bytes that it was, and loads in a process without hooks."""
    plain = pickle.dumps([pd.read_csv, pd.DataFrame.merge, pd.concat])
    with Watching():
        observed = pickle.dumps([pd.read_csv, pd.DataFrame.merge, pd.concat])
    assert plain == observed
    assert pickle.loads(observed) == [pd.read_csv, pd.DataFrame.merge, pd.concat]


class Tagged(pd.DataFrame):
    """A subclass in the way that pandas documents: a constructor and metadata of its own."""

    _metadata = ["tag"]

    @property
    def _constructor(self) -> type[Tagged]:
        return Tagged


def test_subclasses_and_attrs_pass_through() -> None:
    """Results keep a subclass, its metadata and ``attrs``."""
    with Watching():
        frame = Tagged({"a": [3, 1, 2]})
        frame.tag = "x"
        frame.attrs["unit"] = "m"
        made = frame[frame["a"] > 1].sort_values("a").assign(b=lambda d: d.a * 2)
    assert type(made) is Tagged
    assert made.tag == "x"
    assert made.attrs == {"unit": "m"}


def test_nothing_is_kept_alive() -> None:
    """A frame that the program lets go is freed at once, with all that was known of it."""
    import gc
    import weakref

    gc.collect()
    with Watching() as recorder:
        frame = pd.DataFrame({"a": range(1000)})
        derived = frame[frame.a > 3].assign(b=lambda d: d.a + 1)
        watched = [weakref.ref(frame), weakref.ref(derived)]
        known = len(recorder.values)
        del frame, derived
        gc.collect()
        assert [ref() for ref in watched] == [None, None]
        assert len(recorder.values) < known


def test_nothing_is_recorded_without_a_run(run: Callable[[str], object]) -> None:
    """Hooks without a current run change nothing and note nothing."""
    hooks = Hooks("pandas")
    PandasIntegration().install(hooks, pd)
    try:
        result = run("result = df[df.qty > 2].merge(other, on='region')")
    finally:
        hooks.remove()
    assert recording.VALUES.get(result) is None
