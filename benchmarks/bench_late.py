"""Late events beside events in order: what writing them costs, and what the next reader of the run level pays.

    python benchmarks/bench_late.py [--known 4000 --known 16000] [--events 1000] [--batch 100] [--seed 7]

The platform is that of ``bench_ingest.py``. So many events are known, written in order. Then batches of events that go
on in order and batches of events older than everything known, of the same jobs and datasets, take turns; after each
the run-level index is brought up to date by a reader with a connection of its own. CPU time of the process; figures
are means over the batches, the ratio is late to in order. What building the index from the store takes stands beside.
"""

from __future__ import annotations

import argparse
import gc
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench_ingest import Platform, batches
from headwater.storage.index import GraphIndex
from headwater.storage.sqlite import SQLiteStore

LATE_RUNS = 10_000_000
"""Number of the first late run: none of those in order has it."""
LATE_START_S = -4_000_000.0


def cpu_ms(work: Callable[[], object]) -> float:
    """CPU milliseconds that something takes."""
    begun = time.process_time()
    work()
    return (time.process_time() - begun) * 1e3


def measure(folder: Path, known: int, count: int, batch: int, seed: int) -> str:
    """Write what is known, then both kinds of batches in turn; a row of the table."""
    everything = Platform(seed).events(known + count)
    late = Platform(seed, first_run=LATE_RUNS, begun_s=LATE_START_S).events(count)
    writing: dict[str, list[float]] = {"in order": [], "late": []}
    reading: dict[str, list[float]] = {"in order": [], "late": []}
    with SQLiteStore.open(folder) as store, SQLiteStore.open(folder, read_only=True) as reader:
        for some in batches(everything[:known], 1000):
            store.append(some)
        index = reader.index("run")
        gc.collect()
        pairs = zip(batches(everything[known:], batch), batches(late, batch), strict=True)
        for ordered, old in pairs:
            for kind, events in (("in order", ordered), ("late", old)):
                writing[kind].append(cpu_ms(lambda some=events: store.append(some)) / len(events) * 1e3)
                reading[kind].append(cpu_ms(index.refresh))
        assert index.builds == 1, "a late write had the index built again"
        fresh: list[GraphIndex] = []
        source = reader.edge_source("run")
        built = cpu_ms(lambda: fresh.append(GraphIndex.open(None, source)))
        assert fresh[0].edge_count == index.edge_count
        edges = index.edge_count
    means = [sum(some) / len(some) for some in (*writing.values(), *reading.values())]
    return (
        f"| {known:,} | {edges:,} | {means[0]:.0f} | {means[1]:.0f} | **{means[1] / means[0]:.1f}** |"
        f" {means[2]:.2f} | {means[3]:.2f} | {built:.0f} | **{built / means[3]:.0f}** |"
    )


def main() -> None:
    """Print a row for each number of known events."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--known", type=int, action="append")
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    print(
        "| known | edges | in order us/event | late us/event | ratio"
        " | refresh in order ms | refresh late ms | built again ms | times a late refresh |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for known in given.known or [4000, 16_000]:
        folder = Path(tempfile.mkdtemp())
        try:
            print(measure(folder, known, given.events, given.batch, given.seed), flush=True)
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
