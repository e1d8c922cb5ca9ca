"""Writing: files, URLs, open files and tables."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from pandas.core.generic import NDFrame

from headwater.capture.buffers import put_in
from headwater.capture.hooks import After, Hooks, unobserved
from headwater.capture.integrations.pandas.labels import index_levels, levels_in_file, names_of
from headwater.capture.integrations.pandas.readers import shape_of
from headwater.capture.integrations.pandas.recording import argument, hook_io, hook_io_methods
from headwater.capture.integrations.pandas.rules import IDENTITY, column, level
from headwater.capture.levels import UNNAMED, Labels, field_of_level, levels_of, shown_level
from headwater.capture.locations import is_path, located
from headwater.capture.profiling import snapshot
from headwater.capture.recorder import Recorder
from headwater.capture.values import UNKNOWN, Columns, DatasetRef, Value, make_value

_TARGETS: Final = {
    "to_csv": "path_or_buf",
    "to_json": "path_or_buf",
    "to_parquet": "path",
    "to_feather": "path",
    "to_orc": "path",
    "to_pickle": "path",
    "to_excel": "excel_writer",
    "to_hdf": "path_or_buf",
    "to_stata": "path",
    "to_html": "buf",
    "to_xml": "path_or_buffer",
    "to_latex": "buf",
    "to_markdown": "buf",
    "to_string": "buf",
    "to_typst": "buf",
}
_DECIDES_ON_INDEX: Final = frozenset(("to_parquet", "to_orc", "to_json"))
"""Methods for which ``index=None`` does not mean that the index is left out."""


def install(hooks: Hooks) -> None:
    """Hook ``to_*``."""
    owners = (NDFrame, pd.DataFrame, pd.Series)
    hook_io_methods(hooks, owners, _TARGETS, wrote)
    hook_io_methods(hooks, owners, ("to_sql",), lambda name: _to_sql)
    if hasattr(pd, "to_pickle"):
        hook_io(hooks, pd, "to_pickle", _pickled)


def wrote(name: str) -> After:
    """The handler of a method ``to_*`` of a frame, or of something that shows one."""
    key = _TARGETS[name]

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        target = argument(args, kwargs, 1, key)
        if target is None:
            return
        index = _writes_index(name, kwargs)
        target = _file_of(target)
        is_anew = is_path(target) and name != "to_hdf" and not kwargs.get("partition_cols")
        mode = kwargs.get("mode") or getattr(target, "mode", "")
        adds = str(mode).startswith("a") and name != "to_excel"
        columns = kwargs.get("columns")
        _write(recorder, args[0], name, target, index=index, columns=columns, adds=adds, is_anew=is_anew and not adds)

    return handler


def _writes_index(name: str, kwargs: dict[str, Any]) -> bool:
    """Whether a method ``to_*`` writes the index, too."""
    if name == "to_json" and kwargs.get("orient") in ("records", "values"):
        return False
    index = kwargs.get("index", True)
    return index is not False if name in _DECIDES_ON_INDEX else bool(index)


def _file_of(target: Any) -> Any:
    """The open file or buffer that a workbook is written to; anything else as it is."""
    return (
        getattr(getattr(target, "_handles", None), "handle", target) if isinstance(target, pd.ExcelWriter) else target
    )


def _pickled(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    obj, target = argument(args, kwargs, 0, "obj"), argument(args, kwargs, 1, "filepath_or_buffer")
    _write(recorder, obj, "to_pickle", target, is_anew=is_path(target))


def _write(
    recorder: Recorder,
    obj: Any,
    op: str,
    target: Any,
    *,
    index: bool = True,
    columns: Any = None,
    adds: bool = False,
    is_anew: bool = False,
) -> None:
    """Record that ``obj`` was written. If it ``adds`` to existing content, it is not used as a profile of that; if it
    ``is_anew``, it replaces that."""
    ref = located(target)
    if ref is None:
        if hasattr(target, "write"):  # a buffer in memory now holds the frame
            held = written_value(recorder, obj, op, index=index, columns=columns) or UNKNOWN
            put_in(recorder, target, held, is_kept=op == "to_excel")
        return
    value = written_value(recorder, obj, op, index=index, columns=columns)
    held = None if adds else snapshot_of(obj, index=index, columns=columns)
    recorder.wrote(value, ref, snapshot=held, is_added=adds, is_anew=is_anew)


def snapshot_of(obj: Any, *, index: bool = True, columns: Any = None, unnamed: str = UNNAMED) -> Any:
    """What may be profiled of ``obj`` as it is written: the chosen columns, and the index unless it is left out,
    as ``unnamed`` if it has no name. None if it is not data."""
    if not isinstance(obj, NDFrame):
        return None
    with unobserved():
        if isinstance(obj, pd.DataFrame) and isinstance(columns, list | tuple | pd.Index):
            obj = obj[list(columns)]
        if not index and (index_levels(obj.index) or not isinstance(obj.index, pd.RangeIndex)):
            obj = obj.copy(deep=False)
            obj.index = pd.RangeIndex(len(obj))
        elif index and unnamed and levels_in_file(obj.index) == (UNNAMED,):
            obj = obj.copy(deep=False)
            obj.index = obj.index.rename(unnamed)
    return snapshot(obj)


def written_value(
    recorder: Recorder, obj: Any, op: str, *, index: bool = True, columns: Any = None, unnamed: str = UNNAMED
) -> Any:
    """The value that is written: the chosen columns and, unless it is left out, the index by its names, or as
    ``unnamed``."""
    known = recorder.values.get(obj) or UNKNOWN
    if not isinstance(obj, pd.DataFrame | pd.Series):
        return known if known is not UNKNOWN else None
    kept, rows = shape_of(obj)
    if isinstance(columns, list | tuple | pd.Index):
        kept = Labels(names_of(columns), levels_in_file(obj.index), shows_index=True)
    if type(kept) is Labels:
        kept.shown = index
        kept.index = tuple(name or unnamed for name in kept.index if name or levels_of(known))
    rule = _with_index if index else _as_written
    return make_value(op, (known,), rule, columns=kept, rows=rows, code=known.code, line=known.line)


def _as_written(value: Value) -> Columns:
    return Columns({name: column(value, 0, name, IDENTITY) for name in value.column_names()})


def _with_index(value: Value) -> Columns:
    """The index is written, too. Numbers without a name are part of the whole, but not a column."""
    fields, shown = _as_written(value).fields, levels_of(value)
    unnamed = level(value, 0, UNNAMED)
    if not shown and unnamed:
        fields[field_of_level(UNNAMED)] = unnamed
    elif len(shown) == 1 and not fields[shown_level(shown[0])] and len(levels_of(value.inputs[0])) == 1:  # named since
        fields[shown_level(shown[0])] = level(value, 0, levels_of(value.inputs[0])[0])
    return Columns(fields)


def _to_sql(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    owner, name = args[0], argument(args, kwargs, 1, "name")
    from headwater.capture.databases import database_of

    database = database_of(argument(args, kwargs, 2, "con"))
    if database is None:
        return
    ref: DatasetRef = database.table(name, kwargs.get("schema"))
    index = bool(kwargs.get("index", True))
    label = argument(args, kwargs, 6, "index_label")
    label = label if isinstance(label, str) else "index"
    value = written_value(recorder, owner, "to_sql", index=index, unnamed=label)
    adds = argument(args, kwargs, 4, "if_exists") == "append"
    recorder.wrote(value, ref, snapshot=None if adds else snapshot_of(owner, index=index, unnamed=label), is_added=adds)
