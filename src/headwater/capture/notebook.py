"""Runs a notebook as a program: the code cells of an ``.ipynb`` file, in order, in the folder of the notebook.

What a cell prints is printed; what a front end would draw (the value of a cell, ``display``, figures) is not. If
IPython is installed, magics, shell lines and names such as ``_`` and ``Out`` work
(``headwater.capture.notebook_shell``). Without it, cells must be
plain Python; magics that only choose how figures are shown are ignored, others are refused with a message that names
the cell.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from types import CodeType, TracebackType
from typing import TYPE_CHECKING, Any, Final

from headwater.capture import api
from headwater.capture.notebook_cells import Notebook
from headwater.capture.notebook_file import Cell, cells_of
from headwater.model.patterns import lazy_pattern

if TYPE_CHECKING:
    from headwater.capture.notebook_shell import Shell
    from headwater.capture.script import Program

_OF_LOOKS: Final = lazy_pattern(r"[ \t]*%(?:matplotlib|config[ \t]+\w*Backend)\b")
"""Line magics that choose how figures are shown. They are ignored: no figures are shown here."""


def notebook_program(place: Path, arguments: Sequence[str], project: Path) -> Program:
    """``headwater run analysis.ipynb``."""
    from headwater.capture.script import Program

    absolute = place.absolute()
    return Program(
        name=api.script_name(place, project),
        argv=[str(place), *arguments],
        path0=os.path.dirname(os.path.realpath(absolute)),  # noqa: PTH120 - text in, text out
        file=None,  # as under a kernel; code that looks for it means a script
        script=absolute,
        load=lambda: compile("", str(absolute), "exec"),
        body=lambda _code, names: run_cells(read_cells(absolute), names, str(place), absolute.parent),
    )


def read_cells(path: Path) -> list[Cell]:
    """The code cells, in order. Exits with code 2 if the file is not a Python notebook."""
    try:
        document = json.loads(path.read_bytes())
        language = str(document.get("metadata", {}).get("kernelspec", {}).get("language") or "python")
        cells = cells_of(document)
    except OSError as error:
        sys.stderr.write(f"{path}: {os.strerror(error.errno or 2)}\n")
        raise SystemExit(2) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        sys.stderr.write(f"{path} is no notebook of format 3 or 4: it has no list of cells\n")
        raise SystemExit(2) from None
    if not language.lower().startswith("python"):
        sys.stderr.write(f"{path} is a notebook in {language}, not in Python\n")
        raise SystemExit(2)
    return cells


def run_cells(cells: Sequence[Cell], names: dict[str, Any], title: str, folder: Path) -> None:
    """Run cells in order, in one namespace, with ``folder`` as the working folder, as a notebook server does."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _with_lines
    os.chdir(folder)
    shell = _shell()
    notebook = Notebook(title)
    for number, cell in enumerate(cells, 1):
        if not cell.source.strip():
            continue
        try:
            source = shell.transformed(cell.source) if shell is not None else _without_magics(cell.source, number)
            timed = shell.timed(cell.source) if shell is not None else ""
            codes = notebook.add(number, source, timed, is_shown=shell is not None)
            with shell.running(cell.source, source) if shell is not None else nullcontext():
                _run_cell(codes, names)
        except Exception:
            if not cell.may_raise:
                raise
            traceback.print_exc()
        if shell is not None and shell.is_left:
            break


def _run_cell(codes: Sequence[CodeType], names: dict[str, Any]) -> None:
    for code in codes:
        if code.co_flags & inspect.CO_COROUTINE:  # it has an ``await`` at the top level
            _loop().run_until_complete(eval(code, names))  # noqa: S307 - running the user's program is the purpose
        else:
            exec(code, names)  # noqa: S102 - as above


_loops: list[asyncio.AbstractEventLoop] = []


def _loop() -> asyncio.AbstractEventLoop:
    """The event loop that all cells share."""
    if not _loops:
        _loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(_loops[0])
    return _loops[0]


def _shell() -> Shell | None:
    """The shell that runs magics; None without IPython."""
    try:
        import IPython  # noqa: F401 - the test for its presence
    except ImportError:
        return None
    from headwater.capture.notebook_shell import Shell

    return Shell(sys.modules["__main__"])


def _without_magics(cell: str, number: int) -> str:
    lines = []
    for line in cell.splitlines(keepends=True):
        if _OF_LOOKS.match(line):
            line = "pass\n"  # noqa: PLW2901 - replaced, so that line numbers stay
        elif line.lstrip().startswith(("%", "!")):
            sys.stderr.write(
                f"cell {number} uses {line.strip().split()[0]!r}, which needs IPython: pip install ipython\n"
            )
            raise SystemExit(2)
        lines.append(line)
    return "".join(lines)


def _with_lines(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print a traceback with the lines of cells. Before Python 3.13 the default hook looks for them in files only."""
    traceback.print_exception(kind, error, trace)
