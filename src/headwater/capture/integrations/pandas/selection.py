"""Selecting: ``df[...]``, ``loc``, ``iloc``, callables as keys, ``query``."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_scalar
from pandas.core import common, indexing  # type: ignore[attr-defined]

from headwater.capture.hooks import BUSY, Hooks
from headwater.capture.integrations.pandas.labels import series_name
from headwater.capture.integrations.pandas.observing import bind, exposed, hook
from headwater.capture.integrations.pandas.rules import CHOSEN, MASKED, SAME, SOURCE, By, by_levels, by_name, from_all
from headwater.capture.recorder import Recorder, current
from headwater.capture.stand_in import unseen
from headwater.capture.values import Columns, Rule, Value

LOCATION: type = indexing._LocationIndexer  # type: ignore[attr-defined]
"""What ``loc`` and ``iloc`` are instances of."""
SCALAR: type = indexing._ScalarAccessIndexer  # type: ignore[attr-defined]
"""What ``at`` and ``iat`` are instances of."""

_WHERE_MASKED = by_name("IDENTITY", (By("CONDITIONAL", 1),))
_ROW_MASKED = from_all("IDENTITY", (By("FILTER", 1),))


class _Evaluated(threading.local):
    """What the callable keys of the call now running gave, for the handler that runs after it."""

    keys: list[Any] | None = None


EVALUATED = _Evaluated()


def install(hooks: Hooks) -> None:
    """Hook every way of selecting."""
    hooks.replace(common, "apply_if_callable", _evaluating)
    for owner in (pd.DataFrame, pd.Series):
        hook(hooks, owner, "__getitem__", _getitem)
    hook(hooks, LOCATION, "__getitem__", _located)


def ROW(value: Value) -> Columns:  # noqa: N802 - a rule, named as the others are
    """A row as a series: from all columns, chosen by its label."""
    return Columns(SOURCE(value).fields, by_levels(value, "FILTER", 0))


def _evaluating(original: Callable[..., Any]) -> Callable[..., Any]:
    """pandas calls the user's callable keys here: what they compute is recorded, and their result kept for us."""

    def evaluate(maybe_callable: Any, obj: Any, **kwargs: Any) -> Any:
        if not callable(maybe_callable) or not BUSY.depth or current() is None:
            return original(maybe_callable, obj, **kwargs)
        with exposed():
            key = original(maybe_callable, obj, **kwargs)
        if EVALUATED.keys is None:
            EVALUATED.keys = []
        EVALUATED.keys.append(key)
        return key

    evaluate.__wrapped__ = original  # type: ignore[attr-defined]
    return unseen(evaluate)


def evaluated(key: Any) -> Any:
    """``key``, or what it gave when pandas called it. Asked once per callable, in order."""
    if not callable(key):
        return key
    keys = EVALUATED.keys
    found = keys.pop(0) if keys else None
    if not keys:
        EVALUATED.keys = None
    return found


def _getitem(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner, key = args
    if type(key) is str or not isinstance(result, pd.DataFrame | pd.Series):
        bind(recorder, result, "getitem", (owner,), SAME)
        return
    key = evaluated(key)
    if isinstance(key, pd.DataFrame):
        bind(recorder, result, "getitem", (owner, key), _WHERE_MASKED)
    elif is_mask(key):
        bind(recorder, result, "filter", (owner, key), MASKED)
    else:
        bind(recorder, result, "getitem", (owner,), SAME)


def is_mask(key: Any) -> bool:
    """Whether ``key`` is an object of truth values that lineage could know."""
    return isinstance(key, pd.Series | np.ndarray | pd.api.extensions.ExtensionArray) and is_bool_dtype(key.dtype)


def _located(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    indexer, key = args
    owner, op = indexer.obj, indexer.name
    if not isinstance(result, pd.DataFrame | pd.Series):
        return
    rows = evaluated(key[0] if isinstance(key, tuple) and len(key) else key)
    if isinstance(key, tuple) and len(key) > 1:
        evaluated(key[1])
    masked = is_mask(rows)
    inputs = (owner, rows) if masked else (owner,)
    bind(recorder, result, op, inputs, _rule_of(owner, result, key, masked))


def _rule_of(owner: Any, result: Any, key: Any, masked: bool) -> Rule:
    if isinstance(owner, pd.DataFrame) and isinstance(result, pd.Series) and not _is_column(owner, result, key):
        return _ROW_MASKED if masked else ROW
    if masked:
        return MASKED
    rows = key[0] if isinstance(key, tuple) and len(key) else key
    return SAME if isinstance(rows, slice) and rows == slice(None) else CHOSEN


def _is_column(owner: pd.DataFrame, result: pd.Series, key: Any) -> bool:
    """Whether a series out of a frame is one of its columns, rather than one of its rows."""
    if not isinstance(key, tuple) or len(key) < 2 or not is_scalar(key[-1]):
        return False
    return series_name(result.name) in map(series_name, owner.columns)
