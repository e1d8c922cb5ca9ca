"""Durable ingestion into PostgreSQL: single events against batches, arrays against COPY, CPU of client and server.

    python benchmarks/bench_ingest_postgres.py [--events 3000] [--warm 2000] [--batch 1 --batch 100] [--rounds 3]

The events and the platform are those of ``bench_ingest.py``. A server of its own (``HEADWATER_TEST_POSTGRES_BIN``, the
wheel, or the system's) runs with its defaults: ``fsync`` and ``synchronous_commit`` on. Each writer is warmed up with
``--warm`` events, so that jobs and tables are known as they are in a store that has run for a while; then batches are
timed one by one, and the writers take turns. CPU is that of this process and of the server's processes together.

Rows reach the server as one array a column (``INSERT ... SELECT FROM unnest``). The second table compares that with
what COPY would cost under row-level security, which COPY into a table does not support: COPY into a temporary table of
the transaction and an ``INSERT ... SELECT`` from there.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench_ingest import Platform
from headwater.storage import layouts
from headwater.storage.postgres import PostgresStore
from headwater.storage.postgres.connection import Session, connect
from headwater.storage.postgres.table import Statements, arrays_of
from headwater.storage.row_types import ReceiptStatus
from headwater.testing.postgres import PostgresServer

TICKS = os.sysconf("SC_CLK_TCK")


class Measured(NamedTuple):
    """One writer, one batch size: a list entry a batch, by event."""

    client_us: list[float]
    server_us: list[float]
    wall_us: list[float]
    statements: list[float]


class Counted:
    """Counts the statements of a session."""

    def __init__(self, session: Session) -> None:
        self.count = 0
        self._execute = session.execute
        session.execute = self._counting  # type: ignore[method-assign]

    def _counting(self, *given: object, **named: object) -> object:
        self.count += 1
        return self._execute(*given, **named)  # type: ignore[arg-type]


def server_seconds(pid: int) -> float:
    """Processor time of a backend so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def backend_of(store: PostgresStore) -> int:
    """The server's process that serves a store."""
    return store._session.connect().info.backend_pid


def measure(url: str, events: list[bytes], warm: int, batch: int) -> Measured:
    """Warm a store of its own up, then write the rest in batches and say what they cost."""
    found = Measured([], [], [], [])
    with PostgresStore.open(url, tenant=uuid.uuid4().hex) as store:
        for start in range(0, warm, 500):
            store.append(events[start : min(start + 500, warm)])
        counted = Counted(store._session)
        rest = events[warm:]
        pid = backend_of(store)
        total_server = server_seconds(pid)
        for start in range(0, len(rest), batch):
            some = rest[start : start + batch]
            before, wall, cpu = counted.count, time.perf_counter(), time.process_time()
            receipts = store.append(some)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            assert all(one.status is ReceiptStatus.STORED for one in receipts)
            found.client_us.append(cpu / len(some) * 1e6)
            found.wall_us.append(wall / len(some) * 1e6)
            found.statements.append(counted.count - before)
        found.server_us.append((server_seconds(pid) - total_server) / len(rest) * 1e6)
    return found


# -- arrays and COPY -----------------------------------------------------------------------------------------------
def rows(count: int, first: int) -> list[tuple[object, ...]]:
    """Versions as they are stored."""
    return [
        (first + place, place % 300, 10**15 + place, place + 1, os.urandom(16), place % 200, "", "f" * 32, "", 7, 3)
        for place in range(count)
    ]


def by_arrays(session: Session, given: list[tuple[object, ...]]) -> None:
    """As the store writes."""
    statements = Statements(layouts.VERSIONS)
    session.execute(statements.put, arrays_of(list(statements.types.values()), given))


def by_copy(session: Session, given: list[tuple[object, ...]]) -> None:
    """COPY into a temporary table that goes with the transaction, and from there."""
    columns = ", ".join(layouts.VERSIONS.columns)
    session.execute("CREATE TEMPORARY TABLE staged (LIKE versions INCLUDING DEFAULTS) ON COMMIT DROP")
    with session.connect().cursor().copy(f"COPY staged (tenant_id, {columns}) FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(["text", "int8", "int8", "int8", "int8", "bytea", "int8", *["text"] * 3, "int8", "int8"])
        for row in given:
            copy.write_row((session.tenant, *row))
    session.execute("INSERT INTO versions SELECT * FROM staged ON CONFLICT (tenant_id, id) DO NOTHING")


def compare(url: str, counts: list[int], rounds: int) -> None:
    """Print what either way costs by the number of rows."""
    ways: dict[str, Callable[[Session, list[tuple[object, ...]]], None]] = {"arrays": by_arrays, "COPY": by_copy}
    print("\n| rows | arrays, CPU us/row | COPY, CPU us/row | COPY / arrays, CPU | COPY / arrays, wall |")
    print("|---|---|---|---|---|")
    with PostgresStore.open(url, tenant=uuid.uuid4().hex) as store:
        session, pid, first = store._session, backend_of(store), 1
        for count in counts:
            cost: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
            times = max(1, 4000 // count)
            for _ in range(rounds):
                for name, way in ways.items():
                    batches = [rows(count, first + number * count) for number in range(times)]
                    first += count * times
                    cpu, wall = time.process_time() + server_seconds(pid), time.perf_counter()
                    for given in batches:
                        session.begin(is_writer=True)
                        way(session, given)
                        session.commit()
                    cpu = time.process_time() + server_seconds(pid) - cpu
                    cost[name].append((cpu / count / times * 1e6, time.perf_counter() - wall))
            (arrays, arrays_wall), (copy, copy_wall) = (
                [statistics.median(part) for part in zip(*cost[name], strict=True)] for name in ways
            )
            print(f"| {count} | {arrays:.1f} | {copy:.1f} | {copy / arrays:.2f} | {copy_wall / arrays_wall:.2f} |")


def main() -> None:
    """Run the comparisons and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=3000)
    parser.add_argument("--warm", type=int, default=2000)
    parser.add_argument("--batch", type=int, action="append")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, action="append")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    events = Platform(given.seed).events(given.warm + given.events)
    mean = statistics.mean(map(len, events))
    with PostgresServer(fsync="on") as server:
        with connect(server.url()) as connection:
            version = connection.execute("SHOW server_version").fetchone()
        number = version[0] if version else "?"
        print(f"PostgreSQL {number}: {given.events} events of {mean:.0f} bytes after {given.warm}\n")
        results: dict[int, list[Measured]] = {}
        for _ in range(given.rounds):
            for batch in given.batch or [1, 10, 100]:
                few = events[: given.warm + (min(300, given.events) if batch == 1 else given.events)]
                results.setdefault(batch, []).append(measure(server.url(), few, given.warm, batch))
        report(results)
        compare(server.url(), given.rows or [10, 100, 1000], given.rounds)


def report(results: dict[int, list[Measured]]) -> None:
    """Print the medians over batches and rounds."""
    print("| batch | client CPU us/event | server CPU us/event | wall us/event | events/s | statements | times one |")
    print("|---|---|---|---|---|---|---|")
    rate_of_one = 0.0
    for batch, rounds in sorted(results.items()):
        client, server, wall, statements = (
            statistics.median([value for one in rounds for value in one[place]]) for place in range(4)
        )
        rate = 1e6 / wall
        rate_of_one = rate_of_one or rate
        times = rate / rate_of_one
        print(f"| {batch} | {client:.0f} | {server:.0f} | {wall:.0f} | {rate:.0f} | {statements:.0f} | {times:.1f} |")


if __name__ == "__main__":
    main()
