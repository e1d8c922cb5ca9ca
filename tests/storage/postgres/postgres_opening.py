"""Stores and databases for tests."""

from __future__ import annotations

import itertools
from typing import Protocol

from headwater.storage.postgres import PostgresStore
from headwater.storage.postgres.connection import connect
from headwater.testing.postgres import PostgresServer

_numbers = itertools.count(1)


class Opener(Protocol):
    """Opens stores, closed after the test."""

    def __call__(self, tenant: str = ..., **options: object) -> PostgresStore:
        """The store of a tenant; of the test's own where none is named."""


def new_database(server: PostgresServer, owner: str = "") -> str:
    """The address of a new database on a server, which a role of that name owns."""
    name = f"database_{next(_numbers)}"
    with connect(server.url()) as connection:
        if owner:
            connection.execute(f"CREATE ROLE {owner} LOGIN")
        connection.execute(f"CREATE DATABASE {name}" + (f" OWNER {owner}" if owner else ""))
    return server.url(name)
