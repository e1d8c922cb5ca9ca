"""How often a line of code is read for the arrays there: bounded, told, and never the end of all reading."""

from __future__ import annotations

import gc

from headwater.capture.source_analysis.budget import MAX_ASKED, AnalysisBudget


def code_of(name: str):
    """A code object of its own."""
    return compile("x = 1", name, "exec")


def test_a_line_is_given_up_and_the_run_is_told():
    """A line is read as often as the limit says; each time after that the place is told, without its folder."""
    told = []
    readings = AnalysisBudget()
    readings.on_limit = told.append
    code = code_of("/home/me/train.py")
    assert [readings.may_read(code, 7) for _ in range(MAX_ASKED + 2)] == [True] * MAX_ASKED + [False] * 2
    assert len(told) == 2
    assert told[0].startswith("train.py:7: ")
    assert readings.may_read(code, 8)


def test_only_the_lines_not_asked_for_longest_are_forgotten():
    """However many lines there are, the next one is read, and a line that is in use keeps its count."""
    readings = AnalysisBudget(max_lines=10)
    busy = code_of("busy.py")
    for _ in range(MAX_ASKED):
        readings.may_read(busy, 1)
    for line in range(1000):
        assert readings.may_read(busy, 100 + line)
        assert not readings.may_read(busy, 1)
        assert len(readings._asked) <= 10


def test_code_that_is_gone_does_not_count_for_code_that_takes_its_place():
    """Code that a program makes and drops gives its place in memory to other code, whose lines are new."""
    readings = AnalysisBudget()
    for number in range(3 * MAX_ASKED):
        assert readings.may_read(code_of(f"{number}.py"), 1)
        gc.collect(0)
