"""Packs changed derivations for followers of the run level.

A derivation is its own news: its id is its place among what followers are told. One that changes or goes after that
(a write with an earlier time became known, a run that had ended was heard of again) is told once more, as the edges
that went and those that came. That has a place of its own behind all that was told before, an id of the run level that
stands for no node; so one number says how far a follower has come.

What is told is kept until it is about as long as the graph itself: whoever comes later reads the graph.
"""

from __future__ import annotations

from array import array
from typing import Final

from headwater.storage.projection.records import Derivation
from headwater.storage.rows import pack, unpack

ONWARD: Final = 2**32 - 1
"""Mapping of an edge from a derivation to its output: every field as it is."""
WITHDRAWN: Final = -1
"""Stands in the place of the mapping of an edge that went."""
WIDTH: Final = 3
"""Numbers told of an edge: source, target, mapping."""
KEPT: Final = "rewrites"
KEPT_FLOOR: Final = "rewrites_floor"
"""Counters of a store: how many edges are told of, and The last number that was deleted from the log."""
_LEAST_KEPT = 1 << 16
_SHARE_KEPT = 4

StepEdges = dict[tuple[int, int], int]
"""Mapping by (source, target)."""


def edges_of(step: Derivation) -> StepEdges:
    """The edges of a derivation.

    Where columns are known the derivation has the fields of its one output: they are passed on as they are.
    """
    onward = ONWARD if any(mapping for _, mapping in step.inputs) else 0
    found = {(version, step.id): mapping for version, mapping in step.inputs}
    found.update({(step.id, version): onward for version in step.outputs})
    return found


def most_kept(steps: int) -> int:
    """How many edges may be told of in all, in a store that assigned so many ids of the run level."""
    return max(_LEAST_KEPT, steps // _SHARE_KEPT)


class Rewrites:
    """Gathers what a batch has to tell; the last word on each edge counts."""

    def __init__(self) -> None:
        self._told: StepEdges = {}

    def __len__(self) -> int:
        return len(self._told)

    def changed(self, old: Derivation, new: Derivation | None) -> None:
        """A derivation became another one of the same id, or went."""
        before, after = edges_of(old), edges_of(new) if new is not None else {}
        self._told.update((edge, WITHDRAWN) for edge in before if edge not in after)
        self._told.update((edge, mapping) for edge, mapping in after.items() if before.get(edge) != mapping)

    def clear(self) -> None:
        """Forget what was gathered."""
        self._told.clear()

    def take(self) -> bytes:
        """What was gathered, packed; from here on it is gathered again."""
        told = array("q", [number for edge, mapping in self._told.items() for number in (*edge, mapping)])
        self._told.clear()
        return pack(told.tobytes())


def numbers_of(body: bytes) -> array[int]:
    """What ``take`` packed: source, target and mapping of one edge after the other."""
    told = array("q")
    told.frombytes(unpack(body))
    return told
