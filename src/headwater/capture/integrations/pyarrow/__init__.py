"""pyarrow: tables read from and written to files, and converted to and from pandas.

The classes are compiled and cannot be hooked; the functions of ``pyarrow.parquet``, ``csv``, ``feather``, ``json`` and
``dataset`` can, and conversions to and from pandas pass through ``pyarrow.pandas_compat``. ``memory`` recognises what
compiled methods return; ``computed`` has the functions by which these, and the user, compute.
"""

from __future__ import annotations

import functools
import weakref
from types import ModuleType
from typing import Any, ClassVar, Final

from headwater.capture.arrow_memory import (
    BY_ADDRESS,
    PROVIDERS,
    column_value,
    names_of,
    provided,
    provides,
    remember,
    remember_table,
    value_of,
)
from headwater.capture.buffers import put_in, text_read
from headwater.capture.hooks import Hooks, Integration
from headwater.capture.integrations.pyarrow import computed, streams
from headwater.capture.locations import is_path, located, located_all
from headwater.capture.multi_file_reads import read_all
from headwater.capture.recorder import Recorder, is_literal_here, is_literal_object
from headwater.capture.source_analysis.array_origins import known_or_listed
from headwater.capture.values import (
    NOTHING,
    UNKNOWN,
    Columns,
    DatasetRef,
    Dep,
    Value,
    make_value,
    same_columns,
)

_READERS: Final = {
    "pyarrow.parquet.core": ("read_table", "read_pandas"),
    "pyarrow.csv": ("read_csv",),
    "pyarrow.json": ("read_json",),
    "pyarrow.feather": ("read_table", "read_feather"),
    "pyarrow.dataset": ("dataset",),
}
_WRITERS: Final = {
    "pyarrow.parquet.core": ("write_table", "write_to_dataset"),
    "pyarrow.csv": ("write_csv",),
    "pyarrow.feather": ("write_feather",),
    "pyarrow.dataset": ("write_dataset",),
}
_SOURCES: Final = ("source", "input_file")
_COMPAT: Final = "pyarrow.pandas_compat"


class PyarrowIntegration(Integration):
    """Follows pyarrow."""

    identifier: ClassVar[str] = "pyarrow"
    submodules: ClassVar[tuple[str, ...]] = (*_READERS, _COMPAT, *computed.SUBMODULES, *streams.SUBMODULES)

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the functions that make tables and columns from objects in memory; all others are in submodules."""
        for name, handler in (("table", _after_table), ("record_batch", _after_table), ("array", _after_array)):
            hooks.after(module, name, handler)
        streams.install_opens(hooks, module)
        hooks.on_remove(BY_ADDRESS.clear)  # another run's data may get the same addresses
        hooks.on_remove(PROVIDERS.clear)

    def install_submodule(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the readers, writers or conversions of one submodule."""
        name = module.__name__
        for function in _READERS.get(name, ()):
            if hasattr(module, function):
                hooks.after(module, function, functools.partial(_after_read, op=f"pyarrow.{function}"))
        for function in _WRITERS.get(name, ()):
            if hasattr(module, function):
                hooks.after(module, function, functools.partial(_after_write, function=function))
        if name == "pyarrow.parquet.core":
            hooks.after(module.ParquetFile, "__init__", _after_open)
            for function in ("read", "read_row_group", "read_row_groups"):
                hooks.after(module.ParquetFile, function, functools.partial(_after_part, op=f"pyarrow.{function}"))
            hooks.replace(module.ParquetFile, "iter_batches", streams.iterating(_OPENED.get))
        computed.install(hooks, module)
        streams.install(hooks, module)
        if name == _COMPAT:
            hooks.after(module, "table_to_dataframe", _after_to_pandas)
            hooks.after(module, "dataframe_to_arrays", _after_from_pandas)


_OPENED: Final[weakref.WeakKeyDictionary[Any, DatasetRef]] = weakref.WeakKeyDictionary()
"""The files behind ``ParquetFile`` objects."""


def _snapshot(table: Any) -> Any:
    if not hasattr(table, "num_rows"):
        return None
    from headwater.capture.profiling import snapshot

    return snapshot(table)


def _after_read(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], op: str) -> None:
    source = args[0] if args else next(iter(kwargs.values()), None)
    refs = located_all(source)
    if not refs and hasattr(source, "read") and hasattr(result, "num_rows"):  # a buffer in memory
        known = recorder.values.get(source)
        inputs, rule = (
            ([known], same_columns)
            if known is not None
            else text_read(source, op.rsplit(".", maxsplit=1)[-1], _SOURCES)
        )
        value = recorder.derive(result, op, inputs, rule=rule, columns=names_of(result), rows=result.num_rows)
        remember_table(value, result)
    if refs and result is not None:
        rows = getattr(result, "num_rows", None)
        value = read_all(recorder, result, refs, op, columns=names_of(result), rows=rows, snapshot=_snapshot(result))
        remember_table(value, result)
        if op == "pyarrow.dataset":
            provides(value)


def _after_open(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``ParquetFile(source)``: only the footer is read yet."""
    del recorder, result
    ref = located(args[1] if len(args) > 1 else kwargs.get("source"))
    if ref is not None:
        _OPENED[args[0]] = ref


def _after_part(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], op: str) -> None:
    """Record a ``ParquetFile`` that was read, completely or in part."""
    del kwargs
    ref = _OPENED.get(args[0])
    if ref is not None:
        is_whole = op == "pyarrow.read"
        snapshot = _snapshot(result) if is_whole else None
        value = recorder.read(result, ref, op, columns=names_of(result), rows=result.num_rows, snapshot=snapshot)
        remember_table(value, result)


def _after_write(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], function: str) -> None:
    del result
    table = args[0] if args else kwargs.get("table", kwargs.get("data", kwargs.get("df")))
    places = ("where", "output_file", "dest", "root_path", "base_dir")
    given = args[1] if len(args) > 1 else next((kwargs[name] for name in places if name in kwargs), None)
    target = streams.place_of(given)
    ref = located(target)
    value = value_of(recorder, table)
    if value is None and function == "write_dataset":
        value = _rows_given(recorder, table, kwargs.get("schema"))
    if ref is None:
        if value is not None and hasattr(target, "write"):
            put_in(recorder, target, value)
        return
    if value is None and is_literal_object(table):  # ``pa.Table.from_arrays``, which is compiled
        fields: dict[str, list[Dep]] = {name: [] for name in names_of(table) or ("*",)}
        value = make_value("pyarrow.table", (NOTHING,), lambda _: Columns(fields), columns=names_of(table))
    elif value is None:
        recorder.derive(table, f"pyarrow.{function}", (), columns=names_of(table))
    is_anew = is_path(given) and "dataset" not in function
    recorder.wrote(value if value is not None else table, ref, snapshot=_snapshot(table), is_anew=is_anew)


def _rows_given(recorder: Recorder, data: Any, schema: Any) -> Value | None:
    """What a scanner, or batches, come from that are written as a dataset: a list of known ones from these, others from
    the dataset or reader that has their columns."""
    if isinstance(data, list | tuple):
        known = [value_of(recorder, item) for item in data]
        values = tuple(dict.fromkeys(value for value in known if value is not None))
        names = names_of(data[0]) if data else None
        if names and values and None not in known:
            fields = {name: [Dep(i, name, subtype="IDENTITY") for i in range(len(values))] for name in names}
            return make_value("pyarrow.batches", values, lambda _: Columns(fields), columns=names)
    planned = getattr(data, "projected_schema", schema)
    return provided(names, None) if (names := tuple(getattr(planned, "names", ()))) else None


def _after_to_pandas(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``Table.to_pandas``. The table is the second argument; the result is a manager or a frame."""
    table = args[1] if len(args) > 1 else kwargs.get("table")
    value = value_of(recorder, table)
    if value is not None and hasattr(result, "columns"):
        columns = tuple(str(name) for name in result.columns)
        recorder.derive(result, "pyarrow.to_pandas", (value,), rule=same_columns, columns=columns, rows=len(result))


def _after_from_pandas(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``Table.from_pandas``, ``pa.table(frame)``: remember the buffers made from the frame's columns."""
    frame = args[0] if args else kwargs.get("df")
    value = recorder.values.get(frame)
    if value is None or frame is None or not isinstance(result, tuple):
        return
    arrays, schema = result[0], next((item for item in result[1:] if hasattr(item, "names")), None)
    names = tuple(schema.names) if schema is not None else tuple(str(name) for name in frame.columns)
    remember(value, names, arrays)


_MAKERS: Final = frozenset(("table", "record_batch"))


def _after_table(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``pa.table({"a": ...})``, ``pa.record_batch``: each column comes from what was given for it."""
    data = args[0] if args else kwargs.get("data")
    frame = recorder.values.get(data)
    if frame is not None and hasattr(result, "num_columns") and not isinstance(data, list | tuple | dict):
        rows = result.num_rows
        value = recorder.derive(
            result, "pyarrow.table", (frame,), rule=same_columns, columns=names_of(result), rows=rows
        )
        remember_table(value, result)
        return
    given = list(data.values()) if isinstance(data, dict) else data if isinstance(data, list | tuple) else []
    names = names_of(result)
    if names is None or len(given) != len(names):
        return
    values = [known_or_listed(recorder.values, item) or column_value(item) for item in given]
    inputs = tuple(value for value in values if value is not None)
    if inputs:
        place = {id(value): position for position, value in enumerate(inputs)}
        fields = {
            name: [Dep(place[id(value)], None, subtype="IDENTITY")] if value is not None else []
            for name, value in zip(names, values, strict=True)
        }
        rule = lambda _: Columns(fields)  # noqa: E731 - a rule of one line
        value = recorder.derive(result, "pyarrow.table", inputs, rule=rule, columns=names, rows=result.num_rows)
        remember_table(value, result)
    elif is_literal_here(_MAKERS):
        fields = {name: [] for name in names}
        rule = lambda _: Columns(fields)  # noqa: E731 - as above
        recorder.derive(result, "pyarrow.table", (NOTHING,), rule=rule, columns=names, rows=result.num_rows)


def _after_array(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``pa.array(column)``: the same data as the argument."""
    value = known_or_listed(recorder.values, args[0] if args else kwargs.get("obj"))
    if value is not None and value is not UNKNOWN:
        name = next(iter(value.column_names()), "")
        made = make_value("pyarrow.array", (value,), _only, columns=(name,), rows=len(result))
        remember(made, (name,), [result])


def _only(value: Value) -> Columns:
    return Columns({value.column_names()[0]: [Dep(0, None, subtype="IDENTITY")]})
