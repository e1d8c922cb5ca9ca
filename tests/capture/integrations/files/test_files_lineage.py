"""Files: which opens count as data, what is recorded of them, and that ``open`` stays ``open``."""

# ruff: noqa: PTH123, PTH105 - the functions under test are open() and os.replace()

from __future__ import annotations

import _io
import builtins
import csv
import gc
import io
import json
import os
import pickle
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.capture import context
from headwater.capture.hooks import Hooks
from headwater.capture.integrations.files import FilesIntegration, is_user_data
from headwater.capture.recorder import Read, Recorder, Write


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A recorder, with files hooked while the test runs."""
    made = Recorder("00000000-0000-0000-0000-000000000000", "tests", "files")
    hooks = Hooks("files")
    token = context.enter(made)
    FilesIntegration().install(hooks, builtins)
    try:
        yield made
    finally:
        hooks.remove()
        context.leave(token)


def seen(recorder: Recorder) -> list[tuple[str, str]]:
    """What was recorded, as (kind, file name), each once: a write is told twice."""
    return list(dict.fromkeys((type(item).__name__, Path(item.ref.name).name) for item in recorder.items))


def test_the_ways_to_open(recorder: Recorder, tmp_path: Path) -> None:
    """``open``, ``io.open``, ``Path.open`` and what the standard library does with them, each seen once."""
    with open(tmp_path / "a.json", "w") as handle:
        json.dump({"auc": 0.5}, handle)
    with open(str(tmp_path / "a.json")) as handle:
        json.load(handle)
    (tmp_path / "b.txt").write_text("x")
    assert (tmp_path / "b.txt").read_bytes() == b"x"
    with io.open(tmp_path / "c.csv", "w", newline="") as handle:  # noqa: UP020 - another way in to open()
        csv.writer(handle).writerow([1, 2])
    with (tmp_path / "c.csv").open("r+") as handle:
        handle.read()
    del handle
    gc.collect()
    assert seen(recorder) == [
        ("Write", "a.json"),
        ("Read", "a.json"),
        ("Write", "b.txt"),
        ("Read", "b.txt"),
        ("Write", "c.csv"),
        ("Read", "c.csv"),
    ]


def test_every_way_to_write_is_a_write(recorder: Recorder, tmp_path: Path) -> None:
    """A file that is created, appended to or overwritten was written; none of these reads it."""
    path = tmp_path / "log.csv"
    for mode in ("x", "a", "w"):
        with open(path, mode) as handle:
            handle.write("1\n")
        del handle
        assert {kind for kind, _ in seen(recorder)} == {"Write"}
        recorder.items.clear()


@pytest.mark.parametrize(("mode", "is_read"), [("w+", False), ("x+b", False), ("r+", True), ("a+", True)])
def test_what_is_opened_anew_for_both_is_not_read(recorder: Recorder, tmp_path: Path, mode: str, is_read: bool) -> None:
    """``open(path, "w+")``, as a picture is saved, finds nothing to read; ``r+`` and ``a+`` keep what is there."""
    path = tmp_path / "picture.png"
    if mode[0] != "x":
        path.write_bytes(b"before")
    with open(path, mode):
        pass
    found = {type(item) for item in recorder.items if getattr(item, "ref", None) and item.ref.name == str(path)}
    assert found >= {Write}
    assert (Read in found) == is_read


def test_a_file_that_stays_open_may_hold_what_is_read_later(project):
    """A file that a ``csv.writer`` writes to until the end, opened before its input was: the input is behind it."""
    project.write("in.csv", "name\nAnn\nBob\n")
    project.write(
        "script.py",
        "import csv\nout = csv.writer(open('out.csv', 'w'))\nout.writerow(['name'])\n"
        "with open('in.csv') as file:\n    for row in csv.DictReader(file):\n"
        "        out.writerow([row['name'].strip()])\n",
    )
    project.captured("script.py")
    entries = project.events[-1]["job"]["facets"]["lineage"]["entries"]
    assert [item["name"].rpartition("/")[2] for entry in entries for item in entry["inputs"]] == ["in.csv"]


def test_a_write_is_told_again_when_the_handle_is_gone(recorder: Recorder, tmp_path: Path) -> None:
    """What was read while a file was open for writing comes before its last record."""
    (tmp_path / "in.txt").write_bytes(b"1")
    recorder.items.clear()
    out = open(tmp_path / "out.txt", "w")  # noqa: SIM115 - kept open on purpose
    with open(tmp_path / "in.txt") as source:
        out.write(source.read())
    out.close()
    del out
    kinds = [(type(item).__name__, Path(item.ref.name).name) for item in recorder.items]
    assert kinds[:2] == [("Write", "out.txt"), ("Read", "in.txt")]
    assert set(kinds[2:]) == {("Write", "out.txt")}


def test_copies_and_moves(recorder: Recorder, tmp_path: Path) -> None:
    """A copy comes from its original; a renamed file from what it was before."""
    (tmp_path / "a").write_text(str(tmp_path))
    shutil.copy(tmp_path / "a", tmp_path / "b")
    (tmp_path / "folder").mkdir()
    shutil.copy2(tmp_path / "a", tmp_path / "folder")
    os.replace(tmp_path / "b", tmp_path / "c")
    (tmp_path / "c").rename(tmp_path / "d")
    shutil.move(str(tmp_path / "d"), str(tmp_path / "e"))
    moves = [
        (Path(item.value.inputs[0].dataset.name).name, Path(item.ref.name).name)
        for item in recorder.items
        if isinstance(item, Write) and item.value is not None
    ]
    assert moves == [("a", "b"), ("a", "a"), ("a", "c"), ("a", "d"), ("a", "e")]
    assert recorder.items[-4].ref.name == str(tmp_path / "folder" / "a")


def test_an_atomic_save_keeps_what_was_written(recorder: Recorder, tmp_path: Path) -> None:
    """Write under a passing name, rename: the value goes with the file, and the passing name is known to be one."""
    value = recorder.derive(object.__new__(type("Thing", (), {})), "made", ())
    (tmp_path / "new").write_text("1")
    target = recorder.items[0].ref
    recorder.wrote(value, target)
    os.replace(tmp_path / "new", tmp_path / "final")
    assert recorder.items[-1].value is value
    assert recorder.items[-1].ref.name == str(tmp_path / "final")
    assert recorder.moved == {target[:2]: recorder.items[-1].ref}
    (tmp_path / "new").write_text("2")
    assert recorder.moved == {}


def test_what_is_no_data_is_passed_over(recorder: Recorder, tmp_path: Path) -> None:
    """Source code, libraries, devices, caches and our own store are none of lineage's business."""
    for name in (__file__, os.__file__, os.devnull, pytest.__file__):
        with open(name, "rb"):
            pass
    (tmp_path / ".headwater").mkdir()
    (tmp_path / ".headwater" / "spool").write_text("x")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("x")
    assert recorder.items == []


@pytest.mark.parametrize("path", ["data.csv", "/data/x.parquet", "models/m.pkl", "../metrics.json", "/tmp/a/b.npy"])
def test_user_data(path: str) -> None:
    """Ordinary files are data."""
    assert is_user_data(path)


@pytest.mark.parametrize(
    "path", ["/proc/self/stat", "/dev/null", "a.py", "x/__pycache__/a.bin", "/repo/.git/index", ".cache/fonts.json"]
)
def test_no_user_data(path: str) -> None:
    """And these are not."""
    assert not is_user_data(path)


def test_open_stays_open(recorder: Recorder, tmp_path: Path) -> None:
    """The handle is the very type that Python makes, errors and pickles are the same, and a class attribute set to
    ``open`` does not bind."""
    with open(tmp_path / "a.bin", "wb") as handle:
        assert type(handle) is io.BufferedWriter
    with pytest.raises(FileNotFoundError, match="absent"):
        open(tmp_path / "absent")  # noqa: SIM115 - it raises
    with pytest.raises(ValueError, match="invalid mode"):
        open(tmp_path / "a.bin", "q")  # noqa: SIM115, PLW1501 - it raises

    class Reader:
        opener = open

    with Reader().opener(tmp_path / "a.bin", "rb") as handle:
        assert handle.read() == b""
    del handle
    assert pickle.loads(pickle.dumps(open)) is open
    assert open.__name__ == "open"
    assert open.__doc__
    assert builtins.open is io.open


@pytest.mark.skipif(open.__module__ == "_io", reason="pickles of open refer to _io since Python 3.12")
def test_imports_read_their_files_as_ever() -> None:
    """The ``open`` of ``_io``, by which the interpreter reads every module, is left alone."""
    hooks = Hooks("files")
    FilesIntegration().install(hooks, builtins)
    hooks.settle()
    plain, replaced = _io.open, io.open
    hooks.remove()
    assert plain is io.open
    assert replaced is not plain


def test_removal_restores() -> None:
    """Everything is the very object that it was."""
    before = (builtins.open, io.open, os.rename, os.replace, shutil.copy, shutil.copyfile, shutil.move)
    plain = pickle.dumps(open)
    hooks = Hooks("files")
    FilesIntegration().install(hooks, builtins)
    assert builtins.open is not before[0]
    assert pickle.dumps(builtins.open) == plain
    hooks.remove()
    assert (builtins.open, io.open, os.rename, os.replace, shutil.copy, shutil.copyfile, shutil.move) == before


def test_handles_are_not_kept_alive(recorder: Recorder, tmp_path: Path) -> None:
    """A handle that the program drops is closed by Python at once, as ever."""
    import weakref

    handle = open(tmp_path / "a", "wb")  # noqa: SIM115 - it is closed below
    handle.close()
    watch = weakref.ref(handle)
    references = sys.getrefcount(handle)
    del handle
    assert references == 2
    assert watch() is None
    assert [type(item) for item in recorder.items] == [Write, Write]
    assert not any(isinstance(item, Read) for item in recorder.items)


SPELLED = {
    "with.txt": """
with open("with.txt", "w") as f:
    f.write("made by us\\n")
    for i in range(3):
        f.write(f"{i},{i * 2}\\n")
""",
    "dump.json": """
names = ["a", "b"]
with open("dump.json", "w") as f:
    json.dump({"names": names, "n": len(names)}, f, indent=1)
""",
    "rows.csv": """
f = open("rows.csv", "w", newline="")
writer = csv.writer(f)
writer.writerow(["a", "b"])
writer.writerows([[1, 2], [3, 4]])
f.close()
""",
    "one.txt": 'with open("one.txt", "w") as f: f.write(f"made by {1 + 1}")',
    "text.txt": 'Path("text.txt").write_text("fixed".upper())',
    "line.json": 'json.dump([1, 2], open("line.json", "w"))',
    "print.txt": 'print("said", file=open("print.txt", "w"))',
}
READ = {
    "copied.txt": 'with open("copied.txt", "w") as f:\n    f.write(Path("in.txt").read_text())',
    "loaded.json": """
loaded = json.loads(Path("in.txt").read_text() or "1")
with open("loaded.json", "w") as f:
    f.write("[")
    json.dump(loaded, f)
""",
    "given.txt": 'with open("given.txt", "w") as f:\n    f.write("x")\n    fill(f)',
    "mixed.txt": 'Path("mixed.txt").write_text("x" + text)',
    "late.txt": 'out = open("late.txt", "w")\nout.write("x")\nshutil.copyfileobj(open("in.txt"), out)\nout.close()',
    "empty.txt": 'with open("empty.txt", "w") as f:\n    pass',
}
BEGIN = """
import csv, json, shutil
from pathlib import Path
def fill(f):
    f.write(text)
text = open("in.txt").read()
"""


@pytest.mark.parametrize(("name", "code"), [*SPELLED.items(), *READ.items()])
def test_what_the_code_spells_out_comes_from_nothing(project, name, code):
    """Text, rows and documents that are written out go into a file without a source, whatever was read before; where
    one part of it is not, or cannot be read, all that was read is behind it, as a guess."""
    project.write("in.txt", "1")
    project.write("s.py", BEGIN + code)
    ended = project.captured("s.py")
    assert (ended.code, ended.err) == (0, "")
    entries = project.events[-1]["job"]["facets"]["lineage"]["entries"]
    (entry,) = [entry for entry in entries if entry["name"].endswith(name)]
    sources = [source["name"].rpartition("/")[2] for source in entry["inputs"]]
    assert sources == ([] if name in SPELLED else ["in.txt"])


def test_a_scratch_file_of_literals_is_no_dataset(project):
    """Written out in the code and removed again: nothing to tell of."""
    project.write("s.py", 'import os\nwith open("t.txt", "w") as f:\n    f.write("x")\nos.remove("t.txt")\n')
    project.captured("s.py")
    assert project.events[-1]["outputs"] == []


def test_a_temporary_file_that_is_gone_is_no_input(project):
    """What a library writes and reads for itself, and takes away, is neither an input nor behind what is inferred."""
    code = (
        "import os, tempfile\ntext = open('in.txt').read()\n"
        "path = os.path.join(tempfile.gettempdir(), f'passing.{os.getpid()}')\n"
        "with open(path, 'w') as f:\n    f.write(text)\n"
        "again = open(path).read()\nos.remove(path)\nopen('out.txt', 'w').write(again)\n"
    )
    project.write("in.txt", "1")
    project.write("s.py", code)
    project.environment["TMPDIR"] = str(project.folder / "tmp")
    (project.folder / "tmp").mkdir()
    project.captured("s.py")
    last = project.events[-1]
    assert [item["name"].rpartition("/")[2] for item in last["inputs"]] == ["in.txt"]
    (entry,) = [e for e in last["job"]["facets"]["lineage"]["entries"] if e["name"].endswith("out.txt")]
    assert [item["name"].rpartition("/")[2] for item in entry["inputs"]] == ["in.txt"]
