"""Numbers for code objects, as keys of what is remembered for lines of code.

The hash of a code object is computed from all that is in it whenever it is looked up: for the module of a program with
five hundred lines that takes ten microseconds, at each operation of the user.
"""

from __future__ import annotations

from itertools import count
from types import CodeType
from typing import Final

_MOST: Final = 4_096
_by_id: Final[dict[int, tuple[CodeType, int]]] = {}
"""By the ``id()`` of the code, which is kept alive meanwhile."""
_numbers: Final[dict[CodeType, int]] = {}
_next: Final = count(1).__next__


def number_of(code: CodeType | None) -> int:
    """The number of a code object: the same for equal ones, such as a cell that is run again; 0 for None. In a program
    that makes thousands of code objects, they get new numbers now and then."""
    if code is None:
        return 0
    known = _by_id.get(id(code))
    if known is not None and known[0] is code:
        return known[1]
    if len(_by_id) >= _MOST:
        _by_id.clear()
        _numbers.clear()
    number = _numbers.setdefault(code, _next())
    _by_id[id(code)] = code, number
    return number
