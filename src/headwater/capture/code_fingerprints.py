"""Fingerprints of code: of a function with everything it refers to, and of a script.

There are two digests, because neither is enough alone. ``bytecode`` takes some ten microseconds and changes with any
change of behaviour, but differs between Python versions: it tells whether code has to be examined again. ``source`` is
the digest of the syntax tree without docstrings, the same on all versions and machines, and ignores comments and
layout: it is what is recorded. The source itself is returned only on request.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import types
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from headwater.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    import ast

_MOST_REFERENCES = 200
_DEEPEST_CONSTANT = 6


class CodeFingerprint(Struct, frozen=True, kw_only=True):
    """Digest of a function or script.

    ``bytecode`` (SHA-256) is valid for one Python version, named by ``python``; for a script it is a digest of
    everything its bytecode is made from. ``source`` (SHA-256 of the syntax tree) is None if the source cannot be read.
    ``references`` are the functions of the user's own code that are included, ``text`` the source if it was asked for.
    """

    name: str
    bytecode: str
    python: str
    source: str | None = None
    path: str | None = None
    line: int | None = None
    references: tuple[str, ...] = ()
    text: str | None = None


def bytecode_digest(function: Callable[..., Any]) -> str:
    """SHA-256 over the bytecode of a function, of what it closes over and of the user's functions that it names.

    Line numbers, file names, comments and layout are ignored. Code other than the user's own (the standard library,
    installed packages) counts by name.

    Raises:
        InvalidInput: the function has no bytecode.
    """
    hasher = hashlib.sha256()
    for name, code, extra in _parts(_function_of(function)):
        hasher.update(b"\0%s\0%s\0%s" % (name.encode(), _code_digest(code), extra))
    return hasher.hexdigest()


def code_fingerprint(function: Callable[..., Any], *, source: bool = True, text: bool = False) -> CodeFingerprint:
    """Fingerprint of a function, method, partial or class instance with ``__call__``.

    The digest of the syntax tree takes milliseconds: pass ``source=False`` on the user's thread. ``text=True`` also
    returns the source, followed by that of the user's functions that are included.

    Raises:
        InvalidInput: the function has no bytecode.
    """
    plain = _function_of(function)
    parts = list(_parts(plain))
    tree = _tree_digest(code for _, code, _ in parts) if source else None
    return CodeFingerprint(
        name=f"{plain.__module__}.{plain.__qualname__}",
        bytecode=bytecode_digest(function),
        python=_python(),
        source=tree,
        path=plain.__code__.co_filename,
        line=plain.__code__.co_firstlineno,
        references=tuple(name for name, _, _ in parts[1:]),
        text=_text_of(code for _, code, _ in parts) if text else None,
    )


def script_fingerprint(path: str | os.PathLike[str], *, text: bool = False) -> CodeFingerprint:
    """Fingerprint of a whole script or module. If it is not valid Python, both digests are that of its bytes.

    Raises:
        NotFound: there is no such file.
        InvalidInput: the file cannot be read.
    """
    from headwater.capture.source_analysis.parser import syntax_tree

    place = Path(path)
    try:
        raw = place.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(str(place), hint="give the path of a script") from error
    except OSError as error:
        raise InvalidInput(field="path", value=str(place), rule="must be a readable file") from error
    try:
        tree = syntax_tree(_decode(raw))
        # Compiling it again would repeat warnings, so the bytecode is represented by the tree, docstrings included.
        bytecode = hashlib.sha256(f"{_python()}\0{_dump(tree)}".encode("utf-8", "surrogatepass")).hexdigest()
        source = _dump_digest([tree])
    except (SyntaxError, ValueError, RecursionError):
        bytecode = source = hashlib.sha256(raw).hexdigest()
    return CodeFingerprint(
        name=place.stem,
        bytecode=bytecode,
        python=_python(),
        source=source,
        path=str(place),
        text=_readable(raw) if text else None,
    )


def _python() -> str:
    return f"{sys.implementation.name}-{sys.version_info.major}.{sys.version_info.minor}"


def _decode(raw: bytes) -> str:
    """Text of a source file in the encoding that it declares; raises ``SyntaxError`` or ``UnicodeDecodeError``."""
    import tokenize

    lines = iter(raw.splitlines(keepends=True))
    encoding, _ = tokenize.detect_encoding(lambda: next(lines, b""))
    return raw.decode(encoding)


def _readable(raw: bytes) -> str:
    """Text of a source file, decoded as UTF-8 with replacements if its declared encoding fails."""
    try:
        return _decode(raw)
    except (SyntaxError, UnicodeDecodeError):
        return raw.decode("utf-8", "replace")


def _function_of(function: Any) -> types.FunctionType:
    """The plain function behind wrappers, partials, methods and callable objects."""
    for _ in range(20):
        if isinstance(function, types.FunctionType):
            wrapped = getattr(function, "__wrapped__", None)
            if wrapped is None:
                return function
            function = wrapped
        elif isinstance(function, functools.partial | functools.partialmethod):
            function = function.func
        elif isinstance(function, types.MethodType | classmethod | staticmethod):
            function = function.__func__
        elif isinstance(function, type):
            function = function.__dict__.get("__call__") or function.__dict__.get("__init__")
        elif isinstance(getattr(function, "__wrapped__", None), Callable):  # type: ignore[arg-type]
            function = function.__wrapped__
        else:
            function = next(
                (vars(base)["__call__"] for base in type(function).__mro__ if "__call__" in vars(base)), None
            )
    raise InvalidInput(
        field="function",
        value=type(function).__qualname__,
        rule="must be written in Python",
        hint="pass the function that calls it",
    )


def _parts(function: types.FunctionType) -> Iterable[tuple[str, types.CodeType, bytes]]:
    """The function, then the user's functions it refers to: name, code, and a digest input of defaults and
    constants."""
    waiting: list[types.FunctionType] = [function]
    seen = {id(function.__code__)}
    while waiting and len(seen) <= _MOST_REFERENCES:
        referrer = waiting.pop(0)
        values = list(_referred(referrer))
        extra = _values(referrer, values)
        yield f"{referrer.__module__}.{referrer.__qualname__}", referrer.__code__, extra
        for found in _functions_in(values):
            if id(found.__code__) not in seen and _is_own(found.__code__):
                seen.add(id(found.__code__))
                waiting.append(found)


def _referred(function: types.FunctionType) -> Iterable[tuple[str, Any]]:
    """The names that the function uses, with their values: its closure, then its globals."""
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
        try:
            yield name, cell.cell_contents
        except ValueError:  # the cell is still empty
            continue
    for name in _global_names(code):
        if name in function.__globals__:
            yield name, function.__globals__[name]


@functools.lru_cache(maxsize=4096)
def _global_names(code: types.CodeType) -> tuple[str, ...]:
    """Names in the code and in the functions, comprehensions and classes inside it."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names.update(_global_names(constant))
    return tuple(sorted(names))


def _functions_in(values: Iterable[tuple[str, Any]]) -> Iterable[types.FunctionType]:
    """The functions among the values, and the methods of classes among them."""
    for _, value in values:
        if isinstance(value, types.FunctionType):
            yield _unwrapped(value)
        elif isinstance(value, types.MethodType) and isinstance(value.__func__, types.FunctionType):
            yield value.__func__
        elif isinstance(value, type):
            for member in vars(value).values():
                plain = getattr(member, "__func__", getattr(member, "fget", member))
                if isinstance(plain, types.FunctionType):
                    yield plain


def _unwrapped(function: types.FunctionType) -> types.FunctionType:
    """The function behind decorators that set ``__wrapped__``."""
    for _ in range(20):
        inner = getattr(function, "__wrapped__", None)
        if not isinstance(inner, types.FunctionType):
            break
        function = inner
    return function


@functools.lru_cache(maxsize=4096)
def _is_own_file(filename: str) -> bool:
    """Whether a file is the user's own: neither installed nor part of Python."""
    if filename.startswith("<"):
        # Notebook cells and interactive input are the user's; frozen modules are Python's.
        return not filename.startswith("<frozen")
    parts = Path(filename).parts
    if "site-packages" in parts or "dist-packages" in parts:
        return False
    return not filename.startswith(os.path.dirname(os.__file__) + os.sep)  # noqa: PTH120 - no resolving wanted


def _is_own(code: types.CodeType) -> bool:
    return _is_own_file(code.co_filename)


def _values(function: types.FunctionType, referred: Iterable[tuple[str, Any]]) -> bytes:
    """The defaults of the function and the plain constants it refers to, because they change what it does."""
    named = [(name, value) for name, value in referred if isinstance(value, bool | int | float | str | bytes | tuple)]
    defaults = [*(function.__defaults__ or ()), *sorted((function.__kwdefaults__ or {}).items())]
    return _constant([tuple(defaults), tuple(named)], 0)


@functools.lru_cache(maxsize=4096)
def _code_digest(code: types.CodeType) -> bytes:
    """SHA-256 of instructions, names and constants, recursively, without positions in files."""
    hasher = hashlib.sha256(code.co_code)
    hasher.update(
        repr((code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags, code.co_names)).encode()
    )
    hasher.update(repr((code.co_varnames, code.co_freevars, code.co_cellvars)).encode())
    hasher.update(getattr(code, "co_exceptiontable", b""))
    line = code.co_firstlineno if "__firstlineno__" in code.co_names else None
    for constant in code.co_consts:
        hasher.update(_constant(None if constant == line else constant, 0))
    return hasher.digest()


def _constant(value: object, depth: int) -> bytes:
    """A constant as bytes that differ by type and do not depend on the order of sets or on addresses."""
    if isinstance(value, types.CodeType):
        return b"C" + _code_digest(value)
    if depth > _DEEPEST_CONSTANT:
        return b"..."
    if isinstance(value, tuple | list):
        return b"(" + b",".join(_constant(item, depth + 1) for item in value) + b")"
    if isinstance(value, frozenset | set):
        return b"{" + b",".join(sorted(_constant(item, depth + 1) for item in value)) + b"}"
    if value is None or isinstance(value, bool | int | float | complex | str | bytes) or value is ...:
        return f"{type(value).__name__}:{value!r}".encode("utf-8", "surrogatepass")
    return f"<{type(value).__module__}.{type(value).__qualname__}>".encode()


def _source_of(code: types.CodeType) -> str | None:
    """Source lines of a code object, or None if they are not available."""
    import inspect
    import textwrap
    import tokenize

    if code.co_filename == "<string>":
        return None  # since Python 3.13 inspect would return the text of python -c for any code of this name
    try:
        return textwrap.dedent(inspect.getsource(code))
    except (OSError, TypeError, IndentationError, SyntaxError, tokenize.TokenError):
        return None


def _text_of(codes: Iterable[types.CodeType]) -> str | None:
    """The source of a function, followed by those of the functions it refers to; None if its own is not available."""
    first, *rest = (_source_of(code) for code in codes)
    return None if first is None else "\n\n".join([first, *(text for text in rest if text is not None)])


def _tree_digest(codes: Iterable[types.CodeType]) -> str | None:
    """SHA-256 over the syntax trees of the sources, or None if any of them cannot be read."""
    import ast

    from headwater.capture.source_analysis.parser import syntax_tree

    trees: list[ast.AST] = []
    for code in codes:
        source = _source_of(code)
        if source is None:
            return None
        try:
            trees.append(syntax_tree(source))
        except SyntaxError:
            # A lambda in the middle of an expression, or lines of a chained call: use the text instead.
            trees.append(ast.Constant(value=" ".join(source.split())))
    return _dump_digest(trees)


def _dump_digest(trees: Iterable[ast.AST]) -> str:
    """SHA-256 over syntax trees without docstrings, which are removed in place."""
    import ast

    hasher = hashlib.sha256()
    for tree in trees:
        for node in ast.walk(tree):
            _drop_docstring(node)
            _drop_empty_texts(node)
        hasher.update(_dump(tree).encode("utf-8", "surrogatepass"))
        hasher.update(b"\0")
    return hasher.hexdigest()


def _dump(node: object) -> str:
    """The tree as text, without empty fields, because Python versions differ in which of those they have."""
    import ast

    if isinstance(node, ast.AST):
        fields = (
            f"{name}={_dump(value)}"
            for name, value in sorted(ast.iter_fields(node))
            if value is not None and value != [] and name not in ("type_comment", "kind", "ctx")
        )
        return f"{type(node).__name__}({','.join(fields)})"
    if isinstance(node, list):
        return f"[{','.join(map(_dump, node))}]"
    return repr(node)


def _drop_empty_texts(node: ast.AST) -> None:
    """Remove the empty strings that the first releases of Python 3.12 put around a format such as ``{x:{y}}``."""
    import ast

    if isinstance(node, ast.JoinedStr):
        node.values = [part for part in node.values if not (isinstance(part, ast.Constant) and part.value == "")]


def _drop_docstring(node: ast.AST) -> None:
    """Remove a docstring; if it was all of the body, leave ``pass``."""
    import ast

    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or not node.body:
        return
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        node.body[:1] = [] if len(node.body) > 1 else [ast.Pass()]
