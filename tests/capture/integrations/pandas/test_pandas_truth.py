"""The rules tell the truth: what a rule leaves out has no influence, and the columns are those of the result."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas_snippets import REGIONS, SALES, SNIPPETS

from headwater.capture.hooks import unobserved
from headwater.capture.recorder import VALUES, Recorder
from headwater.capture.trace import trace

MISTAKES = SNIPPETS.index("result = df['absent']")
CHANGES: dict[str, dict[str, Callable[[Any], Any]]] = {
    "sales": {
        "id": lambda s: s[::-1].to_numpy(),
        "region": lambda s: s.replace({"north": "east", "west": "north"}),
        "price": lambda s: s[::-1].to_numpy() * 1.5,
        "qty": lambda s: s[::-1].to_numpy() + 1,
        "day": lambda s: s[::-1].to_numpy(),
    },
    "regions": {
        "region": lambda s: s[::-1].to_numpy(),
        "tax": lambda s: s * 2,
        "manager": lambda s: s.str.upper(),
    },
}


def columns_of(result: Any) -> dict[str, list[Any]]:
    """Values by the name of their column, as values know names."""
    if isinstance(result, pd.Series):
        return {"0" if result.name is None else str(result.name): result.tolist()}
    if isinstance(result, np.ndarray):
        names = VALUES.get(result).column_names()
        return dict(zip(names, result.T.tolist(), strict=True))
    parts = [
        [str(part) for part in (name if isinstance(name, tuple) else (name,)) if part != ""] for name in result.columns
    ]
    names = [".".join(found) for found in parts]
    return {name: result.iloc[:, place].tolist() for place, name in enumerate(names)}


def influences(recorder: Recorder, result: Any) -> dict[str, set[tuple[str, str | None]]]:
    """Per column, the (file, column) pairs that lineage says have a part in it."""
    value = recorder.values.get(result)
    assert value is not None, "the result was lost on the way"
    traced = trace(value)
    shared = {(Path(s.value.dataset.name).stem, s.column) for s in traced.indirect if s.value.dataset}
    return {
        name: {(Path(s.value.dataset.name).stem, s.column) for s in trails if s.value.dataset} | shared
        for name, trails in traced.fields.items()
    }


def same(left: list[Any], right: list[Any]) -> bool:
    """Equal item by item, missing values being equal to each other."""
    if len(left) != len(right):
        return False
    return all(a is b or a == b or (pd.isna(a) and pd.isna(b)) for a, b in zip(left, right, strict=True))


@pytest.fixture(scope="module")
def plain() -> dict[str, pd.DataFrame]:
    """The two files as frames."""
    return {"sales": pd.read_csv(StringIO(SALES)), "regions": pd.read_csv(StringIO(REGIONS))}


def changed(snippet: str, plain: dict[str, pd.DataFrame], file: str, column: str) -> dict[str, list[Any]] | None:
    """The columns of the result when one column of one source is another; None where that is a mistake."""
    frames = {name: frame.copy() for name, frame in plain.items()}
    frames[file][column] = CHANGES[file][column](frames[file][column])
    names: dict[str, Any] = {"pd": pd, "np": np, "df": frames["sales"], "other": frames["regions"]}
    exec(compile(snippet, "<snippet>", "exec"), names)
    result = names["result"]
    return columns_of(pd.DataFrame(result) if isinstance(result, np.ndarray) else result)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("snippet", SNIPPETS[:MISTAKES])
def test_what_a_rule_leaves_out_has_no_influence(
    snippet: str, run: Callable[[str], Any], recorder: Recorder, plain: dict[str, pd.DataFrame]
) -> None:
    """Change one source column: only columns that lineage connects with it may change. And the names are the real
    ones."""
    result = run(snippet)
    before = columns_of(result)
    claimed = influences(recorder, result)
    if trace(recorder.values.get(result)).has_unknown:
        return  # it was made of plain Python numbers: lineage does not claim to know
    if isinstance(result, pd.DataFrame | pd.Series):
        assert recorder.values.get(result).column_names() == tuple(before)
        assert recorder.values.get(result).rows == len(result)
    for file, changes in CHANGES.items():
        for column in changes:
            with unobserved():
                after = changed(snippet, plain, file, column)
            if isinstance(result, np.ndarray):
                after = dict(zip(before, after.values(), strict=True))
            for name, values in before.items():
                told = claimed.get(name, claimed.get("*", set()))
                if (file, column) not in told and (file, None) not in told:
                    assert name in after, f"{name} vanished with {file}.{column}"
                    assert same(values, after[name]), f"{name} changed with {file}.{column}, known: {told}"
