"""Fixture files: each statement and what must be said about it.

``HEADWATER_UPDATE_GOLDEN=1 pytest tests/sql/test_golden.py`` writes the expected lines anew; read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .golden import FIXTURES, Case, actual, cases, rewrite

FILES = sorted(FIXTURES.glob("*.sql"))
if os.environ.get("HEADWATER_UPDATE_GOLDEN"):
    for _file in FILES:
        rewrite(_file)

CASES = [case for file in FILES for case in cases(file)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file.stem}-{case.line}")
def test_fixture(case: Case) -> None:
    """Every statement of a fixture is analysed as its ``=>`` lines say."""
    assert actual(case) == case.expected, case.sql


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_case_says_what_it_expects(file: Path) -> None:
    """A case without an expected line would pass nothing and prove nothing."""
    assert all(case.expected for case in cases(file))
