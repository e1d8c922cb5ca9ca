"""The run-level graph: which versions a version was made from, exactly, through derivations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from headwater.model.graph import Direction, FieldEdge
from headwater.storage.base import Store
from headwater.storage.projection.records import VERSION
from headwater.storage.row_types import RunRow, VersionRow

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Derived(NamedTuple):
    """One way a version was made: by which derivation of which run, from which versions (upstream) or into which."""

    derivation: int
    run_id: str
    versions: tuple[VersionRow, ...]


class Link(NamedTuple):
    """A version, a derivation next to it and a version beyond that, in the direction of a walk; all by id."""

    near: int
    derivation: int
    far: int


class VersionGraph:
    """The run level of one store, many steps at a time; answers are remembered for the duration of one question.

    Which versions an answer has is found in the graph index alone. Rows are fetched for those that it has.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.index = store.index("run")
        self._has_dependencies = store.has_dependencies()
        self._makers: dict[int, list[int]] = {}
        self._versions: dict[int, VersionRow] = {}
        self._walked: list[int] = []
        self._steps: dict[tuple[int, Direction], tuple[Derived, ...]] = {}

    def links(self, versions: Sequence[int], direction: Direction) -> Iterator[Link]:
        """Yield every way on from these versions: in their order, then by derivation, then by far end."""
        if not versions:
            return
        beside = _grouped(self.index.steps(versions, direction.value))
        steps = sorted({step for steps in beside.values() for step in steps})
        beyond = _grouped(self.index.steps(steps, direction.value)) if steps else {}
        built = self._built(versions, direction) if self._has_dependencies else {}
        for near in versions:
            for step in beside.get(near, ()):
                for far in beyond.get(step, ()):
                    if far != near:
                        yield Link(near, step, far)
            yield from built.get(near, ())

    def ends(self, versions: Sequence[int], direction: Direction) -> list[tuple[int, int]]:
        """Return each version and derivation where no way leads on: of a run that made it from nothing known, or made
        nothing of it."""
        if not versions:
            return []
        beside = _grouped(self.index.steps(versions, direction.value))
        steps = sorted({step for found in beside.values() for step in found})
        beyond = _grouped(self.index.steps(steps, direction.value)) if steps else {}
        return [(near, step) for near in versions for step in beside.get(near, ()) if not beyond.get(step)]

    def inside(self, versions: Sequence[int], direction: Direction) -> tuple[list[Link], dict[int, int]]:
        """Return the ways on that end among the versions, in the order of ``links``, and how many others each has."""
        if not versions:
            return [], {}
        if self._has_dependencies:
            return self._inside(versions, direction)
        import numpy as np

        beside = _grouped(self.index.steps(versions, direction.value))
        steps = sorted({step for steps in beside.values() for step in steps})
        near, far = self.index.steps(steps, direction.value)
        is_kept = np.isin(far, versions)
        # A version that many read has many ways on that are only counted.
        counted = np.unique(near[~is_kept], return_counts=True)
        others = dict(zip(*(part.tolist() for part in counted), strict=True))
        beyond = _grouped((near[is_kept], far[is_kept]))
        links: list[Link] = []
        hidden: dict[int, int] = {}
        for version in versions:
            for step in beside.get(version, ()):
                links += [Link(version, step, end) for end in beyond.get(step, ()) if end != version]
                if step in others:
                    hidden[version] = hidden.get(version, 0) + others[step]
        return links, hidden

    def _inside(self, versions: Sequence[int], direction: Direction) -> tuple[list[Link], dict[int, int]]:
        """The same where runs build on runs, way by way."""
        kept, links = frozenset(versions), list(dict.fromkeys(self.links(versions, direction)))
        hidden = Counter(link.near for link in links if link.far not in kept)
        return [link for link in links if link.far in kept], dict(hidden)

    def _built(self, versions: Sequence[int], direction: Direction) -> dict[int, list[Link]]:
        """The ways over which a run builds on another: from what the one wrote to what the other wrote, by the
        derivation of the dependent run, in addition to what it read itself."""
        rows = self.rows(versions)
        ours: dict[str, list[int]] = {}
        for key in versions:
            if key in rows and rows[key].run_id:
                ours.setdefault(rows[key].run_id, []).append(key)
        is_up = direction is Direction.UPSTREAM
        ask = self.store.dependencies if is_up else self.store.dependents
        theirs = ask(sorted(ours))
        written: dict[str, list[int]] = {}
        found: dict[int, list[Link]] = {}
        for run_id, others in theirs.items():
            for other in others:
                if other not in written:
                    written[other] = [row.id for row in self.store.run_io(other)[1] if row.id]
                for near in ours[run_id]:
                    for far in written[other]:
                        steps = self._made_by(near if is_up else far)
                        found.setdefault(near, []).extend(Link(near, step, far) for step in steps if far != near)
        return found

    def _made_by(self, version: int) -> list[int]:
        """The derivations that a version comes out of."""
        if version not in self._makers:
            found = _grouped(self.index.steps([version], Direction.UPSTREAM.value))
            self._makers[version] = found.get(version, [])
        return self._makers[version]

    def walk(
        self, roots: list[VersionRow], direction: Direction, *, depth: int | None = None, limit: int | None = None
    ) -> tuple[dict[int, int], dict[int, VersionRow], bool]:
        """Return hops by version id nearest first, the versions by id, and whether ``limit`` cut the walk."""
        hops = {version.id: 0 for version in roots}
        frontier = list(hops)
        is_cut = False
        hop = 0
        while frontier and not is_cut and (depth is None or hop < depth):
            hop += 1
            reached: list[int] = []
            for link in self.links(frontier, direction):
                if link.far in hops:
                    continue
                if limit is not None and len(hops) >= limit:
                    is_cut = True
                    break
                hops[link.far] = hop
                reached.append(link.far)
            frontier = reached
        known = self.rows(hops)
        self._walked = [key for key in hops if key in known]
        return {key: hops[key] for key in self._walked}, known, is_cut

    def count(self, roots: list[VersionRow], direction: Direction, *, depth: int | None = None) -> int:
        """Return how many versions a walk without limit reaches, the roots included."""
        if self._has_dependencies:
            return len(self.walk(roots, direction, depth=depth)[0])
        hops = None if depth is None else 2 * depth
        reach = self.index.walk([version.id for version in roots], direction=direction.value, depth=hops)
        return int(reach.counts_by_kind[VERSION])

    def rows(self, versions: Iterable[int]) -> dict[int, VersionRow]:
        """Return the rows of these versions, by id."""
        wanted = list(versions)
        fresh = [version for version in wanted if version not in self._versions]
        for row in self.store.run_nodes(fresh) if fresh else ():
            if isinstance(row, VersionRow):
                self._versions[row.id] = row
        return {version: self._versions[version] for version in wanted if version in self._versions}

    def runs(self, derivations: Iterable[int]) -> dict[int, RunRow]:
        """Return the run of each of these derivations, by derivation id."""
        wanted = sorted(set(derivations))
        return self.store.derivation_runs(wanted) if wanted else {}

    def step(self, version: int, direction: Direction) -> tuple[Derived, ...]:
        """Return the derivations next to a version with the versions beyond them, ordered by id.

        The steps of every version that the last walk reached are fetched together, as they are asked for in turn.
        """
        if (version, direction) not in self._steps:
            self._load(self._walked if version in self._walked else [version], direction)
        return self._steps[version, direction]

    def _load(self, versions: Sequence[int], direction: Direction) -> None:
        beside = _grouped(self.index.steps(versions, direction.value))
        found: dict[int, dict[int, list[int]]] = {
            near: {step: [] for step in beside.get(near, ())} for near in versions
        }
        for near, step, far in self.links(versions, direction):
            ends = found[near].setdefault(step, [])
            if far not in ends:
                ends.append(far)
        runs = self.runs(step for steps in found.values() for step in steps)
        rows = self.rows({far for steps in found.values() for far_ends in steps.values() for far in far_ends})
        for version, steps in found.items():
            self._steps[version, direction] = tuple(
                Derived(step, runs[step].run_id, tuple(rows[far] for far in far_ends if far in rows))
                for step, far_ends in steps.items()
                if step in runs
            )

    def fields(self, derivation: int, target: int) -> tuple[tuple[int, FieldEdge], ...]:
        """Return the column edges of a derivation into one output, each with the version it comes from."""
        return self.store.derivation_fields(derivation, target)


def _grouped(pairs: tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]) -> dict[int, list[int]]:
    """The far ends of (near, far) pairs by near end."""
    found: dict[int, list[int]] = {}
    for near, far in zip(*(ends.tolist() for ends in pairs), strict=True):
        found.setdefault(near, []).append(far)
    return found
