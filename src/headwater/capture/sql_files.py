"""Files that an SQL statement names in place of tables: ``FROM 'sales.csv'``, ``read_csv(['a.csv', 'b/*.csv'])``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from headwater.capture.locations import matching
from headwater.model.patterns import lazy_pattern

TEXT: Final = r"'(?:[^']|'')*'"
QUOTED: Final = lazy_pattern(TEXT)
_ALIAS: Final = r"(?:\s+(?:AS\s+)?[\w\"]+)?"
_SOURCE: Final = lazy_pattern(
    rf"\b(?:FROM|JOIN)\s+(?:[\w.\"]+{_ALIAS}\s*,\s*)*(?P<file>{TEXT})"
    rf"|(?P<call>\b(?:read_\w+|\w+_scan)\s*\()|{TEXT}",
    re.IGNORECASE,
)
_ANOTHER: Final = lazy_pattern(rf"{_ALIAS}\s*,\s*(?:[\w.\"]+{_ALIAS}\s*,\s*)*({TEXT})", re.IGNORECASE)
"""What follows one file in a list of tables: ``FROM 'a.csv' a, 'b.csv' b``."""
_FIRST: Final = lazy_pattern(rf"\w+\s*\(\s*({TEXT}|\[\s*(?:{TEXT}[\s,]*)*\])")


def readers(text: str) -> Iterator[str]:
    """What a statement reads files with: file names in the place of a table, and calls of functions that read files."""
    for place in _SOURCE.finditer(text):
        end: int | None = place.end()
        if place["file"]:
            yield place["file"]
        elif place["call"] and (end := _end_of_call(text, place.start())) is not None:
            yield text[place.start() : end]
        else:
            continue
        while end is not None and (another := _ANOTHER.match(text, end)) is not None:
            yield another[1]
            end = another.end()


def _end_of_call(text: str, start: int) -> int | None:
    """Where the parenthesis of a call closes; parentheses in string literals do not count."""
    depth, at = 0, start
    while at < len(text):
        if text[at] == "'" and (quoted := QUOTED.match(text, at)) is not None:
            at = quoted.end()
            continue
        depth += (text[at] in "([{") - (text[at] in ")]}")
        at += 1
        if depth == 0 and text[at - 1] == ")":
            return at
    return None


def quoted_files(text: str) -> list[str]:
    """The files and patterns in the place of a table, or as first argument of a function that reads files."""
    if "'" not in text:
        return []
    first = [reader if reader.startswith("'") else _FIRST.match(reader) for reader in readers(text)]
    quoted = [one for item in first if item for one in QUOTED.findall(item if isinstance(item, str) else item[1])]
    return list(dict.fromkeys(found[1:-1].replace("''", "'") for found in quoted))


def patterns_in(text: str) -> dict[str, list[str]]:
    """The local files that match each pattern in a statement now; when the statement is parsed, they may have
    changed."""
    if not any(sign in text for sign in "*?["):
        return {}
    return {pattern: files for pattern in quoted_files(text) if (files := matching(pattern))}
