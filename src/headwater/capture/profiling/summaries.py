"""Running summaries of numbers and times: count, minimum, maximum, mean, deviation, and a sample for quantiles."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.capture.profiling.buffers import scratch

SAMPLE_ROWS = 4096
"""Quantiles come from about this many evenly spaced rows at most; 99 of 100 are off by less than 2 % in rank."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""The outermost ones are not sensitive to single extreme values."""

_SAFE_INTEGER = 1 << 47
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


class NumberSummary:
    """Summary of the finite values of one column, merged block after block (Chan et al., 1979)."""

    __slots__ = ("_high", "_integer_sum", "_low", "_mean", "_sample", "_squares", "_step", "count", "integer")

    def __init__(self, row_count: int, *, integer: bool) -> None:
        self.count = 0
        self.integer = integer
        self._low: Any = None
        self._high: Any = None
        self._integer_sum: int | None = 0 if integer else None
        self._mean = 0.0
        self._squares = 0.0
        self._sample: list[npt.NDArray[np.float64]] = []
        self._step = max(1, math.ceil(row_count / SAMPLE_ROWS))

    def add(self, values: npt.NDArray[np.generic], total: float = math.nan) -> None:
        """Add a block of values without nulls, NaN or infinities; ``total`` is their sum if known."""
        count = len(values)
        if not count:
            return
        low, high = values.min(), values.max()
        self._low = low if self._low is None else min(low, self._low)
        self._high = high if self._high is None else max(high, self._high)
        if self.integer and int(low) > -_SAFE_INTEGER and int(high) < _SAFE_INTEGER:
            whole = int(values.sum())
            total = float(whole)
            self._integer_sum = None if self._integer_sum is None else self._integer_sum + whole
        elif self.integer:
            self._integer_sum = None
        if math.isnan(total):
            total = float(np.add.reduce(values, dtype=np.float64))
        mean = total / count
        apart = np.subtract(values, mean, out=scratch("apart", count, np.float64), casting="unsafe")
        apart *= apart
        together = self.count + count
        shift = mean - self._mean
        self._squares += float(apart.sum()) + shift * shift * self.count * count / together
        self._mean += shift * count / together
        self._sample.append(values[:: self._step].astype(np.float64))
        self.count = together

    def result(self, *, withhold: bool) -> dict[str, Any]:
        """The summary as fields of ``ColumnProfile``; ``withhold`` leaves out anything that could be a single value."""
        if not self.count:
            return {}
        found: dict[str, Any] = {"mean": _finite(self._mean), "sum": self._sum()}
        if self.count > 1:
            found["std"] = _finite(math.sqrt(self._squares / (self.count - 1)))
        if not withhold:
            sample = np.sort(np.concatenate(self._sample))
            points = np.interp(np.array(QUANTILES) * (len(sample) - 1), np.arange(len(sample)), sample).tolist()
            found["quantiles"] = {str(at): point for at, point in zip(QUANTILES, points, strict=True)}
            found["quantile_rows"] = len(sample)
            found["minimum"], found["maximum"] = self._low.item(), self._high.item()
        return found

    def _sum(self) -> float | int | None:
        return self._integer_sum if self._integer_sum is not None else _finite(self._mean * self.count)


class TimeSummary:
    """Earliest and latest value of a column of dates, times or durations."""

    __slots__ = ("_high", "_low", "_type", "_unit", "count")

    def __init__(self, type_: str, unit: str) -> None:
        self.count = 0
        self._type = type_
        self._unit = unit
        self._low: int | None = None
        self._high: int | None = None

    def add(self, values: npt.NDArray[np.generic]) -> None:
        """Add a block of integers without nulls."""
        if not len(values):
            return
        low, high = int(values.min()), int(values.max())
        self._low = low if self._low is None else min(low, self._low)
        self._high = high if self._high is None else max(high, self._high)
        self.count += len(values)

    def result(self) -> dict[str, Any]:
        """``minimum_time`` and ``maximum_time``; None if they are outside the calendar."""
        if self._low is None or self._high is None:
            return {}
        return {"minimum_time": self._text(self._low), "maximum_time": self._text(self._high)}

    def _text(self, value: int) -> str | None:
        """ISO 8601 to the microsecond (UTC if there is a zone), or None outside the years 1 to 9999."""
        try:
            if self._type.startswith("date32"):
                return (datetime.date(1970, 1, 1) + datetime.timedelta(days=value)).isoformat()
            passed = datetime.timedelta(microseconds=value * 10**6 // _PER_SECOND[self._unit])
            if self._type.startswith("duration"):
                return f"PT{passed.total_seconds():.6f}S"
            moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + passed
        except OverflowError:
            return None
        if self._type.startswith("time"):
            if self._type.startswith("timestamp"):
                zoned = "," in self._type
                return moment.isoformat() if zoned else moment.replace(tzinfo=None).isoformat()
            return moment.time().isoformat()
        return moment.replace(tzinfo=None).isoformat()


def _finite(number: float) -> float | None:
    """The number, or None if it left the range of a double: JSON has no infinity."""
    return number if math.isfinite(number) else None
