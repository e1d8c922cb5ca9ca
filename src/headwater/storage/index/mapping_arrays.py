"""Column mappings as flat arrays for the compiled kernel, one set for each direction."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from headwater.storage.index.mappings import MappingTable
from headwater.storage.index.source import U32, U64

IDENTITY, NARROW, WIDE, UNLOADED = 1, 2, 4, 128
WORD_BITS = 64


HEAD = np.dtype([("near", "u8"), ("start", "u4"), ("flags", "u4")], align=True)


class MappingArrays(msgspec.Struct, frozen=True, eq=False):
    """``heads`` by mapping number: flags, and the place of its first row.

    Near is the side that the walk comes from. A narrow mapping's row is the word of far fields of one near field, and
    ``near`` the word of near fields that have a row; past the last one is an empty row, whose place stands above the
    flags. A wide one's row is a stretch of ``wide_fields`` between two
    ``wide_offsets``; ``near`` is how many rows it has, and above its flags stands how many words hold every far field.
    """

    heads: npt.NDArray[np.void]
    rows: U64
    wide_offsets: U32
    wide_fields: U32

    def parts(self) -> tuple[npt.NDArray[np.void], U64, U32, U32]:
        """The arrays in the order of the fields."""
        return (self.heads, self.rows, self.wide_offsets, self.wide_fields)


def mapping_arrays(mappings: MappingTable, *, is_upstream: bool) -> MappingArrays:
    """Arrays of all mappings whose definition was loaded; the others are flagged so that the kernel asks for them."""
    state = mappings.state
    made_from, arrays = mappings.prepared.get(is_upstream, (None, None))
    if made_from != state or not isinstance(arrays, MappingArrays):
        arrays = _make(mappings, is_upstream)
        mappings.prepared[is_upstream] = (state, arrays)
    return arrays


def _make(mappings: MappingTable, is_upstream: bool) -> MappingArrays:
    heads = np.zeros(len(mappings), HEAD)
    heads[0]["flags"] = UNLOADED
    rows: list[U64] = []
    offsets: list[U32] = []
    fields: list[U32] = []
    row_count = offset_count = field_count = 0
    for number in range(1, len(mappings)):
        head = heads[number]
        if not mappings.is_loaded(number):
            head["flags"] = UNLOADED
            continue
        mapping = mappings.definition(number)
        near, far = mapping.source_fields, mapping.target_fields
        if is_upstream:
            near, far = far, near
        head["flags"] = IDENTITY if mapping.is_identity else 0
        if not len(near):
            continue
        count = int(near.max()) + 1
        if count < WORD_BITS and int(far.max()) < WORD_BITS:
            words = np.zeros(count + 1, np.uint64)
            np.bitwise_or.at(words, near, np.uint64(1) << far.astype(np.uint64))
            head["flags"] |= NARROW | count << 8
            head["start"] = row_count
            head["near"] = np.bitwise_or.reduce(np.uint64(1) << near.astype(np.uint64))
            rows.append(words)
            row_count += count + 1
        else:
            ends = np.cumsum(np.bincount(near, minlength=count)) + field_count
            head["flags"] |= WIDE | (int(far.max()) // WORD_BITS + 1) << 8
            head["near"] = count
            head["start"] = offset_count
            offsets.append(np.concatenate([[field_count], ends]).astype(np.uint32))
            fields.append(far[np.argsort(near, kind="stable")])
            offset_count += count + 1
            field_count += len(far)
    return MappingArrays(
        heads,
        np.concatenate([*rows, np.zeros(1, np.uint64)]),
        np.concatenate([*offsets, np.empty(0, np.uint32)]),
        np.concatenate([*fields, np.empty(0, np.uint32)]),
    )
