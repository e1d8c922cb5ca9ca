"""The shape of the source: small modules, short functions, names that say something.

Who may import whom is import-linter's to check.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "headwater"
MODULES = sorted(SOURCE.rglob("*.py"))
MOST_LINES = 400
MOST_FUNCTION_LINES = 60
EMPTY_NAMES = {"utils", "util", "common", "core", "helpers", "helper", "misc"}


def functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_can_be_read_in_one_sitting(module):
    """At most 400 lines, and no function over 60: what grows beyond is two things."""
    text = module.read_text(encoding="utf-8")
    lines = text.count("\n")
    assert lines <= MOST_LINES, f"{lines} lines"
    long = {
        node.name: length
        for node in functions(ast.parse(text))
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > MOST_FUNCTION_LINES
    }
    assert long == {}


def test_no_name_says_nothing():
    """A folder or module is called after what is in it."""
    names = {path.stem for path in MODULES} | {path.parent.name for path in MODULES}
    assert names & EMPTY_NAMES == set()


def test_every_module_says_what_it_is_for():
    """The first sentence of a module is its purpose; a package of parts may leave it to them."""
    silent = [
        str(path.relative_to(SOURCE))
        for path in MODULES
        if path.read_text(encoding="utf-8").strip()
        and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_every_test_says_what_it_promises():
    """A test without a docstring is code without a specification."""
    silent = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in functions(ast.parse(path.read_text(encoding="utf-8")))
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_every_rule_says_what_must_be():
    """What was refused is told as ``field: must be ..., got value``, whichever layer refuses it."""
    others = [
        f"{path.relative_to(SOURCE)}:{keyword.value.lineno}: {words}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("Invalid")
        for keyword in node.keywords
        if keyword.arg == "rule" and (words := beginning(keyword.value)) and not words.startswith("must ")
    ]
    assert others == []


def beginning(text: ast.expr) -> str:
    """How a text begins that is written out in the source; nothing where it is computed."""
    first = text.values[0] if isinstance(text, ast.JoinedStr) else text.left if isinstance(text, ast.BinOp) else text
    return first.value if isinstance(first, ast.Constant) else ""
