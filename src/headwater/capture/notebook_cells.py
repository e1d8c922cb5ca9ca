"""The cells of a notebook as one program, for the analysis of the user's source.

Each cell is compiled separately, so that a traceback names it. But a name bound in one cell is used in the next, so the
analysis (``source_analysis``) needs all statements in the order in which they ran. Each position in a cell is therefore
mapped to a position in the text of all cells so far, under one code object that represents the whole notebook.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Collection
from sys import _getframe
from types import CodeType, FrameType

from headwater.capture.source_analysis.shared_lines import part_of_line
from headwater.capture.user_code import user_frame

_wholes: dict[CodeType, tuple[CodeType, int]] = {}
"""The code object of a cell to that of its notebook, and the number of lines above the cell."""
_cells: dict[CodeType, list[CodeType]] = {}
"""The code object of a notebook to those of its cells that have run, or begun to."""


_files: dict[str, str] = {}
"""The file name of a cell to that of its notebook."""
_timed: list[tuple[CodeType, int]] = []
"""The running notebook, and the number of lines above its current cell, if that is under ``%%time``; else empty."""


class Notebook:
    """A notebook that is being run, cell by cell."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._whole = compile("", f"<{title}>", "exec", dont_inherit=True)
        self._lines: list[str] = []
        _cells[self._whole] = []

    def add(self, number: int, source: str, timed: str = "", *, is_shown: bool = False) -> list[CodeType]:
        """Compile the next cell, and make its lines available to tracebacks, ``inspect`` and our own analysis.

        ``await`` is allowed at its top level. ``timed`` is the code of a cell under ``%%time``, which IPython compiles.
        If it ``is_shown``, an expression at the end is a part of its own, whose value goes to ``sys.displayhook``.
        """
        name = f"<{self._title} cell {number}>"
        linecache.cache[name] = (len(source), None, _lines(source), name)
        tree = compile(source, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST, dont_inherit=True)
        last = tree.body.pop() if is_shown and tree.body and isinstance(tree.body[-1], ast.Expr) else None
        codes = [_compiled(tree, name, "exec")] if tree.body or last is None else []
        codes += [_compiled(ast.Interactive([last]), name, "single")] if last is not None else []
        for code in codes:
            _wholes[code] = self._whole, len(self._lines)
        _cells[self._whole] += codes
        _timed[:] = [(self._whole, len(self._lines))] if timed else []
        self._lines += _lines(timed or source)
        whole = _files[name] = self._whole.co_filename
        linecache.cache[whole] = (len(self._lines), None, self._lines, whole)
        return codes


def _compiled(tree: ast.Module | ast.Interactive, name: str, mode: str) -> CodeType:
    code: CodeType = compile(tree, name, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    return code


def _lines(source: str) -> list[str]:
    return [line if line.endswith("\n") else line + "\n" for line in source.splitlines(keepends=True)]


def whole(code: CodeType, line: int) -> tuple[CodeType, int]:
    """A position in a cell as a position in the whole notebook; any other position unchanged."""
    if not _cells:
        return code, line
    found = _wholes.get(code)
    if found is None and _is_timed(code):
        found = _wholes[code] = _timed[0]
        _cells[found[0]].append(code)
    return (found[0], found[1] + line) if found is not None else (code, line)


def _is_timed(code: CodeType) -> bool:
    """Whether IPython compiled the code for ``%%time``."""
    return bool(_timed) and code.co_name == "<module>" and code.co_filename in ("<timed exec>", "<timed eval>")


def parts_of(code: CodeType) -> Collection[CodeType]:
    """The code objects that a code object represents: the cells of a notebook, otherwise itself."""
    return _cells.get(code, (code,)) if _cells else (code,)


def file_of(code: CodeType) -> str:
    """The file name of a function: that of the whole notebook if it is defined in a cell."""
    return _files.get(code.co_filename, code.co_filename)


def user_place(depth: int) -> tuple[CodeType | None, int]:
    """As ``user_site``, but as a position in the analysis."""
    try:
        frame = user_frame(_getframe(depth))
    except ValueError:
        return None, 0
    return place_of(frame)


def place_of(frame: FrameType) -> tuple[CodeType, int]:
    """Where a frame is, as a position in the analysis: in the whole notebook for a cell, and of its statement if
    several stand on its line."""
    code = frame.f_code
    source, line = whole(code, frame.f_lineno or 0)
    return source, part_of_line(code, frame.f_lasti, source.co_filename, line)


def position_of(code: CodeType, line: int, instruction: int) -> int:
    """The position in the analysis of an instruction of a code object, which is on that line of it."""
    source, line = whole(code, line)
    return part_of_line(code, instruction, source.co_filename, line)
