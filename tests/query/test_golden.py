"""What people see, to the letter: trees, answers and pictures of the sample project, with a fixed clock."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from headwater.query import Lineage
from headwater.query.diff_text import diff_lines
from headwater.query.drawing.svg import svg
from headwater.query.impact_text import impact_lines
from headwater.query.object_text import coverage_lines, details_lines, history_lines, runs_lines, search_lines
from headwater.query.terminal_text import Line, plain
from headwater.query.tree import TreeStyle, tree
from headwater.query.why_text import why_lines

from .histories import BASE, NOW_US

Check = Callable[[str, str], None]


def now() -> int:
    """Return the fixed clock."""
    return NOW_US


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Local time is UTC in golden files."""
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


TREES = {
    "upstream": lambda lineage: lineage.upstream("predictions.parquet"),
    "downstream": lambda lineage: lineage.downstream("cells.csv"),
    "columns_up": lambda lineage: lineage.upstream("predictions.parquet:probability"),
    "columns_down": lambda lineage: lineage.downstream("cells.csv", columns=True),
    "versions": lambda lineage: lineage.upstream("predictions.parquet", level="run"),
    "job": lambda lineage: lineage.downstream("features.py"),
    "limited": lambda lineage: lineage.downstream("cells.csv", limit=3),
    "models": lambda lineage: lineage.upstream("predictions.parquet", kinds=["model", "table"]),
    "path": lambda lineage: lineage.path("patients", "model:tumour"),
    "nothing": lambda lineage: lineage.upstream("cells.csv"),
}


@pytest.mark.parametrize("name", TREES)
def test_trees(lineage: Lineage, golden: Check, name: str) -> None:
    """A graph as a tree, as JSON and as a picture."""
    graph = TREES[name](lineage)
    golden(f"{name}.txt", plain(tree(graph, TreeStyle(clock=now))))
    golden(f"{name}.json", graph.to_json())
    golden(f"{name}.svg", svg(graph))


def test_a_narrow_ascii_tree(lineage: Lineage, golden: Check) -> None:
    """The same tree for a small terminal without Unicode."""
    style = TreeStyle(clock=now, cells=60, ascii_only=True)
    text = plain(tree(lineage.upstream("predictions.parquet"), style))
    assert max(map(len, text.splitlines())) <= 60
    golden("narrow.txt", text)


def answers(lineage: Lineage) -> dict[str, list[Line]]:
    """Return the lines of every kind of answer."""
    return {
        "why": why_lines(lineage.why("predictions.parquet#17"), base=BASE, clock=now),
        "why_raw": why_lines(lineage.why("report.csv"), base=BASE, clock=now),
        "impact_drop": impact_lines(lineage.impact("cells.csv:radius")),
        "impact_decides": impact_lines(lineage.impact("patients.age", change="retype")),
        "impact_rows": impact_lines(lineage.impact("cells.csv", change="delete_rows")),
        "impact_nothing": impact_lines(lineage.impact("report.csv")),
        "diff_runs": diff_lines(lineage.diff("train.py"), base=BASE, clock=now),
        "diff_versions": diff_lines(lineage.diff("predictions.parquet"), base=BASE, clock=now),
        "diff_instants": diff_lines(lineage.diff("2026-03-03T10:03:30Z", "2026-03-03T10:05:30Z"), base=BASE, clock=now),
        "show_dataset": details_lines(lineage.show("clean.parquet"), base=BASE, clock=now),
        "show_table": details_lines(lineage.show("patients"), base=BASE, clock=now),
        "show_model": details_lines(lineage.show("model:tumour"), base=BASE, clock=now),
        "show_job": details_lines(lineage.show("train.py"), base=BASE, clock=now),
        "show_run": details_lines(lineage.show(lineage.runs("train.py")[0].run_id), base=BASE, clock=now),
        "history": history_lines(lineage.history("predictions.parquet"), base=BASE, clock=now),
        "runs": runs_lines(lineage.runs(), base=BASE, clock=now),
        "search": search_lines(lineage.search("radius"), base=BASE),
        "coverage": coverage_lines(lineage.coverage()),
    }


def test_answers(lineage: Lineage, golden: Check) -> None:
    """Every kind of answer as text, the same from every store."""
    for name, lines in answers(lineage).items():
        golden(f"{name}.txt", plain(lines))
