"""Run ids: UUIDs in one spelling."""

from __future__ import annotations

import re

_CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
_LENIENT = re.compile(
    r"(?:urn:uuid:)?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})"
).fullmatch


def canonical_run_id(text: str) -> str | None:
    """A UUID in lower case with hyphens, whatever its spelling; None when ``text`` is no UUID."""
    if _CANONICAL(text):
        return text
    match = _LENIENT(text.strip().lower())
    return "-".join(match.groups()) if match else None
