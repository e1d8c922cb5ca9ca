"""The writing half of the ``Store`` contract: deliveries of events from arrival to commit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import msgspec

if TYPE_CHECKING:
    from headwater.storage.row_types import Receipt


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """Events on their way in: read and checked by ``Store.prepare``, taken by the ``write`` of the same store."""

    received_at: int


class Written(ABC):
    """Deliveries whose rows are written and wait for their commit: nobody sees them, and every other call on the store
    waits, until ``commit`` or ``rollback``, either of which any thread may call. Leaving its context rolls back what
    was not committed."""

    receipts: list[list[Receipt]]
    """For each delivery, a receipt for each event. They hold once ``commit`` has returned."""

    @abstractmethod
    def commit(self) -> None:
        """Make them durable and visible. Raises a ``StoreError``, with nothing stored, when that fails."""

    @abstractmethod
    def rollback(self) -> None:
        """Store nothing of them. Does nothing after ``commit`` or ``rollback``."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.rollback()


class Intake(ABC):
    """What takes events in."""

    @abstractmethod
    def append(self, events: Sequence[bytes], *, received_at: int | None = None) -> list[Receipt]:
        """Store a batch of OpenLineage events in one commit, with a receipt for each in order.

        An invalid event is refused and quarantined, the rest of the batch lands. A duplicate changes nothing.
        ``received_at`` defaults to now. Raises a ``StoreError`` when nothing could be written.
        """

    @abstractmethod
    def prepare(self, events: Sequence[bytes], *, received_at: int | None = None) -> Delivery:
        """Read and check a batch without storing it: most of the work, and no I/O.

        It touches nothing that ``write`` or ``commit`` use, so it may go on while another thread commits.
        """

    @abstractmethod
    def write(self, deliveries: Sequence[Delivery]) -> Written:
        """Write the rows of prepared deliveries in one transaction that waits for its ``commit``.

        With ``append_group`` and ``append`` this is the same in one, two or three steps; events and receipts are as for
        ``append``. For a server with one event loop: ``prepare`` each request as it arrives, on the loop; while no
        commit is under way ``write`` all that wait, on the loop; run ``commit`` in a worker thread; answer with the
        receipts. So rows are not written by a thread that competes with the loop for the interpreter, requests that
        arrive during a commit share the next, and only the waiting for the disk happens elsewhere.

        Raises a ``StoreError``, with nothing written, when the store cannot take any of them. Any other exception is a
        fault that one of the deliveries provoked: write each alone to store the rest.
        """

    @abstractmethod
    def size_bytes(self) -> int:
        """Bytes that the store takes, as in ``Statistics``; that costs little, however large it is."""

    def append_group(self, deliveries: Sequence[Delivery]) -> list[list[Receipt]]:
        """Store prepared deliveries in one commit: for each, a receipt for each event."""
        with self.write(deliveries) as written:
            written.commit()
        return written.receipts
