"""What the graph index needs from a store: a stream of integer edges, the kind of each node, the column mappings."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

OPEN_END: Final = 2**63 - 1
"""``valid_to`` of an edge that is still valid."""

NO_MAPPING: Final = 0
"""Mapping id of an edge whose columns are unknown: the column trail is lost there."""

IDENTITY_MAPPING: Final = 2**32 - 1
"""Mapping id of an edge that passes every field on at its own position; never requested from the source."""


class EdgeBatch(msgspec.Struct, frozen=True, eq=False):
    """Edges in the order of the log, as parallel arrays of one length.

    ``last_seq`` is the sequence number of the last edge in it (the number asked for when nothing is newer). Times are
    microseconds since the epoch; an edge holds in ``[valid_from, valid_to)``. ``label`` tells edges with the
    same ends apart: a job and how it is known. Arrays that a graph does not use are None.

    An edge is identified by (source, target, label, valid_from). Sending it again replaces the former one (with a later
    ``valid_to``, or a mapping found later). An empty interval (``valid_to <= valid_from``) removes it; in a graph with
    neither intervals nor labels, ``withdrawn`` does. Anything else that removes or renumbers edges requires a new
    ``epoch`` of the source.
    """

    last_seq: int
    source: U32
    target: U32
    valid_from: I64 | None = None
    valid_to: I64 | None = None
    label: U32 | None = None
    mapping: U32 | None = None
    withdrawn: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.source)


class ColumnMapping(msgspec.Struct, frozen=True, eq=False):
    """Which field positions of an edge's source feed which field positions of its target.

    ``source_fields[i]`` feeds ``target_fields[i]``. ``is_identity`` adds every field to itself, at any width.
    """

    source_fields: U32
    target_fields: U32
    is_identity: bool = False


class EdgeSource(Protocol):
    """A store as the index sees it. All ids are dense integers from zero, in order of arrival."""

    @property
    def epoch(self) -> int:
        """Changes when ids were merged or edges rewritten: the index is then rebuilt from scratch.

        Saved files are trusted if they carry this number. A store that can be replaced by another in the same folder
        (restored, rebuilt) must start from a random number rather than 1, so that the two differ.
        """

    @property
    def mark(self) -> int:
        """Grows with every change of edges and nodes within an epoch: (epoch, mark) identifies a state of the source.

        A graph with a higher epoch, or the same epoch and a higher mark, is ahead of what the source shows.
        """

    def reading(self) -> AbstractContextManager[object]:
        """A context in which the source shows one state; one may be entered within another.

        Enter it before taking the lock of a graph, never after, to avoid a deadlock with other followers.
        """

    @property
    def floor(self) -> int:
        """The number of the last withdrawal that was deleted from the log; 0 if none was.

        A graph older than that number cannot be brought up to date and is read again from the beginning:
        ``edges_since(0)`` returns all edges that hold, and possibly some that are withdrawn later on.
        """

    @property
    def places(self) -> int:
        """Changes when fields of a node may have moved to other positions: mappings must then be requested again."""

    def edges_since(self, seq: int, limit: int) -> EdgeBatch:
        """Edges with a sequence number above ``seq``, in order, about ``limit`` of them.

        Edges that share a sequence number come in one batch, so a batch may be longer than ``limit``. A batch whose
        ``last_seq`` equals ``seq`` is the last one; a batch without edges but with a higher ``last_seq`` is not.
        """

    def node_kinds_since(self, node_id: int) -> U8:
        """The kind of each node from ``node_id`` on, up to the last node."""

    def mapping(self, mapping_id: int) -> ColumnMapping:
        """The mapping with that id, shared by content; it changes only with ``places``."""


def columns(pairs: list[tuple[int, int]], *, is_identity: bool = False) -> ColumnMapping:
    """A mapping from (source position, target position) pairs."""
    array = np.array(pairs, dtype=np.uint32).reshape(-1, 2)
    return ColumnMapping(array[:, 0].copy(), array[:, 1].copy(), is_identity)
