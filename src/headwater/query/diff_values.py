"""Formats the two values of a difference for people: the differing part of two states, the start of a digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from headwater.model.short_digests import ShortDigests, is_digest, is_run_id
from headwater.query.diff import Diff
from headwater.query.facet_values import is_number
from headwater.query.terminal_text import clean, plural

_DIGESTS = {"fingerprint", "version"}


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a value. ``whole`` is all of a digest that ``text`` is the beginning of, else nothing; a piece of
    several has its name before it, save where that is plain from what it is."""

    text: str
    whole: str = ""


def digests_of(diff: Diff) -> ShortDigests:
    """Return the short forms of all digests that a comparison shows."""
    values = [value for item in diff.differences for value in (item.before, item.after)]
    return ShortDigests(found for value in values for found in _digests_in(value))


def sides(before: Any, after: Any, short: ShortDigests) -> tuple[list[Piece], list[Piece]]:
    """Return two values as pieces; of two states of a dataset, the parts that differ."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        keys = [key for key in {**before, **after} if before.get(key) != after.get(key)] or list(after)
        before = {key: before[key] for key in keys if key in before}
        after = {key: after[key] for key in keys if key in after}
    return pieces(before, short), pieces(after, short)


def pieces(value: Any, short: ShortDigests) -> list[Piece]:
    """Return a value as pieces; none for None."""
    if isinstance(value, Mapping):
        return [_part(str(key), item, short) for key, item in value.items()]
    return [] if value is None else [_piece(value, short)]


def delta(before: Any, after: Any) -> str:
    """Return the difference of two numbers, signed: ``(+0.2)``; nothing for anything else."""
    return f"({after - before:+.4g})" if is_number(before) and is_number(after) else ""


def _part(key: str, value: Any, short: ShortDigests) -> Piece:
    if key == "rows" and isinstance(value, int):
        return Piece(text=plural(value, "row"))
    found = _piece(value, short)
    if key in _DIGESTS:
        return found
    return Piece(text=f"{clean(key)} {found.text}", whole=found.whole)


def _piece(value: Any, short: ShortDigests) -> Piece:
    if isinstance(value, bool):
        return Piece(text="yes" if value else "no")
    if isinstance(value, float):
        return Piece(text=f"{value:.6g}")
    if isinstance(value, str):
        text = short.of(value)
        return Piece(text=clean(text), whole="" if text == value else clean(value))
    if isinstance(value, int):
        return Piece(text=str(value))
    return Piece(text="none" if value is None else clean(msgspec.json.encode(value).decode()))


def _digests_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if is_digest(value) or is_run_id(value):
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _digests_in(item)
