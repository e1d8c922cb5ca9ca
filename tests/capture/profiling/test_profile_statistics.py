"""Statistics are right, and give away no single person's value."""

from __future__ import annotations

import datetime
import json
import math
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.capture.profiling import profile, profile_facets
from headwater.capture.profiling.profile import ColumnProfile, Profile


def columns(obj: Any, **options: Any) -> dict[str, ColumnProfile]:
    """The columns of a full profile by name."""
    return {column.name: column for column in profile(obj, tier="full", **options).columns}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | st.floats(-1e9, 1e9), min_size=1, max_size=60))
def test_summary_of_floats_is_that_of_the_values(values: list[float | None]) -> None:
    """Counts, extremes, mean, spread and quantiles of a column that fits into the sample are exact."""
    column = columns(pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64)}))["x"]
    present = np.array([value for value in values if value is not None])
    assert (column.null_count, column.count) == (len(values) - len(present), len(present))
    assert column.distinct_estimate == len(set((present + 0.0).tolist()))
    if len(present):
        assert (column.minimum, column.maximum) == (present.min(), present.max())
        assert column.mean == pytest.approx(present.mean(), rel=1e-9, abs=1e-6)
        assert column.quantiles is not None and column.quantile_rows == len(present)
        assert column.quantiles["0.5"] == pytest.approx(np.quantile(present, 0.5))
    if len(present) > 1:
        assert column.std == pytest.approx(present.std(ddof=1), rel=1e-7, abs=1e-3)


def test_summary_over_many_blocks_is_merged_right() -> None:
    """Mean and spread of a trend far from zero, the exact sum of integers, and the nulls of several blocks."""
    rows = 400_000
    trend = 1e9 + np.arange(rows) * 0.001
    whole = np.arange(rows) % 1000 - 10
    frame = pd.DataFrame({"trend": trend, "whole": whole, "holes": np.where(whole == 3, np.nan, whole)})
    found = columns(frame)
    assert found["trend"].std == pytest.approx(trend.std(ddof=1), rel=1e-9)
    assert found["trend"].mean == pytest.approx(trend.mean(), rel=1e-12)
    assert found["whole"].sum == int(whole.sum())
    assert found["holes"].null_count == int((whole == 3).sum())
    assert (found["whole"].distinct_estimate, found["whole"].distinct_exact) == (1000, True)
    assert found["holes"].quantiles is not None
    assert found["holes"].quantiles["0.25"] == pytest.approx(239, abs=20)


def test_sums_beyond_64_bits_do_not_wrap() -> None:
    """The sum of large integers is approximate, never wrapped around."""
    column = columns(pl.DataFrame({"x": [2**62, 2**62, 2**62, 2**62 + 5] * 3}))["x"]
    assert column.sum == pytest.approx(12 * 2.0**62)


def test_infinities_and_nan_stay_out_of_the_summary() -> None:
    """They are values, but no document can hold them; NaN is counted on its own."""
    column = columns(pa.table({"x": pa.array([1.0, math.inf, math.nan, None, 3.0, 1.5e308, 1.5e308])}))["x"]
    assert (column.null_count, column.nan_count, column.count) == (1, 1, 6)
    assert (column.minimum, column.maximum) == (1.0, 1.5e308)
    assert column.sum is None or math.isfinite(column.sum)
    json.dumps(profile_facets(profile(pa.table({"x": pa.array([math.inf, math.nan])}))), allow_nan=False)


PATTERNS = {
    "counting": np.arange,
    "even": lambda n: np.arange(n) * 1024,
    "whole floats": lambda n: np.arange(n).astype(np.float64),
    "powers": lambda n: (1 << 40) + np.arange(n) * (1 << 20),
    "random": lambda n: np.random.default_rng(5).normal(size=n),
    "days": lambda n: np.datetime64("1970-01-01", "ns") + np.arange(n) * np.timedelta64(1, "m"),
    "twice": lambda n: np.arange(2 * n) // 2,
    "text": lambda n: pd.Series([f"user-{at}" for at in range(n)], dtype="str"),
    "long text": lambda n: pd.Series([f"https://example.org/a/rather/long/path/to/a/page/{at:09d}" for at in range(n)]),
}


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("distinct", [1000, 20_000, 200_000])
def test_distinct_estimate_is_within_five_standard_errors(pattern: str, distinct: int) -> None:
    """Also for values that differ in a few bits only, where weak hashes cluster; exact up to 2,048."""
    column = columns(pd.DataFrame({"x": PATTERNS[pattern](distinct)}))["x"]
    assert column.distinct_estimate is not None
    assert column.distinct_estimate == pytest.approx(distinct, rel=0 if distinct <= 2048 else 5 / math.sqrt(2048))
    assert column.distinct_exact is (distinct <= 2048)


def test_identifiers_show_no_values() -> None:
    """Integers that are nearly all distinct are keys: no extremes, no quantiles; a measure keeps them."""
    found = columns(pd.DataFrame({"key": [880101, 910203, 770405] * 1 + [123456], "age": [30, 30, 41, 41]}))
    assert found["key"].identifier and not found["age"].identifier
    assert (found["key"].minimum, found["key"].maximum, found["key"].quantiles) == (None, None, None)
    assert (found["age"].minimum, found["age"].maximum) == (30, 41)


def test_no_text_leaves_the_profile() -> None:
    """Neither values of text nor of categories, bytes or objects are anywhere in a profile or its facets."""
    secret = "canary-4711"
    frame = pd.DataFrame({"s": [secret, "b"], "c": pd.Categorical([secret, "b"]), "o": [{"k": secret}, 1]})
    frame["y"] = [secret.encode(), b""]
    for obj in (frame, pl.DataFrame({"s": [secret], "l": [[secret]]}), [{"s": secret}], np.array([secret])):
        found = profile(obj)
        assert secret not in msgspec.json.encode(found).decode() + json.dumps(profile_facets(found))


def test_ranges_can_be_turned_off() -> None:
    """Then no single value of any column is shown; what sums over rows stays."""
    frame = pd.DataFrame({"x": [1.5, 1.5, 7.25], "t": pd.to_datetime(["2020-01-01", "2021-05-06", "2022-01-01"])})
    found = columns(frame, ranges=False)
    assert (found["x"].minimum, found["x"].maximum, found["x"].quantiles) == (None, None, None)
    assert (found["t"].minimum_time, found["t"].maximum_time) == (None, None)
    assert found["x"].mean == pytest.approx(10.25 / 3)


def test_ranges_of_times() -> None:
    """Dates, times with and without zone, times of day and durations are ISO 8601."""
    day = datetime.date(2024, 2, 29)
    at = datetime.datetime(1969, 12, 31, 23, 59, 59, 500000)
    frame = pl.DataFrame(
        {
            "day": [day, None],
            "at": [at, None],
            "zoned": pl.Series([at, None]).dt.replace_time_zone("UTC"),
            "clock": [datetime.time(12, 30), None],
            "took": [datetime.timedelta(seconds=90), None],
        }
    )
    found = columns(frame)
    assert found["day"].minimum_time == "2024-02-29"
    assert found["at"].maximum_time == "1969-12-31T23:59:59.500000"
    assert found["zoned"].maximum_time == "1969-12-31T23:59:59.500000+00:00"
    assert found["clock"].minimum_time == "12:30:00"
    assert found["took"].minimum_time == "PT90.000000S"


def test_tiers_give_what_they_promise() -> None:
    """The schema tier reads no rows, the fingerprint tier shows no statistics, the default has both."""
    frame = pd.DataFrame({"x": [1, 1, 2]})
    by_tier: dict[str, Profile] = {tier: profile(frame, tier=tier) for tier in ("schema", "fingerprint", "default")}
    assert by_tier["schema"].fingerprint is None and by_tier["schema"].fields == [("x", "int64", False)]
    assert by_tier["schema"].row_count == 3 and by_tier["schema"].rows_profiled == 0
    assert by_tier["fingerprint"].columns[0].null_count is None
    assert by_tier["fingerprint"].fingerprint == by_tier["default"].fingerprint is not None
    assert all(found.complete for found in by_tier.values())


def test_a_budget_that_ends_is_told_exactly() -> None:
    """Without time for all rows there is no fingerprint, statistics say over how many rows, and both are noted."""
    rows = 3_000_000
    frame = pl.DataFrame({"x": np.arange(rows) % 7, "y": np.arange(rows) % 2 == 0})
    found = profile(frame, budget_s=1e-9)
    assert found.fingerprint is None and not found.complete
    assert 0 < found.rows_profiled < found.row_count == rows
    assert any(f"{found.rows_profiled} of {rows} rows" in note for note in found.skipped)
    assert found.columns[0].count == found.rows_profiled
    facet = profile_facets(found)["headwater_fingerprint"]
    assert facet["skipped"] and "exact" not in facet
    assert profile(frame, budget_s=1e-9, tier="full").complete


def test_a_budget_holds_for_nested_values_too() -> None:
    """Values that Python encodes one by one are read in short blocks, however many of them are in a row: the budget is
    looked at in between. The blocks make no difference to the fingerprint."""
    text, few, times = ["a", "bb", "c"], 2_000, [[datetime.datetime(2024, 1, 1)] * 2_000] * 80
    frames = [
        pl.DataFrame({"x": [text] * few * 20}),
        pl.DataFrame({"x": [{"a": 1, "b": "x"}] * few * 40}),
        pl.DataFrame({"x": times}, schema={"x": pl.List(pl.Datetime("us"))}),
        pd.DataFrame({"x": [text] * few * 40}),
    ]
    for frame in frames:
        found = profile(frame, budget_s=1e-9)
        assert 0 < found.rows_profiled <= len(frame) // 2, frame
    rows = [text[: place % 3] for place in range(few)] + [text * 500]
    profiles = [profile(pl.DataFrame({"x": part})) for part in (rows, rows[:-1], rows)]
    assert profiles[0].fingerprint == profiles[2].fingerprint != profiles[1].fingerprint
    wide = profile(pl.DataFrame({"x": rows, "y": [text * 100] * len(rows)})).fingerprint
    assert wide is not None and wide.columns["x"] == profiles[0].fingerprint.columns["x"]


def test_facets_have_the_keys_of_the_standard() -> None:
    """Schema, data quality metrics and fingerprint as mappings of plain values."""
    frame = pd.DataFrame({"x": [1.0, None, 3.0], "s": ["a", "b", "b"]})
    facets = profile_facets(profile(frame))
    assert facets["schema"]["fields"][0] == {"name": "x", "type": "float64", "ordinal_position": 1}
    metrics = facets["dataQualityMetrics"]
    assert metrics["rowCount"] == 3 and metrics["bytes"] > 0
    numbers = metrics["columnMetrics"]["x"]
    assert {key: numbers[key] for key in ("nullCount", "distinctCount", "sum", "count", "min", "max")} == {
        "nullCount": 1,
        "distinctCount": 2,
        "sum": 4.0,
        "count": 2,
        "min": 1.0,
        "max": 3.0,
    }
    assert set(metrics["columnMetrics"]["s"]) == {"nullCount", "distinctCount", "count"}
    assert facets["headwater_fingerprint"]["exact"] == profile(frame).fingerprint.exact  # type: ignore[union-attr]
    json.dumps(facets, allow_nan=False)
