"""The columns that an expression of arrow names, or that sort options do.

Both are compiled, and tell what they refer to in their printed form alone: ``((a > 1) and is_in(b, {...}))``. Names are
printed there as they are, without quotes. So what cannot be a name is taken out first, and longer names are looked for
before shorter ones, which may be a part of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from headwater.model.patterns import lazy_pattern

_NO_NAME: Final = lazy_pattern(
    r"""
    "(?:[^"\\]|\\.)*"      # a text
    | \{[^{}]*\}           # options of a function, or a literal structure
    | \w+<[^<>]*>          # a type
    | \w+(?=\()            # a function
    """,
    re.VERBOSE | re.DOTALL,
)
_NESTED: Final = lazy_pattern(r"FieldRef\.Nested\(FieldRef\.Name\((.*?)\)(?: FieldRef\.\w+\(.*?\))*\)")
_PLACE: Final = lazy_pattern(r"(?:FieldRef\.)?FieldPath\((\d+)[^)]*\)")
_KEY: Final = lazy_pattern(r"FieldRef\.Name\((.*?)\) (?:ASC|DESC)\b")
_PLAIN: Final = lazy_pattern(r"[^\W\d][\w .\-]*")
"""Matches a name that can be no number and no sign."""
_MARKS: Final = frozenset('"{}()<>\\')
"""What tells names from the rest; a name that has some of them itself leaves it unsure what belongs to it."""
_WORDS: Final = frozenset(("and", "or", "true", "false", "null", "nan", "inf"))
"""What is printed of operators and literals, and might be a name, too."""


def names_in(expression: object, columns: Sequence[str]) -> dict[str, bool]:
    """The columns that an expression names, each with whether that is sure: a column called ``1`` may be the number."""
    found: dict[str, bool] = {}
    text = _referred(_NESTED, str(expression), columns, found, lambda match: match[1])
    marked = [name for name in columns if not _MARKS.isdisjoint(name) and name in text]
    found.update(dict.fromkeys(marked, False))
    text = _referred(_PLACE, text, columns, found, lambda match: _at(columns, int(match[1])))
    text = _NO_NAME.sub(" ", text)
    for name in sorted({name for name in columns if name and name in text}, key=lambda name: (-len(name), name)):
        text, count = re.subn(rf"(?<!\w){re.escape(name)}(?!\w)", "\0", text)
        if count and name not in found:
            found[name] = not marked and name not in _WORDS and _PLAIN.fullmatch(name) is not None
    return found


def keys_in(given: Iterable[object], columns: Sequence[str]) -> list[str]:
    """The columns by which a function sorts that got these arguments: pairs of name and order, or options with such."""
    found: dict[str, bool] = {}
    for item in given:
        for key in item if isinstance(item, list | tuple) else ():
            first = key[0] if isinstance(key, tuple) and key else key
            found.update({first: True} if isinstance(first, str) else names_in(first, columns))
        if hasattr(item, "serialize"):  # options
            text = _referred(_NESTED, str(item), columns, found, lambda match: match[1])
            text = _referred(_PLACE, text, columns, found, lambda match: _at(columns, int(match[1])))
            found.update(dict.fromkeys(_KEY.findall(text), True))
    return [name for name in found if name in columns]


def _referred(pattern: re.Pattern[str], text: str, columns: Sequence[str], found: dict[str, bool], name: Any) -> str:
    """Note what a pattern finds, and take it out of the text."""
    found.update((known, True) for match in pattern.finditer(text) if (known := name(match)) in columns)
    return pattern.sub(" ", text)


def _at(columns: Sequence[str], place: int) -> str | None:
    return columns[place] if place < len(columns) else None
