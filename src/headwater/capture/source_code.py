"""The source code of a job as the standard ``sourceCode`` facet: a script, a module, notebook cells, a step.

The redactor masks the secrets in it, whoever wrote the facet, and cuts it to size. In addition to the standard's
members it has ``is_cut`` and ``sha256``, the digest of the code (as in ``headwater_code``), by which the text of a run
is found.
"""

from __future__ import annotations

import io
import json
import tokenize
from pathlib import Path
from typing import Any, Final

from headwater.capture.notebook_file import cells_of

MAX_BYTES: Final = 256 * 1024
"""Bytes of text that are kept at most."""

_AROUND_PYTHON: Final = frozenset(("%%time", "%%timeit", "%%capture", "%%prun"))
"""Cell magics whose cell is still Python."""
_MOST_READ: Final = 8 * MAX_BYTES


def source_facet(text: str, sha256: str) -> dict[str, Any]:
    """The body of the facet; empty if there is no text, or far too much."""
    if not text.strip() or len(text) > _MOST_READ:
        return {}
    return {"language": "python", "sourceCode": text, "sha256": sha256}


def text_of_file(path: Path, raw: bytes) -> str:
    """The program text in a script or notebook; empty if it cannot be read."""
    try:
        if path.suffix == ".ipynb":
            return _text_of_cells(json.loads(raw))
        return _decoded(raw)
    except (SyntaxError, UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError):
        return ""


def _decoded(raw: bytes) -> str:
    encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
    return raw.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")


def _text_of_cells(document: dict[str, Any]) -> str:
    """The code cells, one after the other, each under a comment with its number; magics as comments."""
    parts = [
        f"# %% cell {number}\n{_plain_cell(cell.source)}\n"
        for number, cell in enumerate(cells_of(document), 1)
        if cell.source.strip()
    ]
    return "\n".join(parts)


def _plain_cell(text: str) -> str:
    """A cell as plain Python. Cells in another language, or that cannot be tokenised, are not kept, because secrets in
    them could not be recognised."""
    text = text.rstrip()
    first, *rest = text.lstrip().splitlines()
    if first.split()[0] in _AROUND_PYTHON:
        text = "\n".join([f"# {first.split()[0]} ...", *rest])
    elif first.startswith("%%"):
        return f"# {first.split()[0]} ...  (a cell of another kind: not kept)"
    plain = "\n".join(_plain_line(line) for line in text.splitlines())
    try:
        list(tokenize.generate_tokens(io.StringIO(plain + "\n").readline))
    except (tokenize.TokenError, SyntaxError):
        return "# (a cell that is no plain Python: not kept)"
    return plain


def _plain_line(line: str) -> str:
    """A line of Python unchanged; only the first word of a magic or shell line."""
    code = line.lstrip()
    if not code.startswith(("%", "!")):
        return line
    return f"{line[: len(line) - len(code)]}pass  # {code.split()[0]} ..."


def cut(text: str) -> str | None:
    """The first lines that fit into ``MAX_BYTES``; None if all do."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= MAX_BYTES:
        return None
    head = raw[:MAX_BYTES].decode("utf-8", "ignore")
    return head[: head.rfind("\n") + 1] or head
