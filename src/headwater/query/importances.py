"""Feature importances of a model from its facet, and their wording."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from headwater.query.facet_values import is_number
from headwater.query.terminal_text import Line, Span, clean, elide, listing, pad, plural, width

KINDS: Final = {
    "impurity": "mean decrease of impurity, the sum is 1",
    "coefficient": "size of the coefficient; of several classes the mean",
    "given": "as the model itself has it",
}
"""What each kind of importance is; another producer's word stands for itself."""

_WIDEST: Final = 32
_BAR: Final = 20


class Importances(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Importances of features, and of the columns that they are made of, heaviest first.

    ``left_out`` counts features without one, ``mixed`` is what features of several columns weigh together.
    """

    kind: str = ""
    features: dict[str, float] = {}
    columns: dict[str, float] = {}
    left_out: int = 0
    mixed: float = 0.0

    @property
    def words(self) -> str:
        """What the numbers are."""
        return KINDS.get(self.kind, self.kind)

    def share(self, names: Sequence[str]) -> float | None:
        """What these features weigh together; None if none of them has an importance."""
        found = [self.features[name] for name in names if name in self.features]
        return sum(found) if found else None


def read_importances(own: Mapping[str, Any]) -> Importances | None:
    """Return the importances in a ``headwater_model`` facet, or None if it has none."""
    details = own.get("importance_details")
    details = details if isinstance(details, dict) else {}
    features, left_out, mixed = _numbers(own.get("importances")), details.get("left_out"), details.get("mixed")
    if not features and not left_out:
        return None
    return Importances(
        kind=str(details.get("kind") or ""),
        features=features,
        columns=_numbers(details.get("columns")),
        left_out=left_out if isinstance(left_out, int) and left_out > 0 else 0,
        mixed=float(mixed or 0) if is_number(mixed) else 0.0,
    )


def _numbers(given: Any) -> dict[str, float]:
    """The numbers of a mapping, largest first, whatever their sign."""
    pairs = [(name, value) for name, value in given.items() if is_number(value)] if isinstance(given, dict) else []
    return dict(sorted(pairs, key=lambda pair: (-abs(pair[1]), pair[0])))


def importance_words(found: Importances, most: int) -> list[str]:
    """Return the heaviest columns, or features where those are the columns, as ``age 0.31``."""
    weights = found.columns or found.features
    words = [f"{clean(elide(name, _WIDEST))} {value:.2g}" for name, value in list(weights.items())[:most]]
    return [f"{words[0]} ({found.kind})", *words[1:]] if words and found.kind else words


def importance_lines(found: Importances, most: int) -> Iterator[Line]:
    """Return a heading and a bar a feature; what is not shown is counted."""
    yield [Span("importance", "heading"), Span(f"  {clean(found.words)}" if found.words else "", "dim")]
    yield from _bars(found.features, most)
    rest = max(0, len(found.features) - most)
    if rest or found.left_out:
        parts = [f"{rest:,} lighter ones" if rest else "", f"{found.left_out:,} not recorded" if found.left_out else ""]
        yield [Span("  and " + ", ".join(part for part in parts if part), "dim")]
    if found.columns:
        yield [Span("by column", "heading"), Span("  the sum over the features made of it alone", "dim")]
        yield from _bars(found.columns, most)
        if len(found.columns) > most:
            yield [Span(f"  and {plural(len(found.columns) - most, 'lighter column')}", "dim")]
        if found.mixed:
            yield [Span(f"  features of several columns weigh {found.mixed:.3g}", "dim")]


def _bars(weights: Mapping[str, float], most: int) -> Iterator[Line]:
    shown = [(elide(clean(name), _WIDEST), value) for name, value in list(weights.items())[:most]]
    room = max((width(name) for name, _ in shown), default=0)
    largest = max((abs(value) for _, value in shown), default=0.0)
    for name, value in shown:
        filled = round(abs(value) / largest * _BAR) if largest else 0
        yield [
            Span("  " + pad(name, room) + "  ", "column"),
            Span("█" * filled, "good"),
            Span("░" * (_BAR - filled), "dim"),
            Span(f" {value:.3g}"),
        ]


def learned_words(fields: Sequence[str], found: Importances | None) -> str:
    """Return what a model learned from a change's columns, and how much that mattered to it."""
    share = found.share(fields) if found is not None else None
    named = f"learned from {listing(fields)}"
    return named if share is None else f"{named}, importance {share:.2g}"
