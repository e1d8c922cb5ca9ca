"""seaborn: charts of tables, whose columns are given by name."""

from __future__ import annotations

from types import FunctionType, ModuleType
from typing import Any, ClassVar, Final

from headwater.capture.charts import Drawn, axes_in, columns_named, drawn, values_given
from headwater.capture.hooks import After, Hooks, Integration, observe
from headwater.capture.recorder import Recorder
from headwater.capture.wrapper_frames import observe_caller, unseen

_FUNCTIONS: Final = (
    *("relplot", "scatterplot", "lineplot", "displot", "histplot", "kdeplot", "ecdfplot", "rugplot", "distplot"),
    *("catplot", "stripplot", "swarmplot", "boxplot", "violinplot", "boxenplot", "pointplot", "barplot", "countplot"),
    *("lmplot", "regplot", "residplot", "heatmap", "clustermap", "pairplot", "jointplot"),
)
_GRIDS: Final = {
    "FacetGrid": ("map", "map_dataframe"),
    "PairGrid": ("map", "map_lower", "map_upper", "map_diag", "map_offdiag"),
    "JointGrid": ("plot", "plot_joint", "plot_marginals"),
}
_CHOSEN: Final = ("_row_var", "_col_var", "_hue_var", "x_vars", "y_vars")
"""Attributes of a grid with the names of the columns that it shows."""


class SeabornIntegration(Integration):
    """Follows tables drawn on axes."""

    identifier: ClassVar[str] = "seaborn"

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the functions that draw, and the grids."""
        for name in _FUNCTIONS:
            if isinstance(getattr(module, name, None), FunctionType):
                _hook(hooks, module, name)
        for class_name, methods in _GRIDS.items():
            owner = getattr(module, class_name, None)
            for name in methods:
                if owner is not None and isinstance(vars(owner).get(name), FunctionType):
                    site = f"seaborn.{class_name}.{name}"
                    hooks.replace(owner, name, _caller(_mapped(name), site))


def _hook(hooks: Hooks, owner: Any, name: str) -> None:
    site, handler = f"seaborn.{name}", _drew(name)
    hooks.replace(owner, name, lambda original: unseen(observe(original, handler, site)))


def _caller(handler: After, site: str) -> Any:
    return lambda original: observe_caller(original, handler, site)


def _drew(name: str) -> After:
    op = f"seaborn.{name}"

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        named = {key: item for key, item in kwargs.items() if key != "data"}
        table = kwargs.get("data", args[0] if args else None)
        grid = [getattr(result, name, None) for name in _CHOSEN] if hasattr(result, "x_vars") else []
        sources = _columns_of(recorder, table, (*args, *named.values(), *grid))
        others = [item for item in (*args, *named.values()) if item is not table]
        drawn(recorder, axes_in(result), op, [*sources, *values_given(recorder, others)])

    return handler


def _mapped(name: str) -> After:
    op = f"seaborn.{name}"

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        grid = args[0]
        given = [*args[1:], *kwargs.values(), *(getattr(grid, name, None) for name in _CHOSEN)]
        drawn(recorder, axes_in(grid), op, _columns_of(recorder, getattr(grid, "data", None), given))

    return handler


def _columns_of(recorder: Recorder, table: Any, given: Any) -> list[Drawn]:
    value = recorder.values.get(table) if hasattr(table, "shape") else None
    return [(value, columns_named(value, given))] if value is not None else []
