"""Specification of the room for frames: no call is made expensive by where the interpreter's stack was continued."""

from __future__ import annotations

import sys

import pytest

from headwater.capture.frame_stack import with_room_below

resource = pytest.importorskip("resource")

CALLS = 2000


def _leaf(a: int) -> int:
    return a


def _calls_at(depth: int) -> int:
    """The page faults of a loop of calls, that many frames further down."""
    if depth:
        return _calls_at(depth - 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for number in range(CALLS):
        _leaf(number)
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)


def _most_faults() -> int:
    return max(_calls_at(depth) for depth in range(300))


@with_room_below
def _most_faults_below() -> int:
    return _most_faults()


def test_calls_at_the_end_of_a_piece_cost_nothing_more() -> None:
    """At each of three hundred depths a loop of calls causes next to no page faults; without the room there is a depth
    at which each call causes one."""
    if sys.platform != "linux":
        pytest.skip("page faults are counted as Linux counts them")
    assert _most_faults() >= CALLS, "the interpreter has changed: the room is not needed any more"
    assert _most_faults_below() < CALLS / 10


def test_the_function_stays_the_same() -> None:
    """A decorated function is the same object, with the same name, arguments and result."""

    def added(left: int, *, right: int = 2) -> int:
        return left + right

    assert with_room_below(added) is added
    assert (added.__name__, added(1), added(1, right=3)) == ("added", 3, 4)
