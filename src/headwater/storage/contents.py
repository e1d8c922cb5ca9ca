"""Content by digest behind a cache, shared by the durable backends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Generic, TypeVar

from headwater.storage.projection.weights import DIGEST, of_content
from headwater.storage.rows import pack, unpack

C = TypeVar("C")


class CachedContents(ABC, Generic[C]):
    """Content by digest. It never changes, so what is cached stays valid until ids may have changed their meaning.

    Ids ascend. Of a store that is not large all digests are cached, so that new content is recognised without a query.
    """

    MOST_KNOWN: ClassVar[int]
    """So many digests are read at once."""

    def __init__(self, encode: Callable[[C], bytes], decode: Callable[[int, bytes], C]) -> None:
        #: of the content taken in since the cache was last empty
        self.weight = 0
        self._encode = encode
        self._decode = decode
        self._ids: dict[bytes, int] = {}
        self._rows: dict[int, C] = {}
        self._pending: list[tuple[int, bytes, bytes]] = []
        #: every digest up to this id is cached; no query is needed while nobody else writes
        self._known_to = 0
        self._is_current = False

    def id_of(self, digest: bytes) -> int | None:
        """The id of the content with that digest, or None."""
        found = self._ids.get(digest)
        if found is None and not self._is_current and len(self._ids) <= self.MOST_KNOWN:
            self._learn()
            found = self._ids.get(digest)
        if found is not None or self._is_current:
            return found
        found = self._find(digest)
        if found is not None:
            self._ids[digest] = found
            self.weight += DIGEST
        return found

    def _learn(self) -> None:
        """Read the stored digests that are not cached yet, unless there are too many."""
        stored = self._digests_after(self._known_to, self.MOST_KNOWN + 1)
        self._ids.update(stored)
        self.weight += DIGEST * len(stored)
        if stored:
            self._known_to = stored[-1][1]
        self._is_current = len(stored) <= self.MOST_KNOWN

    @abstractmethod
    def _find(self, digest: bytes) -> int | None:
        """The id of the stored content with that digest, or None."""

    @abstractmethod
    def _digests_after(self, content_id: int, limit: int) -> list[tuple[bytes, int]]:
        """The first (digest, id) pairs after an id, by id."""

    def add(self, content_id: int, digest: bytes, row: C) -> None:
        """Store new content."""
        content = self._encode(row)
        self._pending.append((content_id, digest, pack(content)))
        self._ids[digest] = content_id
        self._rows[content_id] = row
        self.weight += of_content(row, content)

    def get(self, content_id: int) -> C:
        """The content with that id."""
        found = self._rows.get(content_id)
        if found is None:
            packed = self._stored(content_id)
            if packed is None:
                raise KeyError(content_id)
            found = self._keep(content_id, packed)
        return found

    def get_many(self, content_ids: Iterable[int]) -> dict[int, C]:
        """The content with these ids: from the cache, and the rest with one statement."""
        wanted = set(content_ids)
        unknown = [one for one in wanted if one not in self._rows]
        if unknown:
            for content_id, packed in self._stored_among(unknown):
                self._keep(content_id, packed)
        return {one: self._rows[one] for one in wanted}

    def _keep(self, content_id: int, packed: bytes) -> C:
        content = unpack(packed)
        row = self._rows[content_id] = self._decode(content_id, content)
        self.weight += of_content(row, content)
        return row

    @abstractmethod
    def _stored(self, content_id: int) -> bytes | None:
        """The stored content with that id, packed."""

    @abstractmethod
    def _stored_among(self, content_ids: Sequence[int]) -> Iterable[tuple[int, bytes]]:
        """(id, stored content, packed) of those with these ids."""

    @property
    def is_pending(self) -> bool:
        """Whether there is something to write."""
        return bool(self._pending)

    def catch_up(self) -> None:
        """Another process wrote: there may be content that is not cached."""
        self._is_current = False

    def clear(self) -> None:
        """Drop everything: the batch was rolled back, or the ids may have changed their meaning."""
        self._known_to = 0
        self._is_current = False
        self._ids.clear()
        self._rows.clear()
        self._pending.clear()
        self.weight = 0
