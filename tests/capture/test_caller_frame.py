"""The variables of the user's functions, asked for without changing anything about them."""

from __future__ import annotations

import sys
import weakref

from headwater.capture.caller_frame import variables


class _Thing:
    """An object that can be referred to weakly."""


def test_what_a_function_lets_go_of_is_gone_at_once():
    """The frame keeps nothing alive that it was asked for: a file is closed when its last name is deleted."""
    thing = _Thing()
    other = _Thing()
    gone = weakref.ref(thing)
    assert set(variables(sys._getframe(), ("other",))) == {"other"}
    del thing
    assert gone() is None
    assert other is not None


def test_a_dictionary_of_locals_that_the_user_has_stays_as_it_is():
    """``locals()`` gives the same dictionary before Python 3.13; it is full before and after."""
    one, two = 1, 2
    own = locals()
    variables(sys._getframe(), ("one",))
    assert own["one"] == one
    assert own["two"] == two
    assert locals()["two"] == 2
