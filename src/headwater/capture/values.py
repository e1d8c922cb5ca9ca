"""Values: what is known about objects in memory, such as the operation and the inputs that made them.

A ``Value`` is one state of one object (a frame, a series, an array, a fitted estimator). It points at the values it
was made from, so the values that are still alive form the in-memory lineage; what nothing can reach any more is freed
soon after the objects. An object is found again by identity, through a weak reference: the user's objects are never
changed, kept alive or copied. Making a ``Value`` is all that happens on the caller's thread; columns are worked out
later, by :mod:`headwater.capture.trace`.
"""

from __future__ import annotations

import importlib
import weakref
from collections import deque
from collections.abc import Callable, Collection, Iterable
from itertools import count
from sys import _getframe
from types import CodeType
from typing import Any, Final, NamedTuple, Protocol
from weakref import ref as _ref

import msgspec

from headwater.capture.source_analysis.code_lines import line_of
from headwater.capture.user_code import IS_USERS, user_frame


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
    """The column lineage of one operation: per output column, and for the whole output (filters, joins, sorts). What
    decided about the rows of the inputs ``beside`` is behind the columns that come from them alone."""

    fields: dict[str, list[Dep]]
    indirect: list[Dep] = []
    beside: tuple[int, ...] = ()


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


class Value(msgspec.Struct, eq=False):
    """One state of an in-memory object. Immutable once made, but for ``dataset`` and what trace keeps with it.

    ``columns`` is kept as the library gave it, as long as that is immutable (a pandas Index, a tuple); ask
    ``column_names()`` for names. ``rows`` is a count or None. ``dataset`` is set where the value is a dataset of its
    own: it was read from outside, or it is a set that lineage should know by name (training set, model). A value with
    a ``dataset`` ends the trace of what is made from it. ``detail`` holds small immutable facts for the operation's
    record; never data. ``number`` counts the values of the process: it is their order in time. ``depth`` is the length
    of the longest chain behind the value.

    A struct, because its constructor is compiled: it runs at every operation of the user. ``make_value`` fills in what
    follows from the rest.
    """

    op: str
    inputs: tuple[Value, ...]
    rule: Rule | None
    columns: Any
    rows: int | None
    detail: dict[str, Any] | None
    dataset: DatasetRef | None
    code: CodeType | None
    offset: int
    """The line of ``code``; or, as ``-1 - offset``, the instruction whose line has yet to be looked up."""
    number: int
    depth: int
    traced: Any = None

    @property
    def line(self) -> int:
        """The line of ``code`` that made the value; 0 if it is not known."""
        if self.offset >= 0 or self.code is None:
            return max(0, self.offset)
        return line_of(self.code, -1 - self.offset)

    def column_names(self) -> tuple[str, ...]:
        """Column names as strings; empty if there are none (a scalar, an array, an opaque object)."""
        columns = self.columns
        if columns is None:
            return ()
        if isinstance(columns, str):
            return (columns,)
        names = tuple(columns)
        if all(type(name) is str for name in names):
            return names
        return tuple(".".join(str(p) for p in n if p != "") if isinstance(n, tuple) else str(n) for n in names)

    def __repr__(self) -> str:
        name = f" {self.dataset.name!r}" if self.dataset else ""
        return f"<Value {self.op}{name} rows={self.rows} columns={len(self.column_names())}>"


next_number: Final = count(1).__next__
"""The number of the next value. One compiled call: two threads never get the same."""


def make_value(
    op: str,
    inputs: tuple[Value, ...] = (),
    rule: Rule | None = None,
    *,
    columns: Any = None,
    rows: int | None = None,
    dataset: DatasetRef | None = None,
    code: CodeType | None = None,
    line: int = 0,
) -> Value:
    """A value of now that is bound to no object: of a statement, a view, a copy in a file."""
    depth = 1 + max((item.depth for item in inputs), default=-1)
    return Value(op, inputs, rule, columns, rows, None, dataset, code, line, next_number(), depth)


class Derive(Protocol):
    """How it is recorded that an object was made: see ``Values.derive``."""

    def __call__(
        self,
        obj: object,
        op: str,
        inputs: Iterable[object] = (),
        rule: Rule | None = opaque,
        columns: Any = None,
        rows: int | None = None,
        detail: dict[str, Any] | None = None,
        dataset: DatasetRef | None = None,
        frames: int = 3,
    ) -> Value:
        """Record it, and give the object's value."""


_CONTRACT: Final = 1
"""Raised when ``Values.derive`` or what it works on changes: an extension built from older source is not used."""

MAX_DEPTH: Final = 20_000
"""A longer chain of operations on one object is cut: see ``cut``."""

_SWEEP: Final = 256
"""At least so many values are made between two looks for objects that are gone."""
_ARRAYS, _JUST_GONE = 512, 64
"""The latest values are kept although their objects are gone: an expression may still be at work on them."""


class Values:
    """The values of the objects that are alive, by identity. Thread-safe: each step is one dict operation."""

    def __init__(self) -> None:
        self._by_id: dict[int, tuple[weakref.ref[Any], Value]] = {}
        self._sweep_at = 0
        """The number of the value at whose making the next look for objects that are gone is due."""
        self._watchers: dict[str, Callable[[object, Value], None]] = {}
        self._unwatched: set[type] = set()
        """Classes that have no watcher; forgotten when there are many."""
        self.untracked = 0
        """Objects that could not be followed because they cannot be weakly referenced."""
        self.cut = 0
        """Chains of operations that were cut because they grew beyond ``MAX_DEPTH``."""
        self.resolvers: list[Callable[[object], Value | None]] = []
        """Asked, in order, about an object that is not known by identity: a view of memory that is."""
        self.guess: Callable[[object], Value | None] | None = None
        """Asked last, for what can only be guessed."""
        self.arrays: deque[tuple[Value, CodeType | None, int]] = deque(maxlen=_ARRAYS)
        """The latest arrays, alive or not, each with the code and line that called the function which made it."""

    def get(self, obj: object) -> Value | None:
        """The value of an object as it is now; None if nothing is known of it."""
        found = self.seen(obj)
        return self.guess(obj) if found is None and self.guess is not None else found

    def seen(self, obj: object) -> Value | None:
        """As ``get``, without a guess."""
        known = self._by_id.get(id(obj))
        if known is not None and known[0]() is obj:
            return known[1]
        for resolve in self.resolvers:
            found = resolve(obj)
            if found is not None:
                return found
        return None

    def knows(self, obj: object) -> bool:
        """Whether this very object was bound; what can be derived or guessed of others does not count."""
        known = self._by_id.get(id(obj))
        return known is not None and known[0]() is obj

    def alive(self) -> list[Value]:
        """The values of all objects that are alive, in the order of their making."""
        found = [value for ref, value in list(self._by_id.values()) if ref() is not None]
        return sorted(found, key=lambda value: value.number)

    def made_in(self, codes: Collection[CodeType]) -> list[Value]:
        """The values made by some code objects, in the order of their making: of what is alive, and of what has just
        gone (the steps within an expression)."""
        kept = {id(code) for code in codes}
        found = [known[1] for known in list(self._by_id.values()) if id(known[1].code) in kept]
        return sorted(found, key=lambda value: value.number)

    def codes_named(self, name: str) -> list[CodeType]:
        """The code objects of that name that made something of late."""
        codes = (known[1].code for known in list(self._by_id.values()))
        return list(dict.fromkeys(code for code in codes if code is not None and code.co_name == name))

    def sweep(self) -> None:
        """Forget the objects that are gone. Done now and then: a callback at each one's end would cost more."""
        table, recent = self._by_id, next_number() - _JUST_GONE
        for key, known in list(table.items()):
            if known[1].number > recent or known[0]() is not None:
                continue
            taken = table.pop(key, known)
            if taken is not known:  # another thread has bound a new object of that identity since
                table.setdefault(key, taken)
        self._sweep_at = next_number() + max(_SWEEP, len(table))

    def watch(self, class_name: str, watcher: Callable[[object, Value], None]) -> None:
        """Tell ``watcher`` of each object of a class of that name that is bound."""
        self._watchers[class_name] = watcher
        self._unwatched.clear()

    def _tell(self, obj: object, value: Value) -> None:
        watcher = self._watchers.get(type(obj).__name__)
        if watcher is not None:
            watcher(obj, value)
            return
        if len(self._unwatched) > 1_000:
            self._unwatched.clear()
        self._unwatched.add(type(obj))

    def bind(self, obj: object, value: Value) -> Value:
        """From now on ``obj`` is ``value``: a new object, or a new state of an old one."""
        try:
            self._by_id[id(obj)] = (_ref(obj), value)
        except TypeError:
            self.untracked += 1
        if type(obj) not in self._unwatched:
            self._tell(obj, value)
        if next_number() > self._sweep_at:
            self.sweep()
        return value

    def hold(self, obj: object, value: Value) -> None:
        """As ``bind``, for a part of an object that a library made for itself: nobody is told of it."""
        try:
            self._by_id[id(obj)] = (_ref(obj), value)
        except TypeError:
            self.untracked += 1

    def derive(
        self,
        obj: object,
        op: str,
        inputs: Iterable[object] = (),
        rule: Rule | None = opaque,
        columns: Any = None,
        rows: int | None = None,
        detail: dict[str, Any] | None = None,
        dataset: DatasetRef | None = None,
        frames: int = 3,
    ) -> Value:
        """Record that ``obj`` was made by ``op`` from ``inputs`` (objects, or values), and bind it.

        Inputs of which nothing is known become empty values, so that positions in ``rule`` stay right. ``rule`` None
        with a ``dataset`` marks a source: nothing is behind it. The user's line is looked for ``frames`` frames up and
        above: a handler calls this, a wrapper the handler, the user the wrapper. (What calls it from nearer says so;
        to begin too low is right too, but each frame of ours that is looked at costs.)

        This is the hot path: every operation of the user comes through here once, on the user's thread. Its common
        case is compiled (``fast_derive``, ``_derive.c``), so what changes here changes there.
        """
        table, depth, values = self._by_id, 0, []
        for item in inputs:
            if type(item) is Value:
                value = item
            else:
                known = table.get(id(item))
                value = known[1] if known is not None and known[0]() is item else self.get(item) or UNKNOWN
            if value.depth >= depth:
                depth = value.depth + 1
            values.append(value)
        if depth > MAX_DEPTH:
            values = [self._cut(item) if item.depth >= MAX_DEPTH else item for item in values]
            depth = 1 + max([item.depth for item in values])
        try:
            frame = _getframe(frames)
        except ValueError:  # called by compiled code that nothing called, at the end of the interpreter
            frame = _getframe(1)
        code = frame.f_code
        if not IS_USERS.get(code.co_filename):
            frame = user_frame(frame)
            code = frame.f_code
        number = next_number()
        value = Value(op, tuple(values), rule, columns, rows, detail, dataset, code, -1 - frame.f_lasti, number, depth)
        # From here on as ``bind``: a call of its own would be felt.
        try:
            table[id(obj)] = (_ref(obj), value)
        except TypeError:
            self.untracked += 1
        if type(obj) not in self._unwatched:
            self._tell(obj, value)
        if number > self._sweep_at:
            self.sweep()
        return value

    def fast_derive(self) -> Derive:
        """``derive``, its common case compiled where the extension was built (from this source)."""
        try:
            compiled: Any = importlib.import_module("headwater.capture._derive")
        except ImportError:
            return self.derive
        if compiled.CONTRACT != _CONTRACT:
            return self.derive
        table, others = self._by_id, self._unwatched
        made: Derive = compiled.fast_path(
            table, others, IS_USERS, Value, next_number, _getframe, opaque, self.derive, MAX_DEPTH
        )
        return made

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
        return make_value(
            "headwater.cut",
            tuple(sources.values()),
            opaque,
            columns=value.columns,
            rows=value.rows,
            code=value.code,
            line=value.line,
        )

    def __len__(self) -> int:
        return len(self.alive())


UNKNOWN: Final = make_value("unknown")
"""The value of an object that was made where nobody looked."""

NOTHING: Final = make_value("spelled")
"""The value of an object that comes from no dataset: the code spells out what it is made of."""
