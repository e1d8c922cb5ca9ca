"""Kill a writing process at random, many times; count acknowledged events that are missing afterwards.

    python benchmarks/crash.py --cycles 10000 [--seed 1] [--folder DIR | --postgres] [--service]

With ``--service`` it is ``headwater serve`` that is killed, while four clients send to it over HTTP; with
``--postgres`` the database dies too at every fifth kill. Exits with 1 when an event is missing, or an answer was
neither 2xx nor 503.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from headwater.testing.crash import crash_cycles
from headwater.testing.postgres import PostgresServer
from headwater.testing.service_crash import service_crash_cycles


def kill_services(folder: Path, given: argparse.Namespace) -> int:
    """Kill the service, and now and then its database; print what it came to."""
    started = time.monotonic()
    with ExitStack() as stack:
        server = stack.enter_context(PostgresServer(fsync="on")) if given.postgres else None

        def crash_database() -> None:
            server.kill()
            server.start()

        outcome = service_crash_cycles(
            folder / "stores",
            given.cycles,
            given.seed,
            store=server.new_database() if server else "",
            rebuild_every=50,
            crash_database=crash_database if server else None,
        )
    print(
        f"{outcome.cycles} kills of the service, {outcome.acknowledged} events acknowledged, {outcome.lost} lost, "
        f"{len(outcome.unexpected)} answers neither 2xx nor 503, {time.monotonic() - started:.0f} s"
    )
    return 1 if outcome.lost or outcome.unexpected else 0


def main() -> int:
    """Run the cycles and print what they came to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=None, help="where the store is made")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL server instead of in a folder")
    parser.add_argument("--service", action="store_true", help="kill the service, over HTTP")
    given = parser.parse_args()
    if given.service:
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            return kill_services(Path(folder), given)
    started = time.monotonic()
    with ExitStack() as stack:
        target: Path | str = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=given.folder)))
        if given.postgres:
            target = stack.enter_context(PostgresServer()).url()
        outcome = crash_cycles(target, given.cycles, given.seed, rebuild_every=25)
    print(
        f"{outcome.cycles} kills, {outcome.acknowledged} events acknowledged, {outcome.lost} lost, "
        f"{outcome.kills_during_start} kills before the first receipt, {time.monotonic() - started:.0f} s"
    )
    return 1 if outcome.lost else 0


if __name__ == "__main__":
    sys.exit(main())
