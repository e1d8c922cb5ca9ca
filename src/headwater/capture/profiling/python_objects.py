"""Columns of Python objects, and the canonical bytes of single values.

Text, booleans, dates and bytes are recognised and become the same columns as in a typed library. Other values are
encoded as tagged bytes, or not at all: a ``repr`` containing an address would differ in every process.
"""

from __future__ import annotations

import datetime
import decimal
import itertools
import pathlib
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.capture.profiling.blocks import (
    ENCODED,
    Block,
    Bytes,
    Column,
    Fixed,
    NoCanonicalFormError,
    by_span,
    nothing,
)

_SAMPLE = 64
_EPOCH = datetime.date(1970, 1, 1)


def object_column(name: str, values: npt.NDArray[Any]) -> Column:
    """A column over an array of objects, with the common type of its values."""
    row_count = len(values)
    kinds, nullable = _kinds(values)
    if not kinds:
        return Column(name, "null", True, "other", nothing)
    if kinds == {str}:
        return Column(name, "string", nullable, "other", by_span(lambda a, b: text_block(values[a:b]), row_count))
    if kinds == {bytes}:
        return Column(name, "binary", nullable, "other", by_span(lambda a, b: bytes_block(values[a:b]), row_count))
    if kinds == {bool}:
        read = by_span(lambda a, b: _fixed(values[a:b], np.uint8, int), row_count)
        return Column(name, "bool", nullable, "bool", read)
    if kinds == {datetime.date}:
        read = by_span(lambda a, b: _fixed(values[a:b], np.int32, _days), row_count)
        return Column(name, "date32", nullable, "time", read, unit="D")
    weight = _weight(values)
    read = by_span(lambda a, b: encoded_block(values[a:b]), row_count, weight)
    return Column(name, "object", nullable, "other", read, weight=weight)


def _weight(values: npt.NDArray[Any]) -> int:
    """The cost of a row, from evenly spread ones."""
    some = values[:: max(1, len(values) // _SAMPLE)].tolist()
    items = sum(len(item) if isinstance(item, list | tuple | Mapping | set | frozenset) else 1 for item in some)
    return ENCODED * max(1, items // max(1, len(some)))


def _kinds(values: npt.NDArray[Any]) -> tuple[set[type], bool]:
    """The types of the values that are not missing, and whether any value is missing."""
    kinds = set(map(type, values.tolist()))
    floats = {kind for kind in kinds if issubclass(kind, float | np.floating)}
    if floats:
        # NaN is a missing value in a column of objects, a number is not.
        numbers = [value for value in values.tolist() if type(value) in floats]
        present = {type(value) for value in numbers if not is_missing(value)}
        nullable = any(map(is_missing, numbers))
        kinds = kinds - floats | present
    else:
        nullable = False
    missing = {type(None), *_missing_types()}
    nullable = nullable or bool(kinds & missing)
    return {_PLAIN.get(kind, kind) for kind in kinds - missing}, nullable


_PLAIN: dict[type, type] = {np.bool_: bool, np.str_: str, np.bytes_: bytes}


def _missing_types() -> set[type]:
    """The types of pandas' own missing values, if pandas is loaded."""
    pandas = sys.modules.get("pandas")
    values = (getattr(pandas, "NA", None), getattr(pandas, "NaT", None))
    return {type(value) for value in values if value is not None}


def is_missing(value: object) -> bool:
    """None, NaN, NaT or NA."""
    if value is None:
        return True
    if isinstance(value, float | np.floating):
        return bool(value != value)  # noqa: PLR0124 - the definition of NaN
    return type(value) in _missing_types()


def _mask(values: Sequence[Any]) -> npt.NDArray[np.bool_] | None:
    """The mask of missing values; None if there are none."""
    kinds = set(map(type, values))
    missing_types = _missing_types() | {type(None)}
    if not kinds & missing_types and not any(issubclass(kind, float | np.floating) for kind in kinds):
        return None
    if kinds <= {type(None), str, bytes, bool, int}:
        missing = np.fromiter((value is None for value in values), dtype=np.bool_, count=len(values))
    else:
        missing = np.fromiter(map(is_missing, values), dtype=np.bool_, count=len(values))
    return missing if missing.any() else None


def text_block(values: npt.NDArray[Any]) -> Block:
    """Strings (and missing values) as UTF-8; through Arrow if it is loaded, which takes a third of the time."""
    arrow = sys.modules.get("headwater.capture.profiling.arrow")
    if arrow is not None:
        block: Block | None = arrow.text_block(values)
        if block is not None:
            return block
    texts = values.tolist()
    nulls = None if set(map(type, texts)) <= {str} else _mask(texts)
    if nulls is not None:
        texts = ["" if null else text for text, null in zip(texts, nulls.tolist(), strict=True)]
    joined = "".join(texts)
    try:
        data = joined.encode()
        parts: list[Any] = texts if len(data) == len(joined) else [text.encode() for text in texts]
    except UnicodeEncodeError as error:
        raise NoCanonicalFormError("text that is not valid Unicode") from error
    lengths = np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))
    return Bytes(lengths, np.frombuffer(data, dtype=np.uint8), nulls)


def bytes_block(values: npt.NDArray[Any]) -> Block:
    """Byte strings and missing values."""
    parts = values.tolist()
    nulls = _mask(parts)
    return _joined([b"" if is_missing(part) else part for part in parts], nulls)


def encoded_block(values: Sequence[Any] | npt.NDArray[Any]) -> Block:
    """Any values with a canonical form as tagged bytes."""
    parts = values.tolist() if isinstance(values, np.ndarray) and values.dtype != object else list(values)
    nulls = _mask(parts)
    return _joined([b"" if is_missing(part) else encode(part) for part in parts], nulls)


def _joined(parts: list[bytes], nulls: npt.NDArray[np.bool_] | None) -> Bytes:
    lengths = np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))
    return Bytes(lengths, np.frombuffer(b"".join(parts), dtype=np.uint8), nulls)


def _fixed(values: npt.NDArray[Any], dtype: type[np.generic], convert: Callable[[Any], int]) -> Block:
    parts = values.tolist()
    nulls = _mask(parts)
    return Fixed(np.array([0 if is_missing(part) else convert(part) for part in parts], dtype=dtype), nulls)


def _days(day: datetime.date) -> int:
    return (day - _EPOCH).days


def encode(value: object) -> bytes:
    """Canonical bytes of a value: tag, length and content, so that different values have different bytes.

    The order of mappings and sets makes no difference. Raises ``NoCanonicalFormError`` for objects whose content is not
    accessible.
    """
    tag, content = _tagged(value)
    return tag + len(content).to_bytes(8, "little") + content


def _tagged(value: object) -> tuple[bytes, bytes]:
    if isinstance(value, np.generic) and not isinstance(value, np.datetime64 | np.timedelta64 | float | str | bytes):
        value = value.item()
    if is_missing(value):
        return b"N", b""
    if isinstance(value, bool):
        return b"B", b"\1" if value else b"\0"
    if isinstance(value, int):
        return b"I", str(int(value)).encode()
    if isinstance(value, float):
        return b"F", (float(value) + 0.0).hex().encode()
    if isinstance(value, str):
        return b"S", value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes | bytearray | memoryview):
        return b"Y", bytes(value)
    return _tagged_container(value) or _tagged_other(value)


def _tagged_container(value: object) -> tuple[bytes, bytes] | None:
    if isinstance(value, Mapping):
        pairs = sorted((encode(key), encode(item)) for key, item in value.items())
        return b"M", b"".join(itertools.chain.from_iterable(pairs))
    if isinstance(value, set | frozenset):
        return b"E", b"".join(sorted(map(encode, value)))
    if isinstance(value, list | tuple):
        return b"L", b"".join(map(encode, value))
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        numbers = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("="))
        if numbers.dtype.kind == "f":
            numbers = np.add(numbers, numbers.dtype.type(0))
            numbers[np.isnan(numbers)] = np.nan
        return b"A", encode([numbers.dtype.name, *numbers.shape]) + numbers.tobytes()
    if isinstance(value, np.ndarray):
        return b"L", b"".join(map(encode, value.tolist()))
    return None


def _tagged_other(value: object) -> tuple[bytes, bytes]:
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return b"T", value.isoformat().encode()
    if isinstance(value, datetime.timedelta):
        return b"D", str(value).encode()
    if isinstance(value, np.datetime64 | np.timedelta64):
        return b"T", f"{value.dtype} {value}".encode()
    if isinstance(value, decimal.Decimal | uuid.UUID | pathlib.PurePath | complex):
        return b"V", f"{type(value).__name__} {value}".encode()
    if type(value).__module__.partition(".")[0] == "pandas" and type(value).__name__ in ("Period", "Interval"):
        return b"V", f"{type(value).__name__} {value}".encode()
    raise NoCanonicalFormError(f"values of type {type(value).__module__}.{type(value).__qualname__}")
