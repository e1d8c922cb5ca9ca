"""The console transport: one event per line on standard error."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import ClassVar

from headwater.capture.transports import Delivery, Transport
from headwater.errors import TransportError


class ConsoleTransport(Transport):
    """Writes events as JSON lines to standard error, because standard output belongs to the program."""

    kind: ClassVar[str] = "console"

    def emit(self, batch: Sequence[bytes]) -> Delivery:
        """Write the batch."""
        stream = sys.stderr
        if stream is None:
            raise TransportError("there is no standard error to write events to")
        try:
            stream.write("".join(event.decode() + "\n" for event in batch))
            stream.flush()
        except (OSError, ValueError) as error:
            raise TransportError(f"standard error cannot be written: {error}") from error
        return Delivery(len(batch))
