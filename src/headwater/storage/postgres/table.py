"""A table on the server behind a cache. A query costs a round trip, so the rows that a batch will need are fetched
together before it begins."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from headwater.storage.cached import CachedTable, Fresh, columns_of
from headwater.storage.contents import CachedContents
from headwater.storage.layouts import ColumnType, Layout
from headwater.storage.postgres.arrays import column
from headwater.storage.postgres.connection import Session, queries
from headwater.storage.projection.weights import ENTRY
from headwater.storage.rows import Columns

K = TypeVar("K", bound=Hashable)
R = TypeVar("R", bound=msgspec.Struct)
C = TypeVar("C")


_TYPES: dict[ColumnType, str] = {
    "integer": "bigint",
    "code": "smallint",
    "boolean": "boolean",
    "text": "text",
    "bytes": "bytea",
}


class Statements:
    """The statements of one table, built from its layout."""

    def __init__(self, layout: Layout[Any, Any]) -> None:
        table = self.table = layout.name
        self.types = {name: _TYPES[column_type] for name, column_type in layout.columns.items()}
        self.columns = ", ".join(layout.columns)
        self.key = layout.key
        conflict = ", ".join("name_key" if name == "name" else name for name in layout.key)
        updates = ", ".join(f"{name} = excluded.{name}" for name in layout.values)
        arrays = ", ".join(f"%b::{_array(one)}" for one in self.types.values())
        keys = ", ".join(f"%b::{_array(self.types[name])}" for name in layout.key)
        is_ours = "tenant_id = :tenant"
        self.put = (
            f"INSERT INTO {table} (tenant_id, {self.columns})"  # noqa: S608 - the names are ours
            f" SELECT :owner, rows.* FROM unnest({arrays}) AS rows :beside"
            f" ON CONFLICT (tenant_id, {conflict}) DO UPDATE SET {updates}"
        )
        named = ", ".join(layout.key)
        same = " AND ".join(f"{table}.{name} = gone.{name}" for name in layout.key)
        self.drop = f"DELETE FROM {table} USING unnest({keys}) AS gone ({named}) WHERE {is_ours} AND {same}"  # noqa: S608 - the names are ours
        self.select = f"SELECT {self.columns} FROM {table} WHERE {is_ours}"  # noqa: S608 - the names are ours
        self.all = f"{self.select} ORDER BY {named}"
        self.get = self.where(layout.key)

    def _equals(self, name: str) -> str:
        if self.table == "changes" and name == "name":
            return "name_key = md5(%s::text)"
        if self.table == "versions" and name == "tag":
            return "md5(tag) = md5(%s::text)"  # the expression of its index
        return f"{name} = %s"

    def where(self, names: Sequence[str]) -> str:
        """The rows in which these columns have given values."""
        return self.select + "".join(f" AND {self._equals(name)}" for name in names)

    def among(self, name: str) -> str:
        """The rows in which a column has one of some values."""
        return f"{self.select} AND {name} = ANY(%b::{_array(self.types[name])})"


def _array(type_: str) -> str:
    return "bigint[]" if type_ == "smallint" else f"{type_}[]"


class PostgresTable(CachedTable[K, R]):
    """The rows of one table."""

    def __init__(self, session: Session, layout: Layout[K, R], fresh: Fresh, *, cache_size: int = 20_000) -> None:
        super().__init__(layout.key, layout.encode, layout.decode, layout.weigh, fresh, cache_size)
        self._session = session
        self._statements = Statements(layout)
        #: by column and value, the keys of all stored rows that have it, until the batch is written
        self._whole: dict[tuple[str, Any], list[K]] = {}
        #: rows fetched for the batch by a statement of their own, by the first part of their keys
        self.fetched: dict[Any, list[R]] = {}

    # -- one row ---------------------------------------------------------------------------------------------------
    def _stored(self, key: Columns) -> Columns | None:
        return self._session.execute(self._statements.get, key).fetchone()

    def _is_new(self, key: K) -> bool:
        pairs = zip(self._keys, columns_of(key), strict=True)
        return super()._is_new(key) or any(pair in self._whole for pair in pairs)

    def touches(self, name: str, value: Any) -> bool:
        """Whether a pending change concerns a row with that value."""
        return any(columns_of(key)[self._keys.index(name)] == value for key in self._pending)

    # -- many rows -------------------------------------------------------------------------------------------------
    def expect(self, keys: Iterable[K]) -> None:
        """Fetch the rows with these keys, of one column, that are not cached."""
        unknown = {key for key in keys if key not in self._rows and key not in self._absent and not self._is_new(key)}
        unknown.difference_update(self._pending)
        if unknown:
            absent = unknown - {self._key(row) for row in self.among(self._keys[0], list(unknown))}
            self._absent.update(absent)
            self.weight += ENTRY * len(absent)

    def expect_all(self, name: str, values: Iterable[Any]) -> None:
        """Fetch every row with one of these values in a column; during the batch no others are looked for."""
        unknown = [value for value in set(values) if (name, value) not in self._whole and not self.fresh(name, value)]
        if unknown:
            self._whole.update(((name, value), []) for value in unknown)
            for row in self.among(name, unknown):
                self._whole[name, getattr(row, name)].append(self._key(row))

    def among(self, name: str, values: Sequence[Any]) -> list[R]:
        """The stored rows with one of these values in a column."""
        given = column(self._statements.types[name], values)
        return self.stored(self._statements.among(name), (given,))

    def get_many(self, keys: Iterable[K]) -> list[R]:
        """The rows with these keys: those in the cache, and the others with one statement."""
        wanted = set(keys)
        self.expect(wanted)
        return [row for key in wanted if (row := self._rows.get(key)) is not None]

    def where_any(self, column: str, values: Iterable[int] | Iterable[str]) -> list[R]:
        """Rows whose column has one of these values."""
        self.flush()
        return self.among(column, list(set(values)))

    def where(self, **equal: Any) -> list[R]:
        """Rows with these values in an indexed set of columns."""
        stored = self._where(sorted(equal), equal)
        return [row for row in stored if self._key(row) not in self._pending] + self.pending(**equal)

    def _where(self, names: Sequence[str], equal: dict[str, Any]) -> list[R]:
        """The stored rows with these values that this batch has not changed."""
        if any(self.fresh(name, value) for name, value in equal.items()):
            return []
        for name, value in equal.items():
            keys = self._whole.get((name, value))
            if keys is not None:
                rows = [row for key in keys if (row := self._rows.get(key)) is not None]
                return [row for row in rows if all(getattr(row, one) == equal[one] for one in names)]
        return self.stored(self._statements.where(names), tuple(equal[name] for name in names))

    def rows(self) -> Iterator[R]:
        """All rows, by key, decoded lazily and not cached."""
        self.flush()
        for columns in self._session.rows(self._statements.all, ()):
            row = self._decode(*columns)
            yield self._rows.get(self._key(row), row)

    def select(self, statement: str, parameters: Columns) -> list[R]:
        """The rows of a statement that returns all columns of the table."""
        self.flush()
        return self.stored(statement, parameters)

    def stored(self, statement: str, parameters: Columns) -> list[R]:
        """The rows of such a statement as stored, without pending changes."""
        decode, keep = self._decode, self.keep
        found = [decode(*columns) for columns in self._session.rows(statement, parameters)]
        return [keep(row) for row in found if self._pending.get(self._key(row), row) is not None]

    # -- writing ---------------------------------------------------------------------------------------------------
    def _remove(self, keys: list[Columns]) -> None:
        self._session.execute(self._statements.drop, arrays_of(list(self._statements.types.values()), keys))

    def _write(self, rows: list[Columns]) -> None:
        self._session.execute(self._statements.put, arrays_of(list(self._statements.types.values()), rows))

    def flush(self) -> None:
        """Write what is pending."""
        if self._pending:
            self._whole.clear()
        if self.fetched:
            for key in self._pending:  # what was fetched before is no longer what is stored
                self.fetched.pop(columns_of(key)[0], None)
        super().flush()

    def written(self) -> None:
        """The batch is written: rows fetched for it may be dropped."""
        self._whole.clear()
        self.fetched.clear()

    def clear(self) -> None:
        """Forget everything: the batch was rolled back, or another process wrote."""
        super().clear()
        self.written()


def arrays_of(types: Sequence[str], rows: Sequence[Columns]) -> list[Any]:
    """Rows as one array per column."""
    return [column(kind, values) for kind, values in zip(types, zip(*rows, strict=True), strict=False)]


class PostgresContents(CachedContents[C]):
    """Content by digest, in one table of the server."""

    MOST_KNOWN = 50_000
    """In each of four tables: together they take less than half of what a handle may keep."""

    def __init__(
        self,
        session: Session,
        name: str,
        encode: Callable[[C], bytes],
        decode: Callable[[int, bytes], C],
    ) -> None:
        super().__init__(encode, decode)
        self._session = session
        sql = queries()
        names = ("id_of", "get", "get_many", "put", "digests")
        self._statements = {one: sql[f"contents_{one}"].replace(":table", name) for one in names}

    def _find(self, digest: bytes) -> int | None:
        columns = self._session.execute(self._statements["id_of"], (digest,)).fetchone()
        return None if columns is None else int(columns[0])

    def _digests_after(self, content_id: int, limit: int) -> list[tuple[bytes, int]]:
        return list(self._session.rows(self._statements["digests"], (content_id, limit)))

    def _stored(self, content_id: int) -> bytes | None:
        columns = self._session.execute(self._statements["get"], (content_id,)).fetchone()
        return None if columns is None else columns[0]

    def _stored_among(self, content_ids: Sequence[int]) -> Iterable[tuple[int, bytes]]:
        return self._session.rows(self._statements["get_many"], (column("bigint", content_ids),))

    def flush(self) -> None:
        """Write new content."""
        if self._pending:
            self._session.execute(self._statements["put"], arrays_of(("bigint", "bytea", "bytea"), self._pending))
            self._pending.clear()
