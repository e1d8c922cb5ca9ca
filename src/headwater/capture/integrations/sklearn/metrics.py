"""Metrics: results of ``sklearn.metrics`` and cross-validation, with the data they were measured on."""

from __future__ import annotations

from typing import Any, Final

from headwater.capture.integrations.sklearn.models import dataset_of
from headwater.capture.integrations.sklearn.row_sets import known
from headwater.capture.integrations.sklearn.splitters import record_seed
from headwater.capture.integrations.sklearn.unseen_fits import MAX_MODELS, name_unseen
from headwater.capture.notebook_cells import user_place
from headwater.capture.recorder import SCALARS, Recorder
from headwater.capture.scalars import can_follow
from headwater.capture.values import Columns, Dep, Value

METRICS: Final = {
    "sklearn.metrics._classification": (
        "accuracy_score", "balanced_accuracy_score", "brier_score_loss", "cohen_kappa_score", "f1_score", "fbeta_score",
        "hamming_loss", "jaccard_score", "log_loss", "matthews_corrcoef", "precision_score", "recall_score",
        "zero_one_loss",
    ),
    "sklearn.metrics._ranking": (
        "average_precision_score", "dcg_score", "ndcg_score", "roc_auc_score", "top_k_accuracy_score",
    ),
    "sklearn.metrics._regression": (
        "d2_absolute_error_score", "explained_variance_score", "max_error", "mean_absolute_error",
        "mean_absolute_percentage_error", "mean_pinball_loss", "mean_poisson_deviance", "mean_squared_error",
        "mean_squared_log_error", "median_absolute_error", "r2_score", "root_mean_squared_error",
    ),
    "sklearn.metrics.cluster._supervised": ("adjusted_rand_score", "normalized_mutual_info_score", "v_measure_score"),
    "sklearn.metrics.cluster._unsupervised": ("silhouette_score",),
}  # fmt: skip
"""Functions that return one number, by the module that defines them."""


def AGGREGATE(value: Value) -> Columns:  # noqa: N802 - a rule, named as the others are
    """The rule of a number computed from all inputs."""
    deps = [Dep(position, None, subtype="AGGREGATION") for position in range(len(value.inputs))]
    return Columns(dict.fromkeys(value.column_names(), deps))


def after_metric(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> None:
    """Record the number that a metric function returned as a metric of the run."""
    if getattr(result, "ndim", 0) == 0:
        truth = args[0] if args else kwargs.get("y_true", kwargs.get("y"))
        recorder.metric(name, float(result), dataset=dataset_of(recorder, (truth, *args[1:2])))
        if can_follow(result):  # so that a table it is put into comes from the measured data
            measured = [value for item in args[:2] if (value := recorder.values.get(item)) is not None]
            SCALARS.derive(result, f"sklearn.{name}", measured, AGGREGATE, (name,))


def after_score(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], method: str) -> None:
    """Record ``score``: a metric of the model on the given rows."""
    if isinstance(result, float):
        recorder.metric(f"{type(args[0]).__name__}.{method}", float(result), dataset=dataset_of(recorder, args[1:2]))
        measured = [value for item in (*args[:3], *kwargs.values()) if (value := recorder.values.get(item)) is not None]
        SCALARS.derive(result, f"sklearn.{method}", measured, AGGREGATE, (method,))


def after_cross_validation(
    recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], name: str
) -> None:
    """Record ``cross_val_score`` and ``cross_validate``: the mean of each score, and its value for each fold."""
    x = args[1] if len(args) > 1 else kwargs.get("X")
    y = args[2] if len(args) > 2 else kwargs.get("y")
    record_seed(recorder, kwargs.get("cv"), *user_place(3))
    scores = result if isinstance(result, dict) else {name: result}
    ref = dataset_of(recorder, (x,))
    measured = [value for item in (x, y) if (value := recorder.values.get(item)) is not None]
    for fitted in scores.get("estimator", ())[:MAX_MODELS]:
        if hasattr(fitted, "predict"):
            name_unseen(recorder, fitted, measured, is_fit=True)
    for key, folds in scores.items():
        if key in ("estimator", "indices", "fit_time", "score_time"):
            continue
        recorder.derive(folds, f"sklearn.{name}", measured, AGGREGATE, (key,), len(folds))
        label = key if key == name else f"{name}.{key}"
        for step, score in enumerate(folds):
            recorder.metric(f"{label}.fold", float(score), dataset=ref, step=step)
        recorder.metric(f"{label}.mean", float(sum(folds) / len(folds)), dataset=ref)


def after_cross_val_predict(
    recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], name: str
) -> None:
    """Record ``cross_val_predict``: predictions for rows by models that were not trained on them."""
    record_seed(recorder, kwargs.get("cv"), *user_place(3))
    sources = [item for item in (*args[1:3], kwargs.get("X"), kwargs.get("y")) if item is not None]
    values = [known(recorder, item) for item in sources]
    rows = int(result.shape[0])
    recorder.derive(result, f"sklearn.{name}", values, columns=("prediction",), rows=rows)
