"""What a search costs while somebody types, and what the selectors, patterns and facets cost: CPU a question.

``python benchmarks/bench_search.py [--names 1000000] [--postgres] [--store WHERE] [--markdown]`` fills a store with
that many names made of eleven words and a number (seed 5), or asks one that is there. Each class of questions is
asked letter by letter, as it would be typed; its slowest question counts, as the best of three. Time is CPU: of this
process and, on PostgreSQL, of the server's process that works for it, which the system counts in hundredths of a
second, so that there it is the mean of the class. The last column is how much cheaper that is than going through all
names, in the same run.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from headwater.query.lineage import Lineage
from headwater.query.resolve import scan
from headwater.server.rendering.search_results import search, suggest
from headwater.storage.base import Store
from headwater.storage.open import open_store
from headwater.testing.events import run_event, run_id
from headwater.testing.postgres import PostgresServer

WORDS = (
    "orders",
    "customers",
    "returns",
    "payments",
    "sessions",
    "clicks",
    "users",
    "churn",
    "scores",
    "features",
    "raw",
)
A_JOB = 400
A_BATCH = 25
TYPED = {
    "one or two letters": ("o", "or", "r", "ra", "0", "00", "x"),
    "one word, letter by letter": ("ord", "orde", "order", "orders", "cus", "custom", "customers"),
    "several words": (
        "orders c",
        "orders cust",
        "orders customers",
        "orders customers ret",
        "orders customers returns",
    ),
    "a whole name": ("raw.orders", "raw.orders_users", "raw.orders_users_0000", "raw.orders_users_0000042"),
    "a number": ("000", "0000", "0000042", "job_12"),
    "the middle of a word": ("rders", "ustome", "eature"),
    "misspelt": ("custmers", "custmers retuns", "oders by day"),
    "nowhere": ("zzzz", "zzzzqqq", "orders zzzz"),
}
"""What is typed: the suggestions for it are asked for."""
ENTERED = {
    "a property": ("kind:job", "kind:dataset", "kind:model", "namespace:db", "namespace:d*", "tag:pii", "owner:ada"),
    "properties together": ("kind:dataset & namespace:db", "!kind:job", "kind:job | tag:pii", "kind:dataset & !raw.*"),
    "a pattern": ("raw*_0000001", "*foo*", "*orders*", "*users.raw*", "raw.?", "name:*0042", "raw.??????_users_*"),
    "a walk and a property": ("+job:job_17 & kind:dataset", "job:job_17+ & kind:dataset"),
    "words": ("orders", "raw users", "job_17"),
}
"""What is sent with Enter: the first 200 of it, with tags, owners and states."""
NARROWED = ({"kind": "job"}, {"kind": "dataset", "namespace": "db"}, {"tag": "pii"}, {"owner": "ada"})


def fill(store: Store, names: int) -> None:
    """Jobs that write ``A_JOB`` datasets each."""
    pick = random.Random(5)
    for first in range(0, names, A_JOB * A_BATCH):
        batch = []
        for at in range(first, min(names, first + A_JOB * A_BATCH), A_JOB):
            parts = [pick.choices(WORDS, k=3) for _ in range(min(A_JOB, names - at))]
            outputs = [f"{a}.{b}_{c}_{at + place:07d}" for place, (a, b, c) in enumerate(parts)]
            event = run_event(run_id(at + 1), f"job_{at // A_JOB}", "COMPLETE", at, [], outputs)
            batch.append(msgspec.json.encode(event))
        store.append(batch)


class Clock:
    """CPU milliseconds of this process, and of the server's process that works for a store."""

    def __init__(self, store: Any) -> None:
        session = getattr(store, "_session", None)
        self._server = None if session is None else session.connect().info.backend_pid

    def server_ms(self) -> float:
        """Of the server; 0 where there is none."""
        if self._server is None:
            return 0.0
        fields = Path(f"/proc/{self._server}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def slowest(self, questions: list[Callable[[], Any]]) -> tuple[float, float]:
        """(the slowest question here, the mean on the server)."""
        best = []
        before = self.server_ms()
        for ask in questions:
            spent = []
            for _ in range(3):
                start = time.process_time()
                ask()
                spent.append((time.process_time() - start) * 1000)
            best.append(min(spent))
        return max(best), (self.server_ms() - before) / (3 * len(questions))


def classes(lineage: Lineage) -> Iterator[tuple[str, list[Callable[[], Any]]]]:
    """(class, its questions)."""
    for name, texts in TYPED.items():
        yield f"typed: {name}", [lambda text=text: suggest(lineage, text) for text in texts]
    for name, texts in ENTERED.items():
        yield f"entered: {name}", [lambda text=text: search(lineage, text) for text in texts]
    narrowed = [lambda one=one: search(lineage, "orders", one) for one in NARROWED]
    yield "entered: words, narrowed by a facet", narrowed


def measure(store: Store, *, is_markdown: bool) -> None:
    """Print a line a class."""
    lineage = Lineage(store, base="/")
    clock = Clock(store)
    names = store.statistics().datasets + store.statistics().jobs
    search(lineage, "+job:job_17")  # a walk loads the graph index, once a process
    start, before = time.process_time(), clock.server_ms()
    held = sum("orders" in row.name for row in scan(store))
    through = (time.process_time() - start) * 1000 + clock.server_ms() - before
    print(f"{names:,} names, {held:,} of them hold 'orders'; to go through all takes {through:,.0f} ms\n")
    print(
        "| questions | here ms, slowest | server ms, mean | cheaper than a scan |\n|---|---|---|---|"
        if is_markdown
        else ""
    )
    for name, questions in classes(lineage):
        here, server = clock.slowest(questions)
        cells = (name, f"{here:.1f}", f"{server:.1f}" if server else "-", f"{through / (here + server):,.0f}x")
        print(
            "| " + " | ".join(cells) + " |" if is_markdown else f"{cells[0]:44}{cells[1]:>8}{cells[2]:>8}{cells[3]:>9}",
            flush=True,
        )


def main() -> None:
    """Fill, and ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, default=100_000)
    parser.add_argument("--postgres", action="store_true", help="a server of its own instead of a SQLite file")
    parser.add_argument("--store", help="ask this store: a folder or an address")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    with ExitStack() as stack:
        where = given.store
        if where is None and given.postgres:
            where = stack.enter_context(PostgresServer()).new_database()
        elif where is None:
            where = stack.enter_context(tempfile.TemporaryDirectory())
        store = stack.enter_context(open_store(where, tenant="default"))
        if given.store is None:
            fill(store, given.names)
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        measure(store, is_markdown=given.markdown)


if __name__ == "__main__":
    main()
