"""Facts about models and their outputs: versions, training data, and the model behind a prediction.

The version of a model in memory is the digest of its recipe: class, hyper-parameters, features, the fingerprints of its
training data, and what was done to that data before the fit (a scaler, ``np.log``). Fits on parts of a set (folds) are
told apart by their order. If it depends on chance and no seed was set, the recipe includes the run, so that two such
models never have the same version.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final

import msgspec

from headwater.capture.containers import HELD
from headwater.capture.datasets import Datasets, Touched
from headwater.capture.recorder import Recorder
from headwater.capture.source_analysis.expression_text import expression_of
from headwater.capture.source_analysis.supposed_values import FROM_CODE
from headwater.capture.source_analysis.taken_values import TAKEN
from headwater.capture.trace import trace
from headwater.capture.values import GATHERED, DatasetRef, Value

MODELS: Final = ("MODEL", "CHECKPOINT")
"""Dataset types that a fitted model can have."""

_UNSET_SEEDS: Final = "unset_seeds"
"""The fact of an integration that tells which seeds were not set and matter; no part of the facet."""
UNSEEN_FIT: Final = "unseen_fit"
"""The fact that nobody saw how a model was fitted. Its value is one that no other model has, as what else is known of
two such models may be the same. No part of the facet."""
_MOST_STEPS: Final = 500

_MEASURED: Final = ("importances", "importance_details")
"""Facts measured on a fitted model, which are not part of its recipe."""

_encode = msgspec.json.Encoder(order="sorted", enc_hook=str).encode


def describe(
    touched: Touched,
    value: Value,
    saved: DatasetRef | None,
    model: dict[str, Any] | None,
    datasets: Datasets,
    recorder: Recorder,
) -> None:
    """Complete the facets of a dataset that is a model, holds one, or was made by one.

    ``value`` is what was written or named, ``saved`` the dataset that it was before it was written here, if any, and
    ``model`` the integration's description of a model that has just been fitted.
    """
    if model is not None:
        done = touched.facets["headwater_model"] = _completed(model, value, touched, datasets, recorder)
        touched.facets["version"] = {"datasetVersion": done["version"]}
    elif saved is not None and saved.type in MODELS:
        known = datasets.touch(saved).facets.get("headwater_model")
        if known is not None:
            touched.facets["headwater_model"] = known
    elif touched.ref.type in MODELS:  # a file that holds models, and perhaps other things
        held = (datasets.touch(ref).facets.get("headwater_model") for ref in _sources(value) if ref.type in MODELS)
        known = next((facet for facet in held if facet is not None), None)
        if known is not None:
            touched.facets["headwater_model"] = known
    elif (made := _prediction(value, datasets)) is not None:
        touched.facets["headwater_predictions"] = made
        if touched.ref.type == "FILE" and _holds_predictions(value):
            touched.ref = touched.ref._replace(type="PREDICTIONS")
            touched.facets["datasetType"] = {"datasetType": "PREDICTIONS"}


def mark_checkpoints(datasets: Datasets) -> None:
    """Turn saved models that were trained further after saving into checkpoints, which is known only at the end."""
    last: dict[str, Any] = {}
    for touched in datasets:
        if touched.ref.type == "MODEL" and touched.ref.namespace.startswith("inmemory:"):
            facet = touched.facets.get("headwater_model", {})
            last[facet.get("name", "")] = facet.get("version")
    for touched in datasets:
        facet = touched.facets.get("headwater_model", {})
        is_file = touched.is_output and not touched.ref.namespace.startswith("inmemory:")
        if is_file and facet.get("name") in last and facet.get("version") != last[facet.get("name", "")]:
            touched.ref = touched.ref._replace(type="CHECKPOINT")
            touched.facets["datasetType"] = {"datasetType": "CHECKPOINT"}
            touched.facets["headwater_model"] = {**facet, "checkpoint": {"step": facet.get("step", 1)}}


def _completed(
    body: dict[str, Any], value: Value, touched: Touched, datasets: Datasets, recorder: Recorder
) -> dict[str, Any]:
    sources = _sources(value)
    training = [_named(ref, datasets) for ref in sources if ref.type not in MODELS]
    parents = [_named(ref, datasets) for ref in sources if ref.type in MODELS]
    recipe = {name: part for name, part in body.items() if name not in _MEASURED}
    recipe |= {"training": training, "parents": parents, "made": _made_since(value)}
    if not _is_repeatable(body, training):
        recipe["run"] = recorder.run_id
    if _is_part(value):  # which rows they are is not known, so each fit on some of the rows is one of its own
        recipe["part"] = datasets.number_of_part(touched.ref, [item["name"] for item in training])
    version = blake2b(_encode(recipe), digest_size=8).hexdigest()
    done = {**body, "name": touched.ref.name, "version": version}
    for fact in (_UNSET_SEEDS, UNSEEN_FIT):
        done.pop(fact, None)
    if parents:
        before = touched.facets.get("headwater_model", {})
        done["step"] = before.get("step", 1) + 1
    if training:
        done["training"] = training[0]
    if parents:
        done["parent"] = parents[0]
    return done


def _is_repeatable(body: dict[str, Any], training: list[dict[str, str]]) -> bool:
    """Whether the recipe determines the model: every seed is set, and every training set has a fingerprint."""
    parameters = body.get("hyper_parameters", {})
    unset = [name for name, value in parameters.items() if value is None and name.rpartition("__")[2] == "random_state"]
    return not body.get(_UNSET_SEEDS, unset) and bool(training) and all("version" in item for item in training)


def _made_since(model: Value) -> list[list[Any]]:
    """What was done to the sets that a model learned from before it got them: each operation, with the parameters of
    the transformer that it fitted and the expression in the code."""
    found: list[list[Any]] = []
    seen: set[int] = set()
    stack = list(reversed(model.inputs))
    while stack and len(found) < _MOST_STEPS:
        item = stack.pop()
        if id(item) in seen or item.dataset is not None:
            continue
        seen.add(id(item))
        found.append([item.op, item.detail or {}, expression_of(item)])
        stack += reversed(item.inputs)
    return found


def _is_part(value: Value) -> bool:
    """Whether a model was fitted on some rows of a set (a fold), which has a fingerprint only as a whole."""
    rows = [source.rows for source in trace(value).sources if source.dataset is not None and _is_set(source.dataset)]
    whole = min((count for count in rows if count is not None), default=0)
    given = [item.rows for item in value.inputs if item.dataset is None and item.rows is not None]
    return bool(given) and min(given) < whole


def _is_set(ref: DatasetRef) -> bool:
    return ref.type == "IN_MEMORY"


def _sources(value: Value) -> list[DatasetRef]:
    return [source.dataset for source in trace(value).sources if source.dataset is not None]


def _named(ref: DatasetRef, datasets: Datasets) -> dict[str, str]:
    """A dataset by name and, if known, version."""
    named = {"namespace": ref.namespace, "name": ref.name}
    touched = datasets.find(named)
    facets = touched.facets if touched is not None else {}
    fingerprint = facets.get("headwater_fingerprint", {})
    version = facets.get("headwater_model", {}).get("version") or fingerprint.get("exact")
    version = version or fingerprint.get("file", {}).get("sha256")
    return {**named, "version": version} if version else named


def _prediction(value: Value, datasets: Datasets) -> dict[str, Any] | None:
    """The model behind a value and what it was applied to; None if no model was applied."""
    sources = _sources(value)
    models = [ref for ref in sources if ref.type in MODELS]
    if not models:
        return None
    inputs = _predicted_from(value) or [ref for ref in sources if ref.type not in MODELS]
    method = _method(value)
    if not method:  # an attribute of a model, which predicts nothing about any row
        return None
    made: dict[str, Any] = {"model": _named(models[0], datasets), "method": method}
    if inputs:
        made["input"] = _named(inputs[0], datasets)
    return made


def _predicted_from(value: Value) -> list[DatasetRef]:
    """The datasets that the columns with predictions were computed from, beside the models: those that a table of
    predictions has further columns from are others. First those that the models did not learn from, which have only
    numbers in common with the rows (``train.groupby("city")["price"].mean()``)."""
    columns = [trails for trails in trace(value).fields.values() if any(_is_model(source.value) for source in trails)]
    models = {source.value: None for trails in columns for source in trails if _is_model(source.value)}
    learnt = _learnt_from(models)
    found: dict[DatasetRef, bool] = {}
    for source, trail in ((source, trail) for trails in columns for source, trail in trails.items()):
        ref = source.value.dataset
        if ref is not None and ref.type not in MODELS:
            found[ref] = found.get(ref, False) or trail.type == "DIRECT"
    return sorted(found, key=lambda ref: (ref in learnt, not found[ref]))


def _learnt_from(models: Iterable[Value]) -> set[DatasetRef]:
    """The datasets that models learned from, and those that these were made from."""
    found: set[DatasetRef] = set()
    waiting = list(models)
    for _ in range(_MOST_STEPS):
        if not waiting:
            break
        for source in trace(waiting.pop()).sources:
            if source.dataset is not None and source.dataset not in found:
                found.add(source.dataset)
                waiting.append(source)
    return found


def _holds_predictions(value: Value) -> bool:
    """Whether a column holds a model's prediction for each row; a summary of predictions is not a prediction log."""
    return any(
        trail.type == "DIRECT" and trail.subtype != "AGGREGATION"
        for trails in trace(value).fields.values()
        for source, trail in trails.items()
        if source.value.dataset is not None and source.value.dataset.type in MODELS
    )


def _method(value: Value) -> str:
    """The last operation that applied a model: ``predict``, ``predict_proba`` ...; empty if there is none."""
    seen: set[int] = set()
    stack = [value]
    while stack:
        item = stack.pop()
        if any(_is_model(source) for source in item.inputs) and not _only_reads(item):
            return item.op.rpartition(".")[2]
        for source in item.inputs:
            if id(source) not in seen and source.dataset is None:
                seen.add(id(source))
                stack.append(source)
    return ""


def _only_reads(value: Value) -> bool:
    """Whether an operation only takes a value out of a model (``coef_``) or combines it with others. An attribute with
    an entry for each row (``labels_``) has the rows as a second input and is a prediction."""
    is_attribute = value.op.endswith("_") and len(value.inputs) == 1
    return is_attribute or value.op in (HELD, TAKEN, FROM_CODE, GATHERED)


def _is_model(value: Value) -> bool:
    """Whether a value is a model, or was read from a file that holds one."""
    if value.op == HELD and value.dataset is None:
        return any(_is_model(item) for item in value.inputs)
    return value.dataset is not None and value.dataset.type in MODELS
