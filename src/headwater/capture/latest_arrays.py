"""The latest arrays that the program made, alive or not, by the instruction that made them.

What a loop over folds adds up is asked for when its arrays are gone. Each instruction keeps its latest arrays, so that
a loop of thousands of rounds, like the search for the weights of a blend, does not drive out what was made before it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from types import CodeType
from typing import Final, NamedTuple

from headwater.capture.code_numbers import number_of
from headwater.capture.values import Value

_MOST: Final = 512
"""How many arrays are remembered after each thinning."""


class Made(NamedTuple):
    """An array, with the code and line that called the function that made it."""

    value: Value
    caller: CodeType | None
    line: int


class LatestArrays:
    """Remembers a bounded number of arrays: if there are too many, the instructions with the most lose their oldest."""

    def __init__(self) -> None:
        self._by_place: dict[tuple[int, int], deque[Made]] = {}
        """By the number of the code, and the instruction or line."""
        self._count = 0

    def add(self, made: Made) -> None:
        """Remember an array that was made just now."""
        place = number_of(made.value.code), made.value.offset
        found = self._by_place.get(place)
        if found is None:
            found = self._by_place[place] = deque()
        found.append(made)
        self._count += 1
        if self._count > 2 * _MOST:
            self._thin()

    def made_in(self, codes: Collection[CodeType]) -> list[Made]:
        """The arrays that some code objects made, in the order of their creation."""
        numbers = {number_of(code) for code in codes}
        kept = [made for (own, _), found in list(self._by_place.items()) if own in numbers for made in list(found)]
        return sorted(kept, key=lambda made: made.value.number)

    def made_with(self, value: Value) -> list[Value]:
        """The arrays made by the instruction that made a value, in the order of their creation."""
        return [made.value for made in list(self._by_place.get((number_of(value.code), value.offset), ()))]

    def _thin(self) -> None:
        """Keep the latest of each instruction, as many of each as there is room for; none of those that made their
        latest the longest ago, if there are too many."""
        places = sorted(self._by_place.items(), key=lambda item: item[1][-1].value.number)[-_MOST:]
        room, level = _MOST, 0
        for position, length in enumerate(sorted(len(found) for _, found in places)):
            level = room // (len(places) - position)
            if length > level:
                break
            room -= length
            level = length
        self._by_place = {place: deque(list(found)[-level:]) for place, found in places}
        self._count = sum(len(found) for found in self._by_place.values())
