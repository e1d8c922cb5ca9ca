"""Hashes of values and rows, 64 bits each, in numpy: the same on every version of every library.

One value costs a handful of vector operations. The multiply and xor-shift steps are those of the well-known finalisers
for 64-bit hashing (splitmix64); text is folded in eight bytes at a time. Constants are part of the algorithm ``hw1``:
changing any of them needs a new name in ``headwater.model.fingerprints``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from headwater.capture.profiling.blocks import BLOCK_ROWS, Block, Bytes, Coded, Fixed, Words

_MULTIPLY_1 = np.uint64(0xBF58476D1CE4E5B9)
_SEED = 0x94D049BB133111EB
_MULTIPLY_2 = np.uint64(_SEED)
_MULTIPLY_3 = np.uint64(0xD6E8FEB86659FD93)
_MULTIPLY_4 = np.uint64(0xFF51AFD7ED558CCD)
_LENGTH = np.uint64(0x9E3779B97F4A7C15)
ROW_START = np.uint64(0x2545F4914F6CDD1D)
_32, _29, _64 = np.uint64(32), np.uint64(29), np.uint64(64)
_WORD = 8
LONG_BYTES = 64
"""From this length on a value is hashed on its own (xxh3_64) instead of eight bytes at a time beside its neighbours."""

_MASK_64 = (1 << 64) - 1


def column_constants(position: int) -> tuple[np.uint64, np.uint64]:
    """The odd multiplier of the column at ``position`` and what a null in it adds to its row."""
    return np.uint64(_stir(2 * position + 1) | 1), np.uint64(_stir(2 * position + 2))


def _stir(number: int) -> int:
    """A splitmix64 step in plain integers."""
    x = (number * 0x9E3779B97F4A7C15 + _SEED) & _MASK_64
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK_64
    x = ((x ^ (x >> 27)) * _SEED) & _MASK_64
    return x ^ (x >> 31)


class Mixer:
    """Scratch space for the hashing of one block after the other. Not for use by two threads at once."""

    __slots__ = ("_spare", "_words")

    def __init__(self) -> None:
        self._words = np.empty(BLOCK_ROWS, dtype=np.uint64)
        self._spare = np.empty(BLOCK_ROWS, dtype=np.uint64)

    def hash_values(self, block: Block) -> Words:
        """One hash a row. The result is scratch space that the next call overwrites; nulls hold anything."""
        if isinstance(block, Fixed):
            return self._fixed(block)
        if isinstance(block, Coded):
            return np.take(block.table, block.codes, out=self._room(len(block.codes))[0], mode="clip")
        return self._texts(block)

    def _room(self, rows: int) -> tuple[Words, Words]:
        if rows > len(self._words):
            self._words, self._spare = np.empty(rows, dtype=np.uint64), np.empty(rows, dtype=np.uint64)
        return self._words[:rows], self._spare[:rows]

    def _fixed(self, block: Fixed) -> Words:
        out, spare = self._room(len(block.values))
        return _mix(as_words(block.values), out, spare)

    def _texts(self, block: Bytes) -> Words:
        """Fold each value in eight bytes at a time; values of ``LONG_BYTES`` and more are hashed one by one."""
        lengths = block.lengths
        rows = len(lengths)
        out, spare = self._room(rows)
        if not rows:
            return out
        longest, shortest = int(lengths.max()), int(lengths.min())
        np.multiply(lengths.view(np.uint64), _LENGTH, out=out)
        if longest == shortest < LONG_BYTES:
            _fold_even(out, spare, block.data, longest)
            return out
        padded = np.empty((len(block.data) // _WORD + 2) * _WORD, dtype=np.uint8)
        padded[: len(block.data)] = block.data
        padded[len(block.data) :] = 0
        starts = np.cumsum(lengths)
        starts -= lengths
        out ^= _word_at(padded, starts, lengths)
        _mix(out, out, spare)
        _fold_rest(out, padded, starts, lengths, longest)
        if longest >= LONG_BYTES:
            _hash_long(out, block.data, starts, lengths)
        return out


def _fold_even(out: Words, spare: Words, data: npt.NDArray[np.uint8], width: int) -> None:
    """Fold values that all have the same number of bytes: their words lie at even distances, aligned or not."""
    padded = np.zeros(len(data) + _WORD, dtype=np.uint8)
    padded[: len(data)] = data
    for at in range(0, max(width, 1), _WORD):
        words: Words = np.ndarray((len(out),), "<u8", padded.data, at, (width,))
        if at:
            out *= _MULTIPLY_3
        if width - at < _WORD:
            words = words & np.uint64((1 << 8 * (width - at)) - 1)
        out ^= words
        _mix(out, out, spare)


def as_words(values: npt.NDArray[np.generic]) -> Words:
    """Integers and floats of any width as 64-bit words: sign-extended, floats widened to double precision first."""
    if values.dtype.kind == "f":
        return np.ascontiguousarray(values, dtype=np.float64).view(np.uint64)
    if values.dtype.kind == "u":
        return np.ascontiguousarray(values, dtype=np.uint64)
    return np.ascontiguousarray(values, dtype=np.int64).view(np.uint64)


def _mix(words: Words, out: Words, spare: Words) -> Words:
    """Multiply, then fold the upper half onto the lower: one to one, and every bit reaches the lower half.

    The odd multiplier of the column comes next and carries the lower half up again.
    """
    np.multiply(words, _MULTIPLY_1, out=out)
    np.right_shift(out, _32, out=spare)
    out ^= spare
    return out


def _word_at(padded: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], left: npt.NDArray[np.int64]) -> Words:
    """The up to eight bytes at each start as one little-endian word; bytes beyond ``left`` are zero."""
    words: Words = padded.view("<u8")
    place = starts >> 3
    shift = ((starts & 7) << 3).view(np.uint64)
    low = words.take(place, mode="clip")
    place += 1
    high = words.take(place, mode="clip")
    low >>= shift
    np.subtract(_64, shift, out=shift)
    # A shift by 64 or more gives 0 in numpy, so an aligned start takes nothing from the second word.
    high <<= shift
    low |= high
    unused = np.subtract(_WORD, left)
    if unused.max(initial=0) > 0:
        np.maximum(unused, 0, out=unused)
        unused <<= 3
        drop = unused.view(np.uint64)
        low <<= drop
        low >>= drop
    return low


def _fold_rest(
    out: Words,
    padded: npt.NDArray[np.uint8],
    starts: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    longest: int,
) -> None:
    """Fold bytes from the ninth on into ``out``, for those values that have them and are not long."""
    rows = None
    for at in range(_WORD, min(longest, LONG_BYTES), _WORD):
        among = lengths if rows is None else lengths[rows]
        chosen = np.flatnonzero((among > at) & (among < LONG_BYTES))
        if not len(chosen):
            return
        rows = chosen if rows is None else rows[chosen]
        part = out[rows]
        part *= _MULTIPLY_3
        part ^= _word_at(padded, starts[rows] + at, lengths[rows] - at)
        out[rows] = _mix(part, part, np.empty_like(part))


def _hash_long(
    out: Words, data: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> None:
    """Hash the long values one by one."""
    import xxhash

    view = np.ascontiguousarray(data).data
    for row in np.flatnonzero(lengths >= LONG_BYTES).tolist():
        start = int(starts[row])
        out[row] = xxhash.xxh3_64_intdigest(view[start : start + int(lengths[row])])


def row_sums(rows: Words, spare: Words) -> tuple[int, int]:
    """Two sums over finished row hashes; ``rows`` holds the sum over columns a row and is overwritten.

    The finish must be far from linear, or exchanging values between two rows would leave the sums as they were.
    """
    for shift, factor in ((_32, _MULTIPLY_1), (_29, _MULTIPLY_3), (_32, _MULTIPLY_2)):
        np.right_shift(rows, shift, out=spare)
        rows ^= spare
        rows *= factor
    np.right_shift(rows, _29, out=spare)
    rows ^= spare
    first = int(rows.sum())
    rows *= _MULTIPLY_4
    np.right_shift(rows, _32, out=spare)
    rows ^= spare
    return first, int(rows.sum())
