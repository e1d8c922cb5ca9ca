"""The arrays that are remembered: a bounded number, of each instruction the latest."""

from __future__ import annotations

from headwater.capture.latest_arrays import LatestArrays, Made
from headwater.capture.values import make_value


def _made(line):
    return Made(make_value("made", code=_made.__code__, line=line), None, 0)


def test_a_loop_does_not_drive_out_what_stands_before_it():
    """Of thousands of arrays of one instruction the latest are kept, and the few of the others stay."""
    arrays = LatestArrays()
    first = [_made(1) for _ in range(3)]
    many = [_made(2) for _ in range(5_000)]
    for made in (*first, *many):
        arrays.add(made)
    kept = arrays.made_in({_made.__code__})
    assert kept[:3] == first
    assert kept[-1] == many[-1]
    assert kept == sorted(kept, key=lambda made: made.value.number)
    assert len(kept) <= 1_024
    assert arrays.made_with(first[0].value) == [made.value for made in first]


def test_of_too_many_instructions_the_latest_are_kept():
    """If each of thousands of instructions made one array, those of the latest instructions are remembered."""
    arrays = LatestArrays()
    many = [_made(line) for line in range(1, 3_000)]
    for made in many:
        arrays.add(made)
    kept = arrays.made_in({_made.__code__})
    assert kept == many[-len(kept) :]
    assert 512 <= len(kept) <= 1_024
