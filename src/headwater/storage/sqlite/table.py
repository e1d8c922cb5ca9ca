"""A table of a file behind a cache, and content by digest."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from headwater.storage.cached import CachedTable, Fresh
from headwater.storage.contents import CachedContents
from headwater.storage.layouts import Layout
from headwater.storage.rows import Columns
from headwater.storage.sqlite.connection import queries

K = TypeVar("K", bound=Hashable)
R = TypeVar("R", bound=msgspec.Struct)
C = TypeVar("C")
_BINDING: dict[type, Callable[[Any], Any]] = {bytes: bytearray, bool: int}


class Statements:
    """The statements of one table, built from its layout."""

    def __init__(self, layout: Layout[Any, Any]) -> None:
        table, columns = layout.name, ", ".join(layout.columns)
        updates = ", ".join(f"{name} = excluded.{name}" for name in layout.values)
        select = f"SELECT {columns} FROM {table}"  # noqa: S608 - the names are ours
        self.get = f"{select} WHERE {_equal(layout.key)}"
        self.all = f"{select} ORDER BY {', '.join(layout.key)}"
        self.drop = f"DELETE FROM {table} WHERE {_equal(layout.key)}"  # noqa: S608 - the names are ours
        self.put = (
            f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(layout.columns))})"  # noqa: S608 - the names are ours
            f" ON CONFLICT ({', '.join(layout.key)}) DO UPDATE SET {updates}"
        )
        #: by the names of the columns passed to ``where``
        self.where = {names: f"{select} WHERE {_equal(names)}" for names in layout.lookups}
        #: by column, for those that are a key or look-up on their own; the parameter is a JSON list, see ``listed``
        self.among = {
            names[0]: f"{select} WHERE {names[0]} IN (SELECT value FROM json_each(?))"  # noqa: S608 - the names are ours
            for names in (layout.key, *layout.lookups)
            if len(names) == 1
        }


def _equal(names: Sequence[str]) -> str:
    return " AND ".join(f"{name} = ?" for name in names)


class SQLiteTable(CachedTable[K, R]):
    """The rows of one table."""

    def __init__(
        self, connection: sqlite3.Connection, layout: Layout[K, R], fresh: Fresh, *, cache_size: int = 20_000
    ) -> None:
        super().__init__(layout.key, layout.encode, layout.decode, layout.weigh, fresh, cache_size)
        self._connection = connection
        self._key_column = layout.key[0]
        self._statements = Statements(layout)

    def _stored(self, key: Columns) -> Columns | None:
        found: Columns | None = self._connection.execute(self._statements.get, key).fetchone()
        return found

    def _remove(self, keys: list[Columns]) -> None:
        self._connection.executemany(self._statements.drop, keys)

    def _write(self, rows: list[Columns]) -> None:
        self._connection.executemany(self._statements.put, bound(rows))

    def where(self, **equal: Any) -> list[R]:
        """Rows with these values in an indexed set of columns."""
        if any(map(self.fresh, equal, equal.values())):
            return self.pending(**equal)
        self.flush()
        return self.stored_where(**equal)

    def stored_where(self, **equal: Any) -> list[R]:
        """The same rows as stored, without pending changes."""
        names = tuple(sorted(equal))
        return self._rows_of(self._statements.where[names], tuple([equal[name] for name in names]))

    def rows(self) -> Iterator[R]:
        """All rows, by key, read lazily and not cached."""
        self.flush()
        for columns in self._connection.execute(self._statements.all, ()):
            row = self._decode(*columns)
            yield self._rows.get(self._key(row), row)

    def get_many(self, keys: Iterable[K]) -> list[R]:
        """The rows with these keys: those in the cache, and the others with one statement."""
        found: dict[K, R] = {}
        unknown: list[K] = []
        for key in set(keys):
            row = self._rows.get(key)
            if row is not None:
                found[key] = row
            elif key not in self._absent and key not in self._pending:
                unknown.append(key)
        if unknown:
            query = self._statements.among[self._key_column]
            for columns in self._connection.execute(query, (listed(unknown),)):
                row = self.keep(self._decode(*columns))
                found[self._key(row)] = row
        return list(found.values())

    def where_any(self, column: str, values: Iterable[int] | Iterable[str]) -> list[R]:
        """Rows whose column has one of these values."""
        given = [msgspec.json.encode(one).decode() if isinstance(one, str) else one for one in set(values)]
        self.flush()
        return self._rows_of(self._statements.among[column], (listed(given),))

    def select(self, query: str, parameters: Columns | dict[str, Any]) -> list[R]:
        """The rows of a named statement of ``queries.sql`` that returns all columns of the table."""
        self.flush()
        return self._rows_of(queries()[query], parameters)

    def _rows_of(self, statement: str, parameters: Columns | dict[str, Any]) -> list[R]:
        found = [self._decode(*columns) for columns in self._connection.execute(statement, parameters)]
        return [self.keep(row) for row in found]


class SQLiteContents(CachedContents[C]):
    """Content by digest, in one table of the file."""

    MOST_KNOWN = 2_000
    """To ask for one that is not cached costs a few microseconds: more are not worth the reading."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        name: str,
        encode: Callable[[C], bytes],
        decode: Callable[[int, bytes], C],
    ) -> None:
        super().__init__(encode, decode)
        self._connection = connection
        sql = queries()
        self._id_of = sql[f"{name}_id_of"]
        self._get = sql[f"{name}_get"]
        self._get_many = sql[f"{name}_get_many"]
        self._digests = sql[f"{name}_digests"]
        self._add = sql[f"{name}_add"]

    def _find(self, digest: bytes) -> int | None:
        columns = self._connection.execute(self._id_of, (bytearray(digest),)).fetchone()
        return None if columns is None else int(columns[0])

    def _digests_after(self, content_id: int, limit: int) -> list[tuple[bytes, int]]:
        return self._connection.execute(self._digests, (content_id, limit)).fetchall()

    def _stored(self, content_id: int) -> bytes | None:
        columns = self._connection.execute(self._get, (content_id,)).fetchone()
        return None if columns is None else columns[0]

    def _stored_among(self, content_ids: Sequence[int]) -> Iterable[tuple[int, bytes]]:
        return self._connection.execute(self._get_many, (listed(content_ids),))

    def flush(self) -> None:
        """Write new content."""
        if self._pending:
            self._connection.executemany(self._add, bound(self._pending))
            self._pending.clear()


def bound(rows: Sequence[Columns]) -> Iterable[Columns]:
    """Rows with the value types that are fastest to store. A column with bytes or booleans has no other types.

    ``sqlite3`` looks up an adapter for every value that is not exactly an int, a float, a str or a bytearray
    (``need_adapt`` in CPython's ``Modules/_sqlite/statement.c``): for bytes and booleans that costs as much as storing
    a small row.
    """
    columns = list(zip(*rows, strict=True))
    for place, values in enumerate(columns):
        how = _BINDING.get(type(values[0]))
        if how is not None:
            columns[place] = tuple(map(how, values))
    return zip(*columns, strict=True)


def listed(numbers: Iterable[Any]) -> str:
    """Integers as a single parameter for ``json_each``, without the limit on the number of parameters."""
    return f"[{','.join(map(str, numbers))}]"
