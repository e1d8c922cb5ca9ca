"""Reading from the user's code which columns the rows of a list were made of.

``for row in df.itertuples(): rows.append({"id": row.id, "dti": row.debt / row.income})`` leaves a list of dictionaries,
which nobody can follow, and ``pd.DataFrame(rows)`` makes a frame of it. Where the frame was gone through is known; the
code says the rest: what was appended, under which key, and which columns stand in that expression.

Only the source text is read. What is found is marked ``inferred``, as a name may have been bound to something else; an
expression that cannot be read comes from all that was gone through for it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from types import CodeType
from typing import Final, NamedTuple

from headwater.capture.statements_read import Step, own_names, step_at, steps_of
from headwater.capture.values import INFERRED, Columns, Dep, Value, make_value

Passes = Mapping[int, tuple[Value, ...]]
"""The lines at which a frame or column was gone through, and which."""
Known = Callable[[str], Value | None]
"""The value of the object that a name stands for, where that is followed."""
_Found = dict[tuple[Value, str | None], None]
"""Columns of values that were gone through; all columns for None."""

GATHERED: Final = "rows"
"""The operation of a value that was read from what the code gathered in a list."""
MAKERS: Final = frozenset(("DataFrame", "from_records", "from_dict", "from_dicts", "Series"))
"""Calls that make a table or a column of what Python holds."""
_GROWS: Final = frozenset(("append", "add", "appendleft"))
_EXTENDS: Final = frozenset(("extend", "update"))
_HANDS_ON: Final = frozenset(("list", "tuple", "sorted", "reversed", "set", "deque"))
_GOES_THROUGH: Final = frozenset((
    *("iterrows", "itertuples", "to_dict", "to_records", "tolist", "to_list", "items"),
    *("iter_rows", "rows", "to_dicts", "zip", "enumerate", "map", "filter", "sum", "min", "max", "dict", "Counter"),
    *_HANDS_ON,
))  # fmt: skip
"""Calls that go through what they are made on, or given."""
MEASURES: Final = frozenset(("shape", "size", "ndim", "dtype", "dtypes", "columns", "feature_names_in_", "index"))
"""Attributes that tell of data without giving any of it."""
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_MAX_DEPTH: Final = 12


class _Target(NamedTuple):
    """What a loop binds a name to: an item of ``iterated``, or what stands at ``place`` of each item."""

    iterated: ast.expr
    place: int | None


_Scope = dict[str, _Target]


def table_read(
    code: CodeType, line: int, passes: Passes, known: Known, names: tuple[str, ...], rows: int | None
) -> Value | None:
    """A value for a table with these columns that is made, at ``line`` of ``code``, of a list (or of lists by name);
    None where the code does not tell of anything that was gone through for it, or is followed."""
    reader = _Reader(steps_of(code), passes, known, line)
    data = reader.data_at(line)
    if data is None:
        return None
    keyed = reader.table(data)
    everything = dict.fromkeys(pair for found in keyed.values() for pair in found)
    if not everything:
        return None
    inputs = tuple(dict.fromkeys(value for value, _ in everything))
    fields: dict[str, list[Dep]] = {}
    for place, name in enumerate(names):
        found = {**keyed.get(place, {}), **keyed.get(name, {}), **_of_rows(keyed.get(_ROW, {}), name)}
        if not found and name not in keyed and place not in keyed:
            found = dict(everything)  # under a key that cannot be read
        found.update(keyed.get(_ANY, {}))
        fields[name] = [Dep(inputs.index(value), column, description=INFERRED) for value, column in found]
    return make_value(GATHERED, inputs, lambda _: Columns(fields), columns=names, rows=rows, code=code, line=line)


_ROW: Final = "\0row"
"""The key under which whole rows stand: each column is the column of that name there."""
_ANY: Final = "\0any"
"""The key under which stands what may be in every column."""


def _of_rows(found: _Found, name: str) -> _Found:
    return {(value, name): None for value, _ in found if name in value.column_names()}


def maker_at(at: Step, line: int, makers: frozenset[str] = MAKERS) -> ast.expr | None:
    """What a statement makes a table of at that line, by a call of one of the ``makers``; None where no call, or more
    than one, could be it."""
    calls = [node for node in ast.walk(at.node) if isinstance(node, ast.Call)]
    found = [
        call.args[0] if call.args else call.keywords[0].value
        for call in calls
        if called_name(call) in makers and (call.args or call.keywords) and call.lineno <= line <= _last(call)
    ]
    return found[0] if len(found) == 1 else None


class _Reader:
    """Reads the statements of one function or module, above one line of it."""

    def __init__(self, steps: tuple[Step, ...], passes: Passes, known: Known, line: int) -> None:
        self._steps = steps
        self._passes = passes
        self._known_as = known
        self._line = line
        self._entered: set[str] = set()
        """Names of lists and rows that were read: one that is made of itself, or reached twice, is read once."""
        self._known: dict[tuple[int, str | None, frozenset[tuple[str, _Target]]], _Found] = {}
        """What is behind what was gone through, by its expression."""

    def data_at(self, line: int) -> ast.expr | None:
        """What is made a table at that line; None where no call or more than one could be it."""
        at = step_at(self._steps, line)
        return maker_at(at, line) if at is not None else None

    def table(self, data: ast.expr) -> dict[str | int, _Found]:
        """What each column of the table comes from, by its name or place; see ``_ROW`` and ``_ANY``."""
        found: dict[str | int, _Found] = {}
        lists = _pairs(data)
        if lists is None:
            for element, scope in self._elements(data, {}, 0):
                self._row(element, scope, found, 0)
            return found
        for key, values in lists:
            self._entered.clear()
            for element, scope in self._elements(values, {}, 0):
                _add(found, _ANY if key is None else key, self._sources(element, scope, 0))
        return found

    def _elements(self, node: ast.expr, scope: _Scope, depth: int) -> Iterator[tuple[ast.expr, _Scope]]:
        """The expressions of the items of a list."""
        if depth > _MAX_DEPTH:
            return
        if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp):
            yield node.elt, scope | _bound_by(node.generators)
        elif isinstance(node, ast.List | ast.Tuple):
            yield from ((item, scope) for item in node.elts)
        elif isinstance(node, ast.Call) and called_name(node) in _HANDS_ON and node.args:
            yield from self._elements(node.args[0], scope, depth + 1)
        elif isinstance(node, ast.Name):
            for step in self._bindings_once("list " + node.id):
                for item in _put_in(step.node, node.id):
                    yield item, scope
                for values in _added_to(step.node, node.id):
                    yield from self._elements(values, scope, depth + 1)
        else:
            yield node, scope

    def _row(self, element: ast.expr, scope: _Scope, found: dict[str | int, _Found], depth: int) -> None:
        """What one row, written as a dictionary, a sequence or a name, puts under each key."""
        pairs = _pairs(element)
        if pairs is not None:
            for key, item in pairs:
                if key is None:
                    self._row(item, scope, found, depth + 1)
                else:
                    _add(found, key, self._sources(item, scope, 0))
        elif isinstance(element, ast.List | ast.Tuple) or called_name(element) == "zip":
            items = element.elts if isinstance(element, ast.List | ast.Tuple) else getattr(element, "args", [])
            for place, item in enumerate(items):
                _add(found, place, self._sources(item, scope, 0))
        elif isinstance(element, ast.Name) and element.id not in scope and depth < _MAX_DEPTH:
            self._named_row(element.id, scope, found, depth)
        else:
            whole = self._sources(element, scope, 0)
            is_row = isinstance(element, ast.Name) or called_name(element) in ("to_dict", "_asdict", "copy", "dict")
            _add(found, _ROW if is_row else _ANY, whole)

    def _named_row(self, name: str, scope: _Scope, found: dict[str | int, _Found], depth: int) -> None:
        for step in self._bindings_once("row " + name):
            node = step.node
            if isinstance(node, ast.For | ast.AsyncFor):
                _add(found, _ROW, self._sources(ast.Name(name), scope, 0))
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                key = node.targets[0].slice
                text = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else _ANY
                _add(found, text, self._sources(node.value, scope, 0))
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                self._row(node.value, scope, found, depth + 1)
            elif isinstance(node, ast.Expr):
                for values in _added_to(node, name):
                    self._row(values, scope, found, depth + 1)

    def _sources(self, node: ast.expr, scope: _Scope, depth: int, seen: set[tuple[str, int]] | None = None) -> _Found:
        """The columns that stand in an expression. ``seen`` are the statements that were read for it: each is read
        once, as what it binds a name to does not depend on the way there."""
        found: _Found = {}
        seen = set() if seen is None else seen
        if depth > _MAX_DEPTH:
            return found
        own = own_names(node)
        for name, column in _uses(node):
            if name in own:
                continue
            target = scope.get(name)
            steps = [] if target is not None or column in MEASURES else self._bindings(name)[-4:]
            is_item = any(isinstance(step.node, ast.For | ast.AsyncFor) for step in steps)
            live = None if target is not None or column in MEASURES or is_item else self._known_as(name)
            if live is not None:
                found[live, column if column in live.column_names() else None] = None
                continue
            for step in steps:
                if isinstance(step.node, ast.For | ast.AsyncFor):
                    target = _target_of(step.node.target, step.node.iter, name)
                elif (name, step.first) not in seen and (value := getattr(step.node, "value", None)) is not None:
                    seen.add((name, step.first))
                    found.update(self._sources(value, scope, depth + 1, seen))
            if target is not None:
                found.update(self._items(target, column, scope, depth))
        if any(called_name(item) in _GOES_THROUGH or isinstance(item, _COMPREHENSIONS) for item in ast.walk(node)):
            found.update(dict.fromkeys((value, None) for value in self._passed(node)))
        return found

    def _items(self, target: _Target, column: str | None, scope: _Scope, depth: int) -> _Found:
        """The columns that a loop's name stands for, where ``column`` of it is asked for."""
        iterated, place = target
        called = called_name(iterated)
        if called == "enumerate" and isinstance(iterated, ast.Call) and iterated.args:
            if place == 0:
                return {}
            return self._items(_Target(iterated.args[0], None), column, scope, depth)
        if called == "zip" and isinstance(iterated, ast.Call) and place is not None and place < len(iterated.args):
            return self._items(_Target(iterated.args[place], None), column, scope, depth)
        if called in ("iterrows", "items") and place == 0:
            return {}
        found = self._passed(iterated)
        if not found:
            return self._behind(iterated, column, scope, depth)
        mentioned = {text for _, text in _uses(iterated)} | _texts(iterated)
        narrowed = [value for value in found if mentioned.intersection(value.column_names())] or found
        return {(value, column if column in value.column_names() else None): None for value in narrowed}

    def _behind(self, iterated: ast.expr, column: str | None, scope: _Scope, depth: int) -> _Found:
        """As ``_items``, for what is gone through by a name that was bound further up."""
        key = (id(iterated), column, frozenset(scope.items()))
        if key not in self._known:
            found = self._known[key] = {}  # what is gone through may be made of itself
            for value, known in self._sources(iterated, scope, depth + 1):
                found[value, column if known is None and column in value.column_names() else known] = None
        return self._known[key]

    def _passed(self, node: ast.AST) -> list[Value]:
        first = getattr(node, "lineno", 0)
        return [value for line, values in self._passes.items() if first <= line <= _last(node) for value in values]

    def _bindings_once(self, role: str) -> list[Step]:
        """As ``_bindings``, for a name after the role in which it is read; none the second time."""
        if role in self._entered:
            return []
        self._entered.add(role)
        return self._bindings(role.partition(" ")[2])

    def _bindings(self, name: str) -> list[Step]:
        return [step for step in self._steps if name in step.binds and step.first <= self._line]


def _add(found: dict[str | int, _Found], key: str | int, more: _Found) -> None:
    found.setdefault(key, {}).update(more)


def _last(node: ast.AST) -> int:
    found: int | None = getattr(node, "end_lineno", None)
    return -1 if found is None else found


def called_name(node: ast.AST) -> str:
    """The bare name of what a call calls."""
    function = node.func if isinstance(node, ast.Call) else None
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _pairs(node: ast.expr) -> list[tuple[str | None, ast.expr]] | None:
    """Keys and expressions of a dictionary that is written out; None as the key of ``**other`` or a computed one."""
    if isinstance(node, ast.Dict):
        keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
        return [(str(key) if key is not None else None, item) for key, item in zip(keys, node.values, strict=True)]
    if isinstance(node, ast.Call) and called_name(node) == "dict" and node.keywords and not node.args:
        return [(item.arg, item.value) for item in node.keywords]
    return None


def _put_in(node: ast.stmt, name: str) -> list[ast.expr]:
    """What a statement appends to the list of that name."""
    call = node.value if isinstance(node, ast.Expr) else None
    grows = isinstance(call, ast.Call) and called_name(call) in _GROWS and _owner(call) == name
    return call.args[:1] if isinstance(call, ast.Call) and grows else []


def _added_to(node: ast.stmt, name: str) -> list[ast.expr]:
    """The lists that a statement makes that name, or adds to it."""
    if isinstance(node, ast.Assign):
        return [node.value] if any(isinstance(item, ast.Name) for item in node.targets) else []
    if isinstance(node, ast.AnnAssign | ast.AugAssign):
        return [node.value] if node.value is not None else []
    call = node.value if isinstance(node, ast.Expr) else None
    extends = isinstance(call, ast.Call) and called_name(call) in _EXTENDS and _owner(call) == name
    return call.args[:1] if isinstance(call, ast.Call) and extends else []


def _owner(call: ast.Call) -> str:
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    return owner.id if isinstance(owner, ast.Name) else ""


def _bound_by(generators: list[ast.comprehension]) -> _Scope:
    scope: _Scope = {}
    for generator in generators:
        for item in ast.walk(generator.target):
            if isinstance(item, ast.Name):
                target = _target_of(generator.target, generator.iter, item.id)
                if target is not None:
                    scope[item.id] = target
    return scope


def _target_of(target: ast.expr, iterated: ast.expr, name: str) -> _Target | None:
    """What ``for target in iterated`` binds the name to."""
    if isinstance(target, ast.Name):
        return _Target(iterated, None) if target.id == name else None
    if not isinstance(target, ast.Tuple | ast.List):
        return None
    is_counted, is_zipped = called_name(iterated) == "enumerate", called_name(iterated) == "zip"
    for place, item in enumerate(target.elts):
        if isinstance(item, ast.Name) and item.id == name:
            return _Target(iterated, place)
        if not isinstance(item, ast.Tuple) or not isinstance(iterated, ast.Call):
            continue
        inner = iterated.args[:1] if is_counted else iterated.args[place : place + 1] if is_zipped else []
        found = _target_of(item, inner[0], name) if inner else None
        if found is not None:
            return found
    return None


def _uses(node: ast.AST) -> Iterator[tuple[str, str | None]]:
    """The names in an expression, each with the column that is asked of it: ``row.age``, ``row["age"]``. A count of
    items gives none of them."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len":
        return
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        yield node.value.id, node.attr
        return
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        key = node.slice
        yield node.value.id, key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None
        yield from _uses(key)
        return
    if isinstance(node, ast.Call) and called_name(node) == "get" and _owner(node) and node.args:
        key = node.args[0]
        yield _owner(node), key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None
        for item in node.args:
            yield from _uses(item)
        return
    if isinstance(node, ast.Name):
        yield node.id, None
    for child in ast.iter_child_nodes(node):
        yield from _uses(child)


def _texts(node: ast.AST) -> set[str]:
    return {item.value for item in ast.walk(node) if isinstance(item, ast.Constant) and isinstance(item.value, str)}
