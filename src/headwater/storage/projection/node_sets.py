"""Sets of nodes as integers with bit ``n`` set for node ``n``, so that set operations take microseconds.

A set is stored in parts of ``PART`` nodes. A part is stored as a list of places, two bytes each, if that is shorter
than its bits.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence

PART = 4096
"""Nodes in a part."""
_BYTES = PART // 8
_MOST_LISTED = 48


def packed(places: set[int]) -> bytes:
    """A part of a set, from the places in it."""
    if len(places) <= _MOST_LISTED:
        return struct.pack(f"<{len(places)}H", *sorted(places))
    bits = bytearray(_BYTES)
    for place in places:
        bits[place >> 3] |= 1 << (place & 7)
    return bytes(bits)


def places(part: bytes) -> set[int]:
    """The places in a part."""
    if len(part) < _BYTES:
        return set(_listed(part))
    return set(members(int.from_bytes(part, "little")))


def _listed(part: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(part) >> 1}H", part)


def changed(part: bytes, added: Iterable[int], removed: Iterable[int]) -> bytes:
    """A part with some places added and others removed."""
    if len(part) < _BYTES:
        return packed(set(_listed(part)).union(added).difference(removed))
    bits = bytearray(part)
    for place in added:
        bits[place >> 3] |= 1 << (place & 7)
    for place in removed:
        bits[place >> 3] &= ~(1 << (place & 7))
    found = int.from_bytes(bits, "little")
    return packed(set(members(found))) if found.bit_count() <= _MOST_LISTED else bytes(bits)


def joined(parts: Iterable[tuple[int, bytes]]) -> int:
    """The set made of some parts, each given with its number."""
    bits = bytearray()
    for number, part in parts:
        start = number * _BYTES
        if len(bits) < start + _BYTES:
            bits.extend(bytes(start + _BYTES - len(bits)))
        if len(part) == _BYTES:
            bits[start : start + _BYTES] = part
        else:
            for place in _listed(part):
                bits[start + (place >> 3)] |= 1 << (place & 7)
    return int.from_bytes(bits, "little")


def of(nodes: Iterable[int]) -> int:
    """The set of some nodes."""
    known = list(nodes)
    bits = bytearray((max(known) >> 3) + 1 if known else 0)
    for node in known:
        bits[node >> 3] |= 1 << (node & 7)
    return int.from_bytes(bits, "little")


def members(bits: int) -> Iterator[int]:
    """The nodes of a set, ascending."""
    data = bits.to_bytes((bits.bit_length() + 7) >> 3, "little")
    for start in range(0, len(data), _BYTES):
        some = int.from_bytes(data[start : start + _BYTES], "little")
        while some:
            lowest = some & -some
            yield (start << 3) + lowest.bit_length() - 1
            some ^= lowest


def lowest(among: int, digits: Sequence[int], count: int) -> int:
    """The ``count`` nodes of a set with the lowest numbers, and any others that share the number of the last one.

    ``digits`` has for each binary digit, lowest first, the set of nodes in whose number it is set.
    """
    found = 0
    for digit in reversed(digits):
        lower = among & ~digit
        some = lower.bit_count()
        if some >= count:
            among = lower
        else:
            found |= lower
            count -= some
            among &= digit
    return found | among


class Tally:
    """Counts in how many sets each node is: one set per binary digit of the count."""

    def __init__(self) -> None:
        self._digits: list[int] = []

    def add(self, bits: int, digit: int = 0) -> None:
        """Count the nodes of a set, each 2 ** ``digit`` times."""
        while bits:
            if digit >= len(self._digits):
                self._digits.extend([0] * (digit - len(self._digits)))
                self._digits.append(bits)
                return
            self._digits[digit], bits = self._digits[digit] ^ bits, self._digits[digit] & bits
            digit += 1

    def add_all(self, other: Tally) -> None:
        """Add the counts of another tally."""
        for digit, bits in enumerate(other._digits):
            self.add(bits, digit)

    def equal(self, number: int, among: int) -> int:
        """The nodes of a set that were counted exactly ``number`` times."""
        if number >> len(self._digits):
            return 0
        for digit, bits in enumerate(self._digits):
            among &= bits if number >> digit & 1 else ~bits
        return among

    def at_most(self, number: int, among: int) -> int:
        """The nodes of a set that were counted at most ``number`` times."""
        if number >> len(self._digits):
            return among
        fewer = 0
        for digit in reversed(range(len(self._digits))):
            bits = self._digits[digit]
            if number >> digit & 1:
                fewer |= among & ~bits
                among &= bits
            else:
                among &= ~bits
        return fewer | among
