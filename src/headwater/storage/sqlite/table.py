"""One table behind a cache: rows are read once, changed in memory, and written in bulk at the end of a batch."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, Generic, TypeVar

import msgspec

from headwater.storage.projection.touches import TouchNotes
from headwater.storage.rows import Columns, pack, unpack
from headwater.storage.sqlite.connection import queries

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


class SQLiteTable(Generic[K, R]):
    """Rows of one table. ``encode`` gives the columns in the order of the statements, ``decode`` takes them."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        name: str,
        key: Callable[[R], K],
        encode: Callable[[R], Columns],
        decode: Callable[..., R],
        *,
        cache_size: int = 20_000,
    ) -> None:
        self._connection = connection
        self._name = name
        self._key = key
        self._encode = encode
        self._decode = decode
        self._cache_size = cache_size
        self.notes: TouchNotes | None = None
        self._rows: dict[K, R] = {}
        self._pending: dict[K, R | None] = {}
        self._absent: set[K] = set()
        sql = queries()
        self._get = sql[f"{name}_get"]
        self._put = sql[f"{name}_put"]
        self._drop = sql[f"{name}_drop"]
        self._all = sql[f"{name}_all"]

    def get(self, key: K) -> R | None:
        """The row of that key; the same object for as long as the batch lasts."""
        found = self._rows.get(key)
        if found is not None:
            return found
        if key in self._absent or key in self._pending:
            return None
        columns = self._connection.execute(self._get, _columns(key)).fetchone()
        if columns is None:
            self._absent.add(key)
            return None
        found = self._rows[key] = self._decode(*columns)
        return found

    def put(self, row: R) -> None:
        """Insert the row, or write it again after a change."""
        key = self._key(row)
        self._rows[key] = row
        self._pending[key] = row
        self._absent.discard(key)

    def drop(self, key: K) -> None:
        """Remove the row if it is there."""
        if self.notes is not None:
            self.notes([self.get(key)])
        self._rows.pop(key, None)
        self._pending[key] = None

    def where(self, **equal: Any) -> list[R]:
        """Rows with these values in an indexed set of columns."""
        names = sorted(equal)
        return self.select(f"{self._name}_by_{'_'.join(names)}", tuple(equal[name] for name in names))

    def rows(self) -> Iterator[R]:
        """Every row, by key; read as they are asked for, and not kept."""
        self.flush()
        for columns in self._connection.execute(self._all, ()):
            row = self._decode(*columns)
            yield self._rows.get(self._key(row), row)

    def get_many(self, keys: Iterable[K]) -> list[R]:
        """The rows of these keys: those in the cache, and the others by one statement."""
        found: dict[K, R] = {}
        unknown: list[K] = []
        for key in set(keys):
            row = self._rows.get(key)
            if row is not None:
                found[key] = row
            elif key not in self._absent and key not in self._pending:
                unknown.append(key)
        if unknown:
            query = queries()[f"{self._name}_get_many"]
            for columns in self._connection.execute(query, (listed(unknown),)):
                row = self._decode(*columns)
                found[self._key(row)] = self._rows[self._key(row)] = row
        return list(found.values())

    def where_any(self, column: str, values: Iterable[int] | Iterable[str]) -> list[R]:
        """Rows whose column has one of these values."""
        given = [msgspec.json.encode(one).decode() if isinstance(one, str) else one for one in set(values)]
        return self.select(f"{self._name}_by_any_{column}", (listed(given),))

    def select(self, query: str, parameters: Columns | dict[str, Any]) -> list[R]:
        """The rows of a named statement that gives all columns of the table."""
        self.flush()
        found = [self._decode(*columns) for columns in self._connection.execute(queries()[query], parameters)]
        return [self.keep(row) for row in found]

    def keep(self, row: R) -> R:
        """The row in the cache with that key, else this one."""
        return self._rows.setdefault(self._key(row), row)

    def pending(self) -> Iterator[R]:
        """The rows that wait to be written."""
        return (row for row in self._pending.values() if row is not None)

    def flush(self) -> None:
        """Write what is pending."""
        if not self._pending:
            return
        gone = [_columns(key) for key, row in self._pending.items() if row is None]
        written = [self._encode(row) for row in self._pending.values() if row is not None]
        if gone:
            self._connection.executemany(self._drop, gone)
        if written:
            self._connection.executemany(self._put, written)
        if self.notes is not None:
            self.notes(self._pending.values())
        self._pending.clear()

    def __len__(self) -> int:
        return len(self._rows)

    def trim(self) -> None:
        """Keep the cache small, between batches."""
        if len(self._rows) > self._cache_size:
            self._rows.clear()
        if len(self._absent) > self._cache_size:
            self._absent.clear()

    def clear(self) -> None:
        """Forget everything: the batch was rolled back, or another process wrote."""
        self._rows.clear()
        self._pending.clear()
        self._absent.clear()


class SQLiteContents(Generic[R]):
    """Content by digest, written at once: it is new but rarely."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        name: str,
        encode: Callable[[R], bytes],
        decode: Callable[[int, bytes], R],
    ) -> None:
        self._connection = connection
        self._encode = encode
        self._decode = decode
        self._ids: dict[bytes, int] = {}
        self._rows: dict[int, R] = {}
        sql = queries()
        self._id_of = sql[f"{name}_id_of"]
        self._get = sql[f"{name}_get"]
        self._get_many = sql[f"{name}_get_many"]
        self._add = sql[f"{name}_add"]

    def id_of(self, digest: bytes) -> int | None:
        """The id under which that content is stored."""
        found = self._ids.get(digest)
        if found is None:
            columns = self._connection.execute(self._id_of, (digest,)).fetchone()
            if columns is None:
                return None
            found = self._ids[digest] = columns[0]
        return found

    def add(self, content_id: int, digest: bytes, row: R) -> None:
        """Store content that is new."""
        self._connection.execute(self._add, (content_id, digest, pack(self._encode(row))))
        self._ids[digest] = content_id
        self._rows[content_id] = row

    def get(self, content_id: int) -> R:
        """The content of that id."""
        found = self._rows.get(content_id)
        if found is None:
            columns = self._connection.execute(self._get, (content_id,)).fetchone()
            if columns is None:
                raise KeyError(content_id)
            found = self._rows[content_id] = self._decode(content_id, unpack(columns[0]))
        return found

    def get_many(self, content_ids: Iterable[int]) -> dict[int, R]:
        """The content of these ids: that in the cache, and the other by one statement."""
        wanted = set(content_ids)
        unknown = [one for one in wanted if one not in self._rows]
        if unknown:
            for content_id, content in self._connection.execute(self._get_many, (listed(unknown),)):
                self._rows[content_id] = self._decode(content_id, unpack(content))
        return {one: self._rows[one] for one in wanted}

    def __len__(self) -> int:
        return len(self._rows)

    def clear(self) -> None:
        """Forget everything: the batch was rolled back, or the ids may mean something else now."""
        self._ids.clear()
        self._rows.clear()


def _columns(key: Any) -> Columns:
    return key if isinstance(key, tuple) else (key,)


def listed(numbers: Iterable[Any]) -> str:
    """Integers as the one parameter of a statement that reads them by ``json_each``: there is no limit to how many."""
    return f"[{','.join(map(str, numbers))}]"
