"""Which value belongs to which object in memory.

Objects are recognised by identity, through weak references: the user's objects are never changed, kept alive or copied.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Iterable, Iterator
from sys import _getframe
from types import CodeType
from typing import Any, Final, Protocol
from weakref import ref as _ref

from headwater.capture.axis_names import lightened
from headwater.capture.latest_arrays import LatestArrays
from headwater.capture.levels import Labels
from headwater.capture.settled_values import Entry, MadeByCode, Place, Row, SettledValues
from headwater.capture.user_code import IS_USERS, user_frame
from headwater.capture.values import UNKNOWN, DatasetRef, Rule, Value, make_value, next_number, opaque


class Derive(Protocol):
    """The signature of ``Values.derive``."""

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
        """Record how ``obj`` was made, and return its value."""


_CONTRACT: Final = 1
"""Increased whenever ``Values.derive`` or its data structures change, so that an older extension is not used."""

MAX_DEPTH: Final = 20_000
"""A longer chain of operations on one object is cut: see ``Values.cut``."""

_SWEEP: Final = 256
"""The number of values created between two sweeps of the latest: for objects that are gone, or have come to stay."""
_MOST_CUTS: Final = 16
_JUST_GONE = 64
"""How many of the latest values are kept although their objects are gone, because the expression that made them may
still be running."""


class Values:
    """The values of the objects that are alive, by identity. Thread-safe, because each step is one dict operation."""

    def __init__(self) -> None:
        self._by_id: dict[int, Entry] = {}
        """The latest values, and those that were used lately."""
        self._settled = SettledValues()
        """All others. What is in both counts as it is among the latest."""
        self._sweep_at = 0
        """The number of the value at whose creation the next sweep is due."""
        self._lightened = 0
        """The number of the value before which all are ``_lighten``-ed."""
        self._watchers: dict[str, Callable[[object, Value], None]] = {}
        self._unwatched: set[type] = set()
        """Classes without a watcher; see ``forget_classes``."""
        self.untracked = 0
        """Objects that could not be followed because they cannot be weakly referenced."""
        self.cut = 0
        """Chains of operations that were cut because they grew beyond ``MAX_DEPTH``."""
        self._cuts: dict[int, tuple[Value, Value]] = {}
        """The latest values at the end of such a chain, by their number, each with what stands for it."""
        self.resolvers: list[Callable[[object], Value | None]] = []
        """Called in order for an object that is not known by identity: it may be a view of memory that is known."""
        self.guess: Callable[[object], Value | None] | None = None
        """Called last, for an object whose origin can only be guessed."""
        self.arrays = LatestArrays()

    def get(self, obj: object) -> Value | None:
        """The value of an object's current state; None if it is not known."""
        found = self.seen(obj)
        return self.guess(obj) if found is None and self.guess is not None else found

    def seen(self, obj: object) -> Value | None:
        """As ``get``, without a guess."""
        known = self._bound(obj)
        if known is not None:
            return known
        for resolve in self.resolvers:
            found = resolve(obj)
            if found is not None:
                return found
        return None

    def knows(self, obj: object) -> bool:
        """Whether this very object was bound; what resolvers or guesses say does not count."""
        return self._bound(obj) is not None

    def _bound(self, obj: object) -> Value | None:
        """The value that this very object was bound to. If it was not used lately, it is from now on."""
        key = id(obj)
        known = self._by_id.get(key)
        if known is not None:
            return known[1] if known[0]() is obj else None
        known = self._settled.by_id.get(key)
        if known is None or known[0]() is not obj:
            return None
        return self._by_id.setdefault(key, known)[1]

    def alive(self) -> list[Value]:
        """The values of all objects that are alive, in the order of their creation."""
        return sorted((value for _, value in self.objects()), key=lambda value: value.number)

    def objects(self) -> Iterator[tuple[object, Value]]:
        """The objects that are alive, with their values."""
        for ref, value in [*{**self._settled.by_id, **self._by_id}.values()]:
            obj = ref()
            if obj is not None:
                yield obj, value

    def made_in(self, codes: Collection[CodeType]) -> MadeByCode:
        """The values that some code objects made: of objects that are alive, or have only just gone (the steps within
        an expression)."""
        latest, settled, kept = self._by_id, self._settled.by_id, {id(code): code for code in codes}
        places = [place for code in kept.values() for place in self._settled.places_of(code)]
        found: dict[tuple[int, int], Place] = {}
        for key, known in list(latest.items()):
            value = known[1]
            if id(value.code) in kept and settled.get(key) is not known:
                found.setdefault((id(value.code), value.offset), []).append((value.number, key, known))
        places += [sorted(place, key=lambda row: row[0]) for place in found.values()]

        def is_current(row: Row) -> bool:
            return (latest.get(row[1]) or settled.get(row[1])) is row[2]

        return MadeByCode(places, is_current)

    def codes_named(self, name: str) -> list[CodeType]:
        """The code objects of that name that made a value recently."""
        codes = [*self._settled.codes(), *(known[1].code for known in list(self._by_id.values()))]
        return list(dict.fromkeys(code for code in codes if code is not None and code.co_name == name))

    def sweep(self) -> None:
        """Forget the objects that are gone, and let the others settle. Done now and then, because a callback for each
        object would cost more."""
        table, settled, recent = self._by_id, self._settled, next_number() - _JUST_GONE
        self._lighten([known[1] for known in list(table.values())])
        for key, known in list(table.items()):
            if known[1].number > recent:
                continue
            if known[0]() is None:
                settled.forget(key)
            else:
                settled.add(key, known)
            taken = table.pop(key, known)
            if taken is not known:  # another thread has bound a new object of that identity since
                table.setdefault(key, taken)
        self._sweep_at = next_number() + _SWEEP

    def _lighten(self, waiting: list[Value]) -> None:
        """Keep no more than the labels of the axes of values that are used for longer, which chains of thousands of
        operations consist of. Each value is looked at once."""
        since, self._lightened = self._lightened, next_number()
        seen: set[int] = set()
        while waiting:
            value = waiting.pop()
            if value.number <= since or value.number in seen:
                continue
            seen.add(value.number)
            waiting += value.inputs
            columns = value.columns
            if type(columns) is Labels:
                columns.columns = lightened(columns.columns)
            elif columns is not None and type(columns) not in (tuple, str):
                value.columns = lightened(columns)

    def watch(self, class_name: str, watcher: Callable[[object, Value], None]) -> None:
        """Call ``watcher`` for each object bound whose class has that name."""
        self._watchers[class_name] = watcher
        self.forget_classes()

    def _tell(self, obj: object, value: Value) -> None:
        watcher = self._watchers.get(type(obj).__name__)
        if watcher is not None:
            watcher(obj, value)
            return
        if len(self._unwatched) > 1_000:
            self.forget_classes()
        self._unwatched.add(type(obj))

    def forget_classes(self) -> None:
        """Keep no class of a library alive. A wrapper that a library took outlives the interpreter's modules, and all
        that it leads to with it; compiled libraries complain about classes of theirs that are still there."""
        self._unwatched.clear()

    def bind(self, obj: object, value: Value) -> Value:
        """Set the value of ``obj``: of a new object, or of a new state of an old one."""
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
        """As ``bind``, for a part of an object that a library made internally: no watcher is called."""
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

        Unknown inputs become ``UNKNOWN``, so that the positions in ``rule`` stay right. ``rule`` None with a
        ``dataset`` marks a source. The search for the user's line starts ``frames`` frames up: by default the user
        calls a wrapper, which calls a handler, which calls this. A smaller number finds the same line, but each extra
        frame examined costs time.

        This is the hot path: every operation of the user comes through here once, on the user's thread. Its common
        case is compiled (``fast_derive``, ``_derive.c``), so change both together.
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
        except ValueError:  # called by compiled code without a Python caller, at the end of the interpreter
            frame = _getframe(1)
        code = frame.f_code
        if not IS_USERS.get(code.co_filename):
            frame = user_frame(frame)
            code = frame.f_code
        number = next_number()
        value = Value(op, tuple(values), rule, columns, rows, detail, dataset, code, -1 - frame.f_lasti, number, depth)
        # The rest is ``bind``, inlined because of the cost of a call.
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
        """``derive``, with its common case compiled if the extension was built from this version of the source."""
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
        """A value in place of a chain that is too long to keep: it has all its sources, but not by column. An object at
        the end of a chain may be used a thousand times, and the chain is gone through once."""
        known = self._cuts.get(value.number)
        if known is not None and known[0] is value:
            return known[1]
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
        made = make_value(
            "headwater.cut",
            tuple(sources.values()),
            opaque,
            columns=value.columns,
            rows=value.rows,
            code=value.code,
            line=value.line,
        )
        if len(self._cuts) >= _MOST_CUTS:
            self._cuts.clear()
        self._cuts[value.number] = value, made
        return made

    def __len__(self) -> int:
        return len(self.alive())
