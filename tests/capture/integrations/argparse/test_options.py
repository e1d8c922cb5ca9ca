"""Options of the command line that take several values are recorded with all of them."""

from __future__ import annotations

import argparse
import sys

import pytest

from headwater.capture.recorder import Parameter


def parser_of():
    """A parser with options of each kind, and a command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-c", "--columns", nargs="+")
    parser.add_argument("--dims", nargs=2, type=int, default=[1, 1])
    parser.add_argument("--tag", action="append")
    parser.add_argument("--rate", type=float)
    fit = parser.add_subparsers().add_parser("fit")
    fit.add_argument("--drop", nargs="*")
    return parser


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("--columns a b c --rate 0.1", {"columns": ["a", "b", "c"]}),
        ("-c a b", {"c": ["a", "b"]}),
        ("--dims 64 32", {"dims": [64, 32]}),
        ("--tag q --tag=r", {"tag": ["q", "r"]}),
        ("fit --drop a b", {"drop": ["a", "b"]}),
        ("--rate 2", {}),
    ],
)
def test_lists_are_recorded_as_the_parser_understands_them(follow, monkeypatch, typed, expected):
    """Lists of what was typed, under the name that was typed; no defaults, and nothing that has one value."""
    followed = follow("argparse")
    monkeypatch.setattr(sys, "argv", ["train.py", *typed.split()])
    parser_of().parse_args()
    found = [item for item in followed.recorder.items if isinstance(item, Parameter)]
    assert {item.name: item.value for item in found} == expected


def test_other_lists_of_words_are_no_command_line(follow, monkeypatch):
    """A notebook that parses a list of its own has no options."""
    followed = follow("argparse")
    monkeypatch.setattr(sys, "argv", ["train.py"])
    assert parser_of().parse_args(["--columns", "a", "b"]).columns == ["a", "b"]
    assert followed.recorder.items == []


def test_a_run_has_them_as_parameters(project):
    """The list takes the place of the first value, which is all that the words alone show."""
    project.write(
        "s.py",
        """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--columns", nargs="+")
parser.add_argument("--rate")
print(parser.parse_args())
""",
    )
    arguments = ("s.py", "--columns", "a", "b", "--rate", "3")
    assert project.captured(*arguments) == project.plain(*arguments)
    assert "['a', 'b']" in str(project.facet("headwater_parameters")).replace('"', "'")
