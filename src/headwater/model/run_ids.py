"""Run ids: UUIDs in canonical spelling."""

from __future__ import annotations

from headwater.model.patterns import lazy_pattern

_CANONICAL = lazy_pattern(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
_LENIENT = lazy_pattern(
    r"(?:urn:uuid:)?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})"
).fullmatch


def canonical_run_id(text: str) -> str | None:
    """A UUID in lower case with hyphens, whatever its spelling; None if ``text`` is no UUID."""
    if _CANONICAL(text):
        return text
    match = _LENIENT(text.strip().lower())
    return "-".join(match.groups()) if match else None


def run_of_job(shared: str, namespace: str, name: str) -> str:
    """The run of one job among those that an emitter gives one id: a UUID (version 5) of that id and the job's name."""
    import uuid

    return str(uuid.uuid5(uuid.UUID(shared), f"{namespace}\n{name}"))
