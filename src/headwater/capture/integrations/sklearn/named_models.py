"""What is told of a model: its class, hyper-parameters and features."""

from __future__ import annotations

import inspect
import sys
from functools import lru_cache
from typing import Any

from headwater.capture.integrations.sklearn import repeated_fits
from headwater.capture.integrations.sklearn.chance import UNSET_SEEDS, unset_seeds
from headwater.capture.integrations.sklearn.features import MAX_FEATURES, Feature, preprocessing
from headwater.capture.integrations.sklearn.importances import Described
from headwater.capture.recorder import Recorder
from headwater.capture.values import DatasetRef, Value


def name_model(
    recorder: Recorder,
    value: Value,
    ref: DatasetRef,
    model: Any,
    features: list[Feature],
    columns: tuple[str, ...],
    given: dict[str, Any],
    **more: Any,
) -> None:
    """Make the value a named model, with a facet that describes it. ``given`` are its parameters, ``more`` are facts
    that tell its version apart."""
    facet = {**_facet(model, features, parameters_of(given)), **more}
    facet[UNSET_SEEDS] = unset_seeds(model, given)
    repeated_fits.name(recorder, value, ref, facets=Described(facet, model, features, columns, recorder.run_id))


def parameters_of(given: dict[str, Any]) -> dict[str, Any]:
    """All hyper-parameters, including nested ones; objects by their class, functions by name, splitters as they are
    spelled."""
    return {
        name: repr(value)[:200] if hasattr(value, "get_n_splits") else plain(value) for name, value in given.items()
    }


def changed_parameters(estimator: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """The hyper-parameters that are not the defaults of the class, and those of estimators inside it."""
    kind: Any = type(estimator)
    defaults = _defaults(kind)
    return {name: item for name, item in parameters.items() if name not in defaults or plain(defaults[name]) != item}


@lru_cache(maxsize=1_024)
def _defaults(kind: type) -> dict[str, Any]:
    try:
        parameters = inspect.signature(kind).parameters.values()
    except (TypeError, ValueError):  # a compiled class may have none
        return {}
    return {parameter.name: parameter.default for parameter in parameters if parameter.default is not parameter.empty}


def plain(value: Any) -> Any:
    """A parameter as a JSON value: lists and dicts cut at 50 items, functions by name, objects by class."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value[:50]]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in list(value.items())[:50]}
    item = getattr(value, "item", None)
    if item is not None and getattr(value, "ndim", 1) == 0:
        return item()
    return getattr(value, "__qualname__", None) or type(value).__name__


def _facet(estimator: Any, features: list[Feature], parameters: dict[str, Any]) -> dict[str, Any]:
    facet: dict[str, Any] = {
        "framework": "scikit-learn",
        "framework_version": getattr(sys.modules.get("sklearn"), "__version__", ""),
        "class": f"{type(estimator).__module__}.{type(estimator).__qualname__}",
        "hyper_parameters": parameters,
        "features": [feature.name for feature in features[:MAX_FEATURES]],
        "feature_count": len(features),
        "preprocessing": preprocessing(estimator),
    }
    best = getattr(estimator, "best_params_", None)
    if best is not None:
        facet["best_parameters"] = {name: plain(value) for name, value in best.items()}
    return facet
