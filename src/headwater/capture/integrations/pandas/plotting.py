"""Drawing: ``plot`` of frames, series and groups, and the functions of ``pandas.plotting``."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from pandas import plotting
from pandas.core.groupby import DataFrameGroupBy, SeriesGroupBy

from headwater.capture.charts import axes_in, columns_named, drawn
from headwater.capture.hooks import After, Hooks
from headwater.capture.integrations.pandas.recording import hook, hook_methods
from headwater.capture.recorder import Recorder

_FUNCTIONS: Final = (
    *("scatter_matrix", "parallel_coordinates", "andrews_curves", "radviz"),
    *("lag_plot", "autocorrelation_plot", "bootstrap_plot"),
)


def install(hooks: Hooks) -> None:
    """Hook the methods and functions that draw frames, series or groups."""
    hook(hooks, plotting.PlotAccessor, "__call__", _plotted)
    hook_methods(hooks, (pd.DataFrame, pd.Series), ("hist", "boxplot"), _drawn_by)
    hook_methods(hooks, (DataFrameGroupBy, SeriesGroupBy), ("hist", "boxplot"), _drawn_by)
    for name in _FUNCTIONS:
        if hasattr(plotting, name):
            hook(hooks, plotting, name, _drawn_by(name))


def _plotted(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    _draw(recorder, result, "plot", args[0]._parent, (args[1:], kwargs))


def _drawn_by(name: str) -> After:
    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        data = args[0] if args else kwargs.get("frame", kwargs.get("series"))
        _draw(recorder, result, name, getattr(data, "obj", data), (args[1:], kwargs))

    return handler


def _draw(recorder: Recorder, result: Any, op: str, data: Any, given: tuple[tuple[Any, ...], dict[str, Any]]) -> None:
    value = recorder.values.get(data)
    if value is not None:
        args, kwargs = given
        sources = [(value, columns_named(value, (*args, *kwargs.values())))]
        drawn(recorder, axes_in(result), f"pandas.{op}", sources, frames=4)
