"""Feature importances as the fitted model provides them: impurity of trees, size of coefficients.

After a fit, what the model learned is kept (references to its trees, a copy of its coefficients); the importances are
computed on the worker's thread. Nothing of the estimator is called that could do more than read: a property is used
only if scikit-learn defines it; for other estimators only plain attributes are. So no random state changes, no warning
is printed, and no property that might raise is read.
"""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from headwater.capture.guard import GUARD
from headwater.capture.integrations.sklearn.features import Feature, inner_model

MOST_LISTED: Final = 200
"""How many features with an importance a facet lists; the others are counted."""

BUDGET_S: Final = 1.0
"""Processor seconds that the importances of one run may take on the worker's thread."""

_MOST_WEIGHTS: Final = 1_000_000
_MOST_RUNS: Final = 1_000
_DEEPEST: Final = 10

_spent_s: dict[str, float] = {}


class Trees(NamedTuple):
    """Trees of a fitted model (``sklearn.tree._tree.Tree``), each with its weight in the sum.

    ``is_each_normal``: the importances of each tree are normalised to a sum of 1 before they are added.
    """

    trees: list[Any]
    weights: list[float]
    is_each_normal: bool
    kind: str = "impurity"

    def values(self, until_s: float) -> list[float] | None:
        """The importance of each feature; None if the thread's clock passes ``until_s`` meanwhile."""
        total: Any = 0.0
        for tree, weight in zip(self.trees, self.weights, strict=True):
            if time.thread_time() > until_s:
                return None
            total = total + weight * tree.compute_feature_importances(normalize=self.is_each_normal)
        found: list[float] = total.tolist()
        whole = sum(found)
        return [value / whole for value in found] if whole else found


class Numbers(NamedTuple):
    """Numbers in a model: one for each feature, or one for each class and feature."""

    kind: str
    array: Any

    def values(self, until_s: float) -> list[float] | None:
        """Their absolute values, averaged over classes if there are several."""
        if time.thread_time() > until_s:
            return None
        sizes = abs(self.array)
        found: list[float] = (sizes.mean(axis=0) if sizes.ndim == 2 else sizes).tolist()
        return found


Learned = Trees | Numbers


def learned_by(model: Any) -> Learned | None:
    """What the last step of a fitted model learned about its features, in a form that a later fit does not change."""
    for _ in range(_DEEPEST):
        inner = inner_model(model)
        steps = getattr(model, "steps", None)
        if inner is not None:
            model = inner
        elif isinstance(steps, list) and steps:
            model = steps[-1][1]
        else:
            break
    own = getattr(model, "__dict__", {})
    if _is_property_of_sklearn(model, "feature_importances_"):
        return _trees(own)
    given = _copied(own.get("feature_importances_"))
    if given is not None:
        return Numbers("given", given)
    found = own.get("coef_")
    if found is None and _is_property_of_sklearn(model, "coef_") and getattr(model, "kernel", "") == "linear":
        found = model.coef_
    coefficients = _copied(found)
    return None if coefficients is None else Numbers("coefficient", coefficients)


def _is_property_of_sklearn(model: Any, name: str) -> bool:
    """Whether the attribute is a property that scikit-learn itself defines."""
    for cls in type(model).__mro__:
        found = vars(cls).get(name)
        if found is not None:
            return isinstance(found, property) and cls.__module__.partition(".")[0] == "sklearn"
    return False


def _copied(array: Any) -> Any:
    """A copy of a plain numpy array of numbers, because a later ``partial_fit`` would overwrite it; else None."""
    if type(array).__name__ != "ndarray" or array.dtype.kind not in "fiu":
        return None
    return array.copy() if array.ndim in (1, 2) and 0 < array.size <= _MOST_WEIGHTS else None


def _trees(own: dict[str, Any]) -> Trees | None:
    """The trees of a decision tree, a forest, a gradient boosting (by stage) or an AdaBoost (with weights)."""
    single = own.get("tree_")
    if single is not None:
        return Trees([single], [1.0], is_each_normal=True)
    members: Any = own.get("estimators_")
    stages = getattr(members, "ndim", 1) == 2
    flat: list[Any] = [member for stage in members for member in stage] if stages else list(members or ())
    trees: list[Any] = [getattr(member, "__dict__", {}).get("tree_") for member in flat]
    if not trees or any(tree is None for tree in trees):
        return None
    weights = own.get("estimator_weights_")
    if weights is not None:
        pairs = [(tree, float(weight)) for tree, weight in zip(trees, weights, strict=False)]
    else:
        pairs = [(tree, 1.0) for tree in trees if tree.node_count > 1] or [(trees[0], 1.0)]
    return Trees([tree for tree, _ in pairs], [weight for _, weight in pairs], is_each_normal=not stages)


class Described:
    """The facet of a fitted model, with importances that are computed when the worker calls this."""

    __slots__ = ("_columns", "_facet", "_features", "_learned", "_run_id")

    def __init__(
        self, facet: dict[str, Any], model: Any, features: list[Feature], columns: Sequence[str], run_id: str
    ) -> None:
        self._facet = facet
        self._features = features
        self._columns = columns
        self._run_id = run_id
        self._learned: Learned | None = None
        with GUARD.at("sklearn.importances"):
            self._learned = learned_by(model)

    def __call__(self) -> dict[str, Any]:
        """The bodies of the facets."""
        facet = self._facet
        learned, self._learned = self._learned, None
        if learned is not None:
            with GUARD.at("sklearn.importances"):
                facet = {**facet, **self._importances(learned)}
        return {"headwater_model": facet}

    def forget(self) -> None:
        """Leave the importances out, because another model has taken this one's name in the meantime."""
        self._learned = None

    def _importances(self, learned: Learned) -> dict[str, Any]:
        spent_s, began_s = _spent_s.get(self._run_id, 0.0), time.thread_time()
        values = learned.values(began_s + BUDGET_S - spent_s)
        if values is None:
            return {"importances": {}, "importance_details": {"kind": learned.kind, "left_out": len(self._features)}}
        if len(values) != len(self._features):
            return {}
        members = importance_members(learned.kind, values, self._features, self._columns)
        if len(_spent_s) < _MOST_RUNS:
            _spent_s[self._run_id] = spent_s + time.thread_time() - began_s
        return members


def importance_members(
    kind: str, values: Sequence[float], features: Sequence[Feature], columns: Sequence[str]
) -> dict[str, Any]:
    """The members of the model facet with the importance of each feature, and of each column they are made from.

    Features made from one column are summed for it; those that mix several columns are summed in one number.
    """
    pairs = [(feature, value) for feature, value in zip(features, values, strict=True) if math.isfinite(value)]
    listed = _heaviest((feature.name, value) for feature, value in pairs)
    details: dict[str, Any] = {"kind": kind, "left_out": len(features) - len(listed)}
    if any(len(f.inputs) != 1 or f.name != columns[f.inputs[0]] for f in features):
        sums: dict[str, float] = {}
        for feature, value in pairs:
            if len(feature.inputs) == 1:
                column = columns[feature.inputs[0]]
                sums[column] = sums.get(column, 0.0) + value
        details["columns"] = _heaviest(sums.items())
        details["mixed"] = _rounded(sum(value for feature, value in pairs if len(feature.inputs) != 1))
    return {"importances": listed, "importance_details": details}


def _heaviest(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    return {name: _rounded(value) for name, value in heapq.nlargest(MOST_LISTED, pairs, key=lambda pair: pair[1])}


def _rounded(value: float) -> float:
    """Six digits, on which runs on different machines agree."""
    return float(f"{value:.6g}")
