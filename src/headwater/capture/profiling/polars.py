"""Columns of polars frames and series, through polars' public interface alone. Loaded only once polars is.

Text is read through Arrow if pyarrow is already loaded, and by joining otherwise; both give the same bytes.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from headwater.capture.profiling.blocks import Block, Bytes, Coded, Column, Fixed, Table, Words, by_span, nothing
from headwater.capture.profiling.hashing import hash_values

_NUMBERS = {
    pl.Int8: "int8",
    pl.Int16: "int16",
    pl.Int32: "int32",
    pl.Int64: "int64",
    pl.UInt8: "uint8",
    pl.UInt16: "uint16",
    pl.UInt32: "uint32",
    pl.UInt64: "uint64",
    pl.Float32: "float32",
    pl.Float64: "float64",
}


def accepts(obj: object) -> bool:
    """Whether this is a frame or a series of polars. A lazy frame has no content yet."""
    return isinstance(obj, pl.DataFrame | pl.Series)


def table(obj: Any) -> Table:
    """The object as a table; a series without a name is the column ``value``."""
    series = obj.get_columns() if isinstance(obj, pl.DataFrame) else [obj]
    columns = [
        series_column(column.name if isinstance(obj, pl.DataFrame) else column.name or "value", column)
        for column in series
    ]
    return Table(
        library=f"polars {pl.__version__}",
        row_count=len(obj),
        size_bytes=int(obj.estimated_size()),
        columns=columns,
    )


def series_column(name: str, series: Any) -> Column:
    """A column over one series."""
    dtype = series.dtype
    base = dtype.base_type()
    if base in _NUMBERS:
        return Column(name, _NUMBERS[base], True, "number", _fixed_reader(series))
    if base is pl.Boolean:
        return Column(name, "bool", True, "bool", _fixed_reader(series, pl.UInt8))
    if base in (pl.Datetime, pl.Duration, pl.Date, pl.Time):
        type_, unit = _time_type(dtype)
        return Column(
            name, type_, True, "time", _fixed_reader(series, pl.Int32 if unit == "D" else pl.Int64), unit=unit
        )
    if base is pl.Null:
        return Column(name, "null", True, "other", nothing)
    if base in (pl.Categorical, pl.Enum):
        return _categorical_column(name, series)
    if base is pl.String:
        return Column(name, "string", True, "other", lambda a, b: _texts(series.slice(a, b - a)))
    return _foreign_column(name, series)


def _time_type(dtype: Any) -> tuple[str, str]:
    """The type's shared name and the unit of its integers."""
    if isinstance(dtype, pl.Datetime):
        zone = f", {dtype.time_zone}" if dtype.time_zone else ""
        return f"timestamp[{dtype.time_unit}{zone}]", dtype.time_unit
    if isinstance(dtype, pl.Duration):
        return f"duration[{dtype.time_unit}]", dtype.time_unit
    return ("date32", "D") if dtype == pl.Date else ("time64[ns]", "ns")


def _fixed_reader(series: Any, physical: Any = None) -> Any:
    """Read numbers straight out of their buffer if there is one without nulls, else through Arrow or in spans."""
    plain = physical is None or series.dtype.base_type() is not pl.Boolean
    if plain and not series.null_count():
        bare = series.to_physical()
        return lambda start, stop: Fixed(np.ascontiguousarray(bare.slice(start, stop - start).to_numpy()))
    if sys.modules.get("pyarrow") is not None:  # bitmaps without a copy
        from headwater.capture.profiling.arrow import bools, fixed

        bare = series.to_physical()
        dtype = "uint8" if not plain else _NUMBERS[bare.dtype.base_type()]

        def read(start: int, stop: int) -> Block:
            part = bare.slice(start, stop - start).to_arrow()
            return fixed(part, dtype) if plain else bools(part)

        return read

    def convert(start: int, stop: int) -> Block:
        part = series.slice(start, stop - start)
        nulls = part.is_null().to_numpy() if part.null_count() else None
        part = part.to_physical() if plain else part.cast(physical)
        if nulls is not None:
            part = part.fill_null(0)
        return Fixed(part.to_numpy(), nulls)

    return by_span(convert, len(series))


def _texts(part: Any) -> Block:
    """Text of a part of a series."""
    if sys.modules.get("pyarrow") is not None:
        from headwater.capture.profiling.arrow import texts

        return texts(part.to_arrow(compat_level=pl.CompatLevel.oldest()), reuse=True)
    nulls = part.is_null().to_numpy() if part.null_count() else None
    lengths = part.str.len_bytes().fill_null(0).cast(pl.Int64).to_numpy()
    data = (part.str.join("").item() or "").encode()
    return Bytes(lengths, np.frombuffer(data, dtype=np.uint8), nulls)


def _categorical_column(name: str, series: Any) -> Column:
    """Categories count by their values, whatever their codes, which a Categorical may share with other frames."""
    codes_of = series.to_physical()
    tables: list[tuple[npt.NDArray[Any], Words]] = []

    def convert(start: int, stop: int) -> Block:
        if not tables:
            tables.append(_category_hashes(series))
        known, hashes = tables[0]
        part = codes_of.slice(start, stop - start)
        nulls = part.is_null().to_numpy() if part.null_count() else None
        codes = np.searchsorted(known, part.fill_null(0).to_numpy())
        return Coded(np.minimum(codes, len(hashes) - 1).astype(np.int64, copy=False), hashes, nulls)

    return Column(name, "categorical<string>", True, "other", by_span(convert, len(series)))


def _category_hashes(series: Any) -> tuple[npt.NDArray[Any], Words]:
    """The codes that occur, sorted, and the hash of the text behind each; never empty."""
    present = series.drop_nulls().unique()
    if not len(present):
        return np.zeros(0, dtype=np.uint32), np.zeros(1, dtype=np.uint64)
    known = present.to_physical().to_numpy()
    order = np.argsort(known)
    hashes = hash_values(_texts(present.cast(pl.String))).copy()
    return known[order], hashes[order]


def _foreign_column(name: str, series: Any) -> Column:
    """Decimals, binary and nested types, which only Arrow provides; objects have no canonical form."""
    base = series.dtype.base_type()
    if base is pl.Object:
        return Column(name, "object", True, "other", nothing, unreadable="polars objects have no canonical form")
    try:
        import pyarrow  # noqa: F401 - the test for its presence
    except ImportError:
        reason = f"{series.dtype} needs pyarrow to be read; install it with 'pip install pyarrow'"
        return Column(name, str(series.dtype).lower(), True, "other", nothing, unreadable=reason)
    from headwater.capture.profiling.arrow import arrow_column

    try:
        array = series.to_arrow(compat_level=pl.CompatLevel.oldest())
    except (pl.exceptions.PolarsError, TypeError, ValueError):
        reason = f"{series.dtype} has no form in Arrow"
        return Column(name, str(series.dtype).lower(), True, "other", nothing, unreadable=reason)
    return arrow_column(name, array)


def snapshot(obj: Any) -> tuple[Any, bool]:
    """A clone: buffers are immutable and shared, only the list of columns is copied."""
    return obj.clone(), True
