"""Arrays of other kinds: classes that are told which function of numpy was called find it among those they know."""

from __future__ import annotations

import json

import pytest

CLASS = """
import numpy as np, inspect, pickle

KNOWN = {}

def implements(function):
    return lambda own: KNOWN.setdefault(function, own)

class Diagonal:
    def __init__(self, size, value):
        self.size, self.value = size, value
    def __array_function__(self, function, types, args, kwargs):
        return KNOWN[function](*args, **kwargs) if function in KNOWN else NotImplemented

for name in ("mean", "median", "concatenate", "where", "stack", "vstack", "hstack", "clip", "unique", "save", "sum"):
    implements(getattr(np, name))(lambda *args, name=name, **kwargs: f"own {name}")
"""
USE = """
one = Diagonal(5, 1)
print(np.mean(one), np.median(one), np.clip(one, 0, 1), np.unique(one), np.save("x", one), np.sum(one))
print(np.concatenate([one, one]), np.where(one, 1, 2), np.where(True, 1, one), np.stack([one]), np.vstack([one]))
print(np.concatenate([np.eye(2)], out=one), np.hstack([np.eye(2), one]), np.clip(np.eye(2), 0, one)[:8])
try:
    np.sort(one)
except TypeError as error:
    print(error)
print(np.mean([1.0, 2.0]), np.concatenate([[1], [2]]), np.where([True], 1, 2))
"""
IDENTITY = """
print([function is np.mean for function in KNOWN][:2], type(np.mean), str(np.mean)[:14], type(np.where))
print(inspect.signature(np.mean), inspect.signature(np.clip), np.mean.__module__, np.where.__doc__[:40])
class Method:
    average = np.mean
print(pickle.loads(pickle.dumps(np.mean)) is np.mean, np.mean.__wrapped__.__module__, hash(np.mean) == hash(np.median))
for wrong in (lambda: np.where(), lambda: np.where(1, 2, 3, 4), lambda: np.concatenate(), lambda: np.mean(b=1)):
    try:
        wrong()
    except TypeError as error:
        print(error)
"""
EARLY = "import headwater as hw; hw.init()\n"


def test_a_class_knows_the_functions_of_numpy(project):
    """The pattern of NEP 18, a table of functions, works under capture as it does without, and the functions look as
    they do without."""
    project.write("script.py", CLASS + USE + IDENTITY)
    plain = project.plain("script.py")
    assert project.captured("script.py") == plain
    assert "own mean own median" in plain.out and "True" in plain.out


@pytest.mark.parametrize("begins", ["before numpy", "before the class", "after the class"])
def test_a_class_knows_them_whenever_capture_begins_and_ends(project, begins: str):
    """What the class has learned before capture began, during it, and before it ended stays known: also when it begins
    again."""
    first = {"before numpy": 0, "before the class": 1, "after the class": 2}[begins]
    parts = ["import numpy as np", CLASS, USE]
    parts.insert(first, EARLY)
    script = "\n".join([*parts, "hw.shutdown()", USE, "hw.init()", USE])
    project.write("script.py", script)
    project.write("plain.py", CLASS + USE + USE + USE)
    ended = project.python("import runpy; runpy.run_path('script.py', run_name='__main__')")
    assert (ended.out, ended.code) == (project.plain("plain.py").out, 0), ended.err


def test_arrays_are_followed_where_numpy_is_imported_under_capture(project):
    """In a program of its own, columns go through functions that dispatch."""
    project.write("in.csv", "a,b\n1,2\n3,4\n5,6\n")
    project.write(
        "script.py",
        "import numpy as np, pandas as pd\n"
        "frame = pd.read_csv('in.csv')\n"
        "beside = np.column_stack([frame['a'].to_numpy(), frame['b'].to_numpy()])\n"
        "pd.DataFrame(np.vstack([beside, beside]), columns=['x', 'y']).to_csv('out.csv', index=False)\n",
    )
    assert project.captured("script.py").code == 0
    (job,) = [event["job"] for event in project.events if "lineage" in event["job"].get("facets", {})][-1:]
    entry = next(one for one in job["facets"]["lineage"]["entries"] if one["name"].endswith("out.csv"))
    fields = {name: {one["field"] for one in body["inputs"]} for name, body in entry["fields"].items()}
    assert fields == {"x": {"a"}, "y": {"b"}}


OFF = """
import headwater as hw; hw.init()
import numpy as np, pandas as pd
hw.shutdown()
hw.init(without_integrations=[WITHOUT])
values = pd.read_csv("in.csv").to_numpy()
pd.DataFrame(np.concatenate([values, values]), columns=["x", "y"]).to_csv("out.csv")
"""


@pytest.mark.parametrize("without", ["numpy", "polars"])
def test_what_stays_in_numpy_is_without_effect_where_the_integration_is_off(project, without):
    """In a run without numpy the functions that were put there for good tell nothing; in one with it they do."""
    project.write("in.csv", "a,b\n1,2\n")
    project.write("script.py", OFF.replace("WITHOUT", repr(without)))
    ended = project.python("import runpy; runpy.run_path('script.py', run_name='__main__')")
    assert (ended.code, ended.err) == (0, "")
    told = json.dumps([event["run"]["facets"].get("headwater_operations") for event in project.events])
    assert ("concatenate" in told) == (without != "numpy")
