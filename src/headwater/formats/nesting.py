"""How deeply a JSON document is nested, found without decoding it."""

from __future__ import annotations

MOST_LEVELS = 400
"""Objects and lists around a value of an event that is stored.

Decoders recurse, and how far they can depends on how deep their caller is. What is read when it arrives must be
readable later, from wherever that is: so the limit is a number, far below what the interpreter allows. The deepest
event in the public histories of Spark, Airflow, dbt and others has 16.
"""

_NOT_MARKS = bytes(byte for byte in range(256) if byte not in b'{[]}"')
_ONE_KIND = bytes.maketrans(b"[]", b"{}")


def is_too_deep(raw: bytes, most: int = MOST_LEVELS) -> bool:
    """Whether a JSON document has more than ``most`` levels."""
    # Each level takes two bytes at least; to count brackets is quick, to know that there are too few is free.
    if len(raw) <= 2 * most or raw.count(b"{") + raw.count(b"[") <= most:
        return False
    return is_deeper(without_escapes(raw), most)


def without_escapes(raw: bytes) -> bytes:
    """A document of the same shape and length, in which every quote begins or ends a string."""
    # Searching for one byte is many times faster than for two, and suffices for most documents.
    if b"\\" not in raw or b'\\"' not in raw:
        return raw
    return raw.replace(b"\\\\", b"__").replace(b'\\"', b"__")


def is_deeper(plain: bytes, most: int) -> bool:
    """Whether a document ``without_escapes`` has more than ``most`` levels; False if its brackets do not match.

    The innermost brackets are removed repeatedly, until too few remain.
    """
    depth, brackets = 0, _brackets(plain)
    while depth + len(brackets) // 2 > most:
        outer = brackets.replace(b"{}", b"")
        if len(outer) == len(brackets):
            return False
        depth += 1
        if depth > most:
            return True
        brackets = outer
    return False


def _brackets(plain: bytes) -> bytes:
    """The brackets that are not in strings, all of one kind."""
    marks = plain.translate(_ONE_KIND, delete=_NOT_MARKS)
    brackets = marks.translate(None, delete=b'"')
    # With everything else removed, a string is two adjacent quotes, unless it contains brackets: then the number of
    # quotes before the first of them is odd. If all quotes are adjacent, the brackets are structural.
    if 2 * marks.count(b'""') == len(marks) - len(brackets):
        return brackets
    return b"".join(marks.split(b'"')[::2])  # every second piece is a string
