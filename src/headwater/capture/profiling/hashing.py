"""Hashes of values and rows, 64 bits each, in numpy: equal across versions and libraries.

One value costs a handful of vector operations. The multiply and xor-shift steps are those of the well-known finalisers
for 64-bit hashing (splitmix64); text is folded in eight bytes at a time. Constants are part of the algorithm ``hw1``:
changing any of them needs a new name in ``headwater.model.fingerprints``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from headwater.capture.profiling.blocks import Block, Bytes, Coded, Words
from headwater.capture.profiling.buffers import scratch

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
"""From this length on, a value is hashed on its own (xxh3_64) instead of eight bytes at a time with all others."""

_KEEP_BYTES = np.array([(1 << 8 * count) - 1 for count in range(_WORD + 1)], dtype=np.uint64)
_OFTEN = 4
_WIDE = {"f": "<f8", "u": "<u8"}
_MASK_64 = (1 << 64) - 1


def column_constants(position: int) -> tuple[np.uint64, np.uint64]:
    """The odd multiplier of the column at ``position``, and the word that a null in it adds to its row."""
    return np.uint64(_stir(2 * position + 1) | 1), np.uint64(_stir(2 * position + 2))


def _stir(number: int) -> int:
    """A splitmix64 step in plain integers."""
    x = (number * 0x9E3779B97F4A7C15 + _SEED) & _MASK_64
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK_64
    x = ((x ^ (x >> 27)) * _SEED) & _MASK_64
    return x ^ (x >> 31)


def hash_values(block: Block) -> Words:
    """One hash per row, before the column's multiplier. The result is scratch memory, undefined at nulls."""
    if isinstance(block, Coded):
        return np.take(block.table, block.codes, out=_words("hashes", len(block.codes)), mode="clip")
    if isinstance(block, Bytes):
        return _hash_texts(block)
    words = as_words(block.values)
    return _mix(words, _words("hashes", len(words)))


def _words(slot: str, rows: int) -> Words:
    return scratch(slot, rows, np.uint64)


def as_words(values: npt.NDArray[np.generic]) -> Words:
    """Integers and floats of any width as 64-bit words: sign-extended, floats widened to double precision first."""
    wide = np.dtype(_WIDE.get(values.dtype.kind, "<i8"))
    if values.dtype == wide and values.flags.c_contiguous:
        return values.view(np.uint64)
    words = _words("widened", len(values))
    np.copyto(words.view(wide), values, casting="safe")
    return words


def _mix(words: Words, out: Words) -> Words:
    """Multiply, then fold the upper half onto the lower: this is one to one, and every bit reaches the lower half.

    The odd multiplier of the column, which follows, carries the lower half up again.
    """
    spare = _words("spare", len(words))
    np.multiply(words, _MULTIPLY_1, out=out)
    np.right_shift(out, _32, out=spare)
    out ^= spare
    return out


def _hash_texts(block: Bytes) -> Words:
    """Fold each value in eight bytes at a time; values of ``LONG_BYTES`` and more are hashed one by one."""
    lengths, data = block.lengths, block.data
    out = _words("hashes", len(lengths))
    if not len(out):
        return out
    longest, shortest = int(lengths.max()), int(lengths.min())
    np.multiply(lengths.view(np.uint64), _LENGTH, out=out)
    padded = scratch("padded", (len(data) // _WORD + 2) * _WORD, np.uint8)
    padded[: len(data)] = data
    padded[len(data) :] = 0
    if longest == shortest < LONG_BYTES:
        _fold_even(out, padded, longest)
        return out
    starts = scratch("starts", len(lengths), np.int64)
    np.cumsum(lengths, out=starts)
    starts -= lengths
    out ^= _word_at(padded, starts, lengths)
    _mix(out, out)
    _fold_rest(out, padded, starts, lengths, longest)
    if longest >= LONG_BYTES:
        _hash_long(out, data, starts, lengths)
    return out


def _fold_even(out: Words, padded: npt.NDArray[np.uint8], width: int) -> None:
    """Fold values that all have the same number of bytes: their words lie at even distances, aligned or not."""
    for at in range(0, max(width, 1), _WORD):
        words: Words = np.ndarray((len(out),), "<u8", padded.data, at, (width,))
        if at:
            out *= _MULTIPLY_3
        if width - at < _WORD:
            words = np.bitwise_and(words, _KEEP_BYTES[width - at], out=_words("low", len(out)))
        out ^= words
        _mix(out, out)


def _word_at(padded: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], left: npt.NDArray[np.int64]) -> Words:
    """The up to eight bytes at each start as one little-endian word; bytes beyond ``left`` are zero."""
    rows = len(starts)
    words: Words = padded.view("<u8")
    place, low, high = scratch("place", rows, np.int64), _words("low", rows), _words("high", rows)
    np.right_shift(starts, 3, out=place)
    np.take(words, place, out=low, mode="clip")
    np.take(words[1:], place, out=high, mode="clip")
    np.bitwise_and(starts, 7, out=place)
    place <<= 3
    shift = place.view(np.uint64)
    low >>= shift
    np.subtract(_64, shift, out=shift)
    # A shift by 64 gives 0 in numpy, so an aligned start takes nothing from the second word.
    high <<= shift
    low |= high
    # Lengths of eight and more are cut to eight, below zero to none: the masks begin with "nothing".
    np.take(_KEEP_BYTES, left, out=high, mode="clip")
    low &= high
    return low


def _fold_rest(
    out: Words,
    padded: npt.NDArray[np.uint8],
    starts: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    longest: int,
) -> None:
    """Fold bytes from the ninth on into ``out``, for those values that have them."""
    rows = len(out)
    among, left = scratch("among", rows, np.bool_), scratch("left", rows, np.int64)
    for at in range(_WORD, min(longest, LONG_BYTES), _WORD):
        np.greater(lengths, at, out=among)
        if np.count_nonzero(among) * _OFTEN < rows:
            _fold_few(out, padded, starts, lengths, at)
            continue
        moved = np.add(starts, at, out=scratch("moved", rows, np.int64))
        word = _word_at(padded, moved, np.subtract(lengths, at, out=left))
        folded = np.multiply(out, _MULTIPLY_3, out=_words("folded", rows))
        folded ^= word
        np.copyto(out, _mix(folded, folded), where=among)


def _fold_few(
    out: Words, padded: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], at: int
) -> None:
    """As ``_fold_rest``, for one word that only few values have: only those are processed."""
    rows = np.flatnonzero(lengths > at)
    part = out[rows]
    part *= _MULTIPLY_3
    part ^= _word_at(padded, starts[rows] + at, lengths[rows] - at)
    out[rows] = _mix(part, part)


def _hash_long(
    out: Words, data: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> None:
    """Hash the long values one by one."""
    import xxhash

    view = np.ascontiguousarray(data).data
    for row in np.flatnonzero(lengths >= LONG_BYTES).tolist():
        start = int(starts[row])
        out[row] = xxhash.xxh3_64_intdigest(view[start : start + int(lengths[row])])


def row_sums(rows: Words) -> tuple[int, int]:
    """Two sums over finished row hashes; ``rows`` holds each row's sum over columns, and is overwritten.

    The finish must be far from linear; otherwise exchanging values between two rows would not change the sums.
    """
    spare = _words("spare", len(rows))
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
