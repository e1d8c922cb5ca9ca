"""Capture does no more for a later operation than for an early one: looks at things are counted, never timed."""

from __future__ import annotations

import ast
import weakref
from typing import Any

import pytest

from headwater.capture import code_numbers, value_table
from headwater.capture.axis_names import names_in
from headwater.capture.integrations.sklearn.feature_rules import feature_rule
from headwater.capture.integrations.sklearn.features import Feature
from headwater.capture.levels import Labels
from headwater.capture.lineage_facet import Origins
from headwater.capture.source_analysis import bindings, loop_rounds, made_values, running_call
from headwater.capture.source_analysis.parser import lines_of
from headwater.capture.trace import trace
from headwater.capture.value_table import Values
from headwater.capture.values import Columns, DatasetRef, Dep, Value, make_value, same_fields

COLUMNS = tuple(f"c{number}" for number in range(80))


class Looked(dict[Any, Any]):
    """Trails that count how often somebody goes through them."""

    times = 0

    def items(self) -> Any:
        """The trails."""
        self.times += 1
        return super().items()


def raw() -> Value:
    """A table that was read."""
    return make_value("read", columns=COLUMNS, dataset=DatasetRef("file", "/raw.csv"))


def mixed(names: tuple[str, ...]) -> Value:
    """A model whose features all come from all columns of a table."""
    rule = feature_rule([Feature(name, tuple(range(len(COLUMNS)))) for name in names], COLUMNS, 1)
    return make_value("fit", (raw(),), rule, columns=names)


def test_features_that_come_from_the_same_are_traced_once():
    """A model that mixes its columns: two hundred features have one list of dependencies, and one of trails."""
    names = tuple(f"f{number}" for number in range(200))
    value = mixed(names)
    assert value.rule is not None
    assert len({id(deps) for deps in value.rule(value).fields.values()}) == 1
    found = trace(value).fields
    assert list(found) == list(names)
    assert len({id(trails) for trails in found.values()}) == 1
    assert len(found["f7"]) == len(COLUMNS)


def test_trails_that_columns_share_are_taken_once():
    """The entry of such a model goes once through what its features come from, and has it for each of them."""
    names = ("a", "b", "c")
    value = mixed(names)
    shared = Looked(trace(value).fields["a"])
    value.traced.fields = dict.fromkeys(names, shared)
    target = Origins(DatasetRef("file", "/model"))
    target.add(value)
    entry = target.entry([])
    assert shared.times == 1
    assert [len(entry["fields"][name]["inputs"]) for name in names] == [len(COLUMNS)] * 3
    later = Origins(DatasetRef("file", "/model"))  # one more column of its own does not reach the others
    later.add(value)
    later.add(make_value("step", (raw(),), lambda _: Columns({"a": [Dep(0, "c0", masking=True)]}), columns=("a",)))
    entry = later.entry([])
    assert [len(entry["fields"][name]["inputs"]) for name in names] == [len(COLUMNS) + 1, len(COLUMNS), len(COLUMNS)]


def test_a_program_is_parsed_once_for_all_of_its_calls(tmp_path, monkeypatch):
    """Each of fifty lines that computes an argument is found in the same tree."""
    path = tmp_path / "fifty.py"
    path.write_text("".join(f"y{number} = f(x + {number})\n" for number in range(50)))
    parsed: list[str] = []
    parse = bindings.parsed
    monkeypatch.setattr(bindings, "parsed", lambda source: (parsed.append(source), parse(source))[1])
    count = len(lines_of(str(path)))
    for number in range(50):
        width = len(f"y{number} = f(x + {number})")
        node = running_call._node_at(str(path), count, (number + 1, width - len(f"f(x + {number})"), number + 1, width))
        assert isinstance(node, ast.Call)
        assert ast.unparse(node) == f"f(x + {number})"
    assert len(parsed) == 1


class Thing:
    """An object that can be followed."""

    __slots__ = ("__weakref__",)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A program that keeps twenty thousand objects made on its second line, and made one more on the third since; with
    it the lines that were looked up, one for each look."""
    path = tmp_path / "kept.py"
    path.write_text("def run(derive, things):\n    for thing in things: derive(thing)\n    derive(things[-1])\n")
    code = compile(path.read_text(), str(path), "exec").co_consts[0]
    values, things = Values(), [Thing() for _ in range(20_000)]
    for thing in things[:-1]:
        values.bind(thing, make_value("made", rows=1, code=code, line=2))
    last = values.bind(things[-1], make_value("made", rows=1, code=code, line=3))
    looks: list[int] = []

    def line_in(value: Value) -> int:
        looks.append(value.offset)
        return value.offset

    monkeypatch.setattr(made_values, "line_in", line_in)
    monkeypatch.setattr(loop_rounds, "line_in", line_in)
    return values, things, code, last, looks


def test_what_a_line_made_is_found_among_many(kept):
    """The line of an instruction is looked up once for all that it made, not for each of them."""
    values, things, code, last, looks = kept
    step = bindings.step_at(bindings.steps_of(code), 3)
    assert made_values.ends_of(made_values.made_there(values, code), step) == [last]
    assert len(looks) < 10
    loop = bindings.step_at(bindings.steps_of(code), 2).node
    del looks[:]
    assert loop_rounds._before_loop(values, code, loop, [last]) == 0
    assert loop_rounds._before_loop(values, code, bindings.step_at(bindings.steps_of(code), 3).node, [last]) > 0
    assert len(looks) < 10
    assert len(values.alive()) == len(things)


def test_only_the_latest_values_are_looked_through(kept):
    """However many objects are alive, those among which some code's are searched one by one are a few hundred; and a
    settled one is among them again when it is used."""
    values, things, _, last, _ = kept
    values.sweep()
    assert len(values._by_id) < 1_000
    assert values.seen(things[-1]) is last
    assert all(values.knows(thing) for thing in things)
    values.sweep()
    assert len(values._by_id) < 1_000


def test_what_has_been_replaced_is_not_found_any_more():
    """An object that is changed a thousand times is found in its latest state alone, wherever its values are kept."""
    values, thing, beside = Values(), Thing(), Thing()
    code = compile("x = 1", "<changed>", "exec")
    for number in range(2_000):
        last = values.bind(thing, make_value("changed", rows=number, code=code, line=1))
    assert values.made_in([code]).in_order() == [last]
    values.bind(beside, make_value("made", code=code, line=2))
    values.sweep()
    for _ in range(100):  # what is only just gone is kept
        make_value("beside")
    values.sweep()
    assert [value.op for value in values.made_in([code]).in_order()] == ["changed", "made"]
    assert values.codes_named("<module>") == [code]
    del thing, beside
    values.sweep()
    values._settled.thin()
    assert values.made_in([code]).in_order() == []
    assert values.codes_named("<module>") == []


def test_code_is_remembered_by_a_number():
    """Equal code, such as a cell that is run again, has one number; code that is gone is forgotten one day."""
    cells = [compile("a = 1", "<cell>", "exec") for _ in range(2)]
    assert cells[0] is not cells[1]
    assert code_numbers.number_of(cells[0]) == code_numbers.number_of(cells[1]) > 0
    numbers = {code_numbers.number_of(compile(f"a = {number}", "<cell>", "exec")) for number in range(10_000)}
    assert len(numbers) >= 10_000 - 1
    assert len(code_numbers._by_id) <= code_numbers._MOST
    assert code_numbers.number_of(None) == 0


def test_statements_are_found_without_going_through_all(tmp_path):
    """Of a program with two thousand statements, the one at a line and the last that binds a name are found by looking
    at few of them, as often as they are asked for."""
    path = tmp_path / "long.py"
    path.write_text("".join(f"x{number} = {number}\n" for number in range(2_000)))
    code = compile(path.read_text(), str(path), "exec")
    looks: list[int] = []

    class Looked(bindings.Step):
        """A statement that notes who looks at its first line."""

        def __getattribute__(self, name: str) -> Any:
            if name == "first":
                looks.append(1)
            return super().__getattribute__(name)

    steps = tuple(Looked(*step) for step in bindings.steps_of(code))
    for _ in range(100):
        assert bindings.step_at(steps, 50).binds == {"x49"}
        assert bindings.last_binding(steps, "x7", 60) is steps[7]
        assert bindings.last_binding(steps, "x70", 60) is steps[70]
        assert bindings.last_binding(steps, "y", 60) is None
    assert len(looks) < 3_000


class Axis:
    """The labels of a frame, which are slow to take one by one, and are new texts each time."""

    nlevels = 1

    def __init__(self, names: tuple[str, ...]) -> None:
        self.array = object()
        self.names = names

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Any:
        raise AssertionError("asked one by one")

    def tolist(self) -> list[str]:
        """All labels at once."""
        return ["".join([name[:1], name[1:]]) for name in self.names]


def test_labels_are_taken_at_once_and_kept_once():
    """A frame of a thousand states has the names of its columns once in memory, and none is asked for by itself."""
    first, second = (names_in(Axis(("price", "amount"))) for _ in range(2))
    assert first == second == ("price", "amount")
    assert all(one is other for one, other in zip(first, second, strict=True))


def test_what_stays_the_same_is_not_looked_at_again():
    """Of a wide frame in which one column after the other is set, a step resolves the one column alone."""
    value = raw()
    resolved: list[str] = []

    class Noted(list[Dep]):
        def __iter__(self) -> Any:
            resolved.append(self[0].column)
            return super().__iter__()

    for name in COLUMNS[:20]:

        def rule(made: Value, name: str = name) -> Columns:
            return Columns({**same_fields(made.column_names()), name: Noted([Dep(0, name)])})

        value = make_value("set", (value,), rule, columns=COLUMNS)
    fields = trace(value).fields
    assert list(fields) == list(COLUMNS)
    assert len(resolved) <= 3 * 20
    assert [trail.subtype for trails in fields.values() for trail in trails.values()].count("IDENTITY") == 60


def test_the_end_of_a_long_chain_is_cut_once(monkeypatch):
    """An object behind which there are thousands of operations is used again and again: its chain is gone through the
    first time, not at each use."""
    monkeypatch.setattr(value_table, "MAX_DEPTH", 50)
    values, last = Values(), Thing()
    source = values.bind(last, raw())
    for _ in range(50):
        values.derive(last, "changed", (last,))
    kept = [Thing() for _ in range(1_000)]
    for thing in kept:
        made = values.derive(thing, "used", (last,))
        assert list(trace(made).behind) == [source]
    assert values.cut == 1


def test_axes_do_not_pile_up():
    """A frame that gets column after column has a new axis each time. Its states are kept, but of their axes only the
    labels: an axis that pandas looked a label up in has tables of many times their size."""
    values, frame = Values(), Thing()
    axes: list[weakref.ref[Axis]] = []
    for number in range(2_000):
        axis = Axis((f"c{number}", "a"))
        axes.append(weakref.ref(axis))
        columns = Labels(axis, ("key",)) if number % 2 else axis
        value = values.derive(frame, "insert", (frame,), columns=columns)
    del axis, columns
    assert sum(axis() is not None for axis in axes) < 700
    while value.inputs[0].op == "insert":
        value = value.inputs[0]
    assert value.column_names() == ("c0", "a")
    counting = values.derive(Thing(), "made", columns=range(10**9))
    values.sweep()
    assert counting.columns == range(10**9)
