"""Attributes of fitted estimators: learned arrays and numbers, and nested estimators.

Reading ``model.coef_``, ``pca.components_``, ``search.cv_results_`` or ``pipeline["fit"].coef_`` cannot be observed. So
they are bound right after the fit, to the value that the estimator then has; properties are bound when they are read.
An array that is changed in place later still belongs to that model.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final

import numpy as np

from headwater.capture.containers import HELD, is_estimator
from headwater.capture.integrations.sklearn.row_sets import rows_of
from headwater.capture.recorder import SCALARS, Recorder
from headwater.capture.scalars import can_follow
from headwater.capture.values import Columns, Dep, Value, make_value, same_columns

MOST_INNER: Final = 200
"""How many attributes of an estimator, and estimators inside it (trees of a forest, folds), are bound."""
_DEEPEST: Final = 4
_ROWS: Final = frozenset((
    *("labels_", "embedding_", "oob_prediction_", "oob_decision_function_", "transduction_", "row_labels_"),
    *("negative_outlier_factor_", "fitted_values_"),
))  # fmt: skip
"""Attributes with an entry for each training row: the model's output for it."""
_GIVEN: Final = ("X_", "y_", "_")
"""Prefixes of attributes that hold what the estimator was given, or are internal."""
_COUNTS: Final = frozenset(("n_features_in_", "feature_names_in_", "n_features_", "n_outputs_", "n_classes_"))
"""Attributes and properties that describe only the shape of what was learned."""


def of_all(value: Value) -> Columns:
    """The rule of something that depends on all features."""
    deps = [Dep(0, None, subtype="AGGREGATION")]
    return Columns(dict.fromkeys(value.column_names() or ("*",), deps))


def of_each(value: Value) -> Columns:
    """Each column comes from the feature of that name; the other features influenced it during the fit."""
    fields = {name: [Dep(0, name, subtype="AGGREGATION")] for name in value.column_names()}
    return Columns(fields, [Dep(0, None, "INDIRECT", "CONDITIONAL")])


def of_rows(value: Value) -> Columns:
    """The model's output for each training row, which comes from the model and the row."""
    deps = [Dep(0, None), *(Dep(1, name) for name in value.inputs[1].column_names())]
    return Columns(dict.fromkeys(value.column_names(), deps))


def bind_learned(recorder: Recorder, estimator: Any, value: Value, rows: Value, names: tuple[str, ...] = ()) -> None:
    """Bind everything that ``estimator`` learned to ``value``. ``rows`` is its training data; ``names`` are its
    features, if these are not the columns of ``value``."""
    _bind(recorder, estimator, value, rows, names or value.column_names(), 0)


def _bind(recorder: Recorder, estimator: Any, value: Value, rows: Value, names: tuple[str, ...], depth: int) -> None:
    values = recorder.values
    own = getattr(estimator, "__dict__", {})
    for name, item in islice(list(own.items()), MOST_INNER):
        if not name.endswith("_") or name.startswith(_GIVEN) or name in _COUNTS:
            continue
        if type(item) is np.ndarray and item.dtype != object:
            if item.ndim and not values.knows(item):
                _hold(recorder, item, _array(value, rows, name, item, names), rows.rows)
        elif type(item) is float or isinstance(item, np.floating):
            SCALARS.keep(item, make_value(f"sklearn.{name}", (value,), of_all, columns=(name,)))
        elif type(item) is dict:
            _table(recorder, item, value, name)
    for inner, is_same in _inner(estimator, own):
        if not is_same and values.knows(inner):
            continue
        columns = value.column_names()
        values.hold(inner, make_value(HELD, (value,), same_columns, columns=columns or None))
        if is_same and depth < _DEEPEST:
            _bind(recorder, inner, value, rows, names, depth + 1)


def _hold(recorder: Recorder, array: Any, value: Value, rows: int | None) -> None:
    """Bind ``array`` to ``value``, and also the array that owns its memory, because slices refer to that. An owner as
    long as the training data is left alone: it may be the user's own."""
    recorder.values.hold(array, value)
    owner = array.base
    if type(owner) is np.ndarray and not recorder.values.knows(owner) and max(owner.shape, default=0) < (rows or 0):
        recorder.values.hold(owner, value if owner.nbytes == array.nbytes else _unnamed(value))


def _unnamed(value: Value) -> Value:
    return make_value(value.op, value.inputs[:1], of_all)


def _array(value: Value, rows: Value, name: str, array: Any, names: tuple[str, ...]) -> Value:
    """A value for an array that was learned, by feature if it has a column for each."""
    op = f"sklearn.{name}"
    if name in _ROWS:
        columns = (name,) if array.ndim == 1 else tuple(f"{name}{i}" for i in range(array.shape[1]))
        return make_value(op, (value, rows), of_rows, columns=columns, rows=len(array))
    if array.ndim == 2 and array.shape[1] == len(names) and names == value.column_names():
        return make_value(op, (value,), of_each, columns=names, rows=len(array))
    return make_value(op, (value,), of_all, columns=(name,), rows=len(array))


def _table(recorder: Recorder, results: dict[Any, Any], value: Value, name: str) -> None:
    """Bind a dictionary of arrays: the results of a search."""
    for key, item in islice(results.items(), MOST_INNER):
        if isinstance(item, np.ndarray) and item.ndim == 1:
            made = make_value(f"sklearn.{name}", (value,), of_all, columns=(str(key),), rows=rows_of(item))
            recorder.values.hold(item, made)


def _inner(estimator: Any, own: dict[str, Any]) -> Iterator[tuple[Any, bool]]:
    """The fitted estimators inside another, each with whether it is the model itself (the last step, the best of a
    search) rather than one part of it."""
    for name in ("best_estimator_", "_Booster", "regressor_", "estimator_"):
        inner = own.get(name)
        if inner is not None:
            yield inner, True
    steps = own.get("steps")
    if isinstance(steps, list):
        for place, step in enumerate(steps):
            if not isinstance(step[1], str) and step[1] is not None:
                yield step[1], place == len(steps) - 1
    for name in ("estimators_", "calibrated_classifiers_", "transformers_"):
        yield from ((item, False) for item in islice(_members(own.get(name)), MOST_INNER))


def _members(items: Any) -> Iterator[Any]:
    """The estimators in a list, in a list of tuples, or in an array by stage and class."""
    flat: Iterable[Any] = items.flat if isinstance(items, np.ndarray) else items if isinstance(items, list) else ()
    for item in flat:
        for part in item if isinstance(item, tuple) else (item,):
            if is_estimator(part):
                yield part


def properties_of(cls: type) -> Iterator[str]:
    """The properties of a class, defined by itself, that return what was learned."""
    for name, found in vars(cls).items():
        if type(found) is property and name.endswith("_") and not name.startswith("_") and name not in _COUNTS:
            yield name


def reader(name: str) -> Callable[..., None]:
    """A handler for the property of that name."""
    return functools.partial(_read, name=name)


def _read(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> None:
    del kwargs
    values = recorder.values
    value = values.seen(args[0])
    if value is None:
        return
    if type(result) is np.ndarray and result.ndim and result.dtype != object:
        if not values.knows(result):
            made = _array(value, value, name, result, value.column_names())
            recorder.derive(result, made.op, (value,), made.rule, made.columns, made.rows)
    elif type(result) is not str and can_follow(result):
        SCALARS.derive(result, f"sklearn.{name}", (value,), of_all, (name,))
