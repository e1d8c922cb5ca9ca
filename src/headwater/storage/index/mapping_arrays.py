"""Column mappings as flat arrays for the compiled kernel, one set for each direction."""

from __future__ import annotations

import msgspec
import numpy as np

from headwater.storage.index.mappings import MappingTable
from headwater.storage.index.source import U8, U32, U64

IDENTITY, NARROW, WIDE, UNLOADED = 1, 2, 4, 128
WORD_BITS = 64


class MappingArrays(msgspec.Struct, frozen=True, eq=False):
    """By mapping number: ``flags``, the place of its first row and how many rows it has.

    A narrow mapping's row is the word of far fields of one near field; a wide one's is a stretch of ``wide_fields``
    between two ``wide_offsets``. Near is the side that the walk comes from.
    """

    flags: U8
    start: U32
    count: U32
    rows: U64
    wide_offsets: U32
    wide_fields: U32

    def parts(self) -> tuple[U8, U32, U32, U64, U32, U32]:
        """The arrays in the order of the fields."""
        return (self.flags, self.start, self.count, self.rows, self.wide_offsets, self.wide_fields)


def mapping_arrays(mappings: MappingTable, *, is_upstream: bool) -> MappingArrays:
    """Arrays of all mappings whose definition was loaded; the others are flagged so that the kernel asks for them."""
    count = len(mappings)
    flags, start, counts = np.zeros(count, np.uint8), np.zeros(count, np.uint32), np.zeros(count, np.uint32)
    rows: list[U64] = []
    offsets: list[U32] = []
    fields: list[U32] = []
    row_count = offset_count = field_count = 0
    for number in range(1, count):
        if not mappings.is_loaded(number):
            flags[number] = UNLOADED
            continue
        mapping = mappings.definition(number)
        near, far = mapping.source_fields, mapping.target_fields
        if is_upstream:
            near, far = far, near
        flags[number] = IDENTITY if mapping.is_identity else 0
        if not len(near):
            continue
        counts[number] = int(near.max()) + 1
        if max(int(near.max()), int(far.max())) < WORD_BITS:
            flags[number] |= NARROW
            start[number] = row_count
            words = np.zeros(int(counts[number]), np.uint64)
            np.bitwise_or.at(words, near, np.uint64(1) << far.astype(np.uint64))
            rows.append(words)
            row_count += len(words)
        else:
            flags[number] |= WIDE
            start[number] = offset_count
            ends = np.cumsum(np.bincount(near, minlength=int(counts[number]))) + field_count
            offsets.append(np.concatenate([[field_count], ends]).astype(np.uint32))
            fields.append(far[np.argsort(near, kind="stable")])
            offset_count += len(ends) + 1
            field_count += len(far)
    return MappingArrays(
        flags,
        start,
        counts,
        np.concatenate([*rows, np.empty(0, np.uint64)]),
        np.concatenate([*offsets, np.empty(0, np.uint32)]),
        np.concatenate([*fields, np.empty(0, np.uint32)]),
    )
