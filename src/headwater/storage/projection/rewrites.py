"""Packs changed derivations for followers of the run level.

Followers read new derivations by ascending id, so these need no log. When a derivation changes or is removed later (an
earlier write became known, or a finished run sent another event), the removed and added edges are logged. The entry
takes the next id of the run level, which then represents no node; so one number describes how far a follower has read.
The log is kept until it is about as large as the graph itself; a follower that is further behind reads the graph again.
"""

from __future__ import annotations

from array import array
from typing import Final

from headwater.storage.projection.records import Derivation
from headwater.storage.rows import pack, unpack

ONWARD: Final = 2**32 - 1
"""Mapping of an edge from a derivation to its output: every field as it is."""
WITHDRAWN: Final = -1
"""In place of a mapping, marks a removed edge."""
WIDTH: Final = 3
"""Numbers per logged edge: source, target, mapping."""
KEPT: Final = "rewrites"
KEPT_FLOOR: Final = "rewrites_floor"
"""Counters of a store: the number of logged edges, and the last number that was deleted from the log."""
_LEAST_KEPT = 1 << 16
_SHARE_KEPT = 4

StepEdges = dict[tuple[int, int], int]
"""Mapping by (source, target)."""


def edges_of(step: Derivation) -> StepEdges:
    """The edges of a derivation.

    If columns are known, the derivation has the fields of its only output, and passes them on unchanged.
    """
    onward = ONWARD if any(mapping for _, mapping in step.inputs) else 0
    found = {(version, step.id): mapping for version, mapping in step.inputs}
    found.update({(step.id, version): onward for version in step.outputs})
    return found


def most_kept(steps: int) -> int:
    """How many edges may be logged in a store that has assigned this many ids of the run level."""
    return max(_LEAST_KEPT, steps // _SHARE_KEPT)


class Rewrites:
    """Collects the changes of a batch; the last change of each edge counts."""

    def __init__(self) -> None:
        self._edges: StepEdges = {}

    def __len__(self) -> int:
        return len(self._edges)

    def changed(self, old: Derivation, new: Derivation | None) -> None:
        """Log that a derivation was replaced by one with the same id, or removed."""
        before, after = edges_of(old), edges_of(new) if new is not None else {}
        self._edges.update((edge, WITHDRAWN) for edge in before if edge not in after)
        self._edges.update((edge, mapping) for edge, mapping in after.items() if before.get(edge) != mapping)

    def clear(self) -> None:
        """Drop the collected changes."""
        self._edges.clear()

    def take(self) -> bytes:
        """Return the collected changes, packed, and start afresh."""
        numbers = array("q", [number for edge, mapping in self._edges.items() for number in (*edge, mapping)])
        self._edges.clear()
        return pack(numbers.tobytes())


def numbers_of(body: bytes) -> array[int]:
    """Unpack the result of ``take``: source, target and mapping of each edge in turn."""
    numbers = array("q")
    numbers.frombytes(unpack(body))
    return numbers
