"""Iteration over a column or frame, as in a comprehension. The result is a list, which cannot be followed.

The line and the column are recorded, so that the origin of such a list can be inferred when it is used later.
"""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from headwater.capture.hooks import Hooks
from headwater.capture.integrations.pandas.indexes import index_value
from headwater.capture.integrations.pandas.recording import hook
from headwater.capture.notebook_cells import user_place
from headwater.capture.recorder import Recorder, went_through

_METHODS: Final = ("__iter__", "items", "tolist", "to_list", "to_dict")
_INDEX_METHODS: Final = ("__iter__", "tolist", "to_list")
_FRAME_METHODS: Final = ("iterrows", "itertuples", "to_dict", "to_records")


def install(hooks: Hooks) -> None:
    """Hook the methods that pass the items of a column, or the rows of a frame, to Python code."""
    for name in _METHODS:
        if hasattr(pd.Series, name):
            hook(hooks, pd.Series, name, _after_pass)
    for name in _INDEX_METHODS:
        hook(hooks, pd.Index, name, _after_labels)
    for name in _FRAME_METHODS:
        hook(hooks, pd.DataFrame, name, _after_pass)


def _after_pass(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    del result, kwargs
    value = recorder.values.get(args[0])
    if value is not None:
        went_through(value, *user_place(3))


def _after_labels(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    del result, kwargs
    value = recorder.values.get(args[0]) or index_value(recorder, args[0])
    if value is not None:
        went_through(value, *user_place(3))
