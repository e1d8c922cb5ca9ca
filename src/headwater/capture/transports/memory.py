"""The memory transport: keeps events in a list, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from headwater.capture.transports import Delivery, Transport


class MemoryTransport(Transport):
    """Keeps every event in ``events``, as decoded documents. ``MemoryTransport.latest`` is the newest instance."""

    kind: ClassVar[str] = "memory"
    latest: ClassVar[MemoryTransport | None] = None

    def __init__(self, config: Any = None, folder: Path = Path()) -> None:
        super().__init__(config, folder)
        self.events: list[dict[str, Any]] = []
        MemoryTransport.latest = self

    def emit(self, batch: Sequence[bytes]) -> Delivery:
        """Keep the batch."""
        self.events.extend(msgspec.json.decode(event) for event in batch)
        return Delivery(len(batch))
