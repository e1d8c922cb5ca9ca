"""Which DB-API drivers have an integration of their own."""

from __future__ import annotations

from typing import Final

from headwater.capture.hooks import Hooks

FOLLOWED: Final[set[str]] = set()
"""Names of the drivers whose own integration is installed; libraries on top of them do not report statements again."""


def follow(hooks: Hooks, driver: str) -> None:
    """Mark a driver as followed, until the hooks are removed."""
    FOLLOWED.add(driver)
    hooks.on_remove(lambda: FOLLOWED.discard(driver))
