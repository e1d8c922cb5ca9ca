"""Ends, kills and broken destinations: the script is unharmed, and what was captured is kept."""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from file_rights import NO_RIGHTS, needs_rights
from headwater.capture.spool import read_segment

SEEDS = "import random, sys, os, time\nrandom.seed(3)\n"
WORKS = SEEDS + "open('out.txt', 'w').write('x')\nprint('done')\n"


@pytest.fixture
def embedded(project):
    """A project whose events go to its own store."""
    project.environment = {}
    return project


def run_states(folder: Path) -> dict[str, list[str]]:
    """States of the runs in the embedded store, by job; what is in the spool is delivered first."""
    from headwater.embedded import open_store, settle

    settle(folder / ".headwater")
    with open_store(folder / ".headwater") as store:
        found: dict[str, list[str]] = {}
        for run in store.runs():
            found.setdefault(store.nodes([run.job_id])[0].name, []).append(run.state.value)
        return found


def spooled(folder: Path) -> int:
    """Events that wait in the spool."""
    return sum(len(read_segment(path.read_bytes()).events) for path in folder.rglob("*.segment"))


@pytest.mark.parametrize(
    ("end", "state", "code"),
    [
        ("", "COMPLETE", 0),
        ("sys.exit(0)", "COMPLETE", 0),
        ("sys.exit(3)", "FAIL", 3),
        ("sys.exit('no')", "FAIL", 1),
        ("raise ValueError('no')", "FAIL", 1),
        ("os.kill(os.getpid(), 2); time.sleep(9)", "ABORT", 130),
    ],
)
def test_the_end_of_the_script_is_the_end_of_the_run(project, end, state, code):
    """State, exit code, and what was recorded before."""
    project.write("s.py", SEEDS + end)
    project.captured("s.py")
    assert project.states()[-1] == state
    assert project.facet("headwater_outcome")["exit_code"] == code
    assert project.facet("headwater_seeds")["seeds"][0]["value"] == 3


def test_a_failure_says_why_without_our_frames(project):
    """The error facet has type, message and the script's own stack."""
    project.write("s.py", "def f():\n    raise ValueError('no such thing')\nf()\n")
    project.captured("s.py")
    error = project.facet("errorMessage")
    assert error["message"] == "ValueError: no such thing"
    assert "s.py" in error["stackTrace"]
    assert "headwater" not in error["stackTrace"]


@pytest.mark.parametrize(("code", "state"), [(0, "COMPLETED"), (4, "FAILED")])
def test_os_exit_keeps_everything(embedded, code, state):
    """``os._exit`` runs no handler; what was recorded, and how it ended, is on disk all the same."""
    embedded.write("s.py", SEEDS + f"os._exit({code})")
    assert embedded.captured("s.py").code == code
    assert run_states(embedded.folder) == {"s.py": [state]}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_is_closed_by_the_next_command(project, number):
    """After ``kill -9`` the run is ABORT, and what was seen until about a second before is kept."""
    project.write("s.py", SEEDS + f"open('in.txt', 'w').write('x')\ntime.sleep(2)\nos.kill(os.getpid(), {int(number)})")
    project.write("next.py", "print(1)")
    assert project.captured("s.py").code == -number
    assert project.states("s.py")[0] == "START"
    project.captured("next.py")
    assert project.states("s.py")[-1] == "ABORT"
    closing = [e for e in project.events if e["job"]["name"] == "s.py"][-1]
    assert closing["run"]["facets"]["headwater_outcome"]["ended_by"] == "process vanished"
    start = project.events[0]
    assert closing["eventTime"] > start["eventTime"]  # when it was last known to live, not when it began


@pytest.mark.parametrize(
    ("call", "ended_by"),
    [
        ("os.execve(path=sys.executable, argv=[sys.executable, '-c', '1'], env=dict(os.environ))", "replaced by"),
        ("os.execve(os.open(sys.executable, os.O_RDONLY), [sys.executable, '-c', '1'], dict(os.environ))", "replaced"),
        ("os.execv(path, [path])", "process vanished"),
        ("os.execvp('no-such-program', ['x'])", "process vanished"),
    ],
)
def test_a_run_that_another_program_takes_over_has_not_failed(project, call, ended_by):
    """However the other program is named. If it could not be started, the run goes on, and ends as it ends."""
    project.write(
        "s.py",
        SEEDS
        + f"""
path = "/no/such/program"
try:
    {call}
except FileNotFoundError:
    os.kill(os.getpid(), 9)
""",
    )
    project.write("next.py", "print(1)")
    assert project.captured("s.py").err == ""
    project.captured("next.py")
    assert project.states("s.py")[-1] == ("COMPLETE" if ended_by.startswith("replaced") else "ABORT")
    assert project.facet("headwater_outcome", "s.py")["ended_by"].startswith(ended_by)
    assert project.facet("headwater_seeds", "s.py")["seeds"][0]["value"] == 3


def test_forked_children_are_runs_of_their_own(project):
    """A child that records something has a run whose parent is the script's; one that does not has none."""
    project.write(
        "s.py",
        SEEDS
        + """
for seed in (None, 7):
    pid = os.fork()
    if pid == 0:
        if seed: random.seed(seed)
        os._exit(5)
    os.waitpid(pid, 0)
""",
    )
    project.captured("s.py")
    children = [e for e in project.events if e["job"]["name"] == "s.py.child"]
    assert len({e["run"]["runId"] for e in children}) == 1
    assert children[-1]["eventType"] == "FAIL"
    root = next(e["run"]["runId"] for e in project.events if e["job"]["name"] == "s.py")
    assert children[-1]["run"]["facets"]["parent"]["run"]["runId"] == root
    assert project.facet("headwater_seeds", "s.py.child")["seeds"][0]["value"] == 7


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_pool_that_is_terminated_loses_nothing(project, method):
    """What workers recorded before they handed back a result is kept, though their pool ends them by a signal."""
    project.write(
        "s.py",
        f"""
import multiprocessing as mp, time
def work(n):
    text = open("in.txt").read()
    open(f"part{{n}}.txt", "w").write(text)
    time.sleep(0.7)  # the worker's thread tells of the file meanwhile, and not yet what feeds it
    return n
if __name__ == "__main__":
    with mp.get_context({method!r}).Pool(2) as pool:
        print(sorted(pool.map(work, range(6), chunksize=1)))
""",
    )
    (project.folder / "in.txt").write_text("x")
    assert project.captured("s.py").out == "[0, 1, 2, 3, 4, 5]\n"
    events = [event for event in project.events if event["job"]["name"] == "s.py.child"]
    written = {output["name"].rpartition("/")[2] for event in events for output in event["outputs"]}
    assert written == {f"part{n}.txt" for n in range(6)}
    ended = {event["run"]["runId"] for event in events if event["eventType"] == "COMPLETE"}
    assert ended == {event["run"]["runId"] for event in events}  # in whatever order they arrived
    entries = [entry for event in events for entry in event["job"]["facets"].get("lineage", {}).get("entries", [])]
    fed = {entry["name"].rpartition("/")[2]: [one["name"] for one in entry["inputs"]] for entry in entries}
    assert set(fed) == written
    assert all(sources and all(Path(one).name == "in.txt" for one in sources) for sources in fed.values())


@pytest.mark.parametrize("pool", ["concurrent.futures.ProcessPoolExecutor(2, context)", "context.Pool(2)"])
def test_a_run_that_failed_in_a_worker_process_has_failed(embedded, pool):
    """A run that ended before its process did keeps its own end, whether the process is told to end or is killed."""
    embedded.write(
        "s.py",
        f"""
import concurrent.futures, contextlib, multiprocessing, headwater
def work(n):
    with contextlib.suppress(ValueError), headwater.run(f"part {{n}}"):
        open(f"{{n}}.txt", "w").write("x")
        if n:
            raise ValueError("no")
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    with {pool} as pool:
        list(pool.map(work, range(2)))
""",
    )
    embedded.captured("s.py")
    states = run_states(embedded.folder)
    assert (states["part 0"], states["part 1"]) == (["COMPLETED"], ["FAILED"])


def test_threads_are_captured(project):
    """What a thread records, even after the main thread ended, belongs to the run."""
    project.write(
        "s.py",
        "import threading, time, random\nthreading.Thread(target=lambda: (time.sleep(.3), random.seed(9))).start()\n",
    )
    project.captured("s.py")
    assert project.facet("headwater_seeds")["seeds"][0]["value"] == 9


def test_a_locked_store_is_waited_for_a_little_then_spooled(embedded):
    """Another process holds the store: the script is unharmed, one line says where the events are, none is lost; and
    who asks meanwhile is told that the answer lacks them."""
    embedded.write("s.py", WORKS)
    embedded.captured("s.py")
    lock = sqlite3.connect(next((embedded.folder / ".headwater").glob("*.db")), isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    ended = embedded.captured("s.py")
    command = [sys.executable, "-m", "headwater", "runs", "--json"]
    asked = subprocess.run(command, check=False, cwd=embedded.folder, capture_output=True, text=True)
    lock.execute("ROLLBACK")
    lock.close()
    assert (ended.code, ended.out) == (0, "done\n")
    assert (asked.returncode, len(json.loads(asked.stdout))) == (0, 1)
    assert asked.stderr.startswith("note: lineage of the latest runs waits in")
    assert ended.err.startswith("headwater: lineage is kept in")
    assert ended.err.count("\n") == 1
    assert spooled(embedded.folder) >= 2
    assert time.monotonic() - started < 30
    assert run_states(embedded.folder) == {"s.py": ["COMPLETED", "COMPLETED"]}
    assert spooled(embedded.folder) == 0


def test_a_corrupt_store_is_told_and_spooled(embedded):
    """A damaged file is recognised: the script is unharmed, the line names the remedy, the events are in the spool."""
    embedded.write("s.py", WORKS)
    embedded.captured("s.py")
    file = next((embedded.folder / ".headwater").glob("*.db"))
    with file.open("r+b") as stream:
        stream.seek(100)
        stream.write(b"\xff" * 30_000)
    ended = embedded.captured("s.py")
    assert (ended.code, ended.out) == (0, "done\n")
    assert "headwater store repair" in ended.err
    assert spooled(embedded.folder) >= 2


def test_a_full_disk_hurts_nobody(embedded):
    """No file may grow beyond a few kilobytes, as on a full disk: same output, and one line that says so."""
    embedded.write("s.py", WORKS)
    limit = 12 * 1024

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    ended = embedded.captured("s.py", preexec_fn=small_files)
    assert (ended.code, ended.out) == (0, "done\n")
    assert ended.err.startswith("headwater: ")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(("end", "state", "code"), [("", "COMPLETED", 0), ("sys.exit(3)", "FAILED", 3)])
def test_a_run_whose_events_are_lost_ended_as_it_did(embedded, end, state, code):
    """The disk has no room for an event: they are lost, which one line says. The run has not vanished for that."""
    embedded.write("s.py", WORKS + end)

    def hardly_anything() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))

    ended = embedded.captured("s.py", preexec_fn=hardly_anything)
    assert (ended.code, ended.out) == (code, "done\n")
    assert "lineage events are lost" in ended.err
    assert run_states(embedded.folder) == {"s.py": [state]}


def test_a_store_that_cannot_be_made_hurts_nobody(embedded):
    """A file stands where the folder should be: same output, one line, exit code 0."""
    embedded.write("s.py", WORKS)
    (embedded.folder / ".headwater").write_text("in the way")
    ended = embedded.captured("s.py")
    assert (ended.code, ended.out) == (0, "done\n")
    assert "are lost" in ended.err


@needs_rights
def test_a_read_only_project_hurts_nobody(embedded):
    """Nothing can be written at all: same output, one line."""
    embedded.write("s.py", SEEDS + "print('done')")
    embedded.folder.chmod(0o500)
    try:
        ended = embedded.captured("s.py", before=NO_RIGHTS)
    finally:
        embedded.folder.chmod(0o700)
    assert (ended.code, ended.out) == (0, "done\n")
    assert "read-only" in ended.err.lower() or "permission" in ended.err.lower()


def test_quiet_says_nothing_at_all(embedded):
    """``--quiet`` keeps even that line to itself."""
    embedded.write("s.py", WORKS)
    (embedded.folder / ".headwater").write_text("in the way")
    assert embedded.captured("--quiet", "s.py").err == ""


def test_a_server_that_is_down_does_not_hold_the_script_up(project):
    """With the server down the script ends in time, and its events are in the spool."""
    project.environment = {"HEADWATER_URL": "http://127.0.0.1:9"}
    project.write("s.py", WORKS)
    ended = project.captured("s.py")
    assert (ended.code, ended.out) == (0, "done\n")
    assert "127.0.0.1" in ended.err
    assert spooled(project.folder) >= 2


def test_an_integration_that_breaks_turns_itself_off(project):
    """A library whose functions are gone is left alone: the script runs, ``-v`` says which and why."""
    project.write("duckdb.py", "__version__ = '99.0'\nx = 1\n")
    project.write("s.py", "import duckdb\nprint(duckdb.x)\n")
    ended = project.captured("s.py")
    assert (ended.code, ended.out, ended.err) == (0, "1\n", "")
    code = (
        "import headwater; headwater.init(); import duckdb\n"
        "from headwater.capture.registry import REGISTRY\n"
        "print(REGISTRY.statuses['duckdb'].state.value, '|', REGISTRY.statuses['duckdb'].reason)"
    )
    state, _, reason = project.python(code, cwd=project.folder).out.partition("|")
    assert state.strip() in ("off", "broken")
    assert "duckdb" in reason


def test_the_store_does_not_make_the_repository_dirty(embedded):
    """The store keeps itself out of version control."""
    embedded.write("s.py", WORKS)
    embedded.captured("s.py")
    assert (embedded.folder / ".headwater" / ".gitignore").read_text() == "*\n"


def test_init_from_inside_captures_the_same(project):
    """``headwater.init()`` in the script records what ``headwater run`` does, and fails the run when it raises."""
    project.write("s.py", "import headwater\nheadwater.init()\nimport random\nrandom.seed(3)\nraise ValueError('x')")
    ended = project._run([os.sys.executable, "s.py"], project.environment)
    assert ended.code == 1
    assert project.states("s.py")[-1] == "FAIL"
    assert project.facet("headwater_seeds")["seeds"][0]["value"] == 3


@pytest.mark.long
def test_random_kills_lose_nothing_that_was_delivered(embedded):
    """Killed at random moments 500 times: the store opens, every run that began is closed in the end."""
    import random

    embedded.write("s.py", "import random, time\nfor i in range(400):\n    random.seed(i); time.sleep(.005)\n")
    chance = random.Random(1)
    for _ in range(500):
        process = subprocess.Popen(
            [sys.executable, "-m", "headwater", "run", "s.py"], cwd=embedded.folder, stderr=subprocess.DEVNULL
        )
        time.sleep(chance.uniform(0.1, 1.8))
        process.kill()
        process.wait()
    states = run_states(embedded.folder)["s.py"]
    assert set(states) <= {"ABORTED", "COMPLETED"}
