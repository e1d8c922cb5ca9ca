"""Caches the parts of answers until a commit touches them.

An answer with a thousand nodes needs a thousand names, states and versions, and the next answer needs most of them
again. The cache keeps the JSON text of each node and edge, with the position in the log up to which it was true. Before
each commit, a writer in this process announces the nodes that the commit touches: their entries are dropped, and
entries read before that commit are no longer accepted. The writer also records these nodes in the store with the
commit, so that the first reader who sees a commit of another process can drop the entries it touched. Other changes
(a rebuild, retention, merged nodes) leave no record; the first reader who sees one drops everything.

An ``AnswerCache`` belongs to one store of one tenant. The caches of a process share a memory budget and nothing else.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from weakref import WeakSet

import msgspec

if TYPE_CHECKING:
    from headwater.storage.row_types import EdgeRow

MOST_BYTES = 40 << 20
"""Memory that all caches of a process may use together."""
_MOST_TOUCHED = 20_000
_NODE_BYTES = 400
_EDGE_BYTES = 300
_TEXT_BYTES = 120
"""Overhead of an entry beside its text: objects and dictionary slots."""

LOW = 0xFFFFFFFF
"""Mask of the target in a ``pair_key``."""

State = tuple[int, int]
"""A state of a store: how often its ids were rewritten, and the last event it includes."""


class NodePiece(msgspec.Struct, frozen=True, gc=False):
    """A node as JSON text: its public name, and the node before and after its ``level``; true since ``seq``."""

    seq: int
    name: str
    head: str
    tail: str

    @property
    def size(self) -> int:
        """Bytes in memory, about."""
        return _NODE_BYTES + len(self.name) + len(self.head) + len(self.tail)


class EdgePiece(msgspec.Struct, frozen=True, gc=False):
    """The edges between two nodes: for each, its job (0 for none) and the JSON text after the names of both ends and
    the job; true since ``seq``."""

    seq: int
    edges: tuple[tuple[int, str], ...]

    @property
    def size(self) -> int:
        """Bytes in memory, about."""
        return _EDGE_BYTES + sum(_TEXT_BYTES + len(text) for _, text in self.edges)


P = TypeVar("P", NodePiece, EdgePiece)


def pair_key(source: int, target: int) -> int:
    """The two ends of an edge as one number."""
    return source << 32 | target


class Budget:
    """Bounds the memory of many caches together: when they exceed it, the largest one is emptied."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._lock = threading.Lock()
        self._caches: WeakSet[AnswerCache] = WeakSet()

    def join(self, cache: AnswerCache) -> None:
        """Count this cache as well."""
        with self._lock:
            self._caches.add(cache)

    def keep(self) -> None:
        """Empty the largest caches until the bound is kept."""
        with self._lock:
            caches = list(self._caches)
        while sum(one.size for one in caches) > self.most_bytes:
            max(caches, key=lambda one: one.size).forget()


_BUDGET = Budget(MOST_BYTES)


class Commit(NamedTuple):
    """The last event before a commit, its own last event, and the nodes whose answers it changed."""

    before: int
    seq: int
    nodes: Collection[int]


Commits = Callable[[int], Sequence[Commit]]
"""Returns the recorded commits after an event, in order, up to the state that the caller sees."""


def never_elsewhere(_: int) -> Sequence[Commit]:
    """For a store without other writers: all of its commits are announced."""
    return ()


class AnswerCache:
    """The cached nodes and edges of one store. Thread-safe."""

    def __init__(self, budget: Budget = _BUDGET) -> None:
        self._lock = threading.Lock()
        self._budget = budget
        self._epoch = 0
        #: commits up to here were announced; entries read before ``_floor`` are not accepted
        self._known = -1
        self._floor = 0
        self._before = -1
        #: the last event that touched a node, since ``_floor``
        self._touched: dict[int, int] = {}
        #: replaced, never emptied: a reader that holds the old dictionary keeps its consistent state
        self.nodes: dict[int, NodePiece] = {}
        #: by ``pair_key``
        self.edges: dict[int, EdgePiece] = {}
        #: keys of edges by target: whatever touches an edge touches its target
        self._into: dict[int, list[int]] = {}
        #: the latest state of any entry
        self.newest = -1
        self.size = 0
        budget.join(self)

    # -- writing ---------------------------------------------------------------------------------------------------
    def announce(self, before: State, after: State, touched: Collection[int]) -> None:
        """Announce a commit that leads from one state to another and changes the answers about these nodes.

        Called before the commit, by the holder of the store's write lock.
        """
        with self._lock:
            if before != (self._epoch, self._known):
                self._restart(before)
            if after[0] != before[0]:
                self._restart(after)
                return
            self._before, self._known = self._known, after[1]
            self._touch(touched, after[1])

    def settle(self) -> None:
        """The announced commit succeeded."""
        with self._lock:
            self._before = self._known

    def withdraw(self) -> None:
        """The announced commit failed. Entries dropped for it stay dropped."""
        with self._lock:
            self._known = self._before

    def _touch(self, nodes: Collection[int], seq: int) -> None:
        if len(self._touched) > _MOST_TOUCHED:
            self._touched = {}
            self._floor = seq
        self._touched.update(dict.fromkeys(nodes, seq))
        if self.nodes or self.edges:
            for node in nodes:
                self._drop(node)

    def _drop(self, node: int) -> None:
        piece = self.nodes.pop(node, None)
        if piece is not None:
            self.size -= piece.size
        for key in self._into.pop(node, ()):
            self.size -= self.edges.pop(key).size

    def _restart(self, state: State) -> None:
        self._epoch, self._known = state
        self._floor = self._before = self._known
        self._touched = {}
        self._empty()

    def _empty(self) -> None:
        self.nodes, self.edges, self._into, self.size = {}, {}, {}, 0

    def forget(self) -> None:
        """Drop every entry, to free memory."""
        with self._lock:
            self._empty()

    # -- reading ---------------------------------------------------------------------------------------------------
    def at(self, state: State, commits: Commits = never_elsewhere) -> View:
        """The cached entries for a reader that sees the store in this state.

        ``commits`` is asked for commits that were not announced here: those of other processes, and those of this one
        that are already visible before their writer has called ``settle``.
        """
        with self._lock:
            epoch, known = self._epoch, self._before
            if state[0] == epoch and state[1] <= known:
                return View(self, state, self.nodes, self.edges)
        news = commits(known) if state[0] == epoch else ()
        with self._lock:
            is_known = state[0] == self._epoch and (state[1] <= self._before or self._catch_up(state[1], news))
            if not is_known:
                self._restart(state)
            return View(self, state, self.nodes, self.edges)

    def _catch_up(self, until: int, news: Sequence[Commit]) -> bool:
        """Drop what the commits up to an event touched; False if one of them has no record, or there are too many."""
        at = self._before
        missed = [one for one in news if at < one.seq <= until]
        for one in missed:
            if one.before > at:
                return False
            at = one.seq
        if at != until or sum(len(one.nodes) for one in missed) > _MOST_TOUCHED:
            return False
        for one in missed:
            self._touch(one.nodes, one.seq)
        self._before, self._known = until, max(until, self._known)
        return True

    def keep(self, view: View, nodes: Mapping[int, NodePiece], edges: Mapping[int, EdgePiece]) -> None:
        """Cache entries made from the state of a view, unless a later commit touched them."""
        epoch, seq = view.state
        with self._lock:
            if view.nodes is not self.nodes or epoch != self._epoch or seq < self._floor:
                return
            self.newest = max(self.newest, seq)  # before they can be found
            touched = self._touched
            for node, piece in nodes.items():
                if touched.get(node, 0) <= seq and node not in self.nodes:
                    self.nodes[node] = piece
                    self.size += piece.size
            for key, edge in edges.items():
                target = key & LOW
                if touched.get(target, 0) <= seq and key not in self.edges:
                    self.edges[key] = edge
                    self._into.setdefault(target, []).append(key)
                    self.size += edge.size
        self._budget.keep()


class View:
    """The cached entries for one state of a store."""

    def __init__(
        self,
        cache: AnswerCache,
        state: State,
        nodes: Mapping[int, NodePiece],
        edges: Mapping[int, EdgePiece],
    ) -> None:
        self._cache = cache
        self.state = state
        self.nodes = nodes
        self.edges = edges

    def known_nodes(self, keys: Iterable[int]) -> list[NodePiece | None]:
        """The entries of these nodes, in order."""
        return self._of_this_state(list(map(self.nodes.get, keys)))

    def known_edges(self, keys: Iterable[int]) -> list[EdgePiece | None]:
        """The entries of these ``pair_key`` values, in order."""
        return self._of_this_state(list(map(self.edges.get, keys)))

    def _of_this_state(self, found: list[P | None]) -> list[P | None]:
        """The entries no later than this state: all of them, unless other readers are ahead."""
        seq = self.state[1]
        if self._cache.newest <= seq:  # looked at after they were found
            return found
        return [piece if piece is not None and piece.seq <= seq else None for piece in found]

    def keep(self, nodes: Mapping[int, NodePiece], edges: Mapping[int, EdgePiece]) -> None:
        """Cache entries of nodes, by id, and of edges, by ``pair_key``."""
        self._cache.keep(self, nodes, edges)


class Viewed(ABC):
    """The part of the ``Store`` contract that answers a whole question from one state."""

    @abstractmethod
    def view(self) -> AbstractContextManager[View]:
        """A context in which the store and its indexes answer from one state, that of the last acknowledged event.
        Yields the cached entries for that state. A nested view is the same view. This store cannot be written to within
        it, and other threads that use this store wait until it ends: keep it as short as one query.
        """

    @abstractmethod
    def edges_between(self, pairs: Collection[tuple[int, int]]) -> list[EdgeRow]:
        """Dataset-level edges that hold now between these (source, target) pairs, by source, target, job, and start."""
