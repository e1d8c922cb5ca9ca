"""Reading and writing frames, and exchanging them with other libraries."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from typing import Any, Final

from headwater.capture.arrow_memory import remember, remember_table, value_of
from headwater.capture.buffers import put_in, text_read
from headwater.capture.hooks import After, Hooks
from headwater.capture.integrations.polars.frames import height, names_of
from headwater.capture.integrations.polars.lazy_schema import Names, Schema, plan_ran, polars
from headwater.capture.locations import is_path, located, located_all
from headwater.capture.multi_file_reads import read_all, stacked
from headwater.capture.notebook_cells import user_place
from headwater.capture.recorder import Recorder, is_literal_here, table_of, went_through
from headwater.capture.source_analysis.array_origins import known_or_listed
from headwater.capture.source_analysis.row_list_syntax import MAKERS
from headwater.capture.values import NOTHING, Columns, Dep, Rule, Value, make_value, opaque, same_columns
from headwater.capture.wrapper_frames import observe_making

_ADDED: Final = ("row_index_name", "include_file_paths")
"""Arguments of readers that name a column to add."""
_FORMATS: Final = ("csv", "parquet", "ipc", "ipc_stream", "json", "ndjson", "avro", "excel", "lines", "delta")


def hook(hooks: Hooks) -> None:
    """Hook readers, scanners, writers, sinks, constructors and conversions."""
    pl = polars()
    for kind in _FORMATS:
        for prefix in ("read_", "scan_"):
            if hasattr(pl, prefix + kind):
                hooks.after(pl, prefix + kind, functools.partial(after_read, op=prefix + kind))
        if hasattr(pl.DataFrame, "write_" + kind):
            hooks.after(pl.DataFrame, "write_" + kind, functools.partial(after_write, kind=kind))
        if hasattr(pl.LazyFrame, "sink_" + kind):
            hooks.after(pl.LazyFrame, "sink_" + kind, functools.partial(after_write, kind=kind))
    for name in ("to_pandas", "to_arrow", "to_numpy"):
        hooks.after(pl.DataFrame, name, functools.partial(after_convert, op=name))
        hooks.after(pl.Series, name, functools.partial(after_convert, op=name))
    for name in ("from_pandas", "from_arrow", "from_numpy", "from_dataframe"):
        hooks.after(pl, name, functools.partial(after_from, op=name))
    for owner in (pl.DataFrame, pl.LazyFrame, pl.Series):
        _hook_making(hooks, owner, "__init__", after_init)
    for name in ("from_dict", "from_dicts", "from_records"):
        _hook_making(hooks, pl, name, after_made)
    for name in ("to_dicts", "rows", "iter_rows", "rows_by_key"):
        if hasattr(pl.DataFrame, name):
            hooks.after(pl.DataFrame, name, after_rows)
    for name in ("__iter__", "to_list"):
        hooks.after(pl.Series, name, after_rows)


def _hook_making(hooks: Hooks, owner: Any, name: str, handler: After) -> None:
    site = f"polars.{getattr(owner, '__name__', '')}.{name}"
    hooks.replace(owner, name, functools.partial(observe_making, after=handler, site=site))


def after_rows(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record that the user's code iterates over the rows of a frame, or the items of a column."""
    del result, kwargs
    value = recorder.values.get(args[0])
    if value is not None:
        went_through(value, *user_place(3))


def _snapshot(frame: Any) -> Any:
    if not isinstance(frame, polars().DataFrame):
        return None
    from headwater.capture.profiling import snapshot

    return snapshot(frame)


def after_read(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], op: str) -> None:
    """Record a frame that was read, or a lazy one that will be read when it is collected."""
    source = args[0] if args else kwargs.get("source")
    refs = [] if isinstance(source, bytes) else located_all(source)
    inputs, rule = ([], opaque) if refs else _held(recorder, source, op)
    frames = result.values() if isinstance(result, dict) else [result]
    for frame in frames:
        columns = names_of(frame)
        if not refs:
            recorder.derive(frame, f"polars.{op}", inputs, rule=rule, columns=columns, rows=height(frame))
            continue
        added = frozenset(kwargs[key] for key in _ADDED if isinstance(kwargs.get(key), str))
        own, full, profiled = columns, columns, frame
        if columns is None:
            is_remote = any(ref.namespace != "file" for ref in refs)
            plan = frame.clone()
            own = Names(make=functools.partial(_scanned, plan, added), is_remote=is_remote)
            full = Names(make=functools.partial(_scanned, plan), is_remote=is_remote)
        elif added:
            own = tuple(name for name in columns if name not in added)
            profiled = frame.drop(added)
        read = read_all(
            recorder, frame, refs, f"polars.{op}", columns=own, rows=height(frame), snapshot=_snapshot(profiled)
        )
        if added:  # they are no columns of the files
            recorder.derive(frame, f"polars.{op}", [read], rule=stacked, columns=full, rows=height(frame))


def _held(recorder: Recorder, buffer: Any, op: str) -> tuple[Sequence[Value], Rule]:
    """What is behind a frame that was read from a buffer in memory, or from bytes, and its rule."""
    known = recorder.values.get(buffer)
    return ([known], same_columns) if known is not None else text_read(buffer, op, ("source",))


def _scanned(plan: Any, without: frozenset[str] = frozenset()) -> Schema:
    """The schema of a scan, for which polars reads the head of the file on the worker's thread. The plan holds no data.
    Empty if polars cannot read the file, or it is gone by now."""
    with contextlib.suppress(polars().exceptions.PolarsError, OSError):
        return {name: kind for name, kind in plan.collect_schema().items() if name not in without}
    return {}


def after_write(
    recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, kind: str = ""
) -> None:
    """Record a frame that was written."""
    if result is None:  # not a plan that is lazy itself
        plan_ran(recorder.values.get(args[0]))
    target = (
        args[1]
        if len(args) > 1
        else kwargs.get("file", kwargs.get("path", kwargs.get("workbook", kwargs.get("target"))))
    )
    ref, value = located(target), recorder.values.get(args[0])
    if ref is not None:
        is_anew = is_path(target) and kind != "delta" and not kwargs.get("partition_by")
        recorder.wrote(args[0], ref, snapshot=_snapshot(args[0]), is_anew=is_anew)
    elif value is not None and hasattr(target, "write"):
        put_in(recorder, target, value)


def after_convert(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], op: str) -> None:
    """Record a conversion to an object of another library."""
    del kwargs
    source = recorder.values.get(args[0])
    columns = tuple(args[0].columns) if hasattr(args[0], "columns") else (args[0].name,)
    value = source or make_value("memory.object", columns=columns, rows=height(args[0]))
    made = recorder.derive(result, f"polars.{op}", [value], rule=same_columns, columns=columns, rows=height(args[0]))
    if op == "to_arrow" and hasattr(result, "column_names"):
        remember_table(made, result)
    elif op == "to_arrow":
        remember(made, columns, [result])


def after_from(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], op: str) -> None:
    """Record a conversion from an object of another library."""
    source = args[0] if args else next(iter(kwargs.values()), None)
    if op == "from_arrow" and hasattr(source, "num_columns"):
        value_of(recorder, source)  # binds it, if it is known by its memory alone
    _same_data(recorder, result, source, f"polars.{op}")


def after_init(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record ``pl.DataFrame(data)`` from a frame or array of any library, or from followed columns."""
    del result
    first = args[1] if len(args) > 1 else None
    is_column = isinstance(args[0], polars().Series)
    if is_column and (first is None or isinstance(first, str)):  # its name
        data = args[2] if len(args) > 2 else kwargs.get("values")
    else:
        data = kwargs.get("data", kwargs.get("values")) if first is None else first
    if is_column and data is not None and known_or_listed(recorder.values, data) is not None:
        _same_data(recorder, args[0], data, "polars.Series")
    elif isinstance(data, dict) or _are_columns(data):
        named = dict(data) if isinstance(data, dict) else dict(zip(args[0].columns, data or (), strict=True))
        values = {str(name): known_or_listed(recorder.values, item) for name, item in named.items()}
        if any(values.values()):
            _from_columns(recorder, args[0], values)
        elif is_literal_here(MAKERS):
            _spelled_out(recorder, args[0])
    elif data is not None and is_literal_here(MAKERS):
        _spelled_out(recorder, args[0])
    elif isinstance(data, list) and not is_column and (read := _read_of_rows(args[0])) is not None:
        recorder.derive(
            args[0], "polars.DataFrame", [read], rule=same_columns, columns=names_of(args[0]), rows=height(args[0])
        )
    elif data is not None and known_or_listed(recorder.values, data) is not None:
        _same_data(recorder, args[0], data, "polars.DataFrame")


def _are_columns(data: Any) -> bool:
    """Whether data is a list of columns, each with its name: ``pl.DataFrame([a, b])``."""
    return isinstance(data, list) and bool(data) and all(isinstance(item, polars().Series) for item in data)


def _read_of_rows(frame: Any) -> Value | None:
    """What the code shows about a frame made from a list of rows."""
    names = names_of(frame)
    return table_of(tuple(names), height(frame)) if names is not None else None


def _names_made(frame: Any) -> Any:
    """The columns of a frame that was just made from Python objects, with their types. That of a lazy one is known
    without any work."""
    if isinstance(frame, polars().LazyFrame):
        return Names(schema=dict(frame.collect_schema()))
    return names_of(frame)


def after_made(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record ``pl.from_dict(columns)``, ``from_dicts(rows)`` and ``from_records(rows)``."""
    after_init(recorder, None, (result, args[0] if args else kwargs.get("data")), {})


def _spelled_out(recorder: Recorder, frame: Any) -> None:
    """Record a frame that is literal in the code, and so has no source."""
    names = _names_made(frame)
    rule = lambda value: Columns({name: [] for name in value.column_names()})  # noqa: E731 - a rule of one line
    recorder.derive(frame, "polars.DataFrame", (NOTHING,), rule=rule, columns=names, rows=height(frame))


def _from_columns(recorder: Recorder, frame: Any, values: dict[str, Value | None]) -> None:
    inputs = [value for value in values.values() if value is not None]
    place = {
        name: position for position, name in enumerate(name for name, value in values.items() if value is not None)
    }
    fields = {name: [Dep(place[name], None, subtype="IDENTITY")] if name in place else [] for name in values}
    columns = _names_made(frame) or tuple(fields)
    recorder.derive(
        frame, "polars.DataFrame", inputs, rule=lambda _: Columns(fields), columns=columns, rows=height(frame)
    )


def _same_data(recorder: Recorder, frame: Any, source: Any, op: str) -> None:
    value = known_or_listed(recorder.values, source)
    columns = names_of(frame)
    known = value.column_names() if value is not None else ()
    rule = same_columns if columns is not None and set(columns) <= set(known) else opaque
    inputs = [source if value is None else value]
    recorder.derive(frame, op, inputs, rule=rule, columns=columns, rows=height(frame))
