"""Which seeds that were not set a fit depends on: many estimators have a ``random_state`` that they use for some of
their solvers only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

UNSET_SEEDS: Final = "unset_seeds"
"""The fact about a fitted model, for its version alone: the names of these seeds."""


def _stochastic(*solvers: str) -> Callable[[Any], bool]:
    return lambda one: getattr(one, "solver", None) in solvers


def _chooses_at_random(one: Any) -> bool:
    return getattr(one, "selection", None) != "cyclic"


def _solves_the_dual(one: Any) -> bool:
    return getattr(one, "dual", None) is not False


def _calibrates(one: Any) -> bool:
    return getattr(one, "probability", None) not in (False, "deprecated")


def _approximates(one: Any) -> bool:
    """Whether a PCA may use a randomised solver: on its own choice only for a number of components."""
    solver, count = getattr(one, "svd_solver", None), getattr(one, "n_components", None)
    is_exact = count is None or count == "mle" or (isinstance(count, float) and count < 1)
    return solver not in ("full", "covariance_eigh") and not (solver == "auto" and is_exact)


_USES_ITS_SEED: Final[Mapping[str, tuple[str, Callable[[Any], bool]]]] = {
    **dict.fromkeys(("Ridge", "RidgeClassifier"), ("solver", _stochastic("sag", "saga"))),
    **dict.fromkeys(
        ("LogisticRegression", "LogisticRegressionCV"), ("solver", _stochastic("sag", "saga", "liblinear"))
    ),
    **dict.fromkeys(
        ("Lasso", "ElasticNet", "LassoCV", "ElasticNetCV", "MultiTaskLasso", "MultiTaskElasticNet"),
        ("selection", _chooses_at_random),
    ),
    **dict.fromkeys(("SVC", "NuSVC"), ("probability", _calibrates)),
    **dict.fromkeys(("LinearSVC", "LinearSVR"), ("dual", _solves_the_dual)),
    "PCA": ("n_components", _approximates),
}
"""For classes of scikit-learn: the parameter that decides, and whether an estimator uses its seed. Any other class is
taken to use it."""


def unset_seeds(estimator: Any, given: Mapping[str, Any]) -> list[str]:
    """The parameters among ``given``, all those of an estimator and of those inside it, that are seeds, are not set and
    are used. A splitter that shuffles has one, too."""
    found = [name for name, value in given.items() if value is None and name.rpartition("__")[2] == "random_state"]
    searched = str([given.get(name) for name in ("param_grid", "param_distributions")])
    splitters = [name for name, value in given.items() if _shuffles_without_seed(value)]
    return splitters + [
        name
        for name in found
        if _is_used(estimator if "__" not in name else given.get(name.rpartition("__")[0]), searched)
    ]


def _is_used(owner: Any, searched: str) -> bool:
    kind = type(owner)
    decides, is_used = _USES_ITS_SEED.get(kind.__name__, ("", None))
    if is_used is None or not kind.__module__.startswith("sklearn.") or decides in searched:
        return True
    return is_used(owner)


def _shuffles_without_seed(value: Any) -> bool:
    is_splitter = hasattr(value, "split") and hasattr(value, "get_n_splits")
    return is_splitter and getattr(value, "random_state", 0) is None and bool(getattr(value, "shuffle", True))
