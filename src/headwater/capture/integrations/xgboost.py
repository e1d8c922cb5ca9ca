"""xgboost: matrices, ``train``, boosters, model files. ``XGBClassifier`` and the like are scikit-learn estimators."""

from __future__ import annotations

from types import ModuleType
from typing import Any, ClassVar

from headwater.capture.hooks import Hooks, Integration
from headwater.capture.integrations.boosters import Library, hook, hook_files


class XgboostIntegration(Integration):
    """Follows xgboost's native interface."""

    identifier: ClassVar[str] = "xgboost"

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the matrices, ``train``, the booster, and the files of both interfaces."""
        xgboost: Any = module
        matrices = (xgboost.DMatrix, xgboost.QuantileDMatrix)
        library = Library("xgboost", module, matrices, "dtrain", "num_boost_round", 10, "xgb_model", 3, _names)
        hook(hooks, library)
        hook_files(hooks, xgboost.Booster, library)
        if hasattr(xgboost, "XGBModel"):
            hook_files(hooks, xgboost.XGBModel, library)


def _names(booster: Any) -> Any:
    return booster.feature_names
