"""The operations of values that nobody saw being made: what is known of them was concluded."""

from __future__ import annotations

from typing import Final

GUESSED: Final = "unseen"
"""The operation of a value guessed from an array's length. What the code shows takes precedence."""

FROM_CODE: Final = "code"
"""The operation of a value inferred from the code."""

SUPPOSED: Final = frozenset((GUESSED, FROM_CODE))
"""Both of them."""
