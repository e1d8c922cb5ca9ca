"""Limits on the shape of incoming JSON, checked before anything is built from it."""

from __future__ import annotations

from headwater.errors import InvalidInput
from headwater.server.settings import Limits

_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{[]}")
_NOT_MARKS = bytes(byte for byte in range(256) if byte not in b'{[]}"')
_ONE_KIND = bytes.maketrans(b"[]", b"{}")


def check_json(raw: bytes, limits: Limits) -> None:
    """Refuse a document that is nested too deeply, has too many keys, or too long a key or string.

    What else is wrong with it, its reader says. Costs a microsecond a kilobyte for what is plainly within the limits.

    Raises:
        InvalidInput: it has finished a limit; the rule names the limit.
    """
    plain = _without_escapes(raw)
    # No document has more keys than bytes, so a small one need not have its colons counted.
    is_wide = len(plain) > limits.json_keys and plain.count(b":") > limits.json_keys
    if not is_wide and not _has_long_run(plain, limits.key_bytes // 2):
        marks = plain.translate(_ONE_KIND, delete=_NOT_MARKS)
        brackets = marks.translate(None, delete=b'"')
        # Once all else is gone a string is two quotes that are neighbours, unless there are brackets in it: then the
        # quotes before the first of them are odd in number. Where all are neighbours the brackets are the structure's.
        if 2 * marks.count(b'""') == len(marks) - len(brackets):
            _check_depth(brackets, limits.json_depth)
            return
    _check_closely(plain, limits)


def _without_escapes(raw: bytes) -> bytes:
    """A document of the same shape and length in which every quote begins or ends a string."""
    # Looking for one byte is many times as fast as for two, and settles most documents.
    if b"\\" not in raw or b'\\"' not in raw:
        return raw
    return raw.replace(b"\\\\", b"__").replace(b'\\"', b"__")


def _has_long_run(raw: bytes, size: int) -> bool:
    """Whether some aligned stretch of that size holds no quote: so it is where a string is longer than twice that."""
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
    """Take the innermost brackets, all of one kind, away until those that are left are too few to be too deep."""
    depth = 0
    while depth + len(brackets) // 2 > most:
        inner = brackets.replace(b"{}", b"")
        if len(inner) == len(brackets):  # they do not match: no JSON, and the reader says where
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
