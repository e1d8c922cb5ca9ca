"""One table behind a cache: rows are read once, changed in memory, and written in bulk at the end of a batch.

A question costs a round trip, so none is asked whose answer is known: a row with an id that this transaction handed
out cannot be on the server, and rows that a batch will ask for are fetched together before it begins.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from headwater.storage.postgres.arrays import column
from headwater.storage.postgres.connection import Session, queries
from headwater.storage.projection.touches import TouchNotes
from headwater.storage.rows import Columns, pack, unpack

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")
_NEVER = 2**63


class Fresh:
    """Whether an id was handed out since the rows of a table were last written: no stored row has it then."""

    def __init__(self, counters: dict[str, int], by_column: dict[str, str]) -> None:
        self._counters = counters
        self._by_column = by_column
        self._floor: dict[str, int] = {}

    def __call__(self, name: str, value: Any) -> bool:
        """Whether an id in the column of that name is new."""
        return name in self._by_column and bool(value > self._floor.get(name, _NEVER))

    def written(self) -> None:
        """Rows were written, or a transaction begins: ids up to now may be stored."""
        self._floor = {name: self._counters.get(counter, 0) for name, counter in self._by_column.items()}

    def unknown(self) -> None:
        """Nobody hands out ids: any may be stored."""
        self._floor = {}


class Layout:
    """The statements of a table, made from its columns: ``name type`` each, those of the key first."""

    def __init__(self, table: str, columns: str, key: int) -> None:
        pairs = [part.split() for part in columns.split(",")]
        self.table = table
        self.names = [name for name, _ in pairs]
        self.types = [kind for _, kind in pairs]
        self.keys = self.names[:key]
        self.shown = ", ".join(self.names)
        conflict = ", ".join("name_key" if name == "name" else name for name in self.keys)
        kept = ", ".join(f"{name} = excluded.{name}" for name in self.names[key:])
        arrays = ", ".join(f"%b::{_array(kind)}" for kind in self.types)
        keys = ", ".join(f"%b::{_array(kind)}" for kind in self.types[:key])
        ours = "tenant_id = :tenant"  # names of our own are all that is put together here
        self.put = (
            f"INSERT INTO {table} (tenant_id, {self.shown}) SELECT :owner, rows.* FROM unnest({arrays}) AS rows :beside"  # noqa: S608
            f" ON CONFLICT (tenant_id, {conflict}) DO UPDATE SET {kept}"
        )
        named = ", ".join(self.keys)
        same = " AND ".join(f"{table}.{name} = gone.{name}" for name in self.keys)
        self.drop = f"DELETE FROM {table} USING unnest({keys}) AS gone ({named}) WHERE {ours} AND {same}"  # noqa: S608
        self.select = f"SELECT {self.shown} FROM {table} WHERE {ours}"  # noqa: S608
        self.all = f"{self.select} ORDER BY {', '.join(self.keys)}"
        self.get = self.where(self.keys)

    def _is(self, name: str) -> str:
        if self.table == "changes" and name == "name":
            return "name_key = md5(%s::text)"
        if self.table == "versions" and name == "tag":
            return "md5(tag) = md5(%s::text)"  # as its index has it
        return f"{name} = %s"

    def where(self, names: Sequence[str]) -> str:
        """The rows in which these columns have given values."""
        return self.select + "".join(f" AND {self._is(name)}" for name in names)

    def among(self, name: str) -> str:
        """The rows in which a column has one of some values."""
        return f"{self.select} AND {name} = ANY(%b::{_array(self.types[self.names.index(name)])})"


def _array(kind: str) -> str:
    return "bigint[]" if kind == "smallint" else f"{kind}[]"


class PostgresTable(Generic[K, R]):
    """Rows of one table. ``encode`` gives the columns in the order of the layout, ``decode`` takes them."""

    def __init__(
        self,
        session: Session,
        layout: Layout,
        key: Callable[[R], K],
        encode: Callable[[R], Columns],
        decode: Callable[..., R],
        fresh: Fresh,
        *,
        cache_size: int = 20_000,
    ) -> None:
        self._session = session
        self.layout = layout
        self._key = key
        self._encode = encode
        self._decode = decode
        self.fresh = fresh
        self._cache_size = cache_size
        self.notes: TouchNotes | None = None
        self._rows: dict[K, R] = {}
        self._pending: dict[K, R | None] = {}
        self._absent: set[K] = set()
        #: the keys of every stored row in which a column has a value, until the batch is written
        self._whole: dict[tuple[str, Any], list[K]] = {}
        #: keys of pending rows by the columns that were asked for; rows change, so what is found is looked at again
        self._indexes: dict[tuple[str, ...], dict[Any, dict[K, None]]] = {}

    # -- one row ---------------------------------------------------------------------------------------------------
    def get(self, key: K) -> R | None:
        """The row of that key; the same object for as long as the batch lasts."""
        found = self._rows.get(key)
        if found is not None:
            return found
        if key in self._absent or key in self._pending or self._is_new(key):
            return None
        columns = self._session.execute(self.layout.get, _columns(key)).fetchone()
        if columns is None:
            self._absent.add(key)
            return None
        return self.keep(self._decode(*columns))

    def _is_new(self, key: K) -> bool:
        pairs = list(zip(self.layout.keys, _columns(key), strict=True))
        return any(self.fresh(name, value) or (name, value) in self._whole for name, value in pairs)

    def put(self, row: R) -> None:
        """Insert the row, or write it again after a change."""
        key = self._key(row)
        self._rows[key] = row
        self._pending[key] = row
        self._absent.discard(key)
        for names, index in self._indexes.items():
            index.setdefault(tuple([getattr(row, name) for name in names]), {})[key] = None

    def drop(self, key: K) -> None:
        """Remove the row if it is there."""
        if self.notes is not None:
            self.notes([self.get(key)])
        self._rows.pop(key, None)
        self._pending[key] = None

    def keep(self, row: R) -> R:
        """The row in the cache with that key, else this one."""
        return self._rows.setdefault(self._key(row), row)

    def touches(self, name: str, value: Any) -> bool:
        """Whether a row with that value is put, or dropped, and not written yet."""
        return any(_columns(key)[self.layout.keys.index(name)] == value for key in self._pending)

    # -- many rows -------------------------------------------------------------------------------------------------
    def expect(self, keys: Iterable[K]) -> None:
        """Fetch the rows of these keys, of one column, that are not cached."""
        unknown = {key for key in keys if key not in self._rows and key not in self._absent and not self._is_new(key)}
        unknown.difference_update(self._pending)
        if unknown:
            self._absent.update(unknown - {self._key(row) for row in self.among(self.layout.keys[0], list(unknown))})

    def expect_all(self, name: str, values: Iterable[Any]) -> None:
        """Fetch every row in which a column has one of some values; for the length of the batch there is no other."""
        unknown = [value for value in set(values) if (name, value) not in self._whole and not self.fresh(name, value)]
        if unknown:
            self._whole.update(((name, value), []) for value in unknown)
            for row in self.among(name, unknown):
                self._whole[name, getattr(row, name)].append(self._key(row))

    def among(self, name: str, values: Sequence[Any]) -> list[R]:
        """The stored rows in which a column has one of some values."""
        given = column(self.layout.types[self.layout.names.index(name)], values)
        return self.stored(self.layout.among(name), (given,))

    def get_many(self, keys: Iterable[K]) -> list[R]:
        """The rows of these keys: those in the cache, and the others by one statement."""
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

    @property
    def is_pending(self) -> bool:
        """Whether there is something to write."""
        return bool(self._pending)

    def pending(self, **equal: Any) -> list[R]:
        """Rows with these values that are put and not written yet."""
        names = tuple(sorted(equal))
        keys = self._index(names).get(tuple([equal[name] for name in names]), ())
        rows = [row for key in keys if (row := self._pending.get(key)) is not None]
        return [row for row in rows if all(getattr(row, name) == equal[name] for name in names)]

    def _index(self, names: tuple[str, ...]) -> dict[Any, dict[K, None]]:
        """The keys of pending rows by these columns."""
        index = self._indexes.get(names)
        if index is None:
            index = self._indexes[names] = {}
            for key, row in self._pending.items():
                if row is not None:
                    index.setdefault(tuple([getattr(row, name) for name in names]), {})[key] = None
        return index

    def _where(self, names: Sequence[str], equal: dict[str, Any]) -> list[R]:
        """The stored rows with these values, as far as they are not changed by this batch."""
        if any(self.fresh(name, value) for name, value in equal.items()):
            return []
        for name, value in equal.items():
            keys = self._whole.get((name, value))
            if keys is not None:
                rows = [row for key in keys if (row := self._rows.get(key)) is not None]
                return [row for row in rows if all(getattr(row, one) == equal[one] for one in names)]
        return self.stored(self.layout.where(names), tuple(equal[name] for name in names))

    def rows(self) -> Iterator[R]:
        """Every row, by key; made as they are asked for, and not kept."""
        self.flush()
        for columns in self._session.rows(self.layout.all, ()):
            row = self._decode(*columns)
            yield self._rows.get(self._key(row), row)

    def select(self, statement: str, parameters: Columns) -> list[R]:
        """The rows of a statement that gives all columns of the table."""
        self.flush()
        return self.stored(statement, parameters)

    def stored(self, statement: str, parameters: Columns) -> list[R]:
        """The rows of such a statement as they are stored, whatever is pending."""
        decode, keep = self._decode, self.keep
        found = [decode(*columns) for columns in self._session.rows(statement, parameters)]
        return [keep(row) for row in found if self._pending.get(self._key(row), row) is not None]

    # -- writing ---------------------------------------------------------------------------------------------------
    def flush(self) -> None:
        """Write what is pending."""
        if not self._pending:
            return
        gone = [_columns(key) for key, row in self._pending.items() if row is None]
        written = [self._encode(row) for row in self._pending.values() if row is not None]
        if gone:
            self._session.execute(self.layout.drop, arrays_of(self.layout.types, gone))
        if written:
            self._session.execute(self.layout.put, arrays_of(self.layout.types, written))
        if self.notes is not None:
            self.notes(self._pending.values())
        self._pending.clear()
        self._indexes.clear()
        self._whole.clear()
        self.fresh.written()

    def __len__(self) -> int:
        return len(self._rows)

    def written(self) -> None:
        """The batch is written: what was fetched for it may be let go."""
        self._whole.clear()

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
        self._whole.clear()
        self._indexes.clear()


def arrays_of(types: Sequence[str], rows: Sequence[Columns]) -> list[Any]:
    """Rows as one array a column, for as many columns as the rows have."""
    return [column(kind, values) for kind, values in zip(types, zip(*rows, strict=True), strict=False)]


class PostgresContents(Generic[R]):
    """Content by digest. Ids rise with time and content never changes, so what is known stays known; the digests of a
    store that is not large are all known, and nothing is asked to learn that content is new."""

    MOST_KNOWN = 100_000

    def __init__(
        self,
        session: Session,
        name: str,
        encode: Callable[[R], bytes],
        decode: Callable[[int, bytes], R],
    ) -> None:
        self._session = session
        self._encode = encode
        self._decode = decode
        self._ids: dict[bytes, int] = {}
        self._rows: dict[int, R] = {}
        self._pending: list[tuple[int, bytes, bytes]] = []
        #: every digest up to this id is known; nothing is asked while nobody else writes
        self._known_to = 0
        self._is_current = False
        sql = queries()
        names = ("id_of", "get", "get_many", "put", "digests")
        self._statements = {one: sql[f"contents_{one}"].replace(":table", name) for one in names}

    def id_of(self, digest: bytes) -> int | None:
        """The id under which that content is stored."""
        found = self._ids.get(digest)
        if found is None and not self._is_current and len(self._ids) <= self.MOST_KNOWN:
            self._learn()
            found = self._ids.get(digest)
        if found is not None or self._is_current:
            return found
        columns = self._session.execute(self._statements["id_of"], (digest,)).fetchone()
        if columns is not None:
            found = self._ids[digest] = int(columns[0])
        return found

    def _learn(self) -> None:
        """Read the digests of what is stored and not known yet, unless there are too many."""
        stored = self._session.rows(self._statements["digests"], (self._known_to, self.MOST_KNOWN + 1))
        self._ids.update(stored)
        if stored:
            self._known_to = stored[-1][1]
        self._is_current = len(stored) <= self.MOST_KNOWN

    def add(self, content_id: int, digest: bytes, row: R) -> None:
        """Store content that is new."""
        self._pending.append((content_id, digest, pack(self._encode(row))))
        self._ids[digest] = content_id
        self._rows[content_id] = row

    def get(self, content_id: int) -> R:
        """The content of that id."""
        found = self._rows.get(content_id)
        if found is None:
            columns = self._session.execute(self._statements["get"], (content_id,)).fetchone()
            if columns is None:
                raise KeyError(content_id)
            found = self._rows[content_id] = self._decode(content_id, unpack(columns[0]))
        return found

    def get_many(self, content_ids: Iterable[int]) -> dict[int, R]:
        """The content of these ids: that in the cache, and the other by one statement."""
        wanted = set(content_ids)
        unknown = [one for one in wanted if one not in self._rows]
        if unknown:
            given = (column("bigint", unknown),)
            for content_id, content in self._session.rows(self._statements["get_many"], given):
                self._rows[content_id] = self._decode(content_id, unpack(content))
        return {one: self._rows[one] for one in wanted}

    def catch_up(self) -> None:
        """Another process wrote: there may be content that is not known."""
        self._is_current = False

    @property
    def is_pending(self) -> bool:
        """Whether there is something to write."""
        return bool(self._pending)

    def flush(self) -> None:
        """Write what is new."""
        if self._pending:
            self._session.execute(self._statements["put"], arrays_of(("bigint", "bytea", "bytea"), self._pending))
            self._pending.clear()

    def __len__(self) -> int:
        return len(self._rows)

    def clear(self) -> None:
        """Forget everything: the batch was rolled back, or the ids may mean something else now."""
        self._ids.clear()
        self._rows.clear()
        self._pending.clear()
        self._known_to = 0
        self._is_current = False


def _columns(key: Any) -> Columns:
    return key if isinstance(key, tuple) else (key,)
