"""Reading: files, URLs, open files, chunks, and SQL."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import pandas as pd
from pandas.core.generic import NDFrame

from headwater.capture.buffers import text_read
from headwater.capture.context import current
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY, After, Hooks
from headwater.capture.integrations.pandas.labels import levels_in_file, series_name
from headwater.capture.integrations.pandas.recording import argument, bind, hook_io
from headwater.capture.integrations.pandas.rules import SAME
from headwater.capture.levels import Labels
from headwater.capture.locations import located, located_all
from headwater.capture.multi_file_reads import read_all
from headwater.capture.profiling import snapshot
from headwater.capture.recorder import Recorder
from headwater.capture.values import UNKNOWN, Rule, Value, make_value
from headwater.capture.wrapper_frames import USERS_CODE, observe_io, unseen

_FILES: Final = [
    "csv",
    "table",
    "fwf",
    "parquet",
    "json",
    "excel",
    "feather",
    "orc",
    "pickle",
    "hdf",
    "html",
    "xml",
    "sas",
    "spss",
    "stata",
    "iceberg",
    "gbq",
    "clipboard",
]
_SQL: Final = ("read_sql", "read_sql_query", "read_sql_table")
_CHUNKED: Final = (
    ("pandas.io.parsers.readers", "TextFileReader", "read"),
    ("pandas.io.json._json", "JsonReader", "__next__"),
    ("pandas.io.stata", "StataReader", "__next__"),
    ("pandas.io.sas.sas7bdat", "SAS7BDATReader", "__next__"),
    ("pandas.io.sas.sas_xport", "XportReader", "__next__"),
)


def install(hooks: Hooks) -> None:
    """Hook ``read_*`` and the readers of chunks."""
    for name in _FILES:
        if hasattr(pd, f"read_{name}"):
            hook_io(hooks, pd, f"read_{name}", _read(f"read_{name}"))
    for name in _SQL:
        hooks.replace(pd, name, functools.partial(_sql_reading, name))
    import sys

    for module, kind, method in _CHUNKED:
        owner = getattr(sys.modules.get(module), kind, None)
        if owner is not None and method in vars(owner):
            hook_io(hooks, owner, method, _chunk)
    hook_io(hooks, pd.ExcelFile, "__init__", _opened)
    hook_io(hooks, pd.ExcelFile, "parse", _parsed)


def shape_of(obj: Any) -> tuple[Any, int | None]:
    """The columns, with the index, and the number of rows of a file that holds ``obj``."""
    if not isinstance(obj, pd.DataFrame | pd.Series):
        return None, None
    columns = series_name(obj.name) if isinstance(obj, pd.Series) else obj.columns
    levels = levels_in_file(obj.index)
    return (Labels(columns, levels, shows_index=True) if levels else columns), len(obj.index)


def _read(op: str) -> After:
    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        source = args[0] if args else next((kwargs[key] for key in _SOURCES if key in kwargs), None)
        if isinstance(source, pd.ExcelFile | pd.HDFStore):
            _from_store(recorder, result, op, source)
            return
        ref = located(source)
        if ref is None:
            _from_buffer(recorder, result, op, source)
            return
        refs = located_all(source) if isinstance(source, list | tuple) else []
        for item in _frames(result):
            if isinstance(item, NDFrame):
                columns, rows = shape_of(item)
                read_all(recorder, item, refs or [ref], op, columns=columns, rows=rows, snapshot=snapshot(item))
            else:
                is_model = hasattr(type(item), "predict") or hasattr(type(item), "transform")
                recorder.read(item, ref._replace(type="MODEL") if is_model else ref, op)

    return handler


_OPENED: Final = "ExcelFile"
_SOURCES: Final = ("filepath_or_buffer", "path", "path_or_buf", "io", "filepath", "path_or_buffer")


def _frames(result: Any) -> Iterator[Any]:
    """The frames that a function returned. A reader of chunks, which is read later, counts as one."""
    if isinstance(result, dict):
        yield from result.values()
    elif isinstance(result, list):
        yield from result
    else:
        yield result


def _from_buffer(recorder: Recorder, result: Any, op: str, buffer: Any) -> None:
    """A frame read from a buffer in memory comes from whatever was written to that, or the code made it of."""
    known = recorder.values.get(buffer)
    inputs, rule = _behind(known) if known is not None else text_read(buffer, op, _SOURCES)
    for item in _frames(result):
        bind(recorder, item, op, inputs if inputs[0] is not UNKNOWN else (), rule)


def _behind(known: Value) -> tuple[Sequence[Value], Rule]:
    """What is behind a frame that was read from a buffer, or from a workbook that was opened from one, and its rule."""
    if known.op == _OPENED and known.rule is not None:
        return known.inputs, known.rule
    return [known], SAME


def _from_store(recorder: Recorder, result: Any, op: str, store: Any) -> None:
    """Frames read from an open workbook or HDF file."""
    ref = located(store) or located(getattr(store, "_path", None))
    if ref is None:
        if recorder.values.get(store) is not None:
            _from_buffer(recorder, result, op, store)
        return
    for item in _frames(result):
        columns, rows = shape_of(item)
        recorder.read(item, ref, op, columns=columns, rows=rows, snapshot=snapshot(item))


def _opened(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Bind an opened Excel file, so that frames parsed from it later come from its path, or from its buffer."""
    source = argument(args, kwargs, 1, "path_or_buffer")
    ref = located(source)
    if ref is not None:
        recorder.derive(args[0], _OPENED, (), rule=None, dataset=ref)
    elif (known := recorder.values.get(source)) is not None:
        recorder.values.bind(args[0], known)
    else:
        inputs, rule = text_read(source, _OPENED, _SOURCES)
        recorder.derive(args[0], _OPENED, inputs, rule)


def _parsed(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    known = recorder.values.get(args[0])
    if known is None:
        return
    for item in _frames(result):
        if known.dataset is None:
            bind(recorder, item, "read_excel", *_behind(known))
            continue
        columns, rows = shape_of(item)
        recorder.read(item, known.dataset, "read_excel", columns=columns, rows=rows, snapshot=snapshot(item))


def _chunk(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Bind a chunk, which comes from the reader, and that represents the file."""
    known = recorder.values.get(args[0])
    if known is None or not isinstance(result, NDFrame):
        return
    columns, _ = shape_of(result)
    if known.columns is None:
        known.columns = columns
    bind(recorder, result, "chunk", (known,), SAME)


def _sql_reading(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a reader of SQL. If it returns a generator of chunks, that is replaced by one that records each chunk."""
    observed = observe_io(original, _sql_read(name), f"pandas.{name}")

    @functools.wraps(original)
    def reading(*args: Any, **kwargs: Any) -> Any:
        result = observed(*args, **kwargs)
        recorder = current()
        if recorder is None or BUSY.depth not in (0, USERS_CODE) or not hasattr(result, "send"):
            return result
        return _chunks(recorder, result, name, args, kwargs)

    return unseen(reading)


def _chunks(recorder: Recorder, frames: Any, name: str, args: Any, kwargs: Any) -> Iterator[Any]:
    handler = _sql_read(name)
    first: Value | None = None
    for frame in frames:
        if first is None:
            with GUARD.at(f"pandas.{name}"):
                handler(recorder, frame, args, kwargs)
            first = recorder.values.get(frame)
        else:
            columns, rows = shape_of(frame)
            recorder.values.bind(
                frame,
                make_value(
                    "chunk",
                    first.inputs,
                    first.rule,
                    columns=columns,
                    rows=rows,
                    dataset=first.dataset,
                    code=first.code,
                    line=first.line,
                ),
            )
        yield frame


def _sql_read(name: str) -> After:
    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not isinstance(result, pd.DataFrame):
            return
        text = argument(args, kwargs, 0, "table_name" if name == "read_sql_table" else "sql")
        from headwater.capture.databases import database_of

        database = database_of(argument(args, kwargs, 1, "con"))
        columns, rows = shape_of(result)
        text = text if isinstance(text, str) else str(text)
        if database is None:
            bind(recorder, result, name, (), SAME)
        elif name == "read_sql_table" or not any(map(str.isspace, text.strip())):
            ref = database.table(text, kwargs.get("schema"))
            recorder.read(result, ref, name, columns=columns, rows=rows, snapshot=snapshot(result))
        else:
            value = recorder.derive(result, name, (), rule=None, columns=columns, rows=rows)
            recorder.statement(
                text, database.dialect, database.namespace, result=value, default_schema=database.default_schema
            )

    return handler
