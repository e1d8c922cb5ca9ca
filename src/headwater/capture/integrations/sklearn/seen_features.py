"""The features that transformers of the user's own were seen to make, by identity of the transformer."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from headwater.capture.integrations.sklearn.features import Features

_made: Final[dict[int, tuple[weakref.ref[Any], tuple[str, ...], Features]]] = {}
"""The columns that a transformer was given last, and what it made of them."""


def of(transformer: Any, columns: Sequence[str]) -> Features | None:
    """The features that a transformer was seen to make of these columns, or of as many that had no names; None if that
    was not seen."""
    found = _made.get(id(transformer))
    if found is None or found[0]() is not transformer:
        return None
    is_same = found[1] == tuple(columns)
    is_unnamed = len(found[1]) == len(columns) and all(name == f"x{place}" for place, name in enumerate(found[1]))
    return found[2] if is_same or is_unnamed else None


def note(transformer: Any, columns: tuple[str, ...], features: Features) -> None:
    """Keep, as long as the transformer is alive, what it made of these columns."""
    key = id(transformer)
    _made[key] = (weakref.ref(transformer, functools.partial(_drop, key)), columns, features)


def forget(transformer: Any) -> None:
    """What a transformer made before is no longer what it makes."""
    _made.pop(id(transformer), None)


def _drop(key: int, gone: weakref.ref[Any]) -> None:
    if key in _made and _made[key][0] is gone:
        del _made[key]
