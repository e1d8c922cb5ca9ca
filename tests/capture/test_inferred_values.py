"""Guesses: an array nobody saw being made comes from the latest one of its length, and says that it is a guess."""

from __future__ import annotations

import ast
import itertools
import sys
import threading

import numpy as np

from headwater.capture.lineage_facet import Origins
from headwater.capture.recorder import Recorder
from headwater.capture.scalars import Scalars
from headwater.capture.source_analysis.inferred_values import InferredValues
from headwater.capture.trace import trace
from headwater.capture.value_table import Values
from headwater.capture.values import INFERRED, Columns, DatasetRef, Dep, Value, make_value


def array_value(name: str, rows: int) -> Value:
    """The value of an array that was read."""
    return make_value("read", columns=("x",), rows=rows, dataset=DatasetRef("file", name))


def test_the_latest_of_the_same_length_is_taken():
    """Length decides, then recency; another length, a scalar or a sequence of one gives no guess. Nor does a list:
    lists of labels are short, and of a length by chance."""
    guesses = InferredValues(values := Values(), Scalars(values))
    first, second = array_value("/a", 5), array_value("/b", 5)
    guesses.saw(np.zeros(5), first)
    guesses.saw(np.zeros(5), second)
    guesses.saw(np.zeros(1), array_value("/c", 1))
    assert guesses.value_of(np.ones(5)).inputs == (second,)
    labels = [1, 2, 3, 4, 5]
    for other in (labels, [1, 2, 3, 4, 5], np.ones(6), np.float64(3), np.ones(1), "12345", {1, 2, 3, 4, 5}):
        assert guesses.value_of(other) is None


def test_a_guess_stays_one_through_later_steps():
    """Everything made from a guess is marked inferred, and so is the edge when nothing better is known."""
    guesses = InferredValues(values := Values(), Scalars(values))
    guesses.saw(np.zeros(5), array_value("/model", 5))
    guess = guesses.value_of(np.ones(5))
    sure = array_value("/rows", 5)
    frame = make_value(
        "assign",
        (sure, guess),
        lambda _: Columns({"id": [Dep(0, "x", subtype="IDENTITY")], "p": [Dep(1, None, subtype="IDENTITY")]}),
        columns=("id", "p"),
        rows=5,
    )
    assert [trail.description for trail in trace(frame).fields["p"].values()] == [INFERRED]
    origins = Origins(DatasetRef("file", "/out"))
    origins.add(frame)
    inputs = {i["name"]: i for i in origins.entry([])["inputs"]}
    assert inputs["/model"]["transformations"][0]["type"] == "INFERRED"
    assert "transformations" not in inputs["/rows"]


def test_a_known_array_is_not_guessed():
    """What is followed is found as it is, not by its length."""
    recorder = Recorder("00000000-0000-7000-8000-000000000000", "tests", "job")
    first, second = np.zeros(7), np.ones(7)
    value = recorder.values.bind(first, array_value("/a", 7))
    recorder.values.bind(second, array_value("/b", 7))
    assert recorder.values.get(first) is value


def test_other_threads_may_record_meanwhile():
    """What the guesses look through grows in other threads of the program while they do: nothing fails for it."""
    interval = sys.getswitchinterval()
    guesses = InferredValues(values := Values(), scalars := Scalars(values))
    code, value = compile("x = 1", "script.py", "exec"), array_value("/a", 5)
    is_done = threading.Event()

    def record() -> None:
        for number in itertools.count():
            if is_done.is_set():
                return
            scalars.keep(float(number), value)
            guesses.saw(np.zeros(5), value)
            guesses.went_through(value, code, number % 900)

    thread = threading.Thread(target=record)
    sys.setswitchinterval(1e-6)
    try:
        thread.start()
        for _ in range(1_000):
            assert guesses.value_of(np.zeros(4)) is None
            scalars.made_by(value)
            guesses._rounds(value)
            guesses._passed(code, ast.parse("1").body[0])
    finally:
        sys.setswitchinterval(interval)
        is_done.set()
        thread.join()
