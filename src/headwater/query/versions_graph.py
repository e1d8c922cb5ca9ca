"""The run-level graph: which versions a version was made from, exactly, through the derivation of its run."""

from __future__ import annotations

from typing import NamedTuple

from headwater.model.graph import Direction, FieldEdge
from headwater.storage.base import DerivationRow, Store, VersionRow


class Derived(NamedTuple):
    """One way a version was made: by which derivation of which run, from which versions (upstream) or into which."""

    derivation: int
    run_id: str
    versions: tuple[VersionRow, ...]


class VersionGraph:
    """The run level of one store, a step at a time; answers are remembered for the length of one question."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.index = store.index("run")
        self._steps: dict[tuple[int, Direction], tuple[Derived, ...]] = {}

    def step(self, version: int, direction: Direction) -> tuple[Derived, ...]:
        """Return the derivations next to a version with the versions beyond them, ordered by id."""
        key = (version, direction)
        if key not in self._steps:
            found = self.store.run_nodes([int(node) for node in self.index.neighbours(version, direction.value)])
            self._steps[key] = tuple(
                self._derived(row, version, direction) for row in found if isinstance(row, DerivationRow)
            )
        return self._steps[key]

    def _derived(self, row: DerivationRow, version: int, direction: Direction) -> Derived:
        ids = [int(node) for node in self.index.neighbours(row.id, direction.value) if int(node) != version]
        versions = tuple(found for found in self.store.run_nodes(ids) if isinstance(found, VersionRow))
        return Derived(row.id, row.run_id, versions)

    def walk(
        self, roots: list[VersionRow], direction: Direction, *, depth: int | None = None, limit: int | None = None
    ) -> tuple[dict[int, int], dict[int, VersionRow], bool]:
        """Return hops by version id nearest first, the versions by id, and whether ``limit`` cut the walk."""
        hops = {version.id: 0 for version in roots}
        known = {version.id: version for version in roots}
        frontier = list(hops)
        hop = 0
        while frontier and (depth is None or hop < depth):
            hop += 1
            reached: list[int] = []
            for version in frontier:
                for derived in self.step(version, direction):
                    for far in derived.versions:
                        if far.id in hops:
                            continue
                        if limit is not None and len(hops) >= limit:
                            return hops, known, True
                        hops[far.id] = hop
                        known[far.id] = far
                        reached.append(far.id)
            frontier = reached
        return hops, known, False

    def fields(self, derivation: int, target: int) -> tuple[tuple[int, FieldEdge], ...]:
        """Return the column edges of a derivation into one output, each with the version it comes from."""
        return self.store.derivation_fields(derivation, target)
