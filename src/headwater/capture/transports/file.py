"""The file transport: events as JSON lines, appended to one file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from headwater.capture.transports import Delivery, Transport
from headwater.errors import TransportError


class FileTransport(Transport):
    """Appends events to ``path``. Each batch is a single write to a file opened for appending, so that the lines of
    processes sharing the file do not get mixed."""

    kind: ClassVar[str] = "file"

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``path`` of the file, whose folder is created if needed."""

        path: str

    def __init__(self, config: Any, folder: Path) -> None:
        super().__init__(config, folder)
        self.path = Path(config.path).expanduser().absolute()

    def emit(self, batch: Sequence[bytes]) -> Delivery:
        """Append the batch."""
        data = b"\n".join(batch) + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                start = os.fstat(descriptor).st_size
                written = os.write(descriptor, data)
                if written < len(data):
                    os.ftruncate(descriptor, start)
                    raise TransportError(f"{self.path} took {written} of {len(data)} bytes", hint="free some space")
            finally:
                os.close(descriptor)
        except OSError as error:
            raise TransportError(f"{self.path} cannot be written: {error.strerror}") from error
        return Delivery(len(batch))
