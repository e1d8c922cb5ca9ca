"""The names of the columns that an operation on a lazy frame makes, told by its expressions one by one.

Only if each of them has one output: selectors, wildcards and regular expressions have to be replayed (``lazy_schema``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from headwater.capture.integrations.polars.expressions import expressions
from headwater.capture.integrations.polars.lazy_schema import Frame, polars
from headwater.capture.values import Value

Tell = Callable[[], Iterable[str] | None]
"""Tells names; None if only a replay can."""

_KEPT: Final = frozenset(
    (
        *(
            "filter",
            "remove",
            "drop_nulls",
            "drop_nans",
            "unique",
            "sort",
            "top_k",
            "bottom_k",
            "head",
            "tail",
            "limit",
        ),
        *("slice", "reverse", "gather_every", "set_sorted", "inspect", "fill_null", "fill_nan", "cast", "shift"),
        "interpolate",
    )
)
"""Methods of lazy frames that keep all columns and add none."""
_ADD: Final = ("with_columns", "with_columns_seq")
_CHOOSE: Final = ("select", "select_seq")


def told(method: str, source: Value, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tell | None:
    """Tells the names of the columns of the result of ``method`` on a frame like ``source``."""
    if method in _KEPT:
        return lambda: source.column_names() or None
    if method not in (*_ADD, *_CHOOSE):
        return None

    def tell() -> Iterable[str] | None:
        own = source.column_names()
        names = outputs_told(args, kwargs) if own else None
        if names is None:
            return None
        return {**dict.fromkeys(own), **dict.fromkeys(names)} if method in _ADD else names

    return tell


def outputs_told(args: Iterable[Any], kwargs: dict[str, Any]) -> list[str] | None:
    """The names of the outputs of expressions; None if one of them has several, or polars cannot tell."""
    pl = polars()
    plain = [part for item in args for part in (item if isinstance(item, list | tuple) else (item,))]
    if not all(isinstance(item, str | pl.Expr) for item in plain):
        return None
    if any(isinstance(item, Frame) or not isinstance(item, str | pl.Expr | int | float) for item in kwargs.values()):
        return None
    names: list[str] = []
    for expression in expressions(plain, kwargs):
        if expression.meta.has_multiple_outputs():
            return None
        try:
            names.append(expression.meta.output_name())
        except pl.exceptions.PolarsError:
            return None
    return names if len(set(names)) == len(names) else None
