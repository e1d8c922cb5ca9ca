"""A table behind a cache: rows are read once, changed in memory, and written in bulk at the end of a batch.

Shared by the durable backends. Queries are expensive, so none is made whose answer is known: no stored row can have an
id that was allocated since the last write, and pending rows have indexes of their own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, Generic, TypeVar

from headwater.storage.projection.tables import Counter
from headwater.storage.projection.touches import TouchNotes
from headwater.storage.projection.weights import ENTRY, MOST_TABLE_BYTES, ROW
from headwater.storage.rows import Columns

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")
_HANDED_OUT: dict[str, Counter] = {
    "id": "node", "node": "node", "job": "node", "target": "node", "source": "node", "dataset": "node",
    "subject": "name",
}  # fmt: skip
"""The counter that allocates the ids of a column; ``id`` is each table's own."""
_OWN_IDS: dict[str, Counter] = {"names": "name", "runs": "run", "versions": "step", "derivations": "step"}


class Fresh:
    """Tells whether an id was allocated since the rows of a table were last written, so that no stored row has it."""

    def __init__(self, counters: Mapping[str, int], table: str) -> None:
        self._counters = counters
        self._by_column = {**_HANDED_OUT, "id": _OWN_IDS.get(table, "node")}
        #: the counters when the rows were last written; None while any id may be stored
        self._floor: Mapping[str, int] | None = None

    def __call__(self, name: str, value: Any) -> bool:
        """Whether an id in the column of that name is new."""
        counter = self._by_column.get(name)
        return counter is not None and self._floor is not None and bool(value > self._floor.get(counter, 0))

    def places(self, columns: Sequence[str]) -> list[int]:
        """The positions of the columns that hold ids."""
        return [place for place, name in enumerate(columns) if name in self._by_column]

    def written(self) -> None:
        """Rows were written, or a transaction began: ids allocated so far may be stored."""
        self._floor = dict(self._counters)

    def unknown(self) -> None:
        """Allocation is unknown: any id may be stored."""
        self._floor = None


class CachedTable(ABC, Generic[K, R]):
    """The cache of a table, and its pending writes.

    ``keys`` are the columns of its key. ``encode`` returns the columns of a row in the order of the statements, and
    ``decode`` takes them in that order. ``weigh`` estimates the bytes that a row
    takes; without it they are ``ROW``.
    """

    def __init__(
        self,
        keys: Sequence[str],
        encode: Callable[[R], Columns],
        decode: Callable[..., R],
        weigh: Callable[[R], int] | None,
        fresh: Fresh,
        cache_size: int,
    ) -> None:
        self.fresh = fresh
        #: estimated bytes of the cached rows
        self.weight = 0
        #: those of each row of a table whose rows have long values
        self._weights: dict[K, int] = {}
        self.notes: TouchNotes | None = None
        self._keys = keys
        self._id_places = fresh.places(keys)
        key: Any = attrgetter(*keys)
        self._key: Callable[[R], K] = key
        self._encode = encode
        self._decode = decode
        self._weigh = weigh
        self._cache_size = cache_size
        self._rows: dict[K, R] = {}
        self._pending: dict[K, R | None] = {}
        self._absent: set[K] = set()
        #: keys of pending rows by queried columns; rows change after they are indexed, so each hit is checked again
        self._indexes: dict[tuple[str, ...], dict[Any, dict[K, None]]] = {}

    def get(self, key: K) -> R | None:
        """The row with that key; the same object throughout a batch."""
        found = self._rows.get(key)
        if found is not None:
            return found
        if key in self._absent or key in self._pending or self._is_new(key):
            return None
        columns = self._stored(columns_of(key))
        if columns is None:
            self._absent.add(key)
            self.weight += ENTRY
            return None
        return self.keep(self._decode(*columns))

    @abstractmethod
    def _stored(self, key: Columns) -> Columns | None:
        """The columns of the stored row with that key."""

    def _is_new(self, key: K) -> bool:
        """Whether the key alone shows that no such row is stored."""
        if not self._id_places:
            return False
        columns = columns_of(key)
        return any(self.fresh(self._keys[place], columns[place]) for place in self._id_places)

    def put(self, row: R) -> None:
        """Insert the row, or update it after a change."""
        key = self._key(row)
        if self._weigh is None and key in self._rows:
            self._rows[key] = row
        else:
            self._take(key, row)
        self._pending[key] = row
        if self._absent:
            self._absent.discard(key)
        if self._indexes:
            for names, index in self._indexes.items():
                index.setdefault(tuple([getattr(row, name) for name in names]), {})[key] = None

    def _take(self, key: K, row: R) -> None:
        """Cache a row. Its long values may have changed since."""
        if self._weigh is not None:
            weight = self._weigh(row)
            self.weight += weight - self._weights.get(key, 0)
            self._weights[key] = weight
        elif key not in self._rows:
            self.weight += ROW
        self._rows[key] = row

    def drop(self, key: K) -> None:
        """Remove the row if it is there."""
        if self.notes is not None:
            self.notes([self.get(key)])
        self._rows.pop(key, None)
        self._pending[key] = None

    def keep(self, row: R) -> R:
        """The cached row with the same key, or else this one, now cached."""
        key = self._key(row)
        found = self._rows.get(key)
        if found is None:
            self._take(key, row)
            return row
        return found

    # -- pending writes --------------------------------------------------------------------------------------------
    @property
    def is_pending(self) -> bool:
        """Whether there is something to write."""
        return bool(self._pending)

    def put_rows(self) -> Iterator[R]:
        """The rows to be written."""
        return (row for row in self._pending.values() if row is not None)

    def pending(self, **equal: Any) -> list[R]:
        """The rows to be written that have these values."""
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

    def flush(self) -> None:
        """Write everything pending."""
        if not self._pending:
            return
        gone = [columns_of(key) for key, row in self._pending.items() if row is None]
        written = [self._encode(row) for row in self._pending.values() if row is not None]
        if gone:
            self._remove(gone)
        if written:
            self._write(written)
        if self.notes is not None:
            self.notes(self._pending.values())
        self._pending.clear()
        self._indexes.clear()
        self.fresh.written()

    @abstractmethod
    def _remove(self, keys: list[Columns]) -> None:
        """Delete the stored rows with these keys."""

    @abstractmethod
    def _write(self, rows: list[Columns]) -> None:
        """Store these rows, replacing those with the same keys."""

    # -- the cache -------------------------------------------------------------------------------------------------
    def trim(self) -> None:
        """Keep the cache small, between batches."""
        if len(self._rows) > self._cache_size or self.weight > MOST_TABLE_BYTES:
            self.let_go()
        if len(self._absent) > self._cache_size:
            self._absent.clear()

    def let_go(self) -> None:
        """Drop the cached rows, of which none may be pending."""
        self._rows.clear()
        self._weights.clear()
        self.weight = 0

    def clear(self) -> None:
        """Drop everything: the batch was rolled back, or another process wrote."""
        self.let_go()
        self._pending.clear()
        self._absent.clear()
        self._indexes.clear()
        self.fresh.unknown()


def columns_of(key: Any) -> Columns:
    """A key as columns."""
    return key if isinstance(key, tuple) else (key,)
