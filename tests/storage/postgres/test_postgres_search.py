"""Search on PostgreSQL where words are everywhere, and where they are misspelt."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import msgspec
import pytest

from headwater.storage.memory import MemoryStore
from headwater.storage.postgres import PostgresStore, search
from headwater.testing.events import run_event, run_id
from headwater.testing.postgres import PostgresServer

WORDS = ("orders", "customers", "returns", "payments", "sessions", "clicks", "users", "churn", "scores", "raw")
NAMES = [f"{a}.{b}_{c}_{place:04d}" for place, (a, b, c) in enumerate(product(WORDS, repeat=3))]
EVENT = msgspec.json.encode(run_event(run_id(1), "load", "COMPLETE", 0, [], NAMES))


@pytest.fixture(scope="module")
def stores(postgres_server: PostgresServer) -> Iterator[tuple[PostgresStore, MemoryStore]]:
    """A thousand names of a few words each, and the same where every name is looked at."""
    with PostgresStore.open(postgres_server.new_database()) as store, MemoryStore.open() as oracle:
        store.append([EVENT])
        oracle.append([EVENT])
        yield store, oracle


@pytest.mark.parametrize("few", [2000, 5])
@pytest.mark.parametrize(
    "text",
    ["orders customers returns", "raw.users_churn_0976", "churn", "ustom", "custmers", "custmers retuns", "0123"],
)
def test_it_finds_what_looking_at_everything_finds(
    stores: tuple[PostgresStore, MemoryStore], monkeypatch: pytest.MonkeyPatch, text: str, few: int
) -> None:
    """All hits hold the words or come near, the best of every name is among them, and as many as are shown, whether
    words count as rare or as common. What only comes near is looked for where nothing fits."""
    monkeypatch.setattr(search, "_FEW", few)
    monkeypatch.setattr(search, "_WINDOW", 64)
    store, oracle = stores
    every = {hit.node.name: hit.score for hit in oracle.search(text, limit=5000)}
    found = {hit.node.name: hit.score for hit in store.search(text, limit=5000)}
    assert found.items() <= every.items()
    assert max(found.values()) == max(every.values())
    first = [hit.node.name for hit in store.search(text, limit=12)]
    fitting = sum(score > 1 for score in every.values()) or len(every)
    assert len(first) >= min(12, fitting) > 0


def test_few_are_found_whole(stores: tuple[PostgresStore, MemoryStore]) -> None:
    """Words that hold together six times among a thousand names: the six, in the order of everywhere."""
    store, oracle = stores
    text = "orders customers returns"
    assert [hit.node.name for hit in store.search(text)] == [hit.node.name for hit in oracle.search(text)]
    assert len(store.search(text)) == 6
