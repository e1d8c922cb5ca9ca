"""Structured logs: one JSON document per line, with facts about requests and never their content."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any, Literal, TextIO

import msgspec

from headwater.query.instants import iso_utc

LogFormat = Literal["json", "text", "none"]
REQUESTS = logging.getLogger("headwater.requests")
SERVICE = logging.getLogger("headwater.service")
_MICROSECONDS = 1_000_000


class _Formatter(logging.Formatter):
    """Common to both formats: exceptions are logged by type and location only."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - a name of the standard library
        """The traceback without the messages of exceptions, which can contain user data."""
        error: BaseException | None = ei[1]
        parts: list[str] = []
        while error is not None:
            kind = type(error)
            parts.append("".join([*traceback.format_tb(error.__traceback__), f"{kind.__module__}.{kind.__qualname__}"]))
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\n-- which led to --\n".join(reversed(parts))


class JsonFormatter(_Formatter):
    """A record as one line of JSON; ``extra={"facts": {...}}`` adds members."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        document: dict[str, Any] = {
            "at": iso_utc(round(record.created * _MICROSECONDS)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            document["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(document).decode()


class TextFormatter(_Formatter):
    """The same for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        facts = " ".join(f"{name}={value}" for name, value in getattr(record, "facts", {}).items() if value != "")
        line = f"{iso_utc(round(record.created * _MICROSECONDS))} {record.levelname.lower()} {record.getMessage()}"
        error = "\n" + self.formatException(record.exc_info) if record.exc_info else ""
        return f"{line} {facts}".rstrip() + error


def set_up(form: LogFormat, *, stream: TextIO | None = None) -> None:
    """Log the service and the HTTP server to standard error in one format; ``none`` keeps warnings only."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    level = logging.WARNING if form == "none" else logging.INFO
    for name in ("headwater", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(level if name == "headwater" else logging.WARNING)
