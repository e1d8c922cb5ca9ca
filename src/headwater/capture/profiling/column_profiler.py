"""Profiles one column in one pass: digest, contribution to the row hashes, distinct count and summary.

Everything is computed while a block of rows is in the processor's cache.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.capture.profiling.blocks import Block, Bytes, Coded, Column, Fixed, Mask, Words
from headwater.capture.profiling.buffers import compressed, scratch
from headwater.capture.profiling.distinct_counts import Distinct
from headwater.capture.profiling.hashing import column_constants, hash_values
from headwater.capture.profiling.profile import ColumnProfile
from headwater.capture.profiling.summaries import NumberSummary, TimeSummary
from headwater.model.fingerprints import ALGORITHM, digest_of

_IDENTIFIER_SHARE = 0.9
"""A column of integers with at least this share of distinct values is assumed to hold keys of persons or things."""


class ColumnDigest:
    """Digest of a column's type and values in order, independent of how they are divided into blocks."""

    __slots__ = ("_lengths", "_nulls", "_values")

    def __init__(self) -> None:
        import xxhash

        self._values = xxhash.xxh3_128()
        self._lengths = xxhash.xxh3_128()
        self._nulls = xxhash.xxh3_128()

    def add(self, values: npt.NDArray[np.generic], lengths: npt.NDArray[np.int64] | None) -> None:
        """Add the canonical values of a block, with their ``lengths`` if these vary."""
        self._values.update(np.ascontiguousarray(values).data)
        if lengths is not None:
            self._lengths.update(np.ascontiguousarray(lengths).data)

    def add_nulls(self, nulls: Mask, start: int) -> None:
        """Add the null mask of the block whose first row is ``start``."""
        self._nulls.update((np.flatnonzero(nulls).astype(np.int64) + start).data)

    def result(self, type_: str, row_count: int) -> str:
        """The digest in hexadecimal."""
        parts = (self._values.hexdigest(), self._lengths.hexdigest(), self._nulls.hexdigest())
        return digest_of(ALGORITHM, "column", type_, row_count, *parts)


def _zero_at(values: npt.NDArray[np.generic], nulls: Mask) -> npt.NDArray[np.generic]:
    """A copy in scratch memory with zeros at the nulls."""
    copy = scratch(f"zeroed {values.dtype}", len(values), values.dtype)
    np.copyto(copy, values)
    copy[nulls] = 0
    return copy


class ColumnPass:
    """The state of profiling one column.

    ``digest`` is set to None once rows are left out, because it would be incomplete.
    """

    __slots__ = (
        "_distinct",
        "_factor",
        "_null_word",
        "_summary",
        "column",
        "digest",
        "nan_count",
        "null_count",
        "rows",
    )

    def __init__(self, column: Column, position: int, row_count: int, *, digest: bool, statistics: bool) -> None:
        self.column = column
        self.digest = ColumnDigest() if digest else None
        self._factor, self._null_word = column_constants(position)
        self._distinct = Distinct() if statistics else None
        self._summary: NumberSummary | TimeSummary | None = None
        if statistics and column.kind == "number":
            integer = not column.type.startswith("float")
            self._summary = NumberSummary(row_count, integer=integer)
        elif statistics and column.kind == "time":
            self._summary = TimeSummary(column.type, column.unit)
        self.null_count = 0
        self.nan_count = 0
        self.rows = 0

    def add(self, start: int, stop: int, row_words: Words) -> None:
        """Read rows ``start`` to ``stop`` and add each one's share to ``row_words``."""
        block = self.column.read(start, stop)
        total = math.nan
        if isinstance(block, Fixed) and block.values.dtype.kind == "f":
            block, total = self._canonical_floats(block)
        elif isinstance(block, Fixed) and block.nulls is not None:
            block = Fixed(_zero_at(block.values, block.nulls), block.nulls)
        nulls = block.nulls
        words = hash_values(block)
        if self.digest is not None:
            self._digest(block, words, start, nulls)
        words *= self._factor
        kept = None if nulls is None else np.logical_not(nulls, out=scratch("kept", len(nulls), np.bool_))
        self.rows += stop - start
        if nulls is not None:
            self.null_count += int(np.count_nonzero(nulls))
        if self._distinct is not None and isinstance(block, Fixed) and self.column.kind == "bool":
            self._distinct.add_bools(block.values if kept is None else compressed("flags", block.values, kept))
        elif self._distinct is not None and kept is not None:
            # Repeating an existing value at the nulls does not change the number of distinct values.
            first = int(kept.argmax())
            words[nulls] = words[first]
            self._distinct.add(words if kept[first] else words[:0])
        elif self._distinct is not None:
            self._distinct.add(words)
        if nulls is not None:
            words[nulls] = self._null_word
        row_words += words
        if self._summary is not None and isinstance(block, Fixed):
            self._summarise(block.values if kept is None else compressed("numbers", block.values, kept), total)

    def _digest(self, block: Block, words: Words, start: int, nulls: Mask | None) -> None:
        assert self.digest is not None
        if isinstance(block, Bytes):
            self.digest.add(block.data, block.lengths)
        elif isinstance(block, Coded):
            self.digest.add(words if nulls is None else _zero_at(words, nulls), None)
        else:
            self.digest.add(block.values, None)
        if nulls is not None:
            self.digest.add_nulls(nulls, start)

    def _canonical_floats(self, block: Fixed) -> tuple[Fixed, float]:
        """The block with one kind of zero, one NaN and nulls as zero; and the sum, which is finite only if every value
        is."""
        dtype = block.values.dtype
        # -0.0 + 0.0 is 0.0
        values = np.add(block.values, dtype.type(0), out=scratch(f"canonical {dtype}", len(block.values), dtype))
        total = float(values.sum(dtype=np.float64))
        nulls = block.nulls
        if not math.isfinite(total) or nulls is not None:
            undefined = np.isnan(values)
            if self.column.nan_is_null:
                nulls = undefined if nulls is None else nulls | undefined
            elif undefined.any():
                values[undefined] = np.nan
                self.nan_count += int(np.count_nonzero(undefined if nulls is None else undefined & ~nulls))
            if nulls is not None and not nulls.any():
                nulls = None
            if nulls is not None:
                values[nulls] = 0
                total = float(values.sum(dtype=np.float64))
        return Fixed(values, nulls), total

    def _summarise(self, values: npt.NDArray[np.generic], total: float) -> None:
        assert self._summary is not None
        if isinstance(self._summary, TimeSummary):
            self._summary.add(values)
            return
        if values.dtype.kind == "f" and not math.isfinite(total):
            values = values[np.isfinite(values)]
            total = math.nan
        self._summary.add(values, total)

    def result(self, *, ranges: bool) -> ColumnProfile:
        """The profile of the column; without ``ranges`` it shows no values (extremes, quantiles)."""
        column = self.column
        found: dict[str, Any] = {}
        if self._distinct is not None:
            count = self.rows - self.null_count
            found["distinct_estimate"], found["distinct_exact"] = self._distinct.result()
            if not found["distinct_exact"]:
                found["distinct_estimate"] = min(found["distinct_estimate"], count)
            found["null_count"], found["count"] = self.null_count, count
            if column.kind == "number" and column.type.startswith("float"):
                found["nan_count"] = self.nan_count
            found["identifier"] = self._identifies(found["distinct_estimate"], count)
        if isinstance(self._summary, NumberSummary):
            found |= self._summary.result(withhold=not ranges or found["identifier"])
        elif self._summary is not None and ranges:
            found |= self._summary.result()
        return ColumnProfile(name=column.name, type=column.type, nullable=column.nullable, **found)

    def _identifies(self, distinct: int, count: int) -> bool:
        """Whether these are integers that are nearly all distinct."""
        whole = self.column.kind == "number" and self.column.type.lstrip("u").startswith("int")
        return whole and count > 1 and distinct >= _IDENTIFIER_SHARE * count
