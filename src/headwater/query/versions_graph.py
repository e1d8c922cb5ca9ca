"""The run-level graph: which versions a version was made from, exactly, through the derivation of its run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from headwater.model.graph import Direction, FieldEdge
from headwater.storage.base import Store, VersionRow

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


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
        self._versions: dict[int, VersionRow] = {}

    def load(self, versions: Iterable[int], direction: Direction) -> None:
        """Fetch the steps of these versions at once, as far as they are not known."""
        wanted = [version for version in dict.fromkeys(versions) if (version, direction) not in self._steps]
        if not wanted:
            return
        beside = _grouped(self.index.steps(wanted, direction.value))
        runs = self.store.derivation_runs(list({step for steps in beside.values() for step in steps}))
        beyond = _grouped(self.index.steps(list(runs), direction.value))
        fresh = {far for found in beyond.values() for far in found} - self._versions.keys()
        for row in self.store.run_nodes(sorted(fresh)):
            if isinstance(row, VersionRow):
                self._versions[row.id] = row
        for version in wanted:
            self._steps[version, direction] = tuple(
                Derived(step, runs[step].run_id, self._rows(far for far in beyond.get(step, ()) if far != version))
                for step in beside.get(version, ())
                if step in runs
            )

    def _rows(self, versions: Iterable[int]) -> tuple[VersionRow, ...]:
        return tuple(self._versions[version] for version in versions if version in self._versions)

    def step(self, version: int, direction: Direction) -> tuple[Derived, ...]:
        """Return the derivations next to a version with the versions beyond them, ordered by id."""
        self.load((version,), direction)
        return self._steps[version, direction]

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
            self.load(frontier, direction)
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


def _grouped(pairs: tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]) -> dict[int, list[int]]:
    """The far ends of (near, far) pairs by near end."""
    found: dict[int, list[int]] = {}
    for near, far in zip(*(ends.tolist() for ends in pairs), strict=True):
        found.setdefault(near, []).append(far)
    return found
