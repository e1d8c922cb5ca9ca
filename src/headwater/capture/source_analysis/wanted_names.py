"""What the search for the origin of an array looks for next: a name, above a line of some code."""

from __future__ import annotations

import ast
from types import CodeType
from typing import NamedTuple

from headwater.capture.source_analysis.bindings import Called


class Wanted(NamedTuple):
    """A name whose binding above a line is searched."""

    code: CodeType
    name: str
    is_operand: bool
    before: int
    origin: int
    """The line that uses the array, from which the name was reached."""
    mentions: frozenset[str]
    called: Called | None = None
    """The place from which the function was called that made the object; None for a running function."""
    is_collected: bool = False
    """Whether the objects of all iterations of a loop are wanted, because they were put into a list or dictionary."""
    loop: ast.stmt | None = None
    """The loop in which they were, if it stands in this code."""
    keeps_columns: bool = True
    """Whether the statements between kept the columns of the matrix."""
