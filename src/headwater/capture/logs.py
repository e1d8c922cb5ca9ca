"""Our own log messages are redacted before any handler gets them, and printed if ``HEADWATER_DEBUG`` is 1."""

from __future__ import annotations

import logging
import os

from headwater.capture.guard import logger
from headwater.capture.redact import Redactor

_PLAIN = logging.Formatter()


class RedactingFilter(logging.Filter):
    """Masks secrets in the message and traceback of every record of our logger."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self.redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record and keep it."""
        record.msg, record.args = self.redactor.text(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = self.redactor.text(_PLAIN.formatException(record.exc_info))
            record.exc_info = None
        return True


def guard_logs(redactor: Redactor) -> None:
    """Redact our log messages with ``redactor``, from now on."""
    for known in [item for item in logger.filters if isinstance(item, RedactingFilter)]:
        logger.removeFilter(known)
    logger.addFilter(RedactingFilter(redactor))
    if os.environ.get("HEADWATER_DEBUG") == "1" and not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("headwater: %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
