"""Kills a writing process at random times and checks that no acknowledged event is lost.

As a module (``python -m headwater.testing.crash TARGET FIRST_RUN``) it is the writer: it appends runs without end and
prints the key of an event once its receipt is there.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from headwater.storage.open import drop_store, open_store
from headwater.storage.row_types import ReceiptStatus
from headwater.storage.sqlite import SQLiteStore
from headwater.testing.events import dataset, raw, schema, whole_run

_START_S = 60.0


class Outcome(msgspec.Struct, kw_only=True):
    """What the cycles came to."""

    cycles: int = 0
    acknowledged: int = 0
    lost: int = 0
    kills_during_start: int = 0


def crash_cycles(target: Path | str, cycles: int, seed: int, *, rebuild_every: int = 10) -> Outcome:
    """Start a writer, kill it (``SIGKILL``) at a random moment, and check the store; so many times over.

    ``target`` is whatever ``open_store`` takes. After each kill the store must hold every acknowledged event, and a
    file pass its integrity check; every few cycles, and at the end, rebuilding must give the hash that the store has.
    Then the store is emptied, so that late cycles do not take longer than early ones.

    Raises:
        AssertionError: the store is damaged, or its projections are not what its log says.
    """
    pick = random.Random(seed)  # noqa: S311 - tests, no secrets
    outcome = Outcome()
    acknowledged: set[str] = set()
    for cycle in range(cycles):
        fresh = set(_write_and_kill(target, cycle * 1_000_000 + 1, pick.uniform(0, 0.08)))
        outcome.kills_during_start += not fresh
        acknowledged |= fresh
        outcome.cycles += 1
        is_last = cycle % rebuild_every == rebuild_every - 1 or cycle == cycles - 1
        with open_store(target) as store:
            if isinstance(store, SQLiteStore):
                store.verify()
            stored = {event.key for event in store.events()}
            outcome.lost += len(acknowledged - stored)
            if is_last:
                expected = store.graph_hash()
                found = store.rebuild()
                assert found == expected, f"cycle {cycle}: rebuilding gives {found}, the store has {expected}"
                outcome.acknowledged += len(acknowledged)
                acknowledged.clear()
        if is_last:
            drop_store(str(target), "default")
    return outcome


def _write_and_kill(target: Path | str, first_run: int, delay_s: float) -> Iterator[str]:
    with tempfile.TemporaryFile() as out:
        command = [sys.executable, "-m", __name__, str(target), str(first_run)]
        writer = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE)
        deadline = time.monotonic() + _START_S
        while os.fstat(out.fileno()).st_size == 0 and writer.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(delay_s)
        writer.send_signal(signal.SIGKILL)
        _, errors = writer.communicate()
        assert writer.returncode == -signal.SIGKILL, f"the writer ended by itself: {errors.decode()}"
        out.seek(0)
        yield from out.read().decode().split("\n")[:-1]  # the last piece may be half a line


def main(target: str, first_run: int) -> None:
    """Append runs until killed; batches of one to thirty events, printed as they are acknowledged."""
    pick = random.Random(first_run)  # noqa: S311 - tests, no secrets
    number = first_run
    with open_store(target) as store:
        while True:
            batch = []
            for _ in range(pick.randrange(1, 16)):
                source, target = (f"t{pick.randrange(20)}" for _ in range(2))
                out = dataset(target, facets={"schema": schema(f"c{pick.randrange(9)}", "id")})
                batch += raw(whole_run(number, f"j{pick.randrange(9)}", number % 10_000, [source], [out]))
                number += 1
            receipts = store.append(batch)
            keys = [receipt.key for receipt in receipts if receipt.status is not ReceiptStatus.REFUSED]
            sys.stdout.write("".join(f"{key}\n" for key in keys))
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
