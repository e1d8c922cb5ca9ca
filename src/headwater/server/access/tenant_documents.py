"""Small documents of a tenant for what no event can express, such as the owner of a namespace.

A document has a kind and a name, and is replaced as a whole. It is stored in the control store.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from headwater.server.access.control_database import Database, Row, named_statements

Body = TypeVar("Body")


class Document(msgspec.Struct, frozen=True):
    """A stored document. Times are microseconds since the epoch; ``body`` is JSON."""

    name: str
    created_at: int
    updated_at: int
    body: bytes

    def read(self, kind: type[Body]) -> Body:
        """The body as a struct of that type."""
        return msgspec.json.decode(self.body, type=kind)


class Documents:
    """The documents of all tenants. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = named_statements("documents.sql")

    def put(self, tenant: str, kind: str, name: str, body: Any, at: int) -> Document:
        """Store a document; if it replaces one, it keeps the time of creation."""
        text = msgspec.json.encode(body).decode()
        self._database.change(self._sql["put"], (tenant, kind, name, at, at, text))
        found = self.get(tenant, kind, name)
        return found or Document(name, at, at, text.encode())  # another process may have deleted it in between

    def get(self, tenant: str, kind: str, name: str) -> Document | None:
        """One document, or None if there is none with that name."""
        return next((_document(row) for row in self._ask("get", tenant, kind, name)), None)

    def all(self, tenant: str, kind: str) -> list[Document]:
        """Every document of a kind, by name."""
        return [_document(row) for row in self._ask("all", tenant, kind)]

    def has_any(self, tenant: str, kind: str) -> bool:
        """Whether there is a document of that kind."""
        return bool(self._ask("any", tenant, kind))

    def drop(self, tenant: str, kind: str, name: str) -> bool:
        """Delete a document; returns False if there is none with that name."""
        return self._database.change(self._sql["drop"], (tenant, kind, name)) > 0

    def _ask(self, statement: str, *values: str) -> list[Row]:
        return self._database.execute(self._sql[statement], values)


def _document(row: Row) -> Document:
    name, created_at, updated_at, body = row
    return Document(name, created_at, updated_at, body.encode())
