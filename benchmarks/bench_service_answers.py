"""Answers over HTTP from large stores, while others read and events come in; start, and memory.

    python benchmarks/walk_store.py SMALL --edges 1000000 && python benchmarks/walk_store.py LARGE --edges 10000000
    python benchmarks/bench_service_answers.py SMALL LARGE [--seconds 8]

The two stores are served in turns by one process each (it works on a copy-on-write link or a copy of the folder). Eight
readers ask for answers of about 1,000 nodes, with names and states, from one connection each, while events are posted
at half the rate that the same process took before without readers; then one reader asks for 100 nodes; then for the
counts and the first page of the largest closure of versions. The events are those of new runs, later than all that the
store holds. Every question is asked once before it is timed. Times are wall time of the client, which shares the two
cores with the service; the server's CPU an answer stands beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from bench_ingest import Platform
from bench_service_ingest import cpu_s, wait_until_up
from headwater.model.graph import NodeKind
from headwater.query.lineage import Lineage
from headwater.query.names import node_id
from headwater.storage.sqlite import SQLiteStore

READERS = 8
ROOTS = 8
FIRST_RUN = 1 << 40
BEGUN_S = 20_000_000.0
"""Number of the first run that is posted, and its time on the clock of the stores: beyond all that they hold."""
SERVE = Path(__file__).with_name("bench_service_ingest.py")


class Service(NamedTuple):
    """A running service."""

    process: subprocess.Popen[str]
    port: int
    key: str

    def ask(self, path: str, connection: HTTPConnection | None = None, body: bytes | None = None) -> bytes:
        """The body of an answer; raises when it is no 2xx."""
        own = connection or HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.key}"}
        own.request("POST" if body else "GET", path, body, headers)
        answer = own.getresponse()
        found = answer.read()
        if connection is None:
            own.close()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {found[:300]!r}")
        return found


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    """The service over a folder, until the block ends."""
    process = subprocess.Popen([sys.executable, SERVE, "--serve", folder, "1000"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        wait_until_up(f"http://127.0.0.1:{told['port']}/health/live")
        yield Service(process, told["port"], told["key"])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


class Roots(NamedTuple):
    """What is asked for: names of datasets with about 1,000 and 100 nodes downstream, and a version of the largest."""

    thousand: list[str]
    hundred: list[str]
    largest: str
    edges: int


def choose(folder: Path) -> Roots:
    """Look for roots whose answers have the sizes that are to be measured."""
    with SQLiteStore.open(folder, read_only=True) as store:
        index, rng = store.index("dataset"), random.Random(1)
        rows = store.scan_nodes(kind=NodeKind.DATASET, limit=100_000)
        sized = [
            (len(index.walk(row.id, direction="downstream")), node_id(row))
            for row in rng.sample(rows, min(1500, len(rows)))
        ]
        by_size = {size: nearest(Lineage(store, base="/"), sized, size) for size in (1000, 100)}
        runs = store.index("run")
        first = [version for row in rows[:400] for version in store.versions(row.id, limit=400)[-1:]]
        reach = {version.id: len(runs.walk(version.id, direction="downstream")) for version in first}
        largest = max(first, key=lambda version: reach[version.id])
        name = store.nodes([largest.dataset_id])[0]
        return Roots(by_size[1000], by_size[100], f"{node_id(name)}#{largest.version}", runs.edge_count)


def nearest(lineage: Lineage, sized: list[tuple[int, str]], size: int) -> list[str]:
    """The names of which an answer has most nearly so many nodes, of those that reach as many datasets or fewer."""
    likely = [name for reached, name in sized if size * 0.35 < reached < size]
    answers = [(abs(len(lineage.downstream(name).nodes) - size), name) for name in likely[:150]]
    return [name for _, name in sorted(answers)[:ROOTS]]


def memory_mb(pid: int) -> int:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) // 1024
    raise RuntimeError("no VmRSS")


def p95(times: list[float]) -> float:
    """The 95th percentile, in milliseconds."""
    return statistics.quantiles(times, n=20)[-1] * 1e3 if len(times) > 1 else times[0] * 1e3


def read(service: Service, paths: list[str], until: float) -> list[float]:
    """Ask for one path after the other until an instant; how long each took."""
    connection = HTTPConnection("127.0.0.1", service.port, timeout=60)
    times = []
    while time.perf_counter() < until:
        for path in paths:
            start = time.perf_counter()
            service.ask(path, connection)
            times.append(time.perf_counter() - start)
    connection.close()
    return times


def feed(service: Service, events: list[bytes], rate: float, until: float) -> int:
    """Post events at a rate (0: as fast as they are taken) until an instant; how many."""
    connection = HTTPConnection("127.0.0.1", service.port, timeout=60)
    begun, sent = time.perf_counter(), 0
    while time.perf_counter() < until and sent + 20 <= len(events):
        if rate and sent > (time.perf_counter() - begun) * rate:
            time.sleep(0.002)
            continue
        service.ask("/api/v1/lineage/batch", connection, b"[" + b",".join(events[sent : sent + 20]) + b"]")
        sent += 20
    connection.close()
    return sent


def measure(folder: Path, seconds: float, seed: int) -> dict[str, float]:
    """Everything about one store."""
    roots = choose(folder)
    start = time.perf_counter()
    with serving(folder) as service:
        thousand = [f"/api/v1/nodes/{quote(root, safe='')}/downstream?budget=1000" for root in roots.thousand]
        hundred = [f"/api/v1/nodes/{quote(root, safe='')}/downstream?budget=100" for root in roots.hundred]
        closure = f"/api/v1/nodes/{quote(roots.largest, safe='')}/downstream?budget=100&level=run"
        service.ask(hundred[0])
        found = {"edges": float(roots.edges), "start to first answer s": time.perf_counter() - start}
        for size, paths in (("1,000", thousand), ("100", hundred)):
            graphs = [msgspec.json.decode(service.ask(path)) for path in paths]
            found[f"nodes of the {size}-node answers"] = statistics.mean(len(graph["nodes"]) for graph in graphs)
            found[f"edges of the {size}-node answers"] = statistics.mean(len(graph["edges"]) for graph in graphs)
        found["nodes of the closure"] = float(msgspec.json.decode(service.ask(closure)).get("total", 0))
        events = Platform(seed, first_run=FIRST_RUN, begun_s=BEGUN_S).events(30_000)
        taken = feed(service, events, 0, time.perf_counter() + seconds / 2)
        rate = taken / (seconds / 2) / 2
        until = time.perf_counter() + seconds
        times: list[list[float]] = []
        threads = [
            threading.Thread(
                target=lambda paths=thousand[at:] + thousand[:at]: times.append(read(service, paths, until))
            )
            for at in range(READERS)
        ]
        threads.append(threading.Thread(target=feed, args=(service, events[taken:], rate, until)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        every = [one for some in times for one in some]
        found.update(
            {
                "events/s beside": rate,
                "1,000 nodes, 8 readers, ms p95": p95(every),
                "1,000 nodes, 8 readers, ms median": statistics.median(every) * 1e3,
                "answers/s": len(every) / seconds,
            }
        )
        for name, paths in (
            ("1,000 nodes, alone", thousand),
            ("100 nodes", hundred),
            ("closure, first page", [closure]),
        ):
            read(service, paths, time.perf_counter() + 0.01)
            used, begun = cpu_s(service.process.pid), time.perf_counter()
            alone = read(service, paths, begun + seconds / 2)
            found[f"{name}, ms p95"] = p95(alone)
            found[f"{name}, ms median"] = statistics.median(alone) * 1e3
            found[f"{name}, server CPU ms"] = (cpu_s(service.process.pid) - used) / len(alone) * 1e3
        found["resident MB"] = float(memory_mb(service.process.pid))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as work:
        with serving(Path(work) / "empty") as service:
            service.ask("/api/v1/whoami")
            time.sleep(1)
            print(f"idle, empty: {memory_mb(service.process.pid)} MB resident")
        for number, folder in enumerate(given.folders):
            copy = Path(work) / str(number)
            shutil.copytree(folder, copy)
            with SQLiteStore.open(copy) as store:  # a store of an older version is brought up to date, once
                store.index("dataset")
                store.index("run")
            results.append(measure(copy, given.seconds, given.seed))
            shutil.rmtree(copy)
    print(f"load of the machine over the last five minutes: {os.getloadavg()[1]:.1f}\n")
    print("| what | " + " | ".join(f"{one['edges']:,.0f} edges" for one in results) + " | last / first |")
    print("|---|" + "---|" * (len(results) + 1))
    for name in results[0]:
        values = [one[name] for one in results]
        print(f"| {name} | " + " | ".join(f"{value:,.2f}" for value in values) + f" | {values[-1] / values[0]:.2f} |")


if __name__ == "__main__":
    main()
