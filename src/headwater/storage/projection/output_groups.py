"""Groups the outputs of a run that share the same inputs."""

from __future__ import annotations

from typing import NamedTuple


class Group(NamedTuple):
    """A future derivation: dataset nodes, with the mapping from each source to the target if there is only one."""

    targets: tuple[int, ...]
    sources: tuple[tuple[int, int], ...]


def groups_of(flows: dict[int, tuple[tuple[int, int], ...]], reads: tuple[tuple[int, int], ...]) -> list[Group]:
    """Group targets by their sources; each target with column edges, and what was only read, gets its own group.

    ``flows``: (source node, mapping) pairs by target node. Sorted, so that the same claims give the same groups.
    """
    shared: dict[tuple[tuple[int, int], ...], list[int]] = {}
    alone: list[Group] = []
    for target in sorted(flows):
        sources = flows[target]
        if any(mapping for _, mapping in sources):
            alone.append(Group((target,), sources))
        else:
            shared.setdefault(sources, []).append(target)
    made = alone + [Group(tuple(targets), sources) for sources, targets in shared.items()]
    if reads:
        made.append(Group((), reads))
    return in_order(made)


def in_order(groups: list[Group]) -> list[Group]:
    """Sorted so that each group comes after those that feed it, except in a cycle."""
    maker = {target: index for index, group in enumerate(groups) for target in group.targets}
    if not any(source in maker for group in groups for source, _ in group.sources):
        return sorted(groups, key=lambda group: group.targets or (2**62,))
    done: list[Group] = []
    state = [0] * len(groups)
    for start in sorted(range(len(groups)), key=lambda index: groups[index].targets or (2**62,)):
        stack = [(start, False)]
        while stack:
            index, is_ready = stack.pop()
            if is_ready:
                done.append(groups[index])
                continue
            if state[index]:
                continue
            state[index] = 1
            stack.append((index, True))
            feeders = {maker[source] for source, _ in groups[index].sources if source in maker}
            stack.extend((feeder, False) for feeder in sorted(feeders, reverse=True) if not state[feeder])
    return done


def own_sources(groups: list[Group]) -> list[frozenset[int]]:
    """For each group, the sources that another group of the same run made before it.

    A source in a cycle with the group (read, changed and written back) is excluded: the state that was read is the one
    from before the run.
    """
    maker = {target: index for index, group in enumerate(groups) for target in group.targets}
    feeds: list[set[int]] = [set() for _ in groups]
    for index, group in enumerate(groups):
        for source, _ in group.sources:
            if source in maker:
                feeds[maker[source]].add(index)
    if not any(feeds):
        return [frozenset()] * len(groups)
    reach = [_reach(feeds, index) for index in range(len(groups))]
    return [
        frozenset(source for source, _ in group.sources if source in maker and maker[source] not in reach[index])
        for index, group in enumerate(groups)
    ]


def _reach(feeds: list[set[int]], start: int) -> set[int]:
    seen = {start}
    stack = [start]
    while stack:
        for index in feeds[stack.pop()] - seen:
            seen.add(index)
            stack.append(index)
    return seen
