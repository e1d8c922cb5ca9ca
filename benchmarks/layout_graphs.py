"""Graphs of data pipelines for the layout benchmark: seeded, layered, with hubs, long links and local structure."""

from __future__ import annotations

import random
from collections.abc import Sequence

from headwater.query.drawing.cards import CARD_HEIGHT, CARD_WIDTH
from headwater.query.drawing.geometry import Box, Link

FAMILIES = ("pipelines", "dense", "warehouse")


def generate(family: str, count: int, seed: int) -> tuple[list[Box], list[Link]]:
    """Return boxes and links of a family.

    ``pipelines``: many layers, 1.4 links a box, one in five skips layers. ``dense``: the same with 2.3 links a box.
    ``warehouse``: six wide layers (raw to dashboards), each box made from neighbours in the layer before, a hub or two.
    """
    rng = random.Random(f"{family} {count} {seed}")
    if family == "warehouse":
        shares = (0.22, 0.26, 0.2, 0.14, 0.1, 0.08)
        sizes = [max(1, round(share * count)) for share in shares]
        links = _links(rng, _layers(sizes), (5, 3, 1), 0.12, 0.25)
    else:
        depth = max(4, int(count**0.5 * 0.8))
        sizes = [count * (at + 1) // depth - count * at // depth for at in range(depth)]
        links = _links(rng, _layers(sizes), (6, 3, 1) if family == "pipelines" else (1, 3, 3), 0.2, 0.35)
    boxes = [Box(f"n{at:05d}", CARD_WIDTH, CARD_HEIGHT) for at in range(sum(sizes))]
    return boxes, [Link(f"n{a:05d}", f"n{b:05d}") for a, b in sorted(links)]


def _layers(sizes: Sequence[int]) -> list[range]:
    starts = [sum(sizes[:at]) for at in range(len(sizes))]
    return [range(start, start + size) for start, size in zip(starts, sizes, strict=True)]


def _links(
    rng: random.Random, layers: Sequence[range], inputs: Sequence[int], far: float, hub: float
) -> set[tuple[int, int]]:
    links: set[tuple[int, int]] = set()
    hubs = [rng.choice(layer) for layer in layers for _ in range(1 + len(layer) // 40)]
    for at, layer in enumerate(layers[1:], start=1):
        for place, target in enumerate(layer):
            for _ in range(rng.choices((1, 2, 3), inputs)[0]):
                behind = rng.randint(1, min(at, 5)) if rng.random() < far else 1
                near = layers[at - behind]
                known = [source for source in hubs if source in near]
                if known and rng.random() < hub:
                    links.add((rng.choice(known), target))
                    continue
                spot = place / len(layer) * len(near) + rng.gauss(0, 1.5)
                links.add((near[min(max(int(spot), 0), len(near) - 1)], target))
    return links
