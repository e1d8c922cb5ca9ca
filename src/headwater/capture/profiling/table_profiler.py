"""Profiles a whole table within a budget of processor time."""

from __future__ import annotations

import math
import time

import numpy as np

from headwater.capture.profiling.blocks import BLOCK_ROWS, NoCanonicalFormError, Table
from headwater.capture.profiling.buffers import release, scratch
from headwater.capture.profiling.column_profiler import ColumnPass
from headwater.capture.profiling.hashing import ROW_START, row_sums
from headwater.capture.profiling.profile import ColumnProfile, Profile, Tier
from headwater.model.fingerprints import ALGORITHM, Fingerprint, digest_of, schema_digest

_BLOCK_VALUES = 4_000_000
_LEAST_ROWS = 1024
_TRIAL_BLOCKS = 4
_CLEARLY_TOO_LONG = 1.5


class TablePass:
    """One pass over a table, for one call of ``run``."""

    def __init__(self, table: Table, *, tier: Tier, budget_s: float, ranges: bool) -> None:
        self._table = table
        self._tier = tier
        self._budget_s = math.inf if tier in ("full", "fingerprint") else budget_s
        self._ranges = ranges
        self._statistics = tier in ("default", "full")
        self._passes = [
            ColumnPass(column, position, table.row_count, digest=True, statistics=self._statistics)
            for position, column in enumerate(table.columns)
        ]
        self._lost: dict[int, str] = {i: c.unreadable for i, c in enumerate(table.columns) if c.unreadable}
        self._sums = (0, 0)
        self._rows = 0
        self._whole = True
        self._started_s = time.thread_time()

    def run(self) -> Profile:
        """Read the rows and return the profile."""
        # Overflow to infinity and NaN in sums are expected and handled, and must not warn the user.
        with np.errstate(all="ignore"):
            if self._tier != "schema":
                try:
                    self._read()
                finally:
                    release()
            return self._result()

    def _elapsed_s(self) -> float:
        return time.thread_time() - self._started_s

    def _read(self) -> None:
        """Read block by block. Once the budget is clearly too small, give up the digests and read evenly spread
        blocks."""
        rows = self._table.row_count
        weights = [column.weight for column in self._table.columns]
        least = max(1, _LEAST_ROWS // max(weights, default=1))
        size = max(least, min(BLOCK_ROWS, _BLOCK_VALUES // max(1, sum(weights))))
        starts = list(range(0, rows, size))
        done = 0
        while done < len(starts):
            self._read_block(starts[done], min(rows, starts[done] + size))
            done += 1
            elapsed_s = self._elapsed_s()
            if elapsed_s <= self._budget_s * done / len(starts) or done == len(starts):
                continue
            needed_s = elapsed_s / done * (len(starts) - done)
            if elapsed_s >= self._budget_s:
                self._whole = False
                break
            if self._whole and done >= _TRIAL_BLOCKS and elapsed_s + needed_s > _CLEARLY_TOO_LONG * self._budget_s:
                self._whole = False
                stride = math.ceil(needed_s / (self._budget_s - elapsed_s))
                starts[done:] = starts[done + stride - 1 :: stride]

    def _read_block(self, start: int, stop: int) -> None:
        words = scratch("rows", stop - start, np.uint64)
        words.fill(ROW_START)
        for position, column_pass in enumerate(self._passes):
            if position in self._lost:
                continue
            if not self._whole:
                column_pass.digest = None
            try:
                column_pass.add(start, stop, words)
            except NoCanonicalFormError as error:
                self._lost[position] = str(error)
        first, second = row_sums(words)
        self._sums = (self._sums[0] + first, self._sums[1] + second)
        self._rows += stop - start

    def _result(self) -> Profile:
        table = self._table
        columns = [self._column(position, column_pass) for position, column_pass in enumerate(self._passes)]
        return Profile(
            library=table.library,
            tier=self._tier,
            row_count=table.row_count,
            rows_profiled=self._rows,
            size_bytes=table.size_bytes,
            columns=columns,
            fingerprint=self._fingerprint(),
            skipped=self._skipped(),
            cpu_s=self._elapsed_s(),
        )

    def _column(self, position: int, column_pass: ColumnPass) -> ColumnProfile:
        column = column_pass.column
        if position in self._lost or not self._statistics:
            return ColumnProfile(name=column.name, type=column.type, nullable=column.nullable)
        return column_pass.result(ranges=self._ranges)

    def _fingerprint(self) -> Fingerprint | None:
        """The fingerprint; None unless every row of every column was read."""
        table = self._table
        if self._tier == "schema" or not self._whole or self._lost:
            return None
        schema = schema_digest((column.name, column.type) for column in table.columns)
        columns = {
            column_pass.column.name: column_pass.digest.result(column_pass.column.type, table.row_count)
            for column_pass in self._passes
            if column_pass.digest is not None
        }
        bag = [f"{total % 2**64:016x}" for total in self._sums]
        return Fingerprint(
            exact=digest_of(ALGORITHM, "exact", schema, table.row_count, list(columns.values())),
            multiset=digest_of(ALGORITHM, "multiset", schema, table.row_count, bag),
            schema=schema,
            columns=columns,
            row_count=table.row_count,
            library=table.library,
        )

    def _skipped(self) -> list[str]:
        """What the profile lacks although the tier promises it, with the reasons."""
        notes = [
            f"column {self._table.columns[position].name}: {reason}" for position, reason in sorted(self._lost.items())
        ]
        if self._lost and self._tier != "schema":
            notes.append("fingerprint: a column has no canonical form")
        if not self._whole:
            seen = f"{self._rows} of {self._table.row_count} rows"
            notes.append(f"fingerprint: the budget of {self._budget_s:g} CPU-s ended")
            notes.append(f"statistics: over {seen}, the budget of {self._budget_s:g} CPU-s ended")
        return notes
