"""What a backend provides for one table: rows by key and by indexed columns, or rows addressed by their content."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

K_contra = TypeVar("K_contra", bound=Hashable, contravariant=True)
R = TypeVar("R")


class Table(Protocol[K_contra, R]):
    """Rows by key."""

    def get(self, key: K_contra) -> R | None:
        """The row with that key. It is the same object until it is dropped: modify it, then ``put`` it."""

    def put(self, row: R) -> None:
        """Insert the row, or update it after a change."""

    def drop(self, key: K_contra) -> None:
        """Delete the row if it exists."""

    def where(self, **equal: Any) -> list[R]:
        """Rows whose columns have these values, in no particular order. The columns must be a look-up of the layout."""

    def rows(self) -> Iterator[R]:
        """Every row, by key."""

    def get_many(self, keys: Iterable[K_contra]) -> list[R]:
        """The rows with these keys, each once, in no particular order. Keys without a row are left out.

        For tables whose key is one integer. Takes a few statements for any number of keys; returns the objects of
        ``get``.
        """

    def where_any(self, column: str, values: Iterable[int] | Iterable[str]) -> list[R]:
        """Rows whose indexed integer ``column`` has one of these values, each once, in no particular order."""


class Contents(Protocol[R]):
    """Content-addressed rows, written once and never changed."""

    def id_of(self, digest: bytes) -> int | None:
        """The id of the content with that digest, if it is stored."""

    def add(self, content_id: int, digest: bytes, row: R) -> None:
        """Store new content."""

    def get(self, content_id: int) -> R:
        """The content with that id. Raises ``KeyError`` if there is none."""

    def get_many(self, content_ids: Iterable[int]) -> dict[int, R]:
        """The content with these ids, by id. Raises ``KeyError`` if one of them does not exist."""
