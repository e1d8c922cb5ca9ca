"""Arrays, tables and text that scikit-learn's functions compute: confusion matrices, reports, curves, importances,
similarities.

Functions that return one number are metrics (``metrics.py``). These return several: each array, number and text in the
result comes from all data and models among the arguments.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

import numpy as np

from headwater.capture.hooks import Hooks
from headwater.capture.integrations.sklearn.metrics import AGGREGATE
from headwater.capture.integrations.sklearn.row_sets import rows_of
from headwater.capture.recorder import SCALARS, Recorder
from headwater.capture.scalars import can_follow
from headwater.capture.source_analysis.array_origins import known_or_read

FUNCTIONS: Final = {
    "sklearn.metrics._classification": (
        "confusion_matrix", "multilabel_confusion_matrix", "classification_report", "precision_recall_fscore_support",
        "class_likelihood_ratios",
    ),
    "sklearn.metrics._ranking": ("roc_curve", "precision_recall_curve", "det_curve"),
    "sklearn.metrics.cluster._supervised": ("contingency_matrix", "pair_confusion_matrix"),
    "sklearn.metrics.cluster._unsupervised": ("silhouette_samples",),
    "sklearn.calibration": ("calibration_curve",),
    "sklearn.inspection._permutation_importance": ("permutation_importance",),
    "sklearn.inspection._partial_dependence": ("partial_dependence",),
    "sklearn.metrics.pairwise": (
        "cosine_similarity", "cosine_distances", "euclidean_distances", "manhattan_distances", "linear_kernel",
        "polynomial_kernel", "rbf_kernel", "pairwise_distances",
    ),
    "sklearn.model_selection._validation": ("learning_curve", "validation_curve", "permutation_test_score"),
    "sklearn.feature_selection._mutual_info": ("mutual_info_classif", "mutual_info_regression"),
    "sklearn.feature_selection._univariate_selection": ("chi2", "f_classif", "f_regression", "r_regression"),
}  # fmt: skip
"""Functions by the module that defines them."""
MOST_PARTS: Final = 500
_DEEPEST: Final = 3
_DATA: Final = frozenset(
    ("y_true", "y_pred", "y_score", "y_prob", "X", "y", "estimator", "sample_weight", "labels_true")
)


def hook(hooks: Hooks, module: ModuleType) -> None:
    """Hook the functions that a module defines."""
    for name in FUNCTIONS.get(module.__name__, ()):
        if hasattr(module, name):
            hooks.after(module, name, functools.partial(after_measure, name=name))


def after_measure(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> None:
    """Bind the parts of a result to the data and models among the arguments."""
    given = [*args, *(item for key, item in kwargs.items() if key in _DATA)]
    inputs = list(dict.fromkeys(value for item in given if (value := known_or_read(recorder.values, item)) is not None))
    if not inputs:
        return
    for label, part in _parts(result, name, 0):
        if isinstance(part, np.ndarray) and part.ndim:
            recorder.derive(part, f"sklearn.{name}", inputs, AGGREGATE, (label,), rows_of(part))
        elif can_follow(part):
            SCALARS.derive(part, f"sklearn.{name}", inputs, AGGREGATE, (label,))


def _parts(result: Any, label: str, depth: int) -> Iterator[tuple[str, Any]]:
    """The arrays, numbers and texts in a result, each with its name there."""
    if isinstance(result, dict | tuple | list) and depth < _DEEPEST:
        named = result.items() if isinstance(result, dict) else ((label, item) for item in result)
        for key, item in list(named)[:MOST_PARTS]:
            yield from _parts(item, str(key), depth + 1)
    elif isinstance(result, np.ndarray | float | np.floating | str):
        yield label, result
