"""Which columns of a group each part of a function's result is computed from: ``pd.Series({"low": g["price"].min()})``.

A function of groups or rows often returns several numbers under names. Its source tells what each was computed from;
the bytecode (``functions``) tells only what the function reads altogether.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from types import CodeType
from typing import Final

from headwater.capture.source_analysis.bindings import MAX_SOURCE_LINES, module_steps_of, steps_of
from headwater.capture.source_analysis.line_parts import parsed
from headwater.capture.source_analysis.parser import lines_of
from headwater.capture.source_analysis.row_list_syntax import called_name

Parts = dict[str, tuple[str, ...]]
"""For each part of a result, the columns that it was computed from; none if it only counts rows."""

_SIZES: Final = frozenset(("shape", "size", "empty", "ndim"))


@lru_cache(maxsize=1_024)
def parts_read(code: CodeType, columns: tuple[str, ...]) -> Parts | None:
    """The parts of what a function of one group or row returns. None unless every result is a series or dictionary that
    is spelled out, of parts that read the group only by column."""
    results = _results(code)
    if not results or code.co_argcount < 1:
        return None
    reader = _Reader(code, columns)
    found: dict[str, dict[str, None]] = {}
    for result in results:
        parts = _spelled(result)
        if parts is None:
            return None
        for name, node in parts.items():
            read = reader.read(node)
            if read is None:
                return None
            found.setdefault(name, {}).update(dict.fromkeys(read))
    return {name: tuple(read) for name, read in found.items()}


def _results(code: CodeType) -> list[ast.expr]:
    """The expressions that a function may return."""
    if code.co_name != "<lambda>":
        returns = [step.node for step in steps_of(code) if isinstance(step.node, ast.Return)]
        return [node.value for node in returns if node.value is not None]
    count = len(lines_of(code.co_filename))
    if not 0 < count <= MAX_SOURCE_LINES or not module_steps_of(code):
        return []
    tree = parsed("".join(lines_of(code.co_filename)[:count]))
    here = [
        function
        for function in ast.walk(tree)
        if isinstance(function, ast.Lambda) and function.lineno == code.co_firstlineno
    ]
    alike = [
        function
        for function in here
        if [arg.arg for arg in function.args.args] == [*code.co_varnames[: code.co_argcount]]
    ]
    return [alike[0].body] if len(alike) == 1 else []


def _spelled(result: ast.expr) -> dict[str, ast.expr] | None:
    """The parts of a series or dictionary that is spelled out, by name."""
    given: ast.expr | None = result
    names: ast.expr | None = None
    if isinstance(result, ast.Call):
        if called_name(result) != "Series" or not result.args:
            return None
        given = result.args[0]
        index = [item.value for item in result.keywords if item.arg == "index"]
        names = result.args[1] if len(result.args) > 1 else index[0] if index else None
    if isinstance(given, ast.Dict) and names is None:
        keys, values = given.keys, given.values
    elif isinstance(given, ast.Call) and called_name(given) == "dict" and not given.args and names is None:
        return {str(item.arg): item.value for item in given.keywords}
    elif isinstance(given, ast.List | ast.Tuple) and isinstance(names, ast.List | ast.Tuple):
        keys, values = list(names.elts), given.elts
    else:
        return None
    texts = [key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    return dict(zip(texts, values, strict=True)) if len(texts) == len(values) else None


class _Reader:
    """Reads expressions of one function."""

    def __init__(self, code: CodeType, columns: tuple[str, ...]) -> None:
        self._parameter = code.co_varnames[0]
        self._columns = frozenset(columns)
        self._steps = steps_of(code)
        self._busy: set[str] = set()

    def read(self, node: ast.AST) -> set[str] | None:
        """The columns of the group that an expression reads; None if it may read others."""
        if isinstance(node, ast.Name):
            return self._named(node.id)
        if isinstance(node, ast.Subscript | ast.Attribute) and _is_name(node.value, self._parameter):
            return self._part(node)
        is_count = isinstance(node, ast.Call) and called_name(node) == "len" and len(node.args) == 1
        if is_count and _is_name(node.args[0], self._parameter):  # type: ignore[attr-defined]
            return set()
        found: set[str] = set()
        for inner in ast.iter_child_nodes(node):
            read = self.read(inner)
            if read is None:
                return None
            found |= read
        return found

    def _part(self, node: ast.Subscript | ast.Attribute) -> set[str] | None:
        if isinstance(node, ast.Attribute):
            names = [node.attr] if node.attr not in _SIZES else []
        else:
            keys = node.slice.elts if isinstance(node.slice, ast.List) else [node.slice]
            names = [str(key.value) if isinstance(key, ast.Constant) else "" for key in keys]
        return set(names) if self._columns.issuperset(names) else None

    def _named(self, name: str) -> set[str] | None:
        """What a local name was computed from; nothing if it is bound outside the function."""
        if name == self._parameter:
            return None
        bound = [step for step in self._steps if name in step.binds]
        if name in self._busy or not bound:
            return set()
        self._busy.add(name)
        try:
            found: set[str] = set()
            for step in bound:
                value = getattr(step.node, "value", None)
                read = self.read(value) if isinstance(step.node, ast.Assign | ast.AnnAssign) and value else None
                if read is None:
                    return None
                found |= read
            return found
        finally:
            self._busy.discard(name)


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
