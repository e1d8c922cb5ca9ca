"""Caches the pieces of answers until a commit touches them.

An answer of a thousand nodes asks for a thousand names, states and versions, and the next one for most of them again.
What was made of a node or an edge is kept here, with the place in the log up to which it was true. A writer in this
process announces before each commit which nodes it touches: what is known of those is dropped, and nothing that was
read before that commit is taken in any more. It leaves a note of them in the store with the commit; so the first reader
who sees that another process wrote drops what that touched. Whatever else changes a store, a rebuild, retention, nodes
that turn out to be one, left no note; the first reader who sees it drops everything.

An ``AnswerCache`` belongs to one store of one tenant. All caches of a process share a budget of memory, and nothing
else.
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
"""What the recalls of a process may hold together."""
_MOST_TOUCHED = 20_000
_NODE_BYTES = 400
_EDGE_BYTES = 300
_TEXT_BYTES = 120
"""What a piece takes beside its text: objects, and places in dictionaries."""

LOW = 0xFFFFFFFF
"""The target in a ``pair_key``."""

State = tuple[int, int]
"""A state of a store: how often its ids were rewritten, and the last event that it shows."""


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
    """The edges between two nodes: for each its job (0 for none) and the JSON text that follows the names of the ends
    and the job; true since ``seq``."""

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
    """Bounds what many recalls hold together: where it is too much, the largest one forgets."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._lock = threading.Lock()
        self._recalls: WeakSet[AnswerCache] = WeakSet()

    def join(self, recall: AnswerCache) -> None:
        """Count what this one holds as well."""
        with self._lock:
            self._recalls.add(recall)

    def keep(self) -> None:
        """See that the bound is kept."""
        with self._lock:
            recalls = list(self._recalls)
        while sum(one.size for one in recalls) > self.most_bytes:
            max(recalls, key=lambda one: one.size).forget()


_BUDGET = Budget(MOST_BYTES)


class Commit(NamedTuple):
    """The last event before a commit, its own last event, and the nodes of which answers show something else since."""

    before: int
    seq: int
    nodes: Collection[int]


Commits = Callable[[int], Sequence[Commit]]
"""The commits after an event, in order, as far as they were noted, in the state of the one who asks."""


def never_elsewhere(_: int) -> Sequence[Commit]:
    """For a store that nobody else writes: each of its commits is announced."""
    return ()


class AnswerCache:
    """What is known of the nodes and edges of one store. Safe to use from many threads."""

    def __init__(self, budget: Budget = _BUDGET) -> None:
        self._lock = threading.Lock()
        self._budget = budget
        self._epoch = 0
        #: everything up to here was announced; nothing is taken in that was read before ``_floor``
        self._known = -1
        self._floor = 0
        self._before = -1
        #: the last event that touched a node, since ``_floor``
        self._touched: dict[int, int] = {}
        #: a dictionary that is replaced, never emptied: who reads from it goes on with what was true for him
        self.nodes: dict[int, NodePiece] = {}
        #: by ``pair_key``
        self.edges: dict[int, EdgePiece] = {}
        #: the keys of edges by target: what touches an edge touches its target
        self._into: dict[int, list[int]] = {}
        #: no piece was taken in that was made of a later state
        self.newest = -1
        self.size = 0
        budget.join(self)

    # -- writing ---------------------------------------------------------------------------------------------------
    def announce(self, before: State, after: State, touched: Collection[int]) -> None:
        """A commit will lead from one state to another and changes what answers show of these nodes.

        Called by the one who holds the store's lock for writing, before the commit.
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
        """What was announced has happened."""
        with self._lock:
            self._before = self._known

    def withdraw(self) -> None:
        """What was announced has not happened, and will not. What was dropped for it stays dropped."""
        with self._lock:
            self._known = self._before

    def _touch(self, nodes: Collection[int], seq: int) -> None:
        if len(self._touched) > _MOST_TOUCHED:
            self._touched = {}
            self._floor = seq
        for node in nodes:
            self._touched[node] = seq
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
        """Drop every piece: they take too much memory."""
        with self._lock:
            self._empty()

    # -- reading ---------------------------------------------------------------------------------------------------
    def at(self, state: State, commits: Commits = never_elsewhere) -> View:
        """What is remembered, for one who sees the store in that state.

        ``commits`` is asked for what nobody announced here: another process wrote, or a commit of this one is seen by
        others before its writer has said that it happened.
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
        """Drop what commits up to an event touched; False where one of them left no note, or too much is noted."""
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
        """Remember pieces that were made of the state of a view, as far as no later commit touched them."""
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
    """What is remembered of one state of a store."""

    def __init__(
        self,
        recall: AnswerCache,
        state: State,
        nodes: Mapping[int, NodePiece],
        edges: Mapping[int, EdgePiece],
    ) -> None:
        self._recall = recall
        self.state = state
        self.nodes = nodes
        self.edges = edges

    def known_nodes(self, keys: Iterable[int]) -> list[NodePiece | None]:
        """The pieces of these nodes, in order."""
        return self._of_this_state(list(map(self.nodes.get, keys)))

    def known_edges(self, keys: Iterable[int]) -> list[EdgePiece | None]:
        """The pieces of these ``pair_key``, in order."""
        return self._of_this_state(list(map(self.edges.get, keys)))

    def _of_this_state(self, found: list[P | None]) -> list[P | None]:
        """The pieces that are no later than this state: all of them, unless others have gone ahead."""
        seq = self.state[1]
        if self._recall.newest <= seq:  # looked at after they were found
            return found
        return [piece if piece is not None and piece.seq <= seq else None for piece in found]

    def keep(self, nodes: Mapping[int, NodePiece], edges: Mapping[int, EdgePiece]) -> None:
        """Remember what was made of nodes, by id, and of edges, by ``pair_key``."""
        self._recall.keep(self, nodes, edges)


class Viewed(ABC):
    """The part of the ``Store`` contract that answers a whole question from one state."""

    @abstractmethod
    def view(self) -> AbstractContextManager[View]:
        """A context in which everything that this store is asked, its indexes included, is answered from one state,
        that of the last acknowledged event; it gives what is remembered of it.

        A view within a view is the same one. Nothing can be written in it through this store, and other threads that
        use this store wait until it ends: it is for the duration of one question.
        """

    @abstractmethod
    def edges_between(self, pairs: Collection[tuple[int, int]]) -> list[EdgeRow]:
        """Dataset-level edges that hold now between these (source, target) pairs, by source, target, job, and start."""
