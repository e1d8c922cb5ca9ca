"""Boosted trees through the native interface of xgboost and lightgbm: matrix, ``train``, booster, model file.

Their scikit-learn estimators are followed like all estimators; this covers everything that bypasses those.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import islice
from types import ModuleType
from typing import Any, Final, NamedTuple

from headwater.capture.hooks import Hooks
from headwater.capture.integrations.sklearn import repeated_fits
from headwater.capture.integrations.sklearn.caller_names import assigned_names
from headwater.capture.integrations.sklearn.feature_rules import feature_rule
from headwater.capture.integrations.sklearn.features import MAX_FEATURES, Feature
from headwater.capture.integrations.sklearn.fitted_attributes import of_all
from headwater.capture.integrations.sklearn.models import earlier_model
from headwater.capture.integrations.sklearn.named_models import plain
from headwater.capture.integrations.sklearn.row_sets import columns_of, has_set, known, name_values, rows_of
from headwater.capture.locations import is_path, located
from headwater.capture.recorder import SCALARS, Recorder
from headwater.capture.scalars import can_follow
from headwater.capture.values import Columns, Dep, Value, make_value
from headwater.capture.wrapper_frames import observe_io

_SEEDS: Final = ("seed", "random_state", "random_seed")


class Library(NamedTuple):
    """The names that a library of boosters uses."""

    name: str
    module: ModuleType
    matrices: tuple[type, ...]
    """Classes that hold rows and labels for training, created by ``(data, label)``."""
    train: str
    """The name of the second argument of ``train``, a matrix."""
    rounds: str
    default_rounds: int
    before: str
    """The argument of ``train`` for a model to continue from."""
    model_file: int
    """The position of the file among the arguments of ``Booster.__init__``, counting ``self``."""
    names: Callable[[Any], Any]
    """The feature names of a booster."""


def hook(hooks: Hooks, library: Library) -> None:
    """Follow the native interface of a library."""
    booster = library.module.Booster
    for matrix in library.matrices:
        hooks.after(matrix, "__init__", functools.partial(_matrix, library=library))
        for name in ("set_label", "set_base_margin", "set_init_score"):
            if name in vars(matrix):
                hooks.after(matrix, name, functools.partial(_added, op=f"{library.name}.{name}"))
    hooks.after(library.module, "train", functools.partial(_trained, library=library))
    for name in ("predict", "inplace_predict"):
        if hasattr(booster, name):
            hooks.after(booster, name, functools.partial(_predicted, library=library))
    for name in ("feature_importance", "get_score", "get_fscore"):
        if hasattr(booster, name):
            hooks.after(booster, name, functools.partial(_weighed, op=f"{library.name}.{name}"))
    saved = functools.partial(observe_io, after=_saved, site=f"{library.name}.save_model")
    hooks.replace(booster, "save_model", saved)
    made = functools.partial(_made, library=library)
    hooks.replace(booster, "__init__", lambda original: observe_io(original, made, f"{library.name}.Booster"))


def hook_files(hooks: Hooks, owner: type, library: Library) -> None:
    """Follow ``load_model`` and, if the class has it, ``save_model``."""
    if hasattr(owner, "save_model"):
        hooks.replace(owner, "save_model", lambda original: observe_io(original, _saved, f"{library.name}.save_model"))
    loaded = functools.partial(_loaded, library=library)
    hooks.replace(owner, "load_model", lambda original: observe_io(original, loaded, f"{library.name}.load_model"))


def _matrix(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], library: Library) -> None:
    """Record a matrix made from rows and labels, or read from a file."""
    del result
    matrix, data = args[0], args[1] if len(args) > 1 else kwargs.get("data")
    label = args[2] if len(args) > 2 else kwargs.get("label")
    op = f"{library.name}.{type(matrix).__name__}"
    is_file = isinstance(data, str) or hasattr(data, "__fspath__")
    ref = located(_without_hints(data, library) if isinstance(data, str) else data) if is_file else None
    if ref is not None:
        recorder.read(matrix, ref, op)
        return
    x = known(recorder, data)
    names = kwargs.get("feature_names", kwargs.get("feature_name"))
    columns = tuple(map(str, names)) if isinstance(names, list) else columns_of(data, x)
    own = columns_of(data, x)
    fields = {
        name: [Dep(0, own[i] if len(own) == len(columns) else None, subtype="IDENTITY")]
        for i, name in enumerate(columns)
    }
    inputs = (x,) if label is None else (x, known(recorder, label))
    recorder.derive(matrix, op, inputs, rule=lambda _: Columns(fields), columns=columns, rows=rows_of(data))


def _without_hints(path: str, library: Library) -> str:
    """A path without xgboost's options in it: ``train.txt?format=libsvm#cache``."""
    return path.partition("#")[0].partition("?format=")[0] if library.name == "xgboost" else path


def _added(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], op: str) -> None:
    """Record labels, or predictions of an earlier model, added to a matrix, which influence what is learned."""
    del result
    matrix, given = args[0], args[1] if len(args) > 1 else next(iter(kwargs.values()), None)
    added = recorder.values.get(given)
    if added is None:
        return
    before = known(recorder, matrix)
    names = before.column_names()
    fields = {name: [Dep(0, name, subtype="IDENTITY")] for name in names} or {"*": [Dep(0, None, subtype="IDENTITY")]}
    decided = [Dep(1, None, "INDIRECT", "CONDITIONAL")]
    recorder.derive(matrix, op, (before, added), lambda _: Columns(fields, decided), names or None, before.rows)


def _weighed(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], op: str) -> None:
    """Record the feature importances of a booster: an array, or a dictionary of numbers."""
    del kwargs
    value = recorder.values.seen(args[0])
    if value is None:
        return
    if isinstance(result, dict):
        for number in islice(result.values(), MAX_FEATURES):
            if can_follow(number):
                SCALARS.keep(number, make_value(op, (value,), of_all, columns=("importance",)))
    elif getattr(result, "shape", None):
        recorder.derive(result, op, (value,), of_all, ("importance",), rows_of(result))


def _trained(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], library: Library) -> None:
    """Record ``train(params, matrix)``: the booster comes from the matrix."""
    given = dict(args[0] if args else kwargs.get("params") or {})
    matrix = known(recorder, args[1] if len(args) > 1 else kwargs.get(library.train))
    rounds = args[2] if len(args) > 2 else kwargs.get(library.rounds, library.default_rounds)
    given[library.rounds] = rounds
    before = earlier_model(recorder, kwargs.get(library.before))
    value = recorder.derive(result, f"{library.name}.train", (), rule=None, detail={"class": type(result).__name__})
    base = (assigned_names(value.code, value.line, "train") or ["booster"])[0]
    name = repeated_fits.name_of_model(recorder, base, value.code, value.line)
    sides = _sides(recorder, matrix, name, value)
    columns = matrix.column_names()
    features = [Feature(column, (i,)) for i, column in enumerate(columns)]
    value.inputs = (*sides, *((before,) if before is not None else ()))
    value.depth = 1 + max(item.depth for item in value.inputs)
    value.columns = columns if 0 < len(columns) <= MAX_FEATURES else None
    value.rule = feature_rule(features, columns, len(sides))
    for seed in _SEEDS:
        if seed in given:
            recorder.seed(library.name, f"train.{seed}", plain(given[seed]), value.code, value.line)
    facet = {
        "framework": library.name,
        "framework_version": getattr(library.module, "__version__", ""),
        "class": f"{type(result).__module__}.{type(result).__qualname__}",
        "hyper_parameters": {str(key): plain(item) for key, item in given.items()},
        "features": list(columns[:MAX_FEATURES]),
        "feature_count": len(columns),
        "preprocessing": [],
    }
    repeated_fits.name(recorder, value, recorder.memory_ref(name, "MODEL"), facets={"headwater_model": facet})


def _sides(recorder: Recorder, matrix: Value, model: str, made: Value) -> list[Value]:
    """The rows and the labels that a matrix was made from. If they belong to no named set yet, they become the model's
    training data."""
    if matrix.dataset is not None or not matrix.inputs:
        return [matrix]
    x, *label = matrix.inputs
    if has_set(x):
        return [matrix, *label]
    ref = recorder.memory_ref(f"{model}.training_data")
    columns = [matrix.column_names(), *(item.column_names()[:1] for item in label)]
    op = "sklearn.training_data"
    return name_values(
        recorder, [matrix, *label], columns, ref, op, rows=matrix.rows, facets={}, snapshot=None, made=made
    )


def _predicted(
    recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], library: Library
) -> None:
    """Record ``predict``: its result comes from the model and from the columns of the given rows."""
    booster, data = args[0], args[1] if len(args) > 1 else kwargs.get("data")
    model, value = known(recorder, booster), known(recorder, data)
    names = library.names(booster)
    columns = [str(name) for name in names] if names else list(value.column_names() or columns_of(data, value))
    seen = set(value.column_names()) or set(columns_of(data, value))
    deps = [Dep(0, None), *(Dep(1, name) for name in columns if name in seen)]
    shape: Any = getattr(result, "shape", ())
    outputs = ("prediction",) if len(shape) != 2 else tuple(f"predict_{i}" for i in range(shape[1]))
    recorder.derive(
        result,
        f"{library.name}.predict",
        (model, value),
        rule=lambda _: Columns(dict.fromkeys(outputs, deps)),
        columns=outputs,
        rows=rows_of(result),
        detail={"class": type(booster).__name__},
    )


def _saved(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record ``save_model`` of a booster, or of the estimator around it."""
    del result
    target = args[1] if len(args) > 1 else kwargs.get("fname", kwargs.get("filename"))
    ref = located(target)
    if ref is not None:
        recorder.wrote(recorder.values.get(args[0]), ref._replace(type="MODEL"), is_anew=is_path(target))


def _made(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], library: Library) -> None:
    """Record ``Booster(model_file=...)``."""
    source = args[library.model_file] if len(args) > library.model_file else kwargs.get("model_file")
    if source is not None:
        _loaded(recorder, result, (args[0], source), {}, library)


def _loaded(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], library: Library) -> None:
    """Record a model loaded from a file: a booster, or the estimator around one."""
    del result
    model, source = args[0], args[1] if len(args) > 1 else kwargs.get("fname")
    ref = located(source) if isinstance(source, str) or hasattr(source, "__fspath__") else None
    if ref is None:
        return
    inner = getattr(model, "__dict__", {}).get("_Booster")
    names = library.names(model if inner is None else inner)
    columns = tuple(map(str, names)) if names else None
    value = recorder.read(model, ref._replace(type="MODEL"), f"{library.name}.load_model", columns=columns)
    if inner is not None:
        recorder.values.bind(inner, value)
