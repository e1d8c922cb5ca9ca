"""Statistics and fingerprint of a frame of 3 million rows and 8 mixed columns, in gigabytes a processor second.

    python benchmarks/bench_profile.py [--rows 3000000] [--repeats 7] [--write FILE]

The limit is 0.8 for the default tier: null and distinct counts, extremes, mean, spread, quantiles, and the fingerprint
in both forms. The peers compute less: polars the statistics without quantiles and without a fingerprint.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from headwater.capture.profiling import profile

SEED = 20260102
LIMIT = 0.8


def table_of(rows: int) -> pa.Table:
    """Key, small integer, two floats (one with nulls), boolean, time, text of few and text of many values."""
    rng = np.random.default_rng(SEED)
    few = pa.array([f"city {at}" for at in range(5000)])
    return pa.table(
        {
            "key": np.arange(rows),
            "small": rng.integers(0, 1000, rows),
            "value": rng.normal(size=rows),
            "holes": pa.array(rng.normal(size=rows), mask=rng.random(rows) < 0.01),
            "flag": pa.array(rng.random(rows) < 0.3),
            "when": (rng.integers(0, 10**9, rows) * 10**6).astype("datetime64[us]"),
            "few": few.take(pa.array(rng.integers(0, 5000, rows))),
            "many": pa.array([f"user-{at:07d}" for at in range(rows)]),
        }
    )


def polars_statistics(frame: pl.DataFrame) -> pl.DataFrame:
    """The statistics that polars computes fastest: nulls, extremes, mean, spread and approximate distinct counts."""
    numbers = pl.selectors.numeric()
    return frame.select(
        pl.all().null_count().name.suffix(" nulls"),
        pl.all().approx_n_unique().name.suffix(" distinct"),
        numbers.min().name.suffix(" min"),
        numbers.max().name.suffix(" max"),
        numbers.mean().name.suffix(" mean"),
        numbers.std().name.suffix(" std"),
    )


def cpu_s(function: Callable[[], object], repeats: int) -> list[float]:
    """Processor seconds of each repetition, after one that is not counted."""
    function()
    found = []
    for _ in range(repeats):
        started_s = time.process_time()
        function()
        found.append(time.process_time() - started_s)
    return sorted(found)


def main() -> None:
    """Measure, print, and write the result where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    table = table_of(arguments.rows)
    polars, frame = pl.from_arrow(table), table.to_pandas()
    size_gb = table.nbytes / 1e9
    found = {name: profile(obj, budget_s=60.0).fingerprint for name, obj in (("a", table), ("b", polars), ("c", frame))}
    assert len({one.exact for one in found.values() if one}) == 1, "the homes must agree"
    subjects: dict[str, tuple[Callable[[], object], int]] = {
        "default tier, pyarrow": (lambda: profile(table, budget_s=60.0), arguments.repeats),
        "default tier, polars": (lambda: profile(polars, budget_s=60.0), arguments.repeats),
        "default tier, pandas": (lambda: profile(frame, budget_s=60.0), arguments.repeats),
        "fingerprint tier, pyarrow": (lambda: profile(table, tier="fingerprint"), arguments.repeats),
        "polars statistics without quantiles and fingerprint": (lambda: polars_statistics(polars), arguments.repeats),
        "pandas describe and nunique": (lambda: (frame.describe(), frame.nunique()), 1),
    }
    command = f"python benchmarks/bench_profile.py --rows {arguments.rows} --repeats {arguments.repeats}"
    versions = f"pandas {pd.__version__}, polars {pl.__version__}, pyarrow {pa.__version__}, numpy {np.__version__}"
    lines = [
        "# Profile of a frame",
        "",
        f"`{command}`, seed {SEED}, {versions}; 2 shared virtual cores, 24 GB. {arguments.rows:,} rows of 8 columns,",
        f"{size_gb:.3f} GB in Arrow. Processor seconds of all threads.",
        "",
        "| | median CPU-s | best | GB per CPU-s (median) | best | limit | met |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, (function, repeats) in subjects.items():
        times = cpu_s(function, repeats)
        median = statistics.median(times)
        limit = LIMIT if name.startswith("default") else None
        met = "" if limit is None else ("yes" if size_gb / median >= limit else "no")
        lines.append(
            f"| {name} | {median:.3f} | {times[0]:.3f} | {size_gb / median:.2f} | {size_gb / times[0]:.2f} "
            f"| {limit or ''} | {met} |"
        )
    print("\n".join(lines))
    if arguments.write:
        arguments.write.write_text("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
