"""Operations without a hook of their own: pandas calls ``__finalize__`` on nearly every result, with its input and
a name."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from pandas.core.generic import NDFrame

from headwater.capture.hooks import Hooks
from headwater.capture.integrations.pandas.labels import columns_of
from headwater.capture.integrations.pandas.recording import bind, hook
from headwater.capture.integrations.pandas.rules import CHANGED, SAME, by_position, opaque
from headwater.capture.recorder import Recorder
from headwater.capture.values import Columns, Value

_SAME: Final = frozenset(
    [
        "copy",
        "__getitem__",
        "take",
        "reindex",
        "groupby",
        "head",
        "tail",
        "dropna",
        "sort_values",
        "sort_index",
        "drop",
        "asfreq",
        "truncate",
        "set_index",
        "reset_index",
        "loc",
        "iloc",
        "sample",
        "xs",
        "tz_convert",
        "tz_localize",
    ]
)
_CHANGED: Final = frozenset(
    [
        "astype",
        "fillna",
        "ffill",
        "bfill",
        "pad",
        "interpolate",
        "replace",
        "clip",
        "round",
        "diff",
        "shift",
        "isna",
        "notna",
        "where",
        "mask",
        "abs",
        "infer_objects",
        "convert_dtypes",
    ]
)


def install(hooks: Hooks) -> None:
    """Hook ``__finalize__`` and the step that in-place methods share."""
    hook(hooks, NDFrame, "__finalize__", _finalized)
    hook(hooks, NDFrame, "_update_inplace", _updated)


def _finalized(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner = args[0]
    other = args[1] if len(args) > 1 else kwargs.get("other")
    method = args[2] if len(args) > 2 else kwargs.get("method")
    if not isinstance(other, NDFrame) or owner is other:
        return
    known = recorder.values.get(other)
    if known is None or recorder.values.get(owner) is not None:
        return
    if method in _SAME:
        rule = SAME
    elif method in _CHANGED:
        rule = CHANGED
    elif isinstance(owner, pd.Series) and isinstance(other, pd.Series):
        rule = by_position("TRANSFORMATION")
    else:
        rule = opaque
    bind(recorder, owner, method or "pandas", (other,), rule)


def _updated(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner, new = args[0], args[1] if len(args) > 1 else kwargs.get("result")
    if recorder.values.get(new) is not None and new is not owner:
        bind(recorder, owner, "inplace", (new,), _replaced)
    else:
        bind(recorder, owner, "inplace", (owner,), CHANGED)


def _replaced(value: Value) -> Columns:
    if columns_of(value) == columns_of(value.inputs[0]):
        return SAME(value)
    return by_position()(value)
