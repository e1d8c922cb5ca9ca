"""The values of the objects that outlived the latest operations: by object, and by the code that made them.

Only the latest values are looked through one by one. What a line made is found as quickly in a program that keeps a
hundred thousand frames as in one that keeps ten.
"""

from __future__ import annotations

import weakref
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from operator import itemgetter
from types import CodeType
from typing import Final

from headwater.capture.values import Value

Entry = tuple[weakref.ref[object], Value]
"""An object, and the value of its current state."""
Row = tuple[int, int, Entry]
"""The number of a value, and under which ``id()`` the entry is kept."""
Place = list[Row]
"""What one instruction made, in the order of its creation."""

_LEAST: Final = 512
"""The least number of rows at which those of objects that are gone are dropped."""
_number = itemgetter(0)


class SettledValues:
    """Entries by the ``id()`` of their objects. Those that have been replaced since, or whose objects are gone, are
    dropped whenever there are twice as many as were left the last time."""

    def __init__(self) -> None:
        self.by_id: dict[int, Entry] = {}
        self._places: dict[int, dict[int, Place]] = {}
        """By the ``id()`` of the code, which its values keep alive, and the instruction or line."""
        self._rows = 0
        self._room = _LEAST

    def __len__(self) -> int:
        return len(self.by_id)

    def add(self, key: int, entry: Entry) -> None:
        """Keep an entry from now on in place of any other under that key."""
        if self.by_id.get(key) is entry:
            return
        self.by_id[key] = entry
        self._put(key, entry)
        if self._rows > self._room:
            self.thin()

    def forget(self, key: int) -> None:
        """The object with that ``id()`` is gone, or another one."""
        self.by_id.pop(key, None)

    def thin(self) -> None:
        """Drop what is of no use any more."""
        self._places, self._rows = {}, 0
        for key, entry in list(self.by_id.items()):
            if entry[0]() is not None:
                self._put(key, entry)
            elif self.by_id.get(key) is entry:
                self.by_id.pop(key, None)
        self._room = 2 * self._rows + _LEAST

    def _put(self, key: int, entry: Entry) -> None:
        value = entry[1]
        self._rows += 1
        if value.code is not None:
            place = self._places.setdefault(id(value.code), {}).setdefault(value.offset, [])
            insort(place, (value.number, key, entry), key=_number)

    def codes(self) -> Iterator[CodeType]:
        """The code that made any of the values."""
        for places in list(self._places.values()):
            for place in list(places.values()):
                code = place[0][2][1].code
                if code is not None:
                    yield code
                    break

    def places_of(self, code: CodeType) -> Iterable[Place]:
        """What each instruction of some code made."""
        return list(self._places.get(id(code), {}).values())


class MadeByCode:
    """What some code made, of objects that are alive or have only just gone, by instruction.

    Which line an instruction is on is asked once for all that it made. Values that have been replaced since are left
    out while they are gone through, as far as that goes.
    """

    def __init__(self, places: Iterable[Place], is_current: Callable[[Row], bool]) -> None:
        self._places = [place for place in places if place]
        self._is_current = is_current

    def on(self, is_meant: Callable[[Value], bool]) -> MadeByCode:
        """What the instructions made of which any value ``is_meant``."""
        return MadeByCode([place for place in self._places if is_meant(place[0][2][1])], self._is_current)

    def latest_first(self) -> Iterator[Value]:
        """The values, the latest first."""
        rows = merge(*map(reversed, self._places), key=_number, reverse=True)
        return (row[2][1] for row in rows if self._is_current(row))

    def in_order(self) -> list[Value]:
        """The values in the order of their creation."""
        return [*self.latest_first()][::-1]

    def last_before(self, number: int, is_left_out: Callable[[Value], bool] = lambda _: False) -> int:
        """The greatest number below the given one; 0 if there is none."""
        return max((self._last_of(place, number, is_left_out) for place in self._places), default=0)

    def _last_of(self, place: Place, number: int, is_left_out: Callable[[Value], bool]) -> int:
        for at in range(bisect_left(place, number, key=_number) - 1, -1, -1):
            if self._is_current(place[at]) and not is_left_out(place[at][2][1]):
                return place[at][0]
        return 0
