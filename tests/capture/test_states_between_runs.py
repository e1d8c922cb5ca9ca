"""Objects that pass from one run of a process to another: which state each run used, and when each run ended."""

from __future__ import annotations

import time
from datetime import datetime
from random import Random

import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

import headwater
from headwater.capture.assembler import Assembler


@pytest.fixture
def embedded_project(tmp_path, monkeypatch):
    """A folder whose lineage goes to an embedded store."""
    monkeypatch.chdir(tmp_path)
    for name in ("HEADWATER_TRANSPORT", "HEADWATER_STORE"):
        monkeypatch.delenv(name, raising=False)
    pd.DataFrame({"a": [1.0, 2.0, 4.0], "y": [2.0, 4.0, 8.5]}).to_csv("raw.csv", index=False)
    yield tmp_path
    headwater.shutdown()


@headwater.step
def load(path):
    """Read the data."""
    return pd.read_csv(path).assign(b=1)


@headwater.step
def fit(frame):
    """Train a model."""
    return LinearRegression().fit(frame[["a", "b"]], frame["y"])


@headwater.step
def pipeline(path):
    """Everything, in steps."""
    frame = load(path)
    model = fit(frame)
    frame.assign(p=model.predict(frame[["a", "b"]])).to_csv("nested.csv", index=False)


@pytest.fixture(params=[0.0, 0.05], ids=lambda pause_s: f"worker-pauses-{pause_s:g}s")
def unhurried_worker(request, monkeypatch):
    """A worker on a busy machine: the program goes on while it looks from run to run."""
    take, pauses = Assembler.take, Random(7)

    def slow_take(self, *args):
        take(self, *args)
        time.sleep(pauses.random() * request.param)

    monkeypatch.setattr(Assembler, "take", slow_take)


def test_why_leads_through_steps_to_the_raw_file(embedded_project, unhurried_worker):
    """However short the steps are and however slow the worker: from what a run, the script itself or an outer step
    wrote to the training and on."""
    headwater.init("flow")
    frame = load("raw.csv")
    model = fit(frame)
    with headwater.run("score"):
        frame.assign(p=model.predict(frame[["a", "b"]])).to_csv("scored.csv", index=False)
    frame.assign(p=model.predict(frame[["a", "b"]])).to_csv("plain.csv", index=False)
    pipeline("raw.csv")
    headwater.shutdown()
    for name in ("scored.csv", "plain.csv", "nested.csv"):
        why = headwater.lineage().why(name)
        assert [model.class_name.rpartition(".")[2] for model in why.models] == ["LinearRegression"], name
        assert why.models[0].made.run is not None, name
        assert [source.name for source in why.sources] == [str(embedded_project / "raw.csv")], name


def test_two_calls_of_a_step_are_two_states(embedded_project, unhurried_worker):
    """What was made from the result of the first call comes from the run of the first, whatever ran since."""
    headwater.init("flow")
    first = load("raw.csv")
    load("raw.csv")
    first.to_csv("first.csv")
    headwater.shutdown()
    runs = headwater.lineage().runs("flow.load")
    history = headwater.lineage().why("first.csv").history
    assert {item.run.run_id for item in history if item.run is not None} >= {runs[-1].run_id}
    assert runs[0].run_id not in {item.run.run_id for item in history if item.run is not None}


def test_a_run_has_what_flowed_into_its_outputs_as_inputs(in_process, tmp_path):
    """Also what another run of the process read, in the state that it was in."""
    pd.DataFrame({"a": [1, 2]}).to_csv(tmp_path / "raw.csv")
    _, events = in_process()
    raw = pd.read_csv(tmp_path / "raw.csv")
    with headwater.run("inner"):
        raw.assign(b=2).to_csv(tmp_path / "out.csv")
    headwater.shutdown()
    found = [event for event in events() if event["eventType"] == "COMPLETE"]
    inner, outer = sorted(found, key=lambda event: event["job"]["name"])
    (own,) = inner["inputs"]
    assert own["name"] == str(tmp_path / "raw.csv")
    (read,) = outer["inputs"]
    assert own["facets"]["headwater_fingerprint"]["exact"] == read["facets"]["headwater_fingerprint"]["exact"]


def test_a_run_ends_when_it_ends(in_process):
    """Not when the worker gets to it, half a second later."""
    _, events = in_process(flush_interval_s=5)
    with headwater.run("short"):
        pass
    ended = time.time()
    time.sleep(0.3)
    headwater.shutdown()
    (last,) = (e for e in events() if e["job"]["name"] == "short" and e["eventType"] == "COMPLETE")
    assert datetime.fromisoformat(last["eventTime"]).timestamp() <= ended + 0.01
    assert last["run"]["facets"]["headwater_outcome"]["duration_s"] < 0.25


def test_a_step_that_is_handed_a_table_does_not_describe_it_anew(embedded_project, unhurried_worker):
    """The run that read the file knows the types of its columns and the digest of its values. A step that gets the
    frame knows neither, and does not put less in place of that."""

    @headwater.step
    def total(frame):
        return frame[["y"]].sum()

    headwater.init("flow")
    total(pd.read_csv("raw.csv"))
    headwater.shutdown()
    raw = headwater.lineage().show("raw.csv")
    assert [(column.name, column.type) for column in raw.columns] == [("a", "float64"), ("y", "float64")]
    assert b'"exact"' in bytes(raw.facets["headwater_fingerprint"])
    assert [column.measures["nullCount"] for column in raw.columns] == [0, 0]
    assert raw.versions[0].row_count == 3
    changes = headwater.lineage().history("raw.csv").changes
    assert {change.kind for change in changes} == {"added"}
