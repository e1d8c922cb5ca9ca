"""Column names of polars results, resolved only when needed.

A lazy frame must not be resolved on the user's behalf, and resolving costs time. So an operation keeps its arguments
(expressions and names, never frames), and the names of its result come from replaying it on empty frames with the
schemas of its inputs. That way polars itself expands selectors, wildcards, suffixes and regular expressions. Where the
expressions have one output each, polars tells its name, and nothing is replayed: an empty frame is made column by
column, and a plan may have hundreds of steps.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from headwater.capture.guard import GUARD
from headwater.capture.hooks import unobserved
from headwater.capture.values import Value

Schema = dict[str, Any]
"""Column name to polars dtype; ``Null`` if the dtype is unknown."""


class Names:
    """The column names of a polars value: an immutable ``Value.columns`` that is computed on first use."""

    __slots__ = ("_before", "_is_remote", "_make", "_names", "_schema", "_tell")

    def __init__(
        self,
        schema: Schema | None = None,
        make: Callable[[], Schema] | None = None,
        *,
        is_remote: bool = False,
        before: tuple[Value, ...] = (),
        tell: Callable[[], Iterable[str] | None] | None = None,
    ) -> None:
        self._schema = schema
        self._make = make
        self._tell = tell
        """Tells the names alone, from those of the values ``before``; None if it cannot."""
        self._names: tuple[str, ...] | None = None
        self._before = before
        """The values whose columns are asked for when the schema is made."""
        self._is_remote = is_remote
        """Whether polars would ask another machine, which the program has not done yet."""
        if is_remote:
            _Remote.is_any = True

    def reached(self) -> None:
        """The program has reached that machine itself."""
        self._is_remote = False

    def schema(self) -> Schema:
        """Names and dtypes; empty if polars cannot determine them."""
        if self._is_remote:
            return {}
        if self._schema is None:
            for names in _first_to_last(self, lambda names: names._schema is None and not names._is_remote):
                names._resolve()
        return self._schema or {}

    def _resolve(self) -> None:
        with GUARD.at("polars.replay"), unobserved():
            self._schema = self._make() if self._make is not None else {}
        self._schema = self._schema or {}
        self._make = self._tell = None
        self._before = ()

    def __iter__(self) -> Iterator[str]:
        if self._names is None and self._tell is not None:
            for names in _first_to_last(self, lambda names: names._names is None and names._tell is not None):
                names._be_told()
        return iter(self._names if self._names is not None else self.schema())

    def _be_told(self) -> None:
        tell, self._tell = self._tell, None
        with GUARD.at("polars.names"), unobserved():
            told = tell() if tell is not None else None
            self._names = tuple(told) if told is not None else None


def _first_to_last(last: Names, is_meant: Callable[[Names], bool]) -> list[Names]:
    """Those of the names behind ``last``, and itself, that are meant: first those that others are made from. Without
    recursion, as a plan may have thousands of steps."""
    found: dict[int, Names] = {}
    begun: set[int] = set()
    waiting = [last]
    while waiting:
        names = waiting[-1]
        behind = [value.columns for value in names._before if isinstance(value.columns, Names)]
        more = [item for item in behind if id(item) not in begun and is_meant(item)] if id(names) not in begun else []
        begun.add(id(names))
        waiting += more
        if not more:
            found.setdefault(id(names), waiting.pop())
    return list(found.values())


class _Remote:
    is_any = False
    """Whether a file on another machine was ever scanned."""


def plan_ran(value: Value | None) -> None:
    """The program ran the plan of a lazy frame: the files that it scans are within reach."""
    waiting, seen = [value] if value is not None and _Remote.is_any else [], set[int]()
    while waiting:
        found = waiting.pop()
        if id(found) not in seen:
            seen.add(id(found))
            waiting += found.inputs
            if isinstance(found.columns, Names):
                found.columns.reached()


class Frame:
    """Represents, among the arguments of an operation, the frame or column that is its input at ``position``."""

    __slots__ = ("is_column", "name", "position")

    def __init__(self, position: int, *, is_column: bool = False, name: str = "") -> None:
        self.position = position
        self.is_column = is_column
        self.name = name
        """The new name of the column; empty if it keeps its own."""

    def empty(self, value: Value, *, is_typed: bool = True) -> Any:
        """An empty object in place of the one that this represents, which has the given value."""
        if not self.is_column:
            return empty(value, is_typed=is_typed)
        names = value.column_names()
        return polars().Series(names[0] if names else "", [], dtype=polars().Null)


def polars() -> Any:
    """The polars that the program loaded."""
    return sys.modules["polars"]


def schema_of(value: Value) -> Schema:
    """The schema of a value; names without types if it comes from elsewhere (pandas, a file)."""
    if isinstance(value.columns, Names):
        return value.columns.schema()
    null = polars().Null
    return dict.fromkeys(value.column_names(), null)


def empty(value: Value, *, is_typed: bool = True) -> Any:
    """An empty lazy frame with the schema of ``value``, or with its names alone."""
    schema = schema_of(value)
    return polars().LazyFrame(schema=schema if is_typed else dict.fromkeys(schema, polars().Null))


def replayed(
    inputs: tuple[Value, ...],
    method: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    tell: Callable[[], Iterable[str] | None] | None = None,
) -> Names:
    """The column names of the result of ``method`` on frames like ``inputs``. Frames among the arguments are replaced
    by ``Frame``. ``tell`` tells the names without a replay, if it can."""

    def attempt(*, is_typed: bool) -> Schema:
        def stand_in(item: Any) -> Any:
            if isinstance(item, list):
                return [stand_in(part) for part in item]
            return item.empty(inputs[item.position], is_typed=is_typed) if isinstance(item, Frame) else item

        frame = empty(inputs[0], is_typed=is_typed)
        result = getattr(frame, method)(*map(stand_in, args), **{key: stand_in(item) for key, item in kwargs.items()})
        return dict(result.collect_schema())

    def make() -> Schema:
        # keys of a join of which one has no known type do not fit together
        with contextlib.suppress(polars().exceptions.PolarsError):
            return attempt(is_typed=True)
        return attempt(is_typed=False)

    return Names(make=make, before=inputs, tell=tell)
