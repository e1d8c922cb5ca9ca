"""Capture does no more for a later operation than for an early one: looks at things are counted, never timed."""

from __future__ import annotations

import ast
from typing import Any

from headwater.capture.integrations.sklearn.feature_rules import feature_rule
from headwater.capture.integrations.sklearn.features import Feature
from headwater.capture.lineage_facet import Origins
from headwater.capture.source_analysis import bindings, running_call
from headwater.capture.source_analysis.parser import lines_of
from headwater.capture.trace import trace
from headwater.capture.values import Columns, DatasetRef, Dep, Value, make_value

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
