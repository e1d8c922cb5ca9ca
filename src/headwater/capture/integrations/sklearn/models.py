"""Fitted models: their training data, parameters and results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from headwater.capture.integrations.sklearn import repeated_fits
from headwater.capture.integrations.sklearn.caller_names import assigned_names, receiver_name
from headwater.capture.integrations.sklearn.feature_rules import feature_rule
from headwater.capture.integrations.sklearn.features import (
    MAX_FEATURES,
    Feature,
    are_inseparable,
    columns_used,
    features_of,
    makes_features_of_keys,
    model_features,
    unnamed_features,
)
from headwater.capture.integrations.sklearn.fitted_attributes import bind_learned, of_all
from headwater.capture.integrations.sklearn.fitted_parts import fitted_parts
from headwater.capture.integrations.sklearn.learned_states import LEARNED
from headwater.capture.integrations.sklearn.named_models import changed_parameters, name_model, parameters_of
from headwater.capture.integrations.sklearn.own_transformers import after_own_code
from headwater.capture.integrations.sklearn.row_sets import columns_of, has_set, known, name_set, rows_by_key, rows_of
from headwater.capture.integrations.sklearn.splitters import record_seed
from headwater.capture.integrations.sklearn.unseen_fits import model_used
from headwater.capture.locations import located
from headwater.capture.models import MODELS
from headwater.capture.recorder import Recorder
from headwater.capture.trace import columns_made
from headwater.capture.values import Columns, DatasetRef, Dep, Value

_FITS: Final = ("sklearn.fit", "sklearn.partial_fit")
"""Operations that produce a fitted estimator."""
_FITTED: Final = ("INDIRECT", "CONDITIONAL")
"""The dependency on the state of a fitted transformer: it influences the result, but its values are not part of it."""
_PREDICTS: Final = ("predict", "score_samples", "kneighbors")


def after_fit(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], method: str) -> None:
    """Record ``fit`` and similar methods, which give the estimator a new value."""
    del result
    estimator, x, y = args[0], _argument(args, kwargs, 1, "X"), _argument(args, kwargs, 2, "y")
    if x is None:
        return
    before = _continued(recorder.values.get(estimator), estimator, method)
    for part in (x, y):  # first: the code that made them names the estimator, which does not come before its own data
        if part is not None:
            known(recorder, part)
    is_model = any(hasattr(estimator, name) for name in _PREDICTS)
    value = recorder.derive(estimator, f"sklearn.{method}", (), rule=None, detail={"class": type(estimator).__name__})
    name = _model_name(recorder, value, before, estimator, method)
    rows = _given(recorder, estimator, x)
    inputs = _training(recorder, x, y, name, rows) if is_model else [rows]
    columns = columns_of(x, inputs[0])
    features = model_features(estimator, columns) if is_model else [Feature(c, (i,)) for i, c in enumerate(columns)]
    sides = len(inputs)
    earlier = before or earlier_model(recorder, kwargs.get("xgb_model", kwargs.get("init_model")))
    given = estimator.get_params(deep=True)  # once: scikit-learn reads the signatures of all parts for it
    inputs += [earlier] if earlier is not None else fitted_parts(recorder, estimator, given.values())
    value.inputs = tuple(inputs)
    value.depth = 1 + max(item.depth for item in inputs)
    is_named = len(features) <= MAX_FEATURES and not are_inseparable(features)
    value.columns = tuple(feature.name for feature in features) if is_named else None
    value.rule = feature_rule(features, columns, sides)
    parameters = parameters_of(given)
    if not is_model:
        value.detail = {**_detail(estimator), "parameters": changed_parameters(estimator, parameters)}
    _seeds(recorder, estimator, parameters, value)
    if is_model:
        ref = recorder.memory_ref(name, "MODEL")
        name_model(recorder, value, ref, estimator, features, columns, given)
    bind_learned(recorder, estimator, value, inputs[0])
    if is_model:
        LEARNED.remember(estimator, value)
    _best_score(recorder, estimator)


def after_pipeline(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record a new pipeline, which is a fitted model if all its steps are fitted already."""
    del result, kwargs
    pipeline = args[0]
    steps = [
        recorder.values.get(step) for _, step in getattr(pipeline, "steps", None) or () if not isinstance(step, str)
    ]
    fitted = [step for step in steps if step is not None]
    if not fitted or len(fitted) < len(steps):
        return
    first = pipeline.steps[0][1]
    columns = tuple(str(name) for name in getattr(first, "feature_names_in_", fitted[0].column_names()))
    features = model_features(pipeline, columns) if columns else []
    last = len(fitted) - 1
    fields = {feature.name: [Dep(last, feature.name, subtype="IDENTITY")] for feature in features[:MAX_FEATURES]}
    if last:
        for feature in features[:MAX_FEATURES]:
            fields[feature.name] += [Dep(0, columns[i], subtype=feature.subtype) for i in feature.inputs]
    value = recorder.derive(
        pipeline, "sklearn.Pipeline", fitted, rule=lambda _: Columns(fields), columns=tuple(fields) or None
    )
    if any(hasattr(pipeline, name) for name in _PREDICTS):
        names = assigned_names(value.code, value.line, "Pipeline") or ["pipeline"]
        ref = recorder.memory_ref(repeated_fits.name_of_model(recorder, names[0], value.code, value.line), "MODEL")
        name_model(recorder, value, ref, pipeline, features, columns, pipeline.get_params(deep=True))


def _argument(args: tuple[Any, ...], kwargs: dict[str, Any], position: int, name: str) -> Any:
    return args[position] if len(args) > position else kwargs.get(name)


def _training(recorder: Recorder, x: Any, y: Any, model: str, value: Value) -> list[Value]:
    """The values a model learns from. Rows that belong to no named set yet become the model's training data."""
    parts = [x] if y is None else [x, y]
    if not has_set(value):
        return name_set(recorder, parts, f"{model}.training_data", "sklearn.training_data", {}, value)
    return [value, *(known(recorder, part) for part in parts[1:])]


def _given(recorder: Recorder, estimator: Any, x: Any) -> Value:
    """The value of what an estimator is given; of dictionaries, by their keys."""
    value = known(recorder, x)
    steps = getattr(estimator, "steps", None)
    transformer = steps[0][1] if isinstance(steps, list) and steps else estimator
    if not makes_features_of_keys(transformer):
        return value
    names = (str(name).partition(transformer.separator)[0] for name in transformer.feature_names_)
    return rows_by_key(value, x, tuple(dict.fromkeys(names)))


def _continued(before: Value | None, estimator: Any, method: str) -> Value | None:
    """The earlier value of an estimator if the fit continues from it; None for a fit that starts again, which creates
    another model."""
    return before if method == "partial_fit" or getattr(estimator, "warm_start", False) else None


class _OfFile:
    """An object to bind to a model that a library loads internally."""


def earlier_model(recorder: Recorder, given: Any) -> Value | None:
    """The model that a fit of xgboost or lightgbm continues from, given as an object or a file."""
    if not isinstance(given, str) and not hasattr(given, "__fspath__"):
        return recorder.values.seen(given) if given is not None else None
    ref = located(given)
    return recorder.read(_OfFile(), ref._replace(type="MODEL"), "load_model") if ref is not None else None


def _model_name(recorder: Recorder, value: Value, before: Value | None, estimator: Any, method: str) -> str:
    """The name of the model in the script; a model that is trained further keeps its name."""
    if before is not None and before.dataset is not None:
        return before.dataset.name.rpartition("/")[2]
    name = receiver_name(value.code, value.line, method) or type(estimator).__name__
    return repeated_fits.name_of_model(recorder, name, value.code, value.line)


def _seeds(recorder: Recorder, estimator: Any, parameters: dict[str, Any], value: Value) -> None:
    record_seed(recorder, getattr(estimator, "cv", None), value.code, value.line)
    for name, seed in parameters.items():
        if name.rpartition("__")[2] == "random_state":
            recorder.seed("scikit-learn", f"{type(estimator).__name__}.{name}", seed, value.code, value.line)


def _best_score(recorder: Recorder, estimator: Any) -> None:
    """Record the best score of a search as a metric."""
    score = getattr(estimator, "best_score_", None)
    if isinstance(score, float):
        recorder.metric(f"{type(estimator).__name__}.best_score", float(score))


def after_transform(
    recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], method: str
) -> None:
    """Record ``transform``: each output feature comes from its input columns, influenced by the fitted state."""
    estimator, x = args[0], _argument(args, kwargs, 1, "X")
    fitted, value = known(recorder, estimator), _given(recorder, estimator, x)
    columns = columns_of(x, value)
    if method != "inverse_transform" and after_own_code(recorder, estimator, fitted, columns, result):
        return
    features = features_of(estimator, columns) if method != "inverse_transform" else []
    features = features or unnamed_features(estimator, columns, result)
    fields = _transformed(features, columns, frozenset(fitted.column_names()))
    names = tuple(fields) if len(fields) <= MAX_FEATURES else None
    own = getattr(result, "columns", None)
    if own is not None and names is not None and len(own) == len(names):
        fields = dict(zip((str(name) for name in own), fields.values(), strict=True))
        names = tuple(fields)
    known_fields = fields if fields and names else {"*": [Dep(0, None), Dep(1, None, *_FITTED)]}
    recorder.derive(
        result,
        f"sklearn.{method}",
        (value, fitted),
        rule=lambda _: Columns(known_fields),
        columns=names,
        rows=rows_of(result),
        detail=_detail(estimator),
    )


def _transformed(features: Sequence[Feature], columns: Sequence[str], state: frozenset[str]) -> dict[str, list[Dep]]:
    """What each feature comes from: its input columns, and the fitted state for those in ``state``. Features of the
    same inputs share one list, because a dense transformer makes each of thousands from all columns."""
    shared: dict[tuple[int, str, str], list[Dep]] = {}
    fields: dict[str, list[Dep]] = {}
    for name, inputs, subtype, description in features:
        key = (id(inputs), subtype, description)
        if key not in shared:
            shared[key] = [
                *(Dep(0, columns[i], subtype=subtype, description=description) for i in inputs),
                *(Dep(1, columns[i], *_FITTED) for i in inputs if columns[i] in state),
            ]
            if not columns:  # a list, whose items have no names
                shared[key] = [Dep(0, None, subtype=subtype), Dep(1, None, *_FITTED)]
        fields[name] = shared[key]
    return fields


def after_fit_transform(
    recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], method: str
) -> None:
    """Record ``fit_transform``: a fit, then a transform."""
    after_fit(recorder, None, args, kwargs, method)
    after_transform(recorder, result, args, kwargs, method)


def after_predict(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], method: str) -> None:
    """Record ``predict`` and similar methods: the result comes from the model and from the given rows."""
    estimator, x = args[0], _argument(args, kwargs, 1, "X")
    if x is None:
        return
    model, value = model_used(recorder, estimator), _given(recorder, estimator, x)
    names = _outputs(estimator, result, method)
    used = getattr(estimator, "feature_names_in_", None)
    given = [str(name) for name in used] if used is not None else list(columns_of(x, value))
    columns = columns_used(estimator, given)
    rows: tuple[str | None, ...] = tuple(columns) or (None,)  # of a list of texts, there are no names
    deps = [Dep(0, None), *(Dep(1, name) for name in rows)]
    fields = dict.fromkeys(names, deps)
    recorder.derive(
        result,
        f"sklearn.{method}",
        (model, value),
        rule=lambda _: Columns(fields),
        columns=names,
        rows=rows_of(result),
        detail=_detail(estimator),
    )


def after_neighbours(
    recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], method: str
) -> None:
    """``kneighbors``: distances and places of neighbours, from the rows that were learnt and from those asked about."""
    for part in result if isinstance(result, tuple) else (result,):
        if _argument(args, kwargs, 1, "X") is not None:
            after_predict(recorder, part, args, kwargs, method)
        else:  # those of the rows themselves that were learnt
            names = _outputs(args[0], part, method)
            recorder.derive(part, f"sklearn.{method}", (known(recorder, args[0]),), rule=of_all, columns=names)


def after_fit_predict(
    recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], method: str
) -> None:
    """Record ``fit_predict``: a fit, then a prediction for the same rows."""
    after_fit(recorder, None, args, kwargs, method)
    after_predict(recorder, result, args, kwargs, method)


def _outputs(estimator: Any, result: Any, method: str) -> tuple[str, ...]:
    shape: Any = getattr(result, "shape", ())
    if len(shape) != 2:
        return ("prediction" if method in ("predict", "fit_predict") else method,)
    classes = getattr(estimator, "classes_", None)
    if classes is not None and len(classes) == shape[1] and method != "predict":
        return tuple(f"{method}_{label}" for label in classes)
    return tuple(f"{method}_{i}" for i in range(shape[1]))


def _detail(estimator: Any) -> dict[str, Any]:
    return {"class": type(estimator).__name__}


def dataset_of(recorder: Recorder, objects: tuple[Any, ...]) -> DatasetRef | None:
    """The nearest named dataset behind the first object that has one."""
    for obj in objects:
        value = recorder.values.get(obj)
        names = value.column_names() if value is not None else ()
        column = names[0] if names else None
        for _ in range(100):
            if value is None or value.dataset is not None:
                break
            value, column = _before(value, column)
        if value is not None and value.dataset is not None:
            return value.dataset
    return None


def _is_fitted(value: Value) -> bool:
    return value.op.startswith(_FITS) or (value.dataset is not None and value.dataset.type in MODELS)


def _before(value: Value, column: str | None) -> tuple[Value | None, str | None]:
    """The value that a column of another was taken from, and its name there."""
    data = [item for item in value.inputs if not _is_fitted(item)]  # the rows, not the estimator
    if column is None or len(data) < 2:
        is_same = len(data) == 1 and column in data[0].column_names()
        return (data[-1] if data else None), column if is_same else None
    deps = columns_made(value).fields.get(column, [])
    direct = [dep for dep in deps if dep.type == "DIRECT" and value.inputs[dep.input] in data]
    return (value.inputs[direct[0].input], direct[0].column) if direct else (data[-1], None)
