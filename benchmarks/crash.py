"""Kill a writing process at random, many times; count acknowledged events that are missing afterwards.

    python benchmarks/crash.py --cycles 10000 [--seed 1] [--folder DIR | --postgres]

Exits with 1 when one is missing.
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


def main() -> int:
    """Run the cycles and print what they came to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=None, help="where the store is made")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL server instead of in a folder")
    given = parser.parse_args()
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
