"""plotly: charts of tables and arrays, and the files that they are written to.

A trace is followed by itself, and a figure comes from its traces. A file has no columns: it comes, as a whole, from the
columns that the figure shows.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType, ModuleType
from typing import Any, ClassVar, Final

from headwater.capture.charts import Drawn, columns_named, drawn, picture, put_together, saved, values_given
from headwater.capture.hooks import After, Hooks, Integration, observe
from headwater.capture.recorder import Recorder, is_literal_here
from headwater.capture.values import NOTHING
from headwater.capture.wrapper_frames import observe_io, unseen

_TRACES: Final = (
    *(
        "bar",
        "barpolar",
        "box",
        "candlestick",
        "choropleth",
        "choroplethmap",
        "choroplethmapbox",
        "contour",
        "densitymap",
    ),
    *("densitymapbox", "funnel", "funnelarea", "heatmap", "histogram", "histogram2d", "histogram2dcontour", "icicle"),
    *("image", "indicator", "mesh3d", "ohlc", "parcats", "parcoords", "pie", "sankey", "scatter", "scatter3d"),
    *("scattergeo", "scattergl", "scattermap", "scattermapbox", "scatterpolar", "scatterpolargl", "scatterternary"),
    *("splom", "sunburst", "surface", "table", "treemap", "violin", "volume", "waterfall"),
)
"""The modules of ``graph_objs`` with one class of traces each, loaded when it is first used."""
_WORDS: Final = frozenset((
    *("title", "subtitle", "template", "labels", "category_orders", "barmode", "orientation", "trendline", "marginal"),
    *("marginal_x", "marginal_y", "histfunc", "histnorm", "render_mode", "points", "opacity", "text_auto"),
    *("projection", "width", "height", "color_continuous_scale", "color_discrete_map", "color_discrete_sequence"),
    *("range_x", "range_y"),
))  # fmt: skip
"""Arguments of plotly express that name no column, although their text may be that of one."""
_WRITERS: Final = ("write_html", "write_json", "write_image")


class PlotlyIntegration(Integration):
    """Follows traces and figures."""

    identifier: ClassVar[str] = "plotly"
    submodules: ClassVar[tuple[str, ...]] = (
        "plotly.basedatatypes",
        "plotly.express",
        "plotly.io._html",
        "plotly.io._json",
        "plotly.io._kaleido",
        "plotly.offline.offline",
        *(f"plotly.graph_objs._{name}" for name in _TRACES),
    )

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Do nothing: all hooks are in submodules."""

    def install_submodule(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook what a submodule has: traces, figures, functions that draw, functions that write."""
        if module.__name__ == "plotly.basedatatypes":
            _install_figures(hooks, module.BaseFigure)
        elif module.__name__ == "plotly.express":
            for name, item in list(vars(module).items()):
                if isinstance(item, FunctionType) and not name.startswith(("_", "set_", "get_")):
                    _hook(hooks, module, name, _drew(name))
        elif module.__name__.startswith(("plotly.io.", "plotly.offline.")):
            for name in (*_WRITERS, "plot"):
                if isinstance(vars(module).get(name), FunctionType):
                    _hook_writer(hooks, module, name)
        else:
            for name, item in list(vars(module).items()):
                if isinstance(item, type) and item.__module__ == module.__name__:
                    _hook(hooks, item, "__init__", _traced(name))


def _install_figures(hooks: Hooks, owner: type) -> None:
    _hook(hooks, owner, "__init__", _composed)
    for name in ("add_trace", "add_traces"):
        _hook(hooks, owner, name, _composed)
    for name in _WRITERS:
        _hook_writer(hooks, owner, name)


def _hook(hooks: Hooks, owner: Any, name: str, handler: After) -> None:
    site = f"plotly.{getattr(owner, '__name__', '')}.{name}"
    hooks.replace(owner, name, lambda original: unseen(observe(original, handler, site)))


def _hook_writer(hooks: Hooks, owner: Any, name: str) -> None:
    after: Callable[..., None] = functools.partial(_wrote, method=name)
    hooks.replace(owner, name, lambda original: observe_io(original, after, f"plotly.{name}"))


def _parts(items: Iterable[Any]) -> Iterator[Any]:
    """The arguments, and what is in those that are dictionaries (``marker={"color": ...}``)."""
    for item in items:
        if isinstance(item, dict):
            yield from _parts(item.values())
        else:
            yield item


def _traced(name: str) -> After:
    """A trace: the arrays that it is given, also inside its parts."""
    op, makers = f"plotly.{name}", frozenset((name,))

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        sources = values_given(recorder, list(_parts((*args[1:], *kwargs.values()))))
        if not sources and is_literal_here(makers):
            recorder.values.bind(args[0], NOTHING)
        drawn(recorder, (args[0],), op, sources)

    return handler


def _composed(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """A figure that was made of traces, or got more of them."""
    given = args[1] if len(args) > 1 else kwargs.get("data", kwargs.get("trace"))
    traces = list(given) if isinstance(given, list | tuple) else [given] if given is not None else []
    put_together(recorder, args[0], "plotly.Figure", traces)


def _drew(name: str) -> After:
    """A function of plotly express: a table with the columns that are named, or arrays."""
    op = f"plotly.express.{name}"

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not hasattr(result, "add_trace"):
            return
        table = kwargs.get("data_frame", args[0] if args else None)
        known = recorder.values.get(table) if hasattr(table, "columns") else None
        given = [*args[1:], *(item for key, item in kwargs.items() if key not in _WORDS and item is not table)]
        sources: list[Drawn] = [(known, columns_named(known, given))] if known is not None else []
        arrays = given if known is not None or hasattr(table, "columns") else [*args[:1], *given]
        sources += values_given(recorder, list(_parts(arrays)))
        if not sources and is_literal_here(frozenset((name,))):
            recorder.values.bind(result, NOTHING)
        drawn(recorder, (result,), op, sources)

    return handler


def _wrote(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], method: str) -> None:
    figure = args[0] if args else kwargs.get("fig", kwargs.get("figure_or_data"))
    target = kwargs.get("file", args[1] if len(args) > 1 else None)
    if method == "plot":  # of plotly.offline, which has its own arguments
        target = kwargs.get("filename", "temp-plot.html") if kwargs.get("output_type", "file") == "file" else None
    if target is not None:
        saved(recorder, picture(f"plotly.{method}", [recorder.values.seen(figure)]), target)
