"""Limits on the shape of incoming JSON, checked before it is decoded."""

from __future__ import annotations

from headwater.errors import InvalidInput
from headwater.formats.nesting import is_deeper, without_escapes
from headwater.server.settings import Limits


def check_json(raw: bytes, limits: Limits) -> None:
    """Refuse a document that is nested too deeply, has too many keys, or too long a key or string.

    Other errors are left to the decoder. Takes a microsecond per kilobyte for documents well within the limits.
    Raises:
        InvalidInput: it exceeds a limit, which the rule names.
    """
    plain = without_escapes(raw)
    if is_deeper(plain, limits.json_depth):
        raise InvalidInput(field="body", rule=f"must be nested at most {limits.json_depth} deep (json_depth)")
    # A document has fewer keys than bytes, so the colons of a small one need not be counted.
    is_wide = len(plain) > limits.json_keys and plain.count(b":") > limits.json_keys
    if is_wide or _has_long_run(plain, limits.key_bytes // 2):
        _check_closely(plain, limits)


def _has_long_run(raw: bytes, size: int) -> bool:
    """Whether an aligned block of that size has no quote, as with any string of twice that length."""
    return any(raw.find(b'"', start, start + size) < 0 for start in range(0, len(raw) - size + 1, size))


def _check_closely(plain: bytes, limits: Limits) -> None:
    pieces = plain.split(b'"')  # every second one is a string
    keys = b"".join(pieces[::2]).count(b":")
    if keys > limits.json_keys:
        raise InvalidInput(
            field="body", value=f"{keys:,} keys", rule=f"must have at most {limits.json_keys:,} keys (json_keys)"
        )
    if len(plain) > limits.key_bytes:
        _check_strings(pieces, limits)


def _check_strings(pieces: list[bytes], limits: Limits) -> None:
    if max(map(len, pieces)) <= limits.key_bytes:
        return
    for place in range(1, len(pieces), 2):
        size = len(pieces[place])
        if size > limits.string_bytes:
            raise InvalidInput(
                field="body",
                value=f"a string of {size:,} bytes",
                rule=f"must have strings of at most {limits.string_bytes:,} bytes (string_bytes)",
            )
        is_key = place + 1 < len(pieces) and pieces[place + 1].lstrip()[:1] == b":"
        if is_key and size > limits.key_bytes:
            raise InvalidInput(
                field="body",
                value=f"a key of {size:,} bytes",
                rule=f"must have keys of at most {limits.key_bytes:,} bytes (key_bytes)",
            )
