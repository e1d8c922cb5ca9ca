"""Column mappings by local number, and propagation of field masks along edges."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from headwater.errors import StoreCorrupt
from headwater.storage.index.csr import Adjacency
from headwater.storage.index.edge_source import IDENTITY_MAPPING, NO_MAPPING, U32, U64, ColumnMapping, EdgeSource
from headwater.storage.index.walk_request import Question

WORD = 2**64 - 1
MAX_FIELDS = 2**20
"""No dataset has more fields; a mapping with a higher position is damaged."""


class Trail(msgspec.Struct, frozen=True, eq=False):
    """Which fields were reached: ``words`` holds fields 0 to 63 of each of ``ids``, ``beyond`` those from 64 on.

    Each row of ``beyond`` is ``node << 32 | place`` and the word at that place, counted from 1. ``lost_source`` and
    ``lost_target`` are the edges met that have no mapping, each once.
    """

    ids: U32
    words: U64
    beyond: U64
    lost_source: U32
    lost_target: U32
    is_over_budget: bool
    has_more: bool


class Carrier(msgspec.Struct, frozen=True, eq=False):
    """A mapping in one direction: the fields that each field maps to, as a bit mask."""

    is_identity: bool
    rows: dict[int, int]

    def apply(self, mask: int) -> int:
        """The fields that these fields map to."""
        result = mask if self.is_identity else 0
        rest = mask
        while rest:
            bit = rest & -rest
            rest ^= bit
            result |= self.rows.get(bit.bit_length() - 1, 0)
        return result


class MappingTable:
    """Numbers the source's mapping ids in order of arrival, and loads their definitions when needed."""

    def __init__(self, source: EdgeSource, ids: list[int] | None = None) -> None:
        self._source = source
        self.ids = ids or [NO_MAPPING, IDENTITY_MAPPING]
        self._numbers = {mapping_id: number for number, mapping_id in enumerate(self.ids)}
        self._definitions: dict[int, ColumnMapping] = {}
        self._carriers: dict[tuple[int, bool], Carrier] = {}
        self.prepared: dict[bool, tuple[tuple[int, int], Any]] = {}
        """A kernel's arrays of the loaded mappings by direction, with the ``state`` they were made from."""

    def __len__(self) -> int:
        return len(self.ids)

    def reading_from(self, source: EdgeSource) -> MappingTable:
        """The same table, sharing all loaded definitions, that loads further ones from this source."""
        twin = copy.copy(self)
        twin._source = source
        return twin

    def numbers(self, mapping_ids: U32) -> U32:
        """Local numbers of the source's ids; new ids get the next numbers."""
        distinct, inverse = np.unique(mapping_ids, return_inverse=True)
        for mapping_id in distinct.tolist():
            if mapping_id not in self._numbers:
                self.ids.append(mapping_id)
                self._numbers[mapping_id] = len(self.ids) - 1
        numbers = np.array([self._numbers[mapping_id] for mapping_id in distinct.tolist()], np.uint32)
        return numbers[inverse]

    def ids_of(self, numbers: U32) -> U32:
        """The source's ids of local numbers. The cost depends on how many are given, not on how many mappings exist."""
        distinct, inverse = np.unique(numbers, return_inverse=True)
        ids = np.array([self.ids[number] for number in distinct.tolist()], np.uint32)
        return ids[inverse]

    @property
    def state(self) -> tuple[int, int]:
        """Grows with every new or newly loaded mapping."""
        return (len(self.ids), len(self._definitions))

    def is_loaded(self, number: int) -> bool:
        """Whether the definition is loaded; the two built-in ones always are."""
        if number in self._definitions:
            return True
        return number < len(self.ids) and self.ids[number] in (NO_MAPPING, IDENTITY_MAPPING)

    def definition(self, number: int) -> ColumnMapping:
        """The mapping with a local number.

        Raises StoreCorrupt if its field positions are invalid.
        """
        known = self._definitions.get(number)
        if known is None:
            if number >= len(self.ids):
                raise StoreCorrupt(f"an edge names column mapping number {number}, and there are {len(self.ids)}")
            mapping_id = self.ids[number]
            if mapping_id in (NO_MAPPING, IDENTITY_MAPPING):
                nothing = np.empty(0, np.uint32)
                known = ColumnMapping(nothing, nothing, mapping_id == IDENTITY_MAPPING)
            else:
                known = self._source.mapping(mapping_id)
            sides = (known.source_fields, known.target_fields)
            if len(sides[0]) != len(sides[1]) or any(len(s) and int(s.max()) >= MAX_FIELDS for s in sides):
                raise StoreCorrupt(f"column mapping {mapping_id} pairs fields that cannot exist")
            self._definitions[number] = known
        return known

    def carrier(self, number: int, *, is_upstream: bool) -> Carrier:
        """The mapping as masks, from target to source fields if ``is_upstream``."""
        known = self._carriers.get((number, is_upstream))
        if known is None:
            mapping = self.definition(number)
            pairs = zip(mapping.source_fields.tolist(), mapping.target_fields.tolist(), strict=True)
            rows: dict[int, int] = {}
            for source, target in pairs:
                near, far = (target, source) if is_upstream else (source, target)
                rows[near] = rows.get(near, 0) | 1 << far
            known = self._carriers[number, is_upstream] = Carrier(mapping.is_identity, rows)
        return known


class _MappedEdges:
    """The edges of one node with their mapping numbers, in the direction of a column walk."""

    def __init__(self, walked: Adjacency, question: Question) -> None:
        self._pieces = walked.pieces()
        self._question = question

    def of(self, node: int) -> list[tuple[int, int]]:
        """(far end, mapping number) of each valid edge."""
        found: list[tuple[int, int]] = []
        for rows in self._pieces:
            low, high = rows.row(node)
            ends = rows.targets[low:high]
            numbers = np.zeros(high - low, np.uint32) if rows.mapping is None else rows.mapping[low:high]
            holds = rows.holds_at(slice(low, high), self._question.as_of)
            if holds is not None:
                ends, numbers = ends[holds], numbers[holds]
            found += zip(ends.tolist(), numbers.tolist(), strict=True)
        return [(end, number) for end, number in found if end < self._question.cut]


class _Carrying:
    """The state of a column walk: all masks, and what the last hop added."""

    def __init__(self, edges: _MappedEdges, masks: dict[int, int], mappings: MappingTable, is_upstream: bool) -> None:
        self._edges = edges
        self._mappings = mappings
        self._is_upstream = is_upstream
        self._carried: dict[tuple[int, int], int] = {}
        self.masks = dict(masks)
        self.added = dict(masks)
        self.lost: set[tuple[int, int]] = set()

    def hop(self) -> dict[int, int]:
        """Carry the fields of the last hop one edge further; returns the new ones."""
        following: dict[int, int] = {}
        for node, mask in self.added.items():
            for end, number in self._edges.of(node):
                if not number:
                    self.lost.add((end, node) if self._is_upstream else (node, end))
                    continue
                key = (number, mask)
                if key not in self._carried:
                    carrier = self._mappings.carrier(number, is_upstream=self._is_upstream)
                    self._carried[key] = carrier.apply(mask)
                new = self._carried[key] & ~self.masks.get(end, 0)
                if new:
                    following[end] = following.get(end, 0) | new
        return following


def carry(
    walked: Adjacency,
    question: Question,
    masks: dict[int, int],
    mappings: MappingTable,
    *,
    is_upstream: bool,
) -> Trail:
    """A column walk hop by hop over Python integers, for any number of fields, with an optional depth."""
    edges = _MappedEdges(walked, question)
    state = _Carrying(edges, {n: m for n, m in masks.items() if m and n < question.cut}, mappings, is_upstream)
    is_over = question.budget is not None and len(state.masks) > question.budget
    has_more, hops = False, 0
    while state.added and not is_over:
        lost = set(state.lost)
        following = state.hop()
        if question.depth is not None and hops >= question.depth:
            has_more, state.lost = bool(following), lost
            break
        hops += 1
        room = None if question.budget is None else question.budget - len(state.masks)
        fresh = [node for node in following if node not in state.masks]
        if room is not None and len(fresh) > room:
            is_over = True
            for node in fresh[room:]:
                del following[node]
        for node, mask in following.items():
            state.masks[node] = state.masks.get(node, 0) | mask
        state.added = following
    kept = dict(list(state.masks.items())[: question.budget]) if is_over else state.masks
    return as_trail(kept, state.lost, is_over_budget=is_over, has_more=has_more)


def split_words(mask: int) -> Iterator[tuple[int, int]]:
    """The non-zero words of a mask, with their places."""
    place = 0
    while mask:
        if mask & WORD:
            yield place, mask & WORD
        mask >>= 64
        place += 1


def as_trail(masks: dict[int, int], lost: set[tuple[int, int]], *, is_over_budget: bool, has_more: bool) -> Trail:
    """A trail from masks by node."""
    ids = np.array(sorted(masks), np.uint32)
    words = np.array([masks[node] & WORD for node in ids.tolist()], np.uint64)
    beyond = [(node << 32 | place, bits) for node, mask in masks.items() for place, bits in split_words(mask) if place]
    ends = np.array(sorted(lost), np.uint32).reshape(-1, 2)
    return Trail(
        ids,
        words,
        np.array(beyond, np.uint64).reshape(-1, 2),
        ends[:, 0].copy(),
        ends[:, 1].copy(),
        is_over_budget,
        has_more,
    )
