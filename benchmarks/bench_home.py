"""What open home pages cost a busy service: processor time of the service a call, and of ten pages together.

``python benchmarks/bench_home.py [--edges 1000000]`` fills a store, starts a service over it, and asks as pages do: for
the feed 0.4 s after an event, for the other parts 3 s after one.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import httpx
import msgspec

from bench_ui import Service
from headwater.storage.open import open_store
from headwater.testing.events import dataset, facet, run_event, run_id, schema

EACH = 20
"""Inputs of a run, and so its edges."""
PAGES, SECONDS = 10, 20.0
CALLS = 6


def fill(folder: Path, edges: int) -> None:
    """A store of so many edges: each dataset is made of ``EACH`` of the 2,000 before it."""
    rng = random.Random(1)
    batch: list[bytes] = []
    with open_store(str(folder), tenant="default") as store:
        for at in range(1, edges // EACH + 1):
            inputs = {f"t{rng.randrange(max(0, at - 2000), at):06d}" for _ in range(EACH)}
            facets = {"datasetType": facet(datasetType=rng.choice(("TABLE", "MODEL", "FILE"))), "schema": schema("a")}
            output = dataset(f"t{at:06d}", facets=facets)
            event = run_event(run_id(at), f"job_{at % 4000}", "COMPLETE", at, sorted(inputs), [output])
            batch.append(msgspec.json.encode(event))
            if len(batch) == 500:
                store.append(batch)
                batch = []
        store.append(batch)


def sender(folder: Path) -> Callable[[], None]:
    """A function that stores one more event, as another process does."""
    numbers = count(10_000_000)
    store = open_store(str(folder), tenant="default")

    def send() -> None:
        number = next(numbers)
        event = run_event(run_id(number), f"live_{number % 20}", "COMPLETE", number, ["t000001"], [f"l{number % 50}"])
        store.append([msgspec.json.encode(event)])

    return send


def a_call(service: Service, client: httpx.Client, path: str, before: Callable[[], None]) -> float:
    """Milliseconds of the service's CPU for a call."""
    client.get(path).raise_for_status()
    spent = 0.0
    for _ in range(CALLS):
        before()
        start = service.cpu_s()
        client.get(path).raise_for_status()
        spent += service.cpu_s() - start
    return spent / CALLS * 1000


def pages(service: Service, send: Callable[[], None]) -> tuple[int, float]:
    """(events, the service's share of one core) while pages are open and events come."""
    stop = time.monotonic() + SECONDS

    def look() -> None:
        with httpx.Client(base_url=service.url, timeout=120) as client:
            last = 0.0
            while time.monotonic() < stop:
                client.get("/feed")
                if time.monotonic() - last > 3:
                    client.get("/home/parts")
                    last = time.monotonic()
                time.sleep(0.4)

    threads = [threading.Thread(target=look) for _ in range(PAGES)]
    start, begun, events = service.cpu_s(), time.monotonic(), 0
    for thread in threads:
        thread.start()
    while time.monotonic() < stop:
        send()
        events += 1
        time.sleep(0.1)
    for thread in threads:
        thread.join()
    return events, (service.cpu_s() - start) / (time.monotonic() - begun)


def main() -> None:
    """Measure, and print a table."""
    options = argparse.ArgumentParser(description="Measure what open home pages cost.")
    options.add_argument("--edges", type=int, default=1_000_000)
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "store"
        folder.mkdir()
        fill(folder, arguments.edges)
        service = Service(folder)
        try:
            send = sender(folder)
            print("| what | nothing new | an event before each |\n|---|---|---|")
            with httpx.Client(base_url=service.url, timeout=120) as client:
                for path in ("/home/parts", "/feed", "/"):
                    found = [a_call(service, client, path, before) for before in (lambda: None, send)]
                    print(f"| `{path}` | {found[0]:.0f} ms | {found[1]:.0f} ms |", flush=True)
            events, share = pages(service, send)
            print(f"\n{PAGES} open pages, {events} events in {SECONDS:.0f} s: {100 * share:.0f} % of one core")
        finally:
            service.stop()


if __name__ == "__main__":
    main()
