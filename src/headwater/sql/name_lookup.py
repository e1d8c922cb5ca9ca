"""Looks up names: an exact match first, otherwise the only match that differs in case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class ByName(Generic[T]):
    """A mapping from names as their dialect folds them.

    Two names that differ in case alone are two things where somebody wrote both, and one where only one was written.
    """

    def __init__(self, pairs: Iterable[tuple[str, T]] = ()) -> None:
        self._things: dict[str, T] = {}
        self._spellings: dict[str, list[str]] = {}
        for name, thing in pairs:
            self.add(name, thing)

    def add(self, name: str, thing: T) -> None:
        """Keep a thing by its name; the first of a name stays."""
        if name not in self._things:
            self._things[name] = thing
            self._spellings.setdefault(name.casefold(), []).append(name)

    def _spelt(self, name: str) -> str | None:
        if name in self._things:
            return name
        found = self._spellings.get(name.casefold(), ())
        return found[0] if len(found) == 1 else None

    def __contains__(self, name: str) -> bool:
        return self._spelt(name) is not None

    def get(self, name: str) -> T | None:
        """The thing that a name means; None if there is none, or more than one could be meant."""
        spelt = self._spelt(name)
        return None if spelt is None else self._things[spelt]

    def pop(self, name: str) -> T | None:
        """The same, and it is here no more."""
        spelt = self._spelt(name)
        if spelt is None:
            return None
        self._spellings[spelt.casefold()].remove(spelt)
        return self._things.pop(spelt)

    def values(self) -> Iterator[T]:
        """What is left, in order."""
        return iter(self._things.values())
