"""What child processes read counts for the run that started them: it may be in what they hand back."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from headwater.capture.child_reads import ChildReads, remove_unheard
from headwater.capture.values import DatasetRef

POOLS = {
    "Pool, fork": "multiprocessing.get_context('fork').Pool(2)",
    "Pool, spawn": "multiprocessing.get_context('spawn').Pool(2)",
    "executor, fork": "concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context('fork'))",
    "executor, spawn": "concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context('spawn'))",
}
ONE, TWO = DatasetRef("file", "/data/one.csv"), DatasetRef("postgres://db:5432", "shop.public.two", "TABLE")


@pytest.mark.parametrize("pool", POOLS)
def test_what_a_pool_returns_comes_from_what_its_workers_read(project, pool):
    """Rows that workers loaded, put together and written by the parent, come from the files that the workers read, as a
    guess. What the parent itself makes of another file does not."""
    project.write(
        "s.py",
        f"""
import concurrent.futures, multiprocessing
import pandas as pd
def load(name):
    return pd.read_csv(name)
if __name__ == "__main__":
    with {POOLS[pool]} as pool:
        frames = list(pool.map(load, ["a.csv", "b.csv"]))
    pd.concat(frames).to_csv("all.csv", index=False)
    pd.read_csv("c.csv").assign(w=1).to_csv("own.csv", index=False)
""",
    )
    for name in "abc":
        (project.folder / f"{name}.csv").write_text("k,v\n1,2\n3,4\n")
    assert project.captured("s.py").code == 0
    last = next(e for e in reversed(project.events) if e["job"]["name"] == "s.py" and e["eventType"] == "COMPLETE")
    fed = {
        Path(entry["name"]).name: {Path(item["name"]).name for item in entry["inputs"]}
        for entry in last["job"]["facets"]["lineage"]["entries"]
    }
    assert fed["all.csv"] == {"a.csv", "b.csv"}
    assert fed["own.csv"] == {"c.csv"}
    assert {Path(item["name"]).name for item in last["inputs"]} == {"a.csv", "b.csv", "c.csv"}
    assert not list((project.folder / ".headwater").rglob("*.reads"))


def test_a_parent_hears_what_was_read_by_an_instant(tmp_path):
    """Each dataset is heard once, in the order of time, and never one that was read after the instant."""
    child, parent = (ChildReads(tmp_path / "spool", "run", str) for _ in range(2))
    parent.listen()
    assert parent.until(time.time_ns()) == []
    child.tell([ONE])
    between = time.time_ns()
    child.tell([TWO])
    parent.listen()
    assert [told.ref for told in parent.until(between)] == [ONE]
    assert [told.ref for told in parent.until(time.time_ns())] == [TWO]
    parent.listen()
    assert parent.until(time.time_ns()) == []
    parent.end()
    assert not list(tmp_path.rglob("*.reads"))


def test_an_incomplete_line_is_left_until_it_is_complete(tmp_path):
    """A child that is writing, or was killed while it did, loses nothing of the others."""
    child, parent = (ChildReads(tmp_path, "run", str) for _ in range(2))
    child.tell([ONE, TWO])
    (path,) = tmp_path.glob("*.reads")
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    parent.listen()
    assert [told.ref for told in parent.until(time.time_ns())] == [ONE]
    path.write_bytes(whole + b"not a line\n")
    parent.listen()
    assert [told.ref for told in parent.until(time.time_ns())] == [TWO]


def test_secrets_in_names_do_not_reach_the_disk(tmp_path):
    """Names are cleaned before they are written, as those in events are."""
    child = ChildReads(tmp_path, "run", lambda text: text.replace("hunter2", "[redacted]"))
    child.tell([DatasetRef("file", "/data/password=hunter2/one.csv")])
    (path,) = tmp_path.glob("*.reads")
    assert b"hunter2" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_nobody_heard_is_removed_in_the_end(tmp_path):
    """What was told to a run that was killed, or had ended, goes with the first drain a week later."""
    for run in ("old", "new"):
        ChildReads(tmp_path, run, str).tell([ONE])
    past_s = time.time() - 8 * 24 * 3600
    os.utime(tmp_path / "old.reads", (past_s, past_s))
    remove_unheard(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["new.reads"]
