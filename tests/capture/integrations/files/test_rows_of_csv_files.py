"""Frames made of the rows that the csv module reads: column by column where the code shows what the columns are."""

from __future__ import annotations

from pathlib import Path

import pytest

HEADED = {
    "from_records": "it = csv.reader(file)\n    top = next(it)\n    frame = pd.DataFrame.from_records(it, columns=top)",
    "a list and its first": "data = list(csv.reader(file))\nframe = pd.DataFrame(data[1:], columns=data[0])",
    "popped": "data = list(csv.reader(file))\nhead = data.pop(0)\nframe = pd.DataFrame(data, columns=head)",
    "first and rest": "head, *data = csv.reader(file)\nframe = pd.DataFrame(data, columns=head)",
    "two at once": "data = [*csv.reader(file)]\ntop, rows = data[0], data[1:]\nframe = pd.DataFrame(rows, columns=top)",
    "rows with keys": "frame = pd.DataFrame(csv.DictReader(file))",
}


@pytest.fixture
def run(follow):
    """Runs code with ``people.csv`` open as ``file``, after another file was read; gives what was seen."""
    Path("people.csv").write_text("id,age,town\n1,30,Oslo\n2,40,Rome\n")
    Path("other.csv").write_text("id,age\n1,2\n")
    followed = follow("files", "pandas")

    def run(code):
        return followed.run(
            f"import csv\nimport pandas as pd\npd.read_csv('other.csv')\nwith open('people.csv') as file:\n    {code}\n"
            "frame[['age']].to_csv('out.csv', index=False)\n"
        )

    return run


@pytest.mark.parametrize("way", HEADED)
def test_a_column_is_that_of_the_header(run, way):
    """Columns that have the names in the first row come from the columns of these names, as a guess."""
    followed = run(HEADED[way])
    assert followed.sources("out.csv") == {"people.csv"}
    assert followed.sources("out.csv", "age") == {("people.csv", "age")}


def test_names_of_the_codes_own_tell_nothing_of_the_file(run):
    """The file as a whole: what its columns are called is not known."""
    followed = run("next(file)\n    frame = pd.DataFrame(csv.reader(file), columns=['n', 'age', 'where'])")
    assert followed.sources("out.csv", "age") == {("people.csv", None)}


def test_a_reader_at_once(follow):
    """The file is opened in the line in which its rows are taken."""
    Path("people.csv").write_text("id,age\n1,30\n")
    followed = follow("files", "pandas").run(
        "import csv\nimport pandas as pd\n"
        "frame = pd.DataFrame(csv.DictReader(file := open('people.csv')))\nfile.close()\n"
        "frame[['age']].to_csv('out.csv')\n"
    )
    assert followed.sources("out.csv", "age") == {("people.csv", "age")}
