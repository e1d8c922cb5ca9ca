"""pandas, observed, for one test at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas_snippets import REGIONS, SALES, run_snippet

from headwater.capture import context
from headwater.capture.hooks import Hooks
from headwater.capture.integrations.numpy import NumpyIntegration
from headwater.capture.integrations.pandas import PandasIntegration
from headwater.capture.recorder import Recorder


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    """A recorder, with pandas and numpy hooked while the tests of a file run."""
    made = Recorder("00000000-0000-0000-0000-000000000000", "tests", "pandas")
    hooks = [Hooks("pandas"), Hooks("numpy")]
    token = context.enter(made)
    PandasIntegration().install(hooks[0], pd)
    NumpyIntegration().install(hooks[1], np)
    try:
        yield made
    finally:
        for item in hooks:
            item.remove()
        context.leave(token)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two CSV files of the snippets."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "sales.csv").write_text(SALES)
    (folder / "regions.csv").write_text(REGIONS)
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Callable[[str], object]:
    """Runs a snippet on the two files and gives its ``result``."""

    return lambda snippet: run_snippet(folder, snippet)
