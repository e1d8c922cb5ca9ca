"""Columns of pandas frames, series and indexes. Loaded only once pandas is.

The index counts if it holds data: its named levels, and unnamed ones that are not integers, come before the columns
(where ``to_csv`` and ``reset_index`` put them). An unnamed integer index is only row positions, and does not count.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from headwater.capture.profiling.blocks import Block, Coded, Column, Fixed, Table, by_span
from headwater.capture.profiling.hashing import hash_values
from headwater.capture.profiling.numpy import array_column, one_zero
from headwater.capture.profiling.python_objects import encoded_block, text_block
from headwater.model.fingerprints import unique_names

_PLAIN_ARRAY: Any = getattr(pd.arrays, "NumpyExtensionArray", None) or getattr(pd.arrays, "PandasArray", None)
"""An array of pandas over a plain one of numpy; pandas 2.1 gave it another name."""

COPY_BYTES = 8 << 20
"""Without copy-on-write, a frame up to this size is copied in full for a snapshot."""


def accepts(obj: object) -> bool:
    """Whether this is a frame, a series or an index of pandas."""
    return isinstance(obj, pd.DataFrame | pd.Series | pd.Index)


def table(obj: Any) -> Table:
    """The object as a table; a series without a name is the column ``0``, as in a file."""
    if isinstance(obj, pd.Index):
        labelled = _levels(obj, always=True)
    else:
        labelled = _levels(obj.index, always=False)
        if isinstance(obj, pd.DataFrame):
            labelled += [(label_text(label), series.array) for label, series in obj.items()]
        else:
            labelled.append(("0" if obj.name is None else label_text(obj.name), obj.array))
    names = unique_names(label for label, _ in labelled)
    size_bytes = sum(int(array.nbytes) for _, array in labelled)
    columns = [extension_column(name, array) for name, (_, array) in zip(names, labelled, strict=True)]
    return Table(library=f"pandas {pd.__version__}", row_count=len(obj), size_bytes=size_bytes, columns=columns)


def label_text(label: object) -> str:
    """A column's label as the name of a field: levels of a tuple are joined by dots."""
    if isinstance(label, tuple):
        return ".".join(str(part) for part in label if part != "")
    return str(label)


def _levels(index: Any, *, always: bool) -> list[tuple[str, Any]]:
    """The levels of an index that hold data; those without a name are named as Arrow names them."""
    found = []
    for at, name in enumerate(index.names):
        values = index.get_level_values(at)
        if always or name is not None or not pd.api.types.is_integer_dtype(values.dtype):
            found.append((f"__index_level_{at}__" if name is None else label_text(name), values.array))
    return found


def extension_column(name: str, array: Any) -> Column:
    """A column over any array of pandas."""
    if isinstance(array, _PLAIN_ARRAY) and not isinstance(array.dtype, pd.StringDtype):
        array = array.to_numpy()
    dtype = array.dtype
    if isinstance(dtype, np.dtype) and dtype.kind not in "mM":
        return array_column(name, np.asarray(array))
    if isinstance(dtype, np.dtype | pd.DatetimeTZDtype):
        return _time_column(name, array)
    if isinstance(dtype, pd.CategoricalDtype):
        return _categorical_column(name, array)
    if isinstance(dtype, pd.ArrowDtype) or (isinstance(dtype, pd.StringDtype) and dtype.storage == "pyarrow"):
        from headwater.capture.profiling.arrow import arrow_column

        return arrow_column(name, array.__arrow_array__())
    if isinstance(dtype, pd.StringDtype):
        values = np.asarray(array, dtype=object)
        read = by_span(lambda start, stop: text_block(values[start:stop]), len(values))
        return Column(name, "string", True, "other", read)
    if isinstance(dtype, pd.SparseDtype):
        return extension_column(name, array.to_dense())
    if hasattr(dtype, "numpy_dtype") and dtype.numpy_dtype.kind in "biuf":
        return _masked_column(name, array)
    return _other_column(name, array)


def _time_column(name: str, array: Any) -> Column:
    column = array_column(name, array.view(f"{array.dtype.kind}8[{_unit(array.dtype)}]").to_numpy())
    zone = getattr(array.dtype, "tz", None)
    if zone is not None:
        column.type = f"timestamp[{_unit(array.dtype)}, {zone}]"
    return column


def _unit(dtype: Any) -> str:
    return dtype.unit if isinstance(dtype, pd.DatetimeTZDtype) else str(np.datetime_data(dtype)[0])


def _masked_column(name: str, array: Any) -> Column:
    """The nullable types ``Int64``, ``Float64`` and ``boolean``."""
    dtype = array.dtype.numpy_dtype
    nulls = np.asarray(array.isna())
    values = array.to_numpy(dtype=dtype, na_value=dtype.type(0))
    return array_column(name, values, nulls=nulls)


def _categorical_column(name: str, array: Any) -> Column:
    """Categories count by their values, whatever their codes."""
    categories = extension_column(name, array.categories.array)
    table_ = np.zeros(1, dtype=np.uint64)
    if len(array.categories):
        block = categories.read(0, len(array.categories))
        if isinstance(block, Fixed) and block.values.dtype.kind == "f":
            block = Fixed(one_zero(block.values), block.nulls)
        table_ = hash_values(block).copy()
    all_codes = array.codes

    def read(start: int, stop: int) -> Block:
        codes = all_codes[start:stop].astype(np.int64)
        nulls = codes < 0
        if not nulls.any():
            return Coded(codes, table_)
        codes[nulls] = 0
        return Coded(codes, table_, nulls)

    return Column(name, f"categorical<{categories.type}>", True, "other", read)


def _other_column(name: str, array: Any) -> Column:
    """Periods, intervals and the types of extensions: value by value."""

    def convert(start: int, stop: int) -> Block:
        return encoded_block(array[start:stop].astype(object))

    return Column(name, str(array.dtype), True, "other", by_span(convert, len(array)))


_COPIES_ON_WRITE: Final = int(pd.__version__.partition(".")[0]) >= 3


def snapshot(obj: Any) -> tuple[Any, bool]:
    """A copy that later changes by the user do not affect, and whether that is guaranteed.

    With copy-on-write (always on since pandas 3) a shallow copy shares the data until somebody writes, and the writer
    pays for the copy. Without, a shallow copy would change with the original, so a small object is copied in full, and
    a large one is returned as it is, unsafe. Mutable values inside columns of objects are shared in any case.
    """
    if isinstance(obj, pd.Index):
        return obj, True
    if _COPIES_ON_WRITE or bool(pd.get_option("mode.copy_on_write")):
        return obj.copy(deep=False), True
    usage = obj.memory_usage(index=True, deep=False)
    if int(usage.sum() if isinstance(obj, pd.DataFrame) else usage) > COPY_BYTES:
        return obj, False
    return obj.copy(deep=True), True
