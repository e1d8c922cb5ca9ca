"""What every open page asks for is made once: who gets which, what it costs, and that it ends new."""

from __future__ import annotations

import threading

import pytest

from headwater.server.shared_cache import PART, SharedValues


class Time:
    """A clock; making something takes a second of it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.made = 0

    def __call__(self) -> float:
        """Now."""
        return self.now

    def make(self) -> int:
        """The next number."""
        self.now += 1
        self.made += 1
        return self.made


def test_it_is_made_once_for_a_state():
    """However often somebody asks; another key is another thing."""
    time = Time()
    made = SharedValues(time)
    assert [made.get("a", 1, time.make).value for _ in range(9)] == [1] * 9
    assert made.get("b", 1, time.make).value == 2
    assert made.get("a", 1, time.make).again_s == 0


def test_a_new_state_is_shown_soon_and_costs_a_part_of_the_time():
    """Events all the time: no more than a twentieth of the time is spent, whoever asks how often; an older one says
    when there is a newer, and then there is."""
    time = Time()
    made = SharedValues(time)
    made.get("a", 0, time.make)
    start = time.now
    for state in range(1, 2000):
        time.now += 0.1
        made.get("a", state, time.make)
    spent = time.made - 1
    assert 0 < spent <= PART * (time.now - start)
    old = made.get("a", "last", time.make)
    assert old.again_s > 0
    time.now += old.again_s
    assert made.get("a", "last", time.make).again_s == 0
    assert made.get("a", "last", time.make).value == time.made


def test_who_opens_the_page_gets_what_is_new():
    """An older one is for pages that ask again."""
    time = Time()
    made = SharedValues(time)
    made.get("a", 1, time.make)
    assert made.get("a", 2, time.make).value == 1
    assert made.get("a", 2, time.make, is_new=True).value == 2


def test_while_one_makes_it_others_take_the_old_one():
    """Nobody waits for another's work, and nobody does it twice."""
    made = SharedValues()
    made.get("a", 1, lambda: "old")
    begun, may_end, found = threading.Event(), threading.Event(), []

    def slow() -> str:
        begun.set()
        assert may_end.wait(10)
        return "new"

    thread = threading.Thread(target=lambda: found.append(made.get("a", 2, slow, is_new=True).value))
    thread.start()
    assert begun.wait(10)
    got = made.get("a", 2, lambda: pytest.fail("it is being made"))
    may_end.set()
    thread.join(10)
    assert (got.value, got.again_s > 0, found) == ("old", True, ["new"])


def test_what_fails_is_made_again():
    """A store that is away leaves nothing behind."""
    made = SharedValues()
    with pytest.raises(OSError, match="away"):
        made.get("a", 1, lambda: (_ for _ in ()).throw(OSError("away")))
    assert made.get("a", 1, lambda: "there").value == "there"
