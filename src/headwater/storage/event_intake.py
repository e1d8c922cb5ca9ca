"""The writing half of the ``Store`` contract: deliveries of events from arrival to commit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import msgspec

if TYPE_CHECKING:
    from headwater.storage.row_types import Receipt


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A checked batch of events, made by ``Store.prepare`` for the ``write`` of the same store."""

    received_at: int


class Written(ABC):
    """An open transaction with the rows of some deliveries. Until ``commit`` or ``rollback``, which any thread may
    call, the rows are invisible and every other call on the store waits. Leaving the context rolls back unless
    committed."""

    receipts: list[list[Receipt]]
    """For each delivery, a receipt for each event. Valid once ``commit`` has returned."""

    @abstractmethod
    def commit(self) -> None:
        """Make the deliveries durable and visible. Raises a ``StoreError``, with nothing stored, on failure."""

    @abstractmethod
    def rollback(self) -> None:
        """Discard the deliveries. Does nothing after ``commit`` or ``rollback``."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.rollback()


class Intake(ABC):
    """Accepts events."""

    @abstractmethod
    def append(self, events: Sequence[bytes], *, received_at: int | None = None) -> list[Receipt]:
        """Store a batch of OpenLineage events in one commit, with a receipt for each in order.

        Invalid events are refused and quarantined, the rest is stored. A duplicate changes nothing.
        ``received_at`` defaults to now. Raises a ``StoreError`` when nothing could be written.
        """

    @abstractmethod
    def prepare(self, events: Sequence[bytes], *, received_at: int | None = None) -> Delivery:
        """Parse and check a batch without storing it: most of the work, and no I/O.

        Safe to call while another thread is in ``write`` or ``commit``.
        """

    @abstractmethod
    def write(self, deliveries: Sequence[Delivery]) -> Written:
        """Write the rows of prepared deliveries in one transaction that waits for its ``commit``.

        ``append``, ``append_group`` and this method do the same in one, two or three steps. A server with one event
        loop calls ``prepare`` on the loop for each request, ``write`` on the loop for all waiting requests when no
        commit is running, and ``commit`` in a worker thread; then it answers with the receipts. This way no thread
        competes with the loop for the interpreter while rows are written, requests that arrive during a commit share
        the next one, and only the wait for the disk happens in another thread.

        Raises a ``StoreError``, with nothing written, when the store cannot accept writes. Any other exception was
        caused by one of the deliveries: write each on its own to store the rest.
        """

    @abstractmethod
    def size_bytes(self) -> int:
        """Size of the store in bytes, as in ``Statistics``; cheap, however large it is."""

    def append_group(self, deliveries: Sequence[Delivery]) -> list[list[Receipt]]:
        """Store prepared deliveries in one commit: for each, a receipt for each event."""
        with self.write(deliveries) as written:
            written.commit()
        return written.receipts
