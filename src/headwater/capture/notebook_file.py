"""Reads the code cells of an ``.ipynb`` file, in order."""

from __future__ import annotations

from typing import Any, NamedTuple


class Cell(NamedTuple):
    """The source of a code cell. ``may_raise``: it is tagged ``raises-exception``, and the notebook goes on after
    it."""

    source: str
    may_raise: bool = False


def cells_of(document: dict[str, Any]) -> list[Cell]:
    """The code cells of a notebook in format 4, or 3 (with worksheets).

    Raises ``KeyError``, ``TypeError`` or ``AttributeError`` if the document is something else.
    """
    sheets = document.get("worksheets", [document])
    found = []
    for cell in [cell for sheet in sheets for cell in sheet["cells"]]:
        if cell.get("cell_type") == "code":
            source = cell["source"] if "source" in cell else cell["input"]
            tags = cell.get("metadata", {}).get("tags") or ()
            text = "".join(source) if isinstance(source, list) else str(source)
            found.append(Cell(text, "raises-exception" in tags))
    return found
