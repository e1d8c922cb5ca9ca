"""Specification of patterns that are compiled when they are first used."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

import headwater
from headwater.model.patterns import LazyPattern, lazy_pattern


def test_a_pattern_does_what_a_compiled_one_does() -> None:
    """Every method and attribute is that of the compiled pattern, for text and for bytes, with and without flags."""
    for text, flags, example in ((r"(?P<a>\d)x?", 0, "1x2"), (rb"b+", re.IGNORECASE, b"aBb")):
        lazy, compiled = lazy_pattern(text, flags), re.compile(text, flags)
        assert lazy.findall(example) == compiled.findall(example)
        assert [m.span() for m in lazy.finditer(example)] == [m.span() for m in compiled.finditer(example)]
        assert lazy.sub(text[:0], example) == compiled.sub(text[:0], example)
        assert lazy.split(example) == compiled.split(example)
        assert (lazy.pattern, lazy.flags, lazy.groups) == (compiled.pattern, compiled.flags, compiled.groups)
        for method in ("search", "match", "fullmatch"):
            assert str(getattr(lazy, method)(example)) == str(getattr(compiled, method)(example))


def test_nothing_is_compiled_before_it_is_used() -> None:
    """A wrong pattern raises at its first use, so nothing was compiled before."""
    wrong = lazy_pattern("(")
    with pytest.raises(re.error):
        wrong.search("x")


def test_every_pattern_is_right() -> None:
    """Each lazy pattern of the package compiles, although a program may never use it."""
    found = 0
    for layer in ("model", "formats", "storage", "capture"):
        package = importlib.import_module(f"headwater.{layer}")
        for module in pkgutil.walk_packages(package.__path__, f"headwater.{layer}."):
            if re.search(r"\.integrations\.|\.postgres|\._", module.name):
                continue  # these load libraries
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, LazyPattern):
                    assert isinstance(re.compile(value.pattern, value.flags), re.Pattern)
                    found += 1
    assert found > 80, headwater.__path__
