"""Syntax of code that builds a list of rows: what its statements bind, append, and read or set in a row."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from headwater.capture.source_analysis.bindings import Step, is_test_of_names

_GROWS: Final = frozenset(("append", "add", "appendleft"))
_EXTENDS: Final = frozenset(("extend", "update"))
_CHANGES_COLUMNS: Final = frozenset(("drop", "insert", "pop", "rename", "reset_index", "set_index", "eval", "update"))
"""Methods that may change the columns of a frame in place."""
_LOCATES: Final = frozenset(("loc", "iloc", "at"))
"""Attributes of a frame whose items are its rows and cells."""
LENGTH: Final = "\0length"
"""Takes the place of a column for ``len(name)``."""

LOADED: Final = "loaded"
"""The operation of a value for the content of a file: rows whose keys are its columns."""
GIVES_KEYS: Final = frozenset(("load", "loads", "DictReader"))
"""Calls that return rows with keys from a file, or from a text in one."""
LOADERS: Final = GIVES_KEYS | {"open", "reader"}
"""Calls that return the content of a file, or of a text in one."""

RUNS: Final = frozenset(("execute",))
"""Calls that execute SQL, and may return its rows."""
FETCHES: Final = frozenset(("fetchall", "fetchmany", "fetchone"))
"""Calls that return rows of the SQL that a cursor executed last."""

HANDS_ON: Final = frozenset(("list", "tuple", "sorted", "reversed", "set", "deque"))
GOES_THROUGH: Final = frozenset((
    *("iterrows", "itertuples", "to_dict", "to_records", "tolist", "to_list", "items"),
    *("iter_rows", "rows", "to_dicts", "zip", "enumerate", "map", "filter", "sum", "min", "max", "dict", "Counter"),
    *("open", "load", *RUNS),
    *HANDS_ON,
))  # fmt: skip
"""Calls that iterate over their object or their arguments."""

GIVES_ROWS: Final = frozenset(("iterrows", "itertuples", "iter_rows", "rows", "to_dict", "to_dicts"))
"""Calls that return rows, whose length is not data."""
GIVES_A_ROW: Final = frozenset(("to_dict", "to_dicts", "rows", "_asdict", "copy", "dict")) | RUNS | FETCHES
"""Calls that return one or several rows as dictionaries."""
_COPIES: Final = frozenset(("copy", "to_dict", "_asdict", "model_dump"))
"""Methods of a row that give a copy of it, or a dictionary."""
_GIVES_ATTRIBUTES: Final = frozenset(("asdict", "vars"))
"""Calls that give the attributes of an object by name."""
GROUPS: Final = frozenset(("groupby", "group_by"))
"""Calls that return groups with their keys."""

KEYWORDS: Final = "values"
"""The call that takes a row as its keywords: ``insert(table).values(name=..., age=...)``."""

MAKERS: Final = frozenset(("DataFrame", "from_records", "from_dict", "from_dicts", "json_normalize", "Series"))
"""Calls that make a table or column from Python objects."""


class Key(str):
    """A column used as ``row["age"]``: a key, not an attribute."""

    __slots__ = ()


class Target(NamedTuple):
    """What a loop binds a name to: an item of ``iterated``, or the part of each item at ``place``."""

    iterated: ast.expr
    place: int | None


Scope = dict[str, Target]
Texts = Callable[[ast.Name | ast.Attribute], list[str]]


def last_line(node: ast.AST) -> int:
    """The last line of a node; -1 if it is unknown."""
    found: int | None = getattr(node, "end_lineno", None)
    return -1 if found is None else found


def called_name(node: ast.AST) -> str:
    """The unqualified name of the function in a call; empty for anything else."""
    function = node.func if isinstance(node, ast.Call) else None
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def pairs_of(node: ast.expr) -> list[tuple[str | ast.expr | None, ast.expr]] | None:
    """Keys and expressions of a dictionary display or ``dict(...)``; the key is None for ``**other``, and an expression
    if it is computed. None for anything else."""
    if isinstance(node, ast.Dict):
        keys = [str(key.value) if isinstance(key, ast.Constant) else key for key in node.keys]
        return list(zip(keys, node.values, strict=True))
    if isinstance(node, ast.Call) and called_name(node) == "dict" and node.keywords and not node.args:
        return [(item.arg, item.value) for item in node.keywords]
    return None


def parts_of(node: ast.expr) -> list[ast.expr] | None:
    """The lists that a list is put together from, or one of which it is: ``rows[1:]``, ``a + b``, ``rows or []``. None
    for anything else."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        return [node.value]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [node.left, node.right]
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    return node.values if isinstance(node, ast.BoolOp) else None


def cells_put_in(node: ast.stmt, name: str) -> list[tuple[ast.expr, ast.expr]]:
    """The keys and values that a statement sets in the dictionary of that name."""
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    if not isinstance(node, ast.Assign | ast.AugAssign) or not isinstance(target, ast.Subscript):
        return []
    return [(target.slice, node.value)] if isinstance(target.value, ast.Name) and target.value.id == name else []


def put_in(node: ast.stmt, name: str) -> list[ast.expr]:
    """The expression that a statement appends to the list of that name."""
    call = node.value if isinstance(node, ast.Expr) else None
    grows = isinstance(call, ast.Call) and called_name(call) in _GROWS and owner_of(call) == name
    return call.args[:1] if isinstance(call, ast.Call) and grows else []


def added_to(node: ast.stmt, name: str) -> list[ast.expr]:
    """The lists that a statement assigns to that name, or extends it by."""
    if isinstance(node, ast.Assign):
        return [node.value] if any(isinstance(item, ast.Name) for item in node.targets) else []
    if isinstance(node, ast.AnnAssign | ast.AugAssign):
        return [node.value] if node.value is not None else []
    call = node.value if isinstance(node, ast.Expr) else None
    extends = isinstance(call, ast.Call) and called_name(call) in _EXTENDS and owner_of(call) == name
    return call.args[:1] if isinstance(call, ast.Call) and extends else []


def executed(steps: tuple[Step, ...], cursor: str, line: int) -> Iterator[ast.stmt]:
    """The statements of the code above a line that bind the cursor of that name, or execute SQL with it; the last
    first."""
    for step in reversed(steps if cursor else ()):
        calls = (item for item in ast.walk(step.node) if isinstance(item, ast.Call) and called_name(item) in RUNS)
        if step.first <= line and (cursor in step.binds or any(owner_of(call) == cursor for call in calls)):
            yield step.node


def owner_of(call: ast.Call) -> str:
    """The name of the object whose method is called; empty if it is not a plain name."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    return owner.id if isinstance(owner, ast.Name) else ""


def bound_by(generators: list[ast.comprehension]) -> Scope:
    """The names bound by the loops of a comprehension."""
    scope: Scope = {}
    for generator in generators:
        for item in ast.walk(generator.target):
            if isinstance(item, ast.Name):
                target = target_of(generator.target, generator.iter, item.id)
                if target is not None:
                    scope[item.id] = target
    return scope


def target_of(target: ast.expr, iterated: ast.expr, name: str) -> Target | None:
    """What ``for target in iterated`` binds the name to."""
    if isinstance(target, ast.Name):
        return Target(iterated, None) if target.id == name else None
    if not isinstance(target, ast.Tuple | ast.List):
        return None
    is_counted, is_zipped = called_name(iterated) == "enumerate", called_name(iterated) == "zip"
    for place, item in enumerate(target.elts):
        if isinstance(item, ast.Name) and item.id == name:
            return Target(iterated, place)
        if not isinstance(item, ast.Tuple):
            continue
        given = iterated.args if isinstance(iterated, ast.Call) else []
        inner = given[:1] if is_counted else given[place : place + 1] if is_zipped else []
        found = target_of(item, inner[0], name) if inner else None
        if found is not None:
            return found
        if any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(item)):
            return Target(iterated, place)  # a part of what stands there: ``for key, (a, b) in pairs.items()``
    return None


def uses_of(node: ast.AST, texts: Texts = lambda _: []) -> Iterator[tuple[str, str | None]]:
    """The names in an expression, each with the column used (``row.age``, ``row["age"]``), or ``LENGTH`` for
    ``len(name)``. ``texts`` gives the texts that a name may stand for, as a key: ``row[column]``."""
    is_count = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len"
    if is_count and isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Name):
        yield node.args[0].id, LENGTH
        return
    if is_test_of_names(node):
        return
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        yield node.value.id, node.attr
        return
    located = _located(node, texts)
    if located is not None:
        name, columns, rows = located
        yield from ((name, Key(column)) for column in columns)
        yield from uses_of(rows, texts)
        return
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        yield from _by_keys(node.value.id, node.slice, texts)
        yield from uses_of(node.slice, texts)
        return
    if isinstance(node, ast.Call) and called_name(node) == "get" and owner_of(node) and node.args:
        yield from _by_keys(owner_of(node), node.args[0], texts)
        for item in node.args:
            yield from uses_of(item, texts)
        return
    if isinstance(node, ast.Name):
        yield node.id, None
    for child in ast.iter_child_nodes(node):
        yield from uses_of(child, texts)


def _by_keys(name: str, key: ast.expr, texts: Texts) -> Iterator[tuple[str, str | None]]:
    """A name with each of the columns that a key stands for; with None if it may be any."""
    columns = texts_of_key(key, texts)
    yield from ((name, Key(column)) for column in columns)
    if not columns:
        yield name, None


def texts_of_key(key: ast.expr, texts: Texts) -> list[str]:
    """The texts that a key is, or lists, or that its name stands for; empty if it may be anything else."""
    if isinstance(key, ast.Name | ast.Attribute):
        return texts(key)
    items = key.elts if isinstance(key, ast.List) else [key]
    found = [item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    return found if len(found) == len(items) else []


def _located(node: ast.AST, texts: Texts) -> tuple[str, list[str], ast.expr] | None:
    """The frame, the columns, and what chooses the rows of ``frame.loc[rows, "age"]`` and ``frame.iloc[row]["age"]``,
    of a list of columns, too; None for anything else."""
    if not isinstance(node, ast.Subscript):
        return None
    if isinstance(node.value, ast.Subscript):
        owner, rows, key = node.value.value, node.value.slice, node.slice
    elif isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 2:
        owner, rows, key = node.value, node.slice.elts[0], node.slice.elts[1]
    else:
        return None
    columns = texts_of_key(key, texts)
    is_place = isinstance(owner, ast.Attribute) and owner.attr in _LOCATES and isinstance(owner.value, ast.Name)
    if not is_place or isinstance(rows, ast.Tuple) or not columns:
        return None
    return owner.value.id, columns, rows  # type: ignore[attr-defined]


def chosen_by_names(node: ast.expr) -> list[tuple[str, str]]:
    """What ``labels[kept]`` in an expression names, for each name that it uses to choose and for nothing else."""
    found = [
        (item.value.id, item.slice.id)
        for item in ast.walk(node)
        if isinstance(item, ast.Subscript) and isinstance(item.value, ast.Name) and isinstance(item.slice, ast.Name)
    ]
    used = [item.id for item in ast.walk(node) if isinstance(item, ast.Name)]
    masks = [mask for _, mask in found]
    return [(whole, mask) for whole, mask in found if used.count(mask) == masks.count(mask)]


def copied(node: ast.expr) -> str | None:
    """The name of the row that an expression consists of, or is a copy of."""
    inner = as_row(node)
    return inner.id if isinstance(inner, ast.Name) else None


def as_row(node: ast.expr) -> ast.expr:
    """The row that an expression is a copy of, or whose attributes it gives by name: ``person`` in ``asdict(person)``,
    ``vars(person)`` and ``person.__dict__``; the expression itself if it is neither."""
    if isinstance(node, ast.Attribute) and node.attr == "__dict__":
        return node.value
    if not isinstance(node, ast.Call) or node.keywords:
        return node
    if isinstance(node.func, ast.Attribute) and node.func.attr in _COPIES and not node.args:
        return node.func.value
    is_of_argument = called_name(node) in _GIVES_ATTRIBUTES and len(node.args) == 1
    return node.args[0] if is_of_argument else node


def changes(step: Step, name: str) -> bool:
    """Whether a statement may bind a name to another object, or change the columns of its frame."""
    call = step.node.value if isinstance(step.node, ast.Expr) else None
    is_changed = isinstance(call, ast.Call) and owner_of(call) == name and called_name(call) in _CHANGES_COLUMNS
    return name in step.binds or is_changed


def given_to(step: Step, name: str) -> ast.expr | None:
    """The expression that a statement binds a name to, or adds to the object of that name."""
    if isinstance(step.node, ast.With | ast.AsyncWith):
        named = [item.context_expr for item in step.node.items if getattr(item.optional_vars, "id", "") == name]
        return named[0] if named else None
    found: ast.expr | None = getattr(step.node, "value", None)
    return found


def that_give(steps: list[Step], column: str | None) -> list[Step]:
    """The statements, without those that set a cell of a row other than ``column``."""
    return [step for step in steps if _cell_set(step.node) in (None, column) or column in (None, LENGTH)]


def _cell_set(node: ast.stmt) -> str | None:
    """The cell that ``row["age"] = ...`` sets."""
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    key = target.slice if isinstance(target, ast.Subscript) else None
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None


def texts_in(node: ast.AST) -> set[str]:
    """The string literals in an expression."""
    return {item.value for item in ast.walk(node) if isinstance(item, ast.Constant) and isinstance(item.value, str)}


def maker_at(at: Step, line: int, makers: frozenset[str] = MAKERS, place: int = 0) -> ast.expr | None:
    """The expression, an argument at ``place``, from which a call of one of the ``makers`` at that line makes a table;
    None if there is no such call, or more than one."""
    calls = [node for node in ast.walk(at.node) if isinstance(node, ast.Call) and called_name(node) in makers]
    given = [
        [ast.Dict([ast.Constant(item.arg) for item in call.keywords], [item.value for item in call.keywords])]
        if called_name(call) == KEYWORDS and call.keywords and not call.args
        else [*call.args, *(keyword.value for keyword in call.keywords)]
        for call in calls
        if call.lineno <= line <= last_line(call)
    ]
    found = [items[place] for items in given if len(items) > place]
    return found[0] if len(found) == 1 else None


class Maker(NamedTuple):
    """The calls that take data in some code, and which of their arguments it is."""

    names: frozenset[str] = MAKERS
    place: int = 0
    is_row: bool = False
    """Whether it is a single row."""


def data_at(steps: tuple[Step, ...], line: int, maker: Maker) -> ast.expr | None:
    """The expression from which that line makes a table; None if there is no such call, or more than one."""
    here = (maker_at(step, line, maker.names, maker.place) for step in steps if step.first <= line <= step.last)
    found = [data for data in here if data is not None]
    return found[0] if len(found) == 1 else None
