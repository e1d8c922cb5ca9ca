"""The health document of a service. Clients that only query it import this, so it imports nothing of the service."""

from __future__ import annotations

import msgspec


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one check."""

    name: str
    is_good: bool
    message: str = ""


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether all checks passed, and each of them."""

    is_ready: bool
    checks: list[Check]
