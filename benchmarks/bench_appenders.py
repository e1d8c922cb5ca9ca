"""Many who append single events at the same time: what sharing a commit saves.

    python benchmarks/bench_appenders.py [--events 1920] [--known 4000] [--appenders 64] [--rounds 5]

The events are those of ``bench_ingest.py``; the first ``--known`` are written before and not measured. Three ways take
turns within a round: each event in a commit of its own, one after the other; as many threads as there are appenders,
each calling ``append``; and as many tasks of one event loop, whose events are prepared and written on the loop while a
worker thread does nothing but commit. CPU and wall time are those of the process, from raw bytes to the last receipt.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench_ingest import Platform, batches
from headwater.storage.event_intake import Delivery
from headwater.storage.row_types import Receipt, ReceiptStatus
from headwater.storage.sqlite import SQLiteStore

Way = Callable[[SQLiteStore, list[bytes], int], int]


def one_by_one(store: SQLiteStore, events: list[bytes], _: int) -> int:
    """A commit for each event. Returns the number of commits."""
    for event in events:
        check(store.append([event]))
    return len(events)


def threads(store: SQLiteStore, events: list[bytes], appenders: int) -> int:
    """Threads that append; those who wait share a commit."""
    left = iter(events)
    first = store.statistics().last_seq

    def work() -> None:
        while True:
            with lock:
                event = next(left, None)
            if event is None:
                return
            check(store.append([event]))

    lock = threading.Lock()
    workers = [threading.Thread(target=work) for _ in range(appenders)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return frames_after(store, first)


def loop(store: SQLiteStore, events: list[bytes], appenders: int) -> int:
    """Tasks of one event loop: rows are written on it, a worker thread commits."""
    first = store.statistics().last_seq
    asyncio.run(Committer(store).serve(events, appenders))
    return frames_after(store, first)


class Committer:
    """What a server with one event loop does with a store."""

    def __init__(self, store: SQLiteStore) -> None:
        self._store = store
        self._waiting: list[tuple[Delivery, asyncio.Future[list[Receipt]]]] = []
        self._task: asyncio.Task[None] | None = None

    async def serve(self, events: list[bytes], appenders: int) -> None:
        """Have so many tasks append the events one by one."""
        left = iter(events)

        async def work() -> None:
            for event in left:
                check(await self.append(event))

        await asyncio.gather(*(work() for _ in range(appenders)))

    async def append(self, event: bytes) -> list[Receipt]:
        """Store an event; the answer means that it is committed."""
        done: asyncio.Future[list[Receipt]] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._store.prepare([event]), done))
        if self._task is None:
            self._task = asyncio.create_task(self._commit())
        return await done

    async def _commit(self) -> None:
        while self._waiting:
            together, self._waiting = self._waiting, []
            written = self._store.write([delivery for delivery, _ in together])
            await asyncio.to_thread(written.commit)
            for (_, done), receipts in zip(together, written.receipts, strict=True):
                done.set_result(receipts)
            await asyncio.sleep(0)  # those who were answered come again, and share the next commit
        self._task = None


def check(receipts: list[Receipt]) -> None:
    """Every event must be stored."""
    assert all(receipt.status is ReceiptStatus.STORED for receipt in receipts)


def frames_after(store: SQLiteStore, seq: int) -> int:
    """Commits since a sequence number: each leaves one frame."""
    return store._connection.execute("SELECT count(*) FROM frames WHERE last_seq > ?", (seq,)).fetchone()[0]


class Measured(NamedTuple):
    """One way, one round."""

    cpu_us: float
    wall_us: float
    per_commit: float


def measure(way: Way, known: list[bytes], events: list[bytes], appenders: int, base: Path | None) -> Measured:
    """Write the known events, then take the time of the others."""
    folder = Path(tempfile.mkdtemp(dir=base))
    try:
        with SQLiteStore.open(folder) as store:
            for some in batches(known, 1000):
                store.append(some)
            gc.collect()
            wall, cpu = time.perf_counter(), time.process_time()
            commits = way(store, events, appenders)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    finally:
        shutil.rmtree(folder)
    return Measured(cpu / len(events) * 1e6, wall / len(events) * 1e6, len(events) / commits)


def main() -> None:
    """Run the comparison and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1920)
    parser.add_argument("--known", type=int, default=4000)
    parser.add_argument("--appenders", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=None, help="where the stores are made")
    given = parser.parse_args()
    everything = Platform(given.seed).events(given.known + given.events)
    known, events = everything[: given.known], everything[given.known :]
    ways: dict[str, Way] = {
        "a commit each": one_by_one,
        f"{given.appenders} threads": threads,
        f"{given.appenders} tasks of one loop": loop,
    }
    results: dict[str, list[Measured]] = {}
    for _ in range(given.rounds):
        for name, way in ways.items():
            results.setdefault(name, []).append(measure(way, known, events, given.appenders, given.folder))
    print("| way | CPU us/event | wall us/event | events a commit | events/s, times a commit each |")
    print("|---|---|---|---|---|")
    alone = statistics.median(one.wall_us for one in results["a commit each"])
    for name, measured in results.items():
        middle = Measured(*(statistics.median(values) for values in zip(*measured, strict=True)))
        print(
            f"| {name} | {middle.cpu_us:.0f} | {middle.wall_us:.0f} | {middle.per_commit:.1f} |"
            f" {alone / middle.wall_us:.1f} |"
        )


if __name__ == "__main__":
    main()
