"""Search on PostgreSQL where words are everywhere, where they are misspelt, and beside another tenant."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import msgspec
import pytest

from headwater.storage.memory import MemoryStore
from headwater.storage.postgres import PostgresStore
from headwater.testing.events import run_event, run_id
from headwater.testing.postgres import PostgresServer

WORDS = ("orders", "customers", "returns", "payments", "sessions", "clicks", "users", "churn", "scores", "raw")
NAMES = [f"{a}.{b}_{c}_{place:04d}" for place, (a, b, c) in enumerate(product(WORDS, repeat=3))]
EVENTS = [
    msgspec.json.encode(run_event(run_id(at + 1), "load", "COMPLETE", at, [], NAMES[at : at + 90]))
    for at in range(0, len(NAMES), 90)
]


@pytest.fixture(scope="module")
def stores(postgres_server: PostgresServer) -> Iterator[tuple[PostgresStore, MemoryStore]]:
    """A thousand names of a few words each beside another tenant's, and the same where every name is looked at."""
    url = postgres_server.new_database()
    with (
        PostgresStore.open(url, tenant="other") as other,
        PostgresStore.open(url) as store,
        MemoryStore.open() as oracle,
    ):
        for event in EVENTS:
            store.append([event])
            oracle.append([event])
            other.append([event.replace(b"orders", b"secret")])
        store.append(EVENTS)
        yield store, oracle


@pytest.mark.parametrize(
    "text",
    ["orders customers returns", "raw.users_churn_0976", "churn", "ustom", "custmers", "custmers retuns", "0123", "o"],
)
def test_it_finds_what_looking_at_everything_finds(stores: tuple[PostgresStore, MemoryStore], text: str) -> None:
    """The same hits in the same order, however many are asked for."""
    store, oracle = stores
    every = [(hit.node.name, hit.score) for hit in oracle.search(text, limit=5000)]
    assert every
    for limit in (1, 12, 5000):
        assert [(hit.node.name, hit.score) for hit in store.search(text, limit=limit)] == every[:limit]


def test_the_names_of_another_tenant_are_not_found(stores: tuple[PostgresStore, MemoryStore]) -> None:
    """Neither by words nor among the names that a pattern fits."""
    store, _ = stores
    assert [hit.node.name for hit in store.search("secret") if "secret" in hit.node.name] == []
    assert store.like("*secret*", store.living()) & ~store.living() == 0
    assert store.chosen("namespace", "*").bit_count() == store.living().bit_count() == len(NAMES) + 1
