"""Text for terminals: hostile names are harmless, and nothing is wider than asked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headwater.query.terminal_text import Span, clean, elide, fit, listing, plain, plural, table, width


@given(st.text())
def test_cleaned_text_drives_no_terminal(text: str) -> None:
    """No escape, no control and no direction mark is left, and cleaning twice changes nothing."""
    found = clean(text)
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 or char in "\u202e\u2066\u200f" for char in found)
    assert clean(found) == found


@given(st.text(st.characters(categories=["L", "N", "P"])), st.integers(1, 60))
def test_elided_text_fits(text: str, cells: int) -> None:
    """An elided name is at most as wide as asked, and whole when it fits."""
    found = elide(text, cells)
    assert width(found) <= cells
    assert found == text or width(text) > cells


def test_elided_names_keep_both_ends() -> None:
    """The end of a path tells files apart, so the middle goes."""
    assert elide("raw/measurements_of_the_year_2026.csv", 20) == "raw/meas…ar_2026.csv"


@given(st.lists(st.text(st.characters(categories=["L", "N"]), max_size=12), max_size=6), st.integers(2, 40))
def test_fitted_lines_fit(words: list[str], cells: int) -> None:
    """A line that is cut is at most as wide as asked."""
    line = fit([Span(word, "dim") for word in words], cells)
    assert sum(width(span.text) for span in line) <= cells


@given(st.lists(st.lists(st.text(st.characters(categories=["L"]), max_size=30), min_size=3, max_size=3), max_size=5))
def test_tables_align(rows: list[list[str]]) -> None:
    """Every column of a table starts at the same cell, and the table keeps to its width."""
    lines = table(["a", "b", "c"], [[Span(cell) for cell in row] for row in rows], cells=60)
    starts = {tuple(sum(width(span.text) for span in line[:at]) for at in (2, 4)) for line in lines}
    assert len(starts) == 1
    assert all(sum(width(span.text) for span in line) <= 60 for line in lines)


def test_words() -> None:
    """Counts and lists read as English."""
    assert plural(1, "row") == "1 row"
    assert plural(12_345, "row") == "12,345 rows"
    assert plural(2, "query", "queries") == "2 queries"
    assert listing(list("abcdef"), 2) == "a, b and 4 more"
    assert plain([[Span("a "), Span("b ")], []]) == "a b\n\n"


def test_a_count_of_a_type_reads_like_words() -> None:
    """One is singular, several plural, and the types whose names are no nouns have words of their own."""
    from headwater.query.symbols import count_of

    assert count_of(1, "TABLE") == "1 table"
    assert count_of(2, "FEATURE_VIEW") == "2 feature views"
    assert count_of(1, "predictions") == "1 prediction log"
    assert count_of(1234, "PREDICTIONS") == "1,234 prediction logs"
    assert count_of(2, "memory") == "2 tables in memory"
    assert count_of(2, "API") == "2 APIs"
