"""Notebooks as programs: the code cells of an ``.ipynb`` file, run in order.

With IPython installed each cell is run by it, magics and shell lines included, without display of results; without it
the cells are plain Python, and a magic is refused with a message that names the cell.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, TracebackType
from typing import TYPE_CHECKING, Any

from headwater.capture import api

if TYPE_CHECKING:
    from headwater.capture.script import Program


def notebook_program(place: Path, arguments: Sequence[str], project: Path) -> Program:
    """``headwater run analysis.ipynb``."""
    from headwater.capture.script import Program

    absolute = place.absolute()
    return Program(
        name=api.script_name(place, project),
        argv=[str(place), *arguments],
        path0=os.path.dirname(os.path.realpath(absolute)),  # noqa: PTH120
        file=str(absolute),
        script=absolute,
        load=lambda: compile("", str(absolute), "exec"),
        body=lambda _code, names: run_cells(read_cells(absolute), names, str(place)),
    )


def read_cells(path: Path) -> list[str]:
    """The sources of the code cells, in order. Leaves with exit code 2 when the file is no notebook."""
    try:
        document = json.loads(path.read_bytes())
        cells = document["cells"]
        sources = [cell["source"] for cell in cells if cell.get("cell_type") == "code"]
    except OSError as error:
        sys.stderr.write(f"{path}: {os.strerror(error.errno or 2)}\n")
        raise SystemExit(2) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        sys.stderr.write(f"{path} is no notebook of format 4: it has no list of cells\n")
        raise SystemExit(2) from None
    return ["".join(source) if isinstance(source, list) else str(source) for source in sources]


def run_cells(cells: Sequence[str], names: dict[str, Any], title: str) -> None:
    """Run cells in order, in one namespace."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _with_lines
    transform = _magic_reader()
    for number, cell in enumerate(cells, 1):
        if not cell.strip():
            continue
        source = transform(cell) if transform is not None else _without_magics(cell, number)
        code: CodeType = compile(source, f"<{title} cell {number}>", "exec", dont_inherit=True)
        _remember_source(f"<{title} cell {number}>", source)
        if transform is not None:
            names.setdefault("get_ipython", _shell)
        exec(code, names)  # noqa: S102 - running the user's program is the purpose


def _magic_reader() -> Any:
    """What turns a cell with magics into Python; None without IPython."""
    try:
        from IPython.core.inputtransformer2 import TransformerManager
    except ImportError:
        return None
    return TransformerManager().transform_cell


def _shell() -> Any:
    """The IPython shell that magics run in, made when the first is met."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.user_ns = sys.modules["__main__"].__dict__
    return shell


def _without_magics(cell: str, number: int) -> str:
    for line in cell.splitlines():
        if line.lstrip().startswith(("%", "!")):
            sys.stderr.write(
                f"cell {number} uses {line.strip().split()[0]!r}, which needs IPython: pip install ipython\n"
            )
            raise SystemExit(2)
    return cell


def _with_lines(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show the lines of cells too: the interpreter's own hook looks for them in files (before Python 3.13)."""
    import traceback

    traceback.print_exception(kind, error, trace)


def _remember_source(name: str, source: str) -> None:
    """Let tracebacks and ``inspect`` find the lines of a cell."""
    import linecache

    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
