"""The graph index: answers from memory about a stream of edges; rebuilt from the stream whenever in doubt."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from headwater.errors import InvalidInput
from headwater.storage.index import files
from headwater.storage.index.csr import Edges, Snapshot
from headwater.storage.index.edge_source import U32, EdgeSource
from headwater.storage.index.induced_edges import edges_inside
from headwater.storage.index.kernels import choose
from headwater.storage.index.log_follower import Follower, State
from headwater.storage.index.nearest import Nearest, nearest, steps
from headwater.storage.index.shortest_path import shortest_paths
from headwater.storage.index.walk_request import Question
from headwater.storage.index.walk_result import ColumnReach, Direction, Reach, adjacency

Roots = int | Iterable[int] | npt.NDArray[np.generic]


class GraphIndex:
    """Walks over one graph of integer ids.

    Thread-safe: a walk uses the current state, and ``refresh`` replaces it by what the source shows. Handles of the
    same graph are refreshed independently of each other.
    Unknown node ids raise InvalidInput. Roots at or above ``cut`` did not exist then and reach nothing.
    """

    def __init__(self, follower: Follower, source: EdgeSource, state: State | None = None) -> None:
        self._follower = follower
        self._source = source
        self._state = follower.state if state is None else state

    @classmethod
    def open(
        cls, folder: Path | None, source: EdgeSource, *, kernel: str | None = None, auto_compact: bool = True
    ) -> GraphIndex:
        """The index of a source, brought up to date: loaded from its files if they are sound, else built and saved.

        With ``folder`` None it is kept in memory only. ``kernel`` is ``compiled``, ``numpy`` or ``python``. Without
        ``auto_compact`` the overlay grows until ``compact`` is called.
        """
        index = cls.prepare(folder, source, kernel=kernel, auto_compact=auto_compact)
        index.refresh()
        return index

    @classmethod
    def prepare(
        cls, folder: Path | None, source: EdgeSource, *, kernel: str | None = None, auto_compact: bool = True
    ) -> GraphIndex:
        """Like ``open``, but the source is not read before ``refresh``: until then the index has no nodes."""
        return cls(Follower(folder, source, choose(kernel), auto_compact=auto_compact), source)

    def reading_from(self, source: EdgeSource, state: State | None = None) -> GraphIndex:
        """Another handle of the same graph, refreshed from ``source``, for another thread or connection.

        Both sources must be of the same store. ``close`` closes the graph for all handles. If reading the source has
        begun already, ``state`` is the value of ``latest`` from before.
        """
        return GraphIndex(self._follower, source, state)

    @property
    def latest(self) -> State:
        """The latest state of the graph, whichever handle brought it there."""
        return self._follower.state

    def refresh(self) -> int:
        """Advance to the state that the source shows; returns how many edges were read."""
        with self._source.reading():
            latest = self._follower.state
            if (latest[0].epoch, latest[0].mark) == (self._source.epoch, self._source.mark):
                self._state = latest
                return 0
            with self._follower.lock:
                self._state, taken = self._follower.at(self._source, self._state)
            return taken

    def compact(self) -> None:
        """Merge the overlay into a new base and save it as a new generation."""
        with self._source.reading(), self._follower.lock:
            self._follower.compact(self._source)
            self._state = self._follower.state

    def verify(self) -> bool:
        """Whether the saved files are intact; also True if nothing is saved."""
        folder = self._follower.folder
        return folder is None or not (folder / "manifest.json").exists() or files.load(folder, verify=True) is not None

    def close(self) -> None:
        """Release the files. The index cannot be used afterwards."""
        with self._follower.lock:
            self._follower.close()
            self._state = self._follower.state

    @property
    def kernel(self) -> str:
        """The name of the kernel in use."""
        return self._follower.kernel.name

    @property
    def snapshot(self) -> Snapshot:
        """The state that walks use now."""
        return self._state[0]

    @property
    def node_count(self) -> int:
        """Number of known nodes."""
        return self.snapshot.node_count

    @property
    def edge_count(self) -> int:
        """Number of edges, including those with closed intervals."""
        return self.snapshot.edge_count

    @property
    def memory_bytes(self) -> int:
        """Size of all arrays of the graph, including mapped ones, but not the work space of walks."""
        return self._follower.memory_bytes

    @property
    def builds(self) -> int:
        """How often the graph was built from all edges of the source; loading a saved graph does not count."""
        return self._follower.builds

    @property
    def save_error(self) -> str | None:
        """Why the last save failed, or None; the index then works from memory."""
        return self._follower.save_error

    def walk(
        self,
        roots: Roots,
        *,
        direction: Direction,
        depth: int | None = None,
        cut: int | None = None,
        as_of: int | None = None,
        budget: int | None = None,
        kinds: int | None = None,
    ) -> Reach:
        """Everything that the roots reach in a direction, roots included.

        ``depth`` limits the hops and ``budget`` the nodes visited, keeping the nearest; the result states whether
        either limit was hit. Ids from ``cut`` on do not exist. With ``as_of`` (microseconds since the epoch) only edges
        valid then are followed, without it every edge that ever was; edges without an interval are always valid.
        ``kinds`` is a bit mask: nodes of other kinds are walked through but left out of the result.
        """
        snapshot, _ = self._state
        question = self._question(snapshot, roots, direction, depth, cut, as_of, budget)
        graph = adjacency(snapshot, direction)
        kernel = self._follower.kernel
        layers = counts = None
        if depth is None and budget is None:
            ids, counts = kernel.closure(graph, question, snapshot.kinds)
        else:
            layers = kernel.layers(graph, question)
            ids = np.sort(layers.ids)
        if kinds is not None:
            wanted = np.array([kinds >> kind & 1 for kind in range(256)], np.bool_)
            ids = ids[wanted[snapshot.kinds[ids]]]
            counts = None if counts is None else counts * wanted
        return Reach(
            ids,
            snapshot=snapshot,
            direction=direction,
            question=question,
            kernel=kernel,
            layers=layers,
            counts=counts,
        )

    def nearest(
        self,
        roots: Roots,
        *,
        direction: Direction,
        depth: int | None = None,
        as_of: int | None = None,
        limit: int | None = None,
    ) -> Nearest:
        """The first ``limit`` nodes that ``walk`` reaches, by (hops, id), with their hops, and the ids of all."""
        snapshot = self.snapshot
        question = self._question(snapshot, roots, direction, depth, None, as_of, None)
        return nearest(self._follower.kernel, adjacency(snapshot, direction), question, snapshot.kinds, limit)

    def walk_columns(
        self,
        roots: Mapping[int, int | Iterable[int]],
        *,
        direction: Direction,
        depth: int | None = None,
        cut: int | None = None,
        as_of: int | None = None,
        budget: int | None = None,
    ) -> ColumnReach:
        """Everything that some fields of the roots reach, field by field.

        ``roots`` maps each root to its fields, as a bit mask over positions or as positions. The other arguments are
        those of ``walk``; with a ``depth`` it walks hop by hop, which is meant for small neighbourhoods.
        """
        snapshot, mappings = self._state
        masks = {int(node): _mask(fields) for node, fields in roots.items()}
        question = self._question(snapshot, list(masks), direction, depth, cut, as_of, budget)
        trail = self._follower.kernel.trail(
            adjacency(snapshot, direction),
            question,
            masks,
            mappings.reading_from(self._source),
            is_upstream=direction == "upstream",
        )
        return ColumnReach(trail)

    def path(
        self, source: int, target: int, *, cut: int | None = None, as_of: int | None = None, limit: int = 1
    ) -> list[list[int]]:
        """Up to ``limit`` shortest paths along the flow of data, ends included; empty if there is none."""
        snapshot = self.snapshot
        question = self._question(snapshot, [source, target], "downstream", None, cut, as_of, None)
        if len(question.roots) < len({source, target}):
            return []
        return shortest_paths(snapshot, source, target, cut=question.cut, as_of=as_of, limit=limit)

    def neighbours(self, node: int, direction: Direction, *, cut: int | None = None, as_of: int | None = None) -> U32:
        """The nodes one edge away, ascending."""
        snapshot = self.snapshot
        question = self._question(snapshot, node, direction, None, cut, as_of, None)
        if not len(question.roots):
            return question.roots
        return adjacency(snapshot, direction).neighbours(node, cut=question.cut, as_of=as_of)

    def steps(self, nodes: Roots, direction: Direction, *, as_of: int | None = None) -> tuple[U32, U32]:
        """``neighbours`` of many nodes, as sorted (node, neighbour) pairs."""
        snapshot = self.snapshot
        question = self._question(snapshot, nodes, direction, None, None, as_of, None)
        return steps(adjacency(snapshot, direction), question)

    def beyond(self, nodes: Roots, direction: Direction, *, kept: Roots, as_of: int | None = None) -> dict[int, int]:
        """How many neighbours of each of these nodes are not in ``kept``; nodes without any are left out."""
        near, far = self.steps(nodes, direction, as_of=as_of)
        found, counts = np.unique(near[~np.isin(far, _ids(kept))], return_counts=True)
        return dict(zip(found.tolist(), counts.tolist(), strict=True))

    def edges_among(self, ids: Roots, *, as_of: int | None = None) -> Edges:
        """The edges between the given nodes, by source and target, with the source's mapping ids."""
        snapshot, mappings = self._state
        question = self._question(snapshot, ids, "downstream", None, None, as_of, None)
        return edges_inside(snapshot, question.roots, as_of, mappings)

    def _question(
        self,
        snapshot: Snapshot,
        roots: Roots,
        direction: Direction,
        depth: int | None,
        cut: int | None,
        as_of: int | None,
        budget: int | None,
    ) -> Question:
        if direction not in ("upstream", "downstream"):
            raise InvalidInput(field="direction", value=repr(direction), rule="must be 'upstream' or 'downstream'")
        if (depth or 0) < 0 or (cut or 0) < 0 or (budget or 0) < 0:
            raise _negative(depth=depth, cut=cut, budget=budget)
        if as_of is not None and not -(2**63) <= as_of < 2**63 - 1:
            raise InvalidInput(field="as_of", value=str(as_of), rule="must be in microseconds since the epoch")
        known = snapshot.node_count
        cut = known if cut is None else min(cut, known)
        return Question(_below(roots, known, cut), known, cut, as_of, direction == "downstream", depth, budget)


def _negative(**given: int | None) -> InvalidInput:
    name, number = next((name, number) for name, number in given.items() if number is not None and number < 0)
    return InvalidInput(field=name, value=str(number), rule="must be 0 or more")


def _below(roots: Roots, known: int, cut: int) -> U32:
    """The distinct roots below ``cut``; raises InvalidInput unless all are ids below ``known``.

    The usual case, a single root, is handled apart: the numpy operations would take longer than a short walk.
    """
    if type(roots) is int:
        first = last = roots
    else:
        ids = _ids(roots)
        first, last = (int(ids[0]), int(ids[-1])) if len(ids) else (0, -1)
    if first < 0 or last >= known:
        raise InvalidInput(
            field="roots",
            value=str(first if first < 0 else last),
            rule=f"must be ids below {known}",
            hint="call refresh() if the node is new",
        )
    if type(roots) is int:
        return np.frombuffer(roots.to_bytes(4, sys.byteorder), np.uint32) if roots < cut else np.empty(0, np.uint32)
    return ids[ids < cut].astype(np.uint32)


def _ids(roots: Roots) -> npt.NDArray[np.int64]:
    if isinstance(roots, int | np.integer):
        return np.array([roots], np.int64)
    array = roots if isinstance(roots, np.ndarray) else np.array(list(roots), np.int64)
    return np.unique(array.astype(np.int64, copy=False))


def _mask(fields: int | Iterable[int]) -> int:
    """A bit mask from one, or from positions."""
    if isinstance(fields, int):
        mask = fields
    else:
        mask = 0
        for position in fields:
            if position < 0:
                raise InvalidInput(field="roots", value=str(position), rule="must give field positions from 0 on")
            mask |= 1 << position
    if mask < 0:
        raise InvalidInput(field="roots", value=str(mask), rule="must give fields as a bit mask that is not negative")
    return mask
