"""What a durable backend provides: tables that write a batch at its end, and a log of every event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from headwater.model.events import Event
from headwater.storage.projection.tables import Tables
from headwater.storage.row_types import Quarantined, QuarantineTotals, StoredEvent
from headwater.storage.touches import Touches


class BatchTables(Tables, Protocol):
    """Tables that gather what a batch changes and write it at its end."""

    @property
    def touches(self) -> Touches:
        """What each of the last commits touched."""

    def expect(self, events: Sequence[Event]) -> None:
        """Find at once what a batch will ask for one by one."""

    def flush(self) -> None:
        """Write everything that is pending."""

    def clear(self) -> None:
        """Forget everything that is cached or pending."""

    def trim(self) -> None:
        """Keep small the caches of rows that nobody else holds, between batches."""

    def is_crowded(self) -> bool:
        """Whether so much is cached that everything should be forgotten."""

    def counter(self, name: str) -> int:
        """The present value of a counter."""

    def advance(self, counter: str, by: int) -> None:
        """Count on."""


class Refused(Protocol):
    """The quarantine of a backend."""

    def keep(self, refused: Sequence[Quarantined]) -> tuple[list[int], int]:
        """Keep what was refused, within the bounds; the ids, and how many older entries had to go for it."""

    def page(self, limit: int, before: int | None) -> list[Quarantined]:
        """Entries, highest id first, below one where it is given."""

    def entry(self, entry_id: int) -> Quarantined | None:
        """One entry; None if there is none of that id."""

    def drop(self, ids: Sequence[int]) -> int:
        """Take entries out; how many there were."""

    def forget(self, before: int) -> None:
        """Drop what was refused before an instant."""

    def totals(self, dropped: int) -> QuarantineTotals:
        """How much there is, and was."""


class Log(Protocol):
    """The event log of a backend: every event verbatim, a frame a commit."""

    def add(self, first_seq: int, keys: Sequence[bytes], received: Sequence[int], bodies: Sequence[bytes]) -> None:
        """Write the events of a commit as one frame."""

    def index(self, events: Sequence[tuple[int, bytes, int]]) -> None:
        """Have (time, key, sequence number) of new events found again."""

    def find(self, events: list[tuple[int, bytes]]) -> dict[bytes, int]:
        """The sequence numbers, by key, of those events that are stored, given by time and key."""

    def note(self, seq: int, key: bytes) -> None:
        """Know the key of an event of the current batch."""

    def settled(self) -> None:
        """The current batch is written, or rolled back."""

    def read(self, since: int) -> Iterator[StoredEvent]:
        """The events after a sequence number, in order."""

    def page(self, since: int) -> list[StoredEvent]:
        """The next events after a sequence number; empty at the end."""

    def between(self, after: int, before: int, *, newest_first: bool) -> Iterator[tuple[int, StoredEvent]]:
        """(event time, event) of the events whose time is in ``[after, before)``, by (time, key)."""

    def forget(self, before: int) -> int:
        """Drop events received before an instant; returns how many. What stays keeps its sequence number."""
