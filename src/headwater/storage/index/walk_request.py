"""The request to a walk kernel, and its result by hops."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from headwater.storage.index.edge_source import U32


class Question(msgspec.Struct, frozen=True, eq=False):
    """A request to a kernel. Ids at or above ``cut`` do not exist; ``cut`` is at most ``node_count``.

    ``roots`` are distinct and below ``cut``. ``is_ascending`` states whether most edges in this direction lead to
    higher ids, and only affects speed. ``depth`` and ``budget`` are None for no limit.
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

    ``is_over_budget``: there were more nodes than the budget allows. ``has_more``: the depth limit left nodes out.
    """

    ids: U32
    starts: npt.NDArray[np.int64]
    is_over_budget: bool
    has_more: bool
