"""Infers from the source what the user's code writes into a file that it opens itself.

``with open("readme.txt", "w") as f: f.write("made by us")`` writes no data, whatever the run has read before;
``f.write(str(model.coef_))`` writes data of the model. The content of the file consists of the arguments of all calls
on the handle, or with the handle as an argument. If the handle is passed on in any other way, the content is unknown.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import CodeType
from typing import Final

from headwater.capture.source_analysis.bindings import Step, step_at, steps_of
from headwater.capture.source_analysis.literals import Place
from headwater.capture.source_analysis.row_list_syntax import called_name, given_to, owner_of
from headwater.model.patterns import lazy_pattern

_WRITERS: Final = frozenset(("json", "pickle", "csv", "yaml", "toml", "tomli_w", "simplejson", "ujson", "np", "numpy"))
"""Modules, by their usual names, whose functions write their arguments and nothing else."""
_ARCHIVES: Final = frozenset(("ZipFile", "PyZipFile"))
"""Classes of archives: ``write`` puts a file into one, of which it is given the name."""
_OWN: Final = frozenset(("write", "writelines", "close", "flush", "writerow", "writerows", "writeheader"))
_MODE: Final = lazy_pattern(r"[bt]?[wax][bt+]{0,2}|r[bt]?\+[bt]?")
_ONE_LINERS: Final = frozenset(("write_text", "write_bytes", "dump", "savetxt", "save", "print", "write"))


Payload = list[tuple[ast.expr, Place]]
"""Expressions that are written to a file, each with its place."""


def payload_at(code: CodeType | None, line: int) -> Payload:
    """Everything that is written to the file opened at ``line`` of ``code``; empty if that is unknown."""
    steps = steps_of(code) if code is not None else ()
    at = _opened_there(steps, line) or step_at(steps, line)
    if code is None or at is None:
        return []
    if isinstance(at.node, ast.Expr):
        return _placed(_of_one_line(at.node.value) or [], code, at)
    if not isinstance(at.node, ast.With | ast.Assign) or len(at.binds) != 1:
        return []
    last = at.node.end_lineno if isinstance(at.node, ast.With) else steps[-1].last
    below = [step for step in steps if step is not at and at.first <= step.first <= (last or 0)]
    name = next(iter(at.binds))
    return _through_handle(name, below, code, is_archive=_is_archive(given_to(at, name)))


def _opened_there(steps: tuple[Step, ...], line: int) -> Step | None:
    """The ``with`` statement whose head opens a file at a line, though its body may stand in the same line."""
    here = [step for step in steps if step.first <= line <= step.last and step.binds]
    opened = [(step, call) for step in here if (call := _opened_by(step)) is not None]
    writing = [step for step, call in opened if _is_writing(call)]
    return next(iter(writing or [step for step, _ in opened]), None)


def _opened_by(step: Step) -> ast.expr | None:
    """The expression that opens the file under the name that a step of a ``with`` statement binds."""
    items = step.node.items if isinstance(step.node, ast.With) else []
    given = [item.context_expr for item in items if getattr(item.optional_vars, "id", "") in step.binds]
    return next((item for item in given if _opens(item)), None)


def _is_writing(call: ast.expr) -> bool:
    """Whether a call that opens a file has a literal mode for writing among its arguments."""
    texts = [item.value for item in ast.walk(call) if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    return any(_MODE.fullmatch(text) for text in texts)


def _placed(expressions: list[ast.expr], code: CodeType, step: Step) -> Payload:
    return [(item, Place(code, step.first)) for item in expressions]


def _through_handle(name: str, steps: list[Step], code: CodeType, *, is_archive: bool) -> Payload:
    handles, found = {name}, []
    for step in steps:
        node = step.node
        if isinstance(node, ast.For | ast.While | ast.With) or not handles.intersection(_names(node)):
            if handles.intersection(_names(_head(node))):
                return []
            continue
        call = getattr(node, "value", None)
        if not isinstance(node, ast.Expr | ast.Assign) or not isinstance(call, ast.Call):
            return []
        payload = _into_archive(call, handles) if is_archive else _of_call(call, handles)
        if payload is None:
            return []
        found += _placed(payload, code, step)
        if isinstance(node, ast.Assign):  # csv.writer(file)
            handles |= step.binds
    return found


def _head(node: ast.stmt) -> ast.AST:
    """What a compound statement evaluates before its body, whose statements are examined separately."""
    if isinstance(node, ast.For):
        return node.iter
    if isinstance(node, ast.With):
        return ast.Tuple([item.context_expr for item in node.items], ast.Load())
    return node.test if isinstance(node, ast.While) else ast.Pass()


def _of_call(call: ast.Call, handles: set[str]) -> list[ast.expr] | None:
    """What a call writes to one of the handles; None if that is unknown."""
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
    return payload if owner.id in _WRITERS else [_without(call, handles)]


def _without(call: ast.Call, handles: set[str]) -> ast.Call:
    """The call without the handle among its arguments, of a function that writes what it is given
    (``export_graphviz(model, out_file=file)``) or a method that writes its object."""
    args = [item for item in call.args if not (isinstance(item, ast.Name) and item.id in handles)]
    named = [one for one in call.keywords if not (isinstance(one.value, ast.Name) and one.value.id in handles)]
    return ast.copy_location(ast.Call(call.func, args, named), call)


def _is_archive(opened: ast.expr | None) -> bool:
    return opened is not None and called_name(opened) in _ARCHIVES


def _into_archive(call: ast.Call, handles: set[str]) -> list[ast.expr] | None:
    """What a call writes to an archive as text or bytes; None if it writes anything else."""
    if owner_of(call) not in handles or called_name(call) not in ("writestr", "close"):
        return None
    return [*call.args[1:], *(keyword.value for keyword in call.keywords if keyword.arg == "data")]


def _of_one_line(call: ast.expr) -> list[ast.expr] | None:
    """What a statement writes that also opens the file: ``Path(p).write_text(x)``, ``json.dump(x, open(p))``."""
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


def _names(node: ast.AST) -> Iterator[str]:
    return (item.id for item in ast.walk(node) if isinstance(item, ast.Name))
