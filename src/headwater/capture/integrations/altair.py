"""altair: charts of tables, and the files that they are saved to.

A chart holds its table and names the columns that it shows, so both are read from it when it is saved.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any, ClassVar, Final

from headwater.capture.charts import columns_named, columns_of, picture, saved
from headwater.capture.hooks import Hooks, Integration
from headwater.capture.recorder import SCALARS, Recorder
from headwater.capture.values import Value
from headwater.capture.wrapper_frames import observe_io
from headwater.model.patterns import lazy_pattern

_PARTS: Final = ("layer", "hconcat", "vconcat", "concat", "spec")
"""Members of a chart that hold other charts."""
_FIELD: Final = lazy_pattern(r"^(?:\w+\()?(.*?)\)?(?::[A-Z])?$")
"""A column in ``mean(price):Q``."""


class AltairIntegration(Integration):
    """Follows charts."""

    identifier: ClassVar[str] = "altair"
    submodules: ClassVar[tuple[str, ...]] = ("altair.vegalite.v5.api", "altair.vegalite.v6.api")

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Do nothing: the hook is in a submodule."""

    def install_submodule(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the methods that save a chart of any kind, or give it as text."""
        owner = module.TopLevelMixin
        hooks.replace(owner, "save", lambda original: observe_io(original, _saved, "altair.save"))
        for name in ("to_json", "to_html"):
            if name in vars(owner):
                hooks.after(owner, name, _spelled_out)


def _saved(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    target = args[1] if len(args) > 1 else kwargs.get("fp")
    saved(recorder, _picture(recorder, args[0]), target)


def _spelled_out(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    value = _picture(recorder, args[0])
    if isinstance(result, str) and value is not None:
        SCALARS.keep(result, value)


def _picture(recorder: Recorder, chart: Any) -> Value | None:
    return picture("altair.save", list(_shown(recorder, chart, None, ())))


def _shown(recorder: Recorder, chart: Any, inherited: Any, facets: tuple[str, ...]) -> Iterator[Value | None]:
    """The columns that a chart and its parts show, each of the table of its own chart or of one around it."""
    held: dict[str, Any] = getattr(chart, "_kwds", None) or {}
    table = held.get("data") if hasattr(held.get("data"), "columns") else inherited
    facets = (*facets, *_fields(held.get("facet")), *_fields(held.get("repeat")))
    parts = [part for name in _PARTS for part in _listed(held.get(name))]
    for part in parts:
        yield from _shown(recorder, part, table, facets)
    if parts or table is None:
        return
    value = recorder.values.get(table)
    channels: dict[str, Any] = getattr(held.get("encoding"), "_kwds", None) or {}
    names = [*facets, *(name for item in channels.values() for name in _fields(item))]
    is_computed = isinstance(held.get("transform"), list)  # then any column may be in what is shown
    if value is not None:
        yield columns_of(value, (None,) if is_computed else columns_named(value, names))
    else:
        yield None


def _listed(item: Any) -> list[Any]:
    return item if isinstance(item, list) else [item] if hasattr(item, "_kwds") else []


def _fields(channel: Any) -> Iterator[str]:
    """The columns that a channel names, or several channels, or the two of a facet."""
    if isinstance(channel, list):
        for part in channel:
            yield from _fields(part)
        return
    own: dict[str, Any] = getattr(channel, "_kwds", None) or {}
    for text in (channel, own.get("shorthand"), own.get("field")):
        if isinstance(text, str) and (found := _FIELD.match(text)):
            yield found[1]
    for name in ("row", "column"):
        if name in own:
            yield from _fields(own[name])
