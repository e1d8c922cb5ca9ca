"""Data that scikit-learn ships or generates: ``load_*`` and ``make_*`` are sources, like files."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any, Final

from headwater.capture.hooks import Hooks
from headwater.capture.integrations.sklearn.row_sets import columns_of, rows_of, snapshot_of
from headwater.capture.locations import located
from headwater.capture.recorder import Recorder
from headwater.capture.values import DatasetRef, make_value, same_columns
from headwater.capture.wrapper_frames import observe_io

MODULES: Final = (
    "sklearn.datasets._base",
    "sklearn.datasets._samples_generator",
    "sklearn.datasets._svmlight_format_io",
)


def hook(hooks: Hooks, module: ModuleType) -> None:
    """Hook the loaders or generators that the module defines."""
    if module.__name__ == MODULES[2]:
        hooks.replace(module, "load_svmlight_file", lambda original: observe_io(original, _svmlight, "load_svmlight"))
        return
    prefix = "load_" if module.__name__ == MODULES[0] else "make_"
    for name in sorted(vars(module)):
        is_reader_of_users_files = name in ("load_files", "load_sample_images", "load_sample_image")
        if name.startswith(prefix) and callable(vars(module)[name]) and not is_reader_of_users_files:
            if name in ("load_csv_data", "load_gzip_compressed_csv_data", "load_descr"):
                continue
            hooks.after(module, name, functools.partial(after_load, name=name))


def _svmlight(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``load_svmlight_file``: X and y come from a file of the user."""
    ref = located(args[0] if args else kwargs.get("f"))
    if ref is None:
        return
    columns = columns_of(result[0], None)
    names = [columns, ("target",), ("query",)]
    every = tuple(name for _, some in zip(result, names, strict=False) for name in some)
    rows = rows_of(result[0])
    source = recorder.read(result, ref, "sklearn.load_svmlight_file", columns=every, rows=rows)
    for part, own in zip(result, names, strict=False):
        value = make_value("sklearn.part", (source,), same_columns, columns=own, rows=rows)
        recorder.values.bind(part, value)


def after_load(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> None:
    """Bind the data, the target and the frame to one source, and record a generator's parameters and seed."""
    del args
    generated = name.startswith("make_")
    ref = DatasetRef("sklearn", name.removeprefix("load_"), "GENERATED" if generated else "FILE")
    parts = _parts(result)
    names = [_names(result, part, position) for position, part in enumerate(parts)]
    plain = {key: value for key, value in kwargs.items() if isinstance(value, bool | int | float | str)}
    columns = tuple(dict.fromkeys(name for some in names for name in some))
    source = recorder.read(
        parts[0],
        ref,
        f"sklearn.{name}",
        columns=columns,
        rows=rows_of(parts[0]),
        detail=plain or None,
        snapshot=snapshot_of(parts[:2]),
    )
    if generated:
        recorder.seed("scikit-learn", f"{name}.random_state", plain.get("random_state"), source.code, source.line)
    for part, own in [*zip(parts, names, strict=True), *_images(result, columns)]:
        code, line, rows = source.code, source.line, rows_of(part)
        value = make_value("sklearn.part", (source,), same_columns, columns=own, rows=rows, code=code, line=line)
        recorder.values.bind(part, value)


def _images(result: Any, columns: tuple[str, ...]) -> list[tuple[Any, tuple[str, ...]]]:
    """The data of a bunch as pictures (``digits.images``), a column for each pixel; and the array that holds the memory
    of both, so that pictures laid flat again show which pixels they are."""
    images: Any = result.get("images") if isinstance(result, dict) else None
    pixels = tuple(name for name in columns if name != "target")
    if getattr(images, "ndim", 0) != 3 or images.shape[1] * images.shape[2] != len(pixels):
        return []
    owner = images.base
    is_shared = getattr(owner, "shape", ()) == (len(images), len(columns)) and columns[:-1] == pixels
    return [(images, pixels), *([(owner, columns)] if is_shared else [])]


def _parts(result: Any) -> list[Any]:
    """The data in the result of a loader: a tuple, a bunch with names, or one matrix."""
    if isinstance(result, tuple):
        found = list(result)
    elif isinstance(result, dict):
        found = [result.get(key) for key in ("data", "target", "frame")]
    else:
        found = [result]
    return [part for part in found if part is not None]


def _names(result: Any, part: Any, position: int) -> tuple[str, ...]:
    """The column names of a part: its own, those of the bunch, or numbered like scikit-learn's; ``target`` for y."""
    shape: Any = getattr(part, "shape", ())
    if getattr(part, "columns", None) is None and len(shape) == 2 and isinstance(result, dict):
        names = result.get("feature_names")
        if names is not None and len(names) == shape[1]:
            return tuple(str(name) for name in names)
    return columns_of(part, None) or (("target",) if position else ("data",))
