"""scikit-learn: estimators, pipelines, splits, predictions, metrics, cross-validation, search, bundled data sets.

Supports 1.2 and newer, through public attributes and the methods that all estimators have.
"""

from __future__ import annotations

import functools
import sys
from types import ModuleType
from typing import ClassVar, Final

from headwater.capture.hooks import Hooks, Integration
from headwater.capture.integrations.sklearn import bundled_datasets, metrics, models, reports, row_sets, splitters
from headwater.capture.integrations.sklearn.estimator_hooks import hook_existing, hook_future
from headwater.capture.integrations.sklearn.learned_states import LEARNED
from headwater.capture.recorder import VALUES
from headwater.errors import DidNotEnable

_VALIDATION: Final = "sklearn.model_selection._validation"
_SPLIT: Final = "sklearn.model_selection._split"
_PIPELINE: Final = "sklearn.pipeline"
_INDEXING: Final = "sklearn.utils._indexing"


class SklearnIntegration(Integration):
    """Follows scikit-learn."""

    identifier: ClassVar[str] = "sklearn"
    submodules: ClassVar[tuple[str, ...]] = tuple(
        dict.fromkeys(
            (_SPLIT, _VALIDATION, _PIPELINE, _INDEXING, *metrics.METRICS, *reports.FUNCTIONS, *bundled_datasets.MODULES)
        )
    )

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook all estimators, existing and future, through their base class."""
        del module
        base = getattr(sys.modules.get("sklearn.base"), "BaseEstimator", None)
        outputs = getattr(sys.modules.get("sklearn.utils._set_output"), "_SetOutputMixin", None)
        if base is None or outputs is None:
            raise DidNotEnable("sklearn: BaseEstimator or _SetOutputMixin is not where it is expected")
        hook_future(hooks, base, outputs, hook_existing(hooks, base))
        recognise = LEARNED.value_of
        VALUES.resolvers.append(recognise)
        hooks.on_remove(lambda: VALUES.resolvers.remove(recognise))
        hooks.on_remove(LEARNED.clear)

    def install_submodule(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the functions of a submodule when it is loaded, before other modules import them from there."""
        name = module.__name__
        reports.hook(hooks, module)
        if name == _SPLIT:
            hooks.after(module, "train_test_split", row_sets.after_split)
            splitters.hook(hooks, module)
        elif name == _VALIDATION:
            for function in ("cross_val_score", "cross_validate"):
                hooks.after(module, function, functools.partial(metrics.after_cross_validation, name=function))
            after = functools.partial(metrics.after_cross_val_predict, name="cross_val_predict")
            hooks.after(module, "cross_val_predict", after)
        elif name == _PIPELINE:
            hooks.after(module.Pipeline, "__init__", models.after_pipeline)
        elif name == _INDEXING:
            for function in ("shuffle", "resample"):
                if hasattr(module, function):
                    hooks.after(module, function, functools.partial(row_sets.after_draw, name=function))
        elif name in bundled_datasets.MODULES:
            bundled_datasets.hook(hooks, module)
        else:
            for function in metrics.METRICS.get(name, ()):
                if hasattr(module, function):
                    hooks.after(module, function, functools.partial(metrics.after_metric, name=function))
