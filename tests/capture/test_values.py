"""Values: objects are known by identity, never changed, never kept alive."""

from __future__ import annotations

import gc
import weakref

from headwater.capture import value_table as module
from headwater.capture.source_analysis.code_lines import line_of
from headwater.capture.value_table import Values
from headwater.capture.values import DatasetRef, opaque, same_columns


class Thing:
    """An object that can be weakly referenced."""


def test_a_value_is_found_by_identity_and_forgotten_with_its_object():
    """Equal objects are different ones; a value goes when its object goes, and keeps it no longer alive."""
    values, thing = Values(), Thing()
    value = values.derive(thing, "made", columns=("a",))
    assert values.get(thing) is value
    assert values.get(Thing()) is None
    alive = weakref.ref(thing)
    del thing
    gc.collect()
    assert alive() is None
    assert len(values) == 0


def test_a_new_state_replaces_the_old():
    """A change in place binds a new value that comes from the old one."""
    values, thing = Values(), Thing()
    first = values.derive(thing, "made")
    second = values.derive(thing, "changed", [thing])
    assert values.get(thing) is second
    assert second.inputs == (first,)


def test_what_cannot_be_referenced_is_counted():
    """A list cannot be followed, and that is no secret."""
    values = Values()
    values.derive([1, 2], "made")
    assert values.untracked == 1


def test_unknown_inputs_keep_their_place():
    """Positions in a rule stay right where an input was made where nobody looked."""
    values, thing = Values(), Thing()
    known = values.derive(Thing(), "made")
    value = values.derive(thing, "combined", [Thing(), known])
    assert value.inputs == (module.UNKNOWN, known)


def test_the_site_is_the_users_line():
    """The line that made the value is this one, not one of a library."""
    values, thing = Values(), Thing()
    value = values.derive(thing, "made", frames=1)
    assert value.code is not None
    assert value.code.co_name == "test_the_site_is_the_users_line"


def test_column_names_are_text():
    """Whatever a library uses as labels, lineage speaks of text."""
    values = Values()
    assert values.derive(Thing(), "made", columns=(1, ("a", "b"), "c")).column_names() == ("1", "a.b", "c")
    assert values.derive(Thing(), "made", columns="x").column_names() == ("x",)
    assert values.derive(Thing(), "made").column_names() == ()


def test_a_chain_too_long_is_cut_to_its_sources(monkeypatch):
    """A loop that changes one object for ever stays bounded; its sources are still known, and the cut is counted."""
    monkeypatch.setattr(module, "MAX_DEPTH", 10)
    values, thing = Values(), Thing()
    source = values.derive(thing, "read", rule=None, columns=("a",), dataset=DatasetRef("file", "/raw.csv"))
    for _ in range(35):
        value = values.derive(thing, "changed", [thing], rule=same_columns, columns=("a",))
    assert value.depth <= 10
    assert values.cut == 3
    behind = value
    while behind.op != "read":
        behind = behind.inputs[0]
    assert behind is source


def test_opaque_says_so():
    """The last resort names every input and is marked."""
    values = Values()
    value = values.derive(Thing(), "apply", [Thing(), Thing()], columns=("a", "b"))
    columns = opaque(value)
    assert set(columns.fields) == {"a", "b"}
    assert all(dep.description == "opaque" for deps in columns.fields.values() for dep in deps)


def test_what_is_gone_does_not_pile_up():
    """A loop over short-lived objects keeps the values of the living and, for a while, of a few hundred dead ones."""
    values, kept = Values(), [Thing() for _ in range(300)]
    for thing in kept:
        values.derive(thing, "made")
    for _ in range(5_000):
        values.derive(Thing(), "made")
        values.bind(Thing(), module.UNKNOWN)
    assert len(values._by_id) + len(values._settled) < 300 + 1_000
    assert all(values.get(thing) is not None for thing in kept)
    assert [value.number for value in values.alive()] == sorted(value.number for value in values.alive())
    for _ in range(100):  # the last of the dead are not the latest any more
        values.derive(kept[0], "made")
    values.sweep()
    assert {*values._by_id, *values._settled.by_id} == set(map(id, kept))


def test_a_new_object_at_an_old_place_is_not_the_old_one():
    """An identity that is used again belongs to an object of which nothing is known."""
    values = Values()
    values.derive(Thing(), "made")
    fresh = [Thing() for _ in range(100)]
    assert all(values.get(thing) is None for thing in fresh)


def test_a_stack_too_short_is_no_error():
    """Called from nearer to the bottom of the stack than a handler ever is, the nearest frame counts."""
    values = Values()
    value = values.derive(Thing(), "made", frames=100_000)
    assert value.code is not None
    assert value.code.co_name == "test_a_stack_too_short_is_no_error"


def test_the_line_of_an_instruction_is_the_compilers():
    """At every place in the code of a function or module, read again or not."""

    def several(count):
        total = 0
        for number in range(count):
            total += number if number else (1, "a text over",
                                            "two lines")[0]  # fmt: skip
        return total

    for code in (several.__code__, compile("a = 1\n\n\nb = [\n  a,\n  2]\n", "<some>", "exec")):
        for offset in range(len(code.co_code)):
            told = [line or 0 for start, end, line in code.co_lines() if start <= offset < end]
            assert line_of(code, offset) == told[0]
    assert line_of(code, -1) == 0
