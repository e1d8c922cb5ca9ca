"""The request to a walk kernel, and its result in order of hops."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from headwater.storage.index.edge_source import U32


class Question(msgspec.Struct, frozen=True, eq=False):
    """What a kernel is asked. Ids at or above ``cut`` do not exist; ``cut`` is at most ``node_count``.

    ``roots`` are distinct and below ``cut``. ``is_ascending`` says which way most edges of the direction go, which is
    a hint about speed and nothing else. ``depth`` and ``budget`` are None for no limit.
    """

    roots: U32
    node_count: int
    cut: int
    as_of: int | None = None
    is_ascending: bool = True
    depth: int | None = None
    budget: int | None = None


class Layers(msgspec.Struct, frozen=True, eq=False):
    """Nodes in order of hops from the roots; ``starts[k]`` is where hop ``k`` begins.

    ``is_over_budget``: more nodes were there than the budget allows. ``has_more``: the depth limit left nodes out.
    """

    ids: U32
    starts: npt.NDArray[np.int64]
    is_over_budget: bool
    has_more: bool
