"""Several statements on one line are told apart by the position of the instruction that runs."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest

from headwater.capture.source_analysis.line_parts import Part, parsed

_numbers = itertools.count()


@pytest.fixture
def run(follow, tmp_path):
    """Runs a script that has two files to read, and returns what followed it."""
    pd.DataFrame({"x": [1, 2, 3], "y": [4, 5, 6]}).to_csv("one.csv", index=False)
    pd.DataFrame({"z": [7, 8, 9]}).to_csv("two.csv", index=False)
    followed = follow("pandas", "numpy", "files", "json")

    def execute(script):
        path = tmp_path / f"script{next(_numbers)}.py"
        path.write_text("import json\nimport numpy as np\nimport pandas as pd\n" + script)
        exec(compile(path.read_text(), str(path), "exec"), {"__name__": "__main__"})
        return followed

    return execute


def test_lists_that_are_made_on_one_line_have_sources_of_their_own(run):
    """Each comes from the column that its own statement goes through."""
    followed = run(
        "a = pd.read_csv('one.csv'); b = pd.read_csv('two.csv')\n"
        "xs = [v + 1 for v in a['x']]; ys = [v + 1 for v in a['y']]; zs = [v + 1 for v in b['z']]\n"
        "pd.DataFrame({'p': xs, 'q': ys, 'r': zs}).to_csv('out.csv', index=False)\n"
    )
    assert followed.sources("out.csv", "p") == {("one.csv", "x")}
    assert followed.sources("out.csv", "q") == {("one.csv", "y")}
    assert followed.sources("out.csv", "r") == {("two.csv", "z")}


def test_arrays_that_are_computed_on_one_line_have_sources_of_their_own(run):
    """Operators on arrays are seen in the source alone."""
    followed = run(
        "a = pd.read_csv('one.csv'); b = pd.read_csv('two.csv')\n"
        "x = a['x'].to_numpy(); z = b['z'].to_numpy()\n"
        "p = (x > 1).astype(int); r = (z > 7).astype(int)\n"
        "out = pd.DataFrame({'i': [0, 0, 0]}); out['p'] = p; out['r'] = r; out.to_csv('out.csv', index=False)\n"
    )
    assert followed.sources("out.csv", "p") == {("one.csv", "x")}
    assert followed.sources("out.csv", "r") == {("two.csv", "z")}


def test_tables_that_are_made_on_one_line_are_not_taken_for_each_other(run):
    """Nor are files that are written there, or what is literal beside what is not."""
    followed = run(
        "a = pd.read_csv('one.csv'); b = pd.read_csv('two.csv'); m = a['x'].mean(); n = b['z'].mean()\n"
        "one = pd.DataFrame([{'v': row.x} for row in a.itertuples()]); two = pd.DataFrame([{'v': 1}, {'v': 2}])\n"
        "one.to_csv('one_out.csv', index=False); two.to_csv('two_out.csv', index=False)\n"
        "f = open('f.json', 'w'); g = open('g.json', 'w')\n"
        "json.dump({'m': m * 2}, f); json.dump({'n': n * 2}, g)\n"
        "f.close(); g.close()\n"
        "with open('h.txt', 'w') as h: h.write(str(m)); h.write('!')\n"
    )
    assert followed.sources("one_out.csv", "v") == {("one.csv", "x")}
    assert followed.sources("two_out.csv") == set()
    assert followed.sources("f.json") == {"one.csv"}
    assert followed.sources("g.json") == {"two.csv"}
    assert followed.sources("h.txt") == {"one.csv"}


def test_a_semicolon_in_a_text_is_no_statement(run):
    """Nor is a line that the interpreter has no columns for."""
    followed = run(
        "a = pd.read_csv('one.csv')\nxs = [str(v) + ';' for v in a['x']]\n"
        "pd.DataFrame({'p': xs}).to_csv('out.csv', index=False)\n"
    )
    assert followed.sources("out.csv", "p") == {("one.csv", "x")}


def test_a_part_of_a_line_is_between_that_line_and_the_next():
    """It compares with lines and with other parts, and is a line to everything else."""
    assert 3 < Part(3, 1) < Part(3, 2) < 4
    assert Part(3, 1) == Part(3, 1)
    assert hash(Part(3, 1)) == hash(Part(3, 1))
    assert Part(3, 1) != 3
    assert 3 != Part(3, 1)  # noqa: SIM300 - both ways round
    assert not Part(3, 1) <= 3
    assert sorted([4, Part(3, 2), 3, Part(3, 1)]) == [3, Part(3, 1), Part(3, 2), 4]
    assert f"{Part(3, 1)}" == "3"


def test_statements_of_a_line_are_numbered_and_what_holds_them_ends_with_them():
    """Also where one ends on the line on which the next begins; a compound statement shares its line with the first."""
    tree = parsed("a = 1; b = f(\n  2); c = 3\nwith d: e(); g()\n")
    first, second, third, block = tree.body
    assert [node.lineno for node in tree.body] == [1, Part(1, 1), Part(2, 1), 3]
    assert (first.end_lineno, second.end_lineno, third.end_lineno) == (1, 2, Part(2, 1))
    assert [node.lineno for node in block.body] == [3, Part(3, 1)]
    assert block.end_lineno == Part(3, 1)
