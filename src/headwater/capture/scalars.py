"""Numbers and strings taken out of data: a mean, the most frequent value, the latest date.

``test.age.fillna(train.age.median())`` makes a column of one frame depend on a column of another through a number.
Numbers cannot be weakly referenced, and their ``id()`` is reused once they are gone. So the latest ones are kept alive
(each a single value, never a part of the data) and recognised by identity for as long as they are kept.

Small integers, booleans, and empty or one-letter strings are shared objects in Python, and are not followed.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from headwater.capture.value_table import Values
from headwater.capture.values import Value

_KEPT: Final = 512
_SHARED: Final = frozenset((bool, type(None), type, type(...)))
_SHARED_INTEGERS: Final = range(-5, 257)
"""The interpreter shares one object for each of these."""
_SHORTEST: Final = 2


class Scalar:
    """Represents one number in the table of values, which needs objects that can be weakly referenced."""

    __slots__ = ("__weakref__", "item", "value")

    def __init__(self, item: object) -> None:
        self.item = item
        self.value: Value | None = None


def can_follow(item: object) -> bool:
    """Whether an object is a scalar that can be recognised by identity."""
    kind = type(item)
    if kind in _SHARED or kind.__name__ in ("bool_", "bool", "NAType", "NaTType"):
        return False
    if kind is int:
        return item not in _SHARED_INTEGERS
    if kind is str:
        return len(item) >= _SHORTEST  # type: ignore[arg-type]
    return kind is float or hasattr(kind, "dtype") or kind.__name__ in ("Timestamp", "Timedelta", "datetime", "date")


class Scalars:
    """The latest scalars that were taken out of data, by identity."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._by_id: dict[int, Scalar] = {}
        self._by_item: dict[object, Scalar] = {}
        self._order: deque[Scalar] = deque()

    def derive(self, item: object, op: str, *args: Any, **kwargs: Any) -> None:
        """Record that ``item`` was made by ``op``, as ``Values.derive`` does."""
        holder = Scalar(item)
        holder.value = self._values.derive(holder, op, *args, **kwargs)
        self._keep(holder)

    def keep(self, item: object, value: Value) -> None:
        """Keep ``item`` with a value that exists already, for a number that no operation has returned yet."""
        holder = Scalar(item)
        holder.value = value
        self._keep(holder)

    def _keep(self, holder: Scalar) -> None:
        item = holder.item
        self._by_id[id(item)] = self._by_item[item] = holder
        self._order.append(holder)
        if len(self._order) > _KEPT:
            oldest = self._order.popleft()
            if self._by_id.get(id(oldest.item)) is oldest:
                self._by_id.pop(id(oldest.item), None)
            if self._by_item.get(oldest.item) is oldest:
                self._by_item.pop(oldest.item, None)

    def value_of(self, item: object) -> Value | None:
        """The value of a kept scalar; None for anything else."""
        holder = self._by_id.get(id(item))
        return holder.value if holder is not None and holder.item is item else None

    def equal_to(self, item: object) -> Value | None:
        """The value of the latest scalar equal to ``item``, for libraries that store it by value."""
        holder = self._by_item.get(item)
        return holder.value if holder is not None else None

    def made_by(self, like: Value) -> list[Value]:
        """The values of the kept scalars made by the same instruction as ``like``, in the order of their creation."""
        kept = list(self._order)  # at once: other threads keep scalars, too
        values = [holder.value for holder in kept if holder.value is not None]
        return [value for value in values if value.code is like.code and value.offset == like.offset]

    def __len__(self) -> int:
        return len(self._order)
