"""matplotlib: what is drawn on axes, and the pictures saved from them.

pyplot and other libraries draw through the methods of ``Axes``, so these are hooked. A picture has no columns: it
comes, as a whole, from the columns that were drawn.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any, ClassVar, Final, cast

from headwater.capture.charts import (
    cleared,
    columns_named,
    drawn,
    is_called_by_user,
    picture_of,
    values_at_line,
    values_given,
    values_seen,
)
from headwater.capture.hooks import After, Hooks, Integration, observe
from headwater.capture.imports import FRAMES
from headwater.capture.locations import is_path, located, path_of
from headwater.capture.recorder import Recorder, is_literal_here
from headwater.capture.values import NOTHING
from headwater.capture.wrapper_frames import observe_io

_DRAW: Final = (
    *("plot", "scatter", "bar", "barh", "hist", "hist2d", "hexbin", "boxplot", "bxp", "violinplot", "violin", "ecdf"),
    *("imshow", "matshow", "spy", "pcolor", "pcolormesh", "pcolorfast", "contour", "contourf", "fill", "fill_between"),
    *("fill_betweenx", "errorbar", "step", "stem", "pie", "stackplot", "eventplot", "quiver", "barbs", "streamplot"),
    *("loglog", "semilogx", "semilogy", "psd", "csd", "cohere", "specgram", "acorr", "xcorr", "magnitude_spectrum"),
    *("stairs", "vlines", "hlines", "axhline", "axvline", "axhspan", "axvspan", "axline", "broken_barh", "bar_label"),
    *("tripcolor", "tricontour", "tricontourf", "triplot", "table", "grouped_bar"),
    *("plot_surface", "plot_wireframe", "plot_trisurf", "bar3d", "voxels", "plot3D", "scatter3D", "contour3D"),
)
"""Methods of ``Axes`` and ``Axes3D`` that take data."""
_PUT: Final = ("annotate", "text", "add_collection", "add_patch", "add_image", "add_line", "add_artist")
"""Methods through which libraries add what they have computed themselves."""


class MatplotlibIntegration(Integration):
    """Follows axes and figures."""

    identifier: ClassVar[str] = "matplotlib"
    submodules: ClassVar[tuple[str, ...]] = (
        "matplotlib.image",
        "matplotlib.axes",
        "matplotlib.figure",
        "mpl_toolkits.mplot3d.axes3d",
    )

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Do nothing: all hooks are in submodules."""

    def install_submodule(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook axes, figures, and the functions for single images."""
        for class_name in ("Axes", "Axes3D"):
            if isinstance(owner := vars(module).get(class_name), type):
                _install_axes(hooks, owner)
        if isinstance(figure := vars(module).get("Figure"), type):
            hooks.replace(figure, "savefig", _saving)
        if module.__name__ == "matplotlib.image":
            for name, handler in (("imread", _read_image), ("imsave", _saved_image)):
                hooks.replace(module, name, functools.partial(observe_io, after=handler, site=f"matplotlib.{name}"))


def _install_axes(hooks: Hooks, owner: type) -> None:
    base = next((base_class for base_class in owner.__bases__ if base_class.__name__ == "_AxesBase"), owner)
    for part in dict.fromkeys((owner, base)):
        for name in (*_DRAW, *_PUT):
            if isinstance(vars(part).get(name), FunctionType):
                _hook(hooks, part, name, _drew(name, is_put=name in _PUT))
        if isinstance(vars(part).get("clear"), FunctionType):
            _hook(hooks, part, "clear", _cleared)


def _hook(hooks: Hooks, owner: type, name: str, handler: After) -> None:
    site = f"matplotlib.{owner.__name__}.{name}"
    hooks.replace(owner, name, lambda original: _counted_as_theirs(observe(original, handler, site)))


def _counted_as_theirs(stand_in: Callable[..., Any]) -> Callable[..., Any]:
    """The wrapper disguised as a function of matplotlib, which attributes a warning to the first frame that is not its
    own, recognised by module name or, since Python 3.12, by file. Otherwise pyplot, which calls hooked methods, would
    seem to cause the user's warnings."""
    function = cast(FunctionType, stand_in)
    code = function.__code__.replace(co_filename=_file())
    theirs = {**function.__globals__, "__name__": "matplotlib._observed"}
    made = FunctionType(code, theirs, function.__name__, function.__defaults__, function.__closure__)
    made.__kwdefaults__ = function.__kwdefaults__
    FRAMES.add(code)
    return functools.update_wrapper(made, cast(Any, function).__wrapped__)


@functools.cache
def _file() -> str:
    """A file name in matplotlib's folder that also shows that the code is ours."""
    return os.path.join(os.path.dirname(sys.modules["matplotlib"].__file__ or ""), "observed by /headwater/capture/")  # noqa: PTH118, PTH120 - text in, text out


def _saving(original: Callable[..., Any]) -> Callable[..., Any]:
    return _counted_as_theirs(observe_io(original, _saved, "matplotlib.Figure.savefig"))


def _drew(name: str, *, is_put: bool) -> After:
    op, spelling = f"matplotlib.{name}", frozenset((name,))

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        axes, given, is_users = args[0], (*args[1:], *kwargs.values()), is_called_by_user()
        table = kwargs.get("data")
        known = recorder.values.get(table) if table is not None else None
        if known is not None:
            texts = [item for item in given if isinstance(item, str)]
            sources = [(known, columns_named(known, texts)), *values_given(recorder, args[1:])]
        elif is_users:
            sources = [] if is_put else values_given(recorder, given)
        else:
            sources = values_seen(recorder, given)
        if not sources and recorder.values.seen(axes) is None:
            if is_users and is_literal_here(spelling):
                recorder.values.bind(axes, NOTHING)
            elif not (is_users and is_put):
                sources = values_at_line(recorder)
        drawn(recorder, (axes,), op, sources)

    return handler


def _cleared(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    cleared(recorder, args[0])


def _saved(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    figure, target = args[0], args[1] if len(args) > 1 else kwargs.get("fname")
    path = path_of(target)
    ref = located(_with_suffix(path, figure, kwargs.get("format"))) if path is not None else None
    if ref is not None:
        recorder.wrote(picture_of(recorder, figure), ref, is_anew=is_path(target))


def _with_suffix(path: str, figure: Any, format: Any) -> str:
    """The name of the file that is written: matplotlib adds the suffix of the default format if there is none."""
    if format is not None or os.path.splitext(path)[1][1:]:  # noqa: PTH122 - as matplotlib does
        return path
    return f"{path.rstrip('.')}.{figure.canvas.get_default_filetype()}"


def _read_image(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    ref = located(args[0] if args else kwargs.get("fname"))
    if ref is not None:
        recorder.read(result, ref, "matplotlib.imread", rows=int(result.shape[0]))


def _saved_image(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    target = args[0] if args else kwargs.get("fname")
    ref = located(target)
    array = args[1] if len(args) > 1 else kwargs.get("arr")
    if ref is not None:
        found = values_given(recorder, (array,))
        recorder.wrote(found[0][0] if found else None, ref, is_anew=is_path(target))
