"""Columns of numpy arrays. Loaded only once numpy is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.capture.profiling.blocks import Block, Bytes, Column, Fixed, NoCanonicalFormError, Table, by_span
from headwater.capture.profiling.python_objects import object_column

MOST_COLUMNS = 256
"""A wider matrix is one column of rows: a list of 784 pixels helps nobody, and each column has a fixed cost."""

COPY_BYTES = 1 << 20
"""An array up to this size is copied for a snapshot, in about a millisecond; a digest would take a tenth of that, but
would be lost if the array is changed."""

_NOT_A_TIME = np.iinfo(np.int64).min
_UNITS = ("s", "ms", "us", "ns")


def accepts(obj: object) -> bool:
    """Whether this is a numpy array."""
    return isinstance(obj, np.ndarray)


def table(obj: npt.NDArray[Any]) -> Table:
    """The array as a table: one column, a column each for a matrix or a structured array, or rows of bytes."""
    array = np.asarray(obj)
    return Table(
        library=f"numpy {np.__version__}",
        row_count=len(array) if array.ndim else 1,
        size_bytes=int(array.nbytes),
        columns=_columns(array),
    )


def _columns(array: npt.NDArray[Any]) -> list[Column]:
    if array.dtype.names:
        rows = array.reshape(-1)
        return [array_column(name, rows[name]) for name in array.dtype.names]
    if array.ndim <= 1:
        return [array_column("value", array.reshape(-1))]
    if array.ndim == 2 and array.shape[1] <= MOST_COLUMNS:
        return [array_column(str(at), array[:, at]) for at in range(array.shape[1])]
    return [_matrix_column("value", array)]


def array_column(name: str, array: npt.NDArray[Any], *, nulls: npt.NDArray[np.bool_] | None = None) -> Column:
    """A column over an array, by its first axis. Missing rows are those in ``nulls`` if given, else NaN and NaT."""
    if array.ndim > 1:
        return _matrix_column(name, array)
    kind = array.dtype.kind
    if kind in "iuf" and array.dtype.itemsize <= 8:
        return _plain_column(name, array, array.dtype.name, "number", nulls)
    if kind == "b":
        return _plain_column(name, array.view(np.uint8), "bool", "bool", nulls)
    if kind in "Mm":
        return _time_column(name, array, nulls)
    if kind in "US":
        return _text_column(name, array)
    if kind == "O":
        return object_column(name, array)
    if _is_solid(array.dtype):
        return _raw_column(name, array)
    reason = f"{array.dtype} has no canonical form"
    return Column(name, str(array.dtype), False, "other", _unreadable, unreadable=reason)


def _plain_column(
    name: str, array: npt.NDArray[Any], type_: str, kind: str, nulls: npt.NDArray[np.bool_] | None
) -> Column:
    native = array.dtype.newbyteorder("=")

    def read(start: int, stop: int) -> Block:
        part = np.ascontiguousarray(array[start:stop], dtype=native)
        return Fixed(part, _some(nulls, start, stop))

    nullable = nulls is not None or array.dtype.kind == "f"
    return Column(name, type_, nullable, kind, read, nan_is_null=nulls is None)


def _some(nulls: npt.NDArray[np.bool_] | None, start: int, stop: int) -> npt.NDArray[np.bool_] | None:
    if nulls is None:
        return None
    part = nulls[start:stop]
    return part if part.any() else None


def _time_column(name: str, array: npt.NDArray[Any], nulls: npt.NDArray[np.bool_] | None) -> Column:
    """Dates as days, times and durations in their unit; units coarser than a second become seconds."""
    unit = np.datetime_data(array.dtype)[0]
    if array.dtype.kind == "M" and unit == "D":
        type_, unit = "date32", "D"
    else:
        unit = unit if unit in _UNITS else "s"
        type_ = f"{'timestamp' if array.dtype.kind == 'M' else 'duration'}[{unit}]"

    def read(start: int, stop: int) -> Block:
        part = array[start:stop]
        whole = np.ascontiguousarray(part.astype(f"{array.dtype.kind}8[{unit}]", copy=False)).view(np.int64)
        missing = _some(nulls, start, stop)
        if whole.min(initial=0) == _NOT_A_TIME:
            missing = np.isnat(part) if missing is None else np.isnat(part) | missing
        return Fixed(whole.astype(np.int32) if unit == "D" else whole, missing)

    return Column(name, type_, True, "time", read, unit=unit)


def _text_column(name: str, array: npt.NDArray[Any]) -> Column:
    """Fixed-width text or bytes, without the padding."""

    def convert(start: int, stop: int) -> Block:
        texts = array[start:stop].tolist()
        try:
            encoded = [text.encode() for text in texts] if array.dtype.kind == "U" else texts
        except UnicodeEncodeError as error:
            raise NoCanonicalFormError("text that is not valid Unicode") from error
        return Bytes(
            np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded)),
            np.frombuffer(b"".join(encoded), dtype=np.uint8),
        )

    type_ = "string" if array.dtype.kind == "U" else "binary"
    return Column(name, type_, False, "other", by_span(convert, len(array)))


def _raw_column(name: str, array: npt.NDArray[Any]) -> Column:
    """Values without a 64-bit form (complex and extended floats, raw records): their bytes."""

    def read(start: int, stop: int) -> Block:
        return row_bytes(array[start:stop])

    return Column(name, str(array.dtype), False, "other", read)


def _is_solid(dtype: np.dtype[Any]) -> bool:
    """Whether every byte of a value is significant: no references, and no padding as in extended floats and records."""
    return (
        dtype.kind in "biumM"
        or (dtype.kind in "fc" and dtype.name in _SOLID)
        or (dtype.kind == "V" and not dtype.names)
    )


_SOLID = ("float16", "float32", "float64", "complex64", "complex128")


def _matrix_column(name: str, array: npt.NDArray[Any]) -> Column:
    """A wide matrix or a tensor: each entry along the first axis is one value."""
    shape = ", ".join(map(str, array.shape[1:]))
    type_ = f"array<{array.dtype.name}>[{shape}]"
    if not _is_solid(array.dtype):
        return Column(name, type_, False, "other", _unreadable, unreadable=f"{type_} has no canonical form")
    return Column(name, type_, False, "other", lambda start, stop: row_bytes(array[start:stop]))


def row_bytes(part: npt.NDArray[Any]) -> Bytes:
    """Each entry along the first axis as its bytes; floats with one zero and one NaN."""
    whole = np.ascontiguousarray(part, dtype=part.dtype.newbyteorder("="))
    if whole.dtype.kind in "fc":
        whole = one_zero(whole)
    width = whole.dtype.itemsize * math.prod(whole.shape[1:])
    data = np.frombuffer(whole.tobytes(), dtype=np.uint8)
    return Bytes(np.full(len(whole), width, dtype=np.int64), data)


def one_zero(numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A copy of floats in which every zero is positive and every NaN has the same bits."""
    canonical: npt.NDArray[Any] = numbers + numbers.dtype.type(0)
    canonical[np.isnan(canonical)] = np.nan
    return canonical


def _unreadable(start: int, stop: int) -> Block:
    raise NoCanonicalFormError("no canonical form")


def snapshot(obj: npt.NDArray[Any]) -> tuple[Any, bool]:
    """A copy of a small array; a large one as it is, which is safe only if it is read-only."""
    if obj.nbytes <= COPY_BYTES:
        return obj.copy(), True
    return obj, _frozen(obj)


def _frozen(array: npt.NDArray[Any]) -> bool:
    """Whether neither the array nor what it is a view of can be written to."""
    held: Any = array
    while isinstance(held, np.ndarray):
        if held.flags.writeable:
            return False
        held = held.base
    return held is None or isinstance(held, bytes)
