"""The reference of the HTTP API lists every operation, as the code declares it."""

from __future__ import annotations

import os
from pathlib import Path

from headwater.server.openapi import is_described
from headwater.server.routes import operations

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "http-api.md"
HEAD = """# HTTP API

Every operation, with the permission that its key needs. A running service describes them in full, with parameters and
answers: `/api/v1/docs` for people, `/api/v1/openapi.json` for programs. Segments of a path are percent-encoded, slashes
included. A failure is a problem document (RFC 9457) that names field, value and rule; in Marquez's routes it is
Marquez's `{code, message}`.

More about [sending events](http-ingest.md) and [Marquez's routes](marquez-api.md).
"""


def page() -> str:
    """The page, made from the operations."""
    groups: dict[str, list[str]] = {}
    for operation in operations():
        if is_described(operation):
            line = f"| `{operation.method} {operation.path}` | {operation.permission.value} | {operation.summary} |"
            groups.setdefault(operation.group, []).append(line)
    parts = [HEAD]
    for group, lines in groups.items():
        parts.append("\n".join([f"\n## {group}\n", "| operation | permission | |", "|---|---|---|", *lines]) + "\n")
    return "".join(parts)


def test_every_operation_is_in_the_reference():
    """The page is the one that the declarations give; ``HEADWATER_UPDATE_GOLDEN=1`` writes it anew."""
    if os.environ.get("HEADWATER_UPDATE_GOLDEN"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page()
