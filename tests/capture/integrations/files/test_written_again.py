"""Files that one run writes several times: what is replaced is gone, what is added or trained further stays."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB

from headwater.capture.assembler import Assembler, Outcome


@pytest.fixture
def tables():
    """Two files that have nothing to do with each other."""
    pd.DataFrame({"a": [1, 2, 3, 4], "y": [0, 1, 0, 1]}).to_csv("one.csv", index=False)
    pd.DataFrame({"b": [3, 4, 5, 6], "y": [0, 1, 0, 1]}).to_csv("two.csv", index=False)


def test_a_file_that_is_written_twice_comes_from_its_last_content(follow, tables):
    """By name, through a handle, and with plain Python; its schema is the last one, too."""
    followed = follow("files", "pandas")
    for name in ("one.csv", "two.csv"):
        frame = pd.read_csv(name)
        frame.to_csv("named.csv", index=False)
        with Path("handled.csv").open("w") as handle:
            frame.to_csv(handle, index=False)
    first, second = pd.read_csv("one.csv").a.sum(), pd.read_csv("two.csv").b.sum()
    with Path("text.txt").open("w") as text:
        text.write(str(first))
    with Path("text.txt").open("w") as text:
        text.write(str(second))
    for name in ("named.csv", "handled.csv", "text.txt"):
        assert followed.sources(name) == {"two.csv"}
    assert set(followed.entries()["named.csv"]["fields"]) == {"b", "y"}
    assert [field["name"] for field in followed.facets("named.csv")["schema"]["fields"]] == ["b", "y"]


def test_a_handle_that_is_let_go_late_does_not_bring_back_what_was_replaced(follow, tables):
    """The name of the first handle is bound until the second is open."""
    followed = follow("files", "pandas")
    first, second = pd.read_csv("one.csv").a.sum(), pd.read_csv("two.csv").b.sum()
    handle = Path("text.txt").open("w")  # noqa: SIM115 - closed late, which is what is tested
    handle.write(str(first))
    handle.close()
    other = Path("text.txt").open("w")  # noqa: SIM115 - as above
    other.write(str(second))
    other.close()
    del handle, other
    assert followed.sources("text.txt") == {"two.csv"}


def test_all_that_is_written_through_one_handle_is_in_the_file(follow, tables):
    """A handle that is open for writing is no new beginning for each write."""
    followed = follow("files", "pandas")
    with Path("both.csv").open("w") as handle:
        pd.read_csv("one.csv").to_csv(handle, index=False)
        pd.read_csv("two.csv").to_csv(handle, index=False)
    assert followed.sources("both.csv") == {"one.csv", "two.csv"}


def test_what_is_added_after_a_file_was_written_anew_is_in_it(follow, tables):
    """The first content is gone, the other two are there; so is all that several sheets or handles add."""
    Path("all.csv").write_text("before\n")
    followed = follow("files", "pandas")
    pd.read_csv("one.csv").to_csv("all.csv", mode="a", index=False)
    pd.read_csv("two.csv").to_csv("all.csv", index=False)
    pd.read_csv("two.csv").to_csv("all.csv", mode="a", index=False)
    pd.read_csv("one.csv").to_csv("more.csv", index=False)
    pd.read_csv("two.csv").to_csv("more.csv", mode="a", index=False)
    assert followed.sources("all.csv") == {"two.csv"}
    assert followed.sources("more.csv") == {"one.csv", "two.csv"}


def test_sheets_of_one_workbook_are_all_in_it(follow, tables):
    """A writer is not a path: each sheet is added to the same file."""
    pytest.importorskip("openpyxl")
    followed = follow("files", "pandas")
    with pd.ExcelWriter("book.xlsx") as book:
        pd.read_csv("one.csv").to_excel(book, sheet_name="one")
        pd.read_csv("two.csv").to_excel(book, sheet_name="two")
    assert followed.sources("book.xlsx") == {"one.csv", "two.csv"}


def test_what_was_made_of_a_replaced_content_keeps_its_sources(follow, tables):
    """A copy, and a file that was made from it: then the file they name keeps what they came from."""
    followed = follow("files", "pandas")
    pd.read_csv("one.csv").to_csv("step.csv", index=False)
    shutil.copy("step.csv", "kept.csv")
    pd.read_csv("two.csv").to_csv("step.csv", index=False)
    pd.read_csv("one.csv").to_csv("part.csv", index=False)
    pd.read_csv("part.csv").to_csv("whole.csv", index=False)
    pd.read_csv("two.csv").to_csv("part.csv", index=False)
    assert followed.sources("kept.csv") == {"step.csv"}
    assert followed.sources("step.csv") == {"one.csv", "two.csv"}
    assert followed.sources("whole.csv") == {"part.csv"}
    assert followed.sources("part.csv") == {"one.csv", "two.csv"}


def test_a_file_that_was_renamed_away_keeps_what_it_came_from(follow, tables):
    """Its name is written again, with something else; a file that is renamed onto another replaces it."""
    followed = follow("files", "pandas")
    pd.read_csv("one.csv").to_csv("new.csv", index=False)
    os.replace("new.csv", "old.csv")  # noqa: PTH105 - as scripts do
    pd.read_csv("two.csv").to_csv("new.csv", index=False)
    pd.read_csv("one.csv").to_csv("target.csv", index=False)
    pd.read_csv("two.csv").to_csv("made.tmp", index=False)
    os.replace("made.tmp", "target.csv")  # noqa: PTH105 - as above
    assert followed.sources("old.csv") == {"one.csv"}
    assert followed.sources("new.csv") == {"two.csv"}
    assert followed.sources("target.csv") == {"two.csv"}


def test_a_model_that_is_saved_in_a_loop_keeps_its_chain(follow, tables):
    """It learns from one file after another and is saved to one path each time: the last holds all that it learned."""
    followed = follow("files", "pandas", "sklearn", "joblib")
    model = SGDClassifier(random_state=0)
    for name in ("one.csv", "two.csv"):
        frame = pd.read_csv(name).set_axis(["x", "y"], axis=1)
        model.partial_fit(frame[["x"]], frame.y, classes=[0, 1])
        joblib.dump(model, "model.joblib")
        joblib.dump({"scores": np.asarray(frame.x) * 2.0}, "scores.joblib")
    entries = followed.event()["job"]["facets"]["lineage"]["entries"]
    found, waiting = set(), ["model.joblib"]
    while waiting:
        entry = followed.entries().get(waiting.pop())
        names = {i["name"].rpartition("/")[2] for i in entry["inputs"]} - found if entry else set()
        found |= names
        waiting += names
    assert {"one.csv", "two.csv"} <= found, entries
    assert followed.facets("model.joblib")["headwater_model"]["step"] == 2
    assert followed.sources("scores.joblib") == {"two.csv"}


def test_a_file_of_another_kind_is_described_as_it_is_now(follow, tables):
    """A model that was saved under a name is forgotten when a table is written there."""
    followed = follow("files", "pandas", "sklearn", "joblib")
    frame = pd.read_csv("one.csv")
    joblib.dump(GaussianNB().fit(frame[["a"]], frame.y), "result.bin")
    pd.read_csv("two.csv").to_csv("result.bin", index=False)
    facets = followed.facets("result.bin")
    assert facets["datasetType"]["datasetType"] == "FILE"
    assert "headwater_model" not in facets
    assert followed.sources("result.bin") == {"two.csv"}


def test_a_line_that_writes_a_file_a_hundred_times_is_still_known(follow, tables):
    """The code of one line is read 64 times; after that, what it said last holds."""
    followed = follow("files", "pandas", "json")
    total = pd.read_csv("one.csv").a.sum()
    pd.read_csv("two.csv")
    for _ in range(100):
        with Path("state.json").open("w") as file:
            json.dump({"total": float(total)}, file)
    assert followed.sources("state.json") == {"one.csv"}


def test_an_event_in_mid_run_does_not_claim_what_may_be_replaced(follow, tables):
    """The claims of all events of a run count: what feeds a file is told once, when the run has ended."""
    followed = follow("files", "pandas")
    assembler = Assembler(followed.recorder)
    pd.read_csv("one.csv").to_csv("out.csv", index=False)
    assembler.take()
    told: list[dict[str, Any]] = [json.loads(event) for event in assembler.progress(time.time_ns())]
    pd.read_csv("two.csv").to_csv("out.csv", index=False)
    assembler.take()
    told += [json.loads(event) for event in assembler.progress(time.time_ns())]
    last = json.loads(assembler.finish(Outcome("COMPLETE", 0))[-1])
    assert [len(event["outputs"]) for event in told] == [1, 1]
    assert not any("lineage" in event["job"]["facets"] for event in told)
    (entry,) = last["job"]["facets"]["lineage"]["entries"]
    assert {Path(source["name"]).name for source in entry["inputs"]} == {"two.csv"}
