"""Column mappings as flat arrays for the compiled kernel, one set per direction."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from headwater.storage.index.edge_source import U32, U64
from headwater.storage.index.mappings import MappingTable

IDENTITY, WIDE, UNLOADED = 1, 2, 128
WORD_BITS = 64
EVERY_FIELD = 2**64 - 1

HEAD = np.dtype([("same", "u8"), ("near", "u8"), ("start", "u4"), ("flags", "u4"), ("wide", "u4"), ("unused", "u4")])
WIDE_HEAD = np.dtype([("beyond", "u8"), ("near", "u4"), ("start", "u4"), ("words", "u4"), ("unused", "u4")])


class MappingArrays(msgspec.Struct, frozen=True, eq=False):
    """``heads`` has, by mapping number, flags and the index of the first row.

    The near side is the one that the walk comes from. In a head, ``same`` is the word of fields that keep their
    position, and ``near`` the word of fields that map to others; each of these has a row, the word of its far fields.
    An empty row follows the last one; its index is stored above the flags. Fields outside the first word on either
    side, or at its last bit, are mapped by lists: a slice of ``wide_fields`` between two ``wide_offsets``. ``wide`` has
    an item for each mapping with lists: ``beyond`` is the word of fields that have a list, ``near`` the number of
    lists, ``words`` the number of words that hold every far field.
    """

    heads: npt.NDArray[np.void]
    rows: U64
    wide: npt.NDArray[np.void]
    wide_offsets: U32
    wide_fields: U32

    def parts(self) -> tuple[npt.NDArray[np.void], U64, npt.NDArray[np.void], U32, U32]:
        """The arrays in the order of the fields."""
        return (self.heads, self.rows, self.wide, self.wide_offsets, self.wide_fields)


def mapping_arrays(mappings: MappingTable, *, is_upstream: bool) -> MappingArrays:
    """Arrays of all loaded mappings; the others are flagged so that the kernel requests them."""
    state = mappings.state
    made_from, arrays = mappings.prepared.get(is_upstream, (None, None))
    if made_from != state or not isinstance(arrays, MappingArrays):
        arrays = _make(mappings, is_upstream)
        mappings.prepared[is_upstream] = (state, arrays)
    return arrays


class _Maker:
    """Builds the arrays one mapping at a time."""

    def __init__(self, count: int) -> None:
        self.heads = np.zeros(count, HEAD)
        self.heads["flags"] = UNLOADED
        self._rows: list[U64] = [np.zeros(1, np.uint64)]
        self._row_count = 1
        self._wide: list[tuple[int, int, int, int, int]] = []
        self._offsets: list[U32] = []
        self._fields: list[U32] = []
        self._offset_count = self._field_count = 0

    def add(self, number: int, near: U32, far: U32, *, is_identity: bool) -> None:
        """Add a loaded mapping."""
        head = self.heads[number]
        head["flags"] = IDENTITY if is_identity else 0
        is_first = (near < WORD_BITS) & (far < WORD_BITS)
        is_same = is_first & (near == far)
        head["same"] = EVERY_FIELD if is_identity else _word(near[is_same])
        is_moved = is_first & ~is_same & (near < WORD_BITS - 1)
        if is_moved.any():
            self._add_rows(head, near[is_moved], far[is_moved])
        is_wide = ~is_same & ~is_moved
        if is_wide.any():
            self._add_lists(head, near[is_wide], far[is_wide])

    def _add_rows(self, head: npt.NDArray[np.void], near: U32, far: U32) -> None:
        count = int(near.max()) + 1
        words = np.zeros(count + 1, np.uint64)
        np.bitwise_or.at(words, near, np.uint64(1) << far.astype(np.uint64))
        head["near"] = _word(near)
        head["start"] = self._row_count
        head["flags"] |= count << 8
        self._rows.append(words)
        self._row_count += count + 1

    def _add_lists(self, head: npt.NDArray[np.void], near: U32, far: U32) -> None:
        count = int(near.max()) + 1
        ends = np.cumsum(np.bincount(near, minlength=count)) + self._field_count
        head["flags"] |= WIDE
        head["wide"] = len(self._wide)
        beyond = int(_word(near[near < WORD_BITS]))
        self._wide.append((beyond, count, self._offset_count, int(far.max()) // WORD_BITS + 1, 0))
        self._offsets.append(np.concatenate([[self._field_count], ends]).astype(np.uint32))
        self._fields.append(far[np.argsort(near, kind="stable")])
        self._offset_count += count + 1
        self._field_count += len(far)

    def arrays(self) -> MappingArrays:
        """The arrays of all added mappings; the others are flagged."""
        return MappingArrays(
            self.heads,
            np.concatenate(self._rows),
            np.array(self._wide, WIDE_HEAD),
            np.concatenate([*self._offsets, np.empty(0, np.uint32)]),
            np.concatenate([*self._fields, np.empty(0, np.uint32)]),
        )


def _make(mappings: MappingTable, is_upstream: bool) -> MappingArrays:
    maker = _Maker(len(mappings))
    for number in range(1, len(mappings)):
        if mappings.is_loaded(number):
            mapping = mappings.definition(number)
            near, far = mapping.source_fields, mapping.target_fields
            if is_upstream:
                near, far = far, near
            maker.add(number, near, far, is_identity=mapping.is_identity)
    return maker.arrays()


def _word(fields: U32) -> np.uint64:
    """The word that represents fields below 64."""
    word: np.uint64 = np.bitwise_or.reduce(np.uint64(1) << fields.astype(np.uint64), initial=np.uint64(0))
    return word
