"""The discard transport: drops every event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from headwater.capture.transports import Delivery, Transport


class DiscardTransport(Transport):
    """Takes every event and keeps none."""

    kind: ClassVar[str] = "discard"

    def emit(self, batch: Sequence[bytes]) -> Delivery:
        """Forget the batch."""
        return Delivery(len(batch))
