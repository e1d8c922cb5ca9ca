"""Limits on the shape of incoming JSON, checked before it is decoded."""

from __future__ import annotations

from headwater.errors import InvalidInput
from headwater.server.settings import Limits

_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{[]}")
_NOT_MARKS = bytes(byte for byte in range(256) if byte not in b'{[]}"')
_ONE_KIND = bytes.maketrans(b"[]", b"{}")


def check_json(raw: bytes, limits: Limits) -> None:
    """Refuse a document that is nested too deeply, has too many keys, or too long a key or string.

    Other errors are left to the decoder. Takes a microsecond per kilobyte for documents well within the limits.
    Raises:
        InvalidInput: it exceeds a limit, which the rule names.
    """
    plain = _without_escapes(raw)
    # A document has fewer keys than bytes, so the colons of a small one need not be counted.
    is_wide = len(plain) > limits.json_keys and plain.count(b":") > limits.json_keys
    if not is_wide and not _has_long_run(plain, limits.key_bytes // 2):
        marks = plain.translate(_ONE_KIND, delete=_NOT_MARKS)
        brackets = marks.translate(None, delete=b'"')
        # With everything else removed, a string is two adjacent quotes, unless it contains brackets: then the number of
        # quotes before the first of them is odd. If all quotes are adjacent, the brackets are structural.
        if 2 * marks.count(b'""') == len(marks) - len(brackets):
            _check_depth(brackets, limits.json_depth)
            return
    _check_closely(plain, limits)


def _without_escapes(raw: bytes) -> bytes:
    """A document of the same shape and length, in which every quote begins or ends a string."""
    # Searching for one byte is many times faster than for two, and suffices for most documents.
    if b"\\" not in raw or b'\\"' not in raw:
        return raw
    return raw.replace(b"\\\\", b"__").replace(b'\\"', b"__")


def _has_long_run(raw: bytes, size: int) -> bool:
    """Whether an aligned block of that size has no quote, as with any string of twice that length."""
    return any(raw.find(b'"', start, start + size) < 0 for start in range(0, len(raw) - size + 1, size))


def _check_closely(plain: bytes, limits: Limits) -> None:
    pieces = plain.split(b'"')  # every second one is a string
    outside = b"".join(pieces[::2])
    keys = outside.count(b":")
    if keys > limits.json_keys:
        raise InvalidInput(
            field="body", value=f"{keys:,} keys", rule=f"must have at most {limits.json_keys:,} keys (json_keys)"
        )
    _check_depth(outside.translate(_ONE_KIND, delete=_NOT_BRACKETS), limits.json_depth)
    if len(plain) > limits.key_bytes:
        _check_strings(pieces, limits)


def _check_depth(brackets: bytes, most: int) -> None:
    """Remove the innermost brackets of one kind repeatedly, until too few remain to be nested too deeply."""
    depth = 0
    while depth + len(brackets) // 2 > most:
        inner = brackets.replace(b"{}", b"")
        if len(inner) == len(brackets):  # mismatched: not JSON, which the decoder reports
            return
        depth += 1
        if depth > most:
            raise InvalidInput(field="body", rule=f"must be nested at most {most} deep (json_depth)")
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
                rule=f"must have strings of at most {limits.string_bytes:,} bytes (string_bytes)",
            )
        is_key = place + 1 < len(pieces) and pieces[place + 1].lstrip()[:1] == b":"
        if is_key and size > limits.key_bytes:
            raise InvalidInput(
                field="body",
                value=f"a key of {size:,} bytes",
                rule=f"must have keys of at most {limits.key_bytes:,} bytes (key_bytes)",
            )
