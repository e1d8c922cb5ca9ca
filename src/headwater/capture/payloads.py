"""Whether the user's code spells out what it puts into a file that it opens itself.

``with open("readme.txt", "w") as f: f.write("made by us")`` comes from no dataset, whatever the run had read. What is
put into a file is read from the source: the arguments of all calls that are made on the handle or given it. One that
does not lead to what is written there, or a handle that goes elsewhere, and the answer is no.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import CodeType
from typing import Final

from headwater.capture.spelled import Place, Reader
from headwater.capture.statements_read import Step, step_at, steps_of

_WRITERS: Final = frozenset(("json", "pickle", "csv", "yaml", "toml", "tomli_w", "simplejson", "ujson", "np", "numpy"))
"""Modules, by the names they usually have, with functions that write what they are given, and nothing else."""
_OWN: Final = frozenset(("write", "writelines", "close", "flush", "writerow", "writerows", "writeheader"))
_ONE_LINERS: Final = frozenset(("write_text", "write_bytes", "dump", "savetxt", "save", "print", "write"))


def is_payload_spelled(code: CodeType | None, line: int) -> bool:
    """Whether all that goes into the file that is opened at ``line`` of ``code`` is spelled out there."""
    steps = steps_of(code) if code is not None else ()
    at = step_at(steps, line)
    if code is None or at is None:
        return False
    if isinstance(at.node, ast.Expr):
        payload = _of_one_line(at.node.value)
        return payload is not None and _follow(payload, code, at)
    if not isinstance(at.node, ast.With | ast.Assign) or len(at.binds) != 1:
        return False
    last = at.node.end_lineno if isinstance(at.node, ast.With) else steps[-1].last
    below = [step for step in steps if step is not at and at.first <= step.first <= (last or 0)]
    return _is_handle_spelled(next(iter(at.binds)), below, code)


def _is_handle_spelled(name: str, steps: list[Step], code: CodeType) -> bool:
    handles, has_any = {name}, False
    for step in steps:
        node = step.node
        if isinstance(node, ast.For | ast.While | ast.With) or not handles.intersection(_names(node)):
            if handles.intersection(_names(_head(node))):
                return False
            continue
        call = getattr(node, "value", None)
        if not isinstance(node, ast.Expr | ast.Assign) or not isinstance(call, ast.Call):
            return False
        payload = _of_call(call, handles)
        if payload is None or not _follow(payload, code, step):
            return False
        if isinstance(node, ast.Assign):  # csv.writer(file)
            handles |= step.binds
        else:
            has_any = has_any or bool(payload)
    return has_any


def _head(node: ast.stmt) -> ast.AST:
    """What a compound statement evaluates before its body; its body's statements are looked at by themselves."""
    if isinstance(node, ast.For):
        return node.iter
    if isinstance(node, ast.With):
        return ast.Tuple([item.context_expr for item in node.items], ast.Load())
    return node.test if isinstance(node, ast.While) else ast.Pass()


def _of_call(call: ast.Call, handles: set[str]) -> list[ast.expr] | None:
    """What a call writes to one of the handles; None where that cannot be told."""
    function = call.func
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    payload = [item for item in given if not (isinstance(item, ast.Name) and item.id in handles)]
    if any(handles.intersection(_names(item)) for item in payload):
        return None
    if isinstance(function, ast.Name):
        return payload if function.id == "print" else None
    owner = function.value if isinstance(function, ast.Attribute) else None
    if not isinstance(owner, ast.Name) or not isinstance(function, ast.Attribute):
        return None
    if owner.id in handles:
        return payload if function.attr in _OWN else None
    return payload if owner.id in _WRITERS else None


def _of_one_line(call: ast.expr) -> list[ast.expr] | None:
    """What a statement that opens and writes at once writes: ``Path(p).write_text(x)``, ``json.dump(x, open(p))``."""
    if not isinstance(call, ast.Call):
        return None
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name not in _ONE_LINERS:
        return None
    owner = function.value if isinstance(function, ast.Attribute) else None
    is_plain = owner is None or (isinstance(owner, ast.Name) and owner.id in _WRITERS)
    if not is_plain and name not in ("write_text", "write_bytes") and not _opens(owner):
        return None
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return [item for item in given if not _opens(item)]


def _opens(node: ast.AST | None) -> bool:
    function = node.func if isinstance(node, ast.Call) else None
    return isinstance(function, ast.Name | ast.Attribute) and "open" in (
        getattr(function, "id", ""),
        getattr(function, "attr", ""),
    )


def _follow(payload: list[ast.expr], code: CodeType, step: Step) -> bool:
    reader = Reader()
    return all(reader.follows(item, Place(code, step.first)) for item in payload)


def _names(node: ast.AST) -> Iterator[str]:
    return (item.id for item in ast.walk(node) if isinstance(item, ast.Name))
