"""The code of two runs, line by line; and which text is the one that a run ran."""

from __future__ import annotations

import msgspec
import pytest

from headwater.query import Lineage
from headwater.query.code_diff import MOST_LINES, CodeDiff, run_source
from headwater.query.diff_text import diff_lines
from headwater.query.facet_values import run_facts
from headwater.query.terminal_text import plain
from headwater.storage.open import open_store
from headwater.testing.events import dataset, facet, run_event, run_id

OLD = "import x\n\ndef f(a):\n    return a\n\nf(1)\n"
NEW = "import x\n\ndef f(a):\n    return a + 1\n\nf(1)\n"


def run(number, text=None, sha256="", outputs=("out",), **more):
    """A run of one job: the text and digest of its code, as far as they are told."""
    body = {"language": "python", "sourceCode": text, **({"sha256": sha256} if sha256 else {}), **more}
    code = {"headwater_code": facet(sha256=sha256, path="s.py")} if sha256 else {}
    return run_event(
        run_id(number),
        "s.py",
        "COMPLETE",
        number,
        ["in"],
        [dataset(name) for name in outputs],
        job_facets={"sourceCode": facet(**body)} if text is not None else {},
        run_facets=code,
    )


@pytest.fixture(params=["memory", "sqlite"])
def lineage_of(request, tmp_path):
    """``lineage_of(event, ...)``: a store with these events, asked."""
    opened = []

    def make(*events):
        store = open_store("memory://" if request.param == "memory" else str(tmp_path / f"store{len(opened)}"))
        opened.append(store)
        receipts = store.append([msgspec.json.encode(event) for event in events])
        assert {receipt.status.value for receipt in receipts} == {"stored"}
        return Lineage(store)

    yield make
    for store in opened:
        store.close()


def code_of(lineage, before=1, after=2):
    """The comparison of the code of two runs."""
    return lineage.diff(run_id(before), run_id(after)).code


def test_a_changed_line_is_shown_with_the_lines_around_it(lineage_of):
    """As a unified diff, without the names of files."""
    lineage = lineage_of(run(1, OLD, "a1"), run(2, NEW, "b2"))
    assert code_of(lineage) == CodeDiff(
        state="changed",
        lines=(
            "@@ -1,6 +1,6 @@", " import x", " ", " def f(a):", "-    return a", "+    return a + 1", " ", " f(1)",
        ),
    )  # fmt: skip
    text = plain(diff_lines(lineage.diff(run_id(1), run_id(2))))
    assert "code, line by line\n  @@ -1,6 +1,6 @@\n   import x\n" in text
    assert "  -    return a\n  +    return a + 1\n" in text


def test_the_same_code_is_called_the_same(lineage_of):
    """By its text, or by its digest where the text was not kept; that what was masked differs is said."""
    assert code_of(lineage_of(run(1, OLD, "a1"), run(2, OLD, "a1"))) == CodeDiff(state="same")
    lineage = lineage_of(run(1, sha256="a1"), run(2, sha256="a1"))
    assert code_of(lineage) == CodeDiff(state="same", note="the digest is the same; the text was not kept")
    assert "same code  the digest is the same" in plain(diff_lines(lineage.diff("s.py")))
    masked = code_of(lineage_of(run(1, OLD, "a1"), run(2, OLD, "b2")))
    note = "the texts are the same; what is masked in them, or not part of them, differs"
    assert masked == CodeDiff(state="same", note=note)


def test_a_text_that_was_not_kept_is_named(lineage_of):
    """The run whose text is missing, or both; and nothing is said where nothing is known of any code."""
    lineage = lineage_of(run(1, OLD, "a1"), run(2, sha256="b2"), run(3, sha256="c3"), run(4), run(5))
    only = code_of(lineage)
    assert only == CodeDiff(state="unknown", note="the text of run 00000000-0002 was not kept")
    assert "the text of run 00000000-0002 was not kept" in plain(diff_lines(lineage.diff(run_id(1), run_id(2))))
    assert code_of(lineage, 2, 3).note.count("was not kept") == 2
    assert code_of(lineage_of(run(1), run(2))) is None


def test_a_run_has_the_text_of_its_own_code(lineage_of):
    """Not that of the job by now: runs that sent no text have the one with their digest, in whichever order."""
    lineage = lineage_of(
        run(1, OLD, "a1"), run(2, NEW, "b2"), run(3, sha256="a1"), run(4, sha256="b2"), run(5, OLD, "a1")
    )
    store = lineage.store
    texts = []
    for number in range(1, 6):
        row = store.run(run_id(number))
        texts.append(run_source(store, row, run_facts(store, row).code).text)
    assert texts == [OLD, NEW, OLD, NEW, OLD]


def test_an_emitter_without_digests_has_the_text_of_the_time(lineage_of):
    """The text that the job had when the run ended."""
    lineage = lineage_of(run(1, OLD), run(2), run(3, NEW), run(4))
    assert code_of(lineage, 1, 2) == CodeDiff(state="same")
    assert code_of(lineage, 2, 4).state == "changed"


def test_long_differences_are_bounded_and_counted(lineage_of):
    """What is beyond the limit is counted; what would take too long is not compared; a text that was cut says so."""
    long = "".join(f"line {number}\n" for number in range(2_500))
    other = long.replace("line", "other")
    found = code_of(lineage_of(run(1, long, "a1"), run(2, other, "b2", is_cut=True)))
    assert (len(found.lines), found.left_out) == (MOST_LINES, 5_001 - MOST_LINES)
    assert found.note == "only the beginning of a text is kept, and compared"
    longer = long + long
    found = code_of(lineage_of(run(1, longer, "a1"), run(2, longer.replace("line", "other"), "b2")))
    assert (found.state, found.lines) == ("changed", ())
    assert found.note == "the texts differ over more than 3,000 lines, and are not compared line by line"
    found = code_of(lineage_of(run(1, longer + "a\n", "a1"), run(2, longer + "b\n", "b2")))
    assert found.lines[-2:] == ("-a", "+b")


def test_versions_compare_the_code_of_the_runs_that_wrote_them(lineage_of):
    """The change of a dataset leads to the lines that made it."""
    lineage = lineage_of(run(1, OLD, "a1"), run(2, NEW, "b2"))
    diff = lineage.diff("out")
    assert diff.of == "version"
    assert diff.code == code_of(lineage)
    assert msgspec.json.decode(diff.to_json())["code"]["state"] == "changed"


def test_odd_facets_are_no_text(lineage_of):
    """A text that is no text, or was removed, is missing."""
    lineage = lineage_of(run(1, "", "a1"), run(2, NEW, "b2"))
    assert code_of(lineage).note == "the text of run 00000000-0001 was not kept"
