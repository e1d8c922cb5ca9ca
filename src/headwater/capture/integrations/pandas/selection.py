"""Selecting: ``df[...]``, ``loc``, ``iloc``, ``at``, ``iat``, callables as keys."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_scalar
from pandas.core import common, indexing  # type: ignore[attr-defined]

from headwater.capture.context import current
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY, Hooks
from headwater.capture.integrations.pandas.indexes import index_value
from headwater.capture.integrations.pandas.labels import columns_of, describe, is_frame, label, series_name
from headwater.capture.integrations.pandas.recording import bind, exposed, hook, hook_methods, made
from headwater.capture.integrations.pandas.rules import (
    AGGREGATED,
    CHOSEN,
    MASKED,
    SAME,
    SOURCE,
    SUMMARIES,
    By,
    by_levels,
    column,
    from_all,
    under,
    whole,
)
from headwater.capture.recorder import SCALARS, Recorder
from headwater.capture.scalars import can_follow
from headwater.capture.values import Columns, Rule, Value
from headwater.capture.wrapper_frames import unseen

_WITH_INDEX: Final = (pd.DataFrame, pd.Series)
_LABELLED: Final = (pd.Index, pd.Series)
_MASKS: Final = (pd.Series, np.ndarray, pd.api.extensions.ExtensionArray)
_KEYS: Final = (str, int, tuple)
LOCATION: type = indexing._LocationIndexer  # type: ignore[attr-defined]
"""The base class of ``loc`` and ``iloc``."""
SCALAR: type = indexing._ScalarAccessIndexer  # type: ignore[attr-defined]
"""The base class of ``at`` and ``iat``."""

_ROW_MASKED = from_all("IDENTITY", (By("FILTER", 1),))


class _Evaluated(threading.local):
    """The results of recent callable keys, newest last: the callable, and the value of its result, without data."""

    def __init__(self) -> None:
        self.recent: deque[tuple[weakref.ref[Any], Value]] = deque(maxlen=8)


EVALUATED = _Evaluated()


def install(hooks: Hooks) -> None:
    """Hook every way of selecting."""
    hooks.replace(common, "apply_if_callable", _evaluating)
    for owner in (pd.DataFrame, pd.Series):
        hook(hooks, owner, "__getitem__", _getitem)
    hook(hooks, LOCATION, "__getitem__", _located)
    hook(hooks, SCALAR, "__getitem__", _located)
    # shared by items(), iteration and attribute access
    hook_methods(hooks, (pd.DataFrame,), ("_get_item", "_get_item_cache"), lambda name: made("getitem", SAME))
    hook_methods(hooks, (pd.DataFrame,), ("_ixs",), lambda name: _at)


def ROW(value: Value) -> Columns:  # noqa: N802 - a rule, named as the others are
    """A row as a series comes from all columns, and was chosen by its label."""
    return Columns(SOURCE(value).fields, by_levels(value, "FILTER", 0))


ROWS: Final = (ROW, _ROW_MASKED)
"""The rules of rows that were taken out of a frame as series."""


def _where_masked(value: Value) -> Columns:
    """``frame[frame > 0]``: each cell is chosen by the one in its place."""
    fields = dict(SAME(value).fields)
    for name in columns_of(value):
        fields[name] = [*fields[name], *column(value, 1, name, "CONDITIONAL", "INDIRECT")]
    return Columns(fields)


def _evaluating(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the function by which pandas calls the user's callable keys: they are recorded, and the values of their
    results kept for ``evaluated``."""

    def evaluate(maybe_callable: Any, obj: Any, **kwargs: Any) -> Any:
        if not callable(maybe_callable) or not BUSY.depth or current() is None:
            return original(maybe_callable, obj, **kwargs)
        with exposed():
            key = original(maybe_callable, obj, **kwargs)
        recorder = current()
        value = recorder.values.get(key) if recorder is not None else None
        if value is not None:
            with GUARD.at("pandas.callable"), suppress(TypeError):
                EVALUATED.recent.append((weakref.ref(maybe_callable), value))
        return key

    evaluate.__wrapped__ = original  # type: ignore[attr-defined]
    return unseen(evaluate)


def evaluated(key: Any) -> Any:
    """The key; for a callable, the value of its result when pandas called it, or None if that is not followed."""
    if not callable(key):
        return key
    recent = EVALUATED.recent
    for entry in reversed(recent):
        if entry[0]() is key:
            recent.remove(entry)
            return entry[1]
    return None


def _getitem(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner, key = args
    if not isinstance(result, _WITH_INDEX):
        _taken_out(recorder, result, owner, key)
        return
    if type(key) is str:
        bind(recorder, result, "getitem", (owner,), of_levels(owner, key, SAME))
        return
    key = evaluated(key)
    if is_frame(key):
        bind(recorder, result, "getitem", (owner, key), _where_masked)
    elif is_mask(key):
        bind(recorder, result, "filter", (owner, _mask_of(recorder, key)), MASKED)
    else:
        bind(recorder, result, "getitem", (owner,), of_levels(owner, key, SAME))


def of_levels(owner: Any, key: Any, rule: Rule) -> Rule:
    """``rule``, or how it applies where a key chose one level of the columns."""
    is_one = isinstance(key, _KEYS) and isinstance(owner, pd.DataFrame) and owner.columns.nlevels > 1
    return under(label(key), rule) if is_one else rule


def _taken_out(recorder: Recorder, result: Any, owner: Any, key: Any) -> None:
    """Record one item of a frame or series. A number is followed if it is a summary: from a mean, a mode, a
    description."""
    if not can_follow(result):
        bind(recorder, result, "getitem", (owner,), SAME)
        return
    known = recorder.values.get(owner)
    if known is None or known.op.partition("(")[0] not in SUMMARIES:
        return
    source, rule, name = known, SAME, describe(owner)[0]
    wanted = label(key[-1] if isinstance(key, tuple) and key else key)
    if isinstance(owner, pd.DataFrame):
        name = wanted if wanted in columns_of(known) else name
    elif len(known.inputs) == 1 and is_frame(known.inputs[0]) and wanted in columns_of(known.inputs[0]):
        source, rule, name = known.inputs[0], AGGREGATED, wanted  # one number for each column: frame.mean()["age"]
    SCALARS.derive(result, "getitem", (source,), rule, name, None, frames=5)


def _at(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    axis = args[2] if len(args) > 2 else kwargs.get("axis", 0)
    bind(recorder, result, "getitem", (args[0],), SAME if axis else ROW)


def is_all(rows: Any) -> bool:
    """Whether ``rows`` is ``:``. Not compared by ``==``, because the ends may be objects for which that is no bool."""
    return isinstance(rows, slice) and rows.start is None and rows.stop is None and rows.step is None


def is_mask(key: Any) -> bool:
    """Whether ``key`` chooses rows: an array or series of booleans, or the value of a callable's result."""
    if type(key) is Value:
        return True
    return isinstance(key, _MASKS) and is_bool_dtype(key.dtype)


def _mask_of(recorder: Recorder, mask: Any) -> Any:
    """The value of a mask made from an index (comparing one returns a plain array); otherwise the mask itself."""
    is_unknown = isinstance(mask, np.ndarray) and not recorder.values.knows(mask)
    return (index_value(recorder, mask) if is_unknown else None) or mask


def _located(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    indexer, key = args
    owner, op = indexer.obj, indexer.name
    if getattr(indexer, "axis", None) == 1:  # frame.loc(axis=1)[columns]
        key = (slice(None), key)
    if not isinstance(result, _WITH_INDEX):
        _taken_out(recorder, result, owner, key)
        return
    rows = evaluated(key[0] if isinstance(key, tuple) and key else key)
    if isinstance(key, tuple) and len(key) > 1:
        evaluated(key[1])
    masked = is_mask(rows)
    inputs = [owner, _mask_of(recorder, rows)] if masked else [owner]
    rule = _rule_of(owner, result, key, masked)
    labels = _labels_of(recorder, rows) if op == "loc" and not masked else []
    bind(recorder, result, op, [*inputs, *labels], _chosen_by_labels(rule) if labels else rule)


def _labels_of(recorder: Recorder, rows: Any) -> list[Any]:
    """The index or series whose items are the labels of the rows that are selected; empty if it is not followed."""
    known = index_value(recorder, rows) if isinstance(rows, pd.Index) and not recorder.values.knows(rows) else rows
    return [known] if type(known) is Value or isinstance(known, _LABELLED) else []


def _chosen_by_labels(rule: Rule) -> Rule:
    """``rule``, with the second input deciding which rows there are."""

    def chosen(value: Value) -> Columns:
        found = rule(value)
        return found._replace(indirect=[*found.indirect, *whole(value, 1, "FILTER", "INDIRECT")])

    return chosen


def _rule_of(owner: Any, result: Any, key: Any, masked: bool) -> Rule:
    if isinstance(owner, pd.DataFrame) and isinstance(result, pd.Series) and not _is_column(owner, result, key):
        return _ROW_MASKED if masked else ROW
    if masked:
        return MASKED
    rows = key[0] if isinstance(key, tuple) and len(key) else key
    columns = key[1] if isinstance(key, tuple) and len(key) > 1 else None
    return of_levels(owner, columns, SAME if is_all(rows) else CHOSEN)


def _is_column(owner: pd.DataFrame, result: pd.Series, key: Any) -> bool:
    """Whether a series from a frame is one of its columns, and not one of its rows."""
    if not isinstance(key, tuple) or len(key) < 2 or not is_scalar(key[-1]):
        return False
    return series_name(result.name) in map(series_name, owner.columns)
