"""First steps of the layout: which links close a cycle, and in which layer each box stands."""

from __future__ import annotations

from collections.abc import Sequence

Link = tuple[str, str]


def break_cycles(keys: Sequence[str], links: Sequence[Link]) -> set[Link]:
    """Return links which, turned round, leave no cycle. ``keys`` and ``links`` must be sorted; the answer then
    depends on nothing else.

    A depth-first search from the boxes without inputs, then from the rest: a link back to an open box closes a cycle.
    """
    out: dict[str, list[str]] = {key: [] for key in keys}
    fed: set[str] = set()
    for source, target in links:
        out[source].append(target)
        fed.add(target)
    closed: set[str] = set()
    backward: set[Link] = set()
    for start in [*(key for key in keys if key not in fed), *keys]:
        if start in closed:
            continue
        stack = [(start, iter(out[start]))]
        open_ = {start}
        while stack:
            key, targets = stack[-1]
            target = next(targets, "")
            if not target:
                stack.pop()
                open_.discard(key)
                closed.add(key)
            elif target in open_:
                backward.add((key, target))
            elif target not in closed:
                open_.add(target)
                stack.append((target, iter(out[target])))
    return backward


def layers_of(keys: Sequence[str], links: Sequence[Link]) -> dict[str, int]:
    """Return the layer of each box of an acyclic graph: the longest way from a box without inputs.

    Boxes without inputs then move right, up to the box they feed first, so that a late source stands near its use.
    """
    out: dict[str, list[str]] = {key: [] for key in keys}
    waiting = dict.fromkeys(keys, 0)
    for source, target in links:
        out[source].append(target)
        waiting[target] += 1
    layer = dict.fromkeys(keys, 0)
    ready = [key for key in keys if not waiting[key]]
    sources = set(ready)
    while ready:
        key = ready.pop()
        for target in out[key]:
            layer[target] = max(layer[target], layer[key] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    for key in sources:
        if out[key]:
            layer[key] = min(layer[target] for target in out[key]) - 1
    return layer
