"""Bounds on the shape of JSON that came from outside, checked before anything is built from it."""

from __future__ import annotations

from headwater.errors import InvalidInput
from headwater.server.settings import Limits

_OPEN, _CLOSE = b"{[", b"}]"


def check_json(raw: bytes, limits: Limits) -> None:
    """Refuse a document that is nested too deeply or has too many keys; what is wrong otherwise, its reader says.

    Raises:
        InvalidInput: it is over a limit.
    """
    if raw.count(b'":') + raw.count(b'" :') > limits.json_keys:
        raise InvalidInput(field="body", rule=f"has at most {limits.json_keys:,} keys", hint="send smaller batches")
    if raw.count(b"{") + raw.count(b"[") > limits.json_depth and _depth(raw, limits.json_depth) > limits.json_depth:
        raise InvalidInput(field="body", rule=f"is nested at most {limits.json_depth} deep")


def _depth(raw: bytes, enough: int) -> int:
    """How deep the brackets go; stops counting beyond ``enough``. Brackets inside strings are not counted."""
    depth = deepest = 0
    pieces = raw.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
    for outside in pieces[::2]:
        for byte in outside.translate(None, delete=_NOT_BRACKETS):
            if byte in _OPEN:
                depth += 1
                deepest = max(deepest, depth)
                if deepest > enough:
                    return deepest
            else:
                depth -= 1
    return deepest


_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in _OPEN + _CLOSE)
