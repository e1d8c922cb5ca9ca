"""bokeh: charts of tables and arrays, and the files that they are saved to."""

from __future__ import annotations

from types import FunctionType, ModuleType
from typing import Any, ClassVar

from headwater.capture.charts import Drawn, columns_named, drawn, picture, saved, values_given
from headwater.capture.hooks import After, Hooks, Integration, observe
from headwater.capture.recorder import Recorder, is_literal_here
from headwater.capture.values import NOTHING, Columns, Dep, Rule, Value
from headwater.capture.wrapper_frames import observe_io, unseen


class BokehIntegration(Integration):
    """Follows data sources and figures."""

    identifier: ClassVar[str] = "bokeh"
    submodules: ClassVar[tuple[str, ...]] = (
        "bokeh.models.sources",
        "bokeh.plotting.glyph_api",
        "bokeh.io.saving",
        "bokeh.io.export",
    )

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Do nothing: all hooks are in submodules."""

    def install_submodule(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook what a submodule has: data sources, glyphs, functions that save."""
        if module.__name__ == "bokeh.models.sources":
            _hook(hooks, module.ColumnDataSource, "__init__", _sourced)
        elif module.__name__ == "bokeh.plotting.glyph_api":
            for name, item in list(vars(module.GlyphAPI).items()):
                if isinstance(item, FunctionType) and not name.startswith("_"):
                    _hook(hooks, module.GlyphAPI, name, _drew(name))
        else:
            for name in ("save", "export_png", "export_svg"):
                if isinstance(vars(module).get(name), FunctionType):
                    hooks.replace(module, name, lambda original: observe_io(original, _saved, "bokeh.save"))


def _hook(hooks: Hooks, owner: Any, name: str, handler: After) -> None:
    hooks.replace(owner, name, lambda original: unseen(observe(original, handler, f"bokeh.{name}")))


def _sourced(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """A data source: the columns of a table, or arrays under names."""
    data = args[1] if len(args) > 1 else kwargs.get("data")
    if isinstance(data, dict):
        given = {str(key): values_given(recorder, [item]) for key, item in data.items()}
        known = {key: sources[0][0] for key, sources in given.items() if sources}
        if known:
            op, rule = "bokeh.ColumnDataSource", _under(tuple(known))
            recorder.derive(args[0], op, tuple(known.values()), rule=rule, columns=tuple(known))
        elif is_literal_here(frozenset(("ColumnDataSource",))):
            recorder.values.bind(args[0], NOTHING)
    elif (value := recorder.values.get(data)) is not None:
        recorder.values.bind(args[0], value)


def _under(names: tuple[str, ...]) -> Rule:
    def rule(value: Value) -> Columns:
        return Columns({name: [Dep(place, None, subtype="IDENTITY")] for place, name in enumerate(names)})

    return rule


def _drew(name: str) -> After:
    """A glyph: columns of a source by name, or arrays."""
    op = f"bokeh.{name}"

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = [*args[1:], *(item for key, item in kwargs.items() if key != "source")]
        source = kwargs.get("source")
        known = recorder.values.get(source) if source is not None else None
        sources: list[Drawn] = [(known, columns_named(known, given))] if known is not None else []
        sources += values_given(recorder, given)
        is_spelled = known is NOTHING or (source is None and is_literal_here(frozenset((name,))))
        if not [value for value, _ in sources if value is not NOTHING] and is_spelled:
            if recorder.values.seen(args[0]) is None:
                recorder.values.bind(args[0], NOTHING)
            return
        drawn(recorder, (args[0],), op, sources)

    return handler


def _saved(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """A file of a figure, or of a layout of several; it is named in the result, which is a list for some formats."""
    obj = args[0] if args else kwargs.get("obj")
    models = sorted(getattr(obj, "references", set)(), key=lambda model: str(model.id))
    found = [recorder.values.seen(model) for model in models if hasattr(model, "vbar")]
    for target in result if isinstance(result, list) else [result]:
        saved(recorder, picture("bokeh.save", found), target)
