"""The compiled fast path of ``Values.derive``: whatever it is given, it does what the Python method does."""

from __future__ import annotations

import gc
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.capture import value_table as module
from headwater.capture.value_table import Values
from headwater.capture.values import DatasetRef, make_value, same_columns

pytest.importorskip("headwater.capture._derive", reason="the compiled parts were not built here")


class Thing:
    """An object that can be followed."""

    __slots__ = ("__weakref__",)


class Watched(Thing):
    """An object of a class that somebody watches."""


class Both:
    """The same calls made on two stores of values: one in Python alone, one with the compiled path."""

    def __init__(self) -> None:
        self.plain, self.fast = Values(), Values()
        self.told: tuple[list[str], list[str]] = ([], [])
        self.stores = (self.plain, self.fast)
        for values, told in zip(self.stores, self.told, strict=True):
            values.watch("Watched", lambda obj, value, told=told: told.append(value.op))
        self.derives = (self.plain.derive, self.fast.fast_derive())
        self.numbers: tuple[dict[int, int], dict[int, int]] = ({}, {})

    def call(self, *args: Any, **kwargs: Any) -> None:
        """Make one call on each, and compare what came of it."""
        found = [self._one(derive, args, kwargs) for derive in self.derives]
        assert self._facts(0, found[0]) == self._facts(1, found[1])

    def _one(self, derive: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return derive(*args, **kwargs)
        except TypeError as error:
            return str(error)

    def _facts(self, side: int, value: Any) -> Any:
        """What is known of a value, those behind it named by the order in which they came."""
        if isinstance(value, str):
            return value
        names = self.numbers[side]
        inputs = [names.setdefault(item.number, len(names)) for item in value.inputs]
        own = names.setdefault(value.number, len(names))
        facts = (value.op, value.rule, value.columns, value.rows, value.detail, value.dataset, value.depth)
        return own, inputs, facts, value.code, value.line


SHARED = make_value("shared")
REF = DatasetRef("file", "/raw.csv")
INPUTS = st.lists(st.integers(0, 5), max_size=4)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_both_paths_make_the_same_values(data):
    """Known and unknown objects, values, lists and iterators of them, watched classes, any place for an argument."""
    both, things = Both(), [Thing(), Thing(), Watched(), Thing(), [1], SHARED]
    for _ in range(data.draw(st.integers(1, 12))):
        chosen = [things[place] for place in data.draw(INPUTS)]
        kind = data.draw(st.sampled_from([tuple, list]))
        obj = things[data.draw(st.integers(0, 4))]
        named = {"columns": ("a",), "rows": 3, "rule": same_columns, "detail": {"x": 1}, "dataset": REF, "frames": 2}
        kept = {name: named[name] for name in data.draw(st.sets(st.sampled_from(sorted(named))))}
        if data.draw(st.booleans()):
            both.call(obj, "op", kind(chosen), **kept)
        else:
            both.call(obj, op="op", inputs=kind(chosen), **kept)
    assert both.told[0] == both.told[1]
    assert both.plain.untracked == both.fast.untracked


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        ((1,), {}),
        ((1, "op", (), None, None, None, None, None, 3, 4), {}),
        ((1, "op"), {"obj": 2}),
        ((1, "op"), {"row": 2}),
    ],
)
def test_wrong_arguments_are_told_as_python_tells_them(args, kwargs):
    """A handler with a mistake reads the message it would read without the compiled part."""
    Both().call(*args, **kwargs)


def test_a_chain_too_long_is_cut(monkeypatch):
    """The limit of a chain's length holds on the compiled path."""
    monkeypatch.setattr(module, "MAX_DEPTH", 10)
    both, thing = Both(), Thing()
    for _ in range(60):
        both.call(thing, "changed", (thing,), same_columns, ("a",))
    assert both.plain.cut == both.fast.cut > 0


def test_what_is_gone_is_forgotten():
    """Twenty thousand operations on objects that die leave less than a thousand behind."""
    values = Values()
    derive = values.fast_derive()
    for _ in range(20_000):
        derive(Thing(), "made", (Thing(),))
    assert len(values._by_id) + len(values._settled) < 1_000


class Counting(Values):
    """Values that count how often the Python method was needed."""

    def __init__(self) -> None:
        super().__init__()
        self.slow = 0

    def derive(self, *args: Any, **kwargs: Any) -> Any:
        """Count, and do it."""
        self.slow += 1
        return super().derive(*args, **{"frames": 4, **kwargs})


def test_the_common_case_never_reaches_python():
    """Of a hundred plain operations only the first, of a class not seen yet, is left to the Python method."""
    values = Counting()
    derive, source = values.fast_derive(), Thing()
    derive(source, "read")
    made = [Thing() for _ in range(100)]
    for thing in made:
        derive(thing, "made", (source,), columns=("a",), rows=3, frames=1)
    assert values.slow <= 2
    assert all(values.seen(thing).inputs == (values.seen(source),) for thing in made)


def test_nothing_is_held_on_to():
    """After many calls, good and bad, no argument has a reference more than before."""
    values = Values()
    derive, thing, columns, detail = values.fast_derive(), Thing(), ("a", "b"), {"a": 1}
    source = derive(thing, "source")
    held = (columns, detail, opaque := module.opaque, Thing, same_columns)
    gc.collect()
    before = [sys.getrefcount(one) for one in held]
    for _ in range(3_000):
        derive(Thing(), "made", (thing,), columns=columns, rows=3, detail=detail)
        derive([1], "made", (thing, columns), opaque, columns, detail=detail)
        with pytest.raises(TypeError):
            derive(columns)
    values._by_id.clear()
    gc.collect()
    assert [sys.getrefcount(one) for one in held] == before
    assert source.depth == 0


def test_an_extension_of_older_source_is_not_used(monkeypatch):
    """A build that was left behind does not decide what is recorded."""
    monkeypatch.setattr(module, "_CONTRACT", -1)
    values = Values()
    assert values.fast_derive() == values.derive
