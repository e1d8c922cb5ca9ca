"""Converts a decoder error into the dotted field, its value and the rule it violates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from headwater.model.patterns import lazy_pattern

_PATH = lazy_pattern(r"^(?P<what>.*?)(?: - at `(?:key in )?\$(?P<path>.*)`)?$", re.DOTALL)
_MISSING = lazy_pattern(r"Object missing required field `(.+)`")
_TYPE = lazy_pattern(r"Expected `(.+)`, got `(.+)`")
_RANGE = lazy_pattern(r"Expected `(?P<type>\w+)`(?P<length> of length)? (?P<sign><=|>=|<|>) (?P<bound>\S+)")
_UNKNOWN = lazy_pattern(r"Object contains unknown field `(.+)`")
_PATTERN = lazy_pattern(r"Expected `str` matching regex (.+)")
_ENUM = lazy_pattern(r"Invalid enum value (.+)")
_STEP = lazy_pattern(r"\[(\d+)\]|([^.\[\]]+)")
_BOUNDS = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than"}
NOT_LISTED = "must be a value that is known here"
"""The rule of a member whose values are listed, by whoever declares it."""
_PATTERNS = {
    r"\S": "must not be blank",
    r"^[^\x00]*$": "must not hold NUL characters",
    r"^[^\x00-\x1f]*$": "must not hold control characters",
    r"^[^\x00]*[^\s\x00][^\x00]*$": "must not be blank or hold NUL characters",
}
"""The patterns of our own structs in words. Other patterns are shown unchanged."""
_LENGTHS = {"str": "characters", "array": "items", "object": "members"}
_WORDS = {
    "str": "a string",
    "object": "an object",
    "array": "a list",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
}


def not_json(error: Exception) -> str:
    """The rule that a body which is no JSON breaks, with where it stops being JSON."""
    return f"must be valid JSON in UTF-8: {str(error).removeprefix('JSON is malformed: ')}"[:200]


def rule_of(message: str) -> tuple[str, str]:
    """The dotted field and the rule in a ``msgspec.ValidationError`` message."""
    match = _PATH.match(message)
    what, path = (match["what"], (match["path"] or "").lstrip(".")) if match else (message, "")
    if missing := _MISSING.fullmatch(what):
        return (f"{path}.{missing[1]}" if path else missing[1]), "must be given"
    if wrong := _TYPE.fullmatch(what):
        wanted = " or ".join(_WORDS.get(part, part) for part in wrong[1].split(" | "))
        return path, f"must be {wanted}"
    if found := _RANGE.fullmatch(what):
        bound = f"{_BOUNDS[found['sign']]} {found['bound']}"
        unit = _LENGTHS.get(found["type"], "bytes").removesuffix("s" if found["bound"] == "1" else "")
        return path, f"must have {bound} {unit}" if found["length"] else f"must be {bound}"
    if _ENUM.fullmatch(what):
        return (
            path,
            "must be START, RUNNING, COMPLETE, ABORT, FAIL or OTHER" if path == "eventType" else NOT_LISTED,
        )
    if pattern := _PATTERN.fullmatch(what):
        from ast import literal_eval  # needed for bad input only

        asked = literal_eval(pattern[1])
        return path, _PATTERNS.get(asked, f"must match {asked}")
    if unknown := _UNKNOWN.fullmatch(what):
        return (f"{path}.{unknown[1]}" if path else unknown[1]), "must be a field that is known here"
    return path, f"must be valid: {what}"


def value_at(document: Any, field: str) -> str:
    """A short rendering of what stands at a dotted path of a decoded document; empty when nothing does."""
    here = document
    for index, key in _STEP.findall(field):
        try:
            here = here[int(index)] if index else here[key]
        except (KeyError, IndexError, TypeError):
            return ""
    text = repr(here)
    return text if len(text) <= 80 else text[:77] + "..."


def find_nul(document: Any) -> tuple[str, str] | None:
    """The dotted path and the text of the first string, key or value, that holds a NUL character, in what JSON gave or
    a caller put together."""
    stack: list[tuple[str, Any]] = [("", document)]
    while stack:
        path, here = stack.pop()
        if isinstance(here, str):
            if "\0" in here:
                return path, here
        elif isinstance(here, Mapping):
            for key, value in here.items():
                if isinstance(key, str) and "\0" in key:
                    return path or "input", key
                stack.append((f"{path}.{key}" if path else key, value))
        elif isinstance(here, list | tuple):
            stack.extend((f"{path}[{index}]", value) for index, value in enumerate(here))
    return None
