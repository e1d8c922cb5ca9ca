"""lightgbm: datasets, ``train``, boosters, model files. ``LGBMClassifier`` and the like are scikit-learn estimators."""

from __future__ import annotations

from types import ModuleType
from typing import Any, ClassVar

from headwater.capture.hooks import Hooks, Integration
from headwater.capture.integrations.boosters import Library, hook


class LightgbmIntegration(Integration):
    """Follows lightgbm's native interface."""

    identifier: ClassVar[str] = "lightgbm"

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the dataset, ``train``, the booster and its files."""
        lightgbm: Any = module
        hook(
            hooks,
            Library(
                "lightgbm", module, (lightgbm.Dataset,), "train_set", "num_boost_round", 100, "init_model", 3, _names
            ),
        )


def _names(booster: Any) -> Any:
    return booster.feature_name()
