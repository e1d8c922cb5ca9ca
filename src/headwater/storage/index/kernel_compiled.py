"""The compiled kernel, which passes arrays to the C extension."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from headwater.errors import StoreCorrupt
from headwater.storage.index import _kernel  # type: ignore[attr-defined]
from headwater.storage.index.csr import Adjacency, Rows
from headwater.storage.index.edge_source import U8, U32, U64
from headwater.storage.index.mapping_arrays import MappingArrays, mapping_arrays
from headwater.storage.index.mappings import MappingTable, Trail, carry, split_words
from headwater.storage.index.walk_request import Layers, Question

NO_LIMIT = 2**64 - 1

LOADING_ROUNDS = 3

_PAIR = np.array([2**32, 1], np.uint64)
"""Combines a (source, target) pair into one number."""


class Spaces:
    """Work space that is all zero between walks; a failed walk does not return its own."""

    def __init__(self) -> None:
        self._idle: list[U64] = []

    def take(self, words: int) -> U64:
        """A zeroed array of at least this many words."""
        while self._idle:
            try:
                space = self._idle.pop()
            except IndexError:  # another thread took the last one
                break
            if len(space) >= words:
                return space
        return np.zeros(words + words // 16, np.uint64)

    def give(self, space: U64) -> None:
        """Return an array, which must be zeroed again."""
        self._idle.append(space)


def rows_tuple(rows: Rows) -> tuple[object, ...]:
    """Rows in the form the extension reads."""
    return (rows.keys, rows.offsets, rows.targets, rows.valid_from, rows.valid_to, rows.mapping, rows.gone)


def handle_of(graph: Adjacency) -> object:
    """The extension's handle of a graph, made for the first walk."""
    if graph.handle:
        return graph.handle[0]
    made: object = _kernel.graph(rows_tuple(graph.base), tuple(map(rows_tuple, graph.segments)), graph.touched)
    graph.handle.append(made)  # two threads may each make one; the first is used from then on
    return made


class CompiledKernel:
    """Walks in C, without holding the interpreter lock."""

    name = "compiled"

    def __init__(self) -> None:
        self._bits = Spaces()
        self._words = Spaces()
        self._chains = Spaces()

    def closure(self, graph: Adjacency, question: Question, kinds: U8) -> tuple[U32, U64]:
        """Everything reached, ascending, and how many of each kind."""
        q = question
        seen = self._bits.take((q.node_count >> 6) + 1)
        try:
            data, counts, is_sorted = _kernel.closure(
                handle_of(graph), q.roots, q.node_count, q.cut, q.as_of, q.is_ascending, seen, kinds
            )
        except ValueError as error:
            raise StoreCorrupt(str(error)) from error
        self._bits.give(seen)
        ids = np.frombuffer(data, np.uint32)
        return ids if is_sorted else np.sort(ids), np.frombuffer(counts, np.uint64)

    def layers(self, graph: Adjacency, question: Question) -> Layers:
        """The nodes reached, nearest first."""
        q = question
        depth, budget = (NO_LIMIT if limit is None else limit for limit in (q.depth, q.budget))
        seen = self._bits.take((q.node_count >> 6) + 1)
        try:
            ids, starts, is_over, has_more = _kernel.layers(
                handle_of(graph), q.roots, q.node_count, q.cut, q.as_of, depth, budget, seen
            )
        except ValueError as error:
            raise StoreCorrupt(str(error)) from error
        self._bits.give(seen)
        starts_array = np.frombuffer(starts, np.uint32).astype(np.int64)
        return Layers(np.frombuffer(ids, np.uint32), starts_array, bool(is_over), bool(has_more))

    def count_kinds(self, ids: U32, kinds: U8) -> U64:
        """How many ids are of each kind."""
        return np.frombuffer(_kernel.count_kinds(ids, kinds), np.uint64)

    def order_by(self, keys: U32, limit: int) -> npt.NDArray[np.unsignedinteger]:
        """The stable order of the keys: a counting sort if there are many, else a comparison sort."""
        if len(keys) and int(keys.max()) >= limit:
            raise StoreCorrupt("the graph index was handed an edge to a node that does not exist")
        if len(keys) * 8 < limit:
            return np.argsort(keys, kind="stable").astype(np.uint32)
        return np.frombuffer(_kernel.order_by(np.ascontiguousarray(keys), limit), np.uint32)

    def trail(
        self,
        walked: Adjacency,
        question: Question,
        masks: dict[int, int],
        mappings: MappingTable,
        *,
        is_upstream: bool,
    ) -> Trail:
        """Field masks carried along the edges; in Python, hop by hop, if there is a depth."""
        if question.depth is not None:
            return carry(walked, question, masks, mappings, is_upstream=is_upstream)
        rounds = 0
        while True:
            arrays = mapping_arrays(mappings, is_upstream=is_upstream)
            answer = self._trail(walked, question, masks, arrays, is_upstream=is_upstream)
            missing = np.unique(np.frombuffer(answer[4], np.uint32)).tolist()
            if not missing:
                return _as_trail(answer)
            # A walk requests the mappings it meets, and each load can reveal more; in the end all are loaded.
            rounds += 1
            for number in missing if rounds <= LOADING_ROUNDS else range(len(mappings)):
                mappings.definition(number)

    def _trail(
        self,
        walked: Adjacency,
        question: Question,
        masks: dict[int, int],
        arrays: MappingArrays,
        *,
        is_upstream: bool,
    ) -> tuple[bytes, bytes, bytes, bytes, bytes, int]:
        q = question
        roots = [(node, word, bits) for node, mask in masks.items() if node < q.cut for word, bits in split_words(mask)]
        nodes, places, words = zip(*roots, strict=True) if roots else ((), (), ())
        count = (q.node_count >> 6) + 1
        space = self._words.take(q.node_count)
        sets = [self._bits.take(count) for _ in range(3)]
        chains = self._chains.take((q.node_count >> 4) + 1)
        try:
            answer: tuple[bytes, bytes, bytes, bytes, bytes, int] = _kernel.trail(
                handle_of(walked),
                arrays.parts(),
                q.node_count,
                q.cut,
                q.as_of,
                is_upstream,
                NO_LIMIT if q.budget is None else q.budget,
                np.array(nodes, np.uint32),
                np.array(places, np.uint32),
                np.array(words, np.uint64),
                space,
                *sets,
                chains,
            )
        except ValueError as error:
            raise StoreCorrupt(str(error)) from error
        self._chains.give(chains)
        self._words.give(space)
        for bits in sets:
            self._bits.give(bits)
        return answer


def _as_trail(answer: tuple[bytes, bytes, bytes, bytes, bytes, int]) -> Trail:
    ids, words = np.frombuffer(answer[0], np.uint32), np.frombuffer(answer[1], np.uint64)
    beyond = np.frombuffer(answer[2], np.uint64).reshape(-1, 2)
    lost = np.unique(np.frombuffer(answer[3], np.uint32).reshape(-1, 2).astype(np.uint64) @ _PAIR)
    sources, targets = (lost >> np.uint64(32)).astype(np.uint32), lost.astype(np.uint32)
    return Trail(ids, words, beyond, sources, targets, bool(answer[5]), has_more=False)
