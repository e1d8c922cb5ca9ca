"""Blocks of rows in one of three canonical shapes, the form in which every library passes on its columns.

A column is read in blocks of at most ``BLOCK_ROWS`` rows, so that all passes over a block stay in the processor's
cache. Chunking, offsets, padding and dictionaries of the library end here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

BLOCK_ROWS = 131_072
"""Rows in a block: 1 MiB a column of 8-byte values. Measured: half of it costs 15 % more in calls, a quarter 20 %."""

SPAN_ROWS = 4 * BLOCK_ROWS
"""Rows that are converted at once if each call of the conversion is expensive."""

ENCODED = 64
"""How many numbers cost as much processor time as one value that Python encodes, the item of a list for example."""

Words: TypeAlias = npt.NDArray[np.uint64]
Mask: TypeAlias = npt.NDArray[np.bool_]
Values: TypeAlias = npt.NDArray[np.generic]


class Fixed(msgspec.Struct):
    """Values of one numpy type (integers, floats, booleans as ``uint8``); values at nulls are undefined."""

    values: Values
    nulls: Mask | None = None


class Bytes(msgspec.Struct):
    """Values of any length: ``data`` holds them one after the other, a null has length 0."""

    lengths: npt.NDArray[np.int64]
    data: npt.NDArray[np.uint8]
    nulls: Mask | None = None


class Coded(msgspec.Struct):
    """Positions in a table of hashes of the values (categories); those at nulls are undefined but in range."""

    codes: npt.NDArray[np.int64]
    table: Words
    nulls: Mask | None = None


Block: TypeAlias = Fixed | Bytes | Coded


class Column(msgspec.Struct):
    """One column and the way to read rows ``start`` to ``stop`` of it.

    ``kind`` decides which statistics make sense: ``number``, ``bool``, ``time`` (with ``unit``) or ``other``.
    ``nan_is_null`` holds for libraries whose floats have no other missing value. ``weight`` is the
    cost of a row, in numbers: nested values are read in shorter blocks, so that a budget of time is kept.
    ``unreadable`` says why the values have no canonical form; such a column has a name and a type only.
    """

    name: str
    type: str
    nullable: bool
    kind: str
    read: Callable[[int, int], Block]
    nan_is_null: bool = False
    unit: str = ""
    weight: int = 1
    unreadable: str = ""


class Table(msgspec.Struct):
    """The object to profile, as columns of equal length."""

    library: str
    row_count: int
    size_bytes: int | None
    columns: list[Column] = []


class NoCanonicalFormError(TypeError):
    """A value has no canonical bytes, so its column cannot be fingerprinted. Never leaves this package."""


def nothing(start: int, stop: int) -> Block:
    """Reads a column that consists of nulls only."""
    rows = stop - start
    return Fixed(np.zeros(rows, dtype=np.uint8), np.ones(rows, dtype=np.bool_))


def by_span(convert: Callable[[int, int], Block], row_count: int, weight: int = 1) -> Callable[[int, int], Block]:
    """Read through ``convert`` in spans of ``SPAN_ROWS`` rows, keeping the last one, for expensive conversions; rows
    that have a ``weight`` in shorter ones."""
    held: list[tuple[int, int, Block, npt.NDArray[np.int64]]] = []

    def read(start: int, stop: int) -> Block:
        if not held or not held[0][0] <= start < stop <= held[0][1]:
            held.clear()
            first, last = start, max(stop, min(row_count, start + SPAN_ROWS // weight))
            block = convert(first, last)
            ends = np.concatenate(([0], np.cumsum(block.lengths))) if isinstance(block, Bytes) else _NO_ENDS
            held.append((first, last, block, ends))
        first, _, block, ends = held[0]
        return _part(block, ends, start - first, stop - first)

    return read


_NO_ENDS = np.zeros(0, dtype=np.int64)


def _part(block: Block, ends: npt.NDArray[np.int64], start: int, stop: int) -> Block:
    """Rows ``start`` to ``stop`` of a block, without copying."""
    nulls = None if block.nulls is None else block.nulls[start:stop]
    if nulls is not None and not nulls.any():
        nulls = None
    if isinstance(block, Bytes):
        return Bytes(block.lengths[start:stop], block.data[int(ends[start]) : int(ends[stop])], nulls)
    if isinstance(block, Coded):
        return Coded(block.codes[start:stop], block.table, nulls)
    return Fixed(block.values[start:stop], nulls)
