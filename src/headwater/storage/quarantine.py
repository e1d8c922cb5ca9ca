"""The quarantine of rejected events: bounded in number and bytes, with one entry for repeated content."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import msgspec

from headwater.storage.row_types import Quarantined

MOST_ENTRIES = 10_000
MOST_BYTES = 64 << 20
MOST_BODY_BYTES = 1 << 20
"""Stored bytes per body; of a longer one only the beginning is kept, with its size."""
_SHORT = 400


def entry_of(refused: Quarantined) -> Quarantined:
    """The entry to store for a refused event, shortened to the bounds."""
    size = max(refused.size_bytes, len(refused.body))
    return msgspec.structs.replace(
        refused,
        body=refused.body[:MOST_BODY_BYTES],
        size_bytes=size,
        field=refused.field[:_SHORT],
        value=refused.value[:_SHORT],
        rule=refused.rule[:_SHORT],
        hint=refused.hint[:_SHORT],
    )


def digest_of(refused: Quarantined) -> bytes:
    """Identifies equal refusals: a digest of the kind, the rule and the body."""
    found = blake2b(digest_size=16)
    for part in (refused.kind.encode(), refused.field.encode(), refused.rule.encode(), refused.body):
        found.update(len(part).to_bytes(8, "little") + part)
    return found.digest()


def surplus(sizes: Iterable[tuple[int, int]], entries: int, total: int) -> list[int]:
    """Ids to drop to restore the bounds, from (id, stored bytes) pairs, oldest first."""
    gone: list[int] = []
    for entry, size in sizes:
        if entries <= MOST_ENTRIES and total <= MOST_BYTES:
            break
        gone.append(entry)
        entries -= 1
        total -= size
    return gone
