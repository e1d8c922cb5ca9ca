"""What an array that nobody saw being made was probably made of.

Operators, element-wise functions and comprehensions over arrays are compiled code: ``predict(X).round()`` gives an
array that no hook has seen. Where such an array is used, the user's code is read for where it came from
(``headwater.capture.surmise``); where the code does not tell, and for lists, it is taken to come from the latest array
of the same length that is followed. Either is a guess, and every edge that rests on it is marked ``inferred``.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from headwater.capture.values import INFERRED, UNKNOWN, Columns, Dep, Value, Values, make_value, user_site

_KEPT: Final = 64
_SHORTEST: Final = 2
"""A sequence of one could be anything."""


class Guesses:
    """The latest arrays that are followed, by length."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._recent: deque[tuple[int, Value]] = deque(maxlen=_KEPT)

    def saw(self, obj: object, value: Value) -> None:
        """An object was bound: remember arrays."""
        if type(obj).__name__ == "ndarray" and value.rows is not None:
            self._recent.append((value.rows, value))

    def value_of(self, obj: Any) -> Value | None:
        """A value for an array or list that is not known: what the code says, else the latest array of its length."""
        if type(obj).__name__ not in ("ndarray", "list", "tuple") or getattr(obj, "ndim", 1) == 0:
            return None
        rows = len(obj)
        if rows < _SHORTEST:
            return None
        if type(obj).__name__ == "ndarray":
            from headwater.capture.surmise import surmise

            found = surmise(self._values, *user_site(2), rows)
            if found is not None:
                return None if found is UNKNOWN else found
        for known_rows, value in reversed(self._recent):
            if known_rows == rows:
                return make_value("unseen", (value,), _from_all, columns=value.columns, rows=rows)
        return None


def _from_all(value: Value) -> Columns:
    deps = [Dep(0, None, description=INFERRED)]
    return Columns(dict.fromkeys(value.column_names() or ("*",), deps))
