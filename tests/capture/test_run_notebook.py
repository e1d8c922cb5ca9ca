"""Notebooks run like scripts."""

from __future__ import annotations

import json

import pytest


def notebook(*cells: str) -> str:
    """A notebook of format 4 with these code cells."""
    return json.dumps(
        {
            "cells": [{"cell_type": "markdown", "source": ["# title"]}]
            + [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells],
            "nbformat": 4,
        }
    )


def test_cells_run_in_order_in_one_namespace(project):
    """Names pass from cell to cell; what cells read and write is captured under the notebook's name."""
    project.write("n.ipynb", notebook("x = 20", "import random\nrandom.seed(x)\nprint(x + 1, __name__)"))
    ended = project.captured("n.ipynb")
    assert (ended.code, ended.out, ended.err) == (0, "21 __main__\n", "")
    assert project.states("n.ipynb") == ["START", "COMPLETE"]
    assert project.facet("headwater_seeds")["seeds"][0]["value"] == 20


def test_a_failing_cell_fails_the_run_and_names_the_cell(project):
    """The traceback shows the cell and its line."""
    project.write("n.ipynb", notebook("x = 1", "y = x / 0"))
    ended = project.captured("n.ipynb")
    assert ended.code == 1
    assert "<n.ipynb cell 2>" in ended.err
    assert "y = x / 0" in ended.err
    assert project.states()[-1] == "FAIL"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"cells": 3}'])
def test_a_file_that_is_no_notebook_is_told(project, text):
    """One line, exit code 2."""
    project.write("n.ipynb", text)
    ended = project.captured("n.ipynb")
    assert ended.code == 2
    assert "is no notebook" in ended.err


def test_magics_need_ipython(project):
    """With IPython a magic works; without it the message names the cell and what to install."""
    project.write("n.ipynb", notebook("%time x = 1", "print(x)"))
    ended = project.captured("n.ipynb")
    try:
        import IPython  # noqa: F401
    except ImportError:
        assert ended.code == 2
        assert "cell 1" in ended.err
        assert "pip install ipython" in ended.err
    else:
        assert ended.code == 0
        assert ended.out.endswith("1\n")
