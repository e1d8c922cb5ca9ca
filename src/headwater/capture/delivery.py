"""Delivers finished events to their destination, or to the spool while it is unavailable.

Nothing here raises into the worker: an unavailable destination is tried again after growing pauses, events that it
refuses for good are kept as dead letters with the reason, and events that can be kept nowhere are counted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headwater.capture.child_reads import remove_unheard
from headwater.capture.guard import GUARD, logger
from headwater.capture.lease import Lease, abandoned, closing_event
from headwater.capture.spool import Spool
from headwater.capture.transports import Refused, Transport, make_transport
from headwater.errors import HeadwaterError

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
DEFER_S = 10.0
"""How long events for the embedded store may wait in the spool, on disk, before they are stored."""
BATCH_EVENTS = 500
BATCH_BYTES = 4 * 1024 * 1024


class Delivery:
    """Sends events. For one thread at a time: the worker's, or the one that ends the process."""

    def __init__(
        self,
        transport: Mapping[str, Any],
        folder: Path,
        *,
        max_queue_bytes: int = 64 * 1024 * 1024,
        spool_max_bytes: int = 256 * 1024 * 1024,
    ) -> None:
        self._settings = transport
        self._folder = folder
        self._max_queue_bytes = max_queue_bytes
        self.spool = Spool(folder / "spool", max_bytes=spool_max_bytes)
        self.lease = Lease(folder / "spool")
        self._transport: Transport | None = None
        self._unkept: list[bytes] = []
        self._away_until = 0.0
        self._pause_s = FIRST_PAUSE_S
        self._is_drained = False
        self._is_hurried = False
        self._deferred_until = time.monotonic() + DEFER_S
        self.away = ""
        """Why the destination could not be reached last time; empty while it can be."""
        self._spool_fault = ""
        """Why the spool could not be written last time; empty while it can be."""
        self.delivered = 0
        self.refused = 0
        self.dropped = 0
        """Events that could be kept nowhere."""
        self.drained = 0
        self.gaps = 0
        """Events that earlier processes dropped, according to their spools."""

    # -- sending -------------------------------------------------------------------------------------------------------
    def send(self, events: Sequence[bytes], *, is_urgent: bool = False, is_last: bool = False) -> None:
        """Deliver events, or keep them. ``is_urgent``: a caller waits for the delivery. ``is_last``: the process ends,
        and there is no time to wait for an unavailable destination."""
        waiting = self._unkept + list(events)
        self._unkept = []
        if self._is_deferred(is_urgent or is_last):
            if waiting:
                self._keep(waiting)
            return
        is_due = time.monotonic() >= self._away_until
        if waiting and (is_due or (is_last and not self.away)):
            waiting = self._try_to_send(waiting)
        if waiting:
            self._keep(waiting)
        elif not self.away and (is_last or not self._is_drained) and self.spool.has_leftovers():
            self.drain()

    def _is_deferred(self, is_urgent: bool) -> bool:
        """Whether to put events into the spool first: opening a store loads modules and takes processor time that the
        start of the program needs, and events in the spool are as safe."""
        if self._settings.get("kind", "embedded") != "embedded":
            return False
        now = time.monotonic()
        if not is_urgent and now < self._deferred_until:
            return True
        self._deferred_until = now + DEFER_S
        return False

    def _try_to_send(self, waiting: list[bytes]) -> list[bytes]:
        """Send in batches. Returns the events that were not delivered."""
        sent = 0
        try:
            transport = self.transport()
            for batch in _batches(waiting):
                self._deliver(transport, batch)
                sent += len(batch)
        except HeadwaterError as error:  # it cannot be reached, or a setting is wrong, which shows on first use
            self._is_away(error)
        except Exception as error:  # noqa: BLE001 - the queue worker's rule: treat a broken transport as unavailable
            GUARD.failed("transport", error)
            self._is_away(error)
        else:
            if self.away:
                self._is_drained = False
            self.away, self._pause_s, self._away_until = "", FIRST_PAUSE_S, 0.0
        return waiting[sent:]

    def _deliver(self, transport: Transport, batch: list[bytes]) -> None:
        delivery = transport.emit(batch)
        self.delivered += delivery.taken
        if delivery.refused:
            self.refused += len(delivery.refused)
            self._bury(delivery.refused)

    def _is_away(self, error: Exception) -> None:
        self.away = str(error) or type(error).__name__
        self._away_until = time.monotonic() + self._pause_s
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
        logger.debug("the destination is away: %s", self.away)

    def transport(self) -> Transport:
        """The transport, created on first use.

        Raises:
            ConfigError: its settings are invalid.
        """
        if self._transport is None:
            self._transport = make_transport(self._settings, self._folder)
            if self._is_hurried:
                self._transport.hurry.set()
        return self._transport

    def hurry(self) -> None:
        """Shorten the pauses of the transport, existing or created later, because the process ends."""
        self._is_hurried = True
        if self._transport is not None:
            self._transport.hurry.set()

    # -- keeping -------------------------------------------------------------------------------------------------------
    def _keep(self, events: list[bytes]) -> None:
        """Put events into the spool or, if it cannot be written, keep them in memory up to a limit."""
        try:
            kept = self.spool.append(events)
        except OSError as error:
            self._spool_fault = error.strerror or str(error)
            self._unkept = self._trim(events)
        else:
            self._spool_fault = ""
            self.dropped += len(events) - kept
            self._is_drained = False

    def _trim(self, events: list[bytes]) -> list[bytes]:
        room = self._max_queue_bytes
        for position, event in enumerate(events):
            room -= len(event)
            if room < 0:
                self.dropped += len(events) - position
                return events[:position]
        return events

    def keep(self, events: list[bytes]) -> None:
        """Write events to disk at once, for the next process to deliver, because this one is ending."""
        waiting, self._unkept = self._unkept + events, []
        if waiting:
            self._keep(waiting)

    @property
    def why_unkept(self) -> str:
        """Why events are in memory only."""
        fault = self._spool_fault and f"the spool cannot be written: {self._spool_fault}"
        return "; ".join(filter(None, (self.away or "the destination is away", fault)))

    @property
    def unkept(self) -> int:
        """Events that are in memory only."""
        return len(self._unkept)

    def _bury(self, refused: Sequence[Refused]) -> None:
        """Keep the events that the destination refused for good, with its reasons."""
        path = self._folder / "dead_letters.jsonl"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                for event, reason in refused:
                    file.write(json.dumps({"reason": reason, "event": json.loads(event)}).encode() + b"\n")
        except (OSError, ValueError) as error:
            logger.debug("%d refused events could not be kept: %s", len(refused), error)

    # -- what others left ----------------------------------------------------------------------------------------------
    def drain(self) -> None:
        """Deliver what ended processes left in the spool, and close the runs that they left open."""
        self._is_drained = True
        try:
            transport = self.transport()
            drained = self.spool.drain(lambda batch: self._deliver(transport, batch))
            self.drained += drained.events
            self.gaps += drained.gaps
            self._close_abandoned(transport)
        except (HeadwaterError, OSError) as error:
            self._is_away(error)

    def _close_abandoned(self, transport: Transport) -> None:
        remove_unheard(self.spool.folder)
        for path, runs in abandoned(self.spool.folder):
            events = [closing_event(run) for run in runs]
            if events:
                self._deliver(transport, events)
            path.unlink(missing_ok=True)

    # -- the end, and forks --------------------------------------------------------------------------------------------
    def close(self) -> None:
        """Close the destination and the spool; the next ``send`` opens them again."""
        self.release_transport()
        self.spool.close()

    def release_transport(self) -> None:
        """Close the destination before a fork: a database connection must not be carried into a child."""
        if self._transport is not None:
            self._transport.close()

    def after_fork(self) -> None:
        """In the child of a fork: forget everything that belongs to the parent, without closing it."""
        _LEFT_TO_PARENT.append(self._transport)
        self._transport = None
        self._is_hurried = False
        self._unkept = []
        self.spool.forget()
        self.lease.forget()
        self._is_drained = True  # the parent, or the next process, drains
        self.delivered = self.refused = self.dropped = self.drained = self.gaps = 0
        self.away, self._away_until, self._pause_s = "", 0.0, FIRST_PAUSE_S
        self._spool_fault = ""


_LEFT_TO_PARENT: list[Any] = []
"""Transports inherited through a fork, kept alive so that they are never closed here."""


def _batches(events: list[bytes]) -> list[list[bytes]]:
    batches: list[list[bytes]] = [[]]
    size = 0
    for event in events:
        if batches[-1] and (len(batches[-1]) >= BATCH_EVENTS or size + len(event) > BATCH_BYTES):
            batches.append([])
            size = 0
        batches[-1].append(event)
        size += len(event)
    return batches
