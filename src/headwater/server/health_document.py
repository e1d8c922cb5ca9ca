"""Whether a service can do its work, as it says so. Imported by who only asks, so it imports nothing of the service."""

from __future__ import annotations

import msgspec


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    name: str
    is_good: bool
    says: str = ""


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether all checks are good, and each of them."""

    is_ready: bool
    checks: list[Check]
