"""A file of the first schema keeps what it has in quarantine."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from headwater.storage.sqlite import SQLiteStore
from headwater.storage.sqlite.migrate import _apply, migrations


def test_the_quarantine_of_an_older_file_is_carried_over(tmp_path: Path) -> None:
    """Entries written under schema 1 are there after the step to schema 2, with their size, and can be released."""
    path = tmp_path / "default.db"
    connection = sqlite3.connect(path, isolation_level=None)
    _apply(connection, migrations()[:1])
    connection.executemany(
        "INSERT INTO quarantine (received_at, body, field, value, rule) VALUES (?, ?, 'run', 'x', 'is required')",
        [(1, b"{}"), (2, b"{}")],
    )
    connection.close()
    with SQLiteStore.open(tmp_path) as store:
        assert [(one.id, one.received_at, one.body, one.size_bytes, one.kind) for one in store.quarantined()] == [
            (2, 2, b"{}", 2, "event"),
            (1, 1, b"{}", 2, "event"),
        ]
        assert store.quarantine_totals().size_bytes == 4
        assert store.release([1]) == 1
        store.verify()
