"""Mentions as the durable backends store them: those of a commit are packed together."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from headwater.storage import rows
from headwater.storage.projection.records import Mention

_WIDTH = 5
"""Integers in a packed mention: name, run, facet set, event time, sequence number."""
_AT = 3
"""Index of the event time among them."""


class PendingMentions:
    """The mentions of the current batch. They are expanded only when queried: most are only written."""

    def __init__(self) -> None:
        self._given: list[tuple[Iterable[tuple[int, int]], int, int, int]] = []

    def add(self, mentioned: Iterable[tuple[int, int]], run: int, at: int, seq: int) -> None:
        """Add the (name, facet set) pairs of an event, which must not change afterwards."""
        self._given.append((mentioned, run, at, seq))

    def __bool__(self) -> bool:
        return bool(self._given)

    def _values(self) -> array[int]:
        return array(
            "q",
            [
                value
                for mentioned, run, at, seq in self._given
                for name, facets in mentioned
                for value in (name, run, facets, at, seq)
            ],
        )

    def naming(self, names: frozenset[int]) -> list[Mention]:
        """The mentions of some names."""
        return [
            Mention(name=name, run=run, facets=facets, at=at, seq=seq)
            for mentioned, run, at, seq in self._given
            for name, facets in mentioned
            if name in names
        ]

    def packed(self) -> tuple[int, int, bytes]:
        """(earliest event time, latest event time, all mentions packed)."""
        values = self._values()
        times = values[_AT::_WIDTH]
        return min(times), max(times), rows.pack(values.tobytes())

    def clear(self) -> None:
        """Drop all mentions."""
        self._given.clear()


def mentions_of(packed: bytes, names: frozenset[int]) -> list[Mention]:
    """The mentions of some names among the packed ones of a commit."""
    values = array("q")
    values.frombytes(rows.unpack(packed))
    return [
        Mention(name=name, run=values[at + 1], facets=values[at + 2], at=values[at + _AT], seq=values[at + 4])
        for at, name in zip(range(0, len(values), _WIDTH), values[::_WIDTH], strict=True)
        if name in names
    ]
