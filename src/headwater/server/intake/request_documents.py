"""Extracts the documents from a request body, each checked against the limits."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from headwater.errors import InvalidInput
from headwater.formats.decode_errors import not_json
from headwater.server.json_limits import check_json
from headwater.server.settings import Limits
from headwater.storage.ingest import now_us
from headwater.storage.row_types import Quarantined

Checked = bytes | Quarantined
"""A document within the limits, or the entry to quarantine instead."""

_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def one(raw: bytes, limits: Limits) -> bytes:
    """A body with a single document. Raises ``InvalidInput`` if it exceeds a limit."""
    if len(raw) > limits.event_bytes:
        raise InvalidInput(
            field="body",
            value=f"{len(raw):,} bytes",
            rule=f"must have at most {limits.event_bytes:,} bytes (event_bytes)",
        )
    check_json(raw, limits)
    return raw


def array(raw: bytes, member: str) -> list[bytes]:
    """The documents of a body that is an array, or an object whose only member is that array.

    Raises:
        InvalidInput: it is neither.
    """
    hint = f"send [ ... ], or one document a line as application/x-ndjson; one {member[:-1]} has its own route"
    try:
        if raw.lstrip()[:1] == b"{":
            members = _members(raw)
            if list(members) != [member]:
                raise InvalidInput(field="body", value="an object", rule="must be a JSON array", hint=hint)
            raw = bytes(members[member])
        return [bytes(item) for item in _items(raw)]
    except msgspec.ValidationError:
        raise InvalidInput(field="body", rule="must be a JSON array", hint=hint) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(field="body", rule=not_json(error), hint=hint) from None


def checked(documents: Iterable[bytes], kind: str, limits: Limits) -> list[Checked]:
    """Each document, or why it exceeds a limit. ``kind`` is ``event`` or ``record``."""
    found: list[Checked] = []
    for document in documents:
        try:
            found.append(one(document, limits))
        except InvalidInput as error:
            found.append(refusal(document, error, kind))
    return found


def refusal(body: bytes, error: InvalidInput, kind: str, *, size: int = 0) -> Quarantined:
    """The quarantine entry of a refused document: its bytes and the reason."""
    return Quarantined(
        received_at=now_us(),
        body=body,
        field=error.field,
        value=error.value,
        rule=error.rule,
        hint=error.hint,
        kind=kind,
        size_bytes=size,
    )
