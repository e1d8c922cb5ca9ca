"""The order within layers: sweeps that move each cell to the mean place of its neighbours, keeping the best order."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from itertools import pairwise

Link = tuple[str, str]

_SWEEPS = 12
_MANY = 4000


def order_layers(layers: Sequence[Sequence[str]], segments: Sequence[Link]) -> list[list[str]]:
    """Return the layers with few crossings between neighbours. ``segments`` join cells of different layers."""
    before: dict[str, list[str]] = {key: [] for keys in layers for key in keys}
    after: dict[str, list[str]] = {key: [] for keys in layers for key in keys}
    for source, target in segments:
        after[source].append(target)
        before[target].append(source)
    current = _first_order(layers, before)
    best = [list(keys) for keys in current]
    fewest = _crossings(best, after)
    sweeps = _SWEEPS if len(segments) <= _MANY else 2
    for sweep in range(sweeps):
        if not fewest:
            break
        is_right = sweep % 2 == 0
        near = before if is_right else after
        for at in range(len(current)) if is_right else reversed(range(len(current))):
            place = {key: spot for keys in current for spot, key in enumerate(keys)}
            spots = {key: _mean_place(near[key], place, place[key]) for key in current[at]}
            current[at] = sorted(current[at], key=lambda key: (spots[key], place[key]))
        count = _crossings(current, after)
        if count < fewest:
            best, fewest = [list(keys) for keys in current], count
    return best


def _first_order(layers: Sequence[Sequence[str]], before: dict[str, list[str]]) -> list[list[str]]:
    """Order each layer by where its inputs already stand: a good start for the sweeps."""
    place: dict[str, int] = {}
    ordered: list[list[str]] = []
    for keys in layers:
        first = sorted(keys)
        spots = {key: _mean_place(before[key], place, at) for at, key in enumerate(first)}
        row = sorted(first, key=lambda key: (spots[key], key))
        place.update({key: at for at, key in enumerate(row)})
        ordered.append(row)
    return ordered


def _mean_place(keys: Sequence[str], place: dict[str, int], default: float) -> float:
    spots = [place[key] for key in keys if key in place]
    return sum(spots) / len(spots) if spots else default


def _crossings(layers: Sequence[Sequence[str]], after: dict[str, list[str]]) -> int:
    """Count the pairs of segments that cross, layer by layer: inversions of target places in source order."""
    total = 0
    for left, right in pairwise(layers):
        place = {key: at for at, key in enumerate(right)}
        seen: list[int] = []
        for key in left:
            spots = sorted(place[target] for target in after[key] if target in place)
            total += sum(len(seen) - bisect_left(seen, spot + 1) for spot in spots)
            for spot in spots:
                insort(seen, spot)
    return total
