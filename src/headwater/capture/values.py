"""What is known of objects in memory: which operation made them, from what, and how their columns came about.

A ``Value`` is one state of one object (a frame, a series, an array, a fitted estimator). It points at the values it
was made from, so the values that are still alive form the in-memory lineage; what nothing can reach any more is freed
with the objects. An object is found again by identity, through a weak reference: the user's objects are never
changed, kept alive or copied. Making a ``Value`` is all that happens on the caller's thread; columns are worked out
later, by :mod:`headwater.capture.trace`.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterable
from sys import _getframe
from time import time_ns
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple


class DatasetRef(NamedTuple):
    """The name of a dataset that a value was read from, written to, or is."""

    namespace: str
    name: str
    type: str = "FILE"
    """OpenLineage dataset type: FILE, TABLE, MODEL, CHECKPOINT, PREDICTIONS, IN_MEMORY ..."""


class Dep(NamedTuple):
    """One dependency of an output column on an input.

    ``input`` is a position in ``Value.inputs``; ``column`` a column name there, or None for the whole input (an
    array, a scalar, or "every column", each kept). ``type``/``subtype``/``masking`` as in the OpenLineage
    columnLineage facet.
    """

    input: int
    column: str | None
    type: str = "DIRECT"
    subtype: str = "TRANSFORMATION"
    masking: bool = False
    description: str = ""


class Columns(NamedTuple):
    """The column lineage of one operation: per output column, and for the whole output (filters, joins, sorts)."""

    fields: dict[str, list[Dep]]
    indirect: list[Dep] = []


INFERRED: Final = "inferred"
"""The description of a dependency that rests on a guess; it stays with everything made from it."""

Rule = Callable[["Value"], Columns]
"""Works out the columns of a value from its inputs. Runs later, on the worker's thread, on immutable facts only."""


def same_columns(value: Value) -> Columns:
    """Each output column is the input column of the same name, unchanged (a filter's rows aside)."""
    return Columns({name: [Dep(0, name, subtype="IDENTITY")] for name in value.column_names()})


def opaque(value: Value) -> Columns:
    """Every output column may come from every column of every input: the last resort, and said so."""
    deps = [Dep(i, None, description="opaque") for i in range(len(value.inputs))]
    names = value.column_names() or ("*",)
    return Columns(dict.fromkeys(names, deps))


class Value:
    """One state of an in-memory object. Immutable once made, but for ``dataset`` and what trace keeps with it.

    ``columns`` is kept as the library gave it, as long as that is immutable (a pandas Index, a tuple); ask
    ``column_names()`` for names. ``rows`` is a count or None. ``dataset`` is set where the value is a dataset of its
    own: it was read from outside, or it is a set that lineage should know by name (training set, model). A value with
    a ``dataset`` ends the trace of what is made from it. ``detail`` holds small immutable facts for the operation's
    record; never data. ``time_ns`` is wall-clock time.
    """

    __slots__ = (
        "__weakref__",
        "code",
        "columns",
        "dataset",
        "depth",
        "detail",
        "inputs",
        "offset",
        "op",
        "rows",
        "rule",
        "time_ns",
        "traced",
    )

    def __init__(
        self,
        op: str,
        inputs: tuple[Value, ...],
        rule: Rule | None,
        columns: Any,
        rows: int | None,
        detail: dict[str, Any] | None,
        dataset: DatasetRef | None,
        code: CodeType | None,
        line: int,
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.rule = rule
        self.columns = columns
        self.rows = rows
        self.detail = detail
        self.dataset = dataset
        self.code = code
        self.offset = line
        self.time_ns = time_ns()
        if not inputs:
            self.depth = 0
        elif len(inputs) == 1:
            self.depth = inputs[0].depth + 1
        else:
            self.depth = 1 + max([item.depth for item in inputs])
        self.traced: Any = None

    @property
    def line(self) -> int:
        """The line of ``code`` that made the value; 0 where it is not known.

        The hook keeps the offset of the instruction (as ``-1 - offset``): to look the line up is not its business.
        """
        if self.offset >= 0 or self.code is None:
            return max(0, self.offset)
        return line_of(self.code, -1 - self.offset)

    def column_names(self) -> tuple[str, ...]:
        """Column names as strings; empty where there are none (a scalar, an array, an opaque object)."""
        columns = self.columns
        if columns is None:
            return ()
        if isinstance(columns, str):
            return (columns,)
        names = tuple(columns)
        if all(type(name) is str for name in names):
            return names
        return tuple(".".join(map(str, n)) if isinstance(n, tuple) else str(n) for n in names)

    def __repr__(self) -> str:
        name = f" {self.dataset.name!r}" if self.dataset else ""
        return f"<Value {self.op}{name} rows={self.rows} columns={len(self.column_names())}>"


MAX_DEPTH: Final = 20_000
"""A longer chain of operations on one object is cut: see ``cut``."""


def line_of(code: CodeType, offset: int) -> int:
    """The source line of the instruction at a byte offset of a code object; 0 where it has none."""
    for start, end, line in code.co_lines():
        if start <= offset < end:
            return line or 0
    return 0


_LIBRARY: Final = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120 - a string to compare with
"""Where the standard library lives."""

_IS_USERS: Final[dict[CodeType, bool]] = {}
"""Whether a code object is the user's own. Bounded: forgotten when it has grown large."""


def _is_users(code: CodeType) -> bool:
    if len(_IS_USERS) > 50_000:
        _IS_USERS.clear()
    name = code.co_filename
    is_ours = "/headwater/capture/" in name
    is_installed = "site-packages" in name or "dist-packages" in name or name.startswith((_LIBRARY, "<frozen"))
    found = _IS_USERS[code] = not is_ours and not is_installed
    return found


def _user_frame(depth: int) -> FrameType | None:
    """The nearest frame outside installed libraries, from ``depth`` frames up; the outermost looked at, if none is."""
    try:
        frame = _getframe(depth)
    except ValueError:
        return None
    for _ in range(12):
        code = frame.f_code
        is_users = _IS_USERS.get(code)
        if is_users is None:
            is_users = _is_users(code)
        if is_users or frame.f_back is None:
            break
        frame = frame.f_back
    return frame


def user_site(depth: int) -> tuple[CodeType | None, int]:
    """The code object and line of the nearest caller outside installed libraries, from ``depth`` frames up."""
    frame = _user_frame(depth + 1)
    return (frame.f_code, frame.f_lineno or 0) if frame is not None else (None, 0)


class _Ref(weakref.ref[Any]):
    """A weak reference that knows the value of its object, and where it is kept."""

    __slots__ = ("key", "table", "value")
    key: int
    table: dict[int, _Ref]
    value: Value


def _forget(ref: _Ref) -> None:
    """The object is gone: so is what was known of it, unless its place was taken."""
    if ref.table.get(ref.key) is ref:
        del ref.table[ref.key]


class Values:
    """The values of the objects that are alive, by identity. Thread-safe: each step is one dict operation."""

    def __init__(self) -> None:
        self._by_id: dict[int, _Ref] = {}
        self.untracked = 0
        """Objects that could not be followed because they cannot be weakly referenced."""
        self.cut = 0
        """Chains of operations that were cut because they grew beyond ``MAX_DEPTH``."""
        self.resolvers: list[Callable[[object], Value | None]] = []
        """Asked, in order, about an object that is not known by identity: a view of memory that is."""
        self.guess: Callable[[object], Value | None] | None = None
        """Asked last, for what can only be guessed."""
        self.watchers: list[Callable[[object, Value], None]] = []
        """Told of each object that is bound."""

    def get(self, obj: object) -> Value | None:
        """The value of an object as it is now; None when nothing is known of it."""
        ref = self._by_id.get(id(obj))
        if ref is not None and ref() is obj:
            return ref.value
        for resolve in self.resolvers:
            found = resolve(obj)
            if found is not None:
                return found
        return self.guess(obj) if self.guess is not None else None

    def entries(self) -> list[tuple[weakref.ref[Any], Value]]:
        """Every object that is alive and its value, oldest binding first."""
        return [(ref, ref.value) for ref in list(self._by_id.values())]

    def bind(self, obj: object, value: Value) -> Value:
        """From now on ``obj`` is ``value``: a new object, or a new state of an old one."""
        table = self._by_id
        try:
            ref = _Ref(obj, _forget)
        except TypeError:
            self.untracked += 1
        else:
            ref.key, ref.table, ref.value = id(obj), table, value
            table[ref.key] = ref
        for watch in self.watchers:
            watch(obj, value)
        return value

    def derive(
        self,
        obj: object,
        op: str,
        inputs: Iterable[object] = (),
        *,
        rule: Rule | None = opaque,
        columns: Any = None,
        rows: int | None = None,
        detail: dict[str, Any] | None = None,
        dataset: DatasetRef | None = None,
    ) -> Value:
        """Record that ``obj`` was made by ``op`` from ``inputs`` (objects, or values), and bind it.

        Inputs of which nothing is known become empty values, so that positions in ``rule`` stay right. ``rule`` None
        with a ``dataset`` marks a source: nothing is behind it.
        """
        get = self.get
        values = tuple([item if item.__class__ is Value else get(item) or UNKNOWN for item in inputs])
        for value in values:
            if value.depth >= MAX_DEPTH:
                values = tuple([self._cut(item) if item.depth >= MAX_DEPTH else item for item in values])
                break
        frame = _user_frame(2)
        if frame is None:
            return self.bind(obj, Value(op, values, rule, columns, rows, detail, dataset, None, 0))
        return self.bind(obj, Value(op, values, rule, columns, rows, detail, dataset, frame.f_code, -1 - frame.f_lasti))

    def _cut(self, value: Value) -> Value:
        """A value that stands for a chain too long to keep: all its sources, columns no longer told apart."""
        self.cut += 1
        sources: dict[int, Value] = {}
        seen: set[int] = set()
        stack = [value]
        while stack:
            item = stack.pop()
            if id(item) in seen:
                continue
            seen.add(id(item))
            if item.dataset is not None:
                sources[id(item)] = item
            else:
                stack.extend(item.inputs)
        return Value(
            "headwater.cut",
            tuple(sources.values()),
            opaque,
            value.columns,
            value.rows,
            None,
            None,
            value.code,
            value.line,
        )

    def __len__(self) -> int:
        return len(self._by_id)


UNKNOWN: Final = Value("unknown", (), None, None, None, None, None, None, 0)
"""The value of an object that was made where nobody looked."""
