"""pyarrow: tables read from and written to files, and converted to and from pandas.

The classes are compiled and cannot be hooked; the functions of ``pyarrow.parquet``, ``csv``, ``feather``, ``json`` and
``dataset`` can, and conversions to and from pandas pass through ``pyarrow.pandas_compat``. Compiled methods of a table
(``select``, ``rename_columns``, ``append_column``, ``slice``, ``combine_chunks`` of one chunk) keep the memory of the
columns that they do not compute, so these columns are recognised by the address of their buffers. A column with buffers
of its own was computed: it is recorded as coming from all other columns, as a guess.
"""

from __future__ import annotations

import functools
import weakref
from collections import deque
from collections.abc import Iterable
from types import ModuleType
from typing import Any, ClassVar, Final

from headwater.capture.hooks import Hooks, Integration
from headwater.capture.locations import is_path, located, located_all
from headwater.capture.multi_file_reads import read_all
from headwater.capture.recorder import Recorder, is_literal_here, is_literal_object
from headwater.capture.source_analysis.array_origins import known_or_listed
from headwater.capture.user_code import user_site
from headwater.capture.values import (
    INFERRED,
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
_COMPAT: Final = "pyarrow.pandas_compat"
_MAX_ADDRESSES: Final = 2_000
_SAMPLE: Final = 64
"""The number of bytes sampled at each of three places in a buffer."""
_MAX_COLUMNS: Final = 500
"""How many columns of a table are recognised by their memory."""


class PyarrowIntegration(Integration):
    """Follows pyarrow."""

    identifier: ClassVar[str] = "pyarrow"
    submodules: ClassVar[tuple[str, ...]] = (*_READERS, _COMPAT)

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the functions that make tables and columns from objects in memory; all others are in submodules."""
        for name, handler in (("table", _after_table), ("record_batch", _after_table), ("array", _after_array)):
            hooks.after(module, name, handler)
        hooks.on_remove(_BY_ADDRESS.clear)  # another run's data may get the same addresses

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

_DATASETS: Final[deque[Value]] = deque(maxlen=64)
"""The values of the latest ``pyarrow.dataset`` objects."""

_Place = tuple[int, int, int]
_BY_ADDRESS: Final[dict[_Place, tuple[Value, str]]] = {}
"""The latest columns, as value and name, by the address of the buffer with their data."""


def value_of(recorder: Recorder, table: Any) -> Value | None:
    """The value of a table: by identity, else by the buffers of its columns, else by a dataset with these columns."""
    found = recorder.values.get(table)
    if found is not None or not (_BY_ADDRESS or _DATASETS) or not getattr(table, "num_columns", 0):
        return found
    names = _names(table) or ()
    columns = [_column_behind(table.column(place)) for place in range(min(len(names), _MAX_COLUMNS))]
    inputs = tuple(dict.fromkeys(known[0] for known in columns if known is not None))
    if not inputs:
        return _of_dataset(recorder, table, names)
    guess = [Dep(position, None, description=INFERRED) for position in range(len(inputs))]
    fields = {
        name: [Dep(inputs.index(known[0]), known[1], subtype="IDENTITY")] if known is not None else guess
        for name, known in zip(names, columns, strict=False)
    }
    code, line = user_site(3)
    made = make_value(
        "pyarrow.table", inputs, lambda _: Columns(fields), columns=names, rows=table.num_rows, code=code, line=line
    )
    return recorder.values.bind(table, made)


def _of_dataset(recorder: Recorder, table: Any, names: tuple[str, ...]) -> Value | None:
    """A value for an unknown table, which may come from the compiled ``to_table`` or ``head`` of a dataset: if exactly
    one dataset has all of its columns, the table comes from that, as a guess."""
    likely = [value for value in _DATASETS if set(names) <= set(value.column_names())]
    if len(likely) != 1:
        return None
    fields = {name: [Dep(0, name, subtype="IDENTITY", description=INFERRED)] for name in names}
    code, line = user_site(4)
    made = make_value(
        "pyarrow.table",
        tuple(likely),
        lambda _: Columns(fields),
        columns=names,
        rows=table.num_rows,
        code=code,
        line=line,
    )
    return recorder.values.bind(table, made)


def _column_behind(column: Any) -> tuple[Value, str] | None:
    """The known column, as value and name, that has the memory of an arrow column."""
    chunks = getattr(column, "chunks", None) or ([column] if hasattr(column, "buffers") else [])
    address = _address(chunks[0]) if chunks else None
    return _BY_ADDRESS.get(address) if address is not None else None


def _remember(value: Value, names: tuple[str, ...], columns: Iterable[Any]) -> None:
    """Remember that the buffers of these columns belong to ``value``. The first chunk of each column is enough."""
    for name, column in zip(names[:_MAX_COLUMNS], columns, strict=False):
        chunks = getattr(column, "chunks", None) or ([column] if hasattr(column, "buffers") else [])
        address = _address(chunks[0]) if chunks else None
        if address is None:
            continue
        while len(_BY_ADDRESS) >= _MAX_ADDRESSES:
            del _BY_ADDRESS[next(iter(_BY_ADDRESS))]
        _BY_ADDRESS.pop(address, None)
        _BY_ADDRESS[address] = value, name


def _address(array: Any) -> _Place | None:
    """The address and size of the buffer with an array's data, and a hash of some of its bytes, because freed memory is
    reused for other data."""
    buffers = [buffer for buffer in array.buffers() if buffer is not None and buffer.size]
    if not buffers or not getattr(buffers[-1], "is_cpu", True):
        return None
    buffer = buffers[-1]
    starts = (0, max(0, (buffer.size - _SAMPLE) // 2), max(0, buffer.size - _SAMPLE))
    looks = b"".join(buffer.slice(at, min(_SAMPLE, buffer.size)).to_pybytes() for at in starts)
    return buffer.address, buffer.size, hash(looks)


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
    refs = located_all(args[0] if args else next(iter(kwargs.values()), None))
    if refs and result is not None:
        rows = getattr(result, "num_rows", None)
        value = read_all(recorder, result, refs, op, columns=_names(result), rows=rows, snapshot=_snapshot(result))
        _remember_table(value, result)
        if op == "pyarrow.dataset":
            _DATASETS.append(value)


def _remember_table(value: Value, table: Any) -> None:
    if hasattr(table, "column_names"):
        _remember(value, tuple(table.column_names), (table.column(i) for i in range(table.num_columns)))


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
        value = recorder.read(result, ref, op, columns=_names(result), rows=result.num_rows, snapshot=snapshot)
        _remember_table(value, result)


def _after_write(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], function: str) -> None:
    del result
    table = args[0] if args else kwargs.get("table", kwargs.get("data", kwargs.get("df")))
    places = ("where", "output_file", "dest", "root_path", "base_dir")
    target = args[1] if len(args) > 1 else next((kwargs[name] for name in places if name in kwargs), None)
    ref = located(target)
    if ref is None:
        return
    value = value_of(recorder, table)
    if value is None and is_literal_object(table):  # ``pa.Table.from_arrays``, which is compiled
        fields: dict[str, list[Dep]] = {name: [] for name in _names(table) or ("*",)}
        value = make_value("pyarrow.table", (NOTHING,), lambda _: Columns(fields), columns=_names(table))
    elif value is None:
        recorder.derive(table, f"pyarrow.{function}", (), columns=_names(table))
    is_anew = is_path(target) and "dataset" not in function
    recorder.wrote(value if value is not None else table, ref, snapshot=_snapshot(table), is_anew=is_anew)


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
    _remember(value, names, arrays)


_MAKERS: Final = frozenset(("table", "record_batch"))


def _after_table(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``pa.table({"a": ...})``, ``pa.record_batch``: each column comes from what was given for it."""
    data = args[0] if args else kwargs.get("data")
    given = list(data.values()) if isinstance(data, dict) else data if isinstance(data, list | tuple) else []
    names = _names(result)
    if names is None or len(given) != len(names):
        return
    values = [known_or_listed(recorder.values, item) or _arrow(item) for item in given]
    inputs = tuple(value for value in values if value is not None)
    if inputs:
        place = {id(value): position for position, value in enumerate(inputs)}
        fields = {
            name: [Dep(place[id(value)], None, subtype="IDENTITY")] if value is not None else []
            for name, value in zip(names, values, strict=True)
        }
        rule = lambda _: Columns(fields)  # noqa: E731 - a rule of one line
        value = recorder.derive(result, "pyarrow.table", inputs, rule=rule, columns=names, rows=result.num_rows)
        _remember_table(value, result)
    elif is_literal_here(_MAKERS):
        fields = {name: [] for name in names}
        rule = lambda _: Columns(fields)  # noqa: E731 - as above
        recorder.derive(result, "pyarrow.table", (NOTHING,), rule=rule, columns=names, rows=result.num_rows)


def _arrow(column: Any) -> Value | None:
    """A value for a column that is recognised by its memory."""
    known = _column_behind(column) if hasattr(column, "buffers") or hasattr(column, "chunks") else None
    if known is None:
        return None
    value, name = known
    return make_value("pyarrow.column", (value,), same_columns, columns=(name,), rows=len(column))


def _after_array(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``pa.array(column)``: the same data as the argument."""
    value = known_or_listed(recorder.values, args[0] if args else kwargs.get("obj"))
    if value is not None and value is not UNKNOWN:
        name = next(iter(value.column_names()), "")
        made = make_value("pyarrow.array", (value,), _only, columns=(name,), rows=len(result))
        _remember(made, (name,), [result])


def _only(value: Value) -> Columns:
    return Columns({value.column_names()[0]: [Dep(0, None, subtype="IDENTITY")]})
