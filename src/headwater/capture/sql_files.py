"""Files that an SQL statement names in place of tables: ``FROM 'sales.csv'``, ``read_csv(['a.csv', 'b/*.csv'])``."""

from __future__ import annotations

import re
from typing import Final

from headwater.capture.locations import matching

TEXT: Final = r"'(?:[^']|'')*'"
QUOTED: Final = re.compile(TEXT)
_PLACES: Final = re.compile(
    rf"(?:\b(?:FROM|JOIN)\s+|\b(?:read_\w+|\w+_scan)\s*\(\s*)({TEXT}|\[\s*(?:{TEXT}[\s,]*)*\])", re.I
)


def quoted_files(text: str) -> list[str]:
    """The files and patterns in the place of a table, or as first argument of a function that reads files."""
    if "'" not in text:
        return []
    quoted = [found for place in _PLACES.findall(text) for found in QUOTED.findall(place)]
    return list(dict.fromkeys(found[1:-1].replace("''", "'") for found in quoted))


def patterns_in(text: str) -> dict[str, list[str]]:
    """The local files that match each pattern in a statement now; when the statement is parsed, they may have
    changed."""
    if not any(sign in text for sign in "*?["):
        return {}
    return {pattern: files for pattern in quoted_files(text) if (files := matching(pattern))}
