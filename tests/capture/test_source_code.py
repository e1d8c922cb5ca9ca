"""The text of a job's code travels with it: of a script, a module, a notebook, a step."""

from __future__ import annotations

import hashlib
import json
import sys

import pytest

SCRIPT = 'x = 1\npassword = "hunter22"\nprint(x)\n'
KEPT = 'x = 1\npassword = "[redacted]"\nprint(x)\n'


def sources(project, job=None):
    """The ``sourceCode`` facets that were sent, of one job or of all."""
    bodies = [e["job"]["facets"].get("sourceCode") for e in project.events if job in (None, e["job"]["name"])]
    return [body for body in bodies if body is not None]


def test_a_script_sends_its_text_once(project):
    """With the start, as the standard facet, redacted, with the digest that the run's code has."""
    project.write("s.py", SCRIPT)
    assert project.captured("s.py").out == "1\n"
    (body,) = sources(project)
    assert body["_schemaURL"] == "https://openlineage.io/spec/facets/1-0-1/SourceCodeJobFacet.json"
    assert (body["language"], body["sourceCode"]) == ("python", KEPT)
    assert body["sha256"] == hashlib.sha256(SCRIPT.encode()).hexdigest() == project.facet("headwater_code")["sha256"]
    assert project.events[0]["job"]["facets"]["sourceCode"] == body


def test_a_module_and_a_script_that_calls_init(project):
    """``-m`` gives the module's text, ``init()`` that of the script it stands in."""
    project.write("package/__init__.py", "")
    project.write("package/__main__.py", SCRIPT)
    assert project.captured("-m", "package").code == 0
    text = "import headwater as hw\nhw.init()\n"
    path = project.write("own.py", text)
    project._run([sys.executable, str(path)], project.environment)
    assert [body["sourceCode"] for body in sources(project, "package")] == [KEPT]
    assert [body["sourceCode"] for body in sources(project, "own.py")] == [text]


def test_a_notebook_sends_its_code_cells(project):
    """In order, each under its number; magics by their name only, other languages not at all."""
    cells = ["x = 1\n", "%env TOKEN hunter22\ny = 'a'", "%%bash\necho hunter22", "", 'password = "hunter22"']
    document = {
        "cells": [
            {"cell_type": "markdown", "source": ["# hunter22"]},
            *({"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells),
        ],
        "nbformat": 4,
    }
    project.write("n.ipynb", json.dumps(document))
    project.captured("n.ipynb")
    (body,) = sources(project)
    assert body["sourceCode"] == (
        "# %% cell 1\nx = 1\n\n"
        "# %% cell 2\npass  # %env ...\ny = 'a'\n\n"
        "# %% cell 3\n# %%bash ...  (a cell of another kind: not kept)\n\n"
        '# %% cell 5\npassword = "[redacted]"\n'
    )


STEPS = """
import headwater as hw

def helper(value):
    return value + 1

@hw.step
def clean(value):
    return helper(value)

hw.init("job")
for number in range(3):
    clean(number)
"""


def test_a_step_sends_its_text_once_a_process(project):
    """With the user's functions that it calls below it; the second and third call have no text to add."""
    path = project.write("steps.py", STEPS)
    project._run([sys.executable, str(path)], project.environment)
    (body,) = sources(project, "job.clean")
    assert body["sourceCode"] == (
        "@hw.step\ndef clean(value):\n    return helper(value)\n\n\ndef helper(value):\n    return value + 1\n"
    )
    starts = [e for e in project.events if e["job"]["name"] == "job.clean" and e["eventType"] == "START"]
    assert [e["job"]["facets"]["headwater_code"]["sha256"] for e in starts] == [body["sha256"]] * 3


@pytest.mark.parametrize("way", ["environment", "file"])
def test_the_setting_switches_it_off(project, way):
    """``source_code = false``: no text of script or step is in any event."""
    if way == "environment":
        project.environment["HEADWATER_SOURCE_CODE"] = "0"
    else:
        (project.folder / "headwater.toml").write_text('namespace = "tests"\nsource_code = false\n')
    project.write("s.py", STEPS)
    assert project.captured("s.py").code == 0
    assert project.states("s.py.clean")
    assert sources(project) == []


@pytest.mark.parametrize("raw", [b"# -*- coding: latin-1 -*-\nx = '\xe9'\r\n", b"\xef\xbb\xbfx = '\xc3\xa9'\n"])
def test_a_script_in_another_encoding(project, raw):
    """Is read as it declares itself, with the line ends of Python."""
    (project.folder / "s.py").write_bytes(raw)
    assert project.captured("s.py").code == 0
    (body,) = sources(project)
    assert body["sourceCode"].endswith("x = 'é'\n")
