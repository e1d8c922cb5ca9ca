"""The files that a statement of duckdb reads by a parameter: ``read_parquet(?)``.

No other values of parameters are examined. As the argument of a function that reads files, these are names of files and
not data.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final

from headwater.model.patterns import lazy_pattern

_TOKENS: Final = lazy_pattern(
    r"(?P<apart>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/)"
    r"|(?P<reads>\b(?:read_\w+|parquet_scan|parquet_metadata|parquet_schema|glob)\s*\(\s*)?"
    r"(?P<place>\?\d*|\$\w+)",
    re.S | re.I,
)


def with_files(text: str, given: Any) -> str:
    """The statement, with the names of the files in place of their parameters."""
    if not given or ("?" not in text and "$" not in text) or isinstance(given, str):
        return text
    counted = 0

    def spelled(found: re.Match[str]) -> str:
        nonlocal counted
        place = found["place"]
        if place is None:
            return found[0]
        counted += place == "?"
        if found["reads"] is None:
            return found[0]
        return found["reads"] + (_literal(_value(given, place, counted)) or place)

    return _TOKENS.sub(spelled, text)


def _value(given: Any, place: str, counted: int) -> Any:
    """The value given for ``?``, ``?2``, ``$2`` or ``$name``."""
    name = place[1:]
    if isinstance(given, Mapping):
        return given.get(name)
    number = int(name) if name.isdigit() else counted if not name else 0
    return given[number - 1] if isinstance(given, list | tuple) and 0 < number <= len(given) else None


def _literal(value: Any) -> str | None:
    """A file name, or a list of them, as an SQL literal."""
    if isinstance(value, str | os.PathLike):
        name = os.fspath(value)
        return "'" + name.replace("'", "''") + "'" if isinstance(name, str) else None
    if isinstance(value, list | tuple) and value:
        names = [_literal(item) for item in value]
        return "[" + ", ".join(name for name in names if name) + "]" if all(names) else None
    return None
