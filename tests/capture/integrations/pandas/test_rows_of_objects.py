"""Rows that are objects of the program's own classes, made a table by name or by their attributes."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest


@dataclass
class Person:
    """One person."""

    name: str
    pay: float
    debt: float = 0.0


class Pair(NamedTuple):
    """A name and a number."""

    name: str
    pay: float


def _by_keywords():
    people = []
    with Path("people.csv").open() as file:
        for row in csv.DictReader(file):
            person = Person(name=row["name"], pay=float(row["income"]), debt=float(row["debt"]) * 2)
            people.append(person)
    return people


def _by_place():
    with Path("people.csv").open() as file:
        return [Person(row["name"], float(row["income"]), debt=float(row["debt"])) for row in csv.DictReader(file)]


def _changed(people):
    rows = []
    for person in people:
        row = asdict(person)
        row["left"] = person.pay - person.debt
        rows.append(row)
    return pd.DataFrame(rows)


@pytest.fixture
def followed(follow):
    """A file of people, and what follows the program."""
    pd.DataFrame({"name": ["a", "b"], "income": [1.0, 2.0], "debt": [3.0, 4.0]}).to_csv("people.csv", index=False)
    return follow("files", "pandas")


@pytest.mark.parametrize("is_by_place", [False, True])
@pytest.mark.parametrize("way", ["asdict", "vars", "dict", "alone", "changed"])
def test_objects_made_a_table(followed, way, is_by_place):
    """``pd.DataFrame([asdict(person) for person in people])`` has the columns of what the fields were given."""
    people = _by_place() if is_by_place else _by_keywords()
    if way == "asdict":
        table = pd.DataFrame([asdict(person) for person in people])
    elif way == "vars":
        table = pd.DataFrame([vars(person) for person in people])
    elif way == "dict":
        table = pd.DataFrame([person.__dict__ for person in people])
    elif way == "alone":
        table = pd.DataFrame(people)
    else:
        table = _changed(people)
    table.to_csv("table.csv", index=False)
    told = {name: {column for _, column in followed.sources("table.csv", name)} for name in table.columns}
    expected = {"name": {"name"}, "pay": {"income"}, "debt": {"debt"}, "left": {"income", "debt"}}
    assert told == {name: expected[name] for name in table.columns}


def test_named_tuples_by_place(followed):
    """The fields of a named tuple stand in the order of its arguments."""
    with Path("people.csv").open() as file:
        pairs = [Pair(row["name"], float(row["debt"])) for row in csv.DictReader(file)]
    pd.DataFrame(pairs).to_csv("pairs.csv", index=False)
    assert {column for _, column in followed.sources("pairs.csv", "name")} == {"name"}
    assert {column for _, column in followed.sources("pairs.csv", "pay")} == {"debt"}
