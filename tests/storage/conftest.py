"""A store of each kind, for tests that open several."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_opening import NewStore

from headwater.storage.memory import MemoryStore
from headwater.storage.sqlite import SQLiteStore
from headwater.storage.table_store import TableStore


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewStore]:
    """Opens another empty store of each kind with each call; on PostgreSQL that is another tenant."""
    folders = (tmp_path / str(number) for number in range(100))
    if request.param == "memory":
        yield MemoryStore.open
    elif request.param == "sqlite":
        yield lambda: SQLiteStore.open(next(folders))
    else:
        from headwater.storage.postgres import PostgresStore

        url: str = request.getfixturevalue("postgres_url")
        yield lambda: PostgresStore.open(url, tenant=uuid.uuid4().hex, index_folder=next(folders))


@pytest.fixture
def store(new_store: NewStore) -> Iterator[TableStore]:
    """An empty store of each kind."""
    with new_store() as opened:
        yield opened
