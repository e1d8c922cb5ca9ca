"""Fingerprints of functions and scripts."""

from __future__ import annotations

import functools
import itertools
import linecache
import os
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headwater.capture.code_fingerprints import CodeFingerprint, bytecode_digest, code_fingerprint, script_fingerprint
from headwater.errors import InvalidInput, NotFound

_NUMBERS = itertools.count()

BASE = '''
RATE = 0.5

def helper(x):
    """Scale."""
    return x * RATE

class Model:
    def predict(self, x):
        return helper(x) + 1

def main(rows, limit=10):
    """Do it."""
    total = [helper(row) for row in rows if row in {"a", "b"}]
    return total[:limit], Model
'''


def load(folder: Path, source: str) -> types.ModuleType:
    """A module of that source, as if the user had imported it."""
    path = folder / f"pipeline_{next(_NUMBERS)}.py"
    path.write_text(source)
    module = types.ModuleType("pipeline")
    exec(compile(source, str(path), "exec"), vars(module))
    return module


def both(folder: Path, source: str) -> tuple[str, str | None]:
    """Both digests of the function ``main`` of a source."""
    found = code_fingerprint(load(folder, source).main)
    return found.bytecode, found.source


SAME = {
    "comment": lambda s: s.replace("total = [", "# a comment\n    total = ["),
    "blank lines": lambda s: "\n\n\n" + s.replace("    return total", "\n\n    return total"),
    "another line": lambda s: s.replace("def main", "class Other:\n    pass\n\ndef main"),
    "layout": lambda s: s.replace("return x * RATE", "return (\n        x * RATE\n    )"),
}

OTHER = {
    "own body": lambda s: s.replace("total[:limit]", "total[1:limit]"),
    "helper": lambda s: s.replace("x * RATE", "x / RATE"),
    "constant in a helper": lambda s: s.replace("+ 1", "+ 2"),
    "type of a constant": lambda s: s.replace("+ 1", "+ 1.0"),
    "name": lambda s: s.replace("row in {", "row not in {"),
    "set": lambda s: s.replace('"b"}', '"c"}'),
}


@pytest.mark.parametrize("change", SAME)
def test_comments_and_layout_do_not_count(tmp_path: Path, change: str) -> None:
    """Neither digest changes."""
    assert both(tmp_path, SAME[change](BASE)) == both(tmp_path, BASE)


@pytest.mark.parametrize("change", OTHER)
def test_whatever_changes_behaviour_counts(tmp_path: Path, change: str) -> None:
    """In the function, in what it calls, and in the methods of the classes it uses: both digests change."""
    bytecode, source = both(tmp_path, OTHER[change](BASE))
    assert bytecode != both(tmp_path, BASE)[0] and source != both(tmp_path, BASE)[1]


def test_plain_values_that_code_refers_to_count_for_the_bytecode(tmp_path: Path) -> None:
    """A constant of the module and a default change what the function does."""
    base = both(tmp_path, BASE)[0]
    assert both(tmp_path, BASE.replace("RATE = 0.5", "RATE = 0.6"))[0] != base
    assert both(tmp_path, BASE.replace("limit=10", "limit=11"))[0] != base


def test_docstrings_do_not_count_for_the_source(tmp_path: Path) -> None:
    """Changed, added or removed."""
    for changed in (BASE.replace("Scale.", "Scale it."), BASE.replace('    """Do it."""\n', "")):
        assert both(tmp_path, changed)[1] == both(tmp_path, BASE)[1]


def test_references_are_the_users_own_code(tmp_path: Path) -> None:
    """Helpers and methods by name; neither the standard library nor installed packages."""
    source = "import json\nimport pytest\n" + BASE.replace("return total", "json.dumps(pytest.approx(1)); return total")
    found = code_fingerprint(load(tmp_path, source).main)
    assert found.references == ("pipeline.Model.predict", "pipeline.helper") or set(found.references) == {
        "pipeline.Model.predict",
        "pipeline.helper",
    }
    assert (found.name, found.text) == ("pipeline.main", None)


def test_recursion_and_mutual_references_end(tmp_path: Path) -> None:
    """Functions that call each other, and themselves, have a fingerprint."""
    source = "def main(n):\n    return other(n)\n\ndef other(n):\n    return main(n - 1) if n else other\n"
    assert code_fingerprint(load(tmp_path, source).main).references == ("pipeline.other",)


def _maker(step: Any) -> Callable[[int], Any]:
    def made(x: int) -> Any:
        return step(x) if callable(step) else step + x

    return made


def _double(x: int) -> int:
    return 2 * x


def _triple(x: int) -> int:
    return 3 * x


def test_what_a_closure_holds_counts() -> None:
    """Both a function and a number."""
    digests = [bytecode_digest(_maker(step)) for step in (_double, _triple, 1, 2)]
    assert len(set(digests)) == 4
    assert bytecode_digest(_maker(_double)) == digests[0]


class Step:
    """A callable object."""

    def __call__(self, x: int) -> int:
        """Twice."""
        return _double(x)

    def method(self, x: int) -> int:
        """Twice."""
        return _double(x)


def test_wrappers_partials_and_methods_lead_to_the_function() -> None:
    """Whatever is called in the end is what counts."""

    @functools.wraps(_double)
    def wrapped(x: int) -> int:
        return _double(x)

    plain = bytecode_digest(_double)
    assert bytecode_digest(wrapped) == plain == bytecode_digest(functools.partial(_double, 1))
    assert bytecode_digest(functools.lru_cache(_double)) == plain
    assert code_fingerprint(Step().method).name.endswith("Step.method")
    assert code_fingerprint(Step()).name.endswith("Step.__call__")
    assert bytecode_digest(lambda x: x) != bytecode_digest(lambda x: -x)


@pytest.mark.parametrize("function", [len, print, 5, "text"])
def test_what_has_no_bytecode_is_refused(function: Any) -> None:
    """With the type in the message."""
    with pytest.raises(InvalidInput, match="written in Python"):
        bytecode_digest(function)


def test_code_without_a_source_has_its_bytecode_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions made of text in memory, whatever ``python -c`` was given, which Python 3.13 finds under their name."""
    monkeypatch.setitem(linecache.cache, "<string>", (8, None, ["print(1)\n"], "<string>"))
    scope: dict[str, Any] = {}
    exec("def main(x):\n    return x", scope)
    found = code_fingerprint(scope["main"], text=True)
    assert found.source is None and found.text is None and len(found.bytecode) == 64


def test_digests_do_not_depend_on_the_process(tmp_path: Path) -> None:
    """Hash seeds change the order of sets, addresses change always; the digests do not."""
    path = tmp_path / "steps.py"
    path.write_text(BASE)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import steps\n"
        "from headwater.capture.code_fingerprints import code_fingerprint\n"
        "found = code_fingerprint(steps.main); print(found.bytecode, found.source)"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1


SYNTAX = """
async def f(a, /, b: int = 1, *args, c, **kw) -> str:
    with open(a) as x, x as y:
        return f"{a!r:>{b}} and {c=}" + rf"\\d{b}"
"""


def test_the_source_digest_is_that_of_every_python(tmp_path: Path) -> None:
    """The same on every version this suite runs on: the record of one can be checked on another."""
    found = script(tmp_path, BASE + SYNTAX)
    assert found.source == "6eb4425f2b3cbdb03aeb994ad52cb0ed990bb0ec2ebf68dca945e9979d5f0fbd"


def script(folder: Path, source: str | bytes) -> CodeFingerprint:
    """Fingerprint of a script of that source."""
    path = folder / "script.py"
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    return script_fingerprint(path, text=True)


def test_what_bytecode_is_made_of_counts_for_a_script(tmp_path: Path) -> None:
    """A docstring changes the bytecode alone; another spelling of an escape changes nothing."""
    base = script(tmp_path, BASE)
    told = script(tmp_path, '"""About."""\n' + BASE)
    assert told.source == base.source and told.bytecode != base.bytecode
    doubtful, plain = (script(tmp_path, f'x = "{text}"') for text in (r"\d\{\8", r"\\d\\{\\8"))
    assert (doubtful.source, doubtful.bytecode) == (plain.source, plain.bytecode)


def test_scripts(tmp_path: Path) -> None:
    """Comments do not count, code does; the text is that of the file, in the encoding it declares."""
    base = script(tmp_path, BASE)
    assert script(tmp_path, "# hello\n" + BASE).source == base.source
    assert script(tmp_path, "# hello\n" + BASE).bytecode == base.bytecode
    assert script(tmp_path, BASE.replace("0.5", "0.6")).source != base.source
    assert script(tmp_path, '"""About."""\n' + BASE).source == base.source
    assert script(tmp_path, "# coding: latin-1\nx = 'é'\n".encode("latin-1")).text == "# coding: latin-1\nx = 'é'\n"


@pytest.mark.parametrize("broken", ["def (", "x = '\ud800'".encode("utf-8", "surrogatepass"), b"\0"])
def test_a_script_that_does_not_compile_is_its_bytes(tmp_path: Path, broken: str | bytes) -> None:
    """It may be a notebook's cell or another Python's syntax; it still is what it is."""
    found = script(tmp_path, broken)
    assert found.source == found.bytecode and len(found.bytecode) == 64
    assert script(tmp_path, "def )").source != found.source


def test_a_missing_script_is_not_found(tmp_path: Path) -> None:
    """The error names it."""
    with pytest.raises(NotFound, match=r"absent\.py"):
        script_fingerprint(tmp_path / "absent.py")
    with pytest.raises(InvalidInput):
        script_fingerprint(tmp_path)
