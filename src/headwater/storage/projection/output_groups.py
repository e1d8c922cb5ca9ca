"""Groups the outputs of a run that share the same inputs."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

Sources = tuple[tuple[int, int], ...]


class Group(NamedTuple):
    """A future derivation: dataset nodes, with the mapping from each source to the target if there is only one."""

    targets: tuple[int, ...]
    sources: Sources


def groups_of(
    flows: dict[int, Sources], only_read: Sources, inputs: Container[int]
) -> list[tuple[Group, frozenset[int]]]:
    """Group targets by their sources; each target with column edges, and what was only read, gets its own group.

    With each group come those of its sources that the run made itself before it, and each group comes after those that
    make them. ``flows``: (source node, mapping) pairs by target node. ``inputs``: the nodes that the run is said to
    have read. Sorted, so that the same claims give the same groups.
    """
    shared: dict[Sources, list[int]] = {}
    alone: list[Group] = []
    for sources, targets in _by_object(flows):
        if any(mapping for _, mapping in sources):
            alone += [Group((target,), sources) for target in targets]
        else:
            shared.setdefault(sources, []).extend(targets)
    for targets in shared.values():
        targets.sort()
    made = alone + [Group(tuple(targets), sources) for sources, targets in shared.items()]
    if only_read:
        made.append(Group((), only_read))
    made.sort(key=lambda group: group.targets or (2**62,))
    return _in_order(made, _own_sources(made, inputs))


def _by_object(flows: dict[int, Sources]) -> list[tuple[Sources, list[int]]]:
    """The targets by their sources: those that thousands of targets share are then hashed once."""
    found: dict[int, tuple[Sources, list[int]]] = {}
    for target in sorted(flows):
        found.setdefault(id(flows[target]), (flows[target], []))[1].append(target)
    return list(found.values())


def _own_sources(groups: list[Group], inputs: Container[int]) -> list[frozenset[int]]:
    """For each group, the sources that another group of the same run made before it.

    In a cycle (a file that is read, changed and written back), the state of what is among the inputs is the one from
    before the run. If that does not open the cycle, it is so for everything in it.
    """
    maker = {target: index for index, group in enumerate(groups) for target in group.targets}
    if not any(source in maker for group in groups for source, _ in group.sources):
        return [frozenset()] * len(groups)
    own = _before(groups, maker, set())
    read = {
        (index, source)
        for index, group in enumerate(groups)
        for source, _ in group.sources
        if source in maker and source not in own[index] and source in inputs
    }
    return _before(groups, maker, read) if read else own


def _before(groups: list[Group], maker: dict[int, int], read: set[tuple[int, int]]) -> list[frozenset[int]]:
    """For each group, its sources made by groups that it does not lead to. Sources in ``read`` (index of the group,
    source) are not made by the run."""
    made = [
        [source for source, _ in group.sources if source in maker and (index, source) not in read]
        for index, group in enumerate(groups)
    ]
    feeds: list[set[int]] = [set() for _ in groups]
    for index, sources in enumerate(made):
        for source in sources:
            feeds[maker[source]].add(index)
    circle = _circles(feeds, made, maker)
    return [
        frozenset(source for source in sources if circle[maker[source]] != circle[index])
        for index, sources in enumerate(made)
    ]


def _circles(feeds: list[set[int]], made: list[list[int]], maker: dict[int, int]) -> list[int]:
    """For each group the number of the cycle that it is in; one in no cycle has a number of its own.

    The strongly connected components, by two passes (Kosaraju and Sharir): groups in the order in which a search along
    the edges leaves them, then backwards from the last.
    """
    left: list[int] = []
    seen = [False] * len(feeds)
    for start in range(len(feeds)):
        stack = [(start, iter(feeds[start]))] if not seen[start] else []
        seen[start] = True
        while stack:
            index, ahead = stack[-1]
            after = next((target for target in ahead if not seen[target]), None)
            if after is None:
                left.append(index)
                stack.pop()
            else:
                seen[after] = True
                stack.append((after, iter(feeds[after])))
    circle = [-1] * len(feeds)
    for start in reversed(left):
        waiting = [start] if circle[start] < 0 else []
        while waiting:
            index = waiting.pop()
            if circle[index] < 0:
                circle[index] = start
                waiting.extend(maker[source] for source in made[index])
    return circle


def _in_order(groups: list[Group], own: list[frozenset[int]]) -> list[tuple[Group, frozenset[int]]]:
    """Each group after those that make its own sources, otherwise in the order given."""
    maker = {target: index for index, group in enumerate(groups) for target in group.targets}
    done: dict[int, None] = {}
    for start in range(len(groups)):
        stack = [start]
        while stack:
            waiting = sorted({maker[source] for source in own[stack[-1]]} - done.keys(), reverse=True)
            if waiting:
                stack.extend(waiting)
            else:
                done[stack.pop()] = None
    return [(groups[index], own[index]) for index in done]
