"""Search in a file where words are everywhere, and in one that an earlier version wrote."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import msgspec

from headwater.storage.memory import MemoryStore
from headwater.storage.sqlite import SQLiteStore
from headwater.testing.events import raw, run_event, run_id

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


def test_a_file_of_the_step_before_is_searched(tmp_path: Path) -> None:
    """Filled when words lay in a full-text index: it is opened, and found in it is what was stored."""
    history = raw(
        [run_event(run_id(at), f"load_{at}", "COMPLETE", at, [f"raw.orders_{at}"], ["mart"]) for at in range(9)]
    )
    with SQLiteStore.open(tmp_path) as store:
        store.append(history)
        for statement in (
            "DROP TABLE new_reads",
            "DROP TABLE touches",
            "DROP TABLE postings",
            "DROP TABLE loose",
            "ALTER TABLE search DROP COLUMN type",
            "ALTER TABLE search DROP COLUMN is_deleted",
            "CREATE VIRTUAL TABLE search_words USING fts5 (namespace, name, fields, description, tags, owners,"
            " tokenize = 'trigram', detail = column)",
            "INSERT INTO search_words (rowid, namespace, name, fields, description, tags, owners)"
            " SELECT node, namespace, name, fields, description, tags, owners FROM search",
            "UPDATE counters SET value = 5 WHERE name = 'projection'",
            "DELETE FROM migrations WHERE number >= 8",
            "PRAGMA user_version = 7",
        ):
            store._connection.execute(statement)
    with SQLiteStore.open(tmp_path) as store, MemoryStore.open() as oracle:
        oracle.append(history)
        for text in ("o", "orders", "orders 7", "ordesr", "load"):
            found = [(hit.node.name, hit.score) for hit in store.search(text)]
            assert found == [(hit.node.name, hit.score) for hit in oracle.search(text)]
            assert found
        assert store.graph_hash() == oracle.graph_hash()
        store.verify()
