"""Code that is nested too deeply to be analysed, or in which too many statements lead to one another."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd
import pytest

STEPS = "\n".join(f"text{n + 1} = text{n} + 'x'" for n in range(400))
CALLS = "\n".join(f"def f{n}(text):\n    return f{n + 1}(text)" for n in range(200)) + "\ndef f200(text): return text"
SUM = " + ".join(f"frame['{'ab'[n % 2]}']" for n in range(400))

WRITE = "with open('out.txt', 'w') as file: file.write(text)"
WRITES = {
    "statements": f"text0 = Path('in.csv').read_text()\n{STEPS}\ntext = text400\n{WRITE}",
    "functions": f"{CALLS}\ntext = f0(Path('in.csv').read_text())\n{WRITE}",
}
METHOD = f"""
import pandas as pd
class Report:
    def __init__(self, frame):
        self.frame, self.rows = frame, []
    def total(self):
        frame = self.frame
        total = {SUM}
        self.rows.append({{"n": 1}})
        table = pd.DataFrame(self.rows)
        table["total"] = total
        return table
Report(pd.read_csv("in.csv")).total().to_csv("out.csv", index=False)
"""


@pytest.fixture
def run(follow):
    """Runs a script beside a file, and gives what was seen of it."""
    pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}).to_csv("in.csv", index=False)
    Path("other.txt").write_text("x")
    return partial(follow("files", "pandas", "numpy").run, name="script")


@pytest.mark.parametrize("name", WRITES)
def test_a_file_that_long_chains_lead_to_is_told(run, name):
    """The file is not lost: it comes from all that was read, as a guess, and the run says which line is not read."""
    followed = run("from pathlib import Path\nPath('other.txt').read_text()\n" + WRITES[name])
    assert followed.sources("out.txt") == {"in.csv", "other.txt"}
    assert any(line.startswith("script.py:") and "too deeply" in line for line in _unresolved(followed))


def test_columns_beside_a_long_sum_stay_exact(run):
    """A sum of hundreds of terms in a method is known by the hooks; what the code would show of the rows beside it does
    not cost it its columns."""
    followed = run(METHOD)
    assert followed.sources("out.csv", "total") == {("in.csv", "a"), ("in.csv", "b")}


def _unresolved(followed):
    return followed.event()["run"]["facets"]["headwater_outcome"]["unresolved"]
