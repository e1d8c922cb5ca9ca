"""Regular expressions that are compiled when they are first used.

A captured program loads a hundred of ours, and a program needs half of them at most: to compile all would take longer
than to load the code around them.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, Final, cast

_METHODS: Final = ("search", "match", "fullmatch", "findall", "finditer", "split", "sub")


def lazy_pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """A pattern as of ``re.compile``, which raises only when it is used if ``text`` is wrong."""
    return cast("re.Pattern[AnyStr]", LazyPattern(text, flags))


class LazyPattern:
    """What ``lazy_pattern`` returns: has all attributes of a compiled pattern."""

    def __init__(self, text: str | bytes, flags: int) -> None:
        self._given: tuple[Any, int] = (text, flags)

    def __getattr__(self, name: str) -> Any:
        compiled = re.compile(*self._given)
        vars(self).update((method, getattr(compiled, method)) for method in _METHODS)  # found at once from now on
        return getattr(compiled, name)
