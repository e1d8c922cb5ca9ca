"""Durable ingestion into SQLite: CPU time and bytes written an event, beside a statement-per-entity writer.

    python benchmarks/bench_ingest.py [--events 6000] [--known 0] [--batch 1 --batch 10 ...] [--rounds 5]
                                      [--jobs 200] [--tables 300]

Every event is a RunEvent of about 7 kB: two inputs and one output with schemas of ten columns each, column lineage,
documentation and ownership, a nominal time and statistics. Two hundred jobs run again and again, START then COMPLETE,
and now and then one changes its schema. CPU time is the process's, from raw bytes to the commit, with checkpoints and
closing; bytes are what the process handed to the block layer (``/proc/self/io``). The writers take turns within a
round; the medians over rounds are compared. With ``--known`` that many events go before, in batches of a
thousand, and are not measured: what a platform costs whose jobs and tables have been seen.
"""

from __future__ import annotations

import argparse
import gc
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from headwater.storage.row_types import ReceiptStatus
from headwater.storage.sqlite import SQLiteStore
from headwater.testing.events import at, dataset, facet, run_event, run_id
from naive_writer import NaiveWriter

JOBS = 200
TABLES = 300
COLUMNS = 10
_WORDS = (
    *("amount", "balance", "channel", "country", "created", "currency"),
    *("customer", "email", "event", "feature", "hash", "index"),
)


class Platform:
    """A small platform whose jobs run again and again: the first run has a number, and the clock a start."""

    def __init__(
        self, seed: int, *, first_run: int = 0, begun_s: float = 0.0, jobs: int = JOBS, tables: int = TABLES
    ) -> None:
        self._random = random.Random(seed)
        self._jobs = [
            (f"pipelines.daily.{self._word()}_{number:03d}", self._random.sample(range(tables), 3))
            for number in range(jobs)
        ]
        self._revision = [0] * tables
        self._number = first_run
        self._begun_s = begun_s - first_run * 3.0

    def _word(self) -> str:
        return "_".join(self._random.sample(_WORDS, 2))

    def events(self, count: int) -> list[bytes]:
        """So many events, in the order of time."""
        made: list[bytes] = []
        while len(made) < count:
            made += [msgspec.json.encode(event) for event in self._round()]
        return made[:count]

    def _round(self) -> Iterator[dict[str, object]]:
        """Ten jobs run side by side."""
        if self._random.random() < 0.2:
            self._revision[self._random.randrange(len(self._revision))] += 1
        batch = []
        for job, tables in self._random.sample(self._jobs, 10):
            self._number += 1
            batch.append((run_id(self._number), job, tables, self._begun_s + self._number * 3.0))
        for kind, delay in (("START", 0), ("COMPLETE", 20)):
            for run, job, tables, start in batch:
                yield self._event(run, job, kind, start + delay, tables)

    def _event(self, run: str, job: str, kind: str, seconds: float, tables: list[int]) -> dict[str, object]:
        left, right, target = tables
        statistics_ = {
            "outputStatistics": facet(rowCount=self._random.randrange(10**6), size=self._random.randrange(10**9))
        }
        return run_event(
            run,
            job,
            kind,
            seconds,
            [self._table(left), self._table(right)],
            [self._table(target, {"columnLineage": self._columns(left, right)}, statistics_)],
            run_facets={
                "nominalTime": facet(nominalStartTime=at(seconds), nominalEndTime=at(seconds + 3600)),
                "processing_engine": facet(version="3.5.1", name="spark", openlineageAdapterVersion="1.54.0"),
            },
            job_facets={
                "jobType": facet(processingType="BATCH", integration="SPARK", jobType="JOB"),
                "sql": facet(query=f"INSERT INTO t{target} SELECT * FROM t{left} JOIN t{right} USING (id)"),
                "ownership": facet(owners=[{"name": "team:data-platform", "type": "MAINTAINER"}]),
            },
        )

    def _table(
        self, number: int, more: dict[str, object] | None = None, out: dict[str, object] | None = None
    ) -> dict[str, object]:
        names = [f"{_WORDS[place]}_{self._revision[number] if place == 0 else 0}" for place in range(COLUMNS)]
        fields = [{"name": name, "type": "VARCHAR(255)", "description": f"The {name} of the row"} for name in names]
        facets = {"schema": facet(fields=fields), "dataSource": facet(name="warehouse", uri="postgres://dwh:5432/prod")}
        extra = {"outputFacets": out} if out else {}
        return dataset(f"prod.mart.table_{number:03d}", "postgres://dwh:5432", {**facets, **(more or {})}, **extra)

    def _columns(self, left: int, right: int) -> dict[str, object]:
        return facet(
            fields={
                f"{_WORDS[place]}_0": {
                    "inputFields": [
                        {
                            "namespace": "postgres://dwh:5432",
                            "name": f"prod.mart.table_{number:03d}",
                            "field": f"{_WORDS[place]}_0",
                            "transformations": [{"type": "DIRECT", "subtype": "TRANSFORMATION", "masking": False}],
                        }
                        for number in ((left, right) if place < 3 else (left,))
                    ]
                }
                for place in range(COLUMNS)
            }
        )


class Measured(NamedTuple):
    """One writer, one batch size, one round."""

    cpu_us: float
    wall_us: float
    written_ratio: float
    stored_bytes: float


def written_bytes() -> int:
    """Bytes that this process has had written so far."""
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    raise RuntimeError("no write_bytes in /proc/self/io")


def measure(
    open_writer: Callable[[Path], object], events: list[bytes], batch: int, base: Path, known: list[bytes]
) -> Measured:
    """Write what is known beforehand, then all events in batches; close, and say what the latter and closing cost."""
    folder = Path(tempfile.mkdtemp(dir=base))
    size = sum(map(len, events))
    gc.collect()
    try:
        writer = open_writer(folder)
        for some in batches(known, 1000):
            writer.append(some)
        written, wall, cpu = written_bytes(), time.perf_counter(), time.process_time()
        for some in batches(events, batch):
            receipts = writer.append(some)
            assert all(receipt.status is ReceiptStatus.STORED for receipt in receipts or ())
        writer.close()
        cpu, wall, written = time.process_time() - cpu, time.perf_counter() - wall, written_bytes() - written
        stored = stored_bytes(folder) / (len(known) + len(events))
    finally:
        shutil.rmtree(folder)
    count = len(events)
    return Measured(cpu / count * 1e6, wall / count * 1e6, written / size, stored)


def batches(events: list[bytes], size: int) -> Iterator[list[bytes]]:
    """The events, so many at a time."""
    return (events[start : start + size] for start in range(0, len(events), size))


def stored_bytes(folder: Path) -> int:
    """What all files in a folder take."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def main() -> None:
    """Run the comparison and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=6000)
    parser.add_argument("--naive-events", type=int, default=300)
    parser.add_argument("--known", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--tables", type=int, default=TABLES)
    parser.add_argument("--batch", type=int, action="append")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=None, help="where the stores are made")
    given = parser.parse_args()
    everything = Platform(given.seed, jobs=given.jobs, tables=given.tables).events(given.known + given.events)
    known, events = everything[: given.known], everything[given.known :]
    mean = statistics.mean(map(len, events))
    print(
        f"{len(events)} events of {mean:.0f} bytes on average after {given.known} that are not measured,"
        f" {given.jobs} jobs, {given.tables} tables, seed {given.seed}, {given.rounds} rounds\n"
    )
    writers = {
        "headwater": (SQLiteStore.open, events, known),
        "statement per entity": (NaiveWriter, events[: given.naive_events], known[: given.naive_events]),
    }
    results: dict[tuple[str, int], list[Measured]] = {}
    for _ in range(given.rounds):
        for batch in given.batch or [1, 10, 100, 1000]:
            for name, (writer, some, before) in writers.items():
                few = some[: max(batch, 600)] if batch == 1 else some
                results.setdefault((name, batch), []).append(measure(writer, few, batch, given.folder, before))
    report(results)


def report(results: dict[tuple[str, int], list[Measured]]) -> None:
    """Print the medians."""
    print(
        "| writer | batch | CPU us/event | wall us/event | bytes written / event bytes"
        " | on disk B/event | CPU, times ours |"
    )
    print("|---|---|---|---|---|---|---|")
    for (name, batch), measured in sorted(results.items(), key=lambda one: (one[0][1], one[0][0])):
        middle = Measured(*(statistics.median(values) for values in zip(*measured, strict=True)))
        ours = statistics.median(one.cpu_us for one in results["headwater", batch])
        print(
            f"| {name} | {batch} | {middle.cpu_us:.0f} | {middle.wall_us:.0f} | {middle.written_ratio:.2f} |"
            f" {middle.stored_bytes:.0f} | {middle.cpu_us / ours:.1f} |"
        )


if __name__ == "__main__":
    main()
