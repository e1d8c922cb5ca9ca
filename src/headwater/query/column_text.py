"""Column edges as compact text: copies grouped, and columns with the same inputs grouped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from headwater.model.graph import FieldEdge
from headwater.query.symbols import Marks
from headwater.query.terminal_text import Line, Span, clean, listing, plural

_MOST_LINES = 12
_MOST_NAMES = 8


def column_lines(fields: Sequence[FieldEdge], marks: Marks) -> list[Line]:
    """Return the lines for the column edges into one place: target columns, an arrow, source columns, the way."""
    lines = list(_lines(fields, marks))
    if len(lines) <= _MOST_LINES:
        return lines
    rest = len(lines) - _MOST_LINES + 1
    return [*lines[: _MOST_LINES - 1], [Span(f"{marks.more} {plural(rest, 'more line')}: --json has all", "dim")]]


def _lines(fields: Sequence[FieldEdge], marks: Marks) -> Iterator[Line]:
    copies = sorted({field.target_field for field in fields if _is_copy(field)})
    others = {field.target_field for field in fields if field.type != "INDIRECT" and not _is_copy(field)}
    plain = [name for name in copies if name not in others]
    if plain:
        yield [Span(_names(plain), "column"), Span("  unchanged", "dim")]
    values = [field for field in fields if field.type != "INDIRECT" and field.target_field not in plain]
    deciders = [field for field in fields if field.type == "INDIRECT"]
    every = {field.target_field for field in fields}
    for arrow, group in ((marks.value, values), (marks.decides, deciders)):
        for targets, sources, ways, is_masked in _alike(group):
            is_all = len(targets) > 1 and set(targets) == every
            line = [
                Span("every column" if is_all else _names(targets, whole="all of it"), "column"),
                Span(f" {arrow} {_names(sources)}"),
            ]
            if ways:
                line.append(Span(f"  {listing(ways)}", "dim"))
            if is_masked:
                line.append(Span("  masked", "good"))
            yield line


def _is_copy(field: FieldEdge) -> bool:
    is_identity = field.type != "INDIRECT" and field.subtype in {"IDENTITY", ""}
    return is_identity and field.source_field == field.target_field and not field.masking


_Made = tuple[tuple[str, ...], tuple[str, ...], bool]


def _alike(fields: Sequence[FieldEdge]) -> Iterator[tuple[list[str], tuple[str, ...], tuple[str, ...], bool]]:
    """Yield target columns that have the same sources and ways, together."""
    by_target: dict[str, list[FieldEdge]] = {}
    for field in fields:
        by_target.setdefault(field.target_field, []).append(field)
    groups: dict[_Made, list[str]] = {}
    for target, found in sorted(by_target.items()):
        sources = tuple(sorted({field.source_field for field in found}))
        ways = tuple(sorted({field.subtype.lower().replace("_", " ") for field in found} - {"", "identity"}))
        groups.setdefault((sources, ways, any(field.masking for field in found)), []).append(target)
    for (sources, ways, is_masked), targets in groups.items():
        yield targets, sources, ways, is_masked


def _names(names: Sequence[str], whole: str = "every column") -> str:
    return listing([clean(name) or whole for name in names], _MOST_NAMES)
