"""Rows that objects of the script keep in attributes: one method fills them, another makes a frame or file of them."""

from __future__ import annotations

import csv
import fileinput
import json
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from headwater.capture.trace import trace

PEOPLE = [
    {"id": 1, "debt": 10.0, "income": 100.0},
    {"id": 2, "debt": 20.0, "income": 50.0},
    {"id": 3, "debt": 5.0, "income": 80.0},
]
RATIO = {("people.csv", "debt"), ("people.csv", "income")}


@pytest.fixture
def followed(follow):
    """The same people in three files, and a file of others that the run reads and does not use."""
    pd.DataFrame(PEOPLE).to_csv("people.csv", index=False)
    Path("people.json").write_text(json.dumps(PEOPLE))
    Path("people.jsonl").write_text("\n".join(map(json.dumps, PEOPLE)))
    Path("others.json").write_text(json.dumps([{"id": 9, "debt": 1}]))
    Path("limits.csv").write_text("id,most\n1,5\n")
    found = follow("pandas", "numpy", "files", "json")
    pd.read_csv("limits.csv")
    return found


class Source:
    """Loads a file in one method, and hands it on in others."""

    def __init__(self, path):
        self.path = path
        self.rows = []

    def load(self):
        """Read the file."""
        with open(self.path) as file:  # noqa: PTH123 - as people write it
            self.rows = json.load(file)
        return self

    def sift(self):
        """Keep some of the rows."""
        self.rows = [row for row in self.rows if row["debt"] > 1]

    def frame(self):
        """The rows."""
        return pd.DataFrame(self.rows)

    def wealth(self):
        """Two columns of them."""
        return pd.DataFrame([{"who": row["id"], "ratio": row["debt"] / row["income"]} for row in self.rows])


def keys(file, *names):
    """Each name from that key of a file."""
    return {name: {(file, name)} for name in names}


def test_what_another_method_loaded(followed):
    """By key; of two objects of one class, each from the file that it names. All are guesses."""
    people, others = Source("people.json").load(), Source("others.json").load()
    people.sift()
    assert followed.columns(people.frame()) == keys("people.json", "id", "debt", "income")
    assert followed.columns(others.frame()) == keys("others.json", "id", "debt")
    assert followed.columns(people.wealth()) == {
        "who": {("people.json", "id")},
        "ratio": {("people.json", "debt"), ("people.json", "income")},
    }
    found = trace(followed.recorder.values.get(people.frame()))
    assert {trail.description for trails in found.fields.values() for trail in trails.values()} == {"inferred"}


def test_what_code_outside_reads_of_an_object(followed):
    """``source.rows``, where the object has a name."""
    people, others = Source("people.json").load(), Source("others.json").load()
    assert len(others.rows) == 1
    assert followed.columns(pd.DataFrame(people.rows)) == keys("people.json", "id", "debt", "income")


class Scorer:
    """Gathers rows in a list of its own."""

    def __init__(self, frame):
        self.people = frame
        self.results = []

    def score(self):
        """Add a row for each person."""
        for row in self.people.itertuples():
            self.keep({"id": row.id, "ratio": row.debt / row.income})

    def keep(self, result):
        """Add one row."""
        self.results.append(result)


class Report(Scorer):
    """Inherits the list, and writes it."""

    def frame(self):
        """The rows."""
        return pd.DataFrame(self.results)


def test_what_was_passed_to_a_method_that_has_ended(followed):
    """A row is added by a method that an inherited method calls: its columns are those of the call."""
    report = Report(pd.read_csv("people.csv"))
    report.score()
    assert followed.columns(report.frame()) == {"id": {("people.csv", "id")}, "ratio": RATIO}


@dataclass
class Lines:
    """Rows that others add from outside."""

    lines: list = field(default_factory=list)

    def add(self, key, value):
        """Add one row."""
        self.lines.append((key, value))

    def frame(self):
        """The rows."""
        return pd.DataFrame(self.lines, columns=["key", "value"])


def test_what_running_code_passed(followed):
    """The function that calls ``add`` still runs: its arguments count, place by place."""
    people = pd.read_csv("people.csv")
    report = Lines()
    for row in people.itertuples():
        report.add(row.id, row.debt / row.income)
    assert followed.columns(report.frame()) == {"key": {("people.csv", "id")}, "value": RATIO}


class Caller:
    """Fills an object of another class, from a method of its own."""

    def run(self):
        """Fill it, and make a frame of it."""
        self.people = pd.read_csv("people.csv")
        self.report = Lines()
        for row in self.people.itertuples():
            self.report.add(row.id, row.debt / row.income)
        return self.report.frame()


def test_what_a_method_of_another_class_passed(followed):
    """As a function would."""
    assert followed.columns(Caller().run()) == {"key": {("people.csv", "id")}, "value": RATIO}


class Lazy:
    """Computes its rows when they are asked for."""

    def __init__(self):
        self.times = 0
        self._rows = None

    @property
    def rows(self):
        """The rows, read once."""
        self.times += 1
        if self._rows is None:
            with open("people.csv") as file:  # noqa: PTH123 - as people write it
                self._rows = [{"id": row["id"], "rich": float(row["income"]) > 60} for row in csv.DictReader(file)]
        return self._rows

    @cached_property
    def kept(self):
        """A second list."""
        self.times += 1
        with open("people.jsonl") as file:  # noqa: PTH123 - as people write it
            found = []
            for line in file:
                one = json.loads(line)
                found.append({"who": one["id"]})
            return found


def test_properties_are_read_in_the_source_only(followed):
    """A property is resolved by its code, and not computed once more."""
    lazy = Lazy()
    first = pd.DataFrame(lazy.rows)
    second = pd.DataFrame(lazy.kept)
    assert lazy.times == 2
    assert followed.columns(first) == {"id": {("people.csv", "id")}, "rich": {("people.csv", "income")}}
    assert followed.columns(second) == {"who": {("people.jsonl", "id")}}


class Writer:
    """Reads two files, and writes what it made of one."""

    def extract(self):
        """Read both."""
        with open("people.json") as file:  # noqa: PTH123 - as people write it
            self.people = json.load(file)
        with open("others.json") as file:  # noqa: PTH123 - as people write it
            self.others = json.load(file)

    def transform(self):
        """Make the rows."""
        self.rows = []
        for one in self.people:
            self.rows.append({"who": one["id"], "ratio": one["debt"] / one["income"]})

    def load(self):
        """Write them in three ways."""
        with open("dumped.json", "w") as file:  # noqa: PTH123 - as people write it
            json.dump(self.rows, file)
        with open("rows.csv", "w", newline="") as file:  # noqa: PTH123 - as people write it
            writer = csv.DictWriter(file, fieldnames=["who", "ratio"])
            writer.writeheader()
            writer.writerows(self.rows)
        with open("by_hand.csv", "w", newline="") as file:  # noqa: PTH123 - as people write it
            writer = csv.writer(file)
            for row in self.rows:
                writer.writerow([row["who"], row["ratio"]])


def test_files_that_are_written_by_hand(followed):
    """A list in an attribute that is written to a file: from the file that its rows came from, not from all that was
    read."""
    job = Writer()
    job.extract()
    job.transform()
    job.load()
    assert followed.sources("dumped.json") == {"people.json"}
    assert followed.sources("rows.csv") == {"people.json"}
    assert followed.sources("by_hand.csv") == {"people.json"}


def collect(path, rows, factor=1):
    """Add the rows of a file to a list of the caller's."""
    with open(path) as file:  # noqa: PTH123 - as people write it
        for row in csv.DictReader(file):
            rows.append({"id": row["id"], "debt": float(row["debt"]) * factor})


def collect_somehow(path, rows):
    """As ``collect``, in a way that the code does not show."""
    with fileinput.input(path) as lines:
        rows.extend(made_of(line) for line in lines)


def made_of(line):
    """A row."""
    return json.loads(f'{{"size": {len(line)}}}')


def test_a_list_that_a_function_fills_for_its_caller(followed):
    """It comes from what the function puts in."""
    rows = []
    collect("people.csv", rows, factor=2)
    made = pd.DataFrame(rows)
    assert followed.columns(made) == {"id": {("people.csv", "id")}, "debt": {("people.csv", "debt")}}


def test_a_list_that_is_filled_elsewhere_is_not_taken_for_nothing(followed):
    """The function that fills it reads a file in a way that is not followed: the frame may come from all that was
    read."""
    rows = []
    collect_somehow("people.csv", rows)
    pd.DataFrame(rows).to_csv("sizes.csv", index=False)
    assert "people.csv" in followed.sources("sizes.csv")


class Short:
    """Several statements on a line."""

    def __init__(self):
        self.rows = []; self.other = pd.read_csv("people.csv")  # fmt: skip  # noqa: E702

    def fill(self):
        """Add a row."""
        for row in self.other.itertuples(): one = row.id; self.rows.append({"id": one})  # fmt: skip  # noqa: E701, E702

    def frame(self):
        """The rows."""
        return pd.DataFrame(self.rows)


def test_several_statements_on_a_line(followed):
    """As on lines of their own."""
    short = Short()
    short.fill()
    assert followed.columns(short.frame()) == {"id": {("people.csv", "id")}}


class Knot:
    """Lists that are made from one another, and from themselves."""

    def __init__(self, frame):
        self.frame = frame
        self.left = []
        self.right = []

    def tie(self):
        """Fill them."""
        for row in self.frame.itertuples():
            self.left.append({"id": row.id})
        for _ in range(3):
            self.right = [{"id": one["id"]} for one in self.left] + self.right
            self.left = [{"id": one["id"]} for one in self.right]
            self.left = self.left + self.right

    def frame_of(self):
        """The one."""
        return pd.DataFrame(self.left)


def test_attributes_that_are_made_from_one_another(followed):
    """The analysis ends, and finds what went in."""
    knot = Knot(pd.read_csv("people.csv"))
    knot.tie()
    assert followed.columns(knot.frame_of()) == {"id": {("people.csv", "id")}}


class Odd:
    """Answers to any name, and raises when it is looked into."""

    __slots__ = ("people", "rows")

    def __init__(self, people):
        self.people = people
        self.rows = [{"a": 1}, {"a": 2}]

    def __getattr__(self, name):
        raise RuntimeError(name)

    def frame(self):
        """Literal rows."""
        return pd.DataFrame(self.rows)

    def ids(self):
        """Rows of the people."""
        return pd.DataFrame([{"id": row.id} for row in self.people.itertuples()])


def test_an_object_without_a_dictionary(followed):
    """Slots, and a ``__getattr__`` that raises: it is not called, and what is in a slot is known."""
    odd = Odd(pd.read_csv("people.csv"))
    assert odd.frame().a.tolist() == [1, 2]
    assert followed.columns(odd.ids()) == {"id": {("people.csv", "id")}}


STARTED = """
import json, pandas as pd
class Table:
    def load(self):
        with open("people.json") as file:
            self.rows = json.load(file)
    def frame(self):
        return pd.DataFrame(self.rows)
table = Table()
table.load()
table.frame()[["debt"]].to_csv("out.csv", index=False)
"""


def test_classes_of_a_program_that_a_library_runs(followed, tmp_path, monkeypatch):
    """A launcher that was installed is ``__main__`` itself, and runs the program under that name: the program's classes
    are the user's all the same."""
    launcher = ModuleType("__main__")
    launcher.__file__ = "/usr/lib/python3/site-packages/launcher/__main__.py"
    monkeypatch.setitem(sys.modules, "__main__", launcher)
    (tmp_path / "started.py").write_text(STARTED)
    exec(compile(STARTED, str(tmp_path / "started.py"), "exec"), {"__name__": "__main__"})
    assert followed.sources("out.csv", "debt") == {("people.json", "debt")}
