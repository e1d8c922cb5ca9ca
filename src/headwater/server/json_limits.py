"""Bounds on the shape of JSON that came from outside, checked before anything is built from it."""

from __future__ import annotations

from headwater.errors import InvalidInput
from headwater.server.settings import Limits

_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{[]}")
_NOT_MARKS = bytes(byte for byte in range(256) if byte not in b'{[]}"')


def check_json(raw: bytes, limits: Limits) -> None:
    """Refuse a document that is nested too deeply, has too many keys, or too long a key or string.

    What else is wrong with it, its reader says. Costs a microsecond a kilobyte for what is plainly within the limits.

    Raises:
        InvalidInput: it is over a limit; the rule names the limit.
    """
    if b'\\"' not in raw and raw.count(b":") <= limits.json_keys and not _has_long_run(raw, limits.key_bytes // 2):
        # Quotes that are neighbours once all but brackets is gone are taken away in pairs. A bracket inside a string
        # has an odd number of quotes before it, so one is left; where none is, the brackets are those of the structure.
        marks = raw.translate(None, delete=_NOT_MARKS).replace(b'""', b"")
        if b'"' not in marks:
            _check_depth(marks, limits.json_depth)
            return
    _check_closely(raw, limits)


def _has_long_run(raw: bytes, size: int) -> bool:
    """Whether some aligned stretch of that size holds no quote: so it is where a string is longer than twice that."""
    return any(raw.find(b'"', start, start + size) < 0 for start in range(0, len(raw) - size + 1, size))


def _check_closely(raw: bytes, limits: Limits) -> None:
    plain = raw.replace(b"\\\\", b"__").replace(b'\\"', b"__") if b"\\" in raw else raw
    pieces = plain.split(b'"')  # every second one is a string
    outside = b"".join(pieces[::2])
    keys = outside.count(b":")
    if keys > limits.json_keys:
        raise InvalidInput(
            field="body", value=f"{keys:,} keys", rule=f"has at most {limits.json_keys:,} keys (json_keys)"
        )
    _check_depth(outside.translate(None, delete=_NOT_BRACKETS), limits.json_depth)
    if len(plain) > limits.key_bytes:
        _check_strings(pieces, limits)


def _check_depth(brackets: bytes, most: int) -> None:
    """Take the innermost brackets away until none are left: as often as they are deep."""
    depth = 0
    while brackets:
        inner = brackets.replace(b"{}", b"").replace(b"[]", b"")
        if len(inner) == len(brackets):  # they do not match: no JSON, and the reader says where
            return
        depth += 1
        if depth > most:
            raise InvalidInput(field="body", rule=f"is nested at most {most} deep (json_depth)")
        brackets = inner


def _check_strings(pieces: list[bytes], limits: Limits) -> None:
    if max(map(len, pieces)) <= limits.key_bytes:
        return
    for place in range(1, len(pieces), 2):
        size = len(pieces[place])
        if size > limits.string_bytes:
            raise InvalidInput(
                field="body",
                value=f"a string of {size:,} bytes",
                rule=f"has strings of at most {limits.string_bytes:,} bytes (string_bytes)",
            )
        is_key = place + 1 < len(pieces) and pieces[place + 1].lstrip()[:1] == b":"
        if is_key and size > limits.key_bytes:
            raise InvalidInput(
                field="body",
                value=f"a key of {size:,} bytes",
                rule=f"has keys of at most {limits.key_bytes:,} bytes (key_bytes)",
            )
