"""A table as a plain dictionary."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec

from headwater.storage.layouts import Layout
from headwater.storage.projection.touches import TouchNotes

K = TypeVar("K", bound=Hashable)
R = TypeVar("R", bound=msgspec.Struct)
C = TypeVar("C")


class MemoryTable(Generic[K, R]):
    """Rows in a dictionary, with a dictionary of keys per indexed set of columns."""

    def __init__(self, layout: Layout[K, R], *more_lookups: tuple[str, ...]) -> None:
        key: Any = attrgetter(*layout.key)
        self._key: Callable[[R], K] = key
        self.notes: TouchNotes | None = None
        self._rows: dict[K, R] = {}
        self._indexes: dict[tuple[str, ...], dict[Any, dict[K, None]]] = {
            names: {} for names in (*layout.lookups, *more_lookups)
        }
        self._getters = {index: attrgetter(*index) for index in self._indexes}
        self._filed: dict[K, tuple[Any, ...]] = {}

    def get(self, key: K) -> R | None:
        """The row with that key."""
        return self._rows.get(key)

    def put(self, row: R) -> None:
        """Insert the row, or update its index entries after a change."""
        key = self._key(row)
        self._unfile(key)
        self._rows[key] = row
        if self.notes is not None:
            self.notes([row])
        filed = tuple(getter(row) for getter in self._getters.values())
        self._filed[key] = filed
        for index, value in zip(self._indexes.values(), filed, strict=True):
            index.setdefault(value, {})[key] = None

    def _unfile(self, key: K) -> None:
        for index, value in zip(self._indexes.values(), self._filed.pop(key, ()), strict=False):
            index[value].pop(key, None)

    def drop(self, key: K) -> None:
        """Remove the row if it is there."""
        self._unfile(key)
        row = self._rows.pop(key, None)
        if self.notes is not None:
            self.notes([row])

    def where(self, **equal: Any) -> list[R]:
        """Rows with these values in an indexed set of columns."""
        columns = tuple(sorted(equal))
        value: Any = tuple(equal[column] for column in columns) if len(columns) > 1 else equal[columns[0]]
        return [self._rows[key] for key in self._indexes[columns].get(value, ())]

    def rows(self) -> Iterator[R]:
        """Every row, by key."""
        return iter([self._rows[key] for key in sorted(self._rows)])  # type: ignore[type-var]

    def get_many(self, keys: Iterable[K]) -> list[R]:
        """The rows with these keys."""
        return [self._rows[key] for key in set(keys) if key in self._rows]

    def where_any(self, column: str, values: Iterable[int] | Iterable[str]) -> list[R]:
        """Rows whose column has one of these values."""
        return [row for value in set(values) for row in self.where(**{column: value})]

    def __len__(self) -> int:
        return len(self._rows)


class MemoryContents(Generic[C]):
    """Content by digest and by id."""

    def __init__(self) -> None:
        self._ids: dict[bytes, int] = {}
        self._rows: dict[int, C] = {}

    def id_of(self, digest: bytes) -> int | None:
        """The id of the content with that digest, or None."""
        return self._ids.get(digest)

    def add(self, content_id: int, digest: bytes, row: C) -> None:
        """Store new content."""
        self._ids[digest] = content_id
        self._rows[content_id] = row

    def get(self, content_id: int) -> C:
        """The content with that id."""
        return self._rows[content_id]

    def get_many(self, content_ids: Iterable[int]) -> dict[int, C]:
        """The content with these ids."""
        return {content_id: self._rows[content_id] for content_id in content_ids}
