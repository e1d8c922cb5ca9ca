"""The public API in one process: runs, steps, records, and that it hurts nobody."""

from __future__ import annotations

import asyncio
import gc
import json
import sqlite3
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest

import headwater
from headwater import embedded
from headwater.capture import api, context
from headwater.capture import recorder as recording
from headwater.capture.guard import GUARD
from headwater.capture.job_facts import argument_parameters
from headwater.capture.runs import Run
from headwater.capture.values import make_value
from headwater.errors import ConfigError, InvalidInput, InvalidRecord, NoLineage
from headwater.storage.sqlite import SQLiteStore

LIGHT = {"numpy", "pandas", "click", "rich", "sqlglot", "sqlite3", "asyncio", "http", "logging", "xxhash", "zstandard"}


def by_job(events: list[dict], job: str) -> list[dict]:
    """The events of one job."""
    return [event for event in events if event["job"]["name"] == job]


def names(datasets: list[dict]) -> set[str]:
    """The names of datasets in an event."""
    return {dataset["name"] for dataset in datasets}


def facet(events: list[dict], name: str) -> dict:
    """A run facet as last said."""
    found: dict = {}
    for event in events:
        found = event["run"]["facets"].get(name, found)
    return found


def test_importing_headwater_loads_nothing_heavy():
    """A fresh interpreter that imports headwater has loaded no library that costs time."""
    code = "import sys, headwater; print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    bare = subprocess.run(
        [sys.executable, "-c", "import sys; print('\\n'.join(sys.modules))"], capture_output=True, text=True, check=True
    ).stdout.split()
    new = set(loaded) - set(bare)
    assert not LIGHT & {name.partition(".")[0] for name in new}
    assert not {name for name in new if name.startswith("headwater.")}


def test_init_loads_no_library_of_others():
    """``init()`` in a fresh interpreter loads msgspec and the standard library alone, and no integration's library."""
    code = (
        "import sys, headwater; headwater.init(transport='discard'); headwater.flush(10); "
        "print('\\n'.join(sys.modules)); headwater.shutdown()"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    tops = {name.partition(".")[0] for name in loaded}
    assert not tops & {"numpy", "pandas", "polars", "pyarrow", "duckdb", "sklearn", "click", "rich", "sqlglot"}


def test_the_public_names_are_sorted_and_all_there():
    """``__all__`` is sorted, each name can be had, and ``dir`` shows them."""
    assert headwater.__all__ == sorted(headwater.__all__)
    for name in headwater.__all__:
        assert getattr(headwater, name) is not None
        assert name in dir(headwater)
    with pytest.raises(AttributeError, match="nope"):
        headwater.nope  # noqa: B018 - the look alone raises


def test_a_run_says_what_it_read_wrote_and_measured(in_process):
    """Datasets, parameters, metrics and tags of an explicit run arrive, with its operation and its parent."""
    root, events = in_process()
    with headwater.run("train", operation="MODEL_TRAINING", parameters={"lr": 0.1}) as run:
        run.read("s3://lake/raw.parquet")
        run.write(("postgres://db:5432", "shop.public.scores"))
        run.parameters(depth=3, names=["a", "b"])
        run.metric("auc", 0.9, dataset="s3://lake/raw.parquet", step=2)
        run.tag("team", "risk")
        assert headwater.current_run().id == run.id
    found = by_job(events(), "train")
    assert found[0]["eventType"] == "START"
    last = found[-1]
    assert last["eventType"] == "COMPLETE"
    assert {(d["namespace"], d["name"]) for d in last["inputs"]} == {("s3://lake", "raw.parquet")}
    assert {(d["namespace"], d["name"]) for d in last["outputs"]} == {("postgres://db:5432", "shop.public.scores")}
    assert facet(found, "headwater_parameters")["parameters"] == {"lr": 0.1, "depth": 3, "names": ["a", "b"]}
    assert facet(found, "headwater_metrics")["metrics"][0]["step"] == 2
    assert facet(found, "tags")["tags"] == [{"key": "team", "value": "risk", "source": "USER"}]
    assert facet(found, "parent")["run"]["runId"] == root.id
    assert found[0]["job"]["facets"]["jobType"]["jobType"] == "MODEL_TRAINING"


def test_a_run_that_raises_is_failed_and_the_exception_goes_on(in_process):
    """The body's exception reaches the caller untouched; the run says FAIL and why, without secrets."""
    _, events = in_process()
    with pytest.raises(ValueError, match="hunter2-Zq9"), headwater.run("bad"):
        raise ValueError("password=hunter2-Zq9")
    last = by_job(events(), "bad")[-1]
    assert last["eventType"] == "FAIL"
    assert "ValueError" in last["run"]["facets"]["errorMessage"]["message"]
    assert "hunter2-Zq9" not in json.dumps(last)


def test_a_run_that_cannot_be_described_ends_all_the_same(in_process, monkeypatch):
    """A facet that makes no event costs what the last event would have told; the run is closed, and says that something
    went wrong in capture. Were it not closed, nothing of its lineage would ever count."""
    from headwater.capture.guard import GUARD

    _, events = in_process()
    monkeypatch.setattr(GUARD, "strict", False)
    monkeypatch.setattr(GUARD, "failures", GUARD.failures.copy())
    with headwater.run("odd") as odd:
        odd.write("s3://lake/a.parquet")
        recorder = context.current()
        assert recorder is not None
        value = make_value("made", columns=("a",))
        recorder.name(value, recorder.memory_ref("set"), facets={"broken": "no object"})
    last = by_job(events(), "odd")[-1]
    assert last["eventType"] == "COMPLETE"
    assert last["run"]["facets"]["headwater_outcome"]["capture_errors"] >= 1


def test_an_interrupted_run_is_aborted(in_process):
    """``KeyboardInterrupt`` passes through, and the run says ABORT."""
    _, events = in_process()
    with pytest.raises(KeyboardInterrupt), headwater.run("stopped"):
        raise KeyboardInterrupt
    assert by_job(events(), "stopped")[-1]["eventType"] == "ABORT"


def test_steps_are_runs_joined_by_what_passes_between_them(in_process, tmp_path):
    """A frame that one step returns and another takes is an output of the first run and an input of the second."""
    _, events = in_process()
    pd.DataFrame({"a": [1, 2, None], "b": [1, 2, 3]}).to_csv(tmp_path / "raw.csv")

    @headwater.step
    def clean(frame, threshold=0.5):
        """Drop nulls."""
        return frame.dropna()

    @headwater.step(name="score", operation="INFERENCE")
    def apply(frame):
        return frame.assign(c=frame["a"] + frame["b"])

    raw = pd.read_csv(tmp_path / "raw.csv")
    scored = apply(clean(raw))
    scored.to_csv(tmp_path / "scored.csv")
    headwater.shutdown()
    found = events()
    first = by_job(found, "test.job.test_steps_are_runs_joined_by_what_passes_between_them.clean")
    second = by_job(found, "test.job.score")
    assert names(first[-1]["inputs"]) == {str(tmp_path / "raw.csv")}
    (passed,) = names(first[-1]["outputs"])
    assert passed.endswith("clean.return")
    assert names(second[-1]["inputs"]) == {passed}
    (result,) = names(second[-1]["outputs"])
    assert facet(first, "headwater_parameters")["parameters"] == {"threshold": 0.5}
    assert facet(first, "parent")["job"]["name"] == "test.job"
    assert first[0]["job"]["facets"]["headwater_code"]["bytecode_digest"]
    root_writes = [e for e in by_job(found, "test.job") if str(tmp_path / "scored.csv") in names(e["outputs"])]
    entries = root_writes[-1]["job"]["facets"]["lineage"]["entries"]  # the run has ended
    written = next(e for e in entries if e["name"] == str(tmp_path / "scored.csv"))
    assert {item["name"] for item in written["inputs"]} == {result}


def test_every_kind_of_function_can_be_a_step(in_process):
    """Functions, coroutines, generators and asynchronous generators give what they gave, each with a run."""
    _, events = in_process()

    @headwater.step(name="plain")
    def plain(x):
        return x + 1

    @headwater.step(name="co")
    async def co(x):
        await asyncio.sleep(0)
        return x + 1

    @headwater.step(name="gen")
    def gen(n):
        got = yield 1
        yield got
        return n

    @headwater.step(name="agen")
    async def agen(n):
        for i in range(n):
            yield i

    async def collect():
        return [i async for i in agen(3)]

    assert plain(1) == 2
    assert asyncio.run(co(1)) == 2
    generator = gen(7)
    assert next(generator) == 1
    assert generator.send("sent") == "sent"
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == 7
    assert asyncio.run(collect()) == [0, 1, 2]
    found = events()
    for name in ("plain", "co", "gen", "agen"):
        assert by_job(found, f"test.job.{name}")[-1]["eventType"] == "COMPLETE"


def test_a_generator_step_passes_exceptions_both_ways(in_process):
    """``throw`` and ``close`` reach the generator; a failure inside is the caller's, and marks the run."""
    in_process()
    seen = []

    @headwater.step
    def gen():
        try:
            yield 1
        except ValueError as error:
            seen.append(str(error))
        yield 2
        try:
            yield 3
        finally:
            seen.append("closed")

    generator = gen()
    next(generator)
    assert generator.throw(ValueError("in")) == 2
    next(generator)
    generator.close()
    assert seen == ["in", "closed"]


def test_a_step_keeps_name_signature_and_docstring(in_process):
    """A decorated function looks like itself."""
    import inspect

    @headwater.step
    def named(a, *, b=2):
        """What it does."""

    assert named.__name__ == "named"
    assert named.__doc__ == "What it does."
    assert str(inspect.signature(named)) == "(a, *, b=2)"
    with pytest.raises(TypeError, match="missing"):
        named()


def test_threads_belong_to_the_process_run_and_contexts_to_theirs(in_process):
    """What a thread does goes to the run of the process; what happens inside ``run`` goes to that run."""
    root, events = in_process()
    seen = {}

    def work():
        seen["thread"] = headwater.current_run().id

    with headwater.run("inner") as inner:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        seen["here"] = headwater.current_run().id
    assert seen == {"thread": root.id, "here": inner.id}
    events()


def test_a_record_is_checked_and_sent(in_process):
    """A flat record becomes an event; a bad one is refused with its field, and nothing is sent."""
    _, events = in_process()
    document = {
        "lineage_id": "01a20650-0c2f-71ed-8eb6-91a7e02ff736",
        "operation_type": "ETL",
        "source": {"type": "database", "identifier": "postgres://db:5432/shop.public.orders"},
        "destination": {"type": "model", "identifier": "churn"},
        "transformation": {"code_hash": "0" * 64, "parameters": {}, "timestamp": "2026-01-01T00:00:00Z"},
        "data_quality": {"null_count": 0, "unique_values": 1, "statistics": {}},
        "dependencies": [],
    }
    assert headwater.record(document) == document["lineage_id"]
    assert any(e["run"]["runId"] == document["lineage_id"] for e in events())
    with pytest.raises(InvalidRecord, match="operation_type"):
        headwater.record({**document, "operation_type": "MAGIC"})
    made = headwater.record({name: part for name, part in document.items() if name != "lineage_id"})
    assert made != document["lineage_id"]
    assert any(e["run"]["runId"] == made for e in events())
    with pytest.raises(InvalidRecord, match="lineage_id"):
        headwater.record({**document, "lineage_id": "seventeen"})


def test_disabled_means_nothing_happens_and_everything_works(tmp_path, monkeypatch):
    """With capture disabled every call works and nothing is hooked, written or sent."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADWATER_DISABLED", "1")
    run = headwater.init()
    with headwater.run("x") as inner:
        inner.read("a.csv")
        inner.metric("m", 1)
        inner.tag("k", "v")
    run.parameter("a", 1)

    @headwater.step
    def f(x):
        return x

    assert f(1) == 1
    assert headwater.current_run() is None
    assert headwater.flush()
    assert headwater.shutdown()
    assert not (tmp_path / ".headwater").exists()


def test_wrong_use_is_told_at_once(in_process):
    """Misuse of the API is the caller's error, with the field's name."""
    in_process()
    with pytest.raises(InvalidInput, match="operation"):
        headwater.run("x", operation="TRAIN")
    with pytest.raises(InvalidInput, match="name"):
        headwater.run("")
    with pytest.raises(InvalidInput, match="dataset"):
        headwater.read(42)
    with pytest.raises(ConfigError, match="namespace"):
        headwater.init(nmespace="x")


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda run: run.metric("auc", "high"), "value"),
        (lambda run: run.metric("auc", None), "value"),
        (lambda run: run.metric("auc", pd.Series([1.0, 2.0])), "value"),
        (lambda run: run.metric("", 0.5), "name"),
        (lambda run: run.metric(3, 0.5), "name"),
        (lambda run: run.metric("auc", 0.5, step="last"), "step"),
        (lambda run: run.metric("auc", 0.5, step=1.5), "step"),
        (lambda run: run.metric("auc", 0.5, step=-1), "step"),
        (lambda run: run.metric("auc", 0.5, dataset=7), "dataset"),
        (lambda run: run.parameter(None, 1), "name"),
        (lambda run: run.parameters({"": 1}), "name"),
        (lambda run: run.tag(5), "key"),
        (lambda run: run.read("a.csv", type=5), "type"),
        (lambda run: run.write("a.csv", type=""), "type"),
        (lambda run: headwater.run("job", parameters={1: 2}), "parameters"),
        (lambda run: headwater.run("job", parameters=["a"]), "parameters"),
        (lambda run: headwater.init(parameters=3), "parameters"),
        (lambda run: run.parameters("ab"), "parameters"),
        (lambda run: headwater.step("clean"), "step"),
        (lambda run: headwater.step(name=3), "name"),
        (lambda run: headwater.step(operation=["ETL"]), "operation"),
        (lambda run: headwater.run("job", namespace=1), "namespace"),
    ],
)
def test_a_wrong_value_is_told_at_once(in_process, monkeypatch, call, field):
    """What is handed over explicitly and cannot be kept is an error with field and rule, whether or not faults of
    capture are swallowed; nothing of it is recorded."""
    run, _ = in_process(integrations=["files"])  # what others hook does not matter here, and takes long
    before = len(run.recorder.items)
    monkeypatch.setattr(GUARD, "strict", False)
    with pytest.raises(InvalidInput, match=f"^{field}: must be ") as caught:
        call(run)
    assert (caught.value.field, len(run.recorder.items)) == (field, before)


def test_a_wrong_setting_ends_nothing(in_process):
    """``init`` with a setting that does not exist leaves the run that is open recording."""
    run, sent = in_process(integrations=["files"])
    with pytest.raises(ConfigError, match="nmespace"):
        headwater.init(nmespace="x")
    current = headwater.current_run()
    assert current is not None
    assert current.id == run.id
    headwater.write("out.csv")
    headwater.shutdown()
    assert [output["name"].rpartition("/")[2] for output in sent()[-1]["outputs"]] == ["out.csv"]


def test_a_number_of_any_library_is_a_metric(in_process):
    """One number is one number, whoever made it; its step may be numpy's."""
    run, sent = in_process()
    for value in (np.float32(0.5), np.array(0.5), pd.Series([0.5]).iloc[0], True, 1):
        run.metric("auc", value, step=np.int64(3))
    headwater.shutdown()
    told = facet(sent(), "headwater_metrics")["metrics"]
    assert [(one["value"], one["step"]) for one in told] == [(0.5, 3), (0.5, 3), (0.5, 3), (1.0, 3), (1.0, 3)]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("a\udc80", "a\\udc80"),
        (np.array({1: "x"}, dtype=object), {"1": "x"}),
        (np.complex128(1 + 2j), "(1+2j)"),
        (2**100, 2**100),
    ],
)
def test_no_parameter_costs_the_run_its_lineage(in_process, value, told):
    """Whatever is given as a parameter, the last event of the run is sent with all that it holds."""
    _, events = in_process()
    with headwater.run("job") as run:
        run.parameter("value", value)
        run.write("s3://lake/\udcff.parquet")
    last = by_job(events(), "job")[-1]
    assert last["run"]["facets"]["headwater_parameters"]["parameters"] == {"value": told}
    assert names(last["outputs"]) == {"\\udcff.parquet"}
    assert not GUARD.failures


def test_write_takes_nothing_that_it_does_not_keep(in_process, tmp_path):
    """A keyword of ``write`` that would be told to nobody, as how the data was written, is refused as Python does."""
    for write in (headwater.write, headwater.init().write):
        with pytest.raises(TypeError, match="mode"):
            write(tmp_path / "out.csv", mode="append")


def test_init_again_is_the_same_run_and_other_settings_begin_anew(in_process):
    """``init()`` twice does not end what runs; with other settings it does."""
    first, _ = in_process()
    assert headwater.init().id == first.id
    second = headwater.init("other", transport="discard", namespace="elsewhere")
    assert second.id != first.id
    assert second.namespace == "elsewhere"


def test_shutdown_takes_every_hook_away(in_process):
    """After ``shutdown`` the hooked libraries and ``os`` are as they were."""
    import os
    import random

    before = (random.seed, os._exit, os.execv, pd.DataFrame.merge, open)
    in_process()
    assert random.seed is not before[0]
    headwater.shutdown()
    assert (random.seed, os._exit, os.execv, pd.DataFrame.merge, open) == before


def test_lineage_answers_from_the_embedded_store(tmp_path, monkeypatch):
    """What was recorded can be asked at once."""
    monkeypatch.chdir(tmp_path)
    headwater.init("job", namespace="tests")
    try:
        with headwater.run("load") as run:
            run.read("s3://lake/raw.csv")
            run.write("s3://lake/clean.csv")
        lineage = headwater.lineage()
        names = {node.name for node in lineage.upstream("clean.csv").nodes}
        assert any("raw.csv" in name for name in names)
    finally:
        headwater.shutdown()


def test_what_a_run_names_is_told_whether_it_is_on_this_disk_or_not(tmp_path, monkeypatch):
    """A model that a service saves on its own disk, as in the README: the program says so, and need not have the file.
    It is none of the files that libraries make and remove."""
    monkeypatch.chdir(tmp_path)
    headwater.init("job", namespace="tests")
    try:
        with headwater.run("train", operation="MODEL_TRAINING") as run:
            run.read("data/users.parquet")
            run.write("models/churn.pkl", type="MODEL")
        graph = headwater.lineage().upstream("model:churn")
        assert sorted(node.name.rpartition("/")[2] for node in graph.datasets()) == ["churn.pkl", "users.parquet"]
    finally:
        headwater.shutdown()


def test_the_store_of_a_handle_is_closed_when_nobody_has_it(tmp_path):
    """``hw.lineage()`` needs no closing: its file is held while the handle or its store is, and no longer."""
    SQLiteStore.open(tmp_path / "lineage").close()
    lineage = headwater.lineage(store=tmp_path / "lineage")
    connection, store = lineage.store._connection, lineage.store
    del lineage
    gc.collect()
    assert store.statistics().events == 0
    store.itself = store  # as what is in a cycle is found later, by the collector
    del store
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("select 1")


@pytest.mark.parametrize("code", ["hw.lineage().runs()", "lineage = hw.lineage(); lineage.runs()"])
def test_a_handle_leaves_nothing_open(code, tmp_path):
    """A program that asks and ends has nothing to be warned of, however strictly Python is told to look."""
    SQLiteStore.open(tmp_path / ".headwater").close()
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", f"import headwater as hw; {code}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_store_that_is_not_there_is_not_made_by_asking(tmp_path, monkeypatch):
    """A folder that does not exist, named or the project's, is an error that names it, and is not made."""
    with pytest.raises(NoLineage, match="no lineage yet: there is no store at"):
        headwater.lineage(store=tmp_path / "lineag")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoLineage, match="no lineage yet: there is no store at") as caught:
        headwater.lineage()
    assert "headwater run" in caught.value.hint
    headwater.init("sends", transport="discard")
    try:
        with pytest.raises(NoLineage):
            headwater.lineage()
    finally:
        headwater.shutdown()
    assert not list(tmp_path.rglob("*.db"))


def test_a_run_that_is_open_makes_the_store_that_is_asked(tmp_path, monkeypatch):
    """Asked before anything could be stored, the store of the open run is there, and holds what comes."""
    monkeypatch.chdir(tmp_path)
    headwater.init("job", namespace="tests")
    try:
        monkeypatch.setattr(embedded, "settle", lambda folder: None)
        with monkeypatch.context() as late:
            late.setattr(api, "flush", lambda: False)
            lineage = headwater.lineage()
        headwater.write("s3://lake/raw.csv")
        headwater.flush()
        assert lineage.upstream("raw.csv").nodes
        lineage.store.close()
    finally:
        headwater.shutdown()


def test_an_argument_without_a_name_is_no_parameter():
    """What a script was called with may be anything: only what has a name is a parameter, and none is an error."""
    found = argument_parameters(["--=x", "=y", "--lr=0.1", "-", "--", "--deep"])
    assert found == {"lr": 0.1, "deep": True}
    Run(None, recording.Recorder("", "", "job"), None).parameters(found)
