"""The garbage collector rests while only our own objects are made, and the program does not notice."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from headwater.capture.garbage_collection import CollectorPause

PROGRAM = '''
import gc, logging, os, weakref

class Told:
    """Says when it is finalised."""
    def __init__(self, name): self.name = name
    def __del__(self, write=os.write): write(1, f"{self.name} is gone\\n".encode())

class Writes(logging.Handler):
    """Holds a file that nobody closes: what was written is only there if the handler is finalised."""
    def __init__(self):
        super().__init__()
        self.file, self.told = open("log.txt", "w"), Told("handler")
    def emit(self, record): self.file.write(record.getMessage())

print(gc.isenabled(), gc.get_threshold(), [item for item in gc.garbage])
logging.getLogger().addHandler(Writes())
logging.warning("kept")
cycle = Told("cycle"); cycle.itself = cycle
alone = Told("global")
lost = Told("collected"); lost.itself = lost; seen = weakref.ref(lost); del lost
gc.collect()
print(seen())
class Node:
    """A cycle of its own: the class, and an instance on it."""
    held = Told("class")
Node.node = Node()
logging.Logger.kept = Told("attribute of a class that was there before")
'''


def test_what_a_program_leaves_is_finalised_as_without_us(tmp_path: Path) -> None:
    """The collector is on as in a plain python. Cycles are collected; at the end what hangs on the program's module, on
    its classes, and on classes that were there before it, a log handler's open file among them, is finalised."""
    results = []
    for way in ("plain", "captured"):
        folder = tmp_path / way
        folder.mkdir()
        (folder / "train.py").write_text(PROGRAM)
        command = (
            [sys.executable, "train.py"] if way == "plain" else [sys.executable, "-m", "headwater", "run", "train.py"]
        )
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, encoding="utf-8", timeout=120)
        results.append((sorted(done.stdout.splitlines()), done.stderr, (folder / "log.txt").read_text()))
    assert results[0] == results[1]
    assert results[0][0] == sorted(
        [
            *(
                f"True {gc.get_threshold()} []",
                "None",
                "collected is gone",
                "handler is gone",
                "cycle is gone",
                "global is gone",
            ),
            *("class is gone", "attribute of a class that was there before is gone"),
        ]
    )
    assert results[0][2] == "kept"


@pytest.mark.parametrize("was_on", [True, False])
def test_a_pause_ends_as_it_found_the_collector(was_on: bool) -> None:
    """The collector is off in a pause and in one inside it, and after both as it was before: off, where it was off."""
    before = gc.isenabled()
    try:
        (gc.enable if was_on else gc.disable)()
        outer = CollectorPause()
        inner = CollectorPause()
        assert not gc.isenabled()
        inner.end()
        assert not gc.isenabled()
        outer.end()
        assert gc.isenabled() is was_on
    finally:
        (gc.enable if before else gc.disable)()
