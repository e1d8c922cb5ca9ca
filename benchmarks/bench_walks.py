"""Walks of the graph index beside recursive SQL and a plain C sweep, as ratios in one run.

Run ``python benchmarks/bench_walks.py`` (about ten minutes and 4 GB of disk) or ``--quick`` (a tenth of the edges, no
PostgreSQL needed with ``--no-postgres``). Figures are medians of interleaved repeats in CPU time of the process that
does the work; every engine's count is checked against the others'. All of them count the nodes reached by kind; the
index and the C sweep also hand out the ids, which the SQL engines keep to themselves. Adding the counts up, to compare
them, is not timed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np

from headwater.storage.index import EdgeBatch, GraphIndex
from headwater.storage.index.kernels import choose, has_compiled
from walk_engines import PlainSweep, Postgres, Sqlite
from walk_graphs import Graph, Source, generate

SIZES = (1_000_000, 10_000, 100)


class Engine:
    """The graph index with one kernel, timed like the others."""

    def __init__(self, index: GraphIndex) -> None:
        self.index = index
        self.name = f"index, {index.kernel}"

    def walk(self, root: int) -> tuple[int, float]:
        """Nodes reached and CPU seconds until the ids and the counts by kind are there."""
        start = time.thread_time()
        counts = self.index.walk(root, direction="downstream").counts_by_kind
        seconds = time.thread_time() - start
        return int(counts.sum()), seconds


def roots_by_size(index: GraphIndex, sizes: tuple[int, ...], seed: int) -> dict[int, int]:
    """For each size the candidate root whose downstream closure comes nearest to it.

    Candidates for the largest are early nodes, the first ones and those with most edges; for the others any node.
    """
    rng = np.random.default_rng(seed)
    fan_out = np.diff(index.snapshot.out.base.offsets.astype(np.int64))[: index.node_count // 90]
    early = [*np.flatnonzero(fan_out >= 3)[:60].tolist(), *np.argsort(-fan_out)[:60].tolist()]
    anywhere = rng.integers(0, index.node_count, 3000).tolist()
    chosen = {}
    for size in sizes:
        candidates = early if size >= 10**6 else anywhere
        found = [len(index.walk(root, direction="downstream", budget=4 * size)) for root in candidates]
        chosen[size] = candidates[int(np.argmin(np.abs(np.array(found) - size)))]
    return chosen


def interleaved(engines: list, root: int, repeats: int) -> dict[str, float]:
    """Median CPU milliseconds of each engine; ends the run when two engines disagree on the count."""
    times: dict[str, list[float]] = {engine.name: [] for engine in engines}
    counts: dict[str, int] = {}
    rng = random.Random(root)
    for _ in range(repeats):
        # In a new order each time: an engine that always ran behind the same other would always find its caches.
        for engine in rng.sample(engines, len(engines)):
            counts[engine.name], seconds = engine.walk(root)
            times[engine.name].append(seconds * 1e3)
    if len(set(counts.values())) != 1:
        raise SystemExit(f"the engines disagree about root {root}: {counts}")
    return {name: statistics.median(values) for name, values in times.items()} | {"nodes": counts[engines[0].name]}


def alone(engines: list, root: int, repeats: int) -> dict[str, float]:
    """Median CPU milliseconds of each engine, its repeats one after the other: it finds the caches as it left them."""
    times = {engine.name: [engine.walk(root)[1] * 1e3 for _ in range(repeats)] for engine in engines}
    return {name: statistics.median(values) for name, values in times.items()}


def against(first: Callable[[], object], second: Callable[[], object], repeats: int) -> tuple[float, float, float]:
    """Median CPU milliseconds of two calls, and the median of the ratios of second to first in each pair."""
    pairs = []
    for _ in range(repeats):
        start = time.thread_time()
        first()
        between = time.thread_time()
        second()
        pairs.append(((between - start) * 1e3, (time.thread_time() - between) * 1e3))
    ratio = statistics.median(b / a for a, b in pairs)
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs), ratio


def columns(index: GraphIndex, root: int, repeats: int) -> dict[str, float]:
    """The closure of the root's column that reaches most nodes, against the root's table closure."""
    field = max(range(4), key=lambda f: len(index.walk_columns({root: [f]}, direction="downstream")))
    reach = index.walk_columns({root: [field]}, direction="downstream")
    table, column, ratio = against(
        lambda: index.walk(root, direction="downstream").counts_by_kind,
        lambda: index.walk_columns({root: [field]}, direction="downstream"),
        repeats,
    )
    fields = sum(reach.mask(node).bit_count() for node in reach)
    return {"table": table, "column": column, "ratio": ratio, "nodes": len(reach), "fields": fields}


class NothingNew:
    """A source at rest, for a process that opens saved files, whatever state they were saved in."""

    epoch = 1
    mark = 2**62
    floor = 0
    places = 0

    def reading(self) -> AbstractContextManager[None]:
        """Nobody writes meanwhile."""
        return nullcontext()

    def edges_since(self, seq: int, limit: int) -> EdgeBatch:
        """Nothing."""
        return EdgeBatch(seq, np.empty(0, np.uint32), np.empty(0, np.uint32))

    def node_kinds_since(self, node_id: int) -> np.ndarray:
        """Nothing."""
        return np.empty(0, np.uint8)


def open_and_answer(folder: Path, root: int) -> None:
    """What a second process does, its modules loaded: open the files, answer one question.

    Prints the nodes reached, and wall milliseconds and those of this thread's CPU, which does all the work: the threads
    that numpy's linear algebra starts may spin for a while whatever they are given.
    """
    choose()
    start, cpu_start = time.perf_counter(), time.thread_time()
    index = GraphIndex.open(folder, NothingNew())  # type: ignore[arg-type]
    reach = index.walk(root, direction="downstream")
    count = int(reach.counts_by_kind.sum())
    print(count, (time.perf_counter() - start) * 1e3, (time.thread_time() - cpu_start) * 1e3)


def second_process(folder: Path, root: int, *, is_cold: bool) -> tuple[float, float]:
    """Wall and CPU milliseconds from open to first answer in a fresh process; cold: files not in the page cache."""
    if is_cold:
        for path in folder.rglob("*.bin"):
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    command = [sys.executable, __file__, "--open", str(folder), str(root)]
    words = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(words[1]), float(words[2])


def overlay(graph: Graph, root: int, repeats: int) -> dict[str, float]:
    """The closure with the last 1 % of edges in the overlay, against all of them in the base; and keeping up."""
    whole = GraphIndex.open(None, Source(graph))
    source = Source(graph, shown=len(graph.source) * 99 // 100)
    late = GraphIndex.open(None, source, auto_compact=False)
    start, taken = time.thread_time(), 0
    while source.shown < len(graph.source):
        source.shown = min(source.shown + 1000, len(graph.source))
        taken += late.refresh()
    follow_us = (time.thread_time() - start) / taken * 1e6
    _, _, ratio = against(
        lambda: whole.walk(root, direction="downstream").ids,
        lambda: late.walk(root, direction="downstream").ids,
        repeats,
    )
    return {"ratio": ratio, "follow_us": follow_us, "segments": len(late.snapshot.out.segments)}


def measure(args: argparse.Namespace, folder: Path) -> dict:
    """All measurements of one run."""
    graph, small_graph = generate(args.edges, args.seed), generate(args.edges // 10, args.seed)
    found: dict = {"edges": len(graph.source), "nodes": len(graph.kinds), "seed": args.seed, "kernel": has_compiled()}
    home = folder / f"index-{args.edges}-{args.seed}"
    index = GraphIndex.open(home, Source(graph))
    index.compact()
    print(f"index of {index.edge_count} edges", file=sys.stderr)
    roots = roots_by_size(index, SIZES, args.seed)
    print(f"roots {roots}", file=sys.stderr)
    found["bytes_per_edge"] = index.memory_bytes / index.edge_count
    engines: list = [Engine(index), Engine(GraphIndex.open(home, Source(graph), kernel="numpy"))]
    base = index.snapshot.out.base
    engines.append(PlainSweep(folder, base.offsets, base.targets, index.snapshot.kinds))
    sql: list = [Sqlite(folder / f"walks-{args.edges}-{args.seed}.db", graph.source, graph.target, graph.kinds)]
    if not args.no_postgres:
        sql.append(Postgres(folder / f"postgres-{args.edges}-{args.seed}", graph.source, graph.target, graph.kinds))
        found["postgres_version"] = sql[1].version()
    print("databases loaded", file=sys.stderr)
    for engine in engines[:2]:
        engine.walk(roots[SIZES[0]])
    found["walks"] = [interleaved([*engines, *sql], roots[size], 5 if size > 10**5 else 25) for size in SIZES]
    found["alone"] = [
        alone([*engines, *sql], roots[size], 3 if size > 10**5 else 25) | {"nodes": row["nodes"]}
        for size, row in zip(SIZES, found["walks"], strict=True)
    ]
    for engine in sql:
        engine.close()
    small = GraphIndex.open(None, Source(small_graph))
    small_root = roots_by_size(small, (100,), args.seed)[100]
    wall = [timed_wall(index, roots[100]), timed_wall(small, small_root)]
    found["hundred"] = {"large_ms": wall[0], "small_ms": wall[1], "small_edges": len(small_graph.source)}
    found["columns"] = columns(index, roots[SIZES[0]], 9)
    index.close()
    for size in SIZES[:2]:
        cold = [second_process(home, roots[size], is_cold=True) for _ in range(3)]
        warm = [second_process(home, roots[size], is_cold=False) for _ in range(7)]
        found[f"second_process_{size}"] = {
            "cold_wall": statistics.median(wall for wall, _ in cold),
            "warm_wall": statistics.median(wall for wall, _ in warm),
            "warm_cpu": statistics.median(cpu for _, cpu in warm),
        }
    found["overlay"] = overlay(graph, roots[SIZES[0]], 7)
    return found


def timed_wall(index: GraphIndex, root: int) -> float:
    """Median wall milliseconds of one small walk with ids and counts, over 300."""
    times = []
    for _ in range(300):
        start = time.perf_counter()
        _ = index.walk(root, direction="downstream").counts_by_kind
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def verdicts(found: dict) -> list[tuple[str, str, str, bool]]:
    """What was measured, the target, the figure, whether it is met."""
    giant, medium, _ = found["walks"]
    compiled, python = "index, compiled" if found["kernel"] else "index, numpy", "index, numpy"
    rows: list[tuple[str, str, str, bool]] = []

    def at_least(what: str, target: float, value: float) -> None:
        rows.append((what, f"at least {target:g}x", f"{value:.0f}x", value >= target))

    def at_most(what: str, target: float, value: float, unit: str) -> None:
        rows.append((what, f"at most {target:g} {unit}", f"{value:.3g} {unit}", value <= target))

    nodes = f"{giant['nodes']:,} nodes"
    if "PostgreSQL" in giant:
        at_least(f"{nodes}: compiled against PostgreSQL", 150, giant["PostgreSQL"] / giant[compiled])
        at_least(f"{nodes}: numpy only against PostgreSQL", 25, giant["PostgreSQL"] / giant[python])
    at_most(
        f"{nodes}: compiled against a plain C sweep",
        2,
        found["alone"][0][compiled] / found["alone"][0]["plain C sweep"],
        "x",
    )
    at_least(f"{medium['nodes']:,} nodes: against SQLite, in turn", 50, medium["SQLite"] / medium[compiled])
    by_itself = found["alone"][1]
    at_least(
        f"{medium['nodes']:,} nodes: against SQLite, each by itself", 50, by_itself["SQLite"] / by_itself[compiled]
    )
    hundred = found["hundred"]
    at_most(f"100 nodes, {found['edges']:,} edges", 1, hundred["large_ms"], "ms")
    at_most(f"100 nodes, {hundred['small_edges']:,} edges", 1, hundred["small_ms"], "ms")
    at_most("column closure against table closure", 3, found["columns"]["ratio"], "x")
    for size in SIZES[:2]:
        second, what = found[f"second_process_{size}"], f"second process, open to first answer of about {size:,} nodes"
        at_most(f"{what}, files not in memory, wall", 500, second["cold_wall"], "ms")
        at_most(f"{what}, files in memory, CPU", 20, second["warm_cpu"], "ms")
    at_most("index, both directions with column mappings", 16, found["bytes_per_edge"], "bytes an edge")
    return rows


def report(found: dict) -> str:
    """The tables in Markdown."""
    lines = [
        f"Graph: {found['edges']:,} edges, {found['nodes']:,} nodes, seed {found['seed']}.",
        "",
        "| what | target | measured | |",
        "|---|---|---|---|",
        *(
            f"| {what} | {target} | {value} | {'met' if ok else 'MISSED'} |"
            for what, target, value, ok in verdicts(found)
        ),
        "",
        "CPU milliseconds, medians of repeats in turn (each engine finds the caches as the one before left them):",
        "",
    ]
    names = [name for name in found["walks"][0] if name != "nodes"]
    lines += ["| nodes reached | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    lines += [f"| {row['nodes']:,} | " + " | ".join(f"{row[n]:.3g}" for n in names) + " |" for row in found["walks"]]
    lines += ["", "The same, each engine by itself (it finds the caches as it left them):", ""]
    lines += ["| nodes reached | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    lines += [f"| {row['nodes']:,} | " + " | ".join(f"{row[n]:.3g}" for n in names) + " |" for row in found["alone"]]
    column, late = found["columns"], found["overlay"]
    lines += [
        "",
        f"Columns: {column['fields']:,} fields of {column['nodes']:,} nodes in {column['column']:.3g} ms; the table "
        f"closure takes {column['table']:.3g} ms. Overlay: with 1 % of the edges in {late['segments']} segments the "
        f"large closure takes {late['ratio']:.2f}x; keeping up costs {late['follow_us']:.1f} us an edge in batches of "
        "1,000.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edges", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="a tenth of the edges")
    parser.add_argument("--no-postgres", action="store_true", help="leave PostgreSQL out")
    parser.add_argument("--json", action="store_true", help="print the raw figures as JSON")
    parser.add_argument("--data", type=Path, help="folder to keep databases in; default: a temporary one")
    parser.add_argument("--open", nargs=2, metavar=("FOLDER", "ROOT"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.open:
        open_and_answer(Path(args.open[0]), int(args.open[1]))
        return
    if args.quick:
        args.edges //= 10
    print(f"seed {args.seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.data or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = measure(args, folder)
    print(json.dumps(found, indent=1) if args.json else report(found))


if __name__ == "__main__":
    main()
