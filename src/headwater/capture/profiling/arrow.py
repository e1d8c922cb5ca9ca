"""Columns of pyarrow tables, record batches and arrays. Loaded only once pyarrow is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from headwater.capture.profiling.blocks import (
    ENCODED,
    Block,
    Bytes,
    Coded,
    Column,
    Fixed,
    NoCanonicalFormError,
    Table,
    by_span,
    nothing,
)
from headwater.capture.profiling.buffers import scratch
from headwater.capture.profiling.hashing import hash_values
from headwater.capture.profiling.numpy import one_zero
from headwater.capture.profiling.python_objects import encoded_block
from headwater.model.fingerprints import unique_names

_NAMES = {"halffloat": "float16", "float": "float32", "double": "float64", "date32[day]": "date32"}


def accepts(obj: object) -> bool:
    """Whether this is a table, a record batch or an array of pyarrow."""
    return isinstance(obj, pa.Table | pa.RecordBatch | pa.ChunkedArray | pa.Array)


def table(obj: Any) -> Table:
    """The object as a table; an array is the one column ``value``."""
    if isinstance(obj, pa.Table | pa.RecordBatch):
        names, arrays = unique_names(obj.schema.names), obj.columns
        nullable = [field.nullable for field in obj.schema]
    else:
        names, arrays, nullable = ["value"], [obj], [True]
    return Table(
        library=f"pyarrow {pa.__version__}",
        row_count=len(arrays[0]) if not hasattr(obj, "num_rows") else obj.num_rows,
        size_bytes=obj.nbytes,
        columns=[arrow_column(*parts) for parts in zip(names, arrays, nullable, strict=True)],
    )


def type_name(type_: Any) -> str:
    """The name of a type that is shared by all libraries here; the width of offsets and views make no difference."""
    if pa.types.is_string(type_) or pa.types.is_large_string(type_) or str(type_) == "string_view":
        return "string"
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_) or str(type_) == "binary_view":
        return "binary"
    if pa.types.is_timestamp(type_):
        return f"timestamp[{type_.unit}, {type_.tz}]" if type_.tz else f"timestamp[{type_.unit}]"
    if pa.types.is_dictionary(type_):
        return f"categorical<{type_name(type_.value_type)}>"
    if pa.types.is_decimal(type_):
        return f"decimal({type_.precision}, {type_.scale})"
    if pa.types.is_struct(type_):
        inner = ", ".join(
            f"{type_.field(at).name}: {type_name(type_.field(at).type)}" for at in range(type_.num_fields)
        )
        return f"struct<{inner}>"
    if pa.types.is_fixed_size_list(type_):
        return f"array<{type_name(type_.value_type)}>[{type_.list_size}]"
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return f"list<{type_name(type_.value_type)}>"
    return _NAMES.get(str(type_), str(type_))


def arrow_column(name: str, array: Any, nullable: bool = True) -> Column:
    """A column over an array or a chunked array."""
    chunked = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    if isinstance(chunked.type, pa.ExtensionType):
        chunked = pa.chunked_array([chunk.storage for chunk in chunked.chunks], type=chunked.type.storage_type)
    type_ = chunked.type
    label = type_name(type_)
    if pa.types.is_null(type_):
        return Column(name, label, nullable, "other", nothing)
    if pa.types.is_dictionary(type_):
        return _categorical_column(name, label, nullable, chunked)
    if pa.types.is_boolean(type_):
        return Column(name, label, nullable, "bool", lambda a, b: bools(_piece(chunked, a, b)))
    if pa.types.is_temporal(type_):
        unit = "D" if label == "date32" else "ms" if pa.types.is_date64(type_) else type_.unit
        width: Any = np.int32 if type_.bit_width == 32 else np.int64
        return Column(name, label, nullable, "time", lambda a, b: fixed(_piece(chunked, a, b), width), unit=unit)
    if pa.types.is_integer(type_) or pa.types.is_floating(type_):
        dtype = np.dtype(label)
        return Column(name, label, nullable, "number", lambda a, b: fixed(_piece(chunked, a, b), dtype))
    if label in ("string", "binary"):
        return Column(name, label, nullable, "other", lambda a, b: texts(_piece(chunked, a, b), reuse=True))
    if pa.types.is_decimal128(type_) or pa.types.is_fixed_size_binary(type_):
        return Column(name, label, nullable, "other", lambda a, b: _wide(_piece(chunked, a, b)))
    if pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_):
        weight = _weight(chunked, is_encoded=not _is_number(type_.value_type))
        read = by_span(lambda a, b: _lists(_piece(chunked, a, b)), len(chunked), weight)
        return Column(name, label, nullable, "other", read, weight=weight)
    weight = _weight(chunked, is_encoded=True)
    encode = by_span(lambda a, b: encoded_block(_piece(chunked, a, b).to_pylist()), len(chunked), weight)
    return Column(name, label, nullable, "other", encode, weight=weight)


def _weight(chunked: Any, *, is_encoded: bool) -> int:
    """The cost of a row with nested values, on average."""
    values = sum(map(_values_in, chunked.chunks)) * (ENCODED if is_encoded else 1)
    return max(1, values // max(1, len(chunked)))


def _values_in(array: Any) -> int:
    """The number of values in an array, at all levels."""
    if pa.types.is_struct(array.type):
        return len(array) + sum(_values_in(array.field(place)) for place in range(array.type.num_fields))
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type) or pa.types.is_fixed_size_list(array.type):
        return len(array) + _values_in(array.flatten())
    return len(array)


def _is_number(type_: Any) -> bool:
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_))


def _piece(chunked: Any, start: int, stop: int) -> Any:
    """Rows ``start`` to ``stop`` as one array; copied only where they span chunks."""
    part = chunked.slice(start, stop - start)
    if part.num_chunks == 1:
        return part.chunk(0)
    return pa.concat_arrays(part.chunks) if part.num_chunks else pa.array([], type=chunked.type)


def _bits(buffer: Any, offset: int, count: int) -> npt.NDArray[np.uint8]:
    """``count`` bits from bit ``offset`` on, a byte each."""
    first = offset // 8
    packed = np.frombuffer(buffer, dtype=np.uint8)[first : (offset + count + 7) // 8]
    return np.unpackbits(packed, bitorder="little", count=offset % 8 + count)[offset % 8 :]


def _nulls(array: Any) -> npt.NDArray[np.bool_] | None:
    validity = array.buffers()[0]
    if not array.null_count or validity is None:
        return None
    return np.equal(_bits(validity, array.offset, len(array)), 0)


def _view(array: Any, buffer: int, dtype: Any, count: int) -> npt.NDArray[Any]:
    """``count`` values of a buffer from the array's offset on."""
    held = array.buffers()[buffer]
    dtype = np.dtype(dtype)
    if held is None or not count:
        return np.zeros(count, dtype=dtype)
    return np.frombuffer(held, dtype=dtype, count=count, offset=array.offset * dtype.itemsize)


def bools(array: Any) -> Block:
    """Truth values, a byte each."""
    if not len(array):
        return Fixed(np.zeros(0, dtype=np.uint8))
    return Fixed(_bits(array.buffers()[1], array.offset, len(array)), _nulls(array))


def fixed(array: Any, dtype: Any) -> Block:
    """Numbers or times as they lie in their buffer."""
    return Fixed(_view(array, 1, dtype, len(array)), _nulls(array))


def _wide(array: Any) -> Block:
    """Values of a fixed number of bytes (decimals)."""
    width = array.type.byte_width
    held = array.buffers()[1]
    size = width * len(array)
    data = np.frombuffer(held, dtype=np.uint8)[array.offset * width :][:size] if size else np.zeros(0, dtype=np.uint8)
    return _without_padding(np.full(len(array), width, dtype=np.int64), data, _nulls(array))


def texts(array: Any, *, reuse: bool = False) -> Block:
    """Text or bytes from any of the three layouts; with ``reuse``, the lengths are scratch memory."""
    type_ = array.type
    if str(type_).endswith("_view"):
        array = array.cast(pa.large_string() if str(type_) == "string_view" else pa.large_binary())
        type_ = array.type
    large = pa.types.is_large_string(type_) or pa.types.is_large_binary(type_)
    ends = _view(array, 1, np.int64 if large else np.int32, len(array) + 1 if len(array) else 0)
    if not len(array):
        return Bytes(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint8))
    held = array.buffers()[2]
    data = np.zeros(0, dtype=np.uint8) if held is None else np.frombuffer(held, dtype=np.uint8)
    lengths = scratch("arrow lengths", len(array), np.int64) if reuse else np.empty(len(array), dtype=np.int64)
    np.subtract(ends[1:], ends[:-1], out=lengths)
    return _without_padding(lengths, data[int(ends[0]) : int(ends[-1])], _nulls(array))


def _without_padding(
    lengths: npt.NDArray[np.int64], data: npt.NDArray[np.uint8], nulls: npt.NDArray[np.bool_] | None
) -> Block:
    """The block, without the bytes at nulls."""
    if nulls is not None and lengths[nulls].any():
        data = data[np.repeat(~nulls, lengths)]
        lengths = np.where(nulls, 0, lengths)
    return Bytes(lengths, data, nulls)


def _lists(array: Any) -> Block:
    """Lists of numbers as their bytes, which is what makes embeddings affordable; other lists value by value."""
    child_type = array.type.value_type
    whole = _is_number(child_type)
    if not whole or array.null_count:
        return _encoded_lists(array, whole)
    child = array.flatten()
    if child.null_count:
        return _encoded_lists(array, whole)
    numbers = _canonical(_view(child, 1, type_name(child_type), len(child)))
    if pa.types.is_fixed_size_list(array.type):
        counts = np.full(len(array), array.type.list_size, dtype=np.int64)
    else:
        wide = pa.types.is_large_list(array.type)
        counts = np.diff(_view(array, 1, np.int64 if wide else np.int32, len(array) + 1 if len(array) else 0))
    data = np.frombuffer(numbers.tobytes(), dtype=np.uint8)
    return Bytes(counts.astype(np.int64) * numbers.itemsize, data)


def _encoded_lists(array: Any, numeric: bool) -> Block:
    """Lists value by value; a list of numbers without nulls gets the same bytes as from ``_lists``."""
    values = array.to_pylist()
    if not numeric:
        return encoded_block(values)
    dtype = np.dtype(type_name(array.type.value_type))
    parts = []
    for value in values:
        items = value or []
        numbers = _canonical(np.array([0 if item is None else item for item in items], dtype=dtype))
        missing = b"".join(at.to_bytes(8, "little") for at, item in enumerate(items) if item is None)
        parts.append(numbers.tobytes() + (missing + b"\1" if missing else b""))
    nulls = np.fromiter((value is None for value in values), dtype=np.bool_, count=len(values))
    lengths = np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))
    data = np.frombuffer(b"".join(parts), dtype=np.uint8)
    return Bytes(lengths, data, nulls if nulls.any() else None)


def _canonical(numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return one_zero(numbers) if numbers.dtype.kind == "f" else numbers


def _categorical_column(name: str, label: str, nullable: bool, chunked: Any) -> Column:
    """Categories count by their values: each dictionary entry is hashed once, rows look their hash up."""
    unified = chunked.unify_dictionaries()
    dictionary = unified.chunk(0).dictionary if unified.num_chunks else pa.array([], type=chunked.type.value_type)
    values = arrow_column(name, dictionary)
    table_, empty = hash_table(values, len(dictionary))

    def read(start: int, stop: int) -> Block:
        indices = _piece(unified, start, stop).indices
        block = fixed(indices, type_name(indices.type))
        assert isinstance(block, Fixed)
        codes, nulls = block.values.astype(np.int64), block.nulls
        if nulls is not None:
            codes[nulls] = 0
        if empty is not None:
            unset = empty[codes]
            nulls = unset if nulls is None else nulls | unset
        return Coded(codes, table_, nulls if nulls is not None and nulls.any() else None)

    return Column(name, label, nullable, "other", read)


def hash_table(values: Column, count: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.bool_] | None]:
    """The hash of every category, and which of them are null. Never empty, so that a lookup is always in range."""
    if not count:
        return np.zeros(1, dtype=np.uint64), None
    if values.unreadable:
        raise NoCanonicalFormError(values.unreadable)
    block = values.read(0, count)
    if isinstance(block, Fixed) and block.values.dtype.kind == "f":
        block = Fixed(_canonical(block.values), block.nulls)
    return hash_values(block).copy(), block.nulls


def text_block(values: npt.NDArray[Any]) -> Block | None:
    """A numpy array of strings and missing values through Arrow, or None if Arrow does not take it."""
    try:
        array = pa.array(values, type=pa.large_string(), from_pandas=True)
    except (pa.ArrowException, UnicodeError, TypeError, ValueError):
        return None
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks)
    return texts(array)


def snapshot(obj: Any) -> tuple[Any, bool]:
    """The object itself: Arrow data does not change (unless memory that was lent to it does)."""
    return obj, True
