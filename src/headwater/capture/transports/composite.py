"""The composite transport: sends events to several transports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from headwater.capture.transports import Delivery, Refused, Transport, make_transport
from headwater.errors import ConfigError, StoreError, TransportError


class CompositeTransport(Transport):
    """Sends every batch to each of its transports, in order.

    With ``continue_on_failure`` the others still receive the batch if one is unavailable. The batch then counts as not
    delivered, and is sent to all of them again later: receivers recognise events that they already have.
    """

    kind: ClassVar[str] = "composite"

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``transports`` as a list of tables, or a table of tables by name."""

        transports: list[dict[str, Any]] | dict[str, dict[str, Any]]
        continue_on_failure: bool = True

    def __init__(self, config: Any, folder: Path) -> None:
        super().__init__(config, folder)
        parts = config.transports.values() if isinstance(config.transports, dict) else config.transports
        self.transports = [make_transport(part, folder) for part in parts]
        for transport in self.transports:
            transport.hurry = self.hurry
        if not self.transports:
            raise ConfigError("transport 'composite': transports must not be empty")

    def emit(self, batch: Sequence[bytes]) -> Delivery:
        """Send the batch to each."""
        refused: list[Refused] = []
        away: list[str] = []
        for transport in self.transports:
            try:
                refused.extend(transport.emit(batch).refused)
            except (TransportError, StoreError) as error:
                away.append(f"{transport.kind}: {error}")
                if not self.config.continue_on_failure:
                    break
        if away:
            raise TransportError("; ".join(away))
        return Delivery(len(batch) - len({item.event for item in refused}), refused)

    def close(self) -> None:
        """Close each."""
        for transport in self.transports:
            transport.close()
