"""First steps of the layout: reverse the links that close a cycle, and assign a layer to each box.

Boxes are numbers here, in the order of their keys, and pairs are sorted: the answers depend on nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

Pair = tuple[int, int]

_PASSES = 3


def break_cycles(count: int, pairs: Sequence[Pair]) -> set[Pair]:
    """Return pairs which, turned round, leave no cycle.

    A depth-first search from the boxes without inputs, then from the rest: a pair back to an open box closes a cycle.
    """
    out: list[list[int]] = [[] for _ in range(count)]
    fed = bytearray(count)
    for source, target in pairs:
        out[source].append(target)
        fed[target] = 1
    if _is_acyclic(count, pairs, out):
        return set()
    state = bytearray(count)  # 1 while open, 2 when closed
    backward: set[Pair] = set()
    for start in [*(at for at in range(count) if not fed[at]), *range(count)]:
        if state[start]:
            continue
        state[start] = 1
        stack = [(start, iter(out[start]))]
        while stack:
            at, targets = stack[-1]
            target = next(targets, -1)
            if target < 0:
                stack.pop()
                state[at] = 2
            elif state[target] == 1:
                backward.add((at, target))
            elif not state[target]:
                state[target] = 1
                stack.append((target, iter(out[target])))
    return backward


def _is_acyclic(count: int, pairs: Sequence[Pair], out: Sequence[Sequence[int]]) -> bool:
    return len(topological(count, pairs, out)) == count


def topological(count: int, pairs: Sequence[Pair], out: Sequence[Sequence[int]]) -> list[int]:
    """Return the boxes, sources before targets; those on a cycle, and behind one, are missing."""
    waiting = [0] * count
    for _, target in pairs:
        waiting[target] += 1
    order = [at for at in range(count) if not waiting[at]]
    for at in order:
        for target in out[at]:
            waiting[target] -= 1
            if not waiting[target]:
                order.append(target)
    return order


def layers_of(count: int, pairs: Sequence[Pair], first: Collection[int] = (), last: Collection[int] = ()) -> list[int]:
    """Return the layer of each box of an acyclic graph; ``first`` and ``last`` get layers of their own at the ends.

    Each box starts at its longest way from a source. Then boxes move within the room that their neighbours leave, to
    where their links are shorter together: to the right when they have as many outputs as inputs or more, else to the
    left. So a late source is near its use. (A cheap alternative to the network simplex of Gansner et al. 1993.)
    """
    out: list[list[int]] = [[] for _ in range(count)]
    into: list[list[int]] = [[] for _ in range(count)]
    for source, target in pairs:
        out[source].append(target)
        into[target].append(source)
    order = topological(count, pairs, out)
    layer = [0] * count
    for at in order:
        floor = layer[at] + 1
        for target in out[at]:
            layer[target] = max(layer[target], floor)
    for _ in range(_PASSES):
        has_moved = False
        for at in reversed(order):
            targets = out[at]
            if targets and len(targets) >= len(into[at]):
                room = min([layer[target] for target in targets]) - 1
                has_moved |= room > layer[at]
                layer[at] = room
        for at in order:
            sources = into[at]
            if len(sources) > len(out[at]):
                room = max([layer[source] for source in sources]) + 1
                has_moved |= room < layer[at]
                layer[at] = room
        if not has_moved:
            break
    for at in first:
        layer[at] = -1
    final = max(layer, default=0) + 1
    for at in last:
        layer[at] = final
    used = {value: rank for rank, value in enumerate(sorted(set(layer)))}
    return [used[value] for value in layer]
