"""Answers of 100 and 1,000 nodes from a store that ``walk_store.py`` filled, and what a process that gives them costs.

``python benchmarks/walk_answers.py FOLDER`` opens the store for reading in this fresh process. CPU milliseconds are
medians of nine; before each, the caches that another connection's commit would empty are emptied.
"""

from __future__ import annotations

import time

START = time.perf_counter()

import argparse  # noqa: E402 - the clock runs first: what is imported is part of the start
import random  # noqa: E402
import statistics  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

from headwater.model.graph import NodeKind  # noqa: E402
from headwater.query import Lineage  # noqa: E402
from headwater.query.names import node_id  # noqa: E402
from headwater.query.result import LineageGraph  # noqa: E402
from headwater.storage.sqlite import SQLiteStore  # noqa: E402

FIRST = "dataset:warehouse:layer0.table_000003"


def memory_mb() -> dict[str, int]:
    """Resident memory of this process, and what of it no other process can share."""
    found = {"Rss": 0, "Private_Dirty": 0}
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in found:
            found[name] = int(rest.split()[0]) // 1024
    return found


def cold(store: SQLiteStore, ask: Callable[[], LineageGraph]) -> tuple[float, LineageGraph]:
    """Median CPU milliseconds of an answer just after another connection's commit."""
    times = []
    for _ in range(9):
        store._tables.catch_up()
        store._projector.clear()
        start = time.thread_time()
        graph = ask()
        times.append((time.thread_time() - start) * 1e3)
    return statistics.median(times), graph


def near_size(store: SQLiteStore, size: int) -> str:
    """The dataset, of a sample, whose downstream closure is nearest to that many datasets."""
    index, rng = store.index("dataset"), random.Random(1)
    rows = store.scan_nodes(kind=NodeKind.DATASET, limit=100_000)
    sample = rng.sample(rows, min(600, len(rows)))
    return node_id(min(sample, key=lambda row: abs(len(index.walk(row.id, direction="downstream")) - size)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    with SQLiteStore.open(parser.parse_args().folder, read_only=True) as store:
        lineage = Lineage(store)
        lineage.downstream(FIRST, limit=1000)
        first_s = time.perf_counter() - START
        lineage.downstream(FIRST, limit=1000, level="run")
        print(f"start to first answer {first_s:.2f} s wall, then {memory_mb()} MB")
        print(
            f"edges: {store.index('run').edge_count:,} run level, {store.index('dataset').edge_count:,} dataset level"
        )
        print("| answer | nodes | edges | of | CPU ms |\n|---|---|---|---|---|")
        for size in (100, 1000):
            name = near_size(store, size)
            asked: dict[str, Callable[[], LineageGraph]] = {
                "downstream": lambda name=name, size=size: lineage.downstream(name, limit=size),
                "columns": lambda name=name, size=size: lineage.downstream(name, columns=True, limit=size),
                "versions": lambda name=name, size=size: lineage.downstream(name, level="run", limit=size),
            }
            for what, ask in asked.items():
                ms, graph = cold(store, ask)
                print(
                    f"| {what}, {size:,} | {len(graph.nodes):,} | {len(graph.edges):,} | {graph.total:,} | {ms:.1f} |"
                )


if __name__ == "__main__":
    main()
