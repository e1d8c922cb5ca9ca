"""Which names are one dataset: a union-find over names.

The representative of a group is its smallest name, so it depends on the *set* of joins and not on their order; a join
that arrives late moves whole groups. Names are expected in normal form (``headwater.model.names.normalise``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from headwater.model.names import DatasetName


class Aliases:
    """Groups of names. A name that was never joined is a group of its own and takes no memory."""

    def __init__(self, pairs: Iterable[tuple[DatasetName, DatasetName]] = ()) -> None:
        self._parent: dict[DatasetName, DatasetName] = {}
        self._members: dict[DatasetName, set[DatasetName]] = {}
        for first, second in pairs:
            self.join(first, second)

    def find(self, name: DatasetName) -> DatasetName:
        """The representative of a name's group: the name itself where nothing is joined to it."""
        root = name
        while (above := self._parent.get(root, root)) != root:
            root = above
        while name != root:  # later searches take one step
            self._parent[name], name = root, self._parent[name]
        return root

    def join(self, first: DatasetName, second: DatasetName) -> DatasetName | None:
        """Say that two names are one dataset. Returns the representative that lost its place; None if none did.

        Whoever keys things by representative moves what stands under the returned name to ``find`` of it.
        """
        one, other = sorted((self.find(first), self.find(second)))
        if one == other:
            return None
        kept = self._members.setdefault(one, {one})
        gone = self._members.pop(other, {other})
        if len(gone) > len(kept):
            kept, gone = gone, kept
        kept |= gone
        self._members[one] = kept
        self._parent[other] = one
        return other

    def members(self, name: DatasetName) -> tuple[DatasetName, ...]:
        """Every name of the group, in order, the given one included."""
        return tuple(sorted(self._members.get(self.find(name), {name})))

    def are_joined(self, first: DatasetName, second: DatasetName) -> bool:
        """Whether two names are one dataset."""
        return self.find(first) == self.find(second)

    def groups(self) -> Iterator[tuple[DatasetName, ...]]:
        """Every group of two and more, in the order of their representatives."""
        for root in sorted(self._members):
            yield tuple(sorted(self._members[root]))

    def to_lists(self) -> list[list[list[str]]]:
        """The groups as plain lists, for JSON; ``from_lists`` reads them."""
        return [[list(name) for name in group] for group in self.groups()]

    @classmethod
    def from_lists(cls, groups: Iterable[Iterable[Iterable[str]]]) -> Aliases:
        """The inverse of ``to_lists``."""
        aliases = cls()
        for group in groups:
            names = [DatasetName(*name) for name in group]
            for name in names[1:]:
                aliases.join(names[0], name)
        return aliases

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Aliases) and self.to_lists() == other.to_lists()

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __len__(self) -> int:
        return len(self._members)
