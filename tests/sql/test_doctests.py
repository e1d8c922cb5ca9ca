"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import headwater.sql

MODULES = ["headwater.sql", *(f"headwater.sql.{found.name}" for found in pkgutil.iter_modules(headwater.sql.__path__))]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    """Every example of a module gives what it shows."""
    assert doctest.testmod(importlib.import_module(name)).failed == 0
