"""Worker processes of joblib: what they read and write is seen, and they work, start and end as without Headwater."""

from __future__ import annotations

from pathlib import Path

import cloudpickle
import joblib
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.parallel import delayed as sklearn_delayed

from headwater.capture import loky_workers
from headwater.capture.pickled_by_value import pickle_originals
from headwater.capture.wrapper_frames import observe_users

OWN = """
import sys
import numpy as np, pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
class Prices(BaseEstimator, TransformerMixin):
    def fit(self, X, y=None):
        self.prices_ = pd.read_csv("prices.csv").set_index("k")["v"]
        return self
    def transform(self, X):
        return np.c_[X.to_numpy(), X["a"].map(self.prices_).fillna(0).to_numpy()]
class Own(LogisticRegression):
    def fit(self, X, y):
        return super().fit(X, y)
    def predict(self, X):
        return super().predict(X)
if __name__ == "__main__":
    frame = pd.read_csv("train.csv")
    X, y = frame[["a", "b"]], frame["y"]
    n = int(sys.argv[1])
    made = cross_val_predict(make_pipeline(Prices(), Own()), X, y, n_jobs=n)
    print(made.tolist())
    search = GridSearchCV(make_pipeline(Prices(), Own()), {"own__C": [0.1, 1]}, n_jobs=n, cv=2).fit(X, y)
    print(search.best_params_)
"""


@pytest.fixture
def tables(project):
    """A project with small tables."""
    for name in ("a", "b", "c", "prices"):
        (project.folder / f"{name}.csv").write_text("k,v\n1,2\n3,4\n")
    rows = "".join(f"{n % 5},{n * 7 % 11},{n % 2}\n" for n in range(24))
    (project.folder / "train.csv").write_text("a,b,y\n" + rows)
    return project


def _last(project, job="s.py"):
    return next(e for e in reversed(project.events) if e["job"]["name"] == job and e["eventType"] == "COMPLETE")


def _names(datasets):
    return {Path(dataset["name"]).name for dataset in datasets}


def _fed(event):
    entries = event["job"]["facets"].get("lineage", {}).get("entries", [])
    return {Path(entry["name"]).name: _names(entry["inputs"]) for entry in entries}


@pytest.mark.parametrize("jobs", [1, 2])
def test_classes_of_the_script_go_to_workers(tables, jobs):
    """Estimators of the main script, whose code joblib writes out for its workers, go there without our wrappers: the
    output is that of python. What their methods read counts as read by the run, in whichever process they run."""
    tables.write("s.py", OWN)
    plain, captured = tables.plain("s.py", str(jobs)), tables.captured("s.py", str(jobs))
    assert captured == plain
    assert captured.code == 0
    assert _names(_last(tables)["inputs"]) >= {"train.csv", "prices.csv"}


@pytest.mark.parametrize("options", ["n_jobs=2", "n_jobs=2, backend='multiprocessing'"])
def test_what_workers_of_joblib_read_and_write_is_seen(tables, options):
    """A worker tells what it wrote in a run of its own, a child of the run that asked. What is made of the results
    comes from what the workers read, as a guess; what the parent makes of another file does not."""
    tables.write(
        "s.py",
        f"""
import pandas as pd
from joblib import Parallel, delayed
def load(name):
    frame = pd.read_csv(name)
    frame.assign(w=frame.v * 2).to_csv("w_" + name, index=False)
    return frame
if __name__ == "__main__":
    frames = Parallel({options})(delayed(load)(name) for name in ["a.csv", "b.csv"])
    pd.concat(frames).to_csv("all.csv", index=False)
    pd.read_csv("c.csv").assign(w=1).to_csv("own.csv", index=False)
    print(len(frames))
""",
    )
    assert tables.captured("s.py") == tables.plain("s.py")
    last = _last(tables)
    assert _fed(last) == {"all.csv": {"a.csv", "b.csv"}, "own.csv": {"c.csv"}}
    assert _names(last["inputs"]) == {"a.csv", "b.csv", "c.csv"}
    children = [event for event in tables.events if event["job"]["name"] == "s.py.child"]
    fed = {}
    for event in children:
        fed |= _fed(event)
        assert (
            event["run"]["facets"].get("parent", {}).get("run", {}).get("runId", last["run"]["runId"])
            == (last["run"]["runId"])
        )
    assert fed == {"w_a.csv": {"a.csv"}, "w_b.csv": {"b.csv"}}
    ended = {event["run"]["runId"] for event in children if event["eventType"] == "COMPLETE"}
    assert ended == {event["run"]["runId"] for event in children}


def test_a_librarys_function_in_a_worker_reads(tables):
    """A task that is a function of a library is one call, of which its files are seen."""
    tables.write(
        "s.py",
        """
import pandas as pd
from joblib import Parallel, delayed
frames = Parallel(n_jobs=2)(delayed(pd.read_csv)(name) for name in ["a.csv", "b.csv"])
pd.concat(frames).to_csv("all.csv", index=False)
""",
    )
    assert tables.captured("s.py").code == 0
    assert _fed(_last(tables)) == {"all.csv": {"a.csv", "b.csv"}}


def test_workers_outlive_the_run_that_first_needed_them(tables):
    """Workers are children of the run of the process, also if a run within it started them: that one says that it has
    not seen what they did."""
    tables.write(
        "s.py",
        """
import headwater as hw
import pandas as pd
from joblib import Parallel, delayed
def load(name):
    return pd.read_csv(name)
with hw.run("within"):
    pd.concat(Parallel(n_jobs=2)(delayed(load)(name) for name in ["c.csv"])).to_csv("within.csv", index=False)
pd.concat(Parallel(n_jobs=2)(delayed(load)(name) for name in ["a.csv", "b.csv"])).to_csv("all.csv", index=False)
""",
    )
    assert tables.captured("s.py").code == 0
    assert _fed(_last(tables))["all.csv"] >= {"a.csv", "b.csv"}
    assert "joblib.Parallel" in str(tables.facet("headwater_outcome", "within")["unresolved"])


def test_a_worker_that_is_killed_has_ended_with_its_pool(tables):
    """joblib kills its workers where a task fails: they say nothing about that, nor is their run a failure."""
    tables.write(
        "s.py",
        """
import time
import pandas as pd
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
def load(name):
    pd.read_csv(name)
    time.sleep(0.2)
Parallel(n_jobs=2)(delayed(load)(name) for name in ["a.csv", "b.csv"])
get_reusable_executor().shutdown(kill_workers=True)
print("done")
""",
    )
    assert tables.captured("s.py") == tables.plain("s.py")
    states = {event["eventType"] for event in tables.events if event["job"]["name"] == "s.py.child"}
    assert "ABORT" not in states
    assert "FAIL" not in states


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the system shows no memory of processes")
def test_workers_that_fit_for_scikit_learn_start_as_without(tables):
    """A search among classes of scikit-learn starts no capture in its workers, which would take time; the first task of
    the user's own does."""
    tables.write(
        "s.py",
        """
from pathlib import Path
import pandas as pd
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
def loaded():
    # whether each worker has a library that only capture needs here
    pids = [pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()]
    workers = [pid for pid in pids if "popen_loky" in Path(f"/proc/{pid}/cmdline").read_text()]
    return ["msgspec" in Path(f"/proc/{pid}/maps").read_text() for pid in workers]
def work(n):
    return open("a.csv").read()
frame = pd.read_csv("train.csv")
GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, n_jobs=2, cv=2).fit(frame[["a", "b"]], frame["y"])
print(loaded())
Parallel(n_jobs=2)(delayed(work)(n) for n in range(20))
print(any(loaded()))
""",
    )
    assert tables.captured("s.py").out == "[False, False]\nTrue\n"
    assert any(event["job"]["name"] == "s.py.child" for event in tables.events)


def _mine(values):
    return values


@pytest.mark.parametrize(
    ("model", "is_silent"),
    [
        (LogisticRegression(), True),
        (make_pipeline(StandardScaler(), LogisticRegression()), True),
        (make_pipeline(FunctionTransformer(_mine), LogisticRegression()), False),
        (GridSearchCV(LogisticRegression(), {"C": [1]}, scoring=make_scorer(_mine)), False),
        (type("Mine", (LogisticRegression,), {"__module__": "mine"})(), False),
    ],
)
def test_what_a_worker_takes_for_scikit_learns_own(model, is_silent):
    """Only scikit-learn's functions with scikit-learn's objects and data."""
    task = sklearn_delayed(cross_val)(model, [1, 2], {"cv": 2})
    library = sklearn_delayed(joblib.hash)(model)
    theirs = sklearn_delayed(StandardScaler.fit)(model, [1, 2], {"cv": 2})
    batch = joblib.parallel.BatchedCalls
    assert loky_workers._is_silent(batch([theirs], (None, None))) is is_silent
    for other in (task, library):
        assert not loky_workers._is_silent(batch([theirs, other], (None, None)))
    assert not loky_workers._is_silent(print)


def cross_val(*arguments):
    """A function of the user."""


def test_wrappers_are_pickled_as_what_they_wrap():
    """cloudpickle writes out the code of a method of the main script: what was hooked goes as the user wrote it."""

    def mine(values):
        return values

    mine.__module__ = "__main__"
    wrapper = observe_users(mine, lambda *_: None, "mine")
    undo = pickle_originals()
    try:
        copy = cloudpickle.loads(cloudpickle.dumps(wrapper))
        assert cloudpickle.loads(cloudpickle.dumps(joblib.dump)) is joblib.dump
    finally:
        undo()
    assert copy.__code__.co_filename == __file__
    assert copy([1]) == [1]


def test_dill_pickles_what_is_wrapped():
    """dill, which other packages for processes use, does the same; functions that can be imported stay names."""
    dill = pytest.importorskip("dill", reason="dill is not installed")
    space = {"__name__": "__main__"}
    exec(compile("def mine():\n    return 1\n", "mine.py", "exec"), space)
    wrapper = observe_users(space["mine"], lambda *_: None, "mine")
    undo = pickle_originals()
    try:
        assert dill.loads(dill.dumps(wrapper)).__code__.co_filename == "mine.py"
        assert dill.loads(dill.dumps(joblib.dump)) is joblib.dump
    finally:
        undo()
