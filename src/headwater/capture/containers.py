"""Objects that contain followed objects: a tuple of a matrix and its names, a dictionary of a model and its scaler.

Such an object is saved and loaded as a whole but has no value of its own. When it is saved, the file comes from
everything its parts come from; when it is loaded, each part comes from the file.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from headwater.capture.recorder import Recorder, saved_here
from headwater.capture.user_code import is_users
from headwater.capture.value_table import Values
from headwater.capture.values import Columns, DatasetRef, Dep, Value, make_value

HELD: Final = "held"
"""The operation of a value that combines the parts of such an object, or is one of its parts."""
MAX_PARTS: Final = 100
"""How many parts are examined on each level of an object."""
MAX_LEVELS: Final = 3
_SEQUENCES: Final = (tuple, list, set, frozenset)
_PLAIN: Final = frozenset(("builtins", "numpy", "pandas"))
"""Modules of classes whose attributes are not the user's code."""
_ABSENT: Final = object()


def value_held(values: Values, obj: Any) -> Value | None:
    """The value of an object, or a value that combines those of its parts; None if none is known."""
    known = None if isinstance(obj, (dict, *_SEQUENCES)) else values.get(obj)
    if known is not None:
        return known
    parts = list({id(value): value for value in _followed(values, obj, 0)}.values())
    if not parts:
        return None
    names = dict.fromkeys(name for part in parts for name in part.column_names())
    return make_value(HELD, tuple(parts), _by_part, columns=tuple(names) or None)


def value_saved(values: Values, obj: Any, savers: frozenset[str]) -> Value | None:
    """As ``value_held``, for an object that a call of one of ``savers`` writes to a file. If no value is known, the
    source code of the call is analysed."""
    found = value_held(values, obj)
    return saved_here(savers, 1, obj) if found is None else found


def bind_parts(recorder: Recorder, obj: Any, source: Value) -> None:
    """Record that each array, frame and estimator in ``obj`` was read from ``source``."""
    if _is_followed(obj):
        return
    for part in _parts(obj, 0):
        if _is_followed(part):
            names = names_of(part)
            rows = (told(part, "shape") or (None,))[0]
            rule = _same if names else _whole
            recorder.values.bind(part, make_value(HELD, (source,), rule, columns=names, rows=rows))


def typed(ref: DatasetRef, obj: Any) -> DatasetRef:
    """The dataset, of type MODEL if ``obj`` is an estimator or a booster, or holds one that predicts."""
    if (
        is_estimator(obj)
        or _predicts(obj)
        or (not _is_followed(obj) and any(_predicts(part) for part in _parts(obj, 0)))
    ):
        return ref._replace(type="MODEL")
    return ref


def told(obj: Any, name: str) -> Any:
    """An attribute, or None without one. What code of the user's would have to compute is not asked for: it may read a
    table, or show something."""
    kind = type(obj)
    if kind.__module__ in _PLAIN:
        return getattr(obj, name, None)
    found = inspect.getattr_static(obj, name, _ABSENT)
    if found is _ABSENT:
        computed = getattr(kind, "__getattr__", None)
    else:
        computed = getattr(found, "fget", None) or getattr(found, "func", None)
    code = getattr(inspect.unwrap(computed), "__code__", None) if computed is not None else None
    return None if is_users(code) else getattr(obj, name, None)


def is_estimator(obj: Any) -> bool:
    """Whether an object looks like an estimator: it can be asked for parameters, and predicts or transforms."""
    return hasattr(type(obj), "get_params") and (hasattr(obj, "predict") or hasattr(obj, "transform"))


def parts(obj: Any, level: int = 0) -> Iterator[Any]:
    """What an object holds, and what that holds, including what estimators hold."""
    for part in _items(obj):
        yield part
        if level < MAX_LEVELS:
            yield from parts(part, level + 1)


def _predicts(obj: Any) -> bool:
    """Whether an object is an estimator that predicts, or a booster of xgboost or lightgbm."""
    return (is_estimator(obj) or hasattr(type(obj), "save_model")) and hasattr(obj, "predict")


def _followed(values: Values, obj: Any, level: int) -> Iterator[Value]:
    for part in _items(obj):
        known = values.get(part) if _is_followed(part) else None
        if known is not None:
            yield known
        elif level < MAX_LEVELS and not _is_followed(part):
            yield from _followed(values, part, level + 1)


def _parts(obj: Any, level: int) -> Iterator[Any]:
    for part in _items(obj):
        yield part
        if level < MAX_LEVELS and not _is_followed(part):
            yield from _parts(part, level + 1)


def _items(obj: Any) -> list[Any]:
    """The items of a container, or the attributes of an instance of a class written in Python."""
    if isinstance(obj, dict):
        return list(islice(obj.values(), MAX_PARTS))
    if isinstance(obj, _SEQUENCES):
        return list(islice(obj, MAX_PARTS))
    own = getattr(obj, "__dict__", None)
    is_instance = isinstance(own, dict) and not isinstance(obj, type) and not callable(obj)
    return list(islice(own.values(), MAX_PARTS)) if is_instance and own is not None else []


def _is_followed(obj: Any) -> bool:
    """Whether objects of this kind have values of their own: they have a shape, or are estimators."""
    shape = told(obj, "shape")
    return (isinstance(shape, tuple) and len(shape) > 0) or is_estimator(obj)


def names_of(part: Any) -> tuple[str, ...] | None:
    """The names of the columns of a table, the features of an estimator, or the name of a column; None without any."""
    columns = told(part, "columns")
    if columns is None:
        columns = told(part, "feature_names_in_")
    if columns is None or callable(columns):
        name = told(part, "name")
        return (str(name),) if name is not None and told(part, "index") is not None else None
    return tuple(map(str, columns))


def shape_of(obj: Any) -> tuple[tuple[str, ...] | None, int | None]:
    """The names of the columns of a table, or of a column that has a name, and the row count of these and of arrays;
    None for what an object does not have."""
    shape = told(obj, "shape")
    if not isinstance(shape, tuple) or not shape:
        return None, None
    return names_of(obj), shape[0]


def _by_part(value: Value) -> Columns:
    """Each column comes from the columns of that name in all parts; parts without names are taken as a whole."""
    fields: dict[str, list[Dep]] = {name: [] for name in value.column_names()}
    for position, part in enumerate(value.inputs):
        for name in part.column_names() or ("*",):
            dep = Dep(position, None if name == "*" else name, subtype="IDENTITY")
            fields.setdefault(name, []).append(dep)
    return Columns(fields)


def _same(value: Value) -> Columns:
    return Columns({name: [Dep(0, name, subtype="IDENTITY")] for name in value.column_names()})


def _whole(value: Value) -> Columns:
    return Columns({"*": [Dep(0, None, subtype="IDENTITY")]})
