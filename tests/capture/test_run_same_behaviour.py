"""``headwater run`` against a plain ``python``: the same output, the same end."""

from __future__ import annotations

import marshal
import py_compile
import re
import signal
import sys
import zipfile
from pathlib import Path

import pytest

from headwater.capture.module_shadowing import expect_clashes

SCRIPTS = {
    part.partition("\n")[0]: part.partition("\n")[2]
    for part in Path(__file__).with_name("programs.txt").read_text().split("#### ")[1:]
}
"""Small programs by name."""


@pytest.mark.parametrize("name", SCRIPTS)
def test_output_and_end_are_those_of_python(project, name):
    """Standard output, standard error and exit code of a script are the same with and without capture."""
    project.write("sibling.py", "x = 5")
    project.write("script.py", SCRIPTS[name])
    options = {"input": "typed\n"} if name == "stdin" else {}
    plain = project.plain("script.py", "--a", "b c", **options)
    captured = project.captured("script.py", "--a", "b c", **options)
    if name in ("unraisable",):
        plain, captured = (e._replace(err=_without_addresses(e.err)) for e in (plain, captured))
    assert captured == plain


CLASHES = {
    "own modules": "import json, queue, csv; print(json.mine, queue.mine, csv.mine)",
    "of C": "import select; print(select.mine)",
    "in functions": "def late():\n    import tempfile, ast\n    print(tempfile.mine, ast.mine)\nlate()",
    "a failure": "import queue\nprint(queue.mine)\nprint(queue.mine + (1 / 0))",
    "a folder": "import logging; print(logging.INFO)",
}


@pytest.mark.parametrize("name", CLASHES)
def test_a_file_that_is_called_as_a_module_is_the_programs_own(project, name):
    """What lies beside a script hides modules of the interpreter that capture has loaded long ago; its code runs when
    the program imports it, and not for us."""
    for module in ("json", "queue", "csv", "select", "tempfile", "ast", "hashlib"):
        project.write(f"beside/{module}.py", f"print('{module} is imported')\nmine = '{module}'\n")
    (project.folder / "beside" / "logging").mkdir()
    project.write("beside/script.py", CLASHES[name])
    plain = project.plain("beside/script.py")
    captured = project.captured("beside/script.py")
    assert captured == plain


@pytest.mark.parametrize("module", ["random", "types", "platform", "datetime", "zlib", "numbers", "contextlib", "hmac"])
def test_lineage_is_stored_beside_a_file_that_is_called_as_a_module(project, module):
    """Storing needs libraries that need modules: the program's file is not taken for one of them."""
    project.environment = {}
    project.write(f"beside/{module}.py", "mine = 1\n")
    project.write("beside/script.py", f"import {module}\nprint({module}.mine)\nopen('out.txt', 'w').close()\n")
    plain = project.plain("beside/script.py")
    assert project.captured("beside/script.py") == plain
    assert (plain.code, plain.out) == (0, "1\n")
    assert (project.folder / ".headwater" / "default.db").stat().st_size > 0


def test_data_that_is_called_as_a_module_is_in_nobodys_way(tmp_path):
    """``queue.csv`` beside a script is no module, so nothing has to make room for it."""
    for name in ("queue.csv", "json.txt", "random.tar.gz", "logging.py.orig"):
        (tmp_path / name).write_text("")
    assert not expect_clashes(str(tmp_path))


def test_what_is_loaded_later_of_capture_has_the_modules_that_made_room(project):
    """A script with a ``json.py`` of its own is captured all the same, by integrations that come with their library."""
    project.write("beside/json.py", "print('mine')")
    project.write(
        "beside/script.py",
        "import json, sqlite3, numpy\nwith open('in.txt') as a: text = a.read()\n"
        "with open('out.txt', 'w') as b: b.write(text)",
    )
    project.write("in.txt", "words")
    ended = project.captured("beside/script.py")
    assert (ended.code, ended.out, ended.err) == (0, "mine\n", "")
    names = {Path(one["name"]).name for event in project.events for one in event.get("outputs", ())}
    assert names == {"out.txt"}


def _without_addresses(text: str) -> str:
    return re.sub(r"0x[0-9a-f]+", "0x", text)


DOUBTFUL = {
    "reads": r"""
import re
print(re.findall("\d+", "a1"), f"\w{1}\s{'é'}", b"\q", "\400", 1if 2 else 3, r"\d")
assert ("always", "true")
print(1 is "x")
""",
    "fails": r"""
def one():
    return "\d" + 1
try:
    one()
except TypeError as first:
    raise ExceptionGroup("\w", [first, ValueError()]) from first
""",
    "frames": r"""
import headwater, numpy, pandas
@headwater.step
def clean(frame):
    return frame[frame.name.str.match("\w+")]
frame = clean(pandas.DataFrame({"name": ["a", "b"], "n": [1, 2]}))
score = numpy.array([0.25, 0.75]) if "\d" else None
frame["high"] = (score > 0.5).astype(int)
frame = frame.query("name != '\\d'")
frame.to_csv("out.csv")
print(frame)
""",
    "names": r"""
import numpy
from sklearn.model_selection import train_test_split
left, right = train_test_split(numpy.arange(8), random_state=1); mark = "\d"
print(left, right)
""",
    "imports": "import doubtful; doubtful.make()",
}
"""Programs that the compiler puts up with and warns of, from Python 3.12 on where anyone sees it."""


@pytest.mark.parametrize("filters", ["", "default", "error"])
@pytest.mark.parametrize("name", DOUBTFUL)
def test_warnings_of_the_compiler_come_once(project, monkeypatch, name, filters):
    """Source that is read again for its lineage warns and fails as often as it does with python alone."""
    if filters == "error" and name in ("frames", "names"):
        filters = "error:invalid"  # what the libraries warn of among themselves is not the subject
    monkeypatch.setenv("PYTHONWARNINGS", filters)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    project.write("doubtful.py", 'import pandas\ndef make():\n    return pandas.Series(["\\d"]).to_csv("\\d.csv")\n')
    project.write("script.py", DOUBTFUL[name])
    assert project.captured("script.py") == project.plain("script.py")
    assert project.states()[0] == "START"


@pytest.mark.parametrize("kind", ["fork", "spawn", "forkserver"])
def test_multiprocessing_works_as_without(project, kind):
    """Pools of every start method give the same results, functions and classes of the script included."""
    project.write(
        "pool.py",
        f"""
import multiprocessing as mp, random
class Item:
    def __init__(self, n): self.n = n
def work(item):
    random.seed(item.n)
    return Item(item.n * 2)
if __name__ == "__main__":
    with mp.get_context({kind!r}).Pool(2) as pool:
        print([item.n for item in pool.map(work, [Item(n) for n in range(5)])])
""",
    )
    plain, captured = project.plain("pool.py"), project.captured("pool.py")
    assert captured == plain
    assert captured.out == "[0, 2, 4, 6, 8]\n"


@pytest.mark.parametrize("arguments", ["-m pkg.mod --x 1", "-m pkg -v", "-m nope", "pkg a", "pkg.zip b"])
def test_modules_and_folders_run_as_python_runs_them(project, arguments):
    """``-m module``, ``-m package`` and a folder with ``__main__.py`` behave as with python, errors included."""
    project.write("pkg/__init__.py", "")
    project.write("pkg/mod.py", "import sys; print(sys.argv[1:], __name__, __package__, __spec__.name, sys.path[0])")
    project.write("pkg/__main__.py", "import sys; print(sys.argv[1:], __package__, __spec__.name)")
    with zipfile.ZipFile(project.folder / "pkg.zip", "w") as archive:
        archive.writestr("__main__.py", "import sys; print(sys.argv, __name__, __file__)")
    plain, captured = project.plain(*arguments.split()), project.captured(*arguments.split())
    assert captured == plain


def test_code_runs_as_python_c_does(project):
    """``-c CODE`` passes everything after it to the program."""
    code = "import sys; print(sys.argv, __name__)"
    assert project.captured("-c", code, "--name", "x") == project.plain("-c", code, "--name", "x")
    code = "def f():\n    raise ValueError('no')\nf()"
    assert project.captured("-c", code) == project.plain("-c", code)  # whose lines Python 3.13 shows


def test_a_file_in_the_working_folder_is_not_taken_for_a_module_of_ours(project):
    """``python -m headwater`` has the working folder in front of its path, the command ``headwater`` has not: no file
    there is loaded in place of a module of the standard library."""
    project.write("numbers.py", "mine = 1\n")
    project.write("script.py", "import numbers\nprint(numbers.mine)\n")
    assert project.captured("script.py") == project.plain("script.py")
    assert project.states()[0] == "START"


@pytest.mark.parametrize("end", ["", "1 / 0", "print(input())"])
def test_a_program_on_standard_input_runs_as_python_runs_it(project, monkeypatch, end):
    """``-`` is standard input, with arguments behind it; nothing of it is left for the program to read."""
    project.write("in.txt", f"import sys; print(sys.argv, __name__, __file__, sys.path[0])\n{end}\n")
    ends = []
    for start in (project.plain, project.captured):
        with (project.folder / "in.txt").open("rb") as stream:
            ends.append(start("-", "a", "-v", stdin=stream))
    assert ends[0] == ends[1]
    assert project.states("-")[0] == "START"


BYTECODE = """
import sys, csv
print(__name__, __file__, sys.argv[1:], __cached__, __spec__, type(__loader__).__name__)
with open("out.csv", "w") as file: csv.writer(file).writerow(["a"])
raise KeyError("the end")
"""


@pytest.mark.parametrize("case", ["runs", "without its name", "of another version", "no code", "absent"])
def test_a_compiled_file_runs_as_python_runs_it(project, case):
    """A ``.pyc`` given as script, known by its name or its first bytes, runs; one that cannot is refused likewise."""
    project.write("script.py", BYTECODE)
    name = "script" if case == "without its name" else "script.pyc"
    place = project.folder / name
    py_compile.compile(str(project.folder / "script.py"), str(place), dfile="script.py", doraise=True)
    if case == "of another version":
        place.write_bytes(b"\0" * 20)
    elif case == "no code":
        place.write_bytes(place.read_bytes()[:16] + marshal.dumps(5))
    elif case == "absent":
        place.unlink()
    plain = project.plain(name, "--a")
    assert project.captured(name, "--a") == plain
    assert plain.code == (2 if case == "absent" else 1)
    if case in ("runs", "without its name"):
        assert "SourcelessFileLoader" in plain.out
        names = {Path(one["name"]).name for event in project.events for one in event.get("outputs", ())}
        assert names == {"out.csv"}


def test_a_missing_script_is_told_as_python_tells_it(project):
    """The message and the exit code for a script that is not there are python's. Nothing ran, so there is no run."""
    assert project.captured("nope.py") == project.plain("nope.py")
    assert project.events == []
    assert not (project.folder / ".headwater").exists()


def test_options_before_the_script_are_ours_and_after_it_the_scripts(project):
    """``--name`` before the script names the job; after it, it is an argument of the script."""
    project.write("s.py", "import sys; print(sys.argv[1:])")
    ended = project.captured("--name", "mine", "--tag", "team=risk", "s.py", "--name", "theirs", "-v")
    assert ended.out == "['--name', 'theirs', '-v']\n"
    assert {e["job"]["name"] for e in project.events} == {"mine"}
    assert project.facet("tags")["tags"][0]["key"] == "team"


@pytest.mark.skipif(sys.platform == "win32", reason="signals as on POSIX")
def test_an_interrupted_process_dies_of_the_signal(project):
    """A shell sees that Ctrl-C ended the script, not that it exited."""
    project.write("s.py", "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(5)")
    assert project.captured("s.py").code == -signal.SIGINT


@pytest.mark.parametrize("start", [("-m", "package.tool"), ("-m", "package"), ("folder",), ("-m", "package.missing")])
def test_a_module_that_fails_shows_the_frames_of_python_m(project, start):
    """The traceback of a module or folder begins with the interpreter's own frames, as it does without capture."""
    text = "import sys\nprint(sys.argv[1:], __name__, __package__, __spec__.name)\nraise ValueError('no')\n"
    project.write("package/__init__.py", "")
    project.write("package/tool.py", text)
    project.write("package/__main__.py", text)
    project.write("folder/__main__.py", text)
    plain = project.plain(*start, "--a", "b")
    assert project.captured(*start, "--a", "b") == plain
    assert plain.code == 1
    if start[0] == "-m" and project.events:  # as the user typed it
        assert project.facet("headwater_process")["argv"] == [*start, "--a", "b"]


FAILING_IMPORTS = {
    "the import fails": ("raise ValueError('no')\n", "import pandas\n"),
    "what it imports is missing": ("import nowhere_at_all\n", "import pandas\n"),
    "it does not compile": ("def f(:\n", "import pandas\n"),
    "it cannot be decoded": ("x = '\\xe9'\n", "import pandas\n"),
    "the traceback is printed by the script": (
        "raise ValueError('no')\n",
        "import traceback\ntry:\n    import pandas\nexcept ValueError:\n    traceback.print_exc()\n",
    ),
    "inside another import": ("raise ValueError('no')\n", "import between\n"),
}
"""What a file that hides a library holds, and the script that imports it."""


@pytest.mark.parametrize("where", ["folder", "zip"])
@pytest.mark.parametrize("case", FAILING_IMPORTS)
def test_a_failing_import_shows_the_frames_that_python_shows(project, monkeypatch, case, where):
    """Where the import of a library that capture waits for fails, the traceback has no frame of the import system
    that it does not have with python alone, and none of ours."""
    text, script = FAILING_IMPORTS[case]
    data = text.encode().replace(b"\\xe9", b"\xe9")
    if where == "folder":
        (project.folder / "pandas.py").write_bytes(data)
    else:
        with zipfile.ZipFile(project.folder / "lib.zip", "w") as archive:
            archive.writestr("pandas.py", data)
        script = "import sys\nsys.path.insert(0, 'lib.zip')\n" + script
    project.write("between.py", "import pandas\n")
    project.write("script.py", script)
    assert project.captured("script.py") == project.plain("script.py")


CAUGHT = """
import logging, traceback, warnings
import pandas as pd
frame = pd.DataFrame({"a": [1]})
def broken():
    frame.merge(frame, on="nowhere")
tellers = (lambda e: traceback.print_exc(), lambda e: logging.exception("no"), traceback.print_exception)
for tell in tellers:
    try:
        broken()
    except KeyError as error:
        tell(error)
        print(traceback.format_exc(), [frame.name for frame in traceback.extract_tb(error.__traceback__)])
try:
    frame.apply(lambda column: column.merge(1))
except AttributeError:
    traceback.print_exc()
"""


def test_a_traceback_that_the_program_prints_has_no_frames_of_ours(project):
    """Errors that a script or library catches and formats look as they do with python alone."""
    project.write("script.py", CAUGHT)
    plain = project.plain("script.py")
    assert "in broken" in plain.err
    assert project.captured("script.py") == plain


FAILING_CALLS = {
    "a statement": ("duckdb", "duckdb.sql('select * from nope')"),
    "a statement on a connection": ("duckdb", "duckdb.connect().execute('select * from nope')"),
    "a connection": ("sqlite3", "sqlite3.connect('/nowhere/base.db')"),
}


@pytest.mark.parametrize("case", FAILING_CALLS)
def test_a_failing_call_that_sees_its_caller_is_shown_once(project, case):
    """duckdb and sqlite3 are called so that they find the user's frame: the traceback has the user's line once, whether
    the error ends the program or is printed by it."""
    module, call = FAILING_CALLS[case]
    pytest.importorskip(module)
    text = f"import {module}, sys, traceback\ndef ask():\n    {call}\n"
    text += "try:\n    ask()\nexcept Exception:\n    traceback.print_exc(file=sys.stdout)\nask()\n"
    project.write("ask.py", text)
    plain = project.plain("ask.py")
    assert plain.out.count("ask()") == 1
    assert project.captured("ask.py") == plain


def test_tracebacks_are_walked_as_before_when_capture_ends():
    """What was changed for it is put back."""
    import traceback

    from headwater.capture.traceback_frames import hide_ours

    before = traceback.walk_tb
    undo = hide_ours()
    assert traceback.walk_tb is not before
    undo()
    assert traceback.walk_tb is before


def test_functions_that_are_handed_to_processes_are_found_by_name(project):
    """Functions of libraries are pickled by name, also one that is a method of a hidden object, as the seed that a pool
    is given for its workers."""
    project.write(
        "script.py",
        """
import pickle, random
import multiprocessing as mp
import numpy as np, pandas as pd
def draw(n):
    return n
if __name__ == "__main__":
    for item in (np.random.seed, np.sum, pd.Series.mean, pd.concat, pd.read_csv, open):
        assert pickle.loads(pickle.dumps(item)) == item, item
    with mp.get_context("spawn").Pool(1, initializer=random.seed, initargs=(1,)) as pool:
        print(pool.map(draw, range(3)))
""",
    )
    plain, captured = project.plain("script.py"), project.captured("script.py")
    assert captured == plain
    assert captured.out == "[0, 1, 2]\n"


@pytest.mark.parametrize("first", ["", "import headwater; headwater.init()", "late"])
def test_objects_that_keep_a_function_of_a_library_are_pickled_as_without(project, first):
    """Estimators and scorers that keep a function, as a default or by choice, are pickled, hashed and printed as
    without capture, whether capture began before they were made or after."""
    program = """
import pickle
import joblib
import numpy as np
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV
chosen = {"reader": np.loadtxt}
#
rows, labels = np.arange(40.0).reshape(20, 2), [0, 1] * 10
search = GridSearchCV(LogisticRegression(), {"C": [1, 2]}, scoring="accuracy").fit(rows, labels)
print(SelectKBest(), SelectKBest(f_classif, k=1))
for item in (SelectKBest(k=1).fit(rows, labels), get_scorer("roc_auc"), chosen, np.concat):
    print(len(pickle.dumps(item)), joblib.hash(item))
pickle.dumps(search)
print(np.concat is np.concatenate, chosen["reader"] is np.loadtxt)
"""
    project.write("script.py", program)
    begin = "import headwater; headwater.init()"
    project.write("with_init.py", program.replace("#", begin) if first == "late" else f"{first}\n{program}")
    plain = project.plain("script.py")
    captured = project.plain("with_init.py") if first else project.captured("script.py")
    assert captured == plain
    assert plain.out.endswith("True True\n")


def test_functions_written_in_c_do_not_become_methods(project):
    """A function that is the attribute of a class, and no method, is none under capture; it is found among other
    functions, handed to processes, and joblib's memory finds what it kept of calls with it."""
    project.write(
        "script.py",
        """
import csv, os, pickle, random, sqlite3, sys
import multiprocessing as mp
import joblib
import numpy as np
class Store:
    connect, load, dump, loads = sqlite3.connect, pickle.load, pickle.dump, pickle.loads
    rename, writer, seed, fromfile, leave = os.rename, csv.writer, random.seed, np.fromfile, os._exit
if __name__ == "__main__":
    store = Store()
    store.dump([1], open("a.pkl", "wb"))
    store.rename("a.pkl", "b.pkl")
    store.seed(1)
    print(store.load(open("b.pkl", "rb")), store.loads(pickle.dumps(2)), store.connect(":memory:"), random.random())
    store.writer(sys.stdout).writerow([store.fromfile("b.pkl", dtype="u1").size])
    functions = [open, os.rename, pickle.load, pickle.loads, csv.writer, sqlite3.connect, os._exit]
    for item in functions:
        print(pickle.loads(pickle.dumps(item)) is item, {item: 1}[item], item, joblib.hash(item))
    for kind in ("fork", "spawn"):
        process = mp.get_context(kind).Process(target=os._exit, args=(5,))
        process.start()
        process.join()
        print(process.exitcode)
    sys.stdout.flush()
    store.leave(3)
""",
    )
    plain, captured = project.plain("script.py"), project.captured("script.py")
    assert _without_addresses(captured.out) == _without_addresses(plain.out)
    assert captured._replace(out="") == plain._replace(out="")
    assert plain.out.count("True 1") == 7


def test_properties_of_saved_objects_are_not_computed(project):
    """An object that is saved or loaded is not asked for what its own code would compute: a property may read a table,
    or print."""
    project.write(
        "script.py",
        """
import json, pickle
import joblib
class Store:
    def __init__(self, path):
        self.path = path
    @property
    def columns(self):
        print("columns")
        return ["a"]
    @property
    def shape(self):
        print("shape")
        return 1, 1
class Lazy:
    def __getattr__(self, name):
        if not name.startswith("__"):
            print(name)
        raise AttributeError(name)
for item in (Store("x"), Lazy()):
    joblib.dump([item], "a.joblib")
    joblib.load("a.joblib")
    with open("a.pkl", "wb") as file:
        pickle.dump(item, file)
    with open("a.pkl", "rb") as file:
        pickle.load(file)
print("end")
""",
    )
    plain, captured = project.plain("script.py"), project.captured("script.py")
    assert captured == plain
    assert plain.out == "end\n"
