"""Protocols that a durable backend implements: tables that write a batch at its end, and a log of every event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from headwater.model.events import Event
from headwater.storage.projection.tables import Tables
from headwater.storage.row_types import Quarantined, QuarantineTotals, StoredEvent
from headwater.storage.touches import Touches


class BatchTables(Tables, Protocol):
    """Tables that collect the changes of a batch and write them at its end."""

    @property
    def touches(self) -> Touches:
        """The nodes that each of the last commits touched."""

    def expect(self, events: Sequence[Event]) -> None:
        """Prefetch the rows that a batch will need."""

    def flush(self) -> None:
        """Write everything pending."""

    def clear(self) -> None:
        """Drop everything cached or pending."""

    def trim(self) -> None:
        """Keep the caches of rows small, between batches."""

    @property
    def weight(self) -> int:
        """The bytes that the caches take, by estimate."""

    def counter(self, name: str) -> int:
        """The current value of a counter."""

    def advance(self, counter: str, by: int) -> None:
        """Advance a counter."""


class Refused(Protocol):
    """The quarantine of a backend."""

    def keep(self, refused: Sequence[Quarantined]) -> tuple[list[int], int]:
        """Store refused events, within the bounds; returns their ids and how many older entries were dropped."""

    def holds(self, refused: Quarantined) -> bool:
        """Whether there is an entry for this refusal."""

    def page(self, limit: int, before: int | None) -> list[Quarantined]:
        """Entries, highest id first; with ``before`` only those with a lower id."""

    def entry(self, entry_id: int) -> Quarantined | None:
        """One entry, or None if there is none with that id."""

    def drop(self, ids: Sequence[int]) -> int:
        """Remove entries; returns how many there were."""

    def forget(self, before: int) -> None:
        """Drop entries refused before an instant."""

    def totals(self, dropped: int) -> QuarantineTotals:
        """The size of the quarantine; ``dropped`` is how many entries were dropped so far."""


class Log(Protocol):
    """The event log of a backend: every event verbatim, one frame per commit."""

    def add(self, first_seq: int, keys: Sequence[bytes], received: Sequence[int], bodies: Sequence[bytes]) -> None:
        """Write the events of a commit as one frame."""

    def index(self, events: Sequence[tuple[int, bytes, int]]) -> None:
        """Index new events, given as (time, key, sequence number)."""

    def find(self, events: list[tuple[int, bytes]]) -> dict[bytes, int]:
        """The sequence numbers, by key, of the given (time, key) events that are stored."""

    def note(self, seq: int, key: bytes) -> None:
        """Remember the key of an event of the current batch."""

    def settled(self) -> None:
        """The current batch was committed or rolled back."""

    def read(self, since: int) -> Iterator[StoredEvent]:
        """The events after a sequence number, in order."""

    def page(self, since: int) -> list[StoredEvent]:
        """The next events after a sequence number; empty at the end."""

    def between(self, after: int, before: int, *, newest_first: bool) -> Iterator[tuple[int, StoredEvent]]:
        """(event time, event) of the events whose time is in ``[after, before)``, by (time, key)."""

    def forget(self, before: int) -> int:
        """Delete events received before an instant; returns how many. The rest keep their sequence numbers."""
