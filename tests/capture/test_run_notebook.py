"""Notebooks run like scripts."""

from __future__ import annotations

import json
from importlib.util import find_spec

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
        import IPython  # noqa: F401 - the test for its presence
    except ImportError:
        assert ended.code == 2
        assert "cell 1" in ended.err
        assert "pip install ipython" in ended.err
    else:
        assert ended.code == 0
        assert ended.out.endswith("1\n")


needs_ipython = pytest.mark.skipif(find_spec("IPython") is None, reason="IPython is not installed")


@needs_ipython
def test_magics_and_shell_lines_see_the_names_of_the_notebook(project):
    """They run in the notebook's own namespace, which stays the module ``__main__``; what they print comes in order."""
    cells = "x = 20", "%time y = x + 1", "%%time\nz = y + 1", "print(z)\n!echo {z} lines\nprint('last')"
    pickled = "import pickle\nclass Own: pass\nprint(type(pickle.loads(pickle.dumps(Own()))).__name__)"
    project.write("n.ipynb", notebook(*cells, pickled))
    ended = project.captured("n.ipynb")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-4:] == ["22", "22 lines", "last", "Own"]


@needs_ipython
def test_what_a_front_end_would_draw_is_not_printed(project):
    """Values of cells and ``display`` go where a kernel sends them, which is not to standard output."""
    project.write("n.ipynb", notebook("7 * 6", "display(7 * 6)", "%gui", "print('said')\n43"))
    ended = project.captured("n.ipynb")
    assert (ended.code, ended.out, ended.err) == (0, "said\n", "")


@needs_ipython
def test_values_of_cells_have_names(project):
    """``_``, ``Out`` and ``In``, numbered as by a kernel; a semicolon keeps a value from them, ``await`` does not."""
    cells = (
        "6 * 7",
        "print(_ + 1)\n'two'",
        "'hidden';",
        "import asyncio\nawait asyncio.sleep(0, 'slept')",
        "print(_, Out[1], _2, sorted(Out), len(In), In[1])",
    )
    project.write("n.ipynb", notebook(*cells))
    ended = project.captured("n.ipynb")
    assert (ended.code, ended.out, ended.err) == (0, "43\nslept 42 two [1, 2, 4] 6 6 * 7\n", "")


@needs_ipython
def test_a_frame_shown_by_a_cell_is_followed_further(project):
    """Through the names that it then has; an error in the last expression is told with its line."""
    pytest.importorskip("pandas")
    project.write("a.csv", "x,y\n1,2\n3,4\n")
    cells = (
        "import pandas as pd\npd.read_csv('a.csv')",
        "_.assign(z=_.x * 2).to_csv('out.csv', index=False)",
        "a = 1\n(a /\n 0)",
    )
    project.write("n.ipynb", notebook(*cells))
    ended = project.captured("n.ipynb")
    assert ended.code == 1
    assert 'File "<n.ipynb cell 3>", line 2, in <module>' in ended.err
    entries = project.events[-1]["run"]["facets"]
    assert "ZeroDivisionError" in json.dumps(entries)


@needs_ipython
def test_help_is_not_printed(project):
    """It goes to a front end; nor is what IPython keeps for itself an output."""
    project.write("n.ipynb", notebook("x = 1", "x?", "%pinfo x", "%cd -q .", "print('end')"))
    ended = project.captured("n.ipynb", before=["env", f"IPYTHONDIR={project.folder}"])
    assert (ended.code, ended.out) == (0, "end\n")
    assert project.events[-1]["outputs"] == []


@needs_ipython
@pytest.mark.parametrize("leave", ["quit()", "exit()"])
def test_leaving_ends_a_notebook(project, leave):
    """The cell runs to its end, the next ones do not, and nothing has failed."""
    project.write("n.ipynb", notebook("print('one')", f"{leave}\nprint('two')", "print('three')"))
    ended = project.captured("n.ipynb")
    assert (ended.code, ended.out) == (0, "one\ntwo\n")


def test_a_notebook_is_no_file_to_itself(project):
    """Code that looks for ``__file__`` to tell a script from a notebook finds a notebook."""
    project.write("n.ipynb", notebook("print(__name__, '__file__' in globals())"))
    assert project.captured("n.ipynb").out == "__main__ False\n"


@needs_ipython
def test_figures_are_drawn_nowhere(project):
    """``%matplotlib inline`` works, a figure is closed with its cell, and a saved one is written."""
    cells = (
        "%matplotlib inline\nimport matplotlib.pyplot as plt",
        "plt.plot([1, 2])\nplt.savefig('f.png')\nplt.show()",
        "print(plt.get_fignums())",
    )
    project.write("n.ipynb", notebook(*cells))
    ended = project.captured("n.ipynb")
    assert (ended.code, ended.out, ended.err) == (0, "[]\n", "")
    assert (project.folder / "f.png").exists()


def test_magics_of_looks_need_no_ipython(project):
    """Without IPython the lines that choose how figures look are passed over."""
    blocked = "import sys; sys.modules['IPython'] = None; sys.argv = ['headwater', 'run', 'n.ipynb']; "
    text = notebook("%matplotlib inline\nx = 1", "%config InlineBackend.figure_format = 'retina'\nprint(x)")
    project.write("n.ipynb", text)
    ended = project.python(blocked + "from headwater.cli.main import main; main()")
    assert (ended.code, ended.out, ended.err) == (0, "1\n", "")


def test_a_notebook_runs_in_its_folder(project):
    """As under a notebook server, whose kernels start there."""
    project.write("deep/in/n.ipynb", notebook("print(open('data.txt').read())"))
    project.write("deep/in/data.txt", "found")
    ended = project.captured("deep/in/n.ipynb")
    assert (ended.code, ended.out) == (0, "found\n")
    (read,) = project.events[-1]["inputs"]
    assert read["name"].endswith("/deep/in/data.txt")


def test_cells_may_await(project):
    """At the top level, with one event loop for all cells."""
    text = "async def five():\n    await asyncio.sleep(0)\n    return 5\nprint(await five())"
    project.write("n.ipynb", notebook("import asyncio", text))
    ended = project.captured("n.ipynb")
    assert (ended.code, ended.out, ended.err) == (0, "5\n", "")


def test_a_cell_that_is_to_raise_may(project):
    """The notebook says so with a tag; the next cell runs."""
    document = json.loads(notebook("1 / 0", "print('on')"))
    document["cells"][1]["metadata"] = {"tags": ["raises-exception"]}
    project.write("n.ipynb", json.dumps(document))
    ended = project.captured("n.ipynb")
    assert (ended.code, ended.out) == (0, "on\n")
    assert "ZeroDivisionError" in ended.err
    assert project.states()[-1] == "COMPLETE"


def test_old_notebooks_have_sheets(project):
    """Format 3: cells lie in work sheets, their text is called input."""
    cells = [{"cell_type": "code", "input": ["print(1)\n", "print(2)"], "language": "python"}]
    project.write("n.ipynb", json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}))
    ended = project.captured("n.ipynb")
    assert (ended.code, ended.out) == (0, "1\n2\n")


def test_a_notebook_in_another_language_is_told(project):
    """One line, exit code 2, instead of a syntax error."""
    document = {**json.loads(notebook("x <- 1")), "metadata": {"kernelspec": {"language": "R"}}}
    project.write("n.ipynb", json.dumps(document))
    ended = project.captured("n.ipynb")
    assert ended.code == 2
    assert "is a notebook in R, not in Python" in ended.err


def _sources(project, target: str) -> dict[str, set[str]]:
    """Per column of a written file, the columns that feed it."""
    entries = project.events[-1]["job"]["facets"]["lineage"]["entries"]
    (entry,) = [entry for entry in entries if entry["name"].endswith(target)]
    return {name: {i.get("field", "*") for i in body["inputs"]} for name, body in entry.get("fields", {}).items()}


@pytest.mark.parametrize("first", ["", pytest.param("%%time\n", marks=needs_ipython)])
def test_code_is_read_across_cells(project, first):
    """An array that nobody saw being made, and a list that rows were put into, are known by the cells that made them,
    timed ones too."""
    pytest.importorskip("pandas")
    project.write("a.csv", "x,y,z\n1,5,9\n2,6,9\n3,7,9\n")
    cells = (
        "import pandas as pd\ndf = pd.read_csv('a.csv')",
        first + "score = df['x'].to_numpy()\nother = df['z'].to_numpy()",
        first + "flag = (score > 1.5).astype(int)\nrows = []\nfor row in df.itertuples():\n"
        "    rows.append({'double': row.y * 2})",
        "out = pd.DataFrame({'flag': flag})",
        "out.to_csv('out.csv')\npd.DataFrame(rows).to_csv('rows.csv')",
    )
    project.write("n.ipynb", notebook(*cells))
    ended = project.captured("n.ipynb")
    assert (ended.code, ended.err) == (0, "")
    assert _sources(project, "/out.csv") == {"flag": {"x"}}
    assert _sources(project, "/rows.csv") == {"double": {"y"}}
