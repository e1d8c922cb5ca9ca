"""How a value uses a column: small composable codes, and sets of them.

A use is ``2 * subtype + masking`` with the subtype's place in :data:`headwater.sql.results.SUBTYPES`. Through layers
of queries an indirect use stays indirect, of two direct ones the stronger counts (an identity of a sum is a sum), and
what was masked once stays masked.
"""

from __future__ import annotations

from headwater.sql.results import DIRECT, INDIRECT, SUBTYPES, TableName

IDENTITY, TRANSFORMATION, AGGREGATION, JOIN, FILTER, GROUP_BY, SORT, WINDOW, CONDITIONAL = range(0, 18, 2)
MASKED = 1

Ref = tuple[TableName, str]
Uses = dict[Ref, frozenset[int]]


def _composed(inner: int, outer: int) -> int:
    code, masked = max(inner, outer) >> 1, (inner | outer) & 1
    if outer >= JOIN:
        code = outer >> 1
    elif inner >= JOIN:
        code = inner >> 1
    return code << 1 | masked


_COMPOSED = [[_composed(inner, outer) for outer in range(18)] for inner in range(18)]
_THROUGH: dict[tuple[frozenset[int], int], frozenset[int]] = {}


def compose(inner: int, outer: int) -> int:
    """Give the use that an operand has when ``inner`` is done to it and ``outer`` to the result.

    >>> compose(AGGREGATION, TRANSFORMATION) == AGGREGATION
    True
    """
    return _COMPOSED[inner][outer]


def through(uses: frozenset[int], outer: int) -> frozenset[int]:
    """Give ``uses`` as seen through one more layer that uses the value as ``outer``.

    >>> through(frozenset({IDENTITY}), AGGREGATION) == {AGGREGATION}
    True
    """
    if not outer:
        return uses
    found = _THROUGH.get((uses, outer))
    if found is None:
        found = frozenset(_COMPOSED[use][outer] for use in uses)
        if len(_THROUGH) < 10_000:
            _THROUGH[uses, outer] = found
    return found


def merge(into: Uses, more: Uses, outer: int = IDENTITY) -> None:
    """Add ``more``, seen through ``outer``, to ``into``."""
    for ref, codes in more.items():
        seen = through(codes, outer)
        have = into.get(ref)
        into[ref] = seen if have is None or have == seen else have | seen


def kind_of(use: int) -> tuple[str, str, bool]:
    """Type, subtype and masking of a use.

    >>> kind_of(FILTER)
    ('INDIRECT', 'FILTER', False)
    """
    return (DIRECT if use < JOIN else INDIRECT), SUBTYPES[use >> 1], bool(use & MASKED)
