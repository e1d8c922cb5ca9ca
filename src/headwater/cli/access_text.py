"""Tenants, keys and shares as rows and tables."""

from __future__ import annotations

from typing import Any

from headwater.query.instants import iso
from headwater.query.terminal_text import Line, Span, clean, pad
from headwater.server.access.control_rows import Key, Share, Tenant

_GAP = "  "


def tenant_row(tenant: Tenant) -> dict[str, Any]:
    """A tenant in one row."""
    quota = tenant.quota
    return {
        "name": tenant.name,
        "title": tenant.title,
        "created": iso(tenant.created_at),
        "events/s": quota.events_per_s,
        "bytes/s": quota.bytes_per_s,
        "stored bytes": quota.stored_bytes,
    }


def key_row(key: Key, now: int) -> dict[str, Any]:
    """A key in one row."""
    return {
        "id": key.id,
        "name": key.name,
        "scopes": " ".join(sorted(key.permissions)),
        "created": iso(key.created_at),
        "by": key.created_by,
        "used": None if key.used_at is None else iso(key.used_at),
        "ends": _end(key.expires_at, key.revoked_at),
        "state": "open" if key.is_valid(now) else "ended",
    }


def share_row(share: Share, now: int) -> dict[str, Any]:
    """A share in one row."""
    return {
        "id": share.id,
        "from": share.tenant,
        "to": share.grantee,
        "selector": share.select,
        "ends": _end(share.expires_at, share.revoked_at),
        "state": "open" if share.is_valid(now) else "ended",
    }


def _end(expires_at: int | None, revoked_at: int | None) -> str | None:
    ends = [moment for moment in (expires_at, revoked_at) if moment is not None]
    return iso(min(ends)) if ends else None


def table(rows: list[dict[str, Any]]) -> list[Line]:
    """Rows with the same keys as lines. Columns are as wide as needed, because a shortened key id is useless."""
    text = [[clean("" if value is None else str(value)) for value in row.values()] for row in rows]
    heads = list(rows[0])
    widths = [max(len(head), *(len(line[at]) for line in text)) for at, head in enumerate(heads)]
    lines: list[Line] = [[Span(_GAP.join(pad(head, width) for head, width in zip(heads, widths, strict=True)), "dim")]]
    lines.extend([Span(_GAP.join(pad(v, w) for v, w in zip(line, widths, strict=True)).rstrip())] for line in text)
    return lines
