"""Full-content fingerprints of 2 million rows and 3 columns: cost beside other digests, and what each of them notices.

    python benchmarks/bench_fingerprints.py [--rows 2000000] [--repeats 7] [--write FILE]

Costs are processor seconds of the whole process (all threads). The limits are the project's targets: 0.3 for pandas,
0.1 for Arrow and polars, the order-sensitive and the order-insensitive form together.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import xxhash

from headwater.capture.profiling import profile

SEED = 20260101
LIMITS = {"pandas": 0.3, "pandas, text as objects": 0.3, "pyarrow": 0.1, "polars": 0.1}


def frame_of(rows: int) -> pd.DataFrame:
    """An integer, a float and a text column of 100,000 different values, 8 to 11 bytes long."""
    rng = np.random.default_rng(SEED)
    texts = np.array([f"region-{at}" for at in range(100_000)], dtype=object)
    return pd.DataFrame(
        {
            "id": rng.integers(0, 10**12, rows),
            "value": rng.normal(size=rows),
            "text": pd.Series(texts[rng.integers(0, len(texts), rows)], dtype="str"),
        }
    )


def ours(obj: Any) -> tuple[str, str]:
    """Both forms."""
    found = profile(obj, tier="fingerprint").fingerprint
    assert found is not None
    return found.exact, found.multiset


def pandas_hash(frame: pd.DataFrame) -> str:
    """pandas' own row hash, made into a digest."""
    return hashlib.sha256(pd.util.hash_pandas_object(frame, index=False).to_numpy().data).hexdigest()


def raw_buffers(table: pa.Table) -> str:
    """A floor: the bytes as they lie in memory, which depend on chunks, offsets and padding."""
    hasher = xxhash.xxh3_128()
    for column in table.columns:
        for chunk in column.chunks:
            for buffer in chunk.buffers():
                if buffer is not None:
                    hasher.update(buffer)
    return hasher.hexdigest()


def mlflow_digest() -> Callable[[pd.DataFrame], str] | None:
    """MLflow's digest of a pandas dataset, where it is installed."""
    try:
        from mlflow.data.digest_utils import compute_pandas_digest
    except ImportError:
        return None
    return compute_pandas_digest


def cpu_s(function: Callable[[], object], repeats: int) -> list[float]:
    """Processor seconds of each repetition, after one that is not counted."""
    function()
    found = []
    for _ in range(repeats):
        started_s = time.process_time()
        function()
        found.append(time.process_time() - started_s)
    return sorted(found)


def _set(frame: pd.DataFrame, column: str, value: Any) -> pd.DataFrame:
    changed = frame.copy()
    changed.iloc[-1, changed.columns.get_loc(column)] = value
    return changed


def probes(base: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Changes that every fingerprint of content has to notice."""
    return {
        "last row's number": _set(base, "value", 0.0),
        "last row's text": _set(base, "text", "other"),
        "all times a year later": base.assign(when=base["when"] + pd.Timedelta(days=365)),
        "one boolean flipped": _set(base, "flag", not base["flag"].iloc[-1]),
        "all booleans flipped": base.assign(flag=~base["flag"]),
        "column renamed": base.rename(columns={"value": "values"}),
        "type narrowed": base.assign(id=base["id"].astype("int32")),
        "categories exchanged": base.assign(kind=base["kind"].cat.rename_categories({"a": "b", "b": "a"})),
        "empty text to null": base.assign(text=base["text"].where(base["text"] != "")),
    }


def probe_table() -> list[str]:
    """Which digest notices which change, on 20,000 rows."""
    rows = 20_000
    rng = np.random.default_rng(SEED)
    base = frame_of(rows).assign(
        id=np.arange(rows),
        when=pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**6, rows), unit="s"),
        flag=rng.random(rows) < 0.5,
        kind=pd.Categorical(np.array(["a", "b"])[rng.integers(0, 2, rows)]),
    )
    base["text"] = base["text"].where(np.arange(rows) < rows - 10, "")
    digests: dict[str, Callable[[pd.DataFrame], object]] = {
        "exact": lambda frame: ours(frame)[0],
        "multiset": lambda frame: ours(frame)[1],
        "hash_pandas_object": pandas_hash,
    }
    mlflow = mlflow_digest()
    if mlflow is not None:
        digests["MLflow"] = mlflow
    lines = [f"| change | {' | '.join(digests)} |", "|---|" + "---|" * len(digests)]
    before = {name: digest(base) for name, digest in digests.items()}
    for change, changed in probes(base).items():
        marks = ["noticed" if digest(changed) != before[name] else "**missed**" for name, digest in digests.items()]
        lines.append(f"| {change} | {' | '.join(marks)} |")
    shuffled = base.sample(frac=1, random_state=1)
    marks = ["other" if digest(shuffled) != before[name] else "same" for name, digest in digests.items()]
    lines.append(f"| rows shuffled | {' | '.join(marks)} |")
    return lines


def cost_table(rows: int, repeats: int) -> list[str]:
    """Processor seconds for each home of the same data, and for the peers on the pandas frame."""
    frame = frame_of(rows)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    polars = pl.from_arrow(table)
    objects = frame.assign(text=frame["text"].astype(object))
    subjects: dict[str, Callable[[], object]] = {
        "pandas": lambda: ours(frame),
        "pandas, text as objects": lambda: ours(objects),
        "pyarrow": lambda: ours(table),
        "polars": lambda: ours(polars),
        "hash_pandas_object": lambda: pandas_hash(frame),
        "xxh3_128 of the raw buffers (a floor)": lambda: raw_buffers(table),
    }
    mlflow = mlflow_digest()
    if mlflow is not None:
        subjects["MLflow compute_pandas_digest (first 10,000 rows)"] = lambda: mlflow(frame)
    assert len({ours(obj) for obj in (frame, table, polars, objects)}) == 1, "the homes must agree"
    times = {name: cpu_s(function, repeats) for name, function in subjects.items()}
    peer = statistics.median(times["hash_pandas_object"])
    lines = ["| | median CPU-s | best | limit | met | hash_pandas_object takes |", "|---|---|---|---|---|---|"]
    for name, found in times.items():
        median, limit = statistics.median(found), LIMITS.get(name)
        met = "" if limit is None else ("yes" if median <= limit else "no")
        ratio = f"{peer / median:.1f} times as long" if limit else ""
        lines.append(f"| {name} | {median:.3f} | {found[0]:.3f} | {limit or ''} | {met} | {ratio} |")
    return lines


def main() -> None:
    """Measure, print, and write the result where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    command = f"python benchmarks/bench_fingerprints.py --rows {arguments.rows} --repeats {arguments.repeats}"
    versions = f"pandas {pd.__version__}, polars {pl.__version__}, pyarrow {pa.__version__}, numpy {np.__version__}"
    lines = [
        "# Full-content fingerprints",
        "",
        f"`{command}`, seed {SEED}, {versions}; 2 shared virtual cores, 24 GB. Processor seconds of all threads.",
        "",
        f"## Cost, {arguments.rows:,} rows of 3 columns, both forms",
        "",
        *cost_table(arguments.rows, arguments.repeats),
        "",
        "## What is noticed, 20,000 rows",
        "",
        *probe_table(),
        "",
    ]
    print("\n".join(lines))
    if arguments.write:
        arguments.write.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
