"""The full-text index where words are everywhere."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import msgspec

from headwater.storage.sqlite import SQLiteStore
from headwater.testing.events import run_event, run_id

WORDS = [
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
]


def test_words_that_are_everywhere_are_found_together(tmp_path: Path) -> None:
    """Among names made of a few words, each of which fits hundreds, three words give the names that hold all three."""
    names = [f"{a}.{b}_{c}_{place:04d}" for place, (a, b, c) in enumerate(product(WORDS, repeat=3))]
    with SQLiteStore.open(tmp_path) as store:
        store.append([msgspec.json.encode(run_event(run_id(1), "load", "COMPLETE", 0, [], names))])
        for wanted in (("orders", "customers", "returns"), ("raw", "features", "scores"), ("churn", "users", "clicks")):
            found = [hit.node.name for hit in store.search(" ".join(wanted), limit=12)]
            assert sorted(found) == sorted(name for name in names if all(word in name for word in wanted))
