"""pyarrow: tables read from and written to files, and handed to and from pandas.

The classes are compiled and cannot be hooked; the functions of ``pyarrow.parquet``, ``csv``, ``feather``, ``json`` and
``dataset`` can, and pandas conversion passes through ``pyarrow.pandas_compat``. A table made from a frame is known
again by the address of its first column's buffer, which the conversion made.
"""

from __future__ import annotations

import functools
import weakref
from types import ModuleType
from typing import Any, ClassVar, Final

from headwater.capture.hooks import Hooks, Integration
from headwater.capture.locations import located
from headwater.capture.recorder import Recorder
from headwater.capture.values import DatasetRef, Value, same_columns

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
_COMPAT: Final = "pyarrow.pandas_compat"
_MAX_ADDRESSES: Final = 1_000


class PyarrowIntegration(Integration):
    """Follows pyarrow."""

    identifier: ClassVar[str] = "pyarrow"
    min_version: ClassVar[tuple[int, ...]] = (10, 0)
    submodules: ClassVar[tuple[str, ...]] = (*_READERS, _COMPAT)

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Everything of pyarrow that can be hooked is in submodules."""

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
        if name == _COMPAT:
            hooks.after(module, "table_to_dataframe", _after_to_pandas)
            hooks.after(module, "dataframe_to_arrays", _after_from_pandas)


_OPENED: Final[weakref.WeakKeyDictionary[Any, DatasetRef]] = weakref.WeakKeyDictionary()
"""The files behind ``ParquetFile`` objects."""

_BY_ADDRESS: Final[dict[int, Value]] = {}
"""Values by the address of the first buffer of the arrays made from them; the latest ones."""


def value_of(recorder: Recorder, table: Any) -> Value | None:
    """The value of a table: by identity, else by the buffer it was made around."""
    found = recorder.values.get(table)
    if found is None and _BY_ADDRESS and hasattr(table, "num_columns") and table.num_columns:
        column = table.column(0)
        address = _address(column.chunk(0)) if column.num_chunks == 1 else None
        found = _BY_ADDRESS.get(address) if address is not None else None
    return found


def _address(array: Any) -> int | None:
    buffers = [buffer for buffer in array.buffers() if buffer is not None and buffer.size]
    return buffers[-1].address if buffers else None


def _names(table: Any) -> tuple[str, ...] | None:
    schema = getattr(table, "schema", None)
    names = getattr(schema, "names", None)
    if names is None:
        names = getattr(table, "columns", None)
    return tuple(str(name) for name in names) if names is not None else None


def _snapshot(table: Any) -> Any:
    if not hasattr(table, "num_rows"):
        return None
    from headwater.capture.profiling import snapshot

    return snapshot(table)


def _after_read(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], op: str) -> None:
    ref = located(args[0] if args else next(iter(kwargs.values()), None))
    if ref is not None and result is not None:
        rows = getattr(result, "num_rows", None)
        recorder.read(result, ref, op, columns=_names(result), rows=rows, snapshot=_snapshot(result))


def _after_open(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``ParquetFile(source)``: nothing is read yet but the footer."""
    del recorder, result
    ref = located(args[1] if len(args) > 1 else kwargs.get("source"))
    if ref is not None:
        _OPENED[args[0]] = ref


def _after_part(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], op: str) -> None:
    """A ``ParquetFile`` was read, whole or in part."""
    del kwargs
    ref = _OPENED.get(args[0])
    if ref is not None:
        is_whole = op == "pyarrow.read"
        snapshot = _snapshot(result) if is_whole else None
        recorder.read(result, ref, op, columns=_names(result), rows=result.num_rows, snapshot=snapshot)


def _after_write(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], function: str) -> None:
    del result
    table = args[0] if args else kwargs.get("table", kwargs.get("data", kwargs.get("df")))
    places = ("where", "output_file", "dest", "root_path", "base_dir")
    ref = located(args[1] if len(args) > 1 else next((kwargs[name] for name in places if name in kwargs), None))
    if ref is None:
        return
    value = value_of(recorder, table)
    if value is None:
        recorder.derive(table, f"pyarrow.{function}", (), columns=_names(table))
    recorder.wrote(value if value is not None else table, ref, snapshot=_snapshot(table))


def _after_to_pandas(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``Table.to_pandas``: the call's second argument is the table (the result is a manager or a frame)."""
    table = args[1] if len(args) > 1 else kwargs.get("table")
    value = value_of(recorder, table)
    if value is not None and hasattr(result, "columns"):
        columns = tuple(str(name) for name in result.columns)
        recorder.derive(result, "pyarrow.to_pandas", (value,), rule=same_columns, columns=columns, rows=len(result))


def _after_from_pandas(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``Table.from_pandas``: remember the buffers that it makes of the frame."""
    frame = args[0] if args else kwargs.get("df")
    value = recorder.values.get(frame)
    arrays = result[0] if isinstance(result, tuple) else ()
    if value is None or not arrays:
        return
    address = _address(arrays[0])
    if address is not None:
        while len(_BY_ADDRESS) >= _MAX_ADDRESSES:
            del _BY_ADDRESS[next(iter(_BY_ADDRESS))]
        _BY_ADDRESS[address] = value
