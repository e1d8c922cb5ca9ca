"""Infers which followed objects the plain Python values in an expression were taken from.

``dict(zip(X.columns, model.coef_[0]))`` puts numbers into a dictionary, and plain numbers cannot be followed into the
file that they are dumped to. But the running functions still hold the objects that the expression names, which are
followed. So the expression is resolved through the statements that bound its names, until each name leads to a literal
or to a followed object. If any name leads elsewhere, the result is unknown.

The result is marked ``inferred``, since a name may have been rebound in between.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any, Final, TypeGuard

from headwater.capture.levels import level_fields
from headwater.capture.source_analysis.attribute_reader import AttributeReader
from headwater.capture.source_analysis.bindings import begins_anew, steps_of
from headwater.capture.source_analysis.known_items import MOST_ITEMS, Items, Seen, item_under, key_in
from headwater.capture.source_analysis.literals import (
    BUILTINS,
    NAMES,
    READS,
    Place,
    Reader,
    bindings,
    end_of_loop,
    function_named,
)
from headwater.capture.source_analysis.names_above import MEASURES
from headwater.capture.source_analysis.own_attributes import file_names_in
from headwater.capture.source_analysis.row_list_syntax import (
    FETCHES,
    LOADERS,
    RUNS,
    Target,
    called_name,
    executed,
    owner_of,
    target_of,
    texts_in,
)
from headwater.capture.source_analysis.running_names import ABSENT, held
from headwater.capture.source_analysis.taken_values import TAKEN, Columns, Taken, gives_a_number
from headwater.capture.user_code import is_users
from headwater.capture.values import FETCHED, NOTHING, Value, make_value

_OF_A_HANDLE: Final = frozenset(("read", "readline", "readlines"))
"""Methods of an open file that return what is in it."""
_READING: Final = LOADERS | RUNS | FETCHES | {"read_text", "read_bytes", "ZipFile", "TarFile"}
"""Calls that may read files, or rows of a database, in their lines."""
_OF_ITS_ARGUMENT: Final = frozenset((("csv", "reader"), ("json", "loads"), ("yaml", "safe_load"), ("yaml", "load")))
"""Functions, with their modules, that hand on what is in an open file or a text."""
_PURE: Final = frozenset(("itertools", "operator", "_operator", "functools", "collections", "math", "statistics", "re"))
"""Modules of the standard library whose functions read nothing from outside."""
_NO_ROW: Final = -1
_ROWS_OF_FRAMES: Final = {"itertuples": None, "to_dict": None, "to_dicts": None, "iter_rows": None, "iterrows": 1}
"""Methods of frames that give their rows, each with the place of the row in what it gives."""


def expression_value(
    seen: Seen, given: Iterable[tuple[ast.expr, Place]], code: CodeType, line: int, obj: object = None
) -> Value | None:
    """A value for the result of some expressions: without a source if they are literal in the code, otherwise from the
    objects that they name; None if they lead elsewhere. ``obj`` is their result, if available: known values of its
    items are not guesses."""
    expressions = list(given)
    items = Items(seen.known, obj)
    reader = Reader()
    if expressions and not items.values and all(reader.follows(node, at) for node, at in expressions):
        return make_value(TAKEN, (NOTHING,), code=code, line=line)
    taken = ExpressionReader(seen, Place(code, line), {at[:2] for _, at in expressions})
    is_read = bool(expressions) and all(taken.follows(node, at) for node, at in expressions)
    taken.take_files()
    what = taken.taken if is_read else Taken()
    items.values.update(taken.certain if is_read else {})
    what.data.update(((value, None), None) for value in items.values)
    return what.value(items, code, line)


class ExpressionReader(AttributeReader):
    """Resolves expressions to literals and to followed objects."""

    def __init__(self, seen: Seen, now: Place, asked: set[tuple[CodeType, int]]) -> None:
        super().__init__()
        self._now = now
        self._asked = asked
        """Where the expressions stand themselves: what they name is as it is now."""
        self._known, self._passed, self._rounds, self._texts = seen
        self.certain: dict[Value, None] = {}
        """Values that are known to be used: no guesses."""
        self.taken = Taken()
        self._sink = self.taken.data
        self._files: list[tuple[CodeType, Value, Columns]] = []
        """What functions of the user's read, and where it is to go."""
        self._literals: dict[CodeType, set[str]] = {}
        """The literals in all calls of a function; without any if one of the calls has none."""
        self._reached = 0
        """How many followed objects and arguments of functions were reached."""

    def follows(self, node: ast.AST, at: Place) -> bool:
        """As in ``Reader``, and collects the followed objects that are reached."""
        readings = (self._loaded, self.attribute, self._part, self._chosen, super().follows, self._turned_to_text)
        is_number = gives_a_number(node) and function_named(called_name(node), at.code) is None
        is_number = is_number and self._sink is self.taken.data
        with self._into(self.taken.summed if is_number else self._sink):
            return any(reading(node, at) for reading in readings)

    def _turned_to_text(self, node: ast.AST, at: Place) -> bool:
        """Whether an expression turned an object into text, whose items are known in part: ``json.dumps(report)``."""
        known = dict.fromkeys(self._texts(at.code, node)) if called_name(node) == "dumps" else {}
        self.certain.update(known)
        return bool(known)

    def _loaded(self, node: ast.AST, at: Place) -> bool:
        """Whether an expression is the content of a file that was read in its lines, or rows of a database."""
        values = list(self._read_by(node, at))
        self._files += [(at.code, value, self._sink) for value in values]
        self._reached += len(values)
        return bool(values)

    def take_files(self) -> None:
        """Take what was read: of several files that a function read in several calls, those that the calls in question
        name."""
        by_code: dict[CodeType, list[Value]] = {}
        for code, value, _ in self._files:
            by_code.setdefault(code, []).append(value)
        if by_code:
            from headwater.capture.source_analysis.rows_across_calls import spelled_out
        for code, value, sink in self._files:
            named = self._literals.get(code, set()) | file_names_in(self.owner_in(code))
            if value in spelled_out(by_code[code], named):
                sink[value, None] = None

    def _called_with(self, code: CodeType, node: ast.Call) -> None:
        """Note the literals in a call of a function of the user's."""
        texts = texts_in(node)
        before = self._literals.get(code, texts)
        self._literals[code] = before | texts if before and texts else set()

    def _read_by(self, node: ast.AST, at: Place) -> Iterable[Value]:
        """The files or rows of a database that a call reads."""
        name = called_name(node)
        values = self._passed(at.code, node) if name in _READING else ()
        return self._rows_of(owner_of(node), node.lineno, at) if not values and _fetches(node) else values

    def _rows_of(self, cursor: str, line: int, at: Place) -> Iterable[Value]:
        """The rows of the statement that the cursor of that name executed last above a line."""
        above = (self._passed(at.code, done) for done in executed(steps_of(at.code), cursor, line))
        return next((found for found in above if found), ())

    def _row_of(self, name: str, key: object, at: Place) -> bool:
        """Whether loops over rows of a database bind a name; takes what is under ``key`` in them, or all for None."""
        taken: list[tuple[Value, str | None]] = []
        steps = bindings(name, at)
        for step in steps:
            is_loop = isinstance(step.node, ast.For | ast.AsyncFor)
            target = target_of(step.node.target, step.node.iter, name) if is_loop else None  # type: ignore[attr-defined]
            if target is not None and called_name(target.iterated) == "enumerate" and target.place == 1:
                target = Target(target.iterated.args[0], None)  # type: ignore[attr-defined]
            frame = self._frame_of_rows(target, at) if target is not None else None
            rows = list(self._rows_in(target.iterated, at)) if target is not None and frame is None else []
            if frame is not None:
                taken.append((frame, _column_at(frame, key)))
            elif target is None or not rows or any(value.op != FETCHED for value in rows):
                return False
            else:
                taken += [(value, _column_at(value, key if target.place is None else target.place)) for value in rows]
        for value, column in taken:
            self._take(value, [column])
        return bool(steps)

    def _frame_of_rows(self, target: Target, at: Place) -> Value | None:
        """The frame whose rows a loop goes through, if the name stands for the whole row: ``df.itertuples()``."""
        name = called_name(target.iterated)
        owner = owner_of(target.iterated) if isinstance(target.iterated, ast.Call) else ""
        if _ROWS_OF_FRAMES.get(name, _NO_ROW) != target.place or not owner:
            return None
        value = self._known(self._held(owner, at))
        return value if value is not None and value.column_names() else None

    def _rows_in(self, iterated: ast.expr, at: Place) -> Iterable[Value]:
        """The rows that a loop goes through: fetched there, of a cursor, or fetched before under a name."""
        if not isinstance(iterated, ast.Name):
            return self._read_by(iterated, at)
        made = [getattr(step.node, "value", None) for step in bindings(iterated.id, at._replace(line=iterated.lineno))]
        if len(made) == 1 and _fetches(made[0]):
            return self._read_by(made[0], at)
        return self._rows_of(iterated.id, iterated.lineno, at)

    def _part(self, node: ast.AST, at: Place) -> bool:
        """Whether an expression is a column, or a name or size, of a followed object."""
        if not isinstance(node, ast.Attribute | ast.Subscript):
            return False
        obj = self.object_of(node.value, at)
        value = self._known(obj)
        if value is None and isinstance(node, ast.Subscript):
            named = self._held(node.slice.id, at) if isinstance(node.slice, ast.Name) else key_in(node.slice)
            value = self._known(item_under(obj, named))
            if value is not None:  # a result by its name, a model by its place: ``scores["accuracy"]``, ``models[0]``
                self._take(value)
                return True
        if value is None or _is_row(obj):
            return isinstance(node.value, ast.Name) and self._part_of_row(node, node.value.id, at)
        names = value.column_names()
        if isinstance(node, ast.Subscript):
            items = node.slice.elts if isinstance(node.slice, ast.List) else [node.slice]
            chosen = [item.value for item in items if isinstance(item, ast.Constant)]
            if len(chosen) < len(items) or not all(item in names for item in chosen):
                return False
            self._take(value, [str(item) for item in chosen])
        elif node.attr in names:
            self._take(value, [node.attr])
        elif node.attr == "index" and level_fields(value):
            self._take(value, level_fields(value))
        elif node.attr in MEASURES:
            with self._into(self.taken.told):
                self._take(value)
        else:
            return False
        return True

    def _part_of_row(self, node: ast.Attribute | ast.Subscript, name: str, at: Place) -> bool:
        """Whether an expression is a part of a row of a database, or tells the names of a cursor's columns."""
        if isinstance(node, ast.Subscript):
            return isinstance(node.slice, ast.Constant) and self._row_of(name, node.slice.value, at)
        if node.attr != "description":
            return self._row_of(name, node.attr, at)
        rows = list(self._rows_of(name, node.lineno, at))
        with self._into(self.taken.told):
            for value in rows:
                self._take(value)
        return bool(rows)

    def _chosen(self, node: ast.AST, at: Place) -> bool:
        """Whether an expression is computed from named columns of a followed object, in a chain of methods:
        ``frame.groupby("city")["price"].mean()``. The columns that the arguments name count, too."""
        given: list[ast.expr] = []
        chosen: list[object] = []
        while isinstance(node, ast.Call | ast.Subscript | ast.Attribute):
            if isinstance(node, ast.Call):
                given += [*node.args, *(keyword.value for keyword in node.keywords)]
                if not isinstance(node.func, ast.Attribute) or READS.match(node.func.attr):
                    return False
                node = node.func.value
            elif isinstance(node, ast.Subscript):
                key = self._held(node.slice.id, at) if isinstance(node.slice, ast.Name) else None
                if not isinstance(key, int):  # the place of a row: ``df["b"][i]``
                    given.append(node.slice)
                chosen += _constants(node.slice)
                node = node.value
            else:
                chosen.append(node.attr)
                node = node.value
        value = self._known(self._held(node.id, at)) if isinstance(node, ast.Name) and chosen and given else None
        names = value.column_names() if value is not None else ()
        if value is None or not any(name in names for name in chosen) or not all(self.follows(i, at) for i in given):
            return False
        told = (name for item in given for name in _constants(item))
        self._take(value, dict.fromkeys(str(name) for name in (*chosen, *told) if name in names))
        return True

    def _take(self, value: Value, columns: Iterable[str | None] = (None,)) -> None:
        self._reached += 1
        self._sink.update(((value, column), None) for column in columns)

    @contextmanager
    def _into(self, sink: Columns) -> Iterator[None]:
        """A section in which what is reached is used in one way."""
        before, self._sink = self._sink, sink
        yield
        self._sink = before

    def _is_followed(self, obj: object) -> bool:
        value = self._known(obj)
        if value is not None:
            self._take(value)
            return True
        return isinstance(obj, list | tuple | dict) and bool(obj) and self._items(obj)

    def _name(self, name: str, at: Place) -> bool:
        obj = self._held(name, at)
        if self._is_followed(obj):
            self._take_rounds(obj, name, at)
            return True
        if hasattr(type(obj), "get_n_splits"):  # how to split data, but no data
            return True
        return self._row_of(name, None, at) or super()._name(name, at)

    def _take_rounds(self, obj: object, name: str, at: Place) -> None:
        """Take what a name stood for in the other rounds of a loop: one in which a statement above put it elsewhere, or
        one around the expression alone, as where each round writes to a file that was opened before it."""
        steps = bindings(name, at)
        value = self._known(obj) if (at.code, at.line) not in self._asked else None
        if value is not None and not all(step.is_sure for step in steps):
            for other in self._rounds(value):
                self._take(other)
        for step in steps:
            last = end_of_loop(step)
            if step.first < at.line <= last and not step.first <= self._now.line <= last:
                self.follows(step.node.iter, Place(at.code, step.first))  # type: ignore[attr-defined]

    def _items(self, obj: Any) -> bool:
        """Whether all items of a list or dictionary are followed, such as measured numbers."""
        items = list(islice(obj.values() if isinstance(obj, dict) else obj, MOST_ITEMS))
        values = [self._known(item) for item in items]
        known = [value for value in values if value is not None]
        for value in known:
            self._take(value)
        return len(known) == len(obj)

    def _call(self, node: ast.Call, at: Place) -> bool:
        function, name = node.func, called_name(node)
        before = self._reached
        is_library = False
        is_named = isinstance(function, ast.Name)
        own = function_named(name, at.code) if is_named else self.method_called(function, at)
        if own is not None:
            self._called_with(own, node)
            is_known = self._function(own)
        elif is_named:
            is_plain = name in BUILTINS or (name in NAMES and not bindings(name, at)) or self._is_of_python(name, at)
            is_library = not is_plain and self._is_library(name, at)
            is_known = is_plain or is_library
        else:
            root = _root(function)
            is_library = root is not None and self._is_library(root, at) and not self.is_module(root)
            hands_on = (root, name) in _OF_ITS_ARGUMENT
            is_reading = READS.match(name) and name not in _OF_A_HANDLE and not hands_on
            is_known = not is_reading and (is_library or self.follows(function, at))
            is_library = is_library and not hands_on
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        if name == "len" and isinstance(function, ast.Name):
            with self._into(self.taken.told):
                is_known = is_known and all(self.follows(item, at) for item in given)
        else:
            is_known = is_known and all(self.follows(item, at) for item in given)
        return is_known and (not is_library or self._reached > before)

    def _is_of_python(self, name: str, at: Place) -> bool:
        """Whether a name refers to a function or class of the standard library that reads nothing from outside."""
        return getattr(self._held(name, at), "__module__", None) in _PURE

    def _is_library(self, name: str, at: Place) -> bool:
        """Whether a name refers to a module, class or function of a library whose result depends only on its arguments,
        as far as its name shows."""
        obj = self._held(name, at)
        if isinstance(obj, ModuleType | BuiltinFunctionType):
            return True
        if isinstance(obj, FunctionType):
            return not is_users(obj.__code__) and not READS.match(name)
        module = sys.modules.get(getattr(obj, "__module__", "") or "") if isinstance(obj, type) else None
        return "-packages" in (getattr(module, "__file__", "") or "")

    def _parameter(self, code: CodeType, name: str, place: int) -> bool:
        self._reached += code in self._functions
        return super()._parameter(code, name, place)

    def _held(self, name: str, at: Place) -> object:
        """The object that a name refers to now; ``ABSENT`` if the expression binds it itself, or it was rebound
        since."""
        later = (step for step in steps_of(at.code) if at.line < step.first <= self._now.line)
        is_other = at.code is self._now.code and any(begins_anew(step, name) for step in later)
        return ABSENT if is_other or name in at.own else held(name, at.code)


def _fetches(node: ast.AST | None) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and called_name(node) in FETCHES


def _column_at(value: Value, key: object) -> str | None:
    """The column at a place of rows, or of that name; None for all of them."""
    names = value.column_names()
    if isinstance(key, int) and not isinstance(key, bool) and -len(names) <= key < len(names):
        return names[key]
    return key if isinstance(key, str) and key in names else None


def _is_row(obj: object) -> bool:
    """Whether an object may be a row of a frame: a series whose labels are texts."""
    index = getattr(obj, "index", None)
    return type(obj).__name__ == "Series" and getattr(index, "inferred_type", "") == "string"


def _root(node: ast.AST) -> str | None:
    """The name at the beginning of a chain of attributes; None if it begins with anything else."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _constants(node: ast.expr) -> list[object]:
    """The constants that an expression is, or lists."""
    items = node.elts if isinstance(node, ast.List | ast.Tuple) else [node]
    return [item.value for item in items if isinstance(item, ast.Constant)]
