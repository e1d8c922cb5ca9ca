"""Encodes columns of rows as PostgreSQL arrays in binary form, in bulk.

A batch is written with one statement per table: ``INSERT ... SELECT ... FROM unnest(column, column, ...)``. The driver
would adapt each value of each column separately.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from psycopg.abc import AdaptContext
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEADER = struct.Struct(">iiIii")
_LENGTH = struct.Struct(">i")
_BIGINT = struct.Struct(">iq")
_NULL = _LENGTH.pack(-1)
_INTEGERS = np.dtype([("length", ">i4"), ("value", ">i8")])

TYPES = {"bigint": (20, 1016), "smallint": (20, 1016), "boolean": (16, 1000), "text": (25, 1009), "bytea": (17, 1001)}
"""(OID of the element, OID of the array) by column type; small integers are sent as ``bigint``."""


class Column(bytes):
    """An array in binary form. One subclass per type, so that the driver knows the type it sends."""


class Integers(Column):
    """``bigint[]``"""


class Booleans(Column):
    """``boolean[]``"""


class Texts(Column):
    """``text[]``"""


class Binaries(Column):
    """``bytea[]``"""


def column(kind: str, values: Sequence[Any]) -> Column:
    """The array of a column's values, with NULL for None."""
    return _MAKERS[kind](values)


def _integers(values: Sequence[Any]) -> Column:
    head = _header(20, len(values), has_nulls=None in values)
    if None in values:
        parts = [_NULL if value is None else _BIGINT.pack(8, value) for value in values]
        return Integers(head + b"".join(parts))
    packed = np.empty(len(values), _INTEGERS)
    packed["length"] = 8
    packed["value"] = values
    return Integers(head + packed.tobytes())


def _booleans(values: Sequence[Any]) -> Column:
    pieces = (b"\0\0\0\1\0", b"\0\0\0\1\1")
    return Booleans(_header(16, len(values), has_nulls=False) + b"".join([pieces[bool(value)] for value in values]))


def _texts(values: Sequence[Any]) -> Column:
    return Texts(_header(25, len(values), has_nulls=False) + _pieces([value.encode() for value in values]))


def _binaries(values: Sequence[Any]) -> Column:
    return Binaries(_header(17, len(values), has_nulls=False) + _pieces(values))


def _pieces(values: Sequence[bytes]) -> bytes:
    return b"".join([part for value in values for part in (_LENGTH.pack(len(value)), value)])


def _header(element: int, count: int, *, has_nulls: bool) -> bytes:
    if not count:
        return struct.pack(">iiI", 0, 0, element)
    return _HEADER.pack(1, int(has_nulls), element, count, 1)


_MAKERS = {
    "bigint": _integers,
    "smallint": _integers,
    "boolean": _booleans,
    "text": _texts,
    "bytea": _binaries,
}


class _ColumnDumper(Dumper):
    """Passes an array on unchanged."""

    format = Format.BINARY

    def dump(self, obj: Column) -> bytes:
        """The array itself."""
        return obj


class _IntegersDumper(_ColumnDumper):
    oid = TYPES["bigint"][1]


class _BooleansDumper(_ColumnDumper):
    oid = TYPES["boolean"][1]


class _TextsDumper(_ColumnDumper):
    oid = TYPES["text"][1]


class _BinariesDumper(_ColumnDumper):
    oid = TYPES["bytea"][1]


def register(context: AdaptContext) -> None:
    """Register these arrays with a connection."""
    adapters = context.adapters
    adapters.register_dumper(Integers, _IntegersDumper)
    adapters.register_dumper(Booleans, _BooleansDumper)
    adapters.register_dumper(Texts, _TextsDumper)
    adapters.register_dumper(Binaries, _BinariesDumper)
